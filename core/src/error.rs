//! The one error of every store, told apart by what the caller can do about it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::Position;

/// What a core or store function returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause of an error. Shared, since one failed commit may answer many waiting threads.
pub type Cause = Arc<dyn std::error::Error + Send + Sync + 'static>;

/// Why a store could not do what was asked.
///
/// `Display` speaks of this layer alone; the cause, where there is one, stands in
/// [`source`](std::error::Error::source).
#[non_exhaustive]
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A value is not acceptable: mend it and try again.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field at fault, as events and the command line name it.
        field: &'static str,
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },

    /// The append's condition does not hold: read on from `head`, then decide anew.
    #[error("the log is at position {head}, not at {expected} as the append demands")]
    ConditionNotMet {
        /// The position that the condition named.
        expected: Position,
        /// Where the log is.
        head: Position,
    },

    /// Another process or thread held the store for longer than the wait: try again later.
    #[error("the store is busy: waited {waited:?} for another writer")]
    Busy {
        /// How long this call waited.
        waited: Duration,
    },

    /// The file is damaged: restore it, or see what `verify` says.
    #[error("the store is damaged at {place}: {detail}")]
    Corrupt {
        /// Where the damage was met.
        place: String,
        /// What was found there.
        detail: String,
        /// The engine's own word, where it spoke first.
        source: Option<Cause>,
    },

    /// The file was written by another version: use that version, or a newer one. An older format is answered with
    /// this where it was not to be migrated. Nothing was changed.
    #[error("the store has file format {found}; this program works with format {supported}")]
    UnsupportedFormat {
        /// The format that the file names.
        found: u32,
        /// The format that this code writes, and the newest that it knows.
        supported: u32,
    },

    /// The path holds something else than a store of this kind. Nothing was changed.
    #[error("{path} is not a tooltally store: {reason}")]
    NotAStore {
        /// The path, as given.
        path: String,
        /// What it is, or what is missing.
        reason: String,
        /// The engine's own word, where it spoke first.
        source: Option<Cause>,
    },

    /// There is no store at the path, and none was to be made.
    #[error("there is no store at {path}")]
    Missing {
        /// The path, as given.
        path: String,
    },

    /// The store may not be read or written by this user: mind its permissions.
    #[error("no permission to {operation}")]
    Denied {
        /// What was being done.
        operation: &'static str,
        /// The engine's own word.
        source: Cause,
    },

    /// The recorder was closed: it takes no more events.
    #[error("the recorder is closed")]
    Closed,

    /// The disk, a quota or a size limit is reached: free space and try again. Where the file's own form has come to
    /// its end, after some hundred billion events, that does not help: begin another store.
    #[error("no space left to {operation}")]
    Full {
        /// What was being done.
        operation: &'static str,
        /// The engine's own word.
        source: Cause,
    },

    /// The engine failed in another way.
    #[error("the storage engine failed to {operation}")]
    Engine {
        /// What was being done, as the object of "failed to".
        operation: &'static str,
        /// The engine's own word.
        source: Cause,
    },
}

/// What there is no more of.
#[derive(Debug, thiserror::Error)]
#[error("{0} are used up")]
struct UsedUp(&'static str);

impl Error {
    /// A value that does not fit its field.
    pub fn invalid(field: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }

    /// Damage that this code found itself.
    pub fn corrupt(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Corrupt { place: place.into(), detail: detail.into(), source: None }
    }

    /// A limit of the file's own form is reached: no space on the disk would help.
    pub fn used_up(operation: &'static str, what: &'static str) -> Self {
        Self::Full { operation, source: Arc::new(UsedUp(what)) }
    }

    /// Whether waiting and trying again may help.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    /// Whether the file is damaged.
    pub fn is_corrupt(&self) -> bool {
        matches!(self, Self::Corrupt { .. })
    }

    /// Whether the input is at fault, not the store.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Invalid { .. })
    }

    /// Whether an append's condition did not hold.
    pub fn is_condition_not_met(&self) -> bool {
        matches!(self, Self::ConditionNotMet { .. })
    }
}
