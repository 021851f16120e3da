//! Logs of hook payloads, as other hooks leave them: without times, often without call ids.

use std::collections::HashMap;

use tooltally::{EventId, Project, SessionId, Source, ToolUse};

use super::calls::key;
use super::context::{Context, Place, Stop};
use super::item::Item;
use super::parse::RawText;
use super::payload::Payload;
use super::tally::Tally;
use super::values;

/// The most sessions whose first folder is remembered; later ones take each entry's own.
const MAX_SESSIONS: usize = 10_000;

/// One log as it is read.
#[derive(Default)]
pub(super) struct HookLog {
    projects: HashMap<SessionId, Project>,
    occurrences: Tally,
}

impl HookLog {
    /// Takes an entry.
    pub(super) fn take(
        &mut self,
        item: &Item<'_>,
        raw: &RawText<'_>,
        place: Place,
        context: &mut Context<'_>,
    ) -> Result<(), Stop> {
        let project = self.project(item, context);
        let payload = match Payload::read(item) {
            Ok(Some(payload)) => payload,
            Ok(None) => return Ok(()),
            Err(problem) => {
                context.skip(place, &problem.to_string());
                return Ok(());
            }
        };
        for problem in &payload.problems {
            context.note(&problem.to_string());
        }
        let known =
            payload.call.as_deref().and_then(|call| values::call_id(context.agent, payload.session.as_ref(), call));
        let id = known.unwrap_or_else(|| self.id_of_text(payload.session.as_ref(), raw));
        let mut tool_use = ToolUse::new(id, payload.tool.clone(), payload.outcome, context.time).source(Source::Import);
        tool_use.project = project;
        context.event(payload.fill(tool_use, context.agent))
    }

    /// The session's project: its first folder, as it is written.
    fn project(&mut self, item: &Item<'_>, context: &mut Context<'_>) -> Option<Project> {
        // A session that cannot be read is noted with its event.
        let session = values::session("session_id", &item.session_id).ok().flatten();
        if let Some(project) = session.as_ref().and_then(|session| self.projects.get(session)) {
            return Some(project.clone());
        }
        let folder = item.cwd.text("cwd").map(|text| text.filter(|text| !text.is_empty()));
        let project = match folder.and_then(|text| text.map(|text| values::project("cwd", text)).transpose()) {
            Ok(project) => project?,
            Err(problem) => {
                context.note(&problem.to_string());
                return None;
            }
        };
        if let Some(session) = session
            && self.projects.len() < MAX_SESSIONS
        {
            self.projects.insert(session, project.clone());
        }
        Some(project)
    }

    /// The id of an entry without a telling call id: its session, its text, and how often that text came before.
    fn id_of_text(&mut self, session: Option<&SessionId>, raw: &RawText<'_>) -> EventId {
        let digest = raw.digest();
        let session = session.map_or("", SessionId::as_str).as_bytes();
        let entry = EventId::derived(&[b"hook log".as_slice(), session, &digest]);
        let occurrence = u64::from(self.occurrences.count(key(entry))) + 1;
        EventId::derived(&[b"hook log".as_slice(), session, &digest, &occurrence.to_le_bytes()])
    }
}
