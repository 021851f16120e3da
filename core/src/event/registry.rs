//! What an agent's settings offer: a tool was found there, or is there no longer.

use crate::id::EventId;
use crate::name::{AgentName, Description, ServerName, SettingsSource, ToolName};
use crate::policy::kind::{Kind, Scope};
use crate::project::Project;
use crate::time::Timestamp;

/// A tool was found in an agent's settings: a command, a skill, an MCP server as a whole, a plugin, or one tool.
///
/// Names have the forms that [`policy::kind`](crate::policy::kind) tells apart. A tool may be found again with other
/// details, or after it was removed: each is an event of its own, with an id of its own.
///
/// ```
/// # use tooltally_core::policy::kind::{Kind, Scope};
/// # use tooltally_core::{Event, EventId, Project, SettingsSource, Timestamp, ToolDiscovered, ToolName};
/// let time = Timestamp::from_micros(1_767_225_600_000_000)?;
/// let event: Event = ToolDiscovered::new(
///     EventId::random()?,
///     ToolName::new("mcp__github")?,
///     Kind::McpServer,
///     Scope::Project,
///     SettingsSource::new(".mcp.json")?,
///     time,
/// )
/// .project(Project::from_path("/home/dev/app")?)
/// .into();
/// assert_eq!(event.tool().as_str(), "mcp__github");
/// # Ok::<(), tooltally_core::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ToolDiscovered {
    /// The event's identity.
    pub id: EventId,
    /// The tool.
    pub tool: ToolName,
    /// What it is.
    pub kind: Kind,
    /// Where it comes from.
    pub scope: Scope,
    /// Whose settings have it; `None`: those of every project.
    pub project: Option<Project>,
    /// Where it was found, as people read it.
    pub source: SettingsSource,
    /// What it says of itself.
    pub description: Option<Description>,
    /// The name of its MCP server as the settings have it: the tool's name may show it with other characters.
    pub server: Option<ServerName>,
    /// The program whose settings they are.
    pub agent: Option<AgentName>,
    /// When it was found.
    pub time: Timestamp,
}

impl ToolDiscovered {
    /// A discovery with the fields that each one has, in the settings of every project until told otherwise.
    pub const fn new(
        id: EventId,
        tool: ToolName,
        kind: Kind,
        scope: Scope,
        source: SettingsSource,
        time: Timestamp,
    ) -> Self {
        Self { id, tool, kind, scope, project: None, source, description: None, server: None, agent: None, time }
    }

    /// Sets the project.
    pub fn project(mut self, project: Project) -> Self {
        self.project = Some(project);
        self
    }

    /// Sets the description.
    pub fn description(mut self, description: Description) -> Self {
        self.description = Some(description);
        self
    }

    /// Sets the MCP server.
    pub fn server(mut self, server: ServerName) -> Self {
        self.server = Some(server);
        self
    }

    /// Sets the agent.
    pub fn agent(mut self, agent: AgentName) -> Self {
        self.agent = Some(agent);
        self
    }
}

/// A tool that was discovered is in those settings no longer. A server or plugin that is removed takes its tools with
/// it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ToolRemoved {
    /// The event's identity.
    pub id: EventId,
    /// The tool.
    pub tool: ToolName,
    /// Whose settings had it; `None`: those of every project.
    pub project: Option<Project>,
    /// The program whose settings they are.
    pub agent: Option<AgentName>,
    /// When it was missed.
    pub time: Timestamp,
}

impl ToolRemoved {
    /// A removal with the fields that each one has, from the settings of every project until told otherwise.
    pub const fn new(id: EventId, tool: ToolName, time: Timestamp) -> Self {
        Self { id, tool, project: None, agent: None, time }
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
}
