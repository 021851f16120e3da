//! Events as rows, and rows as events.
//!
//! A registry event is a row of its own kind: tool, project, path and agent stand where those of a call do, and what a
//! call has no field for stands among the attributes, under keys of our own.

use super::names::Names;
use super::row::LogRow;
use super::tables::Snapshot;
use crate::policy::kind::{Kind, Scope};
use crate::{
    AgentName, Description, Error, Event, EventId, Outcome, Position, Project, ProjectId, ProjectPath, Recorded,
    Result, ServerName, SessionId, SettingsSource, Source, SubagentName, Timestamp, ToolDiscovered, ToolName,
    ToolRemoved, ToolUse,
};

const UNEXPECTED: &str = "holds what an event of its kind has none of";

const DESCRIPTION: &str = "description";
const KIND: &str = "kind";
const SCOPE: &str = "scope";
const SERVER: &str = "server";
const SOURCE: &str = "source";

/// The names in an event, as they are interned.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) tool: &'a ToolName,
    pub(super) session: Option<&'a SessionId>,
    pub(super) project: Option<&'a ProjectId>,
    pub(super) path: Option<&'a ProjectPath>,
    pub(super) agent: Option<&'a AgentName>,
    pub(super) subagent: Option<&'a SubagentName>,
}

impl<'a> Named<'a> {
    pub(super) fn of(event: &'a Event) -> Self {
        let project = event.project();
        let (session, agent, subagent) = match event {
            Event::ToolUse(u) => (u.session.as_ref(), u.agent.as_ref(), u.subagent.as_ref()),
            Event::ToolDiscovered(discovered) => (None, discovered.agent.as_ref(), None),
            Event::ToolRemoved(removed) => (None, removed.agent.as_ref(), None),
        };
        Self {
            tool: event.tool(),
            session,
            project: project.map(|project| &project.id),
            path: project.and_then(|project| project.path.as_ref()),
            agent,
            subagent,
        }
    }
}

impl LogRow {
    /// An event's row, without the numbers of its names.
    pub(super) fn of(event: &Event) -> Self {
        match event {
            Event::ToolUse(u) => Self {
                outcome: u.outcome,
                source: u.source,
                duration: u.duration,
                attributes: u.attributes.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
                ..Self::bare(Self::TOOL_USE, u.id, u.time)
            },
            Event::ToolDiscovered(discovered) => Self {
                attributes: details(discovered),
                ..Self::bare(Self::TOOL_DISCOVERED, discovered.id, discovered.time)
            },
            Event::ToolRemoved(removed) => Self::bare(Self::TOOL_REMOVED, removed.id, removed.time),
        }
    }

    const fn bare(kind: u8, id: EventId, time: Timestamp) -> Self {
        Self {
            kind,
            id,
            time,
            tool: 0,
            session: 0,
            project: 0,
            path: 0,
            agent: 0,
            subagent: 0,
            outcome: Outcome::Success,
            source: Source::Hook,
            duration: None,
            attributes: Vec::new(),
        }
    }

    /// Sees that it holds what an event of its kind can hold; names aside.
    pub(super) fn check(&self, position: Position) -> Result<()> {
        self.check_kind(position)?;
        if self.kind == Self::TOOL_DISCOVERED { Details::read(position, self).map(drop) } else { Ok(()) }
    }

    /// The same, but for what a discovery tells.
    fn check_kind(&self, position: Position) -> Result<()> {
        let damage = |detail: &str| Err(Error::corrupt(format!("log position {position}"), detail));
        match self.kind {
            Self::TOOL_DISCOVERED | Self::TOOL_REMOVED if !self.is_bare() => damage(UNEXPECTED),
            Self::TOOL_REMOVED if !self.attributes.is_empty() => damage(UNEXPECTED),
            Self::TOOL_USE | Self::TOOL_DISCOVERED | Self::TOOL_REMOVED => Ok(()),
            _ => damage("holds an unknown kind of event"),
        }
    }

