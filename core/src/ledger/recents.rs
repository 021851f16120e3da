//! A recents row: the latest outcomes of a few tools in a scope, as bytes.
//!
//! Of each tool ([`tool_rows`](super::tool_rows)) a row has: how many outcomes, and these, latest first: the time in
//! microseconds before that of the one above, the position, the outcome.

use std::collections::BTreeMap;

use super::bytes::{Reader, Writer};
use super::tables::Tree;
use super::tool_rows::{self, OfTool};
use crate::recent::{RecentOutcome, RecentOutcomes};
use crate::usage::Aggregate;
use crate::{Outcome, Position, Result, Timestamp};

/// The tools of a row that have outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Recents {
    by_tool: BTreeMap<u32, RecentOutcomes>,
}

impl Recents {
    /// Adds the latest outcomes of a tool.
    pub(super) fn add(&mut self, tool: u32, added: &RecentOutcomes) {
        self.by_tool.entry(tool).or_default().merge(added);
    }

    /// Adds one outcome of a tool.
    pub(super) fn record(&mut self, tool: u32, recent: RecentOutcome) {
        self.by_tool.entry(tool).or_default().record(recent);
    }

    /// The tools, ascending, each with its outcomes.
    pub(super) fn into_tools(self) -> impl Iterator<Item = (u32, RecentOutcomes)> {
        self.by_tool.into_iter()
    }

    /// Takes another row's tools in, none of which is among these.
    pub(super) fn take_in(&mut self, other: Self) {
        self.by_tool.extend(other.by_tool);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.by_tool.iter().for_each(|(tool, added)| self.add(*tool, added));
    }

    /// A tool's, latest first.
    pub(super) fn of_tool(&self, tool: u32) -> impl Iterator<Item = &RecentOutcome> {
        self.by_tool.get(&tool).into_iter().flat_map(RecentOutcomes::iter)
    }

    pub(super) fn to_bytes(&self, key: &[u8]) -> Vec<u8> {
        tool_rows::to_bytes(&self.by_tool, key)
    }

    pub(super) fn from_bytes(key: &[u8], row_number: u32, sealed: &[u8]) -> Result<Self> {
        Ok(Self { by_tool: tool_rows::from_bytes(key, row_number, sealed)? })
    }
}

impl OfTool for RecentOutcomes {
    const TREE: Tree = Tree::Recents;
    const BYTES: usize = Self::KEPT * 10;

    fn write(&self, to: &mut Writer) {
        to.number(self.iter().len() as u64);
        let mut later = None;
        for recent in self.iter() {
            let time = recent.time.as_micros().unsigned_abs();
            to.number(later.replace(time).map_or(time, |later| later - time));
            to.number(recent.position.get());
            to.byte(recent.outcome.code());
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let count = from.count()?;
        let mut entries = Vec::with_capacity(count);
        let mut later = None;
        for _ in 0..count {
            let number = from.number()?;
            let time = later.map_or(Some(number), |later: u64| later.checked_sub(number))?;
            later = Some(time);
            entries.push(RecentOutcome {
                time: Timestamp::from_micros(i64::try_from(time).ok()?).ok()?,
                position: Position::new(from.number()?),
                outcome: Outcome::from_code(from.byte()?)?,
            });
        }
        Self::from_sorted(entries)
    }
}
