//! From a path to an open connection. What WAL mode asks for is done here: `busy_timeout` before all else,
//! `synchronous` by durability.

use std::fs;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tooltally_core::{Durability, Error, OpenOptions, Result};

use crate::error::{Operation, map, map_io};
use crate::in_use::{Files, InUse};
use crate::making;
use crate::migration::{Found, Migrations, look, look_inside, migrate};
use crate::schema;
use crate::transaction::OpenTransaction;
use crate::wait::limit_wait;
use tooltally_core::ledger::Patience;

/// The most memory that a connection's page cache takes.
const WRITER_CACHE_KIB: u32 = 8 << 10;
const READER_CACHE_KIB: u32 = 4 << 10;
/// After how many pages the write-ahead log is moved into the database: about as many as one block of its index
/// holds, so that a page is found there as quickly as in a shorter one; and a number for much work at once. Events
/// change the same pages again and again, and between two moves each is moved once. SQLite's own number is 1,000.
const USUAL_WAL_PAGES: u32 = 4000;
const LONG_WAL_PAGES: u32 = 24_000;
/// How many prepared statements a connection keeps: every one that there is.
const STATEMENTS: usize = 64;

/// Opens the database to write to, made if missing and wanted, migrated if old and wanted.
pub(crate) fn open(path: &Path, options: &OpenOptions, migrations: Migrations) -> Result<(Connection, InUse)> {
    let mut patience = Patience::new(options.longest_wait());
    let in_use = look_or_make(path, options, migrations)?;
    let connection = connect(path, options, WRITER_CACHE_KIB, &patience)?;
    match look_in_one_view(&connection, path, migrations, &patience)? {
        Found::Store => {}
        Found::Old(_) => migrate(&connection, path, options, migrations, &patience)?,
        Found::Nothing | Found::Unfinished if options.creates() => {
            create_schema(&connection, path, migrations, &patience)?;
        }
        Found::Nothing | Found::Unfinished => return Err(Error::Missing { path: path.display().to_string() }),
    }
    use_wal(&connection, &mut patience)?;
    checkpoint_on_close(&connection, true).map_err(|e| map(e, Operation::new("open the file")))?;
    Ok((connection, in_use))
}

/// Looks at the file before SQLite opens it, and makes it if it is missing and wanted. Where SQLite has it open here
/// already, it was looked at.
fn look_or_make(path: &Path, options: &OpenOptions, migrations: Migrations) -> Result<InUse> {
    let mut files = Files::lock();
    let found = if files.has(path) { Found::Store } else { look(path, options, migrations)? };
    if matches!(found, Found::Nothing | Found::Unfinished) && !options.creates() {
        return Err(Error::Missing { path: path.display().to_string() });
    }
    if found == Found::Nothing {
        making::make_file(path).map_err(|e| map_io(e, "make the store's file"))?;
    }
    Ok(files.add(path))
}

/// Looks at the format and the tables as they are at one moment: another process may migrate the store meanwhile.
fn look_in_one_view(
    connection: &Connection,
    path: &Path,
    migrations: Migrations,
    patience: &Patience,
) -> Result<Found> {
    let operation = Operation::within("read the file format", patience);
    // Nothing is written: it is ended as it is dropped.
    let _view = OpenTransaction::begin(connection, "BEGIN", operation, patience)?;
    let found = look_inside(connection, path, migrations, patience)?;
    if migrations.is_of_format_1(found) {
        schema::check(connection, patience)?;
    }
    Ok(found)
}

/// Opens a database that was opened before once more, to read.
pub(crate) fn reader(path: &Path, options: &OpenOptions, patience: &Patience) -> Result<Connection> {
    again(path, options, READER_CACHE_KIB, patience)
}

/// Opens a database that was opened before once more, to write.
pub(crate) fn writer(path: &Path, options: &OpenOptions, patience: &Patience) -> Result<Connection> {
    again(path, options, WRITER_CACHE_KIB, patience)
}

