//! The file format's version: which one a file has, and whether this code may use it.
//!
//! Format 1 is the first. When a second one comes, the step from 1 to 2 stands here, runs in one
//! transaction, and only where [`OpenOptions::migrates`](tooltally_core::OpenOptions::migrates) allows it.

use redb::{ReadableTable, TableHandle, UntypedTableHandle};
use tooltally_core::{Error, Result};

use crate::error::CATALOG;
use crate::guard::Guard;
use crate::schema::{FORMAT, FORMAT_KEY, FORMAT_TABLE};
use crate::tables::Source;

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
    format(guard, source).map(Content::Store)
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

/// Whether this code may use a file of this format.
///
/// # Errors
/// [`Error::UnsupportedFormat`] for a newer one, [`Error::Corrupt`] for one that never was.
pub(crate) fn check(found: u32) -> Result<()> {
    match found {
        FORMAT => Ok(()),
        0 => Err(Error::corrupt("the format table", "it names format 0, which never was")),
        _ => Err(Error::UnsupportedFormat { found, supported: FORMAT }),
    }
}
