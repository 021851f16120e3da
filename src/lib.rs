//! tooltally: an event-sourced record of which tools AI coding agents use.
//!
//! Choose a backend by a Cargo feature (`sqlite`, the default; `redb`), open a store by its URL, record, ask:
//!
//! ```no_run
//! use tooltally::{EventId, LogExt, Outcome, QueriesExt, SystemClock, Clock, ToolName, ToolUse};
//!
//! let store = tooltally::open("sqlite:usage.db")?;
//! let bash = ToolName::new("Bash")?;
//! store.record(&ToolUse::new(EventId::random()?, bash.clone(), Outcome::Success, SystemClock.now()).into())?;
//! assert_eq!(store.usage_for_tool(&bash, None, None)?.uses(), 1);
//! # Ok::<(), tooltally::Error>(())
//! ```
//!
//! Everything of [`tooltally_core`] is here under the same name; its documentation explains the parts.

mod url;

pub use tooltally_core::*;
#[cfg(feature = "redb")]
pub use tooltally_redb::RedbStore;
#[cfg(feature = "sqlite")]
pub use tooltally_sqlite::SqliteStore;

pub use url::{Backend, StoreUrl};

/// Opens the store at a URL, made if missing: `sqlite:PATH`, `redb:PATH`, or a bare path.
///
/// # Errors
/// [`Error::Invalid`] for a URL that names no path or an engine that was not built in; else as
/// [`open_with`].
pub fn open(url: &str) -> Result<Box<dyn Store>> {
    open_with(&url.parse()?, &OpenOptions::new())
}

/// Opens a store as the options say.
///
/// # Errors
/// [`Error::Invalid`] for an engine that was not built in (the Cargo features `sqlite` and `redb`);
/// [`Error::Missing`], [`Error::NotAStore`], [`Error::UnsupportedFormat`], [`Error::Busy`],
/// [`Error::Corrupt`], [`Error::Denied`] and the engine's failures.
pub fn open_with(url: &StoreUrl, options: &OpenOptions) -> Result<Box<dyn Store>> {
    match url.backend() {
        #[cfg(feature = "sqlite")]
        Backend::Sqlite => Ok(Box::new(SqliteStore::open_with(url.path(), options)?)),
        #[cfg(feature = "redb")]
        Backend::Redb => Ok(Box::new(RedbStore::open_with(url.path(), options)?)),
        #[allow(unreachable_patterns, reason = "with every feature on, no engine is missing")]
        missing => {
            let _ = options;
            Err(Error::invalid("db", format!("the engine {} was not built in (a Cargo feature)", missing.as_str())))
        }
    }
}

/// Reads every event out of a damaged store that can still be read, in order of position; also where it does not open.
/// See [`Salvaged`]. Nobody should write to the store meanwhile.
///
/// ```no_run
/// use tooltally::LogExt;
///
/// let store = tooltally::open("sqlite:new.db")?;
/// let salvaged = tooltally::salvage(&"sqlite:damaged.db".parse()?, &mut |recorded| {
///     store.record(&recorded.event).map(drop)
/// })?;
/// println!("{} events, {} lost", salvaged.events, salvaged.lost_events());
/// # Ok::<(), tooltally::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] for an engine that was not built in; [`Error::Missing`], [`Error::NotAStore`],
/// [`Error::Denied`], the file system's failures, and those of `take`.
pub fn salvage(url: &StoreUrl, take: &mut dyn FnMut(Recorded) -> Result<()>) -> Result<Salvaged> {
    match url.backend() {
        #[cfg(feature = "sqlite")]
        Backend::Sqlite => SqliteStore::salvage(url.path(), take),
        #[cfg(feature = "redb")]
        Backend::Redb => RedbStore::salvage(url.path(), take),
        #[allow(unreachable_patterns, reason = "with every feature on, no engine is missing")]
        missing => {
            let _ = take;
            Err(Error::invalid("db", format!("the engine {} was not built in (a Cargo feature)", missing.as_str())))
        }
    }
}

/// The README's code is tested with the rest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
