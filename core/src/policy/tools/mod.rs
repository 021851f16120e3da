//! Which tools a project has: what its settings and those of every project offer, and what was used in it.
//!
//! To a project belong
//!
//! - what the settings of every project have, or had, and what its own have, or had;
//! - what was used in it: a tool first seen in use is registered by that use;
//! - the agent's built-in tools, used wherever;
//! - the tools of an MCP server or a plugin that the settings of every project have, used wherever, and what was used
//!   outside of any project: unless another project's settings know it, or its server or plugin, for then it may be
//!   that one's.
//!
//! Never what is another project's: what only its settings have, or what was used in it alone. What another project's
//! settings have, a scan there has told. Before the first one, a tool that was used there counts as that of the server
//! or plugin of every project, if one has its name: no more is known of it than that. Once the settings of every
//! project have that server or plugin no longer, such a tool shows in other projects no more.
//!
//! Which server or plugin **brings** a tool, those say that settings have or had: of the servers whose name and `__`
//! the tool's name begins with, the one of the longest name, and of plugins likewise. Only where none is known, the
//! [name](super::kind) decides alone.
//!
//! A tool is **removed** when its latest registry event is a removal, in each of the settings that count here; the
//! removal of its server or plugin is one of the tool. A call does not bring it back, a discovery does.
//!
//! A project may **turn off** what every project has: a discovery of scope [`TurnedOff`](Scope::TurnedOff) in that
//! project says so, until its removal. There, and nowhere else, the tool is removed then, with all that it brings.
//!
//! A tool is **unseen** when there was no sign of it for long: a call in any project, those of its tools for a server, or
//! a discovery. This is said only of what is seen in use: commands, skills and plugins, whose use the log does not show
//! under their names, are not unseen until a call of that name is in the log.
//!
//! The functions here are pure; [`PoliciesExt`](super::PoliciesExt) asks a store for what they need.

mod settings;

use std::collections::{BTreeMap, BTreeSet};

use settings::{Bringer, Settings};

use super::kind::{Kind, Scope};
use super::rank::{Facts, RecentUse};
use super::status::{Call, Rule, Segment, Status};
use crate::event::ToolDiscovered;
use crate::name::{Description, ServerName, SettingsSource, ToolName};
use crate::project::{Project, ProjectId};
use crate::recent::{RecentOutcome, RecentOutcomes};
use crate::registered::Registered;
use crate::time::Timestamp;
use crate::usage::Usage;

/// A tool of a project.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: ToolName,
    /// What it is: as settings have it, else as its name tells.
    pub kind: Kind,
    /// Where it comes from: as settings tell of it, else of its server, else as its name tells.
    pub scope: Option<Scope>,
    /// The plugin that brings it.
    pub plugin: Option<String>,
    /// Its MCP server: as settings name it, else as its name shows it.
    pub server: Option<String>,
    /// What settings have of it: the project's own, else those of every project; such as have it now before others.
    /// `None` for a tool that is known by its use alone.
    pub registered: Option<Registered>,
    /// Its calls in the project; in all, where no project is asked for. Those of an MCP server or a plugin are those of
    /// its tools.
    pub uses: u64,
    /// Those that succeeded.
    pub successes: u64,
    /// Those that failed.
    pub failures: u64,
    /// When the latest of them ended.
    pub last_used: Option<Timestamp>,
    /// The last sign of it: its latest call in any project, or its latest discovery here.
    pub last_seen: Option<Timestamp>,
    /// Whether it is active, stale or demoted: by its calls in all projects.
    pub status: Status,
    /// What it is as one that brings tools.
    brings: Option<Bringer>,
    brought_by: Vec<Bringer>,
}

impl Tool {
    fn discovered(&self) -> Option<&ToolDiscovered> {
        self.registered.as_ref().map(|registered| &registered.discovered)
    }

    /// The project whose own settings have it.
    pub fn project(&self) -> Option<&Project> {
        self.discovered()?.project.as_ref()
    }

    /// What it says of itself.
    pub fn description(&self) -> Option<&Description> {
        self.discovered()?.description.as_ref()
    }

    /// Where settings have it.
    pub fn source(&self) -> Option<&SettingsSource> {
        self.discovered().map(|discovered| &discovered.source)
    }

    /// The MCP server that brings it, or that it is, as names of tools begin.
    fn server_shown(&self) -> Option<&str> {
        self.brings.iter().chain(&self.brought_by).find_map(|bringer| match bringer {
            Bringer::Server(name) => Some(name.as_str()),
            Bringer::Plugin(_) => None,
        })
    }

    fn count(&mut self, usage: &Usage) {
        self.uses = self.uses.saturating_add(usage.uses());
        self.successes = self.successes.saturating_add(usage.count(crate::Outcome::Success));
        self.failures = self.failures.saturating_add(usage.count(crate::Outcome::Failure));
        self.last_used = self.last_used.max(usage.last_used());
    }
}

