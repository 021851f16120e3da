//! The order of a replay: calls as the log would have got them.

use std::collections::HashMap;

use crate::event::ToolUse;
use crate::name::{SessionId, ToolName};
use crate::project::ProjectId;
use crate::time::Timestamp;

/// What a replay needs of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its session. A call without one is learnt from, and never predicted.
    pub session: Option<SessionId>,
    /// Its project.
    pub project: Option<ProjectId>,
    /// Its tool.
    pub tool: ToolName,
    /// When it ended.
    pub time: Timestamp,
}

impl From<&ToolUse> for Call {
    fn from(tool_use: &ToolUse) -> Self {
        Self {
            session: tool_use.session.clone(),
            project: tool_use.project.as_ref().map(|project| project.id),
            tool: tool_use.tool.clone(),
            time: tool_use.time,
        }
    }
}

/// Puts calls, given in order of position, in the order of time in which they can have been recorded: within a session
/// the order of positions, which is its own; between sessions by time. A call counts as recorded as soon as all calls
/// of its session before it were, so a late call is learnt late, never early.
pub fn in_order_of_time(calls: Vec<Call>) -> Vec<Call> {
    let mut latest: HashMap<SessionId, Timestamp> = HashMap::new();
    let mut recorded: Vec<(Timestamp, Call)> = calls
        .into_iter()
        .map(|call| match &call.session {
            Some(session) => {
                let latest = latest.entry(session.clone()).or_insert(call.time);
                *latest = call.time.max(*latest);
                (*latest, call)
            }
            None => (call.time, call),
        })
        .collect();
    recorded.sort_by_key(|(time, _)| *time);
    recorded.into_iter().map(|(_, call)| call).collect()
}
