//! What a process remembers of its file between transactions.
//!
//! All of one [`Cache`] is of one file. Where a file lacks the anchor, as when a backup was put in its place, another
//! cache takes the place of this one. Whoever has begun on the old file goes on with the old cache, and what it still
//! learns ends with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::append::Learnt;
use super::ids::Filters;
use super::lock;
use super::names::Names;
use super::state::State;
use super::tables::Snapshot;
use super::tail::{FOLD_AT, Tail};
use super::warm::{WarmRegistry, WarmRows};
use crate::{EventId, Position, Result};

/// A row of the log by which a file is known again.
pub(super) type Anchor = (Position, EventId);

/// What is remembered of one file.
#[derive(Default)]
pub(super) struct Cache {
    pub(super) names: Mutex<Names>,
    pub(super) filters: Mutex<Filters>,
    pub(super) warm: Mutex<WarmRows>,
    pub(super) warm_registry: Mutex<WarmRegistry>,
    tail: Mutex<Arc<Tail>>,
    /// The newest row that was seen. A file without it is not the one it was.
    anchor: Mutex<Option<Anchor>>,
    /// Whether this process has appended before: then it keeps the tail.
    has_appended: AtomicBool,
}

/// How many ids are looked for one by one in a tail that was not read. Reading it takes as long as six such looks.
const GLANCES: usize = 2;

impl Cache {
    /// The newest row that was seen so far.
    pub(super) fn anchor(&self) -> Option<Anchor> {
        *lock(&self.anchor)
    }

    /// Notes that a snapshot has this head.
    pub(super) fn see(&self, snapshot: &dyn Snapshot, head: Position) -> Result<()> {
        if self.anchor().is_none_or(|(position, _)| position < head)
            && let Some(id) = id_at(snapshot, head)?
        {
            self.raise_anchor((head, id));
        }
        Ok(())
    }

    fn raise_anchor(&self, newer: Anchor) {
        let mut anchor = lock(&self.anchor);
        if anchor.is_none_or(|(position, _)| position < newer.0) {
            *anchor = Some(newer);
        }
    }

    /// The tail of a snapshot, from memory as far as possible. It may reach beyond the head.
    pub(super) fn tail_of(&self, snapshot: &dyn Snapshot, state: &State, head: Position) -> Result<Arc<Tail>> {
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

    /// The tail for an append of some ids. A process's first append, and perhaps its only one, of few events that need no
    /// fold has them looked for in it, without reading it.
    pub(super) fn tail_to_append(
        &self,
        snapshot: &dyn Snapshot,
        state: &State,
        head: Position,
        ids: impl Iterator<Item = EventId>,
    ) -> Result<Arc<Tail>> {
        let is_first = !self.has_appended.swap(true, Ordering::Relaxed);
        let ids: Vec<EventId> = ids.take(GLANCES + 1).collect();
        let after = head.get().saturating_sub(state.folded_to().get()) + ids.len() as u64;
        if is_first && ids.len() <= GLANCES && after < FOLD_AT as u64 && !lock(&self.tail).covers(state, head) {
            return Tail::glance(snapshot, state, head, &ids).map(Arc::new);
        }
        self.tail_of(snapshot, state, head)
    }

    /// Makes what a committed transaction has learnt known to the process.
    pub(super) fn publish(&self, learnt: Learnt) {
        if let Some(row) = learnt.rows.last() {
            self.raise_anchor((learnt.head, row.id));
        }
        lock(&self.names).absorb(learnt.names);
        let first = Position::new(learnt.head.get() - learnt.rows.len() as u64);
        let mut tail = lock(&self.tail);
        if learnt.folded_to > first {
            *tail = Arc::new(Tail::starting_after(learnt.generation, learnt.folded_to));
        } else if tail.end() == first {
            let tail = Arc::make_mut(&mut tail);
            learnt.rows.into_iter().for_each(|row| tail.push(row));
        }
    }
}

/// Whether a snapshot has the row by which a file is known again.
pub(super) fn has(snapshot: &dyn Snapshot, (position, id): Anchor) -> Result<bool> {
    Ok(id_at(snapshot, position)? == Some(id))
}

fn id_at(snapshot: &dyn Snapshot, position: Position) -> Result<Option<EventId>> {
    let mut id = None;
    snapshot.rows(position, position, &mut |_, row| {
        id = Some(row.id);
        Ok(())
    })?;
    Ok(id)
}
