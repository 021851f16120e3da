//! A finished call of a tool.

use crate::attributes::Attributes;
use crate::id::EventId;
use crate::name::{AgentName, SessionId, SubagentName, ToolName};
use crate::outcome::Outcome;
use crate::project::Project;
use crate::source::Source;
use crate::time::{Timestamp, ToolDuration};

/// A finished call of a tool. Every field is validated on construction, so a store never sees a bad one.
///
/// ```
/// # use tooltally_core::{AgentName, Event, EventId, Outcome, SessionId, Timestamp, ToolName, ToolUse};
/// let agent = AgentName::claude_code();
/// let event: Event = ToolUse::new(
///     EventId::global(&agent, "toolu_01A"),
///     ToolName::new("Bash")?,
///     Outcome::Success,
///     Timestamp::from_micros(1_767_225_600_000_000)?,
/// )
/// .agent(agent)
/// .session(SessionId::new("5f0c")?)
/// .into();
/// assert_eq!(event.time().to_string(), "2026-01-01T00:00:00Z");
/// # Ok::<(), tooltally_core::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ToolUse {
    /// The event's identity.
    pub id: EventId,
    /// The tool.
    pub tool: ToolName,
    /// The session it was used in.
    pub session: Option<SessionId>,
    /// The project it was used in.
    pub project: Option<Project>,
    /// The program that used it.
    pub agent: Option<AgentName>,
    /// The type of the subagent that used it, inside one.
    pub subagent: Option<SubagentName>,
    /// How the call ended.
    pub outcome: Outcome,
    /// When the call ended.
    pub time: Timestamp,
    /// How long the tool ran, where that was measured.
    pub duration: Option<ToolDuration>,
    /// Who reported it.
    pub source: Source,
    /// Free pairs.
    pub attributes: Attributes,
}

impl ToolUse {
    /// A call with the fields that each one has; [`Source::Library`] until told otherwise.
    pub const fn new(id: EventId, tool: ToolName, outcome: Outcome, time: Timestamp) -> Self {
        Self {
            id,
            tool,
            session: None,
            project: None,
            agent: None,
            subagent: None,
            outcome,
            time,
            duration: None,
            source: Source::Library,
            attributes: Attributes::new(),
        }
    }

    /// Sets the session.
    pub fn session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// Sets the project.
    pub fn project(mut self, project: Project) -> Self {
        self.project = Some(project);
        self
    }

    /// Sets the agent.
    pub fn agent(mut self, agent: AgentName) -> Self {
        self.agent = Some(agent);
        self
    }

    /// Sets the subagent.
    pub fn subagent(mut self, subagent: SubagentName) -> Self {
        self.subagent = Some(subagent);
        self
    }

    /// Sets the duration.
    pub fn duration(mut self, duration: ToolDuration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Sets the source.
    pub fn source(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    /// Sets the attributes.
    pub fn attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }
}
