//! Adding a fold to the stored projections: each row is read and written once.
//!
//! A wide bucket's row is large, so it isn't written at each fold. What a day adds waits in **pending** rows,
//! of which there are those of a few days at most; a query adds them to every wide bucket that it reads.
//! When a fold touches one day too many, older days are **carried**: added to the rows of the day and of
//! each wider bucket, all in the fold's own transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::calls::{self, Call};
use super::cells::{Cells, Place};
use super::fold::{Fold, Level, days_of, merge_level, widened};
use super::ids::{Entry, sorted_entries};
use super::keys::{
    CallsKey, PostingKey, RegistryKey, RollupKey, Scope, SessionKey, TrailKey, pending_range, recents_key, show,
};
use super::positions::Positions;
use super::recents::Recents;
use super::registry::Registry;
use super::state::State;
use super::tables::{Direction, Transaction, Tree};
use super::trails::Trails;
use crate::bucket::Width;
use crate::{Error, EventId, Position, Result};

/// How many days may be pending.
pub(super) const MOST_PENDING: usize = 4;

/// A fold as the rows that it adds to: made without the store, so that another thread may do it.
#[derive(Debug)]
pub(super) struct Prepared {
    last_day: Option<u32>,
    last: Position,
    calls: Vec<(CallsKey, Call)>,
    narrowest: Level,
    days: Level,
    sessions: BTreeMap<SessionKey, Cells>,
    postings: BTreeMap<PostingKey, Positions>,
    recents: BTreeMap<(Scope, u32), Recents>,
    registry: BTreeMap<RegistryKey, Registry>,
    trails: BTreeMap<TrailKey, Trails>,
    ids: Vec<(EventId, Position)>,
    id_entries: Vec<Entry>,
}

impl Fold {
    /// Makes the rows; `None` of no events.
    pub(super) fn prepare(mut self) -> Option<Prepared> {
        let (_, last) = *self.ids().last()?;
        let last_day = self.last_day();
        let calls = self.take_calls();
        let sessions_by_day = self.sessions_by_day();
        let narrowest = self.take_narrowest();
        let days = days_of(&narrowest, sessions_by_day);
        let (sessions, postings, recents) = (self.take_sessions(), self.take_postings(), self.take_recents());
        let (registry, trails) = (self.take_registry(), self.take_trails());
        let ids = self.take_ids();
        let id_entries = sorted_entries(&ids);
        Some(Prepared {
            last_day,
            last,
            calls,
            narrowest,
            days,
            sessions,
            postings,
            recents,
            registry,
            trails,
            ids,
            id_entries,
        })
    }
}

impl Prepared {
    /// The ids, in order of position.
    pub(super) fn ids(&self) -> &[(EventId, Position)] {
        &self.ids
    }

    /// Adds everything to the stored projections.
    pub(super) fn write(self, transaction: &mut dyn Transaction, state: &mut State) -> Result<()> {
        let id_entries = self.write_all_but_ids(transaction, state)?;
        state.ids.add(transaction, &id_entries)
    }

    /// Adds everything but the ids, which are left to the caller.
    pub(super) fn write_all_but_ids(self, transaction: &mut dyn Transaction, state: &mut State) -> Result<Vec<Entry>> {
        let generation = state.generation;
        write_calls(transaction, generation, &self.calls)?;
        write_level(transaction, generation, Width::ThreeHours, &self.narrowest)?;
        write_days(transaction, state, self.days, self.last_day)?;
        write_sessions(transaction, generation, &self.sessions)?;
        write_postings(transaction, generation, &self.postings)?;
        write_recents(transaction, generation, &self.recents)?;
        write_registry(transaction, generation, &self.registry)?;
        write_trails(transaction, generation, &self.trails)?;
        state.set_folded_to(self.last);
        Ok(self.id_entries)
    }
}

fn write_calls(transaction: &mut dyn Transaction, generation: u32, all: &[(CallsKey, Call)]) -> Result<()> {
    for of_key in all.chunk_by(|(a, _), (b, _)| a == b) {
        let Some((key, _)) = of_key.first() else { continue };
        let bytes = key.to_bytes(generation);
        let mut calls = stored(transaction, Tree::Calls, &bytes, |stored| calls::from_bytes(&bytes, *key, stored))?;
        calls.extend(of_key.iter().map(|(_, call)| *call));
        transaction.put(Tree::Calls, &bytes, &calls::to_bytes(&calls, &bytes, *key)?)?;
    }
    Ok(())
}

fn add_cells(transaction: &mut dyn Transaction, generation: u32, key: RollupKey, added: &Cells) -> Result<()> {
    let bytes = key.to_bytes(generation);
    let place = Place::of_rollup(key, &bytes);
    let sealed = match transaction.get(Tree::Rollups, &bytes)? {
        Some(stored) => {
            let mut cells = Cells::from_bytes(&place, &stored)?;
            cells.merge(added);
            cells.to_bytes(&place)
        }
        None => added.to_bytes(&place),
    };
    transaction.put(Tree::Rollups, &bytes, &sealed)
}

fn write_level(transaction: &mut dyn Transaction, generation: u32, width: Width, level: &Level) -> Result<()> {
    for ((bucket, scope), cells) in level {
        add_cells(transaction, generation, RollupKey::Bucket { width, bucket: *bucket, scope: *scope }, cells)?;
    }
    Ok(())
}

