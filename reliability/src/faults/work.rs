//! What is done to a store while its disk fails.

use std::path::Path;

use tooltally::{Condition, GroupBy, MaintenanceExt as _, OpenOptions, Position, Selection, Store};
use tooltally_conformance::events;

use crate::on_disk::Site;
use crate::{Backend, Result};

/// How many events the store holds before, and how many of them are folded: the rest, and a few more, will be with
/// the next batch.
pub(crate) const BEFORE: u64 = 1000;
const FOLDED: u64 = 520;

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Makes a store where there is none.
    Create,
    /// Opens one.
    Open,
    /// Appends an event.
    Append,
    /// Appends a batch that is folded with what was not yet.
    Fold,
    /// Reads the log.
    Read,
    /// Asks.
    Query,
    /// Proves.
    Verify,
    /// Makes the projections anew.
    Rebuild,
    /// Compacts.
    Compact,
    /// Closes a store that has written.
    Close,
}

impl Work {
    pub(crate) const ALL: [Self; 10] = [
        Self::Create,
        Self::Open,
        Self::Append,
        Self::Fold,
        Self::Read,
        Self::Query,
        Self::Verify,
        Self::Rebuild,
        Self::Compact,
        Self::Close,
    ];

    /// How many events there are before.
    pub(crate) const fn before(self) -> u64 {
        if matches!(self, Self::Create) { 0 } else { BEFORE }
    }

    /// How many events it appends, after those before.
    pub(crate) const fn appends(self) -> u64 {
        match self {
            Self::Append => 1,
            Self::Fold => 40,
            _ => 0,
        }
    }

    /// Whether the opening is the work.
    pub(crate) const fn opens(self) -> bool {
        matches!(self, Self::Create | Self::Open)
    }

    /// Does it to an open store.
    pub(crate) fn run(self, store: Box<dyn Store>) -> (tooltally::Result<()>, Option<Box<dyn Store>>) {
        if self == Self::Close {
            drop(store);
            return (Ok(()), None);
        }
        let done = match self {
            Self::Append | Self::Fold => {
                let batch = events::mixed_all(BEFORE + 1..BEFORE + 1 + self.appends());
                store.append(&batch, Condition::None).map(drop)
            }
            Self::Read => store.read(Position::new(470), 100).map(drop),
            Self::Query => store
                .usage(&Selection::all(), &GroupBy::Tool)
                .and_then(|_| store.usage(&Selection::all(), &GroupBy::Session))
                .and_then(|_| store.recent(&Selection::all(), 20))
                .map(drop),
            Self::Verify => store.verify_quietly().map(drop),
            Self::Rebuild => store.rebuild_quietly(),
            Self::Compact => store.compact(),
            Self::Create | Self::Open | Self::Close => Ok(()),
        };
        (done, Some(store))
    }
}

/// Makes the store that the work begins with.
pub(crate) fn template(backend: Backend, folder: &Path, options: &OpenOptions) -> Result<()> {
    let site = Site::new(backend, folder)?;
    let store = site.open(options)?;
    for batch in [1..FOLDED + 1, FOLDED + 1..BEFORE + 1] {
        store.append(&events::mixed_all(batch), Condition::None)?;
    }
    Ok(())
}
