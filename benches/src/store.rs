//! Our stores as subjects.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tooltally::policy::rank::Weights;
use tooltally::policy::status::Rule;
use tooltally::policy::suggest::{LEARNT_FROM, Model, Pace};
use tooltally::{
    Backend, Event, LogExt, Maintenance, MaintenanceExt, OpenOptions, PoliciesExt, Project, QueriesExt, SessionId,
    Store, StoreUrl, Timestamp, ToolName,
};

use crate::Result;
use crate::question::Question;
use crate::subject::{Answer, Append, Ask, Kind, Subject};
use crate::workload::{Workload, WorkloadEvent};

/// Longer than the default: a noisy machine must not end a long comparison.
const WAIT: Duration = Duration::from_mins(1);

/// A store of ours, opened as a program that embeds it opens it.
pub(crate) struct TooltallyStore {
    store: Arc<dyn Store>,
    /// Makes events of calls.
    workload: Workload,
}

impl TooltallyStore {
    pub(crate) fn open(kind: Kind, path: &Path, workload: Workload) -> Result<Self> {
        let backend = if kind == Kind::Sqlite { Backend::Sqlite } else { Backend::Redb };
        let options = OpenOptions::new().wait(WAIT).exclusive(kind == Kind::RedbExclusive);
        let store = tooltally::open_with(&StoreUrl::new(backend, path), &options)?;
        Ok(Self { store: Arc::from(store), workload })
    }
}

impl Subject for TooltallyStore {
    fn append<'a>(&'a self, calls: &[WorkloadEvent]) -> Result<Append<'a>> {
        let events: Vec<Event> =
            calls.iter().map(|call| self.workload.event(call)).collect::<tooltally::Result<_>>()?;
        Ok(Box::new(move || {
            self.store.record_all(&events)?;
            Ok(())
        }))
    }

    fn begin(&self) -> Result<()> {
        self.store.record_all(&self.workload.registry()?)?;
        Ok(())
    }

    fn ask<'a>(&'a self, question: &Question) -> Result<Option<Ask<'a>>> {
        let store = self.store.as_ref();
        let project = |number: u64| -> Result<_> { Ok(Project::from_path(Workload::project_path(number))?.id) };
        let tool_name = |tool: usize| ToolName::new(Workload::tool_name(tool));
        Ok(Some(match *question {
            Question::Tools { project: number, since_seconds } => {
                let project = number.map(project).transpose()?;
                let since = since_seconds.map(instant).transpose()?;
                Box::new(move || Ok(Answer::Rows(store.usage_since(project, since)?)))
            }
            Question::Tool { tool, since_seconds } => {
                let (tool, since) = (tool_name(tool)?, Some(instant(since_seconds)?));
                Box::new(move || Ok(Answer::Total(store.usage_for_tool(&tool, None, since)?)))
            }
            Question::Session { session } => {
                let session = SessionId::new(Workload::session_name(session))?;
                Box::new(move || Ok(Answer::Rows(store.usage_for_session(&session)?)))
            }
            Question::Recent { project: number, limit } => {
                let project = project(number)?;
                Box::new(move || Ok(Answer::Recent(store.recent_usage(Some(project), limit)?)))
            }
            Question::Outcomes { tool, project: number, limit } => {
                let (tool, project) = (tool_name(tool)?, project(number)?);
                Box::new(move || Ok(Answer::Outcomes(store.recent_outcomes(&tool, Some(project), limit)?)))
            }
            Question::ToolsOf { project: number, now_seconds } => {
                let (project, now) = (project(number)?, instant(now_seconds)?);
                Box::new(move || Ok(Answer::Tools(store.tools_for(Some(project), &Rule::default(), now)?)))
            }
            Question::Rank { project: number, now_seconds } => {
                let (project, now, weights) = (project(number)?, instant(now_seconds)?, Weights::default());
                Box::new(move || Ok(Answer::Ranked(store.rank(Some(project), &Rule::default(), &weights, now)?)))
            }
            Question::Status { tool, now_seconds } => {
                let (tool, now) = (tool_name(tool)?, instant(now_seconds)?);
                Box::new(move || Ok(Answer::Status(store.status_of(&tool, &Rule::default(), now)?)))
            }
            Question::Suggest { session } => {
                let session = SessionId::new(Workload::session_name(session))?;
                let (model, pace) = (Model::default(), Pace::default());
                // What `in_session` does, with the trail at hand, to be looked at.
                Box::new(move || {
                    let trail = store.trail(&session, LEARNT_FROM)?.unwrap_or_default();
                    let suggestion = model.suggest(&pace, &trail);
                    Ok(Answer::Suggestion(trail, suggestion))
                })
            }
        }))
    }

    fn rebuild(&self) -> Result<()> {
        Ok(self.store.rebuild_quietly()?)
    }

    fn compact(&self) -> Result<()> {
        Ok(Maintenance::compact(self.store.as_ref())?)
    }

    fn store(&self) -> Option<Arc<dyn Store>> {
        Some(Arc::clone(&self.store))
    }
}

fn instant(seconds: u64) -> Result<Timestamp> {
    Ok(Timestamp::from_micros(i64::try_from(seconds)? * 1_000_000)?)
}
