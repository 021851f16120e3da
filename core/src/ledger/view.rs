//! What a query works on: one snapshot, its state, its tail, and the selection in numbers.

use std::sync::{Arc, Mutex};

use super::names::{Interned, Known, Names};
use super::positions::Positions;
use super::row::LogRow;
use super::state::State;
use super::tables::Snapshot;
use super::tail::Tail;
use crate::bucket::Width;
use crate::{Filter, Position, Result, Selection, Timestamp, Window};

/// One committed state, ready to be asked.
pub(super) struct View<'a> {
    pub(super) snapshot: &'a dyn Snapshot,
    pub(super) names: &'a Mutex<Names>,
    pub(super) state: State,
    pub(super) head: Position,
    pub(super) tail: Arc<Tail>,
}

/// A condition on a name's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Any,
    /// 0 is "absent".
    Is(u32),
}

impl Want {
    pub(super) fn matches(self, number: u32) -> bool {
        match self {
            Self::Any => true,
            Self::Is(wanted) => wanted == number,
        }
    }
}

/// A selection in numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) tool: Want,
    pub(super) project: Want,
    pub(super) session: Want,
    pub(super) window: Window,
}

impl Wanted {
    /// The first and last day that the window touches.
    pub(super) fn days(&self) -> (u32, u32) {
        let day = |time: Option<Timestamp>, open| Width::Day.bucket_of(time.unwrap_or(open));
        (day(self.window.from(), Timestamp::MIN), day(self.window.to(), Timestamp::MAX))
    }

    pub(super) fn matches(&self, row: &LogRow) -> bool {
        self.tool.matches(row.tool)
            && self.project.matches(row.project)
            && self.session.matches(row.session)
            && self.window.contains(row.time)
    }
}

impl View<'_> {
    /// The selection in numbers; `None` if no event can match it.
    pub(super) fn wanted(&self, selection: &Selection) -> Result<Option<Wanted>> {
        let mut names = super::lock(self.names);
        if selection.tool == Filter::Absent {
            return Ok(None);
        }
        let tool = want(&mut names.tools, self.snapshot, &selection.tool)?;
        let project = want(&mut names.projects, self.snapshot, &selection.project)?;
        let session = want(&mut names.sessions, self.snapshot, &selection.session)?;
        Ok(match (tool, project, session) {
            (Some(tool), Some(project), Some(session)) => {
                Some(Wanted { tool, project, session, window: selection.window })
            }
            _ => None,
        })
    }

    /// The rows of the tail that are wanted.
    pub(super) fn tail_rows(&self, wanted: Wanted) -> impl Iterator<Item = (Position, &LogRow)> {
        self.tail.rows_to(self.head).filter(move |(_, row)| wanted.matches(row))
    }

    /// Visits the rows at some positions, ascending. Near neighbours are read in one go.
    pub(super) fn rows_at(
        &self,
        positions: &Positions,
        visit: &mut dyn FnMut(Position, LogRow) -> Result<()>,
    ) -> Result<()> {
        /// Stepping over so many rows costs less than seeking anew.
        const NEAR: u64 = 8;
        let mut runs = positions.runs().iter().copied().peekable();
        while let Some((first, mut last)) = runs.next() {
            let mut inside = vec![(first, last)];
            while let Some((next_first, next_last)) = runs.next_if(|(next, _)| *next - last <= NEAR) {
                inside.push((next_first, next_last));
                last = next_last;
            }
            let mut expected = inside.iter().flat_map(|(first, last)| *first..=*last).peekable();
            self.snapshot.rows(Position::new(first), Position::new(last), &mut |position, row| match expected
                .next_if_eq(&position.get())
            {
                Some(_) => visit(position, row),
                None => Ok(()),
            })?;
            if let Some(missing) = expected.next() {
                return Err(super::tail::gap(Position::new(missing)));
            }
        }
        Ok(())
    }
}

/// A filter in numbers; `None` for a name that the log does not know.
fn want<T: Interned>(names: &mut Known<T>, snapshot: &dyn Snapshot, filter: &Filter<T>) -> Result<Option<Want>> {
    Ok(match filter {
        Filter::Any => Some(Want::Any),
        Filter::Absent => Some(Want::Is(0)),
        Filter::Is(name) => names.number(snapshot, name)?.map(Want::Is),
    })
}
