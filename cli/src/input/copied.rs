//! A copy of a database that another program may be at work with.
//!
//! In place there is no sound way that leaves no trace. As an immutable file it is read without locks: what is being
//! written is mixed in, whether it is ever committed or not. With locks, SQLite makes files beside one in WAL mode, must
//! write to mend what a killed user left, and holds up who would write for as long as an import lasts. A copy holds up
//! nobody, and that it is one of a single moment can be seen: the files are the same ones as before, were not written
//! since, and still hold what was copied.
//!
//! Not seen is a write that leaves the time of change as it was: where the file system counts in longer steps than
//! `TICK`, or somebody sets the time back. Then the same bytes written back in between may be missed. So may what is
//! not committed, if its writer keeps no journal file and the file system (or a system other than Unix) tells of no
//! locks.

use std::fs::{self, File, Metadata};
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use memchr::memmem;
use rusqlite::Connection;
use tempfile::TempDir;

/// What the files of a database have after its name, in the order in which they are copied: what the write-ahead log
/// or the journal still lacks, the database had not yet when it was copied.
const PARTS: [&str; 3] = ["", "-wal", "-journal"];
/// How often a database that changes as it is copied is copied anew, and after which pause.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(100);
/// The longest time for which files that are written one after the other are given the same time of change.
const TICK: Duration = Duration::from_millis(20);
/// How much is compared or searched at once.
const AT_ONCE: usize = 64 * 1024;
/// What a journal begins with that is still to be played back, and ends with if it names another.
const JOURNAL_MAGIC: [u8; 8] = [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7];
/// Why a database is passed over of which no copy can be made.
pub(super) const FAILED: &str = "an SQLite database that could not be copied to read it";

/// A copy of a database, in a folder of its own that goes with it.
pub(super) struct Copied {
    pub(super) path: PathBuf,
    // Closed before its folder goes.
    pub(super) connection: Connection,
    _folder: TempDir,
}

impl Copied {
    /// Copies the database at `path`, which must be no link, and opens the copy. What its user has committed by then is
    /// in it, and nothing else.
    pub(super) fn of(path: &Path) -> Result<Self, &'static str> {
        let folder = tempfile::tempdir().map_err(|_| FAILED)?;
        let copy = folder.path().join("copy.db");
        let is_sound = until_sound(&mut || Try::copy(path, &copy)?.is_sound());
        if !is_sound.map_err(|_| FAILED)? {
            return Err("an SQLite database amid a write that does not end: import it once its program has ended it");
        }
        let connection = Connection::open(&copy).map_err(|_| "an SQLite database that could not be opened")?;
        Ok(Self { path: copy, connection, _folder: folder })
    }
}

/// Whether somebody is at work with a database, or has left it unfinished: then the file alone does not tell what it
/// holds.
pub(super) fn is_in_use(path: &Path) -> bool {
    is_written(path)
        || ["-wal", "-journal"].iter().any(|part| fs::metadata(beside(path, part)).is_ok_and(|found| found.len() > 0))
}

