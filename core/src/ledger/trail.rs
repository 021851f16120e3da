//! The trail query: a session's own calls by its postings, those before its first by reading the log's rows.

use std::ops::ControlFlow;

use super::keys::{self, SessionKey};
use super::row::LogRow;
use super::tables::{Direction, Tree};
use super::tail::gap;
use super::view::{View, Want, Wanted};
use crate::trail::{Step, Steps, Trail};
use crate::{Error, Position, Result, Selection, SessionId, ToolName};

/// Numbers as the log has them, to numbers of a trail. Project 0 is none.
type Numbered = Steps<u32, u32, u32>;

pub(super) fn trail(view: &View<'_>, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
    let selection = Selection::all().session(session.clone());
    let Some(wanted) = view.wanted(&selection)? else { return Ok(None) };
    let folded = folded_positions(view, wanted)?;
    let first_of_tail = || view.tail_rows(wanted).map(|(position, _)| position).next();
    let Some(first) = folded.first().copied().or_else(first_of_tail) else { return Ok(None) };
    let mut steps = Numbered::default();
    let before = before(view, first, look_back, &mut steps)?;
    let mut own = Vec::with_capacity(folded.len());
    let mut add = |position: Position, row: &LogRow| {
        if !wanted.matches(row) {
            let detail = "is not the call that a projection has there";
            return Err(Error::corrupt(format!("log position {position}"), detail));
        }
        own.push(step(&mut steps, row));
        Ok(())
    };
    view.read_rows_at(&folded, &mut |position, row| add(position, &row))?;
    view.tail_rows(wanted).try_for_each(|(position, row)| add(position, row))?;
    let tools = names(view, steps.tools())?;
    Ok(Some(Trail { tools, before, session: own }))
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

/// The calls of sessions in the last rows before a position.
fn before(view: &View<'_>, first: Position, look_back: u64, steps: &mut Numbered) -> Result<Vec<Step>> {
    let last = Position::new(first.get().saturating_sub(1));
    let mut next = Position::new(last.get().saturating_sub(look_back)).next();
    let mut before = Vec::new();
    view.snapshot.rows(next, last, &mut |position, row| {
        if position != next {
            return Err(gap(next));
        }
        next = next.next();
        if !row.is_known() {
            return Err(Error::corrupt(format!("log position {position}"), "holds an unknown kind of event"));
        }
        if row.is_tool_use() && row.session != 0 {
            before.push(step(steps, &row));
        }
        Ok(())
    })?;
    if next <= last { Err(gap(next)) } else { Ok(before) }
}

fn step(steps: &mut Numbered, row: &LogRow) -> Step {
    steps.step(&row.tool, &row.session, Some(&row.project).filter(|project| **project != 0))
}

fn names(view: &View<'_>, tools: &[u32]) -> Result<Vec<ToolName>> {
    let mut names = super::lock(view.names);
    let name = |tool: &u32| {
        let missing = || Error::corrupt("log", "a call names no tool");
        names.tools.name(view.snapshot, *tool)?.ok_or_else(missing)
    };
    tools.iter().map(name).collect()
}
