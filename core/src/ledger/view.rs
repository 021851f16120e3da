//! What a query works on: one snapshot, its state, its tail, and the selection in numbers.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use super::calls::{Call, WantedCalls, quarter_of, visit_calls};
use super::keys::{self, CallsKey, PostingKey, SessionKey};
use super::names::{Interned, Known, Names};
use super::positions::Positions;
use super::row::LogRow;
use super::state::State;
use super::tables::{Direction, Snapshot, Tree};
use super::tail::Tail;
use super::warm::{self, WarmRegistry, WarmRows};
use crate::bucket::Width;
use crate::{Error, Filter, Position, ProjectId, Result, Selection, Timestamp, Window};

/// One committed state, ready to be asked.
pub(super) struct View<'a> {
    pub(super) snapshot: &'a dyn Snapshot,
    pub(super) names: &'a Mutex<Names>,
    pub(super) state: State,
    pub(super) head: Position,
    pub(super) tail: Arc<Tail>,
    pub(super) warm: &'a Mutex<WarmRows>,
    pub(super) warm_registry: &'a Mutex<WarmRegistry>,
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
        row.is_tool_use()
            && self.tool.matches(row.tool)
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

    /// A filter by project in numbers; `None` for a project that the log does not know.
    pub(super) fn want_project(&self, project: &Filter<ProjectId>) -> Result<Option<Want>> {
        want(&mut super::lock(self.names).projects, self.snapshot, project)
    }

    /// The calls of the tail that are wanted.
    pub(super) fn tail_rows(&self, wanted: Wanted) -> impl Iterator<Item = (Position, &LogRow)> {
        self.tail.rows_to(self.head).filter(move |(_, row)| wanted.matches(row))
    }

    /// Visits the wanted calls that are folded, of any session: quarter by quarter of an hour in the direction
    /// given, in each in no order of time.
    pub(super) fn each_call(
        &self,
        wanted: Wanted,
        direction: Direction,
        visit: &mut dyn FnMut(Call) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let quarter = |time: Option<Timestamp>, open| quarter_of(time.unwrap_or(open));
        let quarters = (quarter(wanted.window.from(), Timestamp::MIN), quarter(wanted.window.to(), Timestamp::MAX));
        let (first, last) = keys::calls_range(self.state.generation, quarters);
        self.snapshot.scan(Tree::Calls, &first, &last, direction, &mut |bytes, sealed| {
            let key = CallsKey::read(bytes)
                .ok_or_else(|| Error::corrupt(keys::show(Tree::Calls, bytes), "its key is cut"))?;
            let is_cut = key.quarter == quarters.0 || key.quarter == quarters.1;
            let of_row =
                WantedCalls { tool: wanted.tool, project: wanted.project, window: is_cut.then_some(wanted.window) };
            let mut flow = ControlFlow::Continue(());
            visit_calls(bytes, key, sealed, of_row, &mut |call| {
                if flow.is_continue() {
                    flow = visit(call)?;
                }
                Ok(())
            })?;
            Ok(flow)
        })
    }

    /// The positions of a session on a day in a project, block by block of the log.
    pub(super) fn postings(&self, of: SessionKey) -> Result<Vec<Positions>> {
        let key = |block| PostingKey { of, block }.to_bytes(self.state.generation);
        let mut rows = Vec::new();
        self.snapshot.scan(Tree::Postings, &key(0), &key(u32::MAX), Direction::Forward, &mut |key, sealed| {
            rows.push(Positions::from_bytes(key, keys::last_number(key).unwrap_or(0), sealed)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }

    /// Visits the rows at some positions, which ascend; each must be there.
    pub(super) fn rows_at(
        &self,
        positions: &[Position],
        visit: &mut dyn FnMut(Position, LogRow) -> Result<()>,
    ) -> Result<()> {
        if !warm::takes(positions) {
            return self.read_rows_at(positions, visit);
        }
        let (rows, missing) = super::lock(self.warm).kept(positions);
        let mut read = Vec::with_capacity(missing.len());
        self.read_rows_at(&missing, &mut |position, row| {
            read.push((position, row));
            Ok(())
        })?;
        let mut next = read.iter();
        for (position, row) in positions.iter().zip(rows) {
            match row.or_else(|| next.next().map(|(_, row)| row.clone())) {
                Some(row) => visit(*position, row)?,
                None => return Err(super::tail::gap(*position)),
            }
        }
        super::lock(self.warm).keep(read);
        Ok(())
    }

    /// The same, whatever is remembered.
    pub(super) fn read_rows_at(
        &self,
        positions: &[Position],
        visit: &mut dyn FnMut(Position, LogRow) -> Result<()>,
    ) -> Result<()> {
        let mut expected = positions.iter().copied();
        self.snapshot.rows_at(positions, &mut |position, row| match expected.next() {
            Some(next) if next == position => visit(position, row),
            next => Err(super::tail::gap(next.unwrap_or(position))),
        })?;
        expected.next().map_or(Ok(()), |missing| Err(super::tail::gap(missing)))
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
