//! Folding: what a stretch of the log adds to each projection, first in memory, then each row once.

use std::collections::btree_map::Entry;
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

    /// Visits the bucket rows that the events add to, width by width from the narrowest up: each width is
    /// made of the one before, and only one is in memory at a time. Takes what they are made of.
    pub(super) fn take_buckets(&mut self, visit: &mut dyn FnMut(RollupKey, Cells) -> Result<()>) -> Result<()> {
        let mut days: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for (session, day, ..) in self.sessions.keys() {
            days.entry(*day).or_default().insert(*session);
        }
        let mut level: BTreeMap<(u32, u32, u32), Usage> = std::mem::take(&mut self.narrow).into_iter().collect();
        let mut quarters = 1;
        for width in Width::ALL {
            let wider = |bucket: u32| width.quarters().map_or(0, |wide| bucket / (wide / quarters));
            if width != Width::Quarter {
                level = merged(level, |(project, bucket, tool)| (project, wider(bucket), tool));
            }
            quarters = width.quarters().unwrap_or(quarters);
            for ((project, bucket), cells) in rows(level.iter().map(|((p, b, t), usage)| ((*p, *b), *t, usage))) {
                visit(RollupKey::Bucket { scope: Scope::Project(project), width, bucket }, cells)?;
            }
            let mut all: BTreeMap<u32, Cells> = BTreeMap::new();
            for ((_, bucket, tool), usage) in &level {
                all.entry(*bucket).or_default().add(*tool, usage.clone());
            }
            for (bucket, mut cells) in all {
                if width == Width::Day {
                    cells.add_sessions(days.remove(&bucket).unwrap_or_default());
                }
                visit(RollupKey::Bucket { scope: Scope::All, width, bucket }, cells)?;
            }
        }
        Ok(())
    }

    /// Visits the session rows that the events add to. Takes what they are made of.
    pub(super) fn take_sessions(&mut self, visit: &mut dyn FnMut(RollupKey, Cells) -> Result<()>) -> Result<()> {
        let sorted: BTreeMap<_, Usage> = std::mem::take(&mut self.sessions).into_iter().collect();
        for ((session, day, project), cells) in
            rows(sorted.iter().map(|((s, d, p, t), usage)| ((*s, *d, *p), *t, usage)))
        {
            visit(RollupKey::Session { session, day, project }, cells)?;
        }
        Ok(())
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
    pub(super) fn write(mut self, transaction: &mut dyn Transaction, state: &mut State) -> Result<()> {
        let generation = state.generation;
        let mut add = |key: RollupKey, added: Cells| {
            let mut cells = stored_cells(transaction, generation, key)?.unwrap_or_default();
            cells.merge(added);
            transaction.put(Tree::Rollups, &key.to_bytes(generation), &cells.to_bytes(generation, key)?)
        };
        self.take_buckets(&mut add)?;
        self.take_sessions(&mut add)?;
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

/// Merges what falls on the same key.
fn merged<K: Ord>(level: BTreeMap<K, Usage>, key: impl Fn(K) -> K) -> BTreeMap<K, Usage> {
    let mut wider: BTreeMap<K, Usage> = BTreeMap::new();
    for (narrow, usage) in level {
        match wider.entry(key(narrow)) {
            Entry::Vacant(entry) => drop(entry.insert(usage)),
            Entry::Occupied(mut entry) => entry.get_mut().merge(&usage),
        }
    }
    wider
}

/// Gathers neighbours with the same key into one row.
fn rows<'a, K: Copy + PartialEq>(cells: impl Iterator<Item = (K, u32, &'a Usage)>) -> impl Iterator<Item = (K, Cells)> {
    let mut cells = cells.peekable();
    std::iter::from_fn(move || {
        let (key, tool, usage) = cells.next()?;
        let mut row = Cells::default();
        row.add(tool, usage.clone());
        while let Some((_, tool, usage)) = cells.next_if(|(next, ..)| *next == key) {
            row.add(tool, usage.clone());
        }
        Some((key, row))
    })
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