/// What the log says, as far as it bears on the tools of a project.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// What settings have or had: those of every project and the project's own; all, where no project is asked for.
    pub registered: Vec<Registered>,
    /// The calls that count, by tool: those in the project; all, where no project is asked for.
    pub usage: BTreeMap<ToolName, Usage>,
    /// How the latest calls of each tool ended, in all projects.
    pub outcomes: BTreeMap<ToolName, RecentOutcomes>,
    /// The tools that were used outside of any project.
    pub outside: BTreeSet<ToolName>,
    /// What the settings of other projects have or had. Needed where [`needs_elsewhere`](Self::needs_elsewhere).
    pub elsewhere: Vec<Registered>,
}

/// Whether a tool belongs to a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Here,
    /// Unless another project's settings know it.
    UnlessElsewhere,
    Nowhere,
}

impl Known {
    /// Whether what the settings of other projects have decides about a tool.
    pub fn needs_elsewhere(&self, project: Option<ProjectId>) -> bool {
        let settings = Settings::of(&self.registered, project);
        self.names().any(|tool| self.claim(project, &settings, tool) == Claim::UnlessElsewhere)
    }

    /// The tools of a project, or of all: in order of standing, kind, use (most used first) and name. `undecided` is
    /// asked for the status of a tool whose kept outcomes do not decide it.
    ///
    /// # Errors
    /// Those of `undecided`.
    pub fn tools(
        &self,
        project: Option<ProjectId>,
        rule: &Rule,
        now: Timestamp,
        undecided: &mut dyn FnMut(&ToolName) -> crate::Result<Status>,
    ) -> crate::Result<Vec<Tool>> {
        let settings = Settings::of(&self.registered, project);
        let elsewhere = Settings::of(&self.elsewhere, None);
        let brought = self.brought(&settings);
        let belongs = |tool: &&ToolName| match self.claim(project, &settings, tool) {
            Claim::Here => true,
            Claim::UnlessElsewhere => !elsewhere.knows(tool),
            Claim::Nowhere => false,
        };
        let mut tools = Vec::new();
        for name in self.names().filter(belongs) {
            let status = self.status(name, &settings, &brought, rule, now, undecided)?;
            let last_seen = self.last_seen(name, &settings, &brought);
            tools.push(Tool { last_seen, ..self.tool(name, status, project, &settings, &brought) });
        }
        tools.sort_by(|a, b| {
            let order = |tool: &Tool| (tool.status.standing(), tool.kind, std::cmp::Reverse(tool.uses));
            order(a).cmp(&order(b)).then_with(|| a.name.cmp(&b.name))
        });
        Ok(tools)
    }

    /// The status of one tool, of which all that is needed is known: what settings have of it and of what brings it,
    /// and its outcomes; of a server or plugin, those of its tools.
    ///
    /// # Errors
    /// Those of `undecided`, which is asked where the outcomes do not decide.
    pub fn status_of(
        &self,
        tool: &ToolName,
        rule: &Rule,
        now: Timestamp,
        undecided: &mut dyn FnMut(&ToolName) -> crate::Result<Status>,
    ) -> crate::Result<Status> {
        let settings = Settings::of(&self.registered, None);
        self.status(tool, &settings, &self.brought(&settings), rule, now, undecided)
    }

    /// Whether this is a server or a plugin, for which the calls of its tools are needed.
    pub(super) fn brings_tools(&self, tool: &ToolName) -> bool {
        Settings::of(&self.registered, None).as_bringer(tool).is_some()
    }

    /// Every tool that may belong, once.
    fn names(&self) -> impl Iterator<Item = &ToolName> {
        let registered = self.registered.iter().map(|registered| &registered.discovered.tool);
        let names: BTreeSet<&ToolName> = registered.chain(self.usage.keys()).chain(self.outcomes.keys()).collect();
        names.into_iter()
    }

    fn claim(&self, project: Option<ProjectId>, settings: &Settings<'_>, tool: &ToolName) -> Claim {
        if project.is_none() || settings.has(tool) || self.usage.contains_key(tool) {
            return Claim::Here;
        }
        if settings.identity(tool).kind == Kind::BuiltIn {
            return Claim::Here;
        }
        if self.outside.contains(tool) || settings.brings_to_all(tool) {
            return Claim::UnlessElsewhere;
        }
        Claim::Nowhere
    }

    fn status(
        &self,
        name: &ToolName,
        settings: &Settings<'_>,
        brought: &BTreeMap<Bringer, Brought<'_>>,
        rule: &Rule,
        now: Timestamp,
        undecided: &mut dyn FnMut(&ToolName) -> crate::Result<Status>,
    ) -> crate::Result<Status> {
        let status = match state(rule, self.outcomes.get(name), now) {
            Some(status) => status,
            None => undecided(name)?,
        };
        let seen = self.last_seen(name, settings, brought).filter(|_| self.is_seen_in_use(name, settings));
        Ok(status.removed(settings.is_removed(name)).last_seen(rule, seen, now))
    }

