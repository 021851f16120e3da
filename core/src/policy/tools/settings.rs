//! What settings have and had of tools, with what brings them: MCP servers and plugins.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::ToolName;
use crate::policy::kind::{Identity, Kind, Scope};
use crate::project::ProjectId;
use crate::registered::Registered;
use crate::time::Timestamp;

/// What brings tools.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bringer {
    /// An MCP server, with the plugin that brings it.
    Server(Option<String>, String),
    Plugin(String),
}

impl Bringer {
    /// Names of tools show a plugin's name with other characters.
    fn plugin(name: &str) -> Self {
        let shown = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
        Self::Plugin(name.chars().map(shown).collect())
    }
}

/// What brings a tool, as its name tells: its server, its plugin, both or neither.
pub(super) fn bringers_of(tool: &ToolName) -> impl Iterator<Item = Bringer> {
    let Identity { kind, plugin, server, .. } = Identity::of(tool);
    let server = server.filter(|_| kind != Kind::McpServer);
    let server = server.map(|server| Bringer::Server(plugin.map(str::to_owned), server.to_owned()));
    let plugin = plugin.filter(|_| kind != Kind::Plugin).map(Bringer::plugin);
    server.into_iter().chain(plugin)
}

/// What a server or plugin is as one that brings tools; `None` for all else.
pub(super) fn as_bringer(tool: &ToolName) -> Option<Bringer> {
    let Identity { kind, plugin, server, .. } = Identity::of(tool);
    match kind {
        Kind::McpServer => Some(Bringer::Server(plugin.map(str::to_owned), server?.to_owned())),
        Kind::Plugin => plugin.map(Bringer::plugin),
        _ => None,
    }
}

/// Some settings, each those of a project or of every one.
pub(super) struct Settings<'a> {
    by_tool: BTreeMap<&'a ToolName, Vec<&'a Registered>>,
    /// Whose settings have or had it, and whether they have it now.
    bringers: BTreeMap<Bringer, BTreeMap<Option<ProjectId>, bool>>,
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

impl<'a> Settings<'a> {
    /// The settings as a project sees them; `None`: as nobody's, who turns nothing off.
    pub(super) fn of(all: &'a [Registered], project: Option<ProjectId>) -> Self {
        let is_its = |registered: &&Registered| project.is_some() && project_of(registered) == project;
        let off = all.iter().filter(is_its).filter(|registered| is_switch(registered) && registered.removed.is_none());
        let off = off.map(|registered| &registered.discovered.tool).collect();
        let mut settings = Self { by_tool: BTreeMap::new(), bringers: BTreeMap::new(), off };
        for registered in all {
            settings.add(registered);
        }
        settings
    }

    fn add(&mut self, registered: &'a Registered) {
        let tool = &registered.discovered.tool;
        // What others turn off, or no longer, says nothing here.
        if is_switch(registered) && !self.off.contains(tool) {
            return;
        }
        self.by_tool.entry(tool).or_default().push(registered);
        if let Some(bringer) = as_bringer(tool) {
            let is_there = self.is_there(registered);
            *self.bringers.entry(bringer).or_default().entry(project_of(registered)).or_default() |= is_there;
        }
    }

    fn is_there(&self, registered: &Registered) -> bool {
        registered.removed.is_none() && !self.off.contains(&registered.discovered.tool)
    }

    fn entries(&self, tool: &ToolName) -> &[&'a Registered] {
        self.by_tool.get(tool).map_or(&[], Vec::as_slice)
    }

    /// Whether settings have or had the tool itself.
    pub(super) fn has(&self, tool: &ToolName) -> bool {
        self.by_tool.contains_key(tool)
    }

    /// Whether they have or had the tool, or what brings it.
    pub(super) fn knows(&self, tool: &ToolName) -> bool {
        self.has(tool) || bringers_of(tool).any(|bringer| self.bringers.contains_key(&bringer))
    }

    /// Whether the settings of every project have or had what brings the tool.
    pub(super) fn brings_to_all(&self, tool: &ToolName) -> bool {
        bringers_of(tool).any(|bringer| self.bringers.get(&bringer).is_some_and(|of| of.contains_key(&None)))
    }

    /// Whether the settings that had the tool have it no longer, or it is turned off. A tool that none had is not removed.
    pub(super) fn is_removed(&self, tool: &ToolName) -> bool {
        let mut there: BTreeMap<Option<ProjectId>, bool> = BTreeMap::new();
        let mut gone: Vec<Option<ProjectId>> = Vec::new();
        for of in bringers_of(tool).filter_map(|bringer| self.bringers.get(&bringer)) {
            for (project, is_there) in of {
                there.insert(*project, true);
                if !is_there {
                    gone.push(*project);
                }
            }
        }
        for registered in self.entries(tool) {
            there.insert(project_of(registered), self.is_there(registered));
        }
        for project in gone {
            there.insert(project, false);
        }
        !there.is_empty() && there.values().all(|is_there| !is_there)
    }

    /// What is shown of a tool: of the project's own settings, else of those of every project, else of another's; such
    /// as have it now before those that had it.
    pub(super) fn shown(&self, tool: &ToolName, project: Option<ProjectId>) -> Option<&'a Registered> {
        let rank = |registered: &&&Registered| {
            let of = project_of(registered);
            (registered.removed.is_some(), of != project, of)
        };
        self.entries(tool).iter().min_by_key(rank).copied()
    }

    /// When the tool was discovered last: by its time, as a sign of it.
    pub(super) fn last_discovered(&self, tool: &ToolName) -> Option<Timestamp> {
        self.entries(tool).iter().map(|registered| registered.discovered.time).max()
    }
}
