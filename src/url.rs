//! Where a store is: `sqlite:PATH`, `redb:PATH`, or a bare path.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tooltally_core::{Error, Result};

/// The engine of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// SQLite.
    Sqlite,
    /// redb.
    Redb,
}

impl Backend {
    /// Its name, as a URL writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Redb => "redb",
        }
    }
}

/// A store's address: an engine and a path.
///
/// A bare path is a redb store if it ends in `.redb`, else an SQLite one. Only `sqlite:` and `redb:` are
/// taken for an engine, so `C:\tools\usage.db` is a path.
///
/// ```
/// # use tooltally::{Backend, StoreUrl};
/// let url: StoreUrl = "redb:usage.db".parse()?;
/// assert_eq!((url.backend(), url.path().to_str()), (Backend::Redb, Some("usage.db")));
/// # Ok::<(), tooltally::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreUrl {
    backend: Backend,
    path: PathBuf,
}

impl StoreUrl {
    /// The address of a path whose engine is known.
    pub fn new(backend: Backend, path: impl Into<PathBuf>) -> Self {
        Self { backend, path: path.into() }
    }

    /// The engine.
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (backend, path) = match text.split_once(':') {
            Some(("sqlite", path)) => (Backend::Sqlite, path),
            Some(("redb", path)) => (Backend::Redb, path),
            _ if Path::new(text).extension().is_some_and(|e| e.eq_ignore_ascii_case("redb")) => (Backend::Redb, text),
            _ => (Backend::Sqlite, text),
        };
        if path.is_empty() {
            return Err(Error::invalid("db", "names no path: write sqlite:PATH, redb:PATH or PATH"));
        }
        if path == ":memory:" {
            return Err(Error::invalid("db", "names no file; a store in memory is tooltally::MemoryStore"));
        }
        if path.contains('\0') {
            return Err(Error::invalid("db", "holds a zero byte"));
        }
        Ok(Self::new(backend, path))
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.backend.as_str(), self.path.display())
    }
}