    /// Whether the use of a tool shows in the log under its own name, so that its absence says something. An agent
    /// reports a command or a skill as its own tool `Skill`, and a plugin not at all.
    fn is_seen_in_use(&self, name: &ToolName, settings: &Settings<'_>) -> bool {
        let is_reported = |kind| !matches!(kind, Kind::SlashCommand | Kind::Skill | Kind::Plugin);
        self.last_call(name).is_some() || settings.kinds(name).all(is_reported)
    }

    fn last_seen(
        &self,
        name: &ToolName,
        settings: &Settings<'_>,
        brought: &BTreeMap<Bringer, Brought<'_>>,
    ) -> Option<Timestamp> {
        let of_tools = settings.as_bringer(name).and_then(|bringer| brought.get(&bringer)?.last_call);
        self.last_call(name).max(settings.last_discovered(name)).max(of_tools)
    }

    fn tool(
        &self,
        name: &ToolName,
        status: Status,
        project: Option<ProjectId>,
        settings: &Settings<'_>,
        brought: &BTreeMap<Bringer, Brought<'_>>,
    ) -> Tool {
        let (identity, registered) = (settings.identity(name), settings.shown(name, project));
        let own = registered.map(|registered| &registered.discovered);
        let told = || own.into_iter().chain(settings.server_of(name, project));
        let server = told().find_map(|discovered| discovered.server.as_ref()).map(ServerName::as_str);
        let mut tool = Tool {
            name: name.clone(),
            kind: own.map_or(identity.kind, |discovered| discovered.kind),
            scope: told().next().map(|discovered| discovered.scope).or(identity.scope),
            plugin: identity.plugin.map(str::to_owned),
            server: server.or(identity.server).map(str::to_owned),
            registered: registered.cloned(),
            uses: 0,
            successes: 0,
            failures: 0,
            last_used: None,
            last_seen: None,
            status,
            brings: settings.as_bringer(name),
            brought_by: settings.bringers_of(name).collect(),
        };
        let of_tools = tool.brings.as_ref().and_then(|bringer| brought.get(bringer));
        let of_tools = of_tools.into_iter().flat_map(|brought| brought.usage.iter().copied());
        self.usage.get(name).into_iter().chain(of_tools).for_each(|usage| tool.count(usage));
        tool
    }

    fn last_call(&self, tool: &ToolName) -> Option<Timestamp> {
        self.outcomes.get(tool)?.iter().next().map(|latest| latest.time)
    }

    /// The use of what servers and plugins bring.
    fn brought(&self, settings: &Settings<'_>) -> BTreeMap<Bringer, Brought<'_>> {
        let mut brought: BTreeMap<Bringer, Brought<'_>> = BTreeMap::new();
        for (name, usage) in &self.usage {
            settings.bringers_of(name).for_each(|of| brought.entry(of).or_default().usage.push(usage));
        }
        for name in self.outcomes.keys() {
            for bringer in settings.bringers_of(name) {
                let last = &mut brought.entry(bringer).or_default().last_call;
                *last = (*last).max(self.last_call(name));
            }
        }
        brought
    }
}

/// How the tools of a server or plugin are used.
#[derive(Default)]
struct Brought<'a> {
    usage: Vec<&'a Usage>,
    /// In all projects.
    last_call: Option<Timestamp>,
}

/// What is known of tools, for their [rank](super::rank::rank); a server or plugin is left out where a tool of it is
/// among them.
pub fn facts(tools: &[Tool], recent: &BTreeMap<ToolName, RecentUse>) -> Vec<Facts> {
    let brought: BTreeSet<&Bringer> = tools.iter().flat_map(|tool| &tool.brought_by).collect();
    let stands_for_others = |tool: &&Tool| tool.brings.as_ref().is_some_and(|of| brought.contains(of));
    let facts = |tool: &Tool| {
        let recent = recent.get(&tool.name);
        Facts {
            tool: tool.name.clone(),
            kind: tool.kind,
            server: tool.server_shown().map(str::to_owned),
            recent_uses: recent.map_or(0, |recent| recent.uses),
            age: recent.map(|recent| recent.age),
            successes: tool.successes,
            failures: tool.failures,
            standing: tool.status.standing(),
        }
    };
    tools.iter().filter(|tool| !stands_for_others(tool)).map(facts).collect()
}

/// The status by the outcomes that a store keeps; `None` where they do not decide.
pub(crate) fn state(rule: &Rule, recent: Option<&RecentOutcomes>, now: Timestamp) -> Option<Status> {
    let none = RecentOutcomes::default();
    let recent = recent.unwrap_or(&none);
    Status::from_recent(rule, recent, recent.iter().len() < RecentOutcomes::KEPT, now)
}

/// The status by more outcomes than a store keeps; `None` where they do not decide, and more is needed.
pub(crate) fn state_of_more(rule: &Rule, outcomes: &[RecentOutcome], all: bool, now: Timestamp) -> Option<Status> {
    let history = Segment::of_calls(*rule, outcomes.iter().map(Call::from));
    (all || history.state_in_any_case().is_some()).then(|| Status::new(rule, &history, now))
}
