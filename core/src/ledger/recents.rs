//! A recents row: the latest outcomes of a few tools in a scope, as bytes.
//!
//! Tools whose numbers differ in the lowest bits alone share a row, so that a fold writes few. A row is, for
//! each tool that has outcomes, ascending: its lowest bits, how many outcomes, and these, latest first: the
//! time in microseconds before that of the one above, the position, the outcome.

use std::collections::BTreeMap;

use super::bytes::{Reader, Writer};
use super::keys::show;
use super::tables::Tree;
use crate::recent::{RecentOutcome, RecentOutcomes};
use crate::usage::Aggregate;
use crate::{Error, Outcome, Position, Result, Timestamp, codec};

/// How many tools share a row.
const TOOLS: u32 = 16;

/// The row that a tool is in.
pub(super) const fn row_of(tool: u32) -> u32 {
    tool / TOOLS
}

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
        let mut row = Writer::with_capacity(self.by_tool.len() * RecentOutcomes::KEPT * 10);
        for (tool, recents) in &self.by_tool {
            row.number(u64::from(tool % TOOLS));
            row.number(recents.iter().len() as u64);
            let mut later = None;
            for recent in recents.iter() {
                let time = recent.time.as_micros().unsigned_abs();
                row.number(later.replace(time).map_or(time, |later| later - time));
                row.number(recent.position.get());
                row.byte(recent.outcome.code());
            }
        }
        codec::seal_bytes(key, row.as_slice())
    }

    pub(super) fn from_bytes(key: &[u8], row_number: u32, sealed: &[u8]) -> Result<Self> {
        let place = || show(Tree::Recents, key);
        let mut from = Reader::new(codec::open_bytes(&place, key, sealed)?);
        let mut recents = Self::default();
        let mut previous = None;
        while !from.is_empty() {
            let read = read_tool(&mut from).filter(|(low, _)| previous.replace(*low) < Some(*low));
            let (low, of_tool) = read.ok_or_else(|| Error::corrupt(place(), "a field is out of its range"))?;
            recents.by_tool.insert(row_number.saturating_mul(TOOLS).saturating_add(low), of_tool);
        }
        Ok(recents)
    }
}

fn read_tool(from: &mut Reader<'_>) -> Option<(u32, RecentOutcomes)> {
    let low = from.small_number().filter(|low| *low < TOOLS)?;
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
    Some((low, RecentOutcomes::from_sorted(entries)?))
}
