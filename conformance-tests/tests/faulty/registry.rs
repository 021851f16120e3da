//! Faults of the registry, and of what policies ask for.

use tooltally_core::policy::kind::Identity;
use tooltally_core::{
    Event, Filter, GroupBy, Outcome, Position, ProjectId, RecentOutcomes, Recorded, Registered, Result, Selection,
    Store, ToolName, ToolUse, UsageRow, fold,
};

use crate::with::Fault;

#[derive(Default)]
pub(crate) struct NeverRemoves;

impl Fault for NeverRemoves {
    fn registered(&self, store: &dyn Store, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
        let mut registered = store.registered(project)?;
        for row in &mut registered {
            row.removed = None;
        }
        Ok(registered)
    }
}

/// Tells of what settings have no more than its name does.
#[derive(Default)]
pub(crate) struct TellsKindsByName;

impl Fault for TellsKindsByName {
    fn registered(&self, store: &dyn Store, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
        let mut registered = store.registered(project)?;
        for row in &mut registered {
            row.discovered.kind = Identity::of(&row.discovered.tool).kind;
        }
        Ok(registered)
    }
}

/// Keeps of the latest outcomes those that say something of the tool.
#[derive(Default)]
pub(crate) struct KeepsFinishedAlone;

impl Fault for KeepsFinishedAlone {
    fn recent(&self, store: &dyn Store, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        let mut recent = store.recent(selection, limit)?;
        let is_finished = |call: &ToolUse| matches!(call.outcome, Outcome::Success | Outcome::Failure);
        recent.retain(|recorded| recorded.event.as_tool_use().is_some_and(is_finished));
        Ok(recent)
    }
}

/// Takes the latest time for the latest event.
#[derive(Default)]
pub(crate) struct OrdersByTime;

impl Fault for OrdersByTime {
    fn registered(&self, store: &dyn Store, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
        let mut log = store.read(Position::START, usize::MAX)?;
        log.sort_by_key(|recorded| recorded.event.time());
        Ok(fold::registered(&log, project))
    }
}

/// Counts what was discovered as used.
#[derive(Default)]
pub(crate) struct CountsDiscoveries;

impl Fault for CountsDiscoveries {
    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        let mut log = store.read(Position::START, usize::MAX)?;
        for recorded in &mut log {
            if let Event::ToolDiscovered(found) = &recorded.event {
                let mut call = tooltally_core::ToolUse::new(
                    found.id,
                    found.tool.clone(),
                    tooltally_core::Outcome::Success,
                    found.time,
                );
                call.project.clone_from(&found.project);
                recorded.event = call.into();
            }
        }
        Ok(fold::usage(&log, selection, group_by))
    }
}

/// Knows the registry of its folded events alone.
#[derive(Default)]
pub(crate) struct LeavesTheTailOut;

impl Fault for LeavesTheTailOut {
    fn registered(&self, store: &dyn Store, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
        let folded = usize::try_from(store.head()?.get() / 512 * 512).unwrap_or(usize::MAX);
        Ok(fold::registered(&store.read(Position::START, folded)?, project))
    }
}

/// Answers for every project where it is asked for one.
#[derive(Default)]
pub(crate) struct ShowsAllSettings;

impl Fault for ShowsAllSettings {
    fn registered(&self, store: &dyn Store, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
        store.registered(if matches!(project, Filter::Is(_)) { &Filter::Any } else { project })
    }
}

/// Takes what was used in any project for used outside of each.
#[derive(Default)]
pub(crate) struct TakesAbsentForAny;

impl Fault for TakesAbsentForAny {
    fn latest_outcomes(
        &self,
        store: &dyn Store,
        project: &Filter<ProjectId>,
    ) -> Result<Vec<(ToolName, RecentOutcomes)>> {
        store.latest_outcomes(if *project == Filter::Absent { &Filter::Any } else { project })
    }
}

/// Has no more of a tool than the outcomes that are kept.
#[derive(Default)]
pub(crate) struct ReadsNoFurther;

impl Fault for ReadsNoFurther {
    fn recent(&self, store: &dyn Store, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        store.recent(selection, limit.min(RecentOutcomes::KEPT))
    }
}

/// Gives half of the latest calls that are wanted.
#[derive(Default)]
pub(crate) struct GivesHalf;

impl Fault for GivesHalf {
    fn recent(&self, store: &dyn Store, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        store.recent(selection, limit.div_ceil(2))
    }
}

/// Gives recent calls of whichever project.
#[derive(Default)]
pub(crate) struct MixesProjects;

impl Fault for MixesProjects {
    fn recent(&self, store: &dyn Store, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        store.recent(&Selection { project: Filter::Any, ..selection.clone() }, limit)
    }
}
