//! Event lines, our own JSON: written by `events`, read by `import`.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use tooltally::policy::kind::{Kind, Scope};
use tooltally::{
    Attributes, Description, Event, EventId, Outcome, Position, Project, ProjectId, Recorded, ServerName,
    SettingsSource, Source, Timestamp, ToolDiscovered, ToolDuration, ToolName, ToolRemoved, ToolUse,
};

use super::field::{Field, Problem};
use super::item::{Item, Pairs};
use super::parse::{RawText, parse_bytes};
use super::values;

/// The version of the line's format.
const VERSION: u8 = 1;
/// Milliseconds with a fraction are read back exactly below this many microseconds, some 35 years; from here on the
/// line has the whole microseconds too.
const EXACT_BELOW_MICROS: u64 = 1 << 50;

/// The kinds of events, as a line's `event` names them; a line without it is of a tool use.
const TOOL_USED: &str = "tool_used";
const TOOL_DISCOVERED: &str = "tool_discovered";
const TOOL_REMOVED: &str = "tool_removed";

/// Writes a recorded event as one line of JSON, without the line's end.
pub fn event_line(recorded: &Recorded) -> String {
    write(&recorded.event, Some(recorded.position))
}

/// Writes an event that is not recorded yet as one line of JSON, without the line's end; its position is `null`.
pub fn unrecorded_event_line(event: &Event) -> String {
    write(event, None)
}

/// Reads one event line.
///
/// # Errors
/// What is wrong with the line: the field, never its value.
pub fn read_event_line(line: &[u8]) -> Result<Event, String> {
    let take = |item: Item<'_>, raw: &RawText<'_>| read(&item, || id_of_text(&raw.digest(), 1));
    match parse_bytes(line, take) {
        Ok(Ok(event)) => Ok(event),
        Ok(Err(problem)) => Err(problem.to_string()),
        Err(bad) => Err(format!("the line is {}", bad.reason("line"))),
    }
}

/// Whether a line is of a later version of the format, which a newer program writes.
pub fn is_newer_event_line(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Versioned {
        v: f64,
    }
    serde_json::from_slice::<Versioned>(line).is_ok_and(|line| line.v > f64::from(VERSION))
}

/// The id of a line without one: its text, and its occurrence among equal lines, from 1.
pub(super) fn id_of_text(digest: &[u8; 32], occurrence: u64) -> EventId {
    EventId::derived(&[b"event line".as_slice(), digest, &occurrence.to_le_bytes()])
}

/// Reads an event from an object; `make_id` is asked where it has no id.
pub(super) fn read(item: &Item<'_>, make_id: impl FnOnce() -> EventId) -> Result<Event, Problem> {
    match item.v.number("v")? {
        Some(version) if (version - f64::from(VERSION)).abs() < f64::EPSILON => {}
        Some(_) => return Err(Problem::new("v", "is a version that this program does not read")),
        None => return Err(Problem::missing("v")),
    }
    match item.event.text("event")? {
        None | Some(TOOL_USED) => read_tool_use(item, make_id),
        Some(TOOL_DISCOVERED) => read_discovered(item, make_id),
        Some(TOOL_REMOVED) => read_removed(item, make_id),
        Some(_) => Err(Problem::new("event", "is of a kind that this program does not know")),
    }
}

/// What each kind of event has: its tool, its time and its id.
fn head(item: &Item<'_>, make_id: impl FnOnce() -> EventId) -> Result<(EventId, ToolName, Timestamp), Problem> {
    let tool = values::tool_name("tool", item.tool.required_text("tool")?)?;
    let time = values::parse_time("time", item.time.required_text("time")?)?;
    let id = match item.id.text("id")? {
        Some(text) => parsed("id", text, "is not 32 hexadecimal digits")?,
        None => make_id(),
    };
    Ok((id, tool, time))
}

