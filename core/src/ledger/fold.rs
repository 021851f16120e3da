//! Folding: what a stretch of the log adds to each projection, first in memory, then each row once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::cells::Cells;
use super::keys::{PostingKey, RollupKey, Scope, recent_key};
use super::positions::{Positions, block_of};
use super::recents;
use super::row::LogRow;
use super::state::State;
use super::tables::{Snapshot, Transaction, Tree};
use crate::bucket::Width;
use crate::recent::{RecentOutcome, RecentOutcomes};
use crate::usage::{Aggregate, Usage};
use crate::{EventId, Position, Result};

/// What some events add to the projections. Keys are without a generation.
#[derive(Debug, Default)]
pub(super) struct Fold {
    /// Usage in the narrowest buckets: (project, quarter, tool). All wider rows follow from these.
    narrow: HashMap<(u32, u32, u32), Usage>,
    /// (session, day, project, tool).
    sessions: HashMap<(u32, u32, u32, u32), Usage>,
    postings: BTreeMap<PostingKey, Positions>,
    recents: BTreeMap<(Scope, u32), RecentOutcomes>,
    ids: Vec<(EventId, Position)>,
}

impl Fold {
    /// Folds a row in; rows come in order of position.
    pub(super) fn apply(&mut self, position: Position, row: &LogRow) {
        let (quarter, day) = (Width::Quarter.bucket_of(row.time), Width::Day.bucket_of(row.time));
        let (session, project, block) = (row.session, row.project, block_of(position));
        row.count_in(self.narrow.entry((project, quarter, row.tool)).or_default());
        row.count_in(self.sessions.entry((session, day, project, row.tool)).or_default());
        let keys = [
            PostingKey::Quarter { scope: Scope::All, quarter, block },
            PostingKey::Quarter { scope: Scope::Project(project), quarter, block },
            PostingKey::Session { session, day, project, block },
        ];
        for key in keys {
            self.postings.entry(key).or_default().insert(position);
        }
        let recent = RecentOutcome { time: row.time, position, outcome: row.outcome };
        for scope in [Scope::All, Scope::Project(project)] {
            self.recents.entry((scope, row.tool)).or_default().record(recent);
        }
        self.ids.push((row.id, position));
    }

    /// The rollup rows that the events add to.
    pub(super) fn rollups(&self) -> BTreeMap<RollupKey, Cells> {
        let mut rows = self.buckets(&Width::ALL);
        self.add_sessions(&mut rows);
        rows
    }

    /// The bucket rows of some widths.
    pub(super) fn buckets(&self, widths: &[Width]) -> BTreeMap<RollupKey, Cells> {
        let mut rows: BTreeMap<RollupKey, Cells> = BTreeMap::new();
        for ((project, quarter, tool), usage) in &self.narrow {
            for scope in [Scope::All, Scope::Project(*project)] {
                for width in widths.iter().copied() {
                    let key = RollupKey::Bucket { scope, width, bucket: width.bucket_of_quarter(*quarter) };
                    rows.entry(key).or_default().by_tool.entry(*tool).or_default().merge(usage);
                }
            }
        }
        rows
    }

    /// The session rows, and the sessions of each day.
    pub(super) fn add_sessions(&self, rows: &mut BTreeMap<RollupKey, Cells>) {
        let mut days: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for ((session, day, project, tool), usage) in &self.sessions {
            let key = RollupKey::Session { session: *session, day: *day, project: *project };
            rows.entry(key).or_default().by_tool.insert(*tool, usage.clone());
            days.entry(*day).or_default().insert(*session);
        }
        for (day, sessions) in days {
            let key = RollupKey::Bucket { scope: Scope::All, width: Width::Day, bucket: day };
            rows.entry(key).or_default().sessions.extend(sessions);
        }
    }

    pub(super) const fn postings(&self) -> &BTreeMap<PostingKey, Positions> {
        &self.postings
    }

    pub(super) const fn recents(&self) -> &BTreeMap<(Scope, u32), RecentOutcomes> {
        &self.recents
    }

    pub(super) fn ids(&self) -> &[(EventId, Position)] {
        &self.ids
    }

    /// Adds everything to the stored projections: each row is read and written once.
    pub(super) fn write(&self, transaction: &mut dyn Transaction, state: &mut State) -> Result<()> {
        let generation = state.generation;
        for (key, added) in self.rollups() {
            let mut cells = stored_cells(transaction, generation, key)?.unwrap_or_default();
            cells.merge(&added);
            transaction.put(Tree::Rollups, &key.to_bytes(generation), &cells.to_bytes(generation, key)?)?;
        }
        for (key, added) in &self.postings {
            let (bytes, block) = (key.to_bytes(generation), key.block());
            let mut positions = match transaction.get(Tree::Postings, &bytes)? {
                Some(stored) => Positions::from_bytes(&bytes, block, &stored)?,
                None => Positions::default(),
            };
            positions.merge(added);
            transaction.put(Tree::Postings, &bytes, &positions.to_bytes(&bytes, block)?)?;
        }
        for ((scope, tool), added) in &self.recents {
            let key = recent_key(generation, *scope, *tool);
            let mut recents = match transaction.get(Tree::Recents, &key)? {
                Some(stored) => recents::from_bytes(&key, &stored)?,
                None => RecentOutcomes::default(),
            };
            recents.merge(added);
            transaction.put(Tree::Recents, &key, &recents::to_bytes(&recents, &key)?)?;
        }
        state.ids.add(transaction, &self.ids)?;
        if let Some((_, last)) = self.ids.last() {
            state.set_folded_to(*last);
        }
        Ok(())
    }
}

/// The rollup row of a key.
pub(super) fn stored_cells(snapshot: &dyn Snapshot, generation: u32, key: RollupKey) -> Result<Option<Cells>> {
    let bytes = key.to_bytes(generation);
    match snapshot.get(Tree::Rollups, &bytes)? {
        Some(stored) => Cells::from_bytes(&bytes, key.base(), &stored).map(Some),
        None => Ok(None),
    }
}

impl LogRow {
    /// Counts this call.
    pub(super) fn count_in(&self, usage: &mut Usage) {
        usage.record(self.outcome, self.time, self.duration);
    }
}
