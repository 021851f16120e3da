//! The policies, asked of a store.

use std::collections::{BTreeMap, BTreeSet};

use super::rank::{self, Ranked, Weights, recent_use};
use super::status::{Rule, Status};
use super::tools::{self, Known, Tool};
use crate::Result;
use crate::ext::QueriesExt;
use crate::name::ToolName;
use crate::project::ProjectId;
use crate::recent::{RecentOutcome, RecentOutcomes};
use crate::selection::{Filter, GroupKey, Selection, UsageRow};
use crate::store::Queries;
use crate::time::Timestamp;
use crate::usage::Usage;

/// How many outcomes are read where those that a store keeps do not decide; then eight times as many, and so on.
const FIRST_READ: usize = 128;

/// What the log says about tools. Each answer is made of a few queries; events that are recorded between two of them
/// may show in one alone.
///
/// On an embedded store that is no more than a millisecond, however long the log, but in two cases. The time of
/// `suggest` ([`in_session`](super::suggest::in_session)) grows with the session that it is asked of. And where the
/// [`KEPT`](RecentOutcomes::KEPT) latest outcomes of a tool do not decide its status, its calls are read back until they
/// do: mostly 128, but all of them for a tool that for ever neither fails three times of five nor succeeds three times
/// in a row (failure, success, success, and so on), about a second for each million. The rule leaves no other way: what
/// such calls make of a tool depends on what it was before them.
pub trait PoliciesExt: Queries {
    /// The tools of a project, or of all: what [`tools`](super::tools) says belongs to it, in order of standing, kind,
    /// use and name.
    ///
    /// # Errors
    /// As [`Queries::usage`].
    fn tools_for(&self, project: Option<ProjectId>, rule: &Rule, now: Timestamp) -> Result<Vec<Tool>> {
        known(self, project)?.tools(project, rule, now, &mut |tool| settle(self, tool, rule, now))
    }

    /// The status of a tool: by its calls in all projects, and removed when no settings have it any more.
    ///
    /// # Errors
    /// As [`Queries::usage`].
    fn status_of(&self, tool: &ToolName, rule: &Rule, now: Timestamp) -> Result<Status> {
        let mut known = Known { registered: self.registered(&Filter::Any)?, ..Known::default() };
        if known.brings_tools(tool) {
            // The tools that it brings are signs of it.
            known.outcomes = self.latest_outcomes(&Filter::Any)?.into_iter().collect();
        } else {
            let mut outcomes = RecentOutcomes::default();
            self.recent_outcomes(tool, None, RecentOutcomes::KEPT)?
                .into_iter()
                .for_each(|recent| outcomes.record(recent));
            known.outcomes.insert(tool.clone(), outcomes);
        }
        known.status_of(tool, rule, now, &mut |tool| settle(self, tool, rule, now))
    }

    /// The tools of a project, or of all, by how much they matter now: the highest score first. A server or plugin
    /// stands among them only as long as none of its tools is known: [`rank_servers`](super::rank::rank_servers) has
    /// the servers.
    ///
    /// # Errors
    /// As [`Queries::usage`].
    fn rank(&self, project: Option<ProjectId>, rule: &Rule, weights: &Weights, now: Timestamp) -> Result<Vec<Ranked>> {
        self.rank_of(&self.tools_for(project, rule, now)?, project, weights)
    }

    /// [`rank`](Self::rank) of the tools that [`tools_for`](Self::tools_for) has answered for the same project: for
    /// those who want both.
    ///
    /// # Errors
    /// As [`Queries::recent`].
    fn rank_of(&self, tools: &[Tool], project: Option<ProjectId>, weights: &Weights) -> Result<Vec<Ranked>> {
        let latest = self.recent_usage(project, weights.latest)?;
        Ok(rank::rank(tools::facts(tools, &recent_use(latest.iter().map(|r| r.event.tool()))), weights))
    }
}

impl<S: Queries + ?Sized> PoliciesExt for S {}

/// What a store knows of the tools of a project.
fn known<S: Queries + ?Sized>(store: &S, project: Option<ProjectId>) -> Result<Known> {
    let mut known = Known { usage: by_tool(store.usage_since(project, None)?), ..Known::default() };
    known.outcomes = store.latest_outcomes(&Filter::Any)?.into_iter().collect();
    let Some(of) = project else {
        known.registered = store.registered(&Filter::Any)?;
        return Ok(known);
    };
    known.registered = store.registered(&Filter::Absent)?;
    known.registered.extend(store.registered(&Filter::Is(of))?);
    known.outside = store.latest_outcomes(&Filter::Absent)?.into_iter().map(|(tool, _)| tool).collect::<BTreeSet<_>>();
    if known.needs_elsewhere(project) {
        known.elsewhere = store.registered(&Filter::Any)?;
        known
            .elsewhere
            .retain(|registered| registered.discovered.project.as_ref().is_some_and(|project| project.id != of));
    }
    Ok(known)
}

fn by_tool(rows: Vec<UsageRow>) -> BTreeMap<ToolName, Usage> {
    let of_tool = |row: UsageRow| match row.key {
        GroupKey::Tool(tool) => Some((tool, row.usage)),
        _ => None,
    };
    rows.into_iter().filter_map(of_tool).collect()
}

/// The status by as many of a tool's outcomes as it takes.
fn settle<S: Queries + ?Sized>(store: &S, tool: &ToolName, rule: &Rule, now: Timestamp) -> Result<Status> {
    let selection = Selection::all().tool(tool.clone());
    let mut limit = FIRST_READ;
    loop {
        let outcomes: Vec<RecentOutcome> =
            store.recent(&selection, limit)?.iter().filter_map(RecentOutcome::of).collect();
        if let Some(status) = tools::state_of_more(rule, &outcomes, outcomes.len() < limit, now) {
            return Ok(status);
        }
        limit = limit.saturating_mul(8);
    }
}