fn read_discovered(item: &Item<'_>, make_id: impl FnOnce() -> EventId) -> Result<Event, Problem> {
    let (id, tool, time) = head(item, make_id)?;
    let kind: Kind = parsed("kind", item.kind_of_tool.required_text("kind")?, "is not a known kind")?;
    let scope: Scope = parsed("scope", item.scope.required_text("scope")?, "is not a known scope")?;
    let source = values::optional("source", &item.source, SettingsSource::MAX_BYTES, |text| SettingsSource::new(text))?;
    let source = source.ok_or(Problem::missing("source"))?;
    let mut discovered = ToolDiscovered::new(id, tool, kind, scope, source, time);
    discovered.project = project(item)?;
    discovered.agent = values::agent("agent", &item.agent)?;
    discovered.description =
        values::optional("description", &item.description, Description::MAX_BYTES, |text| Description::new(text))?;
    discovered.server = values::optional("server", &item.server, ServerName::MAX_BYTES, |text| ServerName::new(text))?;
    Ok(discovered.into())
}

fn read_removed(item: &Item<'_>, make_id: impl FnOnce() -> EventId) -> Result<Event, Problem> {
    let (id, tool, time) = head(item, make_id)?;
    let mut removed = ToolRemoved::new(id, tool, time);
    removed.project = project(item)?;
    removed.agent = values::agent("agent", &item.agent)?;
    Ok(removed.into())
}

fn read_tool_use(item: &Item<'_>, make_id: impl FnOnce() -> EventId) -> Result<Event, Problem> {
    let (id, tool, time) = head(item, make_id)?;
    let outcome: Outcome = parsed("outcome", item.outcome.required_text("outcome")?, "is not a known outcome")?;
    let mut tool_use = ToolUse::new(id, tool, outcome, time);
    tool_use.session = values::session("session", &item.session)?;
    tool_use.project = project(item)?;
    tool_use.agent = values::agent("agent", &item.agent)?;
    tool_use.subagent = values::subagent("subagent", &item.subagent)?;
    tool_use.duration = duration(item)?;
    tool_use.source = match item.source.text("source")? {
        Some(text) => parsed("source", text, "is not a known source")?,
        None => Source::Import,
    };
    tool_use.attributes = attributes(&item.attributes)?;
    Ok(tool_use.into())
}

/// The duration: in microseconds where it says so, which is exact, else in milliseconds, which rounds.
fn duration(item: &Item<'_>) -> Result<Option<ToolDuration>, Problem> {
    let Some(micros) = item.duration_us.whole_number("duration_us")? else {
        return values::duration("duration_ms", &item.duration_ms);
    };
    let duration = ToolDuration::from_micros(micros);
    duration.map(Some).map_err(|_| Problem::new("duration_us", "is longer than a store can hold"))
}

fn parsed<T: std::str::FromStr>(field: &'static str, text: &str, what: &'static str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::new(field, what))
}

fn project(item: &Item<'_>) -> Result<Option<Project>, Problem> {
    let path = values::path("path", &item.path)?;
    Ok(match (item.project.text("project")?, path) {
        (Some(id), path) => {
            let id: ProjectId = parsed("project", id, "is not 16 hexadecimal digits")?;
            Some(Project { id, path })
        }
        (None, Some(path)) => Some(Project { id: ProjectId::of_path(path.as_str()), path: Some(path) }),
        (None, None) => None,
    })
}

fn attributes(pairs: &Pairs<'_>) -> Result<Attributes, Problem> {
    let mut attributes = Attributes::new();
    match pairs {
        Pairs::Absent => {}
        Pairs::Wrong => return Err(Problem::new("attributes", "is not an object")),
        Pairs::Given(pairs) => {
            for (key, value) in pairs {
                let Field::Text(value) = value else {
                    return Err(Problem::new("attributes", "holds a value that is not a string of allowed length"));
                };
                attributes
                    .set(key, value)
                    .map_err(|_| Problem::new("attributes", "holds a pair too many, or one that is not allowed"))?;
            }
        }
    }
    Ok(attributes)
}

fn write(event: &Event, position: Option<Position>) -> String {
    // Texts and numbers always have a JSON form, so this cannot fail.
    serde_json::to_string(&Line { event, position }).unwrap_or_default()
}

