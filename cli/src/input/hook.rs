//! A live hook: one payload on standard input, one event at most.

use std::io::Read;

use tooltally::{AgentName, Clock, Event, EventId, Project, ProjectPath, Source, ToolUse};

use super::field::{Field, Problem};
use super::frames::{Frames, Framing};
use super::item::Item;
use super::parse::{BadFrame, parse_frame};
use super::payload::Payload;
use super::window::Window;

/// What one payload comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookOutcome {
    /// A finished call, to be recorded.
    Event(Event),
    /// Nothing to record; why. No cause for concern.
    Nothing(&'static str),
    /// What should have been a payload is none; which field is at fault. Never holds a value.
    Bad(String),
}

/// What one payload comes to, and what could not be read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookReading {
    /// What it comes to.
    pub outcome: HookOutcome,
    /// The optional fields that the event goes without, and why.
    pub warnings: Vec<String>,
}

/// Reads a payload from `reader` to its end. `project_dir` is the value of `CLAUDE_PROJECT_DIR`, `clock` tells
/// when the payload came: a hook's payload has no time.
///
/// The project is the folder that `project_dir`, else the payload's `cwd`, leads to, symbolic links resolved. Takes
/// no more than a few MiB, however long the payload is.
pub fn read_hook(reader: &mut dyn Read, project_dir: Option<&str>, clock: &dyn Clock) -> HookReading {
    let mut on_read = |_| {};
    let mut reader = super::lossy::Lossy::new(reader);
    let mut warnings = Vec::new();
    let outcome = read(&mut reader, &mut on_read, project_dir, clock, &mut warnings).unwrap_or_else(HookOutcome::Bad);
    HookReading { outcome, warnings }
}

fn read<'r>(
    reader: &'r mut dyn Read,
    on_read: &'r mut dyn FnMut(u64),
    project_dir: Option<&str>,
    clock: &dyn Clock,
    warnings: &mut Vec<String>,
) -> Result<HookOutcome, String> {
    let mut window = Window::new(reader, on_read);
    window.fill_to(3);
    if window.bytes().starts_with(super::BYTE_ORDER_MARK) {
        window.consume(super::BYTE_ORDER_MARK.len());
    }
    let mut frames = Frames::new(window, Framing::Values);
    let taken = frames.next().map(|(_, frame)| parse_frame(frame, |item, _| take(&item, project_dir, clock, warnings)));
    let has_more = taken.is_some() && frames.next().is_some();
    if let Some(e) = frames.take_error() {
        return Err(format!("standard input could not be read: {}", e.kind()));
    }
    let outcome = match taken {
        None => HookOutcome::Nothing("standard input is empty"),
        Some(Ok(taken)) => taken?,
        Some(Err(BadFrame::CutOff)) => return Err("the payload is cut off".to_owned()),
        Some(Err(bad)) => return Err(format!("the payload is {}", bad.reason("payload"))),
    };
    if has_more {
        warnings.push("more text follows the payload; it was not read".to_owned());
    }
    Ok(outcome)
}

fn take(
    item: &Item<'_>,
    project_dir: Option<&str>,
    clock: &dyn Clock,
    warnings: &mut Vec<String>,
) -> Result<HookOutcome, String> {
    let payload = Payload::read(item).map_err(|problem| problem.to_string())?;
    let Some(payload) = payload else { return Ok(HookOutcome::Nothing("this event reports no finished call")) };
    warnings.extend(payload.problems.iter().map(ToString::to_string));
    let agent = AgentName::claude_code();
    let known = payload.call.as_deref().and_then(|call| super::values::call_id(&agent, payload.session.as_ref(), call));
    let id = match known {
        Some(id) => id,
        None => EventId::random().map_err(|e| e.to_string())?,
    };
    let mut tool_use = ToolUse::new(id, payload.tool.clone(), payload.outcome, clock.now()).source(Source::Hook);
    tool_use.project = project(project_dir, &item.cwd).unwrap_or_else(|problem| {
        warnings.push(problem.to_string());
        None
    });
    Ok(HookOutcome::Event(payload.fill(tool_use, &agent).into()))
}

fn project(project_dir: Option<&str>, cwd: &Field<'_>) -> Result<Option<Project>, Problem> {
    match project_dir {
        Some(folder) if !folder.is_empty() => resolve("CLAUDE_PROJECT_DIR", folder).map(Some),
        _ => cwd.text("cwd")?.filter(|folder| !folder.is_empty()).map(|folder| resolve("cwd", folder)).transpose(),
    }
}

/// The project of a folder, links resolved; of the text as it stands where the folder cannot be reached.
fn resolve(field: &'static str, folder: &str) -> Result<Project, Problem> {
    let canonical = dunce::canonicalize(folder).ok().and_then(|path| path.into_os_string().into_string().ok());
    match canonical {
        Some(path) if ProjectPath::new(&path).is_ok() => super::values::project(field, &path),
        _ => super::values::project(field, folder),
    }
}
