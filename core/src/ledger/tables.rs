//! What a backend supplies: snapshots and transactions over three kinds of tables.
//!
//! - the **log**: rows by position, [`LogRow`];
//! - the **names**: text by (kind, number) and number by (kind, text);
//! - the **trees**: bytes by bytes, ordered by key as unsigned bytes. Their values are sealed with a
//!   checksum by the caller; the engine stores them as they are.

use std::ops::ControlFlow;

use super::row::LogRow;
use crate::{EventId, Position, Result, codec};

/// Which sort of name a number stands for. Each sort counts from 1 without gaps; 0 is "absent".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// [`ToolName`](crate::ToolName).
    Tool,
    /// [`SessionId`](crate::SessionId).
    Session,
    /// [`ProjectId`](crate::ProjectId), as its 16 hex digits.
    Project,
    /// [`ProjectPath`](crate::ProjectPath).
    Path,
    /// [`AgentName`](crate::AgentName).
    Agent,
    /// [`SubagentName`](crate::SubagentName).
    Subagent,
}

impl NameKind {
    /// Every kind, in the order of their codes.
    pub const ALL: [Self; 6] = [Self::Tool, Self::Session, Self::Project, Self::Path, Self::Agent, Self::Subagent];

    /// Its number in stored rows; never changes.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name, for messages and for people who read the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Session => "session",
            Self::Project => "project",
            Self::Path => "path",
            Self::Agent => "agent",
            Self::Subagent => "subagent",
        }
    }
}

/// The checksum that an engine keeps beside an interned name, and compares whenever it reads the name: a
/// name that changed on disk must not change an answer.
pub fn name_checksum(kind: NameKind, number: u32, text: &str) -> u32 {
    let context = [&[kind.code()][..], &number.to_be_bytes()].concat();
    codec::checksum(&context, text.as_bytes())
}

/// An ordered tree of bytes by bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tree {
    /// A few small records: how far the projections are folded, the directory of id runs.
    Meta,
    /// Usage by width, bucket and scope.
    Rollups,
    /// Calls by quarter of an hour.
    Calls,
    /// Usage by session.
    Sessions,
    /// Positions by session.
    Postings,
    /// The latest outcomes by scope and tool.
    Recents,
    /// What settings have or had, by project and tool.
    Registry,
    /// Calls by project, as they followed each other.
    Trails,
    /// Chunks of sorted id fingerprints by run. Each key here, and each bound of a range of keys, is eight bytes, the
    /// big-endian bytes of a number below 2^63: an engine may keep the number instead.
    IdRuns,
}

impl Tree {
    /// Every tree.
    pub const ALL: [Self; 9] = [
        Self::Meta,
        Self::Rollups,
        Self::Calls,
        Self::Sessions,
        Self::Postings,
        Self::Recents,
        Self::Registry,
        Self::Trails,
        Self::IdRuns,
    ];

    /// The trees of the projections: every key in them begins with a generation, in that of the id runs with five bits
    /// of it.
    pub const PROJECTIONS: [Self; 8] = [
        Self::Rollups,
        Self::Calls,
        Self::Sessions,
        Self::Postings,
        Self::Recents,
        Self::Registry,
        Self::Trails,
        Self::IdRuns,
    ];

    /// Its name, also the name of its table in a file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Rollups => "rollups",
            Self::Calls => "calls",
            Self::Sessions => "sessions",
            Self::Postings => "postings",
            Self::Recents => "recents",
            Self::Registry => "registry",
            Self::Trails => "trails",
            Self::IdRuns => "id_runs",
        }
    }
}

/// In which order a scan goes through keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Ascending.
    Forward,
    /// Descending.
    Backward,
}

/// What a scan calls for each entry: key and value. It may end the scan early.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>>;

/// One committed state of the whole file, unchanged while it lasts.
pub trait Snapshot {
    /// The position of the last log row; [`Position::START`] when there is none.
    ///
    /// # Errors
    /// The engine's failures.
    fn head(&self) -> Result<Position>;

    /// Visits the log rows from `first` to `last`, both included, ascending. Missing rows are passed over:
    /// the caller counts.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) for a row that cannot be decoded or whose checksum differs, the
    /// visitor's error, and the engine's failures.
    fn rows(
        &self,
        first: Position,
        last: Position,
        visit: &mut dyn FnMut(Position, LogRow) -> Result<()>,
    ) -> Result<()>;

