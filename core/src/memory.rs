//! The reference store: a vector and a fold. Plain, obviously right, the oracle of the shared suite.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::event::{Appended, Event, Position, Recorded};
use crate::id::EventId;
use crate::name::{SessionId, ToolName};
use crate::project::ProjectId;
use crate::recent::RecentOutcomes;
use crate::registered::Registered;
use crate::selection::{Filter, GroupBy, Selection, UsageRow};
use crate::store::{Condition, Log, Maintenance, Progress, Queries, Verified};
use crate::trail::Trail;
use crate::{Error, Result, fold};

/// A store in memory. It is gone with its last handle.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    log: Vec<Recorded>,
    ids: HashMap<EventId, Position>,
}

impl State {
    fn head(&self) -> Position {
        self.log.last().map_or(Position::START, |r| r.position)
    }

    fn append(&mut self, event: &Event) -> Appended {
        if let Some(first) = self.ids.get(&event.id()) {
            return Appended::Duplicate(*first);
        }
        let position = self.head().next();
        self.ids.insert(event.id(), position);
        self.log.push(Recorded { position, event: event.clone() });
        Appended::New(position)
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A poisoned lock is taken as it is: no append can leave the state half changed.
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for MemoryStore {
    fn append(&self, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        condition.check(state.head())?;
        Ok(events.iter().map(|event| state.append(event)).collect())
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>> {
        let skip = usize::try_from(after.get()).unwrap_or(usize::MAX);
        Ok(self.state().log.iter().skip(skip).take(limit).cloned().collect())
    }

    fn head(&self) -> Result<Position> {
        Ok(self.state().head())
    }
}

impl Queries for MemoryStore {
    fn usage(&self, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        Ok(fold::usage(&self.state().log, selection, group_by))
    }

    fn recent(&self, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        Ok(fold::recent(&self.state().log, selection, limit))
    }

    fn registered(&self, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
        Ok(fold::registered(&self.state().log, project))
    }

    fn latest_outcomes(&self, project: &Filter<ProjectId>) -> Result<Vec<(ToolName, RecentOutcomes)>> {
        Ok(fold::latest_outcomes(&self.state().log, project))
    }

    fn trail(&self, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
        Ok(fold::trail(&self.state().log, session, look_back))
    }
}

impl Maintenance for MemoryStore {
    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified> {
        let state = self.state();
        let total = state.log.len() as u64;
        for (index, recorded) in state.log.iter().enumerate() {
            let place = || format!("position {}", index + 1);
            if recorded.position.get() != index as u64 + 1 {
                return Err(Error::corrupt(place(), format!("holds position {}", recorded.position)));
            }
            if state.ids.get(&recorded.id()) != Some(&recorded.position) {
                return Err(Error::corrupt(place(), "its id is indexed elsewhere"));
            }
        }
        progress(Progress { done: total, total });
        Ok(Verified { events: total, projections: 0 })
    }

    /// There is no projection: every answer is a fold of the log already.
    fn rebuild(&self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        self.verify(progress).map(|_| ())
    }

    fn compact(&self) -> Result<()> {
        Ok(())
    }
}
