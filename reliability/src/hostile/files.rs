//! A store's file of any bytes: refused as it is, or a store that answers, and stays sound where it was.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tooltally::{Durability, Error, OpenOptions, Store};

use super::ask;
use super::claim::{holds, same};
use crate::{Backend, Result};

/// Nobody else has the file.
const WAIT: Duration = Duration::from_millis(200);

/// Any bytes as an SQLite store.
///
/// # Errors
/// What does not hold.
pub fn sqlite_file(bytes: &[u8]) -> Result<()> {
    opens(Backend::Sqlite, bytes)
}

/// Any bytes as a redb store.
///
/// # Errors
/// What does not hold.
pub fn redb_file(bytes: &[u8]) -> Result<()> {
    opens(Backend::Redb, bytes)
}

/// Opens the bytes as a backend's store, and does with it all that is done with one; each from the same bytes anew.
pub(super) fn opens(backend: Backend, bytes: &[u8]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let case = Case { backend, folder: folder.path(), bytes };
    let Some(store) = case.open()? else { return Ok(()) };
    let is_sound = ask::verifies(&*store)?;
    drop(store);
    case.with_store(|store| ask::answers(store, is_sound))?;
    case.with_store(|store| ask::record(store, is_sound))?;
    case.with_store(|store| {
        ask::rebuild(store, is_sound)?;
        match store.compact() {
            Ok(()) => holds(!is_sound || ask::verifies(store)?, || "verify fails after compact".to_owned()),
            Err(error) if is_sound => Err(format!("a sound store is not compacted: {}", ask::chain(&error)).into()),
            Err(error) => ask::says_damage("compact", &error),
        }
    })
}

struct Case<'a> {
    backend: Backend,
    folder: &'a Path,
    bytes: &'a [u8],
}

impl Case<'_> {
    /// The bytes opened as a store; `None` where they are refused, which must leave them as they are.
    fn open(&self) -> Result<Option<Box<dyn Store>>> {
        for entry in fs::read_dir(self.folder)? {
            fs::remove_file(entry?.path())?;
        }
        let path = self.backend.file(self.folder);
        fs::write(&path, self.bytes)?;
        let options = OpenOptions::new().durability(Durability::Relaxed).wait(WAIT);
        match self.backend.open(self.folder, &options) {
            Ok(store) => Ok(Some(store)),
            Err(Error::NotAStore { .. } | Error::UnsupportedFormat { .. }) => {
                same("a refused file", &fs::read(&path)?.as_slice(), &self.bytes)?;
                holds(fs::read_dir(self.folder)?.count() == 1, || "a refused file has a companion".to_owned())?;
                Ok(None)
            }
            Err(error) => ask::says_damage("opening", &error).map(|()| None),
        }
    }

    fn with_store(&self, look: impl FnOnce(&dyn Store) -> Result<()>) -> Result<()> {
        match self.open()? {
            Some(store) => look(&*store),
            None => Err("a file that was opened is refused".into()),
        }
    }
}
