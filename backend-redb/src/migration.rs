//! The file format's version: which one a file has, and whether this code may use it. Decided before anything is
//! changed.

use redb::{ReadableTable, TableHandle, UntypedTableHandle, WriteTransaction};
use tooltally_core::ledger::Tree;
use tooltally_core::{Error, Result};

use crate::error::CATALOG;
use crate::guard::Guard;
use crate::schema::{FIRST_FORMAT, FORMAT_KEY, FORMAT_TABLE};
use crate::tables::Source;

/// Takes a store from one format to the next, within the transaction of a migration, which names the format.
pub type Step = fn(&WriteTransaction) -> std::result::Result<(), redb::Error>;

/// The steps from format to format: the first of them leads from format 1 to format 2.
///
/// A new store is made in format 1 and taken on from there, in one transaction, so that it is what a migrated one is.
#[derive(Clone, Copy, Debug)]
pub struct Migrations(&'static [Step]);

impl Migrations {
    /// Those of this code. Format 1 is the first; when a second one comes, the step to it stands here.
    pub(crate) const OURS: Self = Self(&[]);

    /// Others, for tests.
    pub const fn new(steps: &'static [Step]) -> Self {
        Self(steps)
    }

    /// The format that the last step leads to.
    pub(crate) fn newest(self) -> u32 {
        u32::try_from(self.0.len()).map_or(u32::MAX, |steps| FIRST_FORMAT.saturating_add(steps))
    }

    /// Whether this code may use a file of this format as it is: not an older one.
    ///
    /// # Errors
    /// [`Error::UnsupportedFormat`] for a newer one, [`Error::Corrupt`] for one that never was.
    pub(crate) fn is_newest(self, found: u32) -> Result<bool> {
        if found < FIRST_FORMAT {
            return Err(Error::corrupt("the format table", format!("it names format {found}, which never was")));
        }
        if found > self.newest() { Err(self.unsupported(found)) } else { Ok(found == self.newest()) }
    }

    /// The answer to a format that is not taken.
    pub(crate) fn unsupported(self, found: u32) -> Error {
        Error::UnsupportedFormat { found, supported: self.newest() }
    }

    /// Runs the steps that lead on from a format, and names the one that they lead to.
    pub(crate) fn run(self, transaction: &WriteTransaction, from: u32) -> std::result::Result<(), redb::Error> {
        let behind = usize::try_from(from.saturating_sub(FIRST_FORMAT)).unwrap_or(usize::MAX);
        self.0.get(behind..).unwrap_or_default().iter().try_for_each(|step| step(transaction))?;
        let named = (self.newest(), !self.newest());
        transaction.open_table(FORMAT_TABLE)?.insert(FORMAT_KEY, named).map(drop)?;
        Ok(())
    }
}

/// What is said of a store without one of the tables. Until the first release, tables come without a new format.
const LACKING: &str = "lacks a table: a development version before 0.1.0 may have made the store, and can export its \
    events for `import` into a new one";

/// What a redb database is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// It has no tables: made a moment ago, and not yet laid out.
    Empty,
    /// Its tables are not ours.
    Foreign,
    /// A store of this format.
    Store(u32),
}

/// Finds out what a database is.
///
/// # Errors
/// [`Error::Corrupt`] where the catalog is damaged, and the engine's failures.
pub(crate) fn content(guard: &Guard, tables: &[UntypedTableHandle], source: &impl Source) -> Result<Content> {
    if tables.is_empty() {
        return Ok(Content::Empty);
    }
    if !tables.iter().any(|table| table.name() == FORMAT_TABLE.name()) {
        return Ok(Content::Foreign);
    }
    let format = format(guard, source)?;
    let has = |wanted: Tree| tables.iter().any(|table| table.name() == wanted.as_str());
    // Opened to write, a table that is missing would be made, and lack what was folded before.
    if format == FIRST_FORMAT && !Tree::ALL.into_iter().all(has) {
        return Err(Error::corrupt("redb file", LACKING));
    }
    Ok(Content::Store(format))
}

/// The format that a store's file names.
///
/// # Errors
/// [`Error::Corrupt`] where it names none or a damaged one, and the engine's failures.
pub(crate) fn format(guard: &Guard, source: &impl Source) -> Result<u32> {
    let table = guard.call(CATALOG, || source.open(FORMAT_TABLE))?;
    let found = guard.call(CATALOG, || table.get(FORMAT_KEY).map(|found| found.map(|number| number.value())));
    guard.release(table);
    match found? {
        Some((format, complement)) if format == !complement => Ok(format),
        Some(_) => Err(Error::corrupt("the format table", "the format and its complement do not fit")),
        None => Err(Error::corrupt("the format table", "it names no format")),
    }
}
