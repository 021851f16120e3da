//! Events and names out of bytes: whatever a library's user may hand over.

use arbitrary::{Result, Unstructured};
use tooltally::policy::kind::{Kind, Scope};
use tooltally::{
    AgentName, Attributes, Description, Event, EventId, Outcome, Project, ProjectId, ProjectPath, ServerName,
    SessionId, SettingsSource, Source, SubagentName, Timestamp, ToolDiscovered, ToolDuration, ToolName, ToolRemoved,
    ToolUse,
};

/// Where most of the made events lie.
const START_MICROS: i64 = 1_767_225_600_000_000;
const DAY_MICROS: i64 = 86_400_000_000;

/// An event; any that is valid can come.
pub(super) fn event(u: &mut Unstructured<'_>) -> Result<Event> {
    match u.int_in_range(0..=7)? {
        6 => discovered(u).map(Event::from),
        7 => removed(u).map(Event::from),
        _ => tool_use(u).map(Event::from),
    }
}

/// One of a few half of the time, so that some come twice.
fn id(u: &mut Unstructured<'_>) -> Result<EventId> {
    Ok(EventId::from_bytes(if u.arbitrary()? { u.arbitrary()? } else { [u.arbitrary::<u8>()? % 16; 16] }))
}

/// A call.
pub(super) fn tool_use(u: &mut Unstructured<'_>) -> Result<ToolUse> {
    let mut event =
        ToolUse::new(id(u)?, tool(u)?, *u.choose(&Outcome::ALL)?, time(u)?).source(*u.choose(&Source::ALL)?);
    let has: u8 = u.arbitrary()?;
    let is_set = |bit: u32| has >> bit & 1 == 1;
    if is_set(0) {
        event.session = SessionId::new(name(u, SessionId::MAX_BYTES)?).ok();
    }
    if is_set(1) {
        event.project = Some(project(u, is_set(2), is_set(3))?);
    }
    if is_set(4) {
        event.agent = AgentName::new(name(u, AgentName::MAX_BYTES)?).ok();
    }
    if is_set(5) {
        event.subagent = SubagentName::new(name(u, SubagentName::MAX_BYTES)?).ok();
    }
    if is_set(6) {
        event.duration = duration(u)?;
    }
    if is_set(7) {
        event.attributes = attributes(u)?;
    }
    Ok(event)
}

fn project(u: &mut Unstructured<'_>, is_literal: bool, has_path: bool) -> Result<Project> {
    let path = ProjectPath::new(name(u, ProjectPath::MAX_BYTES)?).ok();
    let literal = path.as_ref().map(|path| ProjectId::of_path(path.as_str())).filter(|_| is_literal);
    let id = literal.map_or_else(|| u.arbitrary().map(ProjectId::from_bytes), Ok)?;
    Ok(Project { id, path: path.filter(|_| has_path) })
}

fn discovered(u: &mut Unstructured<'_>) -> Result<ToolDiscovered> {
    let source =
        SettingsSource::new(name(u, SettingsSource::MAX_BYTES)?).map_err(|_| arbitrary::Error::IncorrectFormat)?;
    let (kind, scope) = (*u.choose(&Kind::ALL)?, *u.choose(&Scope::ALL)?);
    let mut discovered = ToolDiscovered::new(id(u)?, tool(u)?, kind, scope, source, time(u)?);
    let has: u8 = u.arbitrary()?;
    let is_set = |bit: u32| has >> bit & 1 == 1;
    if is_set(0) {
        discovered.project = Some(project(u, is_set(1), is_set(2))?);
    }
    if is_set(3) {
        discovered.description = Description::new(name(u, Description::MAX_BYTES)?).ok();
    }
    if is_set(4) {
        discovered.server = ServerName::new(name(u, ServerName::MAX_BYTES)?).ok();
    }
    if is_set(5) {
        discovered.agent = AgentName::new(name(u, AgentName::MAX_BYTES)?).ok();
    }
    Ok(discovered)
}

fn removed(u: &mut Unstructured<'_>) -> Result<ToolRemoved> {
    let mut removed = ToolRemoved::new(id(u)?, tool(u)?, time(u)?);
    if u.arbitrary()? {
        removed.project = Some(project(u, true, true)?);
    }
    Ok(removed)
}

/// A tool's name: one of a few half of the time, so that there are groups.
fn tool(u: &mut Unstructured<'_>) -> Result<ToolName> {
    let text = if u.arbitrary()? { name(u, ToolName::MAX_BYTES)? } else { (*u.choose(&["Bash", "Read"])?).to_owned() };
    ToolName::new(text).map_err(|_| arbitrary::Error::IncorrectFormat)
}

/// A text that every name may be.
pub(super) fn name(u: &mut Unstructured<'_>, most_bytes: usize) -> Result<String> {
    let length = if u.ratio(1, 16)? { most_bytes } else { u.int_in_range(1..=24)? };
    let bytes = u.bytes(length.min(u.len()))?;
    let mut text: String = String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).collect();
    while text.len() > most_bytes {
        text.pop();
    }
    if text.is_empty() {
        text.push('x');
    }
    Ok(text)
}

/// An instant: any, or one of those days.
pub(super) fn time(u: &mut Unstructured<'_>) -> Result<Timestamp> {
    let micros = match u.int_in_range(0..=3)? {
        0 => u.int_in_range(0..=Timestamp::MAX.as_micros())?,
        1 => *u.choose(&[0, 1, Timestamp::MAX.as_micros(), Timestamp::MAX.as_micros() - 1, START_MICROS])?,
        2 => START_MICROS + DAY_MICROS * i64::from(u.arbitrary::<u8>()?),
        _ => START_MICROS + u.int_in_range(0..=3 * DAY_MICROS)?,
    };
    Timestamp::from_micros(micros).map_err(|_| arbitrary::Error::IncorrectFormat)
}

fn duration(u: &mut Unstructured<'_>) -> Result<Option<ToolDuration>> {
    let micros: u64 = if u.arbitrary()? { u.arbitrary()? } else { u64::from(u.arbitrary::<u32>()?) };
    Ok(ToolDuration::from_micros(micros).ok())
}

fn attributes(u: &mut Unstructured<'_>) -> Result<Attributes> {
    let mut attributes = Attributes::new();
    for _ in 0..u.int_in_range(0..=Attributes::MAX_PAIRS)? {
        let (key, value) = (name(u, Attributes::MAX_KEY_BYTES)?, name(u, Attributes::MAX_VALUE_BYTES)?);
        // One that is there already gets the new value.
        let _ = attributes.set(&key, &value);
    }
    Ok(attributes)
}