/// Whether the name of a table may stand in a database in use: in the file, or in what is still to be carried over
/// into it or back.
pub(super) fn may_name(path: &Path, table: &str) -> io::Result<bool> {
    // The other way round than they are copied: what leaves the log or the journal meanwhile is in the file by then.
    for part in PARTS.iter().rev() {
        if let Some((file, bytes)) = open_part(&beside(path, part))?
            && holds(&mut file.take(bytes), table)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a text stands in a file, in UTF-8 or UTF-16. The file is read piece by piece.
fn holds(file: &mut dyn Read, text: &str) -> io::Result<bool> {
    let wide: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
    // Without its last byte it is the same in either byte order.
    let wide = wide.strip_suffix(&[0]).unwrap_or(&wide);
    let finders = [memmem::Finder::new(text), memmem::Finder::new(wide)];
    let mut window = Vec::new();
    while file.take(AT_ONCE as u64).read_to_end(&mut window)? > 0 {
        if finders.iter().any(|finder| finder.find(&window).is_some()) {
            return Ok(true);
        }
        // It may have begun at the end of the piece.
        window.drain(..window.len().saturating_sub(wide.len()));
    }
    Ok(false)
}

/// A file that belongs to a database.
pub(super) fn beside(path: &Path, part: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(part);
    name.into()
}

/// Has a copy taken until it is sound, a few times. A file that is not there may have gone in the middle of a try.
fn until_sound(take: &mut dyn FnMut() -> io::Result<bool>) -> io::Result<bool> {
    for attempt in 0..TRIES {
        if attempt > 0 {
            thread::sleep(PAUSE);
        }
        match take() {
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempt + 1 < TRIES => {}
            ended => return ended,
        }
    }
    Ok(false)
}

/// A copy of which is not known yet whether it is sound.
struct Try<'a> {
    path: &'a Path,
    copy: &'a Path,
    before: Vec<Option<Stamp>>,
    was_written: bool,
}

impl<'a> Try<'a> {
    fn copy(path: &'a Path, copy: &'a Path) -> io::Result<Self> {
        let before = stamps(path)?;
        if before.iter().flatten().any(Stamp::is_young) {
            // What is written from then on has another time of change.
            thread::sleep(TICK);
        }
        let begun = Self { path, copy, before, was_written: is_written(path) };
        copy_parts(path, copy)?;
        Ok(begun)
    }

    fn is_sound(&self) -> io::Result<bool> {
        if !is_unchanged(self.path, self.copy)? || names_another_journal(self.copy)? {
            return Ok(false);
        }
        let is_written = self.was_written || is_written(self.path);
        if is_written && !is_undone_as_it_is_read(self.copy)? {
            return Ok(false);
        }
        // After the locks: who wrote and let go of them before they were asked for is found out here.
        Ok(stamps(self.path)? == self.before)
    }
}

/// Which file a part of a database is, and when it was written.
#[derive(Debug, PartialEq)]
struct Stamp {
    file: FileId,
    /// Its length and time of change; `None` for the write-ahead log: it may grow, and one that is begun anew begins
    /// with other bytes.
    written: Option<(u64, Option<SystemTime>)>,
}

impl Stamp {
    fn of(found: &Metadata, part: &str) -> Self {
        let written = (part != "-wal").then(|| (found.len(), found.modified().ok()));
        Self { file: file_id(found), written }
    }

    /// Whether a write at this moment might leave it as it is.
    fn is_young(&self) -> bool {
        let time = self.written.and_then(|(_, time)| time);
        time.is_some_and(|time| time.elapsed().map_or(true, |age| age < TICK))
    }
}

/// The stamps of a database's files, `None` for those that are not there.
fn stamps(path: &Path) -> io::Result<Vec<Option<Stamp>>> {
    let stamp = |part: &&str| match fs::metadata(beside(path, part)) {
        Ok(found) => Ok(Some(Stamp::of(&found, part))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    PARTS.iter().map(stamp).collect()
}

#[cfg(unix)]
type FileId = (u64, u64);
/// Elsewhere the standard library tells files apart by no more than when they were made.
#[cfg(not(unix))]
type FileId = Option<SystemTime>;

#[cfg(unix)]
fn file_id(found: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn file_id(found: &Metadata) -> FileId {
    found.created().ok()
}

/// Whether somebody may have written into the file itself what is not committed: with SQLite's lock for that, or about
/// to take it. `journal_mode` MEMORY and OFF leave no other trace of it.
#[cfg(unix)]
fn is_written(path: &Path) -> bool {
    use rustix::process::{Flock, FlockType, fcntl_getlk};
    /// Where and how many SQLite's lock bytes are: who is about to write has the first, who writes has the others
    /// (readers share them).
    const PENDING: (u64, u64) = (0x4000_0000, 1);
    const SHARED: (u64, u64) = (0x4000_0002, 510);
    let Ok(Some((file, _))) = open_part(path) else { return false };
    [PENDING, SHARED].iter().any(|&(start, length)| {
        let read = Flock { start, length, ..Flock::from(FlockType::ReadLock) };
        fcntl_getlk(&file, &read).is_ok_and(|holder| holder.is_some())
    })
}

/// Elsewhere nobody can ask without taking the lock, and holding up who would write: what a writer without a journal
/// has not committed is not told from the rest.
#[cfg(not(unix))]
fn is_written(_path: &Path) -> bool {
    false
}

/// Whether what is not committed stays out of what is read of a copy: it has a journal to undo it with, or is in WAL
/// mode, in which only what is committed reaches the file.
fn is_undone_as_it_is_read(copy: &Path) -> io::Result<bool> {
    let is_in_wal_mode = bytes_at(copy, SeekFrom::Start(18))? == Some([2, 2]);
    Ok(is_in_wal_mode || bytes_at(&beside(copy, "-journal"), SeekFrom::Start(0))? == Some(JOURNAL_MAGIC))
}

/// Whether SQLite would ask a journal of several databases' common transaction, which is not copied, what to do with
/// that of the copy.
fn names_another_journal(copy: &Path) -> io::Result<bool> {
    let journal = beside(copy, "-journal");
    let is_in_force = bytes_at(&journal, SeekFrom::Start(0))?.is_some_and(|first| first != [0]);
    Ok(is_in_force && bytes_at(&journal, SeekFrom::End(-8))? == Some(JOURNAL_MAGIC))
}

/// The bytes at a place in a file, if it has them.
fn bytes_at<const N: usize>(path: &Path, place: SeekFrom) -> io::Result<Option<[u8; N]>> {
    let mut file = File::open(path)?;
    let mut bytes = [0; N];
    // A place before the beginning is no place.
    let read = file.seek(place).and_then(|_| file.read_exact(&mut bytes));
    Ok(read.is_ok().then_some(bytes))
}

fn copy_parts(path: &Path, copy: &Path) -> io::Result<()> {
    for part in PARTS {
        let mut copied = File::create(beside(copy, part))?;
        match open_part(&beside(path, part))? {
            // One that grows all the time is not followed.
            Some((file, bytes)) => drop(io::copy(&mut file.take(bytes), &mut copied)?),
            None if part.is_empty() => return Err(io::ErrorKind::NotFound.into()),
            // Empty, it is as good as absent.
            None => {}
        }
    }
    Ok(())
}

/// Whether what was copied still stands there: then there was a moment, after the last file was copied, at which all of
/// it did. SQLite can go on from the files of any one moment, as it does after a kill. What was added since belongs to
/// later transactions.
fn is_unchanged(path: &Path, copy: &Path) -> io::Result<bool> {
    for part in PARTS {
        if !begins_with(&beside(path, part), &beside(copy, part))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn begins_with(path: &Path, copy: &Path) -> io::Result<bool> {
    let mut copied = BufReader::with_capacity(AT_ONCE, File::open(copy)?);
    let Some((file, _)) = open_part(path)? else { return Ok(copied.fill_buf()?.is_empty()) };
    let mut found = BufReader::with_capacity(AT_ONCE, file);
    loop {
        let (wanted, there) = (copied.fill_buf()?, found.fill_buf()?);
        if wanted.is_empty() {
            return Ok(true);
        }
        let length = wanted.len().min(there.len());
        if length == 0 || wanted.get(..length) != there.get(..length) {
            return Ok(false);
        }
        copied.consume(length);
        found.consume(length);
    }
}

/// A file and its length, where there is one. What is no regular file is not opened: a pipe would be waited for.
fn open_part(path: &Path) -> io::Result<Option<(File, u64)>> {
    let opened = fs::metadata(path).and_then(|found| found.is_file().then(|| File::open(path)).transpose());
    match opened {
        Ok(None) => Ok(None),
        Ok(Some(file)) => {
            let bytes = file.metadata()?.len();
            Ok(Some((file, bytes)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
