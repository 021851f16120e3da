//! Core's validated values, made from fields; what is wrong with one, said without its value.

use tooltally::{
    AgentName, Error, EventId, Project, ProjectPath, SessionId, SubagentName, Timestamp, ToolDuration, ToolName,
};

use super::field::{Field, Problem};

/// Claude's call ids are unique everywhere and begin with this.
const GLOBAL_PREFIX: &str = "toolu";

/// Says what is wrong with a name that core refused.
fn name_problem(field: &'static str, text: &str, max_bytes: usize) -> Problem {
    let what = match text.len() {
        0 => "is empty",
        length if length > max_bytes => "is too long",
        _ => "holds a control character",
    };
    Problem::new(field, what)
}

pub(super) fn tool_name(field: &'static str, text: &str) -> Result<ToolName, Problem> {
    ToolName::new(text).map_err(|_| name_problem(field, text, ToolName::MAX_BYTES))
}

pub(super) fn session(field: &'static str, value: &Field<'_>) -> Result<Option<SessionId>, Problem> {
    optional(field, value, SessionId::MAX_BYTES, |text| SessionId::new(text))
}

pub(super) fn subagent(field: &'static str, value: &Field<'_>) -> Result<Option<SubagentName>, Problem> {
    optional(field, value, SubagentName::MAX_BYTES, |text| SubagentName::new(text))
}

pub(super) fn agent(field: &'static str, value: &Field<'_>) -> Result<Option<AgentName>, Problem> {
    optional(field, value, AgentName::MAX_BYTES, |text| AgentName::new(text))
}

pub(super) fn path(field: &'static str, value: &Field<'_>) -> Result<Option<ProjectPath>, Problem> {
    optional(field, value, ProjectPath::MAX_BYTES, |text| ProjectPath::new(text))
}

/// The project of a folder's literal text.
pub(super) fn project(field: &'static str, text: &str) -> Result<Project, Problem> {
    Project::from_path(text).map_err(|_| name_problem(field, text, ProjectPath::MAX_BYTES))
}

pub(super) fn optional<T>(
    field: &'static str,
    value: &Field<'_>,
    max_bytes: usize,
    make: fn(&str) -> Result<T, Error>,
) -> Result<Option<T>, Problem> {
    value.text(field)?.map(|text| make(text).map_err(|_| name_problem(field, text, max_bytes))).transpose()
}

/// The instant of an RFC 3339 text, where one is given.
pub(super) fn time(field: &'static str, value: &Field<'_>) -> Result<Option<Timestamp>, Problem> {
    value.text(field)?.map(|text| parse_time(field, text)).transpose()
}

/// What is wrong with an instant that no event has.
pub(super) const OUT_OF_TIME: &str = "lies before 1970 or after 9999-12-30T22:00:00.999999Z";

/// An RFC 3339 instant.
pub(super) fn parse_time(field: &'static str, text: &str) -> Result<Timestamp, Problem> {
    let instant: jiff::Timestamp = text
        .parse()
        .map_err(|_| Problem::new(field, "is not an RFC 3339 instant from 1970 to 9999-12-30T22:00:00.999999Z"))?;
    Timestamp::from_jiff(instant).map_err(|_| Problem::new(field, OUT_OF_TIME))
}

/// A duration in milliseconds, where one is given.
pub(super) fn duration(field: &'static str, value: &Field<'_>) -> Result<Option<ToolDuration>, Problem> {
    let make =
        |millis| ToolDuration::from_millis(millis).map_err(|_| Problem::new(field, "is not a duration from 0 up"));
    value.number(field)?.map(make).transpose()
}

/// The id of a call by its call id, where that tells it apart: everywhere, or in its session.
pub(super) fn call_id(agent: &AgentName, session: Option<&SessionId>, call: &str) -> Option<EventId> {
    match session {
        _ if call.starts_with(GLOBAL_PREFIX) => Some(EventId::global(agent, call)),
        Some(session) => Some(EventId::in_session(agent, session, call)),
        None => None,
    }
}
