//! The machinery that an embedded backend builds on: how the log is indexed, folded and asked.
//!
//! A backend supplies an [`Engine`]: snapshots and transactions over a log table, a table of interned names
//! and a few ordered trees of bytes. [`Ledger`] does the rest, the same on every engine: exactly-once
//! appends, rollups, windowed queries, proofs and rebuilds. Nothing here does I/O of its own, and nothing
//! here is part of the contract: a store that implements the traits in another way is as good.
//!
//! | module | subject |
//! |---|---|
//! | `tables`, `row`, `events` | what an engine supplies; a log row; events as rows |
//! | `append`, `group` | one write transaction; threads that share it |
//! | `cache` | what a process remembers of its file between transactions |
//! | `tail`, `state` | events not folded yet; how far the projections go |
//! | `fold`, `fold_write` | folding events, in memory; adding that to the projections |
//! | `keys`, `bytes` | the keys of the projections' rows; numbers as bytes |
//! | `cells`, `calls`, `positions`, `recents`, `registry`, `trails` | the rows: usage, calls, places in the log, latest outcomes, what settings have, what followed what |
//! | `tool_rows` | what the rows of the last two have in common |
//! | `ids` | the id index |
//! | `view`, `buckets`, `usage`, `recent`, `registered`, `trail`, `warm` | queries; rows that they read lately |
//! | `verify`, `rebuild` | proofs; projections made anew |
//! | `salvage` | the events of a damaged file |
//! | `memory` | the smallest engine |
//! | `turns`, `wait` | for engines: writers of one process in line; one deadline for a whole wait |

mod append;
mod buckets;
mod bytes;
mod cache;
mod calls;
mod cells;
mod events;
mod fold;
mod fold_write;
mod group;
mod ids;
mod keys;
#[cfg(test)]
mod limits;
mod memory;
mod names;
mod positions;
mod rebuild;
mod recent;
mod recents;
mod registered;
mod registry;
mod row;
mod salvage;
mod state;
mod tables;
mod tail;
mod tool_rows;
mod trail;
mod trails;
mod turns;
mod usage;
mod verify;
mod view;
mod wait;
mod warm;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use append::{Appender, Learnt, Request};
use cache::{Anchor, Cache};
use group::Group;
use state::State;
use view::View;

pub use memory::{MemoryEngine, MemoryTables};
pub use row::LogRow;
pub use salvage::Salvage;
pub use turns::{Turn, Turns};
pub use wait::Patience;

pub use tables::{Direction, Engine, NameKind, Snapshot, Transaction, Tree, Visit, name_checksum};

use crate::{
    Appended, Condition, Event, Filter, GroupBy, Log, Maintenance, Position, Progress, ProjectId, Queries,
    RecentOutcomes, Recorded, Registered, Result, Selection, SessionId, ToolName, Trail, UsageRow, Verified,
};

/// A store over an engine. Cheap to share by reference; one per open file and process.
pub struct Ledger<E> {
    engine: E,
    group: Group,
    cache: Mutex<Arc<Cache>>,
}

/// What was remembered when a transaction was about to begin.
struct Remembered {
    cache: Arc<Cache>,
    anchor: Option<Anchor>,
}

/// What a write transaction has answered and learnt, to be published in the cache of its file after its commit.
struct Done {
    answers: Vec<Result<Vec<Appended>>>,
    learnt: Learnt,
    cache: Arc<Cache>,
}

impl<E: Engine> Ledger<E> {
    /// A ledger over an open engine.
    pub fn new(engine: E) -> Self {
        Self { engine, group: Group::default(), cache: Mutex::default() }
    }

    /// The engine.
    pub const fn engine(&self) -> &E {
        &self.engine
    }

    /// To be asked before a transaction begins: what is remembered later may be of a later state.
    fn remembered(&self) -> Remembered {
        let cache = Arc::clone(&lock(&self.cache));
        Remembered { anchor: cache.anchor(), cache }
    }

