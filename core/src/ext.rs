//! Sugar over the contract, for every store alike. Here the predecessor's three queries stand by name.

use crate::event::{Appended, Event, Recorded};
use crate::name::{SessionId, ToolName};
use crate::project::ProjectId;
use crate::recent::RecentOutcome;
use crate::selection::{GroupBy, Selection, UsageRow};
use crate::store::{Condition, Log, Maintenance, Queries, Verified};
use crate::time::Timestamp;
use crate::usage::Usage;
use crate::window::Window;
use crate::{Error, Result};

/// Appends with less to write.
pub trait LogExt: Log {
    /// Records one event, wherever the log is.
    ///
    /// # Errors
    /// As [`Log::append`].
    fn record(&self, event: &Event) -> Result<Appended> {
        let answers = self.append(std::slice::from_ref(event), Condition::None)?;
        answers.first().copied().ok_or_else(|| Error::corrupt("append", "one event was appended, none answered for"))
    }

    /// Records a batch, wherever the log is.
    ///
    /// # Errors
    /// As [`Log::append`].
    fn record_all(&self, events: &[Event]) -> Result<Vec<Appended>> {
        self.append(events, Condition::None)
    }
}

impl<S: Log + ?Sized> LogExt for S {}

/// The questions asked most.
pub trait QueriesExt: Queries {
    /// How one tool was used, in one project or in all, since an instant or ever.
    ///
    /// # Errors
    /// As [`Queries::usage`].
    fn usage_for_tool(&self, tool: &ToolName, project: Option<ProjectId>, since: Option<Timestamp>) -> Result<Usage> {
        let selection = in_project_since(project, since).tool(tool.clone());
        let rows = self.usage(&selection, &GroupBy::Total)?;
        Ok(rows.into_iter().next().map(|row| row.usage).unwrap_or_default())
    }

    /// Which tools one session used, most used first.
    ///
    /// # Errors
    /// As [`Queries::usage`].
    fn usage_for_session(&self, session: &SessionId) -> Result<Vec<UsageRow>> {
        self.usage(&Selection::all().session(session.clone()), &GroupBy::Tool)
    }

    /// Which tools were used, in one project or in all, since an instant or ever; most used first.
    ///
    /// # Errors
    /// As [`Queries::usage`].
    fn usage_since(&self, project: Option<ProjectId>, since: Option<Timestamp>) -> Result<Vec<UsageRow>> {
        self.usage(&in_project_since(project, since), &GroupBy::Tool)
    }

    /// The latest uses, in one project or in all.
    ///
    /// # Errors
    /// As [`Queries::recent`].
    fn recent_usage(&self, project: Option<ProjectId>, limit: usize) -> Result<Vec<Recorded>> {
        self.recent(&in_project_since(project, None), limit)
    }

    /// How the latest calls of one tool ended, in one project or in all; latest first.
    ///
    /// # Errors
    /// As [`Queries::recent`].
    fn recent_outcomes(&self, tool: &ToolName, project: Option<ProjectId>, limit: usize) -> Result<Vec<RecentOutcome>> {
        let selection = in_project_since(project, None).tool(tool.clone());
        let recent = self.recent(&selection, limit)?;
        Ok(recent.iter().filter_map(RecentOutcome::of).collect())
    }
}

impl<S: Queries + ?Sized> QueriesExt for S {}

/// Maintenance without a report of its progress.
pub trait MaintenanceExt: Maintenance {
    /// [`Maintenance::verify`] in silence.
    ///
    /// # Errors
    /// As [`Maintenance::verify`].
    fn verify_quietly(&self) -> Result<Verified> {
        self.verify(&mut |_| {})
    }

    /// [`Maintenance::rebuild`] in silence.
    ///
    /// # Errors
    /// As [`Maintenance::rebuild`].
    fn rebuild_quietly(&self) -> Result<()> {
        self.rebuild(&mut |_| {})
    }
}

impl<S: Maintenance + ?Sized> MaintenanceExt for S {}

fn in_project_since(project: Option<ProjectId>, since: Option<Timestamp>) -> Selection {
    let selection = Selection::all().window(since.map_or(Window::ALL, Window::since));
    match project {
        Some(project) => selection.project(project),
        None => selection,
    }
}