    /// Whether all that calls alone have is absent.
    fn is_bare(&self) -> bool {
        let bare = Self::bare(self.kind, self.id, self.time);
        self.session == 0
            && self.subagent == 0
            && self.duration.is_none()
            && (self.outcome, self.source) == (bare.outcome, bare.source)
    }
}

/// What a discovery's attributes hold, in order of key.
fn details(discovered: &ToolDiscovered) -> Vec<(String, String)> {
    let optional = |key: &str, value: Option<&str>| value.map(|value| (key.to_owned(), value.to_owned()));
    [
        optional(DESCRIPTION, discovered.description.as_ref().map(Description::as_str)),
        optional(KIND, Some(discovered.kind.as_str())),
        optional(SCOPE, Some(discovered.scope.as_str())),
        optional(SERVER, discovered.server.as_ref().map(ServerName::as_str)),
        optional(SOURCE, Some(discovered.source.as_str())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The same, read back.
struct Details {
    kind: Kind,
    scope: Scope,
    source: SettingsSource,
    description: Option<Description>,
    server: Option<ServerName>,
}

impl Details {
    fn read(position: Position, row: &LogRow) -> Result<Self> {
        let damage = |detail: String| Error::corrupt(format!("log position {position}"), detail);
        let (mut kind, mut scope, mut source, mut description, mut server) = (None, None, None, None, None);
        for (key, value) in &row.attributes {
            let read: Result<()> = match key.as_str() {
                KIND => value.parse().map(|value| kind = Some(value)),
                SCOPE => value.parse().map(|value| scope = Some(value)),
                SOURCE => value.parse().map(|value| source = Some(value)),
                DESCRIPTION => value.parse().map(|value| description = Some(value)),
                SERVER => value.parse().map(|value| server = Some(value)),
                _ => return Err(damage(UNEXPECTED.to_owned())),
            };
            read.map_err(|error| damage(error.to_string()))?;
        }
        match (kind, scope, source) {
            (Some(kind), Some(scope), Some(source)) => Ok(Self { kind, scope, source, description, server }),
            _ => Err(damage("lacks what a discovery tells".to_owned())),
        }
    }
}

impl Names {
    /// A row as the event that was appended.
    pub(super) fn event(&mut self, snapshot: &dyn Snapshot, position: Position, row: &LogRow) -> Result<Recorded> {
        let damage = |detail: &str| Error::corrupt(format!("log position {position}"), detail);
        row.check_kind(position)?;
        let tool = self.tools.name(snapshot, row.tool)?.ok_or_else(|| damage("names no tool"))?;
        let path = self.paths.name(snapshot, row.path)?;
        let project = self.projects.name(snapshot, row.project)?.map(|id| Project { id, path });
        let agent = self.agents.name(snapshot, row.agent)?;
        let event = match row.kind {
            LogRow::TOOL_DISCOVERED => {
                let Details { kind, scope, source, description, server } = Details::read(position, row)?;
                let discovered = ToolDiscovered::new(row.id, tool, kind, scope, source, row.time);
                ToolDiscovered { project, description, server, agent, ..discovered }.into()
            }
            LogRow::TOOL_REMOVED => ToolRemoved { project, agent, ..ToolRemoved::new(row.id, tool, row.time) }.into(),
            _ => {
                let mut event = ToolUse::new(row.id, tool, row.outcome, row.time).source(row.source);
                (event.project, event.agent) = (project, agent);
                event.session = self.sessions.name(snapshot, row.session)?;
                event.subagent = self.subagents.name(snapshot, row.subagent)?;
                event.duration = row.duration;
                for (key, value) in &row.attributes {
                    event.attributes.set(key, value).map_err(|e| damage(&e.to_string()))?;
                }
                event.into()
            }
        };
        Ok(Recorded { position, event })
    }
}
