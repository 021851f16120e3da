//! Folding: what a stretch of the log adds to each projection, in memory. `fold_write` stores it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::calls::Call;
use super::cells::Cells;
use super::keys::{CallsKey, PostingKey, RegistryKey, Scope, SessionKey, TrailKey};
use super::positions::{Positions, block_of};
use super::recents::Recents;
use super::registry::{Facts, Registry};
use super::row::LogRow;
use super::tool_rows::row_of;
use super::trails::Trails;
use crate::bucket::Width;
use crate::recent::{RecentOutcome, RecentOutcomes};
use crate::usage::Usage;
use crate::{EventId, Position};

/// The rows of the buckets of one width, by bucket and scope.
pub(super) type Level = BTreeMap<(u32, Scope), Cells>;

/// What some events add to the projections. Keys are without a generation.
#[derive(Debug, Default)]
pub(super) struct Fold {
    calls: Vec<(CallsKey, Call)>,
    /// Usage in the narrowest buckets, by (bucket, project, tool). All wider rows follow from these.
    narrow: FxHashMap<(u32, u32, u32), Usage>,
    sessions: FxHashMap<(SessionKey, u32), Usage>,
    postings: FxHashMap<PostingKey, Positions>,
    trails: FxHashMap<TrailKey, Trails>,
    /// By (project, tool). Those of all projects follow.
    recents: FxHashMap<(u32, u32), RecentOutcomes>,
    /// By (project, tool).
    registry: FxHashMap<(u32, u32), Facts>,
    ids: Vec<(EventId, Position)>,
}

impl Fold {
    /// Folds a row in; rows come in order of position.
    pub(super) fn apply(&mut self, position: Position, row: &LogRow) {
        self.ids.push((row.id, position));
        if row.is_tool_use() {
            self.apply_call(position, row);
        } else {
            self.registry.entry((row.project, row.tool)).or_default().merge(&Facts::of(position, row));
        }
    }

    fn apply_call(&mut self, position: Position, row: &LogRow) {
        let (session, project, tool) = (row.session, row.project, row.tool);
        let call = Call::of(position, row);
        self.calls.push((call.key(), call));
        row.count_in(self.narrow.entry((Width::ThreeHours.bucket_of(row.time), project, tool)).or_default());
        let of = SessionKey { session, day: Width::Day.bucket_of(row.time), project };
        row.count_in(self.sessions.entry((of, tool)).or_default());
        let block = block_of(position);
        self.postings.entry(PostingKey { of, block }).or_default().insert(position);
        if Trails::take(row) {
            self.trails.entry(TrailKey { project, block }).or_default().push(position, row);
        }
        let recent = RecentOutcome { time: row.time, position, outcome: row.outcome };
        self.recents.entry((project, tool)).or_default().record(recent);
    }

    /// The ids, in order of position.
    pub(super) fn ids(&self) -> &[(EventId, Position)] {
        &self.ids
    }

    /// Takes the ids.
    pub(super) fn take_ids(&mut self) -> Vec<(EventId, Position)> {
        std::mem::take(&mut self.ids)
    }

    /// The day of the last call.
    pub(super) fn last_day(&self) -> Option<u32> {
        self.calls.last().map(|(_, call)| Width::Day.bucket_of(call.time))
    }

    /// The calls by key, each key's ascending by position. Takes them.
    pub(super) fn take_calls(&mut self) -> Vec<(CallsKey, Call)> {
        let mut calls = std::mem::take(&mut self.calls);
        calls.sort_by_key(|(key, _)| *key);
        calls
    }

    /// The rows of the narrowest buckets. Takes what they are made of.
    pub(super) fn take_narrowest(&mut self) -> Level {
        let mut sorted: Vec<_> = std::mem::take(&mut self.narrow).into_iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        let mut level = Level::new();
        for ((bucket, project, tool), usage) in &sorted {
            level.entry((*bucket, Scope::All)).or_default().add(*tool, usage);
            level.entry((*bucket, Scope::Project(*project))).or_default().add(*tool, usage);
        }
        level
    }

    /// The sessions of each day.
    pub(super) fn sessions_by_day(&self) -> BTreeMap<u32, BTreeSet<u32>> {
        let mut days: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for (of, _) in self.sessions.keys() {
            days.entry(of.day).or_default().insert(of.session);
        }
        days
    }

    /// The session rows, in order. Takes what they are made of.
    pub(super) fn take_sessions(&mut self) -> BTreeMap<SessionKey, Cells> {
        let mut rows: BTreeMap<SessionKey, Cells> = BTreeMap::new();
        for ((of, tool), usage) in std::mem::take(&mut self.sessions) {
            rows.entry(of).or_default().add(tool, &usage);
        }
        rows
    }

    /// The postings, in order. Takes them.
    pub(super) fn take_postings(&mut self) -> BTreeMap<PostingKey, Positions> {
        std::mem::take(&mut self.postings).into_iter().collect()
    }

    /// The trails rows, in order. Takes them.
    pub(super) fn take_trails(&mut self) -> BTreeMap<TrailKey, Trails> {
        std::mem::take(&mut self.trails).into_iter().collect()
    }

    /// The recents rows, by scope and number. Takes what they are made of.
    pub(super) fn take_recents(&mut self) -> BTreeMap<(Scope, u32), Recents> {
        let mut rows: BTreeMap<(Scope, u32), Recents> = BTreeMap::new();
        for ((project, tool), recents) in std::mem::take(&mut self.recents) {
            for scope in [Scope::All, Scope::Project(project)] {
                rows.entry((scope, row_of(tool))).or_default().add(tool, &recents);
            }
        }
        rows
    }

    /// The registry rows, in order. Takes what they are made of.
    pub(super) fn take_registry(&mut self) -> BTreeMap<RegistryKey, Registry> {
        let mut rows: BTreeMap<RegistryKey, Registry> = BTreeMap::new();
        for ((project, tool), facts) in std::mem::take(&mut self.registry) {
            let key = RegistryKey { project, tools: row_of(tool) };
            rows.entry(key).or_default().add(tool, &facts);
        }
        rows
    }
}

/// The rows of a width from those of a narrower one. Sessions belong to days alone and are left out.
pub(super) fn widened(level: &Level, narrower: Width, wider: Width) -> Level {
    let mut wide = Level::new();
    for ((bucket, scope), cells) in level {
        wide.entry((wider.bucket_of_bucket(narrower, *bucket), *scope)).or_default().merge_usage(cells);
    }
    wide
}

/// The rows of days, from the narrowest buckets and the sessions of each day.
pub(super) fn days_of(narrowest: &Level, sessions: BTreeMap<u32, BTreeSet<u32>>) -> Level {
    let mut days = widened(narrowest, Width::ThreeHours, Width::Day);
    for (day, sessions) in sessions {
        days.entry((day, Scope::All)).or_default().add_sessions(sessions);
    }
    days
}

/// Adds rows to those of the same keys.
pub(super) fn merge_level(level: &mut Level, added: Level) {
    for (key, cells) in added {
        match level.entry(key) {
            Entry::Vacant(entry) => drop(entry.insert(cells)),
            Entry::Occupied(mut entry) => entry.get_mut().merge(&cells),
        }
    }
}

impl LogRow {
    /// Counts this call.
    pub(super) fn count_in(&self, usage: &mut Usage) {
        usage.record(self.outcome, self.time, self.duration);
    }
}
