//! Events and names out of bytes: whatever a library's user may hand over.

use arbitrary::{Result, Unstructured};
use tooltally::{
    AgentName, Attributes, Event, EventId, Outcome, Project, ProjectId, ProjectPath, SessionId, Source, SubagentName,
    Timestamp, ToolDuration, ToolName, ToolUse,
};

/// Where most of the made events lie.
const START_MICROS: i64 = 1_767_225_600_000_000;
const DAY_MICROS: i64 = 86_400_000_000;

/// An event; any that is valid can come.
pub(super) fn event(u: &mut Unstructured<'_>) -> Result<Event> {
    // One of a few half of the time, so that some come twice.
    let id = EventId::from_bytes(if u.arbitrary()? { u.arbitrary()? } else { [u.arbitrary::<u8>()? % 16; 16] });
    let mut event = ToolUse::new(id, tool(u)?, *u.choose(&Outcome::ALL)?, time(u)?).source(*u.choose(&Source::ALL)?);
    let has: u8 = u.arbitrary()?;
    let is_set = |bit: u32| has >> bit & 1 == 1;
    if is_set(0) {
        event.session = SessionId::new(name(u, SessionId::MAX_BYTES)?).ok();
    }
    if is_set(1) {
        let path = ProjectPath::new(name(u, ProjectPath::MAX_BYTES)?).ok();
        let literal = path.as_ref().map(|path| ProjectId::of_path(path.as_str()));
        let id = if is_set(2) { literal } else { None };
        let id = id.map_or_else(|| u.arbitrary().map(ProjectId::from_bytes), Ok)?;
        event.project = Some(Project { id, path: if is_set(3) { path } else { None } });
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
    Ok(event.into())
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