    /// The cache for a snapshot with this head: what was remembered, if it is of this file.
    fn cache_for(&self, remembered: Remembered, snapshot: &dyn Snapshot, head: Position) -> Result<Arc<Cache>> {
        let Remembered { mut cache, anchor } = remembered;
        if let Some(anchor) = anchor
            && !cache::has(snapshot, anchor)?
        {
            let old = std::mem::take(&mut cache);
            let mut current = lock(&self.cache);
            // Another may have noticed first.
            if Arc::ptr_eq(&current, &old) {
                *current = Arc::clone(&cache);
            }
        }
        cache.see(snapshot, head)?;
        Ok(cache)
    }

    /// Runs a query on the latest committed state.
    fn view<R>(&self, body: impl FnOnce(&View<'_>) -> Result<R>) -> Result<R> {
        let remembered = self.remembered();
        self.engine.read(|snapshot| {
            let head = snapshot.head()?;
            let cache = self.cache_for(remembered, snapshot, head)?;
            let state = State::live(snapshot, head)?;
            let tail = cache.tail_of(snapshot, &state, head)?;
            body(&View {
                snapshot,
                names: &cache.names,
                state,
                head,
                tail,
                warm: &cache.warm,
                warm_registry: &cache.warm_registry,
            })
        })
    }

    fn append_all(
        &self,
        transaction: &mut dyn Transaction,
        remembered: Remembered,
        requests: &[Request<'_>],
    ) -> Result<Done> {
        let head = transaction.head()?;
        let cache = self.cache_for(remembered, transaction, head)?;
        let state = State::live(transaction, head)?;
        let ids = requests.iter().flat_map(|request| request.events).map(Event::id);
        let tail = cache.tail_to_append(transaction, &state, head, ids)?;
        let appender = Appender::new(transaction, &cache.names, &cache.filters, &tail, state, head);
        let (answers, learnt) = appender.run(requests)?;
        Ok(Done { answers, learnt, cache })
    }

    fn append_alone(&self, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let remembered = self.remembered();
        let Done { answers, learnt, cache } = self
            .engine
            .write(|transaction| self.append_all(transaction, remembered, &[Request { events, condition }]))?;
        cache.publish(learnt);
        answers.into_iter().next().unwrap_or_else(|| Ok(Vec::new()))
    }
}

impl<E: Engine> Log for Ledger<E> {
    fn append(&self, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        if events.len() > group::LARGEST_SHARED {
            return self.append_alone(events, condition);
        }
        self.group.append(events, condition, |take_tickets| {
            let remembered = self.remembered();
            let Done { answers, learnt, cache } = self.engine.write(|transaction| {
                let tickets = take_tickets();
                let requests: Vec<Request<'_>> =
                    tickets.iter().map(|t| Request { events: &t.events, condition: t.condition }).collect();
                self.append_all(transaction, remembered, &requests)
            })?;
            cache.publish(learnt);
            Ok(answers)
        })
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>> {
        let remembered = self.remembered();
        self.engine.read(|snapshot| {
            let head = snapshot.head()?;
            let cache = match self.cache_for(remembered, snapshot, head) {
                // Damage of another row is no matter of those that are read here: their names are read anew.
                Err(error) if error.is_corrupt() => Arc::default(),
                cache => cache?,
            };
            let last = Position::new(after.get().saturating_add(limit as u64)).min(head);
            let mut events = Vec::new();
            let mut next = after.next();
            snapshot.rows(next, last, &mut |position, row| {
                if position != next {
                    return Err(tail::gap(next));
                }
                next = next.next();
                events.push(lock(&cache.names).event(snapshot, position, &row)?);
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

    fn registered(&self, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
        self.view(|view| registered::registered(view, project))
    }

    fn latest_outcomes(&self, project: &Filter<ProjectId>) -> Result<Vec<(ToolName, RecentOutcomes)>> {
        self.view(|view| registered::latest_outcomes(view, project))
    }

    fn trail(&self, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
        self.view(|view| trail::trail(view, session, look_back))
    }
}

impl<E: Engine> Maintenance for Ledger<E> {
    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified> {
        self.engine.check()?;
        self.engine.read(|snapshot| verify::verify(snapshot, progress))
    }

    fn rebuild(&self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let rebuilt = rebuild::rebuild(&self.engine, progress);
        lock(&self.remembered().cache.names).first_paths.clear();
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
