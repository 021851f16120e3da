//! Events as lines: fields between tabs, which no name can hold, with a checksum in front.

use tooltally_core::policy::kind::{Kind, Scope};
use tooltally_core::{
    Error, Event, Project, Result, SettingsSource, Timestamp, ToolDiscovered, ToolDuration, ToolRemoved, ToolUse,
};

/// Stands where a call has its outcome.
const DISCOVERED: &str = "discovered";
const REMOVED: &str = "removed";

/// FNV-1a: any change of a single byte changes it.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn text<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// A line, with its end.
pub(crate) fn line_of(event: &Event) -> Result<String> {
    let mut fields = vec![event.id().to_string(), event.tool().to_string(), event.time().as_micros().to_string()];
    fields.push(text(event.project().map(|project| &project.id)));
    fields.push(text(event.project().and_then(|project| project.path.as_ref())));
    match event {
        Event::ToolUse(u) => {
            fields.extend([text(u.agent.as_ref()), u.outcome.to_string(), u.source.to_string()]);
            fields.push(u.duration.map(|d| d.as_micros().to_string()).unwrap_or_default());
            fields.extend([text(u.session.as_ref()), text(u.subagent.as_ref())]);
            fields.extend(u.attributes.iter().flat_map(|(key, value)| [key.to_owned(), value.to_owned()]));
        }
        Event::ToolDiscovered(d) => {
            fields.extend([text(d.agent.as_ref()), DISCOVERED.to_owned(), d.kind.to_string(), d.scope.to_string()]);
            fields.extend([d.source.to_string(), text(d.description.as_ref()), text(d.server.as_ref())]);
        }
        Event::ToolRemoved(r) => fields.extend([text(r.agent.as_ref()), REMOVED.to_owned()]),
        _ => return Err(Error::invalid("event", "is of a kind that is not stored here")),
    }
    let text = fields.join("\t");
    Ok(format!("{:016x}\t{text}\n", checksum(text.as_bytes())))
}

/// An event from its line, with its end.
pub(crate) fn event_of(line: &str) -> Result<Event> {
    let damaged = || Error::corrupt("a line", "its checksum or a field is damaged");
    let (sum, text) = line.strip_suffix('\n').and_then(|l| l.split_once('\t')).ok_or_else(damaged)?;
    let fields: Vec<&str> = text.split('\t').collect();
    let [id, tool, time, project, path, agent, what, rest @ ..] = &fields[..] else { return Err(damaged()) };
    if sum != format!("{:016x}", checksum(text.as_bytes())) {
        return Err(damaged());
    }
    let time = Timestamp::from_micros(time.parse().map_err(|_| damaged())?)?;
    let (id, tool, path, agent) =
        (id.parse()?, tool.parse()?, optional(path, str::parse)?, optional(agent, str::parse)?);
    let project = optional(project, |id| Ok(Project { id: id.parse()?, path }))?;
    match (*what, rest) {
        (DISCOVERED, [kind, scope, source, description, server]) => {
            let (kind, scope, source): (Kind, Scope, SettingsSource) = (kind.parse()?, scope.parse()?, source.parse()?);
            let mut discovered = ToolDiscovered::new(id, tool, kind, scope, source, time);
            (discovered.project, discovered.agent) = (project, agent);
            discovered.description = optional(description, str::parse)?;
            discovered.server = optional(server, str::parse)?;
            Ok(discovered.into())
        }
        (REMOVED, []) => {
            let mut removed = ToolRemoved::new(id, tool, time);
            (removed.project, removed.agent) = (project, agent);
            Ok(removed.into())
        }
        (outcome, [source, duration, session, subagent, pairs @ ..]) => {
            let mut u = ToolUse::new(id, tool, outcome.parse()?, time);
            (u.project, u.agent, u.source) = (project, agent, source.parse()?);
            u.duration = optional(duration, |d| ToolDuration::from_micros(d.parse().map_err(|_| damaged())?))?;
            u.session = optional(session, str::parse)?;
            u.subagent = optional(subagent, str::parse)?;
            for pair in pairs.chunks(2) {
                let [key, value] = pair else { return Err(damaged()) };
                u.attributes.set(key, value)?;
            }
            Ok(u.into())
        }
        _ => Err(damaged()),
    }
}

/// An empty field is absent.
fn optional<T>(field: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
    if field.is_empty() { Ok(None) } else { read(field).map(Some) }
}