struct Line<'a> {
    event: &'a Event,
    position: Option<Position>,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", &VERSION)?;
        map.serialize_entry("position", &self.position.map(Position::get))?;
        map.serialize_entry("id", &self.event.id().to_string())?;
        match self.event {
            Event::ToolUse(tool_use) => write_tool_use(&mut map, tool_use)?,
            Event::ToolDiscovered(discovered) => write_discovered(&mut map, discovered)?,
            Event::ToolRemoved(removed) => write_removed(&mut map, removed)?,
            _ => {}
        }
        map.end()
    }
}

fn write_tool_use<M: SerializeMap>(map: &mut M, tool_use: &ToolUse) -> Result<(), M::Error> {
    map.serialize_entry("tool", tool_use.tool.as_str())?;
    map.serialize_entry("session", &tool_use.session.as_ref().map(AsRef::<str>::as_ref))?;
    write_project(map, tool_use.project.as_ref())?;
    map.serialize_entry("agent", &tool_use.agent.as_ref().map(AsRef::<str>::as_ref))?;
    map.serialize_entry("subagent", &tool_use.subagent.as_ref().map(AsRef::<str>::as_ref))?;
    map.serialize_entry("outcome", tool_use.outcome.as_str())?;
    map.serialize_entry("time", &tool_use.time.to_string())?;
    map.serialize_entry("duration_ms", &tool_use.duration.map(Millis))?;
    if let Some(long) = tool_use.duration.filter(|duration| duration.as_micros() >= EXACT_BELOW_MICROS) {
        map.serialize_entry("duration_us", &long.as_micros())?;
    }
    map.serialize_entry("source", tool_use.source.as_str())?;
    map.serialize_entry("attributes", &Pair(&tool_use.attributes))?;
    Ok(())
}

fn write_discovered<M: SerializeMap>(map: &mut M, discovered: &ToolDiscovered) -> Result<(), M::Error> {
    map.serialize_entry("event", TOOL_DISCOVERED)?;
    map.serialize_entry("tool", discovered.tool.as_str())?;
    map.serialize_entry("kind", discovered.kind.as_str())?;
    map.serialize_entry("scope", discovered.scope.as_str())?;
    write_project(map, discovered.project.as_ref())?;
    map.serialize_entry("source", discovered.source.as_str())?;
    map.serialize_entry("description", &discovered.description.as_ref().map(AsRef::<str>::as_ref))?;
    map.serialize_entry("server", &discovered.server.as_ref().map(AsRef::<str>::as_ref))?;
    map.serialize_entry("agent", &discovered.agent.as_ref().map(AsRef::<str>::as_ref))?;
    map.serialize_entry("time", &discovered.time.to_string())
}

fn write_removed<M: SerializeMap>(map: &mut M, removed: &ToolRemoved) -> Result<(), M::Error> {
    map.serialize_entry("event", TOOL_REMOVED)?;
    map.serialize_entry("tool", removed.tool.as_str())?;
    write_project(map, removed.project.as_ref())?;
    map.serialize_entry("agent", &removed.agent.as_ref().map(AsRef::<str>::as_ref))?;
    map.serialize_entry("time", &removed.time.to_string())
}

fn write_project<M: SerializeMap>(map: &mut M, project: Option<&Project>) -> Result<(), M::Error> {
    map.serialize_entry("project", &project.map(|p| p.id.to_string()))?;
    map.serialize_entry("path", &project.and_then(|p| p.path.as_ref()).map(AsRef::<str>::as_ref))
}

/// A duration in milliseconds: a whole number where it is one, else with its microseconds.
struct Millis(ToolDuration);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let micros = self.0.as_micros();
        if micros.is_multiple_of(1000) {
            return serializer.serialize_u64(micros / 1000);
        }
        #[expect(clippy::cast_precision_loss, reason = "what is longer stands in microseconds too")]
        serializer.serialize_f64(micros as f64 / 1000.0)
    }
}

struct Pair<'a>(&'a Attributes);

impl Serialize for Pair<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}
