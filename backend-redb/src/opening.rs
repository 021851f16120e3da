//! From a path to an open database: nothing is changed before the file is known as ours and its format read.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use redb::{
    Builder, ConcurrencyMode, Database, DatabaseError, ReadOnlyDatabase, ReadableDatabase, ReadableTable,
    UntypedTableHandle, WriteTransaction,
};
use tooltally_core::ledger::{LogRow, Tree};
use tooltally_core::{OpenOptions, Position, Result};

use crate::error::{self, COMMIT, MIGRATE, OPEN, READ, WRITE};
use crate::file::{self, StoreFile};
use crate::guard::Guard;
use crate::making;
use crate::migration::{self, Content, Migrations};
use crate::pages::{MAGIC, REDB_MAGIC};
use crate::schema::{FIRST_FORMAT, FORMAT_TABLE, LOG, NUMBERS, TEXTS, tree};
use crate::site::Site;
use tooltally_core::ledger::Patience;

/// The memory that one open store may use for pages, read and written together.
const CACHE_BYTES: usize = 16 << 20;

/// The memory for the look at a file's format.
const SMALL_CACHE_BYTES: usize = 1 << 20;

/// Who comes anew gives way for so long to the process that is the next to write: long enough for that one to wake
/// up, and not for ever, should it have been stopped.
const LONGEST_YIELDING: Duration = Duration::from_millis(50);

/// What a redb database without our tables is.
const FOREIGN: &str = "it is another program's redb database";

/// An open database.
pub(crate) enum Opened {
    /// For reading and writing.
    Writable(Database),
    /// For reading alone: the file allows no more.
    ReadOnly(ReadOnlyDatabase),
}

/// An open database and the file beneath it.
pub(crate) struct Handle {
    pub(crate) opened: Opened,
    pub(crate) file: StoreFile,
    /// Whether other processes share it: then every commit leaves the file as the next one needs it, and closing
    /// need not write.
    shared: bool,
}

/// How a database is shared.
pub(crate) fn mode(options: &OpenOptions) -> ConcurrencyMode {
    if options.is_exclusive() { ConcurrencyMode::ExclusiveWriter } else { ConcurrencyMode::MultiWriter }
}

/// Opens the store at a path as the options say.
///
/// # Errors
/// As [`RedbStore::open_with`](crate::RedbStore::open_with).
pub(crate) fn open(site: &Site, options: &OpenOptions, migrations: Migrations, guard: &Guard) -> Result<Handle> {
    let path = site.path();
    let mut patience = Patience::new(options.longest_wait());
    let (probe, writable) = open_file(path, options)?;
    let mut is_left: fn(u8) -> bool = file::is_left_unclean;
    let mut was_refused = false;
    let content = loop {
        match look(path, &probe, is_left)? {
            Look::Blank => break Content::Empty,
            Look::Unclean(format) => {
                expect(format, writable, options, migrations)?;
                if !writable {
                    return Err(error::read_only());
                }
                // redb mends it. Then it is as any other.
                close(open_writable(site, options, guard, &mut patience)?, guard)?;
                is_left = file::is_left_unclean;
            }
            Look::Database => {
                let reader = match open_read_only(site, options, guard, &mut patience) {
                    // A writer was killed between the two looks; or the power failed before a writer's mark
                    // that its commit is on the disk was there too.
                    Err(failure)
                        if failure.is_corrupt() && look(path, &probe, file::is_left_unflushed)?.is_unclean() =>
                    {
                        is_left = file::is_left_unflushed;
                        continue;
                    }
                    // Or another process has mended it between the two looks: then it is as any other.
                    Err(failure) if failure.is_corrupt() && !was_refused && !guard.is_broken() => {
                        was_refused = true;
                        continue;
                    }
                    reader => reader?,
                };
                match content(&reader, guard) {
                    Ok(Content::Store(format)) if !writable && migrations.is_newest(format).is_ok_and(|is| is) => {
                        return Ok(reader);
                    }
                    content => {
                        close(reader, guard)?;
                        break content?;
                    }
                }
            }
        }
    };
    match content {
        Content::Foreign => return Err(error::not_a_store(path, FOREIGN)),
        // Whoever just makes it begins with an empty file.
        Content::Empty if !options.creates() => return Err(error::missing(path)),
        Content::Empty if !writable => return Err(error::read_only()),
        // Whoever made the file may have been killed before its name was on the disk.
        Content::Empty => make_file(path)?,
        Content::Store(format) => expect(format, writable, options, migrations)?,
    }
    let handle = open_writable(site, options, guard, &mut patience)?;
    let made_ready = match content {
        Content::Store(format) if format == migrations.newest() => Ok(()),
        _ => make_ready(path, &handle, options, migrations, guard, &mut patience),
    };
    if let Err(failure) = made_ready {
        // The failure that matters is the first one.
        let _ = close(handle, guard);
        return Err(failure);
    }
    // Whoever has brought it there: what this handle writes from now on is of that format.
    handle.file.name_format(migrations.newest());
    Ok(handle)
}

