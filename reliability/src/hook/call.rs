//! A tool call, as an agent's hook reports it, as its transcript tells it, and what either must become.

use serde_json::{Value, json};
use tooltally::{AgentName, Event, EventId, Outcome, Source, ToolDuration, ToolUse};
use tooltally_conformance::events::{at, id, session, tool};

use crate::Result;

/// Where all calls are made: a folder that is nowhere, so that its name is taken as it stands.
const FOLDER: &str = "/nowhere/app";
/// Of so many calls one has a long input: its hook is still reading when others record.
const LONG_ONCE_IN: u64 = 7;
const LONG_BYTES: usize = 200_000;

/// A call by its number; everything else follows from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Call(pub(super) u64);

impl Call {
    pub(super) fn id(self) -> EventId {
        id(self.0)
    }

    fn name(self) -> String {
        format!("toolu_{}", self.0)
    }

    fn tool(self) -> String {
        format!("Tool{}", self.0 % 23)
    }

    fn session(self) -> String {
        format!("session-{}", self.0 % 11)
    }

    fn is_failure(self) -> bool {
        self.0.is_multiple_of(5)
    }

    fn outcome(self) -> Outcome {
        if self.is_failure() { Outcome::Failure } else { Outcome::Success }
    }

    fn millis(self) -> u32 {
        u32::try_from(self.0 % 977).unwrap_or_default()
    }

    /// What a hook is given on its stdin.
    pub(super) fn payload(self) -> String {
        let length = if self.0.is_multiple_of(LONG_ONCE_IN) { LONG_BYTES } else { 10 };
        let (event, result) =
            if self.is_failure() { ("PostToolUseFailure", "error") } else { ("PostToolUse", "tool_response") };
        let payload = json!({
            "session_id": self.session(), "transcript_path": "/nowhere/t.jsonl", "cwd": FOLDER, "hook_event_name": event,
            "tool_name": self.tool(), "tool_input": {"command": "x".repeat(length)}, "tool_use_id": self.name(),
            "duration_ms": self.millis(), result: "done",
        });
        payload.to_string()
    }

    /// Its two lines in a transcript.
    pub(super) fn transcript(self) -> String {
        let time = at(i64::try_from(self.0).unwrap_or_default() * 1_000_000).to_string();
        let line = |kind: &str, message: Value| {
            json!({
                "parentUuid": null, "isSidechain": false, "userType": "external", "cwd": FOLDER,
                "sessionId": self.session(), "version": "2.1.139", "type": kind, "timestamp": time, "message": message,
            })
        };
        let used = json!({"type": "tool_use", "id": self.name(), "name": self.tool(), "input": {"command": "true"}});
        let result = json!({"type": "tool_result", "tool_use_id": self.name(), "content": "done", "is_error": self.is_failure()});
        let used = line("assistant", json!({"role": "assistant", "type": "message", "content": [used]}));
        let result = line("user", json!({"role": "user", "content": [result]}));
        format!("{used}\n{result}\n")
    }

    /// The file in which it waits, by name and content, as a hook leaves it.
    pub(super) fn spooled(self) -> (String, String) {
        let time = at(i64::try_from(self.0).unwrap_or_default() * 1_000_000);
        let line = json!({
            "v": 1, "position": null, "id": self.id().to_string(), "tool": self.tool(), "session": self.session(),
            "path": FOLDER, "agent": "claude-code", "outcome": self.outcome().as_str(), "time": time.to_string(),
            "duration_ms": self.millis(), "source": "hook", "attributes": {},
        });
        (format!("{:020}-{}.jsonl", time.as_micros(), self.id()), format!("{line}\n"))
    }

    /// What a program that embeds the library records of it.
    pub(super) fn event(self) -> Event {
        let time = at(i64::try_from(self.0).unwrap_or_default() * 1_000_000);
        let mut tool_use = ToolUse::new(self.id(), tool(&self.tool()), self.outcome(), time);
        tool_use = tool_use.agent(AgentName::claude_code()).session(session(&self.session()));
        tool_use.source(Source::Library).into()
    }

    /// Whether an event is this call, whole, from whichever source.
    pub(super) fn is_told_by(self, event: &Event) -> bool {
        let Event::ToolUse(found) = event else { return false };
        let is_from_library = found.source == Source::Library;
        let duration = (found.source == Source::Hook).then(|| ToolDuration::from_millis(f64::from(self.millis())).ok());
        found.id == self.id()
            && found.tool.as_str() == self.tool()
            && found.session.as_ref().is_some_and(|found| *found == session(&self.session()))
            && found.agent == Some(AgentName::claude_code())
            && found.outcome == self.outcome()
            && found.duration == duration.flatten()
            && (is_from_library
                || found.project.as_ref().and_then(|p| p.path.as_ref()).is_some_and(|p| p.as_str() == FOLDER))
    }

    /// Whether a line of the spool is this call, whole.
    pub(super) fn is_told_by_line(self, line: &Value) -> bool {
        let text = |field: &str| line.get(field).and_then(Value::as_str);
        text("id") == Some(&self.id().to_string())
            && text("tool") == Some(&self.tool())
            && text("session") == Some(&self.session())
            && text("path") == Some(FOLDER)
            && text("agent") == Some("claude-code")
            && text("outcome") == Some(self.outcome().as_str())
            && text("source") == Some("hook")
            && text("time").is_some()
            && line.get("duration_ms").and_then(Value::as_u64) == Some(u64::from(self.millis()))
    }
}

/// The text of a transcript of calls.
pub(super) fn transcript(calls: impl IntoIterator<Item = Call>) -> String {
    calls.into_iter().map(Call::transcript).collect()
}

/// The call that a line of the spool tells of.
pub(super) fn id_of_line(line: &Value) -> Result<EventId> {
    Ok(line.get("id").and_then(Value::as_str).ok_or("a line without an id")?.parse()?)
}
