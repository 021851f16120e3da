//! A rollup row: the usage of every tool in one bucket, packed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::keys::{RollupKey, show};
use super::tables::Tree;
use crate::usage::{Aggregate, Durations, Usage};
use crate::{Error, Outcome, Result, Timestamp, codec};

/// Usage by tool number. In the daily rows of all projects also the sessions of that day, so that a
/// windowed question about sessions need not go through all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cells {
    pub(super) by_tool: BTreeMap<u32, Usage>,
    pub(super) sessions: BTreeSet<u32>,
}

impl Cells {
    pub(super) fn merge(&mut self, other: &Self) {
        for (tool, usage) in &other.by_tool {
            self.by_tool.entry(*tool).or_default().merge(usage);
        }
        self.sessions.extend(&other.sessions);
    }

    pub(super) fn to_bytes(&self, generation: u32, key: RollupKey) -> Result<Vec<u8>> {
        let base = key.base();
        let mut previous = 0;
        let wire = Wire {
            cells: self.by_tool.iter().map(|(tool, usage)| Cell::new(*tool, usage, base)).collect(),
            sessions: self.sessions.iter().map(|s| s - std::mem::replace(&mut previous, *s)).collect(),
        };
        codec::seal(&key.to_bytes(generation), &wire)
    }

    pub(super) fn from_bytes(key_bytes: &[u8], base: Timestamp, bytes: &[u8]) -> Result<Self> {
        let damage = || Error::corrupt(show(Tree::Rollups, key_bytes), "a field is out of its range");
        let wire: Wire = codec::open(&|| show(Tree::Rollups, key_bytes), key_bytes, bytes)?;
        let mut cells = Self::default();
        for cell in wire.cells {
            let tool = cell.tool;
            let usage = cell.into_usage(base).ok_or_else(damage)?;
            cells.by_tool.insert(tool, usage);
        }
        let mut session = 0_u32;
        for gap in wire.sessions {
            session = session.checked_add(gap).ok_or_else(damage)?;
            cells.sessions.insert(session);
        }
        Ok(cells)
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
        self.durations.is_sound().then(|| Usage::from_parts(self.outcomes, Some((first, last)), self.durations))
    }
}