/// Refuses a newer format, and an older one that is not to be migrated or cannot be.
fn expect(format: u32, writable: bool, options: &OpenOptions, migrations: Migrations) -> Result<()> {
    if migrations.is_newest(format)? {
        return Ok(());
    }
    match () {
        () if !options.migrates() => Err(migrations.unsupported(format)),
        () if !writable => Err(error::cannot(MIGRATE)),
        () => Ok(()),
    }
}

/// Opens the file, made if missing and wanted; and whether it may be written.
fn open_file(path: &Path, options: &OpenOptions) -> Result<(File, bool)> {
    match fs::metadata(path) {
        Ok(metadata) => expect_file(path, &metadata)?,
        Err(failure) if failure.kind() == ErrorKind::NotFound && !options.creates() => {
            return Err(error::missing(path));
        }
        Err(failure) if failure.kind() == ErrorKind::NotFound => {
            make_file(path)?;
        }
        Err(failure) if failure.kind() == ErrorKind::NotADirectory => {
            return Err(error::not_a_store(path, "a part of its path is a file"));
        }
        Err(failure) => return Err(error::from_io(OPEN, failure)),
    }
    match File::options().read(true).write(true).open(path) {
        Ok(file) => Ok((file, true)),
        Err(failure) if matches!(failure.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            File::open(path).map(|file| (file, false)).map_err(|failure| error::from_io(OPEN, failure))
        }
        Err(failure) if failure.kind() == ErrorKind::NotFound => {
            Err(error::not_a_store(path, "it is a symbolic link that leads nowhere"))
        }
        Err(failure) => Err(error::from_io(OPEN, failure)),
    }
}

fn make_file(path: &Path) -> Result<()> {
    making::make_file(path).map_err(|failure| error::from_io("create the store", failure))
}

fn expect_file(path: &Path, metadata: &Metadata) -> Result<()> {
    if metadata.is_dir() {
        return Err(error::not_a_store(path, "it is a folder"));
    }
    if metadata.is_file() { Ok(()) } else { Err(error::not_a_store(path, "it is no regular file")) }
}

/// What a file is at first sight.
enum Look {
    /// Nothing yet.
    Blank,
    /// A database in the form of a store.
    Database,
    /// Such a one, of this format, that a writer left without closing it, and not whole; or is just writing.
    Unclean(u32),
}

impl Look {
    const fn is_unclean(&self) -> bool {
        matches!(self, Self::Unclean(_))
    }
}

/// Looks at a file's beginning; `is_left` says by its flags whether it is one to be mended.
fn look(path: &Path, mut file: &File, is_left: fn(u8) -> bool) -> Result<Look> {
    let mut beginning = Vec::new();
    let read = io::Seek::rewind(&mut file).and_then(|()| file.take(16).read_to_end(&mut beginning));
    read.map_err(|failure| error::from_io(OPEN, failure))?;
    if let Some(header) = beginning.strip_prefix(&MAGIC) {
        return match header {
            [flags, format, complement, ..] if is_left(*flags) => {
                if *format == !complement {
                    Ok(Look::Unclean(u32::from(*format)))
                } else {
                    Err(error::no_format())
                }
            }
            _ => Ok(Look::Database),
        };
    }
    if beginning.starts_with(&REDB_MAGIC) {
        return Err(error::not_a_store(path, FOREIGN));
    }
    if beginning.starts_with(b"SQLite format 3\0") {
        return Err(error::not_a_store(path, "it is an SQLite database"));
    }
    // Another process may just be making it: then redb's locks show the way.
    let blank =
        file.metadata().and_then(|metadata| file::is_blank(metadata.len(), |offset, out| read_at(file, offset, out)));
    if blank.map_err(|failure| error::from_io(OPEN, failure))? {
        return Ok(Look::Blank);
    }
    // It may have been finished between the two looks.
    let mut again = [0; MAGIC.len()];
    match read_at(file, 0, &mut again) {
        Ok(()) if again == MAGIC => Ok(Look::Database),
        _ => Err(error::not_a_store(path, "it begins as none does")),
    }
}

