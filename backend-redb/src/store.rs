//! [`RedbStore`]: the store's traits, handed on to the shared ledger over this crate's engine.

use std::path::Path;

use tooltally_core::ledger::Ledger;
use tooltally_core::{
    Appended, Condition, Event, Filter, GroupBy, Log, Maintenance, OpenOptions, Position, Progress, ProjectId, Queries,
    RecentOutcomes, Recorded, Registered, Result, Salvaged, Selection, SessionId, ToolName, Trail, UsageRow, Verified,
};

use crate::engine::RedbEngine;
use crate::migration::Migrations;
use crate::salvage::salvage;
use crate::site::Layer;

/// A store in one redb file, for many threads and, unless opened as exclusive, many processes.
///
/// Every commit is durable: [`Relaxed`](tooltally_core::Durability::Relaxed) is treated as
/// [`Full`](tooltally_core::Durability::Full). An open store keeps at most 16 MiB of pages in memory.
///
/// A file that may only be read is opened for reading: queries work, appends are
/// [`Denied`](tooltally_core::Error::Denied).
pub struct RedbStore {
    ledger: Ledger<RedbEngine>,
}

impl RedbStore {
    /// Opens the store at a path, made if missing, with the default [`OpenOptions`].
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, &OpenOptions::new())
    }

    /// Opens the store at a path as the options say. A new file, and folders made for it, are their owner's
    /// alone. A path that holds anything but a store of a known format is left as it is.
    ///
    /// # Errors
    /// [`Missing`](tooltally_core::Error::Missing) where there is none and none is to be made,
    /// [`NotAStore`](tooltally_core::Error::NotAStore),
    /// [`UnsupportedFormat`](tooltally_core::Error::UnsupportedFormat),
    /// [`Busy`](tooltally_core::Error::Busy) when others keep it for longer than the wait,
    /// [`Corrupt`](tooltally_core::Error::Corrupt), [`Denied`](tooltally_core::Error::Denied),
    /// [`Full`](tooltally_core::Error::Full), and the engine's failures.
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        Ok(Self { ledger: Ledger::new(RedbEngine::open_with(path, options)?) })
    }

    /// Reads every event out of a damaged store that can still be read, as [`Salvaged`] says; also where it does not
    /// open any more. What nobody else writes to meanwhile is read whole.
    ///
    /// An append that failed may have left its events in pages that nothing leads to; they may be among what is
    /// handed over.
    ///
    /// # Errors
    /// [`Missing`](tooltally_core::Error::Missing), [`Denied`](tooltally_core::Error::Denied),
    /// [`NotAStore`](tooltally_core::Error::NotAStore) where the path is no file, the file system's failures, and those
    /// of `take`.
    pub fn salvage(path: impl AsRef<Path>, take: &mut dyn FnMut(Recorded) -> Result<()>) -> Result<Salvaged> {
        salvage(path.as_ref(), take)
    }

    /// As [`open_with`](Self::open_with), with a layer over each opening of the file. For tests.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    #[doc(hidden)]
    pub fn open_beneath(path: impl AsRef<Path>, options: &OpenOptions, layer: Layer) -> Result<Self> {
        Ok(Self { ledger: Ledger::new(RedbEngine::open_beneath(path, options, layer)?) })
    }

    /// As [`open_with`](Self::open_with), by a program of another format. For tests.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    #[doc(hidden)]
    pub fn open_migrating(
        path: impl AsRef<Path>,
        options: &OpenOptions,
        migrations: Migrations,
        layer: Option<Layer>,
    ) -> Result<Self> {
        Ok(Self { ledger: Ledger::new(RedbEngine::open_migrating(path, options, migrations, layer)?) })
    }
}

impl Log for RedbStore {
    fn append(&self, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        self.ledger.append(events, condition)
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>> {
        self.ledger.read(after, limit)
    }

    fn head(&self) -> Result<Position> {
        self.ledger.head()
    }
}

impl Queries for RedbStore {
    fn usage(&self, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        self.ledger.usage(selection, group_by)
    }

    fn recent(&self, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        self.ledger.recent(selection, limit)
    }

    fn registered(&self, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
        self.ledger.registered(project)
    }

    fn latest_outcomes(&self, project: &Filter<ProjectId>) -> Result<Vec<(ToolName, RecentOutcomes)>> {
        self.ledger.latest_outcomes(project)
    }

    fn trail(&self, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
        self.ledger.trail(session, look_back)
    }
}

impl Maintenance for RedbStore {
    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified> {
        self.ledger.verify(progress)
    }

    fn rebuild(&self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        self.ledger.rebuild(progress)
    }

    fn compact(&self) -> Result<()> {
        self.ledger.compact()
    }
}
