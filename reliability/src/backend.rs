//! Which store is under test.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use tooltally::{OpenOptions, Store, StoreUrl, open_with};

/// A backend as the harnesses are told to use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Backend {
    /// SQLite
    Sqlite,
    /// redb, shared with other processes: the default
    Redb,
    /// redb, no other process let in
    RedbExclusive,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Redb, Self::RedbExclusive];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Redb => "redb",
            Self::RedbExclusive => "redb-exclusive",
        }
    }

    /// The main file of its store in a folder.
    pub fn file(self, folder: &Path) -> PathBuf {
        folder.join(if self == Self::Sqlite { "usage.db" } else { "usage.redb" })
    }

    /// The address of its store in a folder, as the program takes it with `--db`.
    pub fn url(self, folder: &Path) -> StoreUrl {
        let engine = if self == Self::Sqlite { tooltally::Backend::Sqlite } else { tooltally::Backend::Redb };
        StoreUrl::new(engine, self.file(folder))
    }

    /// Opens its store in a folder, exclusively where the backend is so.
    ///
    /// # Errors
    /// As [`open_with`].
    pub fn open(self, folder: &Path, options: &OpenOptions) -> tooltally::Result<Box<dyn Store>> {
        open_with(&self.url(folder), &options.clone().exclusive(self == Self::RedbExclusive))
    }
}