fn read_at(mut file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    file.read_exact(out)
}

/// Opens a database as soon as nobody keeps it from us.
fn open_when_free<T>(
    guard: &Guard,
    patience: &mut Patience,
    mut open: impl FnMut(Duration) -> Result<T, DatabaseError>,
) -> Result<T> {
    loop {
        let left = patience.left();
        let attempt = guard.call(OPEN, || match open(left) {
            Ok(opened) => Ok(Some(opened)),
            Err(DatabaseError::DatabaseAlreadyOpen) => Ok(None),
            Err(failure) => Err(failure),
        })?;
        match attempt {
            Some(opened) => return Ok(opened),
            None => patience.pause()?,
        }
    }
}

/// Opens a database to read it, as it is: nothing is mended.
pub(crate) fn open_read_only(
    site: &Site,
    options: &OpenOptions,
    guard: &Guard,
    patience: &mut Patience,
) -> Result<Handle> {
    let handle = open_when_free(guard, patience, |left| {
        let file = site.open(false, left)?;
        let mut builder = Builder::new();
        builder.set_concurrency_mode(ConcurrencyMode::MultiWriter).set_cache_size(SMALL_CACHE_BYTES);
        let opened = Opened::ReadOnly(builder.open_read_only_with_backend(file.clone())?);
        Ok(Handle { opened, file, shared: true })
    })?;
    handle.file.opened(options.longest_wait());
    Ok(handle)
}

fn open_writable(site: &Site, options: &OpenOptions, guard: &Guard, patience: &mut Patience) -> Result<Handle> {
    let handle = open_when_free(guard, patience, |left| {
        let file = site.open(true, left)?;
        let mut builder = Builder::new();
        builder.set_concurrency_mode(mode(options)).set_cache_size(CACHE_BYTES);
        let opened = Opened::Writable(builder.create_with_backend(file.clone())?);
        Ok(Handle { opened, file, shared: !options.is_exclusive() })
    })?;
    handle.file.opened(options.longest_wait());
    Ok(handle)
}

fn content(reader: &Handle, guard: &Guard) -> Result<Content> {
    let Opened::ReadOnly(database) = &reader.opened else { return Err(error::read_only()) };
    let transaction = guard.call(READ, || database.begin_read())?;
    let content = list_tables(guard, || transaction.list_tables())
        .and_then(|tables| migration::content(guard, &tables, &&transaction));
    guard.release(transaction);
    content
}

/// The position of the last row of the log, if that row is sound; 0 where there is none.
pub(crate) fn log_end(reader: &Handle, guard: &Guard) -> Result<Option<Position>> {
    let Opened::ReadOnly(database) = &reader.opened else { return Err(error::read_only()) };
    let transaction = guard.call(READ, || database.begin_read())?;
    let end = guard.call(READ, || {
        let log = transaction.open_table(LOG)?;
        let Some((position, row)) = log.last()? else { return Ok(Some(Position::START)) };
        let position = Position::new(position.value());
        Ok::<_, redb::Error>(LogRow::from_bytes(position, row.value()).is_ok().then_some(position))
    });
    guard.release(transaction);
    end
}

fn list_tables<I: Iterator<Item = UntypedTableHandle>>(
    guard: &Guard,
    list: impl FnOnce() -> Result<I, redb::StorageError>,
) -> Result<Vec<UntypedTableHandle>> {
    guard.call(READ, || list().map(Iterator::collect))
}

