//! The store: a thin implementation of the core's traits.

use std::path::Path;

use tooltally_core::ledger::Ledger;
use tooltally_core::{
    Appended, Condition, Event, Filter, GroupBy, Log, Maintenance, OpenOptions, Position, Progress, ProjectId, Queries,
    RecentOutcomes, Recorded, Registered, Result, Salvaged, Selection, SessionId, ToolName, Trail, UsageRow, Verified,
};

use crate::engine::SqliteEngine;
use crate::migration::Migrations;
use crate::salvage::salvage;

/// A store in an SQLite database.
pub struct SqliteStore {
    ledger: Ledger<SqliteEngine>,
}

impl SqliteStore {
    /// Opens the store at a path, made if missing.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, &OpenOptions::new())
    }

    /// Opens the store at a path as the options say. `exclusive` is of no use to SQLite: the store is shared.
    ///
    /// # Errors
    /// [`Missing`](tooltally_core::Error::Missing), [`NotAStore`](tooltally_core::Error::NotAStore),
    /// [`UnsupportedFormat`](tooltally_core::Error::UnsupportedFormat), [`Busy`](tooltally_core::Error::Busy)
    /// while another process makes the same store, [`Corrupt`](tooltally_core::Error::Corrupt),
    /// [`Denied`](tooltally_core::Error::Denied), and SQLite's failures.
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        Self::open_migrating(path, options, Migrations::OURS)
    }

    /// As [`open_with`](Self::open_with), by a program of another format. For tests.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    #[doc(hidden)]
    pub fn open_migrating(path: impl AsRef<Path>, options: &OpenOptions, migrations: Migrations) -> Result<Self> {
        Ok(Self { ledger: Ledger::new(SqliteEngine::open(path.as_ref(), options, migrations)?) })
    }

    /// Reads every event out of a damaged store that can still be read, as [`Salvaged`] says; also where it does not
    /// open any more, and from behind damage in the write-ahead log, which SQLite takes for the log's end. So a store
    /// is better salvaged before anything else opens it. Of one that is open and written to meanwhile some events may
    /// be passed over.
    ///
    /// # Errors
    /// [`Missing`](tooltally_core::Error::Missing), [`Denied`](tooltally_core::Error::Denied),
    /// [`NotAStore`](tooltally_core::Error::NotAStore) where the path is no file, the file system's failures, and those
    /// of `take`.
    pub fn salvage(path: impl AsRef<Path>, take: &mut dyn FnMut(Recorded) -> Result<()>) -> Result<Salvaged> {
        salvage(path.as_ref(), take)
    }
}

impl Log for SqliteStore {
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

impl Queries for SqliteStore {
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

impl Maintenance for SqliteStore {
    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified> {
        self.ledger.verify(progress)
    }

    fn rebuild(&self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        self.ledger.rebuild(progress)?;
        self.ledger.engine().mend_view()
    }

    fn compact(&self) -> Result<()> {
        self.ledger.compact()
    }
}
