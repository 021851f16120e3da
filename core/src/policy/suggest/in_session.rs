//! Suggestion, asked of a store.

use std::collections::HashMap;

use super::counts::TransitionCounts;
use super::model::Model;
use super::pace::{Pace, Suggestion};
use crate::Result;
use crate::event::{Position, Recorded};
use crate::name::{SessionId, ToolName};
use crate::project::ProjectId;
use crate::selection::Selection;
use crate::store::{Log, Queries};

/// How many events before a session's first call are learnt from.
///
/// Habits change, and old ones need not be told; and a read of so many events takes a few milliseconds, however long
/// the log is.
pub const LEARNT_FROM: u64 = 2_000;

/// What to suggest in a session now, after its last recorded call; `None` where silence is better, and for a session
/// that the log does not know.
///
/// What came next before is learnt from the [`LEARNT_FROM`] events before the session's first call, in all projects and
/// in the session's own, the one of its last call. They never change, so the answers to a session's calls are the same
/// whenever they are asked for, and the limits of the [`Pace`] hold without anything kept.
///
/// ```
/// use tooltally_core::policy::suggest::{Model, Pace, in_session};
/// use tooltally_core::{EventId, LogExt, MemoryStore, Outcome, SessionId, Timestamp, ToolName, ToolUse};
///
/// let store = MemoryStore::new();
/// for number in 0..123_u64 {
///     let name = ["Read", "Edit", "Bash"][number as usize % 3];
///     let id = EventId::derived(&[number.to_le_bytes()]);
///     let time = Timestamp::from_micros(number as i64)?;
///     let session = SessionId::new(format!("session {}", number / 6))?;
///     store.record(&ToolUse::new(id, ToolName::new(name)?, Outcome::Success, time).session(session).into())?;
/// }
/// let session = SessionId::new("session 20")?;
/// let suggestion = in_session(&store, &session, &Model::default(), &Pace::default())?.expect("a habit");
/// assert_eq!(suggestion.tool.as_str(), "Read");
/// # Ok::<(), tooltally_core::Error>(())
/// ```
///
/// # Errors
/// As [`Queries::recent`] and [`Log::read`].
pub fn in_session<S: Log + Queries + ?Sized>(
    store: &S,
    session: &SessionId,
    model: &Model,
    pace: &Pace,
) -> Result<Option<Suggestion>> {
    let mut calls = store.recent(&Selection::all().session(session.clone()), usize::MAX)?;
    calls.sort_unstable_by_key(|recorded| recorded.position);
    let (Some(first), Some(last)) = (calls.first(), calls.last().and_then(|last| last.event.as_tool_use())) else {
        return Ok(None);
    };
    let project = last.project.as_ref().map(|project| project.id);
    let (everywhere, here) = learn(&before(store, first.position)?, project);
    let tools: Vec<ToolName> = calls.iter().map(|call| call.event.tool().clone()).collect();
    model.suggest(pace, &everywhere, Some(&here), &tools)
}

/// The events before a position that are learnt from.
fn before<S: Log + ?Sized>(store: &S, first: Position) -> Result<Vec<Recorded>> {
    let last = first.get().saturating_sub(1);
    let after = last.saturating_sub(LEARNT_FROM);
    store.read(Position::new(after), usize::try_from(last - after).unwrap_or(usize::MAX))
}

/// What followed what in these events, in all projects and in one.
fn learn(events: &[Recorded], project: Option<ProjectId>) -> (TransitionCounts, TransitionCounts) {
    let (mut everywhere, mut here) = (TransitionCounts::default(), TransitionCounts::default());
    let mut sessions: HashMap<&SessionId, Vec<ToolName>> = HashMap::new();
    for call in events.iter().filter_map(|recorded| recorded.event.as_tool_use()) {
        let Some(session) = &call.session else { continue };
        let tools = sessions.entry(session).or_default();
        everywhere.record(tools, &call.tool);
        if project.is_some() && call.project.as_ref().map(|of| of.id) == project {
            here.record(tools, &call.tool);
        }
        tools.push(call.tool.clone());
    }
    (everywhere, here)
}