/// Closes a handle; one on which redb panicked is forgotten, and its file closed beneath it.
pub(crate) fn close(handle: Handle, guard: &Guard) -> Result<()> {
    if guard.is_broken() {
        handle.file.abandon();
        std::mem::forget(handle.opened);
        return Ok(());
    }
    if handle.shared {
        handle.file.leave_quietly();
    }
    guard.call(error::CLOSE, || match handle.opened {
        Opened::Writable(database) => database.close(),
        Opened::ReadOnly(database) => database.close(),
    })
}

/// Makes all tables, or migrates those that there are, and names the format; in one transaction, unless another
/// process was faster.
fn make_ready(
    path: &Path,
    handle: &Handle,
    options: &OpenOptions,
    migrations: Migrations,
    guard: &Guard,
    patience: &mut Patience,
) -> Result<()> {
    let transaction = begin(handle, guard, patience)?;
    let content = list_tables(guard, || transaction.list_tables())
        .and_then(|tables| migration::content(guard, &tables, &&transaction));
    let (from, made) = match content {
        Ok(Content::Empty) => {
            let make = || make_tables(&transaction).and_then(|()| migrations.run(&transaction, FIRST_FORMAT));
            (FIRST_FORMAT, guard.call(WRITE, make))
        }
        Ok(Content::Store(format)) if expect(format, true, options, migrations).is_ok() => {
            if format == migrations.newest() {
                guard.release(transaction);
                return Ok(());
            }
            (format, guard.call(MIGRATE, || migrations.run(&transaction, format)))
        }
        other => {
            guard.release(transaction);
            return match other? {
                Content::Store(format) => expect(format, true, options, migrations),
                _ => Err(error::not_a_store(path, FOREIGN)),
            };
        }
    };
    if let Err(failure) = made {
        guard.release(transaction);
        return Err(failure);
    }
    // The commit writes the header: with its format, should this process be killed before it is closed.
    handle.file.name_format(migrations.newest());
    let committed = guard.call(COMMIT, || transaction.commit());
    committed.inspect_err(|_| handle.file.name_format(from))
}

fn make_tables(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(LOG)?;
    transaction.open_table(NUMBERS)?;
    transaction.open_table(TEXTS)?;
    for which in Tree::ALL {
        transaction.open_table(tree(which))?;
    }
    transaction.open_table(FORMAT_TABLE)?;
    Ok(())
}

/// Begins a write transaction as soon as no other process is in one.
///
/// Its commit is redb's own: in two phases and with a record of free space where others share the file; in one
/// phase where it is ours alone, and what that leaves behind when the process is killed is mended at the next opening.
///
/// Locks of other processes are tried for again and again, and between two commits of one that writes all the time
/// they are free for microseconds. So of all that wait one is the next, and who comes anew gives way to it.
///
/// # Errors
/// [`Error::Busy`] when the wait runs out, and the engine's failures.
pub(crate) fn begin(handle: &Handle, guard: &Guard, patience: &mut Patience) -> Result<WriteTransaction> {
    let Opened::Writable(database) = &handle.opened else { return Err(error::read_only()) };
    let mut next = Next { file: &handle.file, is_next: false };
    loop {
        let may_try = !handle.shared || next.is_next(guard)? || patience.has_lasted(LONGEST_YIELDING);
        let attempt = guard.call(WRITE, || match may_try.then(|| database.try_begin_write()).transpose() {
            Ok(transaction) => Ok(transaction),
            Err(redb::TransactionError::WouldBlock) => Ok(None),
            Err(failure) => Err(failure),
        })?;
        match attempt {
            Some(transaction) => return Ok(transaction),
            None if next.is_next => patience.pause_briefly()?,
            None => patience.pause()?,
        }
    }
}

/// The place in front of all that wait, given up when dropped.
struct Next<'a> {
    file: &'a StoreFile,
    is_next: bool,
}

impl Next<'_> {
    /// Whether this process is the next, or becomes it now.
    fn is_next(&mut self, guard: &Guard) -> Result<bool> {
        if !self.is_next {
            self.is_next = guard.call(WRITE, || self.file.try_be_next())?;
        }
        Ok(self.is_next)
    }
}

impl Drop for Next<'_> {
    fn drop(&mut self) {
        if self.is_next {
            // Its lock goes with the file in any case, and others do not give way for long.
            let _ = self.file.be_next_no_more();
        }
    }
}
