//! A registry row: where the log has the registry events of a few tools in the settings of a project, or of every one.
//!
//! Tools whose numbers differ in the lowest bits alone share a row, as in the recents. A row is, for each tool that has
//! registry events, ascending: its lowest bits, the positions of its latest discovery, of its latest removal and of its
//! first discovery, 0 where there is none, and how many discoveries there are. What an event tells stands in the log,
//! so a row stays small.

use std::collections::BTreeMap;

use super::bytes::{Reader, Writer};
use super::keys::show;
use super::row::LogRow;
use super::tables::Tree;
use crate::{Error, Position, Result, codec};

/// How many tools share a row.
const TOOLS: u32 = 16;

/// The row that a tool is in.
pub(super) const fn row_of(tool: u32) -> u32 {
    tool / TOOLS
}

/// Where the log has what it says of one tool in the same settings. A commutative monoid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Of the latest discovery; [`Position::START`] where there is none.
    pub(super) discovered: Position,
    /// Of the latest removal; [`Position::START`] where there is none.
    pub(super) removed: Position,
    /// Of the first discovery; [`Position::START`] where there is none.
    pub(super) first: Position,
    pub(super) discoveries: u64,
}

impl Facts {
    /// What one row of the log says; nothing where it is of no registry event.
    pub(super) fn of(position: Position, row: &LogRow) -> Self {
        match row.kind {
            LogRow::TOOL_DISCOVERED => {
                Self { discovered: position, removed: Position::START, first: position, discoveries: 1 }
            }
            LogRow::TOOL_REMOVED => Self { removed: position, ..Self::default() },
            _ => Self::default(),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.discovered = self.discovered.max(other.discovered);
        self.removed = self.removed.max(other.removed);
        let firsts = [self.first, other.first].into_iter().filter(|first| *first > Position::START);
        self.first = firsts.min().unwrap_or(Position::START);
        self.discoveries = self.discoveries.saturating_add(other.discoveries);
    }

    /// Where the removal is that came after the latest discovery.
    pub(super) fn removal(&self) -> Option<Position> {
        Some(self.removed).filter(|removed| *removed > self.discovered)
    }

    /// Whether discoveries and positions go together, and one of the events is there; false means damage.
    fn is_sound(&self) -> bool {
        match self.discoveries {
            0 => self.discovered == Position::START && self.first == Position::START && self.removed > Position::START,
            1 => self.first == self.discovered && self.first > Position::START && self.removed != self.first,
            _ => Position::START < self.first && self.first < self.discovered && self.removed != self.discovered,
        }
    }
}

/// The tools of a row that have registry events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Registry {
    by_tool: BTreeMap<u32, Facts>,
}

impl Registry {
    /// Adds what is known of a tool.
    pub(super) fn add(&mut self, tool: u32, added: &Facts) {
        self.by_tool.entry(tool).or_default().merge(added);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.by_tool.iter().for_each(|(tool, added)| self.add(*tool, added));
    }

    /// The tools, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Facts)> {
        self.by_tool.iter().map(|(tool, facts)| (*tool, facts))
    }

    pub(super) fn to_bytes(&self, key: &[u8]) -> Vec<u8> {
        let mut row = Writer::with_capacity(self.by_tool.len() * 16);
        for (tool, facts) in &self.by_tool {
            row.number(u64::from(tool % TOOLS));
            for position in [facts.discovered, facts.removed, facts.first] {
                row.number(position.get());
            }
            row.number(facts.discoveries);
        }
        codec::seal_bytes(key, row.as_slice())
    }

    pub(super) fn from_bytes(key: &[u8], row_number: u32, sealed: &[u8]) -> Result<Self> {
        let place = || show(Tree::Registry, key);
        let mut from = Reader::new(codec::open_bytes(&place, key, sealed)?);
        let mut registry = Self::default();
        let mut previous = None;
        while !from.is_empty() {
            let read = read_tool(&mut from).filter(|(low, _)| previous.replace(*low) < Some(*low));
            let (low, facts) = read.ok_or_else(|| Error::corrupt(place(), "a field is out of its range"))?;
            registry.by_tool.insert(row_number.saturating_mul(TOOLS).saturating_add(low), facts);
        }
        Ok(registry)
    }
}

fn read_tool(from: &mut Reader<'_>) -> Option<(u32, Facts)> {
    let low = from.small_number().filter(|low| *low < TOOLS)?;
    let mut position = || from.number().map(Position::new);
    let (discovered, removed, first) = (position()?, position()?, position()?);
    let facts = Facts { discovered, removed, first, discoveries: from.number()? };
    facts.is_sound().then_some((low, facts))
}
