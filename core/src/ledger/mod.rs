//! The machinery that an embedded backend builds on: how the log is indexed, folded and asked.
//!
//! A backend supplies an [`Engine`]: snapshots and transactions over a log table, a table of interned names
//! and a few ordered trees of bytes. [`Ledger`] does the rest, the same on every engine: exactly-once
//! appends, rollups, windowed queries, proofs and rebuilds. Nothing here does I/O of its own, and nothing
//! here is part of the contract: a store that implements the traits in another way is as good.
//!
//! | module | subject |
//! |---|---|
//! | `tables`, `row` | what an engine supplies; a log row |
//! | `append`, `group` | one write transaction; threads that share it |
//! | `tail`, `state` | events not folded yet; how far the projections go |
//! | `fold`, `fold_write` | folding events, in memory; adding that to the projections |
//! | `keys`, `bytes` | the keys of the projections' rows; numbers as bytes |
//! | `cells`, `calls`, `positions`, `recents` | the rows: usage, calls, places in the log, latest outcomes |
//! | `ids` | the id index |
//! | `view`, `buckets`, `usage`, `recent`, `warm` | queries; rows that they read lately |
//! | `verify`, `rebuild` | proofs; projections made anew |
//! | `salvage` | the events of a damaged file |
//! | `turns`, `wait` | for engines: writers of one process in line; one deadline for a whole wait |

mod append;
mod buckets;
mod bytes;
mod calls;
mod cells;
mod fold;
mod fold_write;
mod group;
mod ids;
mod keys;
mod names;
mod positions;
mod rebuild;
mod recent;
mod recents;
mod row;
mod salvage;
mod state;
mod tables;
mod tail;
mod turns;
mod usage;
mod verify;
mod view;
mod wait;
mod warm;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use append::{Appender, Learnt, Request};
use group::Group;
use ids::Filters;
use names::Names;
use state::State;
use tail::Tail;
use view::View;
use warm::WarmRows;

pub use row::LogRow;
pub use salvage::Salvage;
pub use turns::{Turn, Turns};
pub use wait::Patience;

pub use tables::{Direction, Engine, NameKind, Snapshot, Transaction, Tree, Visit, name_checksum};

use crate::{
    Appended, Condition, Event, EventId, GroupBy, Log, Maintenance, Position, Progress, Queries, Recorded, Result,
    Selection, UsageRow, Verified,
};

/// A store over an engine. Cheap to share by reference; one per open file and process.
pub struct Ledger<E> {
    engine: E,
    group: Group,
    names: Mutex<Names>,
    tail: Mutex<Arc<Tail>>,
    filters: Mutex<Filters>,
    warm: Mutex<WarmRows>,
    /// The newest row that was seen. A file without it is not the one it was.
    anchor: Mutex<Option<Anchor>>,
}

/// A row of the log by which a file is known again.
type Anchor = (Position, EventId);

impl<E: Engine> Ledger<E> {
    /// A ledger over an open engine.
    pub fn new(engine: E) -> Self {
        Self {
            engine,
            group: Group::default(),
            names: Mutex::default(),
            tail: Mutex::default(),
            filters: Mutex::default(),
            warm: Mutex::default(),
            anchor: Mutex::default(),
        }
    }

    /// The engine.
    pub const fn engine(&self) -> &E {
        &self.engine
    }