    /// Visits the log rows at some positions, which ascend. Missing rows are passed over: the caller counts.
    ///
    /// An engine does this in whichever way is its fastest: it knows what a seek costs, and what a step.
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    fn rows_at(&self, positions: &[Position], visit: &mut dyn FnMut(Position, LogRow) -> Result<()>) -> Result<()> {
        positions.iter().try_for_each(|position| self.rows(*position, *position, visit))
    }

    /// Looks for an id in the log rows from `first` to `last`, both included: how many rows there are, and where the id
    /// stands. Of a row its id alone is looked at, and nothing is proved: what is found is read before it is believed.
    ///
    /// For a process that appends once, to which reading all of the tail is what takes longest.
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    fn find_id(&self, first: Position, last: Position, id: EventId) -> Result<(u64, Option<Position>)> {
        let (mut rows, mut found) = (0, None);
        self.rows(first, last, &mut |position, row| {
            rows += 1;
            found = found.or_else(|| (row.id == id).then_some(position));
            Ok(())
        })?;
        Ok((rows, found))
    }

    /// The number of a name, if it is interned.
    ///
    /// # Errors
    /// The engine's failures.
    fn name_number(&self, kind: NameKind, text: &str) -> Result<Option<u32>>;

    /// The text of a number, if it is interned.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) if its [`name_checksum`] differs, and the engine's failures.
    fn name_text(&self, kind: NameKind, number: u32) -> Result<Option<String>>;

    /// The highest number of a kind; 0 when there is none.
    ///
    /// # Errors
    /// The engine's failures.
    fn last_name(&self, kind: NameKind) -> Result<u32>;

    /// The value of a key.
    ///
    /// # Errors
    /// The engine's failures.
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Visits the entries with `first <= key <= last` in the direction given, until the visitor breaks.
    ///
    /// # Errors
    /// The visitor's error, and the engine's failures.
    fn scan(&self, tree: Tree, first: &[u8], last: &[u8], direction: Direction, visit: Visit<'_>) -> Result<()>;
}

/// The one write transaction: a snapshot that also sees what it wrote itself.
pub trait Transaction: Snapshot {
    /// Adds the row after the last one.
    ///
    /// # Errors
    /// The engine's failures.
    fn push_row(&mut self, position: Position, row: &LogRow) -> Result<()>;

    /// Interns a name under a new number, with its [`name_checksum`].
    ///
    /// # Errors
    /// The engine's failures.
    fn push_name(&mut self, kind: NameKind, number: u32, text: &str) -> Result<()>;

    /// Sets a key's value.
    ///
    /// # Errors
    /// The engine's failures.
    fn put(&mut self, tree: Tree, key: &[u8], value: &[u8]) -> Result<()>;

    /// Removes a key, if it is there.
    ///
    /// # Errors
    /// The engine's failures.
    fn delete(&mut self, tree: Tree, key: &[u8]) -> Result<()>;

    /// Removes every key with `first <= key <= last`.
    ///
    /// # Errors
    /// The engine's failures.
    fn delete_range(&mut self, tree: Tree, first: &[u8], last: &[u8]) -> Result<()>;
}

/// A storage engine: atomic, durable transactions and snapshots, for many threads and processes.
pub trait Engine: Send + Sync {
    /// Runs a body on a snapshot of the latest committed state.
    ///
    /// # Errors
    /// The body's error, and the engine's failures.
    fn read<R>(&self, body: impl FnOnce(&dyn Snapshot) -> Result<R>) -> Result<R>;

    /// Runs a body in a write transaction, alone among all threads and processes. An `Ok` is committed,
    /// durably, before this returns; an error (or a panic) leaves no trace.
    ///
    /// # Errors
    /// [`Busy`](crate::Error::Busy) when another writer held on for longer than the wait, the body's error,
    /// and the engine's failures.
    fn write<R>(&self, body: impl FnOnce(&mut dyn Transaction) -> Result<R>) -> Result<R>;

    /// The same, but an `Ok` need not be durable before the next [`write`](Self::write) is: power loss may take
    /// it, as if it had not come to run, and all lazy ones that followed. For work that can be done again.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn write_lazily<R>(&self, body: impl FnOnce(&mut dyn Transaction) -> Result<R>) -> Result<R> {
        self.write(body)
    }

    /// Gives unused space back to the file system.
    ///
    /// # Errors
    /// [`Busy`](crate::Error::Busy) where others hold the file, and the engine's failures.
    fn compact(&self) -> Result<()>;

    /// The engine's own check of its file, before the ledger's proofs.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) for damage, and the engine's failures.
    fn check(&self) -> Result<()>;
}
