//! The tail: the newest events, not folded into the projections yet. It is bounded, it is the hot tier of
//! the id index, and every query folds it exactly.

use rustc_hash::FxHashMap;

use super::row::LogRow;
use super::state::State;
use super::tables::Snapshot;
use crate::{Error, EventId, Position, Result};

/// How long the tail may grow before the append that fills it folds it. A fold of twice as many events writes hardly
/// more rows; and a new process reads the tail for its first question.
pub(super) const FOLD_AT: usize = 1024;

/// Rows of the log from just after `after`, without gaps. Log rows never change and positions are never
/// reused, so what was read once stays true.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    generation: u32,
    after: Position,
    /// How many rows were looked through without being read: all of them, or none.
    unread: u64,
    rows: Vec<LogRow>,
    ids: FxHashMap<EventId, Position>,
}

impl Tail {
    /// The position of its last row.
    pub(super) fn end(&self) -> Position {
        Position::new(self.after.get() + self.unread + self.rows.len() as u64)
    }

    /// Whether it holds all of a snapshot's tail, and maybe more.
    pub(super) fn covers(&self, state: &State, head: Position) -> bool {
        self.begins_with(state) && self.end() >= head
    }

    /// Whether it begins where a snapshot's projections end.
    fn begins_with(&self, state: &State) -> bool {
        self.generation == state.generation && self.after == state.folded_to()
    }

    /// Whether it is of a later snapshot, whose projections were made anew or reach further.
    pub(super) fn is_ahead_of(&self, state: &State) -> bool {
        (self.generation, self.after) > (state.generation, state.folded_to())
    }

    /// Where an id stands in it.
    pub(super) fn position_of(&self, id: EventId) -> Option<Position> {
        self.ids.get(&id).copied()
    }

    /// Its rows up to a position, with theirs.
    pub(super) fn rows_to(&self, head: Position) -> impl DoubleEndedIterator<Item = (Position, &LogRow)> {
        let rows = usize::try_from(head.get().saturating_sub(self.after.get())).unwrap_or(usize::MAX);
        let after = self.after.get();
        self.rows.iter().take(rows).enumerate().map(move |(i, row)| (Position::new(after + 1 + i as u64), row))
    }

    /// The row at a position, if it is one of the tail's.
    pub(super) fn row_at(&self, position: Position) -> Option<&LogRow> {
        let index = position.get().checked_sub(self.after.get() + 1)?;
        self.rows.get(usize::try_from(index).ok()?)
    }

    pub(super) fn push(&mut self, row: LogRow) {
        self.ids.insert(row.id, self.end().next());
        self.rows.push(row);
    }

    pub(super) fn len(&self) -> usize {
        usize::try_from(self.unread).unwrap_or(usize::MAX).saturating_add(self.rows.len())
    }

    /// A snapshot's tail of which nothing is known but where it ends, and where some ids stand in it: enough to append
    /// those, if nothing is folded.
    pub(super) fn glance(snapshot: &dyn Snapshot, state: &State, head: Position, ids: &[EventId]) -> Result<Self> {
        let mut tail = Self::starting_after(state.generation, state.folded_to());
        let first = tail.end().next();
        tail.unread = head.get().saturating_sub(tail.after.get());
        for id in ids {
            let (rows, found) = snapshot.find_id(first, head, *id)?;
            if rows != tail.unread {
                return Err(Error::corrupt(format!("log from position {first} on"), "rows are missing"));
            }
            let Some(position) = found else { continue };
            let mut is_there = false;
            snapshot.rows(position, position, &mut |_, row| {
                is_there = row.id == *id;
                Ok(())
            })?;
            if !is_there {
                return Err(gap(position));
            }
            tail.ids.insert(*id, position);
        }
        Ok(tail)
    }

    /// An empty tail after what some projections of a generation have folded.
    pub(super) fn starting_after(generation: u32, after: Position) -> Self {
        Self { generation, after, ..Self::default() }
    }

    /// Makes it cover a snapshot's tail: reads what it lacks, or starts anew if the projections reach further.
    pub(super) fn catch_up(&mut self, snapshot: &dyn Snapshot, state: &State, head: Position) -> Result<()> {
        if !self.begins_with(state) {
            *self = Self::starting_after(state.generation, state.folded_to());
        }
        let first = self.end().next();
        snapshot.rows(first, head, &mut |position, row| {
            if position != self.end().next() {
                return Err(gap(self.end().next()));
            }
            // Of a kind that only a later format has: it must not be counted as what it is not.
            if !row.is_known() {
                return Err(Error::corrupt(format!("log position {position}"), "holds an unknown kind of event"));
            }
            self.push(row);
            Ok(())
        })?;
        if self.end() < head { Err(gap(self.end().next())) } else { Ok(()) }
    }
}

/// A position of the log that holds nothing.
pub(super) fn gap(position: Position) -> Error {
    Error::corrupt(format!("log position {position}"), "the row is missing")
}
