//! The registered query: the registry rows of the settings asked for, the tail, and the log's rows that they name.
//! And the latest outcomes of all tools, which are had in the same way.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::keys::{RegistryKey, last_number, recents_range, registry_range, show};
use super::recents::Recents;
use super::registry::{Facts, Registry};
use super::row::LogRow;
use super::tables::{Direction, Tree};
use super::view::{View, Want};
use super::warm::Seen;
use crate::recent::{RecentOutcome, RecentOutcomes};
use crate::{
    Error, Event, Filter, Position, ProjectId, Registered, Result, Selection, ToolDiscovered, ToolName, ToolRemoved,
};

pub(super) fn registered(view: &View<'_>, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
    let Some(project) = view.want_project(project)? else { return Ok(Vec::new()) };
    let mut known = folded(view, project)?;
    for (position, row) in view.tail.rows_to(view.head).filter(|(_, row)| !row.is_tool_use()) {
        if project.matches(row.project) {
            known.entry((row.project, row.tool)).or_default().merge(&Facts::of(position, row));
        }
    }
    known.retain(|_, facts| facts.discoveries > 0);
    let events = Events::read(view, known.values())?;
    let mut registered: Vec<Registered> =
        known.iter().map(|(of, facts)| events.registered(*of, facts)).collect::<Result<_>>()?;
    registered.sort_by(|a, b| {
        let key = |of: &Registered| of.discovered.project.as_ref().map(|project| project.id);
        key(a).cmp(&key(b)).then_with(|| a.discovered.tool.cmp(&b.discovered.tool))
    });
    Ok(registered)
}

/// What the projections know, by project and tool.
fn folded(view: &View<'_>, project: Want) -> Result<BTreeMap<(u32, u32), Facts>> {
    let mut known: BTreeMap<(u32, u32), Facts> = BTreeMap::new();
    let (first, last) = registry_range(view.state.generation, project);
    view.snapshot.scan(Tree::Registry, &first, &last, Direction::Forward, &mut |bytes, sealed| {
        let key =
            RegistryKey::read(bytes).ok_or_else(|| Error::corrupt(show(Tree::Registry, bytes), "its key is cut"))?;
        for (tool, facts) in Registry::from_bytes(bytes, key.tools, sealed)?.iter() {
            known.entry((key.project, tool)).or_default().merge(facts);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(known)
}

/// The registry events that the projections name.
struct Events(FxHashMap<Position, Arc<Seen>>);

impl Events {
    fn read<'a>(view: &View<'_>, known: impl Iterator<Item = &'a Facts>) -> Result<Self> {
        let mut positions: Vec<Position> = Vec::new();
        for facts in known {
            positions.extend([facts.first, facts.discovered]);
            positions.extend(facts.removal());
        }
        positions.sort_unstable();
        positions.dedup();
        let (kept, missing) = super::lock(view.warm_registry).kept(&positions);
        let read = Self::of_rows(view, &missing)?;
        let kept = positions.into_iter().zip(kept).filter_map(|(position, seen)| Some((position, seen?)));
        let events = kept.chain(read.iter().cloned()).collect();
        super::lock(view.warm_registry).keep(read);
        Ok(Self(events))
    }

    /// The events at some positions, which ascend.
    fn of_rows(view: &View<'_>, positions: &[Position]) -> Result<Vec<(Position, Arc<Seen>)>> {
        let (folded, tail) = positions.split_at(positions.partition_point(|at| *at <= view.state.folded_to()));
        let mut rows: Vec<(Position, LogRow)> = Vec::with_capacity(positions.len());
        view.read_rows_at(folded, &mut |position, row| {
            rows.push((position, row));
            Ok(())
        })?;
        rows.extend(tail.iter().filter_map(|at| Some((*at, view.tail.row_at(*at)?.clone()))));
        let mut names = super::lock(view.names);
        let seen = |(position, row): (Position, LogRow)| {
            let event = names.event(view.snapshot, position, &row)?.event;
            Ok((position, Arc::new(Seen { of: (row.project, row.tool), event })))
        };
        rows.into_iter().map(seen).collect()
    }

    /// The event at a position, which must be of a tool in these settings.
    fn event(&self, position: Position, of: (u32, u32)) -> Result<&Event> {
        let found = self.0.get(&position).filter(|seen| seen.of == of);
        found.map(|seen| &seen.event).ok_or_else(|| stray(position))
    }

    fn discovered(&self, position: Position, of: (u32, u32)) -> Result<&ToolDiscovered> {
        match self.event(position, of)? {
            Event::ToolDiscovered(discovered) => Ok(discovered),
            _ => Err(stray(position)),
        }
    }

    fn removed(&self, position: Position, of: (u32, u32)) -> Result<&ToolRemoved> {
        match self.event(position, of)? {
            Event::ToolRemoved(removed) => Ok(removed),
            _ => Err(stray(position)),
        }
    }

    fn registered(&self, of: (u32, u32), facts: &Facts) -> Result<Registered> {
        let removed = facts.removal().map(|at| self.removed(at, of)).transpose()?;
        Ok(Registered {
            discovered: self.discovered(facts.discovered, of)?.clone(),
            position: facts.discovered,
            removed: removed.map(|removed| removed.time),
            first_discovered: self.discovered(facts.first, of)?.time,
            discoveries: facts.discoveries,
        })
    }
}

fn stray(position: Position) -> Error {
    Error::corrupt(format!("log position {position}"), "is not the registry event that a projection has there")
}

pub(super) fn latest_outcomes(view: &View<'_>, project: &Filter<ProjectId>) -> Result<Vec<(ToolName, RecentOutcomes)>> {
    let selection = Selection { project: project.clone(), ..Selection::all() };
    let Some(wanted) = view.wanted(&selection)? else { return Ok(Vec::new()) };
    let mut latest = Recents::default();
    let (first, last) = recents_range(view.state.generation, super::recent::scope_of(wanted));
    view.snapshot.scan(Tree::Recents, &first, &last, Direction::Forward, &mut |bytes, sealed| {
        let number = last_number(bytes).ok_or_else(|| Error::corrupt(show(Tree::Recents, bytes), "its key is cut"))?;
        latest.take_in(Recents::from_bytes(bytes, number, sealed)?);
        Ok(ControlFlow::Continue(()))
    })?;
    for (position, row) in view.tail_rows(wanted) {
        latest.record(row.tool, RecentOutcome { time: row.time, position, outcome: row.outcome });
    }
    let mut names = super::lock(view.names);
    let mut by_name = Vec::new();
    for (tool, outcomes) in latest.into_tools() {
        let name = names.tools.name(view.snapshot, tool)?;
        by_name.push((name.ok_or_else(|| Error::corrupt("recents", "a row names no tool"))?, outcomes));
    }
    by_name.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(by_name)
}
