//! A hook's payload: what it reports, wherever it was found.

use tooltally::{AgentName, Outcome, SessionId, SubagentName, ToolDuration, ToolName, ToolUse};

use super::field::Problem;
use super::item::Item;
use super::outcome;
use super::values;

/// A finished call, as a hook reports it.
#[derive(Debug)]
pub(super) struct Payload {
    pub(super) tool: ToolName,
    pub(super) outcome: Outcome,
    pub(super) session: Option<SessionId>,
    /// The call id.
    pub(super) call: Option<String>,
    pub(super) duration: Option<ToolDuration>,
    pub(super) subagent: Option<SubagentName>,
    /// Optional fields that could not be read.
    pub(super) problems: Vec<Problem>,
}

impl Payload {
    /// Reads a payload; `None` where it reports no finished call.
    ///
    /// # Errors
    /// The field without which there is nothing to record.
    pub(super) fn read(item: &Item<'_>) -> Result<Option<Self>, Problem> {
        let event = item.hook_event_name.required_text("hook_event_name")?;
        let mut problems = Vec::new();
        if outcome::of_hook(event, false).is_none() {
            return Ok(None);
        }
        let is_interrupt = keep(item.is_interrupt.bool("is_interrupt"), &mut problems).unwrap_or_default();
        let Some(outcome) = outcome::of_hook(event, is_interrupt) else { return Ok(None) };
        let tool = values::tool_name("tool_name", item.tool_name.required_text("tool_name")?)?;
        let call = keep(item.tool_use_id.text("tool_use_id"), &mut problems).filter(|call| !call.is_empty());
        Ok(Some(Self {
            tool,
            outcome,
            session: keep(values::session("session_id", &item.session_id), &mut problems),
            call: call.map(str::to_owned),
            duration: keep(values::duration("duration_ms", &item.duration_ms), &mut problems),
            subagent: keep(values::subagent("agent_type", &item.agent_type), &mut problems),
            problems,
        }))
    }

    /// Puts what the payload holds beside its call id into an event.
    pub(super) fn fill(self, mut tool_use: ToolUse, agent: &AgentName) -> ToolUse {
        tool_use = tool_use.agent(agent.clone());
        tool_use.session = self.session;
        tool_use.duration = self.duration;
        tool_use.subagent = self.subagent;
        tool_use
    }
}

/// The value of a field that an event can do without.
fn keep<T>(value: Result<Option<T>, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    value.unwrap_or_else(|problem| {
        problems.push(problem);
        None
    })
}