/// Adds days to the pending ones, and carries those that are too many.
fn write_days(transaction: &mut dyn Transaction, state: &mut State, days: Level, last_day: Option<u32>) -> Result<()> {
    let generation = state.generation;
    let touched: BTreeSet<u32> = days.keys().map(|(day, _)| *day).collect();
    let pending: BTreeSet<u32> = state.pending().iter().copied().chain(touched).collect();
    let are_few = pending.len() <= MOST_PENDING;
    let (stay, mut carried): (Level, Level) =
        days.into_iter().partition(|((day, _), _)| are_few || Some(*day) == last_day);
    if !are_few {
        for day in state.pending().iter().filter(|day| Some(**day) != last_day) {
            merge_level(&mut carried, take_pending(transaction, generation, *day)?);
        }
        carry(transaction, generation, carried)?;
    }
    for ((day, scope), cells) in &stay {
        add_cells(transaction, generation, RollupKey::Pending { day: *day, scope: *scope }, cells)?;
    }
    state.set_pending(pending.into_iter().filter(|day| are_few || Some(*day) == last_day).collect());
    Ok(())
}

/// Reads and removes the rows of a pending day.
fn take_pending(transaction: &mut dyn Transaction, generation: u32, day: u32) -> Result<Level> {
    let (first, last) = pending_range(generation, day);
    let (mut level, mut taken) = (Level::new(), Vec::new());
    transaction.scan(Tree::Rollups, &first, &last, Direction::Forward, &mut |bytes, sealed| {
        let key = RollupKey::read(bytes).ok_or_else(|| Error::corrupt(show(Tree::Rollups, bytes), "its key is cut"))?;
        level.insert((day, key.scope()), Cells::from_bytes(&Place::of_rollup(key, bytes), sealed)?);
        taken.push(bytes.to_vec());
        Ok(ControlFlow::Continue(()))
    })?;
    taken.iter().try_for_each(|bytes| transaction.delete(Tree::Rollups, bytes))?;
    Ok(level)
}

/// Adds days to their own rows and to those of every wider bucket.
fn carry(transaction: &mut dyn Transaction, generation: u32, days: Level) -> Result<()> {
    let (mut level, mut narrower) = (days, Width::Day);
    write_level(transaction, generation, Width::Day, &level)?;
    for width in [Width::EightDays, Width::SixtyFourDays, Width::Forever] {
        level = widened(&level, narrower, width);
        narrower = width;
        write_level(transaction, generation, width, &level)?;
    }
    Ok(())
}

fn write_sessions(
    transaction: &mut dyn Transaction,
    generation: u32,
    rows: &BTreeMap<SessionKey, Cells>,
) -> Result<()> {
    for (key, added) in rows {
        let bytes = key.to_bytes(generation);
        let place = Place::of_session(*key, &bytes);
        let mut cells = stored(transaction, Tree::Sessions, &bytes, |stored| Cells::from_bytes(&place, stored))?;
        cells.merge(added);
        transaction.put(Tree::Sessions, &bytes, &cells.to_bytes(&place))?;
    }
    Ok(())
}

fn write_postings(
    transaction: &mut dyn Transaction,
    generation: u32,
    rows: &BTreeMap<PostingKey, Positions>,
) -> Result<()> {
    for (key, added) in rows {
        let bytes = key.to_bytes(generation);
        let mut positions =
            stored(transaction, Tree::Postings, &bytes, |stored| Positions::from_bytes(&bytes, key.block, stored))?;
        positions.merge(added);
        transaction.put(Tree::Postings, &bytes, &positions.to_bytes(&bytes, key.block)?)?;
    }
    Ok(())
}

fn write_recents(
    transaction: &mut dyn Transaction,
    generation: u32,
    rows: &BTreeMap<(Scope, u32), Recents>,
) -> Result<()> {
    for ((scope, number), added) in rows {
        let key = recents_key(generation, *scope, *number);
        let mut recents =
            stored(transaction, Tree::Recents, &key, |stored| Recents::from_bytes(&key, *number, stored))?;
        recents.merge(added);
        transaction.put(Tree::Recents, &key, &recents.to_bytes(&key))?;
    }
    Ok(())
}

fn write_registry(
    transaction: &mut dyn Transaction,
    generation: u32,
    rows: &BTreeMap<RegistryKey, Registry>,
) -> Result<()> {
    for (key, added) in rows {
        let bytes = key.to_bytes(generation);
        let mut registry =
            stored(transaction, Tree::Registry, &bytes, |stored| Registry::from_bytes(&bytes, key.tools, stored))?;
        registry.merge(added);
        transaction.put(Tree::Registry, &bytes, &registry.to_bytes(&bytes))?;
    }
    Ok(())
}

fn write_trails(transaction: &mut dyn Transaction, generation: u32, rows: &BTreeMap<TrailKey, Trails>) -> Result<()> {
    for (key, added) in rows {
        let bytes = key.to_bytes(generation);
        let mut trails = stored(transaction, Tree::Trails, &bytes, |stored| Trails::from_bytes(&bytes, stored))?;
        trails.extend(added);
        transaction.put(Tree::Trails, &bytes, &trails.to_bytes(&bytes)?)?;
    }
    Ok(())
}

/// A stored row, to be added to; empty where there is none yet.
fn stored<R: Default>(
    transaction: &dyn Transaction,
    tree: Tree,
    key: &[u8],
    read: impl FnOnce(&[u8]) -> Result<R>,
) -> Result<R> {
    transaction.get(tree, key)?.map_or_else(|| Ok(R::default()), |sealed| read(&sealed))
}
