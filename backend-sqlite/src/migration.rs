//! Which formats are taken, and what becomes of the others. Decided before anything is changed.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use rusqlite::Connection;
use tooltally_core::{Error, Result};

use crate::error::{Operation, map, map_io};
use crate::schema::{APPLICATION_ID, FORMAT};
use crate::wait::limit_wait;
use tooltally_core::ledger::Patience;

/// What a path holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No file, or an empty one.
    Nothing,
    /// An SQLite database without tables: made by SQLite a moment ago, or by a maker that was killed.
    Unfinished,
    /// A store of the current format.
    Store,
}

/// The first bytes of every SQLite database.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Where the header has the two numbers, big-endian.
const USER_VERSION_AT: usize = 60;
const APPLICATION_ID_AT: usize = 68;

/// Looks at the file's own header, without SQLite, which would write beside a database that it opens.
pub(crate) fn look(path: &Path) -> Result<Found> {
    let shown = || path.display().to_string();
    let not_a_store = |reason: &str| Error::NotAStore { path: shown(), reason: reason.to_owned(), source: None };
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(not_a_store("it is a folder")),
        Ok(found) if !found.is_file() => return Err(not_a_store("it is not a regular file")),
        Ok(found) if found.len() == 0 => return Ok(Found::Nothing),
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::NotFound && path.is_symlink() => {
            return Err(not_a_store("it is a symbolic link that leads nowhere"));
        }
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(e) if e.kind() == ErrorKind::NotADirectory => {
            return Err(not_a_store("a part of its path is a file"));
        }
        Err(e) => return Err(map_io(e, "look at the file")),
    }
    let mut header = Vec::new();
    let file = File::open(path).map_err(|e| map_io(e, "open the file"))?;
    file.take(100).read_to_end(&mut header).map_err(|e| map_io(e, "read the file's header"))?;
    let number = |at: usize| header.get(at..at + 4).and_then(|b| b.first_chunk()).map(|b| u32::from_be_bytes(*b));
    if !header.starts_with(MAGIC) && is_cut_making(path) {
        return Ok(Found::Unfinished);
    }
    if !header.starts_with(MAGIC) {
        return Err(not_a_store("it is not an SQLite database"));
    }
    match (number(APPLICATION_ID_AT), number(USER_VERSION_AT)) {
        (Some(APPLICATION_ID), Some(format)) => check_format(format).map(|()| Found::Store),
        (Some(0), Some(0)) => Ok(Found::Unfinished),
        (Some(_), Some(_)) => Err(not_a_store("it is the SQLite database of another program")),
        _ => Err(not_a_store("its header is cut")),
    }
}

/// Whether the power failed while the file was being made: pages of it may be on the disk without the first one.
/// Then a journal is left that says that there was nothing before, and SQLite goes back to that.
fn is_cut_making(path: &Path) -> bool {
    const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    const PAGES_BEFORE_AT: usize = 16;
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    let mut header = Vec::new();
    let is_read = File::open(journal).and_then(|file| file.take(28).read_to_end(&mut header)).is_ok();
    is_read
        && header.starts_with(&JOURNAL_MAGIC)
        && header.get(PAGES_BEFORE_AT..PAGES_BEFORE_AT + 4) == Some(&[0; 4][..])
}

/// Looks again through SQLite, which knows what its write-ahead log holds. The connection must not
/// checkpoint when it is closed.
pub(crate) fn look_inside(connection: &Connection, path: &Path, patience: &Patience) -> Result<Found> {
    let operation = Operation::within("read the file format", patience);
    let number = |pragma: &str| -> Result<u32> {
        let found = limit_wait(connection, patience).and_then(|()| connection.query_row(pragma, [], |row| row.get(0)));
        found.map_err(|e| map(e, operation))
    };
    match (number("PRAGMA application_id")?, number("PRAGMA user_version")?) {
        (APPLICATION_ID, format) => check_format(format).map(|()| Found::Store),
        _ if number("SELECT count(*) FROM sqlite_schema")? == 0 => Ok(Found::Unfinished),
        _ => Err(Error::NotAStore {
            path: path.display().to_string(),
            reason: "it is the SQLite database of another program".to_owned(),
            source: None,
        }),
    }
}

/// Looks once more inside each transaction: a newer program may have migrated the file since it was opened.
pub(crate) fn still_ours(connection: &Connection, operation: Operation) -> Result<()> {
    let format = connection.prepare_cached("PRAGMA user_version").and_then(|mut s| s.query_row([], |row| row.get(0)));
    check_format(format.map_err(|e| map(e, operation))?)
}

/// A newer format is refused. There is no older one.
fn check_format(format: u32) -> Result<()> {
    if format == FORMAT { Ok(()) } else { Err(Error::UnsupportedFormat { found: format, supported: FORMAT }) }
}
