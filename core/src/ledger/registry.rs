//! A registry row: where the log has the registry events of a few tools in the settings of a project, or of every one.
//!
//! Of each tool ([`tool_rows`](super::tool_rows)) a row has: the positions of its latest discovery, of its latest removal
//! and of its first discovery, 0 where there is none, and how many discoveries there are. What an event tells stands in
//! the log, so a row stays small.

use std::collections::BTreeMap;

use super::bytes::{Reader, Writer};
use super::row::LogRow;
use super::tables::Tree;
use super::tool_rows::{self, OfTool};
use crate::{Position, Result};

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
        tool_rows::to_bytes(&self.by_tool, key)
    }

    pub(super) fn from_bytes(key: &[u8], row_number: u32, sealed: &[u8]) -> Result<Self> {
        Ok(Self { by_tool: tool_rows::from_bytes(key, row_number, sealed)? })
    }
}

impl OfTool for Facts {
    const TREE: Tree = Tree::Registry;
    const BYTES: usize = 16;

    fn write(&self, to: &mut Writer) {
        for position in [self.discovered, self.removed, self.first] {
            to.number(position.get());
        }
        to.number(self.discoveries);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut position = || from.number().map(Position::new);
        let (discovered, removed, first) = (position()?, position()?, position()?);
        let facts = Self { discovered, removed, first, discoveries: from.number()? };
        facts.is_sound().then_some(facts)
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::RegistryKey;
    use super::super::{Ledger, MemoryEngine, Transaction as _};
    use super::*;
    use crate::policy::kind::{Kind, Scope};
    use crate::{
        EventId, Filter, LogExt as _, MaintenanceExt as _, Queries as _, SettingsSource, Timestamp, ToolDiscovered,
        ToolName, ToolRemoved,
    };

    const fn facts(discovered: u64, removed: u64, first: u64, discoveries: u64) -> Facts {
        Facts {
            discovered: Position::new(discovered),
            removed: Position::new(removed),
            first: Position::new(first),
            discoveries,
        }
    }

    fn row(facts: &[(u32, Facts)]) -> Registry {
        Registry { by_tool: facts.iter().copied().collect() }
    }

    #[test]
    fn rows_come_back_and_facts_that_cannot_be_are_damage() {
        let sound = [
            (32, facts(7, 0, 7, 1)),
            (33, facts(7, 9, 3, 2)),
            (40, facts(0, 1, 0, 0)),
            (47, facts(u64::MAX, 1, 2, u64::MAX)),
        ];
        assert_eq!(Registry::from_bytes(b"key", 2, &row(&sound).to_bytes(b"key")).unwrap(), row(&sound));
        let unsound = [facts(0, 0, 0, 0), facts(7, 0, 6, 1), facts(7, 7, 7, 1), facts(7, 0, 7, 2), facts(0, 1, 1, 0)];
        for facts in unsound {
            let bytes = row(&[(32, facts)]).to_bytes(b"key");
            assert!(Registry::from_bytes(b"key", 2, &bytes).unwrap_err().is_corrupt(), "{facts:?}");
        }
    }

    #[test]
    fn facts_merge_in_any_order() {
        let all = [facts(3, 0, 3, 1), facts(0, 5, 0, 0), facts(9, 0, 9, 1), facts(0, 2, 0, 0)];
        for turned in 0..all.len() {
            let (mut one, mut other) = (Facts::default(), Facts::default());
            all.iter().skip(turned).for_each(|facts| one.merge(facts));
            all.iter().take(turned).for_each(|facts| other.merge(facts));
            one.merge(&other);
            assert_eq!(one, facts(9, 5, 3, 2));
        }
        assert_eq!(facts(9, 5, 3, 2).removal(), None);
        assert_eq!(facts(4, 5, 3, 2).removal(), Some(Position::new(5)));
    }

    /// Damage that no checksum tells: a row with other facts, sealed.
    #[test]
    fn verify_compares_rows_with_the_log() {
        let engine = MemoryEngine::default();
        let ledger = Ledger::new(engine.clone());
        let (tool, time) = (ToolName::new("/deploy").unwrap(), Timestamp::MIN);
        let id = |n: u64| EventId::derived(&[n.to_le_bytes()]);
        let source = SettingsSource::new("settings").unwrap();
        let found = |n| ToolDiscovered::new(id(n), tool.clone(), Kind::Skill, Scope::User, source.clone(), time).into();
        let gone = ToolRemoved::new(id(2), tool.clone(), time).into();
        let mut events = vec![found(1), gone];
        events.extend((3..1_200).map(found));
        ledger.record_all(&events).unwrap();
        ledger.verify_quietly().unwrap();
        assert_eq!(ledger.registered(&Filter::Any).unwrap().len(), 1);
        let key = RegistryKey { project: 0, tools: 0 }.to_bytes(0);
        let right = facts(1_199, 2, 1, 1_198);
        for wrong in
            [facts(1_198, 2, 1, 1_198), facts(1_199, 0, 1, 1_198), facts(1_199, 2, 3, 1_198), facts(1_199, 2, 1, 1_197)]
        {
            for (facts, is_sound) in [(wrong, false), (right, true)] {
                let sealed = row(&[(1, facts)]).to_bytes(&key);
                engine.tamper(|tables| tables.put(Tree::Registry, &key, &sealed).unwrap());
                assert_eq!(ledger.verify_quietly().is_ok(), is_sound, "{facts:?}");
            }
        }
    }
}