fn again(path: &Path, options: &OpenOptions, cache_kib: u32, patience: &Patience) -> Result<Connection> {
    let connection = connect(path, options, cache_kib, patience)?;
    checkpoint_on_close(&connection, true).map_err(|e| map(e, Operation::new("open the file")))?;
    Ok(connection)
}

fn connect(path: &Path, options: &OpenOptions, cache_kib: u32, patience: &Patience) -> Result<Connection> {
    let operation = Operation::within("open the file", patience);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| map(e, operation))?;
    let set_up = || -> rusqlite::Result<()> {
        limit_wait(&connection, patience)?;
        checkpoint_on_close(&connection, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        be_durable(&connection, options)?;
        connection.execute_batch(&format!("PRAGMA cache_size = -{cache_kib};"))
    };
    set_up().map_err(|e| map(e, operation))?;
    Ok(connection)
}

/// Has each commit wait for the disk as the options say, and the write-ahead log be moved into the database when
/// it is as long as SQLite lets it be.
pub(crate) fn be_durable(connection: &Connection, options: &OpenOptions) -> rusqlite::Result<()> {
    let synchronous = match options.durability_wanted() {
        Durability::Full => "FULL",
        Durability::Relaxed => "NORMAL",
    };
    set_pace(connection, synchronous, USUAL_WAL_PAGES)
}

/// Has no commit wait for the disk until [`be_durable`], and the write-ahead log grow for longer.
pub(crate) fn be_lazy(connection: &Connection) -> rusqlite::Result<()> {
    set_pace(connection, "NORMAL", LONG_WAL_PAGES)
}

fn set_pace(connection: &Connection, synchronous: &str, wal_pages: u32) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", synchronous)?;
    // It answers with the number that it has taken.
    connection.query_row(&format!("PRAGMA wal_autocheckpoint = {wal_pages}"), [], |_| Ok(()))
}

/// A write-ahead log below this length may be left to the next process, which has to read it: some 30 pages.
const SMALL_WAL_BYTES: u64 = 128 << 10;

/// Has the close that follows leave the write-ahead log as it is, as long as that is small.
pub(crate) fn leave_small_wal(path: &Path, connection: &Connection) {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    if fs::metadata(wal).is_ok_and(|wal| wal.len() < SMALL_WAL_BYTES) {
        // Where this fails, the close does its work: slower, and as sound.
        let _ = checkpoint_on_close(connection, false);
    }
}

/// Whether the last to close the store moves its write-ahead log into the database. Not before the format is
/// known: a store that is refused must stay as it is.
fn checkpoint_on_close(connection: &Connection, on: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !on).map(|_| ())
}

/// Makes the tables, unless another process has made them meanwhile.
fn create_schema(connection: &Connection, path: &Path, migrations: Migrations, patience: &Patience) -> Result<()> {
    let operation = Operation::within("make the store", patience);
    let open = OpenTransaction::begin(connection, "BEGIN EXCLUSIVE", operation, patience)?;
    if look_inside(connection, path, migrations, patience)? == Found::Unfinished {
        schema::create(connection)?;
        migrations.run(connection, schema::FIRST_FORMAT, operation)?;
    }
    open.commit()
}

/// Turns WAL mode on, once for the life of the file. SQLite does not wait for others there, so this does.
fn use_wal(connection: &Connection, patience: &mut Patience) -> Result<()> {
    let operation = Operation::within("turn on WAL mode", patience);
    loop {
        limit_wait(connection, patience).map_err(|e| map(e, operation))?;
        let switch = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match switch {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(Error::Engine {
                    operation: "turn on WAL mode",
                    source: std::sync::Arc::new(std::io::Error::other(format!("the journal mode stays {mode}"))),
                });
            }
            Err(rusqlite::Error::SqliteFailure(failure, _)) if failure.code == ErrorCode::DatabaseBusy => {
                patience.pause()?;
            }
            Err(error) => return Err(map(error, operation)),
        }
    }
}