    /// Runs a query on the latest committed state.
    fn view<R>(&self, body: impl FnOnce(&View<'_>) -> Result<R>) -> Result<R> {
        let anchor = *lock(&self.anchor);
        self.engine.read(|snapshot| {
            let head = self.check_anchor(snapshot, anchor)?;
            let state = State::live(snapshot, head)?;
            let tail = self.tail_of(snapshot, &state, head)?;
            body(&View { snapshot, names: &self.names, state, head, tail, warm: &self.warm })
        })
    }

    /// The head of a snapshot that was begun after the anchor was read. Where the file lacks the anchor, as
    /// when a backup was put in its place, all that was known of it is forgotten.
    fn check_anchor(&self, snapshot: &dyn Snapshot, anchor: Option<Anchor>) -> Result<Position> {
        let head = snapshot.head()?;
        let id_at = |position: Position| -> Result<Option<EventId>> {
            let mut id = None;
            snapshot.rows(position, position, &mut |_, row| {
                id = Some(row.id);
                Ok(())
            })?;
            Ok(id)
        };
        let is_known = match anchor {
            Some((position, id)) => id_at(position)? == Some(id),
            None => true,
        };
        if !is_known {
            *lock(&self.names) = Names::default();
            *lock(&self.tail) = Arc::default();
            *lock(&self.filters) = Filters::default();
            *lock(&self.warm) = WarmRows::default();
            *lock(&self.anchor) = None;
        }
        if (!is_known || anchor.is_none_or(|(position, _)| position < head))
            && let Some(id) = id_at(head)?
        {
            self.raise_anchor((head, id));
        }
        Ok(head)
    }

    fn raise_anchor(&self, newer: Anchor) {
        let mut anchor = lock(&self.anchor);
        if anchor.is_none_or(|(position, _)| position < newer.0) {
            *anchor = Some(newer);
        }
    }

    /// The tail of a snapshot, from memory as far as possible. It may reach beyond the head.
    fn tail_of(&self, snapshot: &dyn Snapshot, state: &State, head: Position) -> Result<Arc<Tail>> {
        let mut shared = lock(&self.tail);
        if shared.is_ahead_of(state) {
            // An old snapshot, read while others have folded on: its tail is of use to nobody else.
            let mut own = Tail::starting_after(state.generation, state.folded_to());
            own.catch_up(snapshot, state, head)?;
            return Ok(Arc::new(own));
        }
        if !shared.covers(state, head) {
            Arc::make_mut(&mut shared).catch_up(snapshot, state, head)?;
        }
        Ok(Arc::clone(&shared))
    }

    fn append_all(
        &self,
        transaction: &mut dyn Transaction,
        anchor: Option<Anchor>,
        requests: &[Request<'_>],
    ) -> Result<(Vec<Result<Vec<Appended>>>, Learnt)> {
        let head = self.check_anchor(transaction, anchor)?;
        let state = State::live(transaction, head)?;
        let tail = self.tail_of(transaction, &state, head)?;
        Appender::new(transaction, &self.names, &self.filters, &tail, state, head).run(requests)
    }

    /// Makes what a committed transaction has learnt known to the process.
    fn publish(&self, learnt: Learnt) {
        lock(&self.names).absorb(learnt.names);
        if let Some(row) = learnt.rows.last() {
            self.raise_anchor((learnt.head, row.id));
        }
        let first = Position::new(learnt.head.get() - learnt.rows.len() as u64);
        let mut tail = lock(&self.tail);
        if learnt.folded_to > first {
            *tail = Arc::new(Tail::starting_after(learnt.generation, learnt.folded_to));
        } else if tail.end() == first {
            let tail = Arc::make_mut(&mut tail);
            learnt.rows.into_iter().for_each(|row| tail.push(row));
        }
    }

    fn append_alone(&self, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let anchor = *lock(&self.anchor);
        let (answers, learnt) =
            self.engine.write(|transaction| self.append_all(transaction, anchor, &[Request { events, condition }]))?;
        self.publish(learnt);
        answers.into_iter().next().unwrap_or_else(|| Ok(Vec::new()))
    }
}

impl<E: Engine> Log for Ledger<E> {
    fn append(&self, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        if events.len() > group::LARGEST_SHARED {
            return self.append_alone(events, condition);
        }
        self.group.append(events, condition, |take_tickets| {
            let anchor = *lock(&self.anchor);
            let (answers, learnt) = self.engine.write(|transaction| {
                let tickets = take_tickets();
                let requests: Vec<Request<'_>> =
                    tickets.iter().map(|t| Request { events: &t.events, condition: t.condition }).collect();
                self.append_all(transaction, anchor, &requests)
            })?;
            self.publish(learnt);
            Ok(answers)
        })
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>> {
        self.engine.read(|snapshot| {
            let head = snapshot.head()?;
            let last = Position::new(after.get().saturating_add(limit as u64)).min(head);
            let mut events = Vec::new();
            let mut next = after.next();
            snapshot.rows(next, last, &mut |position, row| {
                if position != next {
                    return Err(tail::gap(next));
                }
                next = next.next();
                events.push(lock(&self.names).event(snapshot, position, &row)?);
                Ok(())
            })?;
            if next <= last { Err(tail::gap(next)) } else { Ok(events) }
        })
    }

    fn head(&self) -> Result<Position> {
        self.engine.read(|snapshot| snapshot.head())
    }
}

impl<E: Engine> Queries for Ledger<E> {
    fn usage(&self, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        self.view(|view| usage::usage(view, selection, group_by))
    }

    fn recent(&self, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        self.view(|view| recent::recent(view, selection, limit))
    }
}

impl<E: Engine> Maintenance for Ledger<E> {
    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified> {
        self.engine.check()?;
        self.engine.read(|snapshot| verify::verify(snapshot, progress))
    }

    fn rebuild(&self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let rebuilt = rebuild::rebuild(&self.engine, progress);
        lock(&self.names).first_paths.clear();
        rebuilt
    }

    fn compact(&self) -> Result<()> {
        self.engine.compact()
    }
}

/// Locks, and takes a poisoned lock as it is: what these locks guard is changed in single steps, and is
/// only a memory of what the file holds.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
