//! What the first page of a database says, read without SQLite, which would write beside a file that it opens.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::wal;

/// The first bytes of every SQLite database.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// As much of the first page as is looked at: the header, and the beginning of the schema's page.
const BEGINNING: usize = 108;
/// Where the header has its numbers, big-endian.
const PAGE_SIZE_AT: usize = 16;
const VERSIONS_AT: usize = 18;
const CHANGE_COUNTER_AT: usize = 24;
const PAGES_AT: usize = 28;
const ENCODING_AT: usize = 56;
const USER_VERSION_AT: usize = 60;
const APPLICATION_ID_AT: usize = 68;
const VALID_FOR_AT: usize = 92;
/// Where the schema's page has its kind, and how many entries it holds.
const KIND_AT: usize = 100;
const ENTRIES_AT: usize = 103;
/// Of text encodings: none is chosen before there is a table.
const NO_ENCODING: u32 = 0;
const UTF_8: u32 = 1;
/// The kind of a page whose table is not divided over others.
const LEAF: u8 = 13;

/// A database as its first page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// There is none, or nothing in it.
    Nothing,
    /// Not one of SQLite's.
    Other,
    /// SQLite's, with its header cut.
    Cut,
    /// SQLite's, but shorter than it says itself.
    Short,
    /// SQLite's.
    Page(FirstPage),
}

/// The numbers that tell whose a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FirstPage {
    pub(crate) application_id: u32,
    pub(crate) user_version: u32,
    /// Whether it names versions of SQLite's own format that there are, 1, or 2 with a write-ahead log, and texts in
    /// UTF-8. What names a later version to write, SQLite opens to read alone.
    pub(crate) is_of_known_form: bool,
    /// Whether its schema holds anything.
    pub(crate) has_schema: bool,
    /// Whether this is the latest committed state. If not, other processes may know of a later one, or a killed one
    /// has left it: SQLite knows, and has its files beside the database already.
    pub(crate) is_latest: bool,
}

/// Looks at a database that is a file.
pub(crate) fn look(path: &Path) -> io::Result<Beginning> {
    let mut file = File::open(path)?;
    let mut beginning = Vec::new();
    file.by_ref().take(BEGINNING as u64).read_to_end(&mut beginning)?;
    let length = file.metadata()?.len();
    if beginning.is_empty() {
        return Ok(Beginning::Nothing);
    }
    if !beginning.starts_with(MAGIC) {
        return Ok(Beginning::Other);
    }
    let Some(page) = FirstPage::read(&beginning) else { return Ok(Beginning::Cut) };
    if beside(path, "-shm").exists() {
        return Ok(Beginning::Page(FirstPage { is_latest: false, ..page }));
    }
    match wal::first_page(&beside(path, "-wal"))? {
        Some(later) => Ok(FirstPage::read(&later).map_or(Beginning::Cut, Beginning::Page)),
        None if is_short(&beginning, length) && !beside(path, "-journal").exists() => Ok(Beginning::Short),
        None => Ok(Beginning::Page(page)),
    }
}

/// The file that SQLite has beside a database: beside the one that a symbolic link leads to.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).into_os_string();
    name.push(end);
    name.into()
}

/// What SQLite would open beside a database, and is neither a file nor missing: a pipe would be waited for for ever.
pub(crate) fn no_file_beside(path: &Path) -> Option<PathBuf> {
    let is_none = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|found| !found.is_file());
    // A hook opens a store each time: the way to the file is gone once.
    let base = beside(path, "").into_os_string();
    let named = |end: &str| {
        let mut name = base.clone();
        name.push(end);
        PathBuf::from(name)
    };
    ["-wal", "-journal", "-shm"].map(named).into_iter().find(is_none)
}

/// Whether the power failed while a file was being made: pages of it may be on the disk without the first one.
/// Then a journal is left that says that there was nothing before, and SQLite goes back to that.
pub(crate) fn is_cut_making(path: &Path) -> bool {
    const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    const PAGES_BEFORE_AT: usize = 16;
    let mut header = Vec::new();
    let is_read = File::open(beside(path, "-journal")).and_then(|file| file.take(28).read_to_end(&mut header)).is_ok();
    is_read && header.starts_with(&JOURNAL_MAGIC) && number(&header, PAGES_BEFORE_AT) == Some(0)
}

impl FirstPage {
    /// From the beginning of a page; `None` where that is cut.
    fn read(beginning: &[u8]) -> Option<Self> {
        let entries = beginning.get(ENTRIES_AT..ENTRIES_AT + 2)?;
        Some(Self {
            application_id: number(beginning, APPLICATION_ID_AT)?,
            user_version: number(beginning, USER_VERSION_AT)?,
            is_of_known_form: beginning
                .get(VERSIONS_AT..VERSIONS_AT + 2)?
                .iter()
                .all(|version| matches!(version, 1 | 2))
                && matches!(number(beginning, ENCODING_AT)?, NO_ENCODING | UTF_8),
            has_schema: *beginning.get(KIND_AT)? != LEAF || entries != [0, 0],
            is_latest: true,
        })
    }
}

/// Whether a file lacks pages that its header counts. The count is believed only as far as SQLite does.
pub(crate) fn is_short(beginning: &[u8], length: u64) -> bool {
    let size = match beginning.get(PAGE_SIZE_AT..PAGE_SIZE_AT + 2) {
        Some([0, 1]) => 1 << 16,
        Some([high, low]) => u64::from(*high) << 8 | u64::from(*low),
        _ => 0,
    };
    let is_counted = number(beginning, CHANGE_COUNTER_AT) == number(beginning, VALID_FOR_AT);
    let pages = number(beginning, PAGES_AT).map_or(0, u64::from);
    is_counted && pages.saturating_mul(size) > length
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_be_bytes(*bytes))
}
