//! The trail query: a session's own calls by its postings, those just before its first by reading the log's rows, and
//! older ones of its project by its trails.

use std::ops::ControlFlow;

use super::keys::{self, SessionKey, TrailKey};
use super::positions::block_of;
use super::row::LogRow;
use super::tables::{Direction, Tree};
use super::tail::gap;
use super::trails::Trails;
use super::view::{View, Want, Wanted};
use crate::trail::{Step, Steps, Trail};
use crate::{Error, Position, Result, Selection, SessionId, ToolName};

/// Numbers as the log has them, to numbers of a trail.
type Numbered = Steps<u32, u32, u32>;

/// What a trail tells of a call, in the log's numbers. Project 0 is none.
#[derive(Clone, Copy)]
struct Call {
    tool: u32,
    session: u32,
    project: u32,
}

impl Call {
    const fn of(row: &LogRow) -> Self {
        Self { tool: row.tool, session: row.session, project: row.project }
    }

    fn step(self, steps: &mut Numbered) -> Step {
        steps.step(&self.tool, &self.session, Some(&self.project).filter(|project| **project != 0))
    }
}

pub(super) fn trail(view: &View<'_>, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
    let selection = Selection::all().session(session.clone());
    let Some(wanted) = view.wanted(&selection)? else { return Ok(None) };
    let Some((first, own)) = own_calls(view, wanted)? else { return Ok(None) };
    let start = Position::new(first.get().saturating_sub(look_back).max(1));
    let near = calls_between(view, start, first)?;
    let project = own.first().map_or(0, |call| call.project);
    let far = far_calls(view, project, start, look_back, &near)?;
    let mut steps = Numbered::default();
    let before = far.iter().rev().chain(&near).map(|call| call.step(&mut steps)).collect();
    let session = own.iter().map(|call| call.step(&mut steps)).collect();
    Ok(Some(Trail { tools: names(view, steps.tools())?, before, session }))
}

/// Where a session's first call stands, and its calls; `None` if it has none.
fn own_calls(view: &View<'_>, wanted: Wanted) -> Result<Option<(Position, Vec<Call>)>> {
    let folded = folded_positions(view, wanted)?;
    let first_of_tail = || view.tail_rows(wanted).map(|(position, _)| position).next();
    let Some(first) = folded.first().copied().or_else(first_of_tail) else { return Ok(None) };
    let mut own = Vec::with_capacity(folded.len());
    view.read_rows_at(&folded, &mut |position, row| {
        if !wanted.matches(&row) {
            let detail = "is not the call that a projection has there";
            return Err(Error::corrupt(format!("log position {position}"), detail));
        }
        own.push(Call::of(&row));
        Ok(())
    })?;
    own.extend(view.tail_rows(wanted).map(|(_, row)| Call::of(row)));
    Ok(Some((first, own)))
}

/// Where a session's calls stand that are folded, ascending.
fn folded_positions(view: &View<'_>, wanted: Wanted) -> Result<Vec<Position>> {
    let Want::Is(session) = wanted.session else { return Ok(Vec::new()) };
    let (first, last) = keys::session_range(view.state.generation, session, wanted.days());
    let mut folded: Vec<Position> = Vec::new();
    view.snapshot.scan(Tree::Sessions, &first, &last, Direction::Forward, &mut |bytes, _| {
        let of = SessionKey::read(bytes)
            .ok_or_else(|| Error::corrupt(keys::show(Tree::Sessions, bytes), "its key is cut"))?;
        folded.extend(view.postings(of)?.iter().flat_map(super::positions::Positions::iter));
        Ok(ControlFlow::Continue(()))
    })?;
    folded.sort_unstable();
    Ok(folded)
}

/// The calls of sessions from one position up to the one before another.
fn calls_between(view: &View<'_>, start: Position, end: Position) -> Result<Vec<Call>> {
    let (mut next, mut calls) = (start, Vec::new());
    let last = Position::new(end.get().saturating_sub(1));
    view.snapshot.rows(start, last, &mut |position, row| {
        if position != next {
            return Err(gap(next));
        }
        next = next.next();
        if !row.is_known() {
            return Err(Error::corrupt(format!("log position {position}"), "holds an unknown kind of event"));
        }
        if row.is_tool_use() && row.session != 0 {
            calls.push(Call::of(&row));
        }
        Ok(())
    })?;
    if next < end { Err(gap(next)) } else { Ok(calls) }
}

/// The calls of a project before a position that make, with those near, `look_back` calls: the latest first.
fn far_calls(view: &View<'_>, project: u32, end: Position, look_back: u64, near: &[Call]) -> Result<Vec<Call>> {
    let of_project = near.iter().filter(|call| call.project == project).count() as u64;
    let left = usize::try_from(look_back.saturating_sub(of_project)).unwrap_or(usize::MAX);
    let last = Position::new(end.get().saturating_sub(1));
    if project == 0 || left == 0 || last == Position::START {
        return Ok(Vec::new());
    }
    let tail = view.tail.rows_to(last.min(view.head)).rev();
    let of_tail = tail.filter(|(_, row)| row.project == project && Trails::take(row)).map(|(_, row)| Call::of(row));
    let mut far: Vec<Call> = of_tail.take(left).collect();
    let (first_key, last_key) = keys::trails_range(view.state.generation, project, block_of(last));
    view.snapshot.scan(Tree::Trails, &first_key, &last_key, Direction::Backward, &mut |bytes, sealed| {
        let key =
            TrailKey::read(bytes).ok_or_else(|| Error::corrupt(keys::show(Tree::Trails, bytes), "its key is cut"))?;
        let row = Trails::from_bytes(bytes, sealed)?;
        let before = row.calls().iter().rev().filter(|call| call.position(key.block) < end);
        let calls = before.map(|call| Call { tool: call.tool, session: call.session, project });
        far.extend(calls.take(left.saturating_sub(far.len())));
        Ok(if far.len() < left { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(far)
}

fn names(view: &View<'_>, tools: &[u32]) -> Result<Vec<ToolName>> {
    let mut names = super::lock(view.names);
    let name = |tool: &u32| {
        let missing = || Error::corrupt("log", "a call names no tool");
        names.tools.name(view.snapshot, *tool)?.ok_or_else(missing)
    };
    tools.iter().map(name).collect()
}
