//! The registered query: the registry rows of the settings asked for, the tail, and the log's rows that they name.
//! And the latest outcomes of all tools, which are had in the same way.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::keys::{RegistryKey, last_number, recents_range, registry_range, show};
use super::recents::Recents;
use super::registry::{Facts, Registry};
use super::row::LogRow;
use super::tables::{Direction, Tree};
use super::view::{View, Want};
use crate::recent::{RecentOutcome, RecentOutcomes};
use crate::{Error, Event, Filter, Position, ProjectId, Registered, Result, Selection, ToolName};

pub(super) fn registered(view: &View<'_>, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
    let Some(project) = view.want_project(project)? else { return Ok(Vec::new()) };
    let mut known = folded(view, project)?;
    for (position, row) in view.tail.rows_to(view.head).filter(|(_, row)| !row.is_tool_use()) {
        if project.matches(row.project) {
            known.entry((row.project, row.tool)).or_default().merge(&Facts::of(position, row));
        }
    }
    known.retain(|_, facts| facts.discoveries > 0);
    let mut registered: Vec<Registered> = Rows::read(view, known.values())?.registered(view, &known)?;
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

/// The log's rows that the projections name.
struct Rows(BTreeMap<Position, LogRow>);

impl Rows {
    fn read<'a>(view: &View<'_>, known: impl Iterator<Item = &'a Facts>) -> Result<Self> {
        let mut positions: Vec<Position> = Vec::new();
        for facts in known {
            positions.extend([facts.first, facts.discovered]);
            positions.extend(facts.removal());
        }
        positions.sort_unstable();
        positions.dedup();
        let (folded, tail) = positions.split_at(positions.partition_point(|at| *at <= view.state.folded_to()));
        let mut rows: BTreeMap<Position, LogRow> = BTreeMap::new();
        view.rows_at(folded, &mut |position, row| {
            rows.insert(position, row);
            Ok(())
        })?;
        rows.extend(tail.iter().filter_map(|at| Some((*at, view.tail.row_at(*at)?.clone()))));
        Ok(Self(rows))
    }

    /// The row at a position, which must be of such an event of a tool in these settings.
    fn row(&self, position: Position, (project, tool): (u32, u32), kind: u8) -> Result<&LogRow> {
        let is_it = |row: &&LogRow| row.kind == kind && row.project == project && row.tool == tool;
        self.0.get(&position).filter(is_it).ok_or_else(|| {
            Error::corrupt(format!("log position {position}"), "is not the registry event that a projection has there")
        })
    }

    fn registered(&self, view: &View<'_>, known: &BTreeMap<(u32, u32), Facts>) -> Result<Vec<Registered>> {
        let mut names = super::lock(view.names);
        let mut registered = Vec::with_capacity(known.len());
        for (of, facts) in known {
            let row = self.row(facts.discovered, *of, LogRow::TOOL_DISCOVERED)?;
            let recorded = names.event(view.snapshot, facts.discovered, row)?;
            let Event::ToolDiscovered(discovered) = recorded.event else { continue };
            let removed = facts.removal().map(|at| self.row(at, *of, LogRow::TOOL_REMOVED)).transpose()?;
            registered.push(Registered {
                discovered,
                position: facts.discovered,
                removed: removed.map(|row| row.time),
                first_discovered: self.row(facts.first, *of, LogRow::TOOL_DISCOVERED)?.time,
                discoveries: facts.discoveries,
            });
        }
        Ok(registered)
    }
}

pub(super) fn latest_outcomes(view: &View<'_>, project: &Filter<ProjectId>) -> Result<Vec<(ToolName, RecentOutcomes)>> {
    let selection = Selection { project: project.clone(), ..Selection::all() };
    let Some(wanted) = view.wanted(&selection)? else { return Ok(Vec::new()) };
    let mut latest = Recents::default();
    let (first, last) = recents_range(view.state.generation, super::recent::scope_of(wanted));
    view.snapshot.scan(Tree::Recents, &first, &last, Direction::Forward, &mut |bytes, sealed| {
        let number = last_number(bytes).ok_or_else(|| Error::corrupt(show(Tree::Recents, bytes), "its key is cut"))?;
        latest.merge(&Recents::from_bytes(bytes, number, sealed)?);
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
