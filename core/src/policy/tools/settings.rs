//! What settings have and had of tools, with what brings them: MCP servers and plugins.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::ToolDiscovered;
use crate::name::ToolName;
use crate::policy::bringers::{Bringers, shown};
use crate::policy::kind::{Identity, Kind, Scope};
use crate::project::ProjectId;
use crate::registered::Registered;
use crate::time::Timestamp;

/// What brings tools.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bringer {
    /// An MCP server, as the names of its tools begin.
    Server(String),
    /// A plugin, as names of tools show it.
    Plugin(String),
}

impl Bringer {
    fn server(of: &Identity<'_>) -> Option<Self> {
        of.server_name().map(Self::Server)
    }

    fn plugin(of: &Identity<'_>) -> Option<Self> {
        of.plugin.map(|plugin| Self::Plugin(shown(plugin)))
    }
}

/// Some settings, each those of a project or of every one.
pub(super) struct Settings<'a> {
    by_tool: BTreeMap<&'a ToolName, Vec<&'a Registered>>,
    /// What they have or had of each server and plugin.
    by_bringer: BTreeMap<Bringer, Vec<&'a Registered>>,
    bringers: Bringers,
    /// What the project that is asked for turns off.
    off: BTreeSet<&'a ToolName>,
}

/// Whose settings these are; `None`: every project's.
fn project_of(registered: &Registered) -> Option<ProjectId> {
    registered.discovered.project.as_ref().map(|project| project.id)
}

/// Whether it tells of no tool, but of one that is turned off.
fn is_switch(registered: &Registered) -> bool {
    registered.discovered.scope == Scope::TurnedOff
}

/// The one to show: of the project's own settings, else of those of every project, else of another's; such as have it
/// now before those that had it.
fn first<'a>(entries: &[&'a Registered], project: Option<ProjectId>) -> Option<&'a Registered> {
    let order = |registered: &&&Registered| {
        let of = project_of(registered);
        (registered.removed.is_some(), of != project, of)
    };
    entries.iter().min_by_key(order).copied()
}

impl<'a> Settings<'a> {
    /// The settings as a project sees them; `None`: as nobody's, who turns nothing off.
    pub(super) fn of(all: &'a [Registered], project: Option<ProjectId>) -> Self {
        let is_its = |registered: &&Registered| project.is_some() && project_of(registered) == project;
        let off = all.iter().filter(is_its).filter(|registered| is_switch(registered) && registered.removed.is_none());
        let off: BTreeSet<&ToolName> = off.map(|registered| &registered.discovered.tool).collect();
        // What others turn off, or no longer, says nothing here.
        let counts = |registered: &&Registered| !is_switch(registered) || off.contains(&registered.discovered.tool);
        let all: Vec<&Registered> = all.iter().filter(counts).collect();
        let bringers = Bringers::of(&all);
        let mut settings = Self { by_tool: BTreeMap::new(), by_bringer: BTreeMap::new(), bringers, off };
        for registered in all {
            let tool = &registered.discovered.tool;
            settings.by_tool.entry(tool).or_default().push(registered);
            if let Some(bringer) = settings.as_bringer(tool) {
                settings.by_bringer.entry(bringer).or_default().push(registered);
            }
        }
        settings
    }

    /// Whose settings have or had something, and whether they have it now and it is not turned off.
    fn there(&self, entries: &[&Registered]) -> BTreeMap<Option<ProjectId>, bool> {
        let mut there: BTreeMap<Option<ProjectId>, bool> = BTreeMap::new();
        for registered in entries {
            let is_on = !self.off.contains(&registered.discovered.tool);
            *there.entry(project_of(registered)).or_default() |= registered.removed.is_none() && is_on;
        }
        there
    }

    /// What a name tells, where these settings know what brings tools.
    pub(super) fn identity<'n>(&self, tool: &'n ToolName) -> Identity<'n> {
        self.bringers.identity(tool)
    }

    /// What brings a tool: its server, its plugin, both or neither.
    pub(super) fn bringers_of(&self, tool: &ToolName) -> impl Iterator<Item = Bringer> + use<> {
        let identity = self.identity(tool);
        let server = Bringer::server(&identity).filter(|_| identity.kind != Kind::McpServer);
        let plugin = Bringer::plugin(&identity).filter(|_| identity.kind != Kind::Plugin);
        server.into_iter().chain(plugin)
    }

    /// What a server or plugin is as one that brings tools; `None` for all else.
    pub(super) fn as_bringer(&self, tool: &ToolName) -> Option<Bringer> {
        let identity = self.identity(tool);
        match identity.kind {
            Kind::McpServer => Bringer::server(&identity),
            Kind::Plugin => Bringer::plugin(&identity),
            _ => None,
        }
    }

    fn entries(&self, tool: &ToolName) -> &[&'a Registered] {
        self.by_tool.get(tool).map_or(&[], Vec::as_slice)
    }

    fn offers(&self, bringer: &Bringer) -> &[&'a Registered] {
        self.by_bringer.get(bringer).map_or(&[], Vec::as_slice)
    }

    /// What a tool is: as its name tells, and as settings tell.
    pub(super) fn kinds(&self, tool: &ToolName) -> impl Iterator<Item = Kind> {
        let told = self.entries(tool).iter().map(|registered| registered.discovered.kind);
        std::iter::once(self.identity(tool).kind).chain(told)
    }

    /// Whether settings have or had the tool itself.
    pub(super) fn has(&self, tool: &ToolName) -> bool {
        self.by_tool.contains_key(tool)
    }

    /// Whether they have or had the tool, or what brings it.
    pub(super) fn knows(&self, tool: &ToolName) -> bool {
        self.has(tool) || self.bringers_of(tool).any(|bringer| self.by_bringer.contains_key(&bringer))
    }

    /// Whether the settings of every project have what brings the tool. What they had brings nothing any more: a later
    /// use of that name is of another's.
    pub(super) fn brings_to_all(&self, tool: &ToolName) -> bool {
        let is_everyones = |of: &&'a Registered| project_of(of).is_none() && of.removed.is_none();
        self.bringers_of(tool).any(|bringer| self.offers(&bringer).iter().any(is_everyones))
    }

    /// Whether the settings that had the tool have it no longer, or it is turned off. A tool that none had is not removed.
    pub(super) fn is_removed(&self, tool: &ToolName) -> bool {
        let mut is_there = self.there(self.entries(tool));
        let brought = self.bringers_of(tool).flat_map(|bringer| self.there(self.offers(&bringer)));
        for (project, has_bringer) in brought {
            *is_there.entry(project).or_insert(true) &= has_bringer;
        }
        !is_there.is_empty() && is_there.values().all(|is_there| !is_there)
    }

    /// What is shown of a tool.
    pub(super) fn shown(&self, tool: &ToolName, project: Option<ProjectId>) -> Option<&'a Registered> {
        first(self.entries(tool), project)
    }

    /// What is shown of the server that brings a tool.
    pub(super) fn server_of(&self, tool: &ToolName, project: Option<ProjectId>) -> Option<&'a ToolDiscovered> {
        let server = self.bringers_of(tool).find(|bringer| matches!(bringer, Bringer::Server(_)))?;
        first(self.offers(&server), project).map(|registered| &registered.discovered)
    }

    /// When the tool was discovered last: by its time, as a sign of it.
    pub(super) fn last_discovered(&self, tool: &ToolName) -> Option<Timestamp> {
        self.entries(tool).iter().map(|registered| registered.discovered.time).max()
    }
}
