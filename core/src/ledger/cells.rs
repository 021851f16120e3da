//! A rollup row: the usage of every tool in one bucket, packed.

use serde::{Deserialize, Serialize};

use super::keys::{RollupKey, show};
use super::tables::Tree;
use crate::sketch::MOST_COUNTED;
use crate::usage::{Aggregate, Durations, Usage};
use crate::{Error, Outcome, Result, Timestamp, codec};

/// Usage by tool number. In the daily rows of all projects also the sessions of that day, so that a
/// windowed question about sessions need not go through all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cells {
    /// Ascending by tool, each tool once. A vector: most rows hold a few tools, and folds hold many rows.
    by_tool: Vec<(u32, Usage)>,
    /// Ascending, each session once.
    sessions: Vec<u32>,
}

impl Cells {
    /// The tools and their usage, ascending by tool.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Usage)> {
        self.by_tool.iter().map(|(tool, usage)| (*tool, usage))
    }

    pub(super) fn holds(&self, tool: u32) -> bool {
        self.by_tool.binary_search_by_key(&tool, |(tool, _)| *tool).is_ok()
    }

    pub(super) fn sessions(&self) -> &[u32] {
        &self.sessions
    }

    /// Adds a tool's usage.
    pub(super) fn add(&mut self, tool: u32, usage: Usage) {
        match self.by_tool.binary_search_by_key(&tool, |(tool, _)| *tool) {
            Ok(at) => {
                if let Some((_, sum)) = self.by_tool.get_mut(at) {
                    sum.merge(&usage);
                }
            }
            Err(at) => self.by_tool.insert(at, (tool, usage)),
        }
    }

    /// Adds sessions, ascending.
    pub(super) fn add_sessions(&mut self, sessions: impl IntoIterator<Item = u32>) {
        for session in sessions {
            if let Err(at) = self.sessions.binary_search(&session) {
                self.sessions.insert(at, session);
            }
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (tool, usage) in other.by_tool {
            self.add(tool, usage);
        }
        self.add_sessions(other.sessions);
    }

    pub(super) fn to_bytes(&self, generation: u32, key: RollupKey) -> Result<Vec<u8>> {
        let base = key.base();
        let mut previous = 0;
        let wire = Wire {
            cells: self.iter().map(|(tool, usage)| Cell::new(tool, usage, base)).collect(),
            sessions: self.sessions.iter().map(|s| s - std::mem::replace(&mut previous, *s)).collect(),
        };
        codec::seal(&key.to_bytes(generation), &wire)
    }

    pub(super) fn from_bytes(key_bytes: &[u8], base: Timestamp, bytes: &[u8]) -> Result<Self> {
        let damage = || Error::corrupt(show(Tree::Rollups, key_bytes), "a field is out of its range");
        let wire: Wire = codec::open(&|| show(Tree::Rollups, key_bytes), key_bytes, bytes)?;
        let read = |cell: Cell| Some((cell.tool, cell.into_usage(base)?));
        let by_tool: Vec<(u32, Usage)> = wire.cells.into_iter().map(read).collect::<Option<_>>().ok_or_else(damage)?;
        let mut session = 0_u32;
        let mut after = |gap| {
            session = session.checked_add(gap)?;
            Some(session)
        };
        let sessions: Vec<u32> = wire.sessions.into_iter().map(&mut after).collect::<Option<_>>().ok_or_else(damage)?;
        let ascends = by_tool.is_sorted_by(|a, b| a.0 < b.0) && sessions.is_sorted_by(|a, b| a < b);
        if ascends { Ok(Self { by_tool, sessions }) } else { Err(damage()) }
    }
}

/// The stored shape. Its order of fields is the file format.
#[derive(Serialize, Deserialize)]
struct Wire {
    cells: Vec<Cell>,
    /// Each less the one before.
    sessions: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
struct Cell {
    tool: u32,
    outcomes: [u64; Outcome::ALL.len()],
    /// Microseconds after the row's base.
    first: u64,
    /// Microseconds after `first`.
    last: u64,
    durations: Durations,
}

impl Cell {
    fn new(tool: u32, usage: &Usage, base: Timestamp) -> Self {
        let first = usage.first_used().unwrap_or(base);
        let last = usage.last_used().unwrap_or(first);
        let after = |a: Timestamp, b: Timestamp| a.as_micros().abs_diff(b.as_micros());
        Self {
            tool,
            outcomes: *usage.outcomes(),
            first: after(first, base),
            last: after(last, first),
            durations: usage.durations().clone(),
        }
    }

    fn into_usage(self, base: Timestamp) -> Option<Usage> {
        let after = |t: Timestamp, micros: u64| {
            Timestamp::from_micros(t.as_micros().checked_add(i64::try_from(micros).ok()?)?).ok()
        };
        let first = after(base, self.first)?;
        let last = after(first, self.last)?;
        let is_sound = self.durations.is_sound() && self.outcomes.iter().all(|count| *count <= MOST_COUNTED);
        is_sound.then(|| Usage::from_parts(self.outcomes, Some((first, last)), self.durations))
    }
}
