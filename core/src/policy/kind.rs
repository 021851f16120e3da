//! What a tool's name tells by itself: what it is, and whose.
//!
//! The forms are those of Claude Code (its tools reference, and the names that its permission rules, hooks and
//! transcripts show):
//!
//! | name | is |
//! |---|---|
//! | `Bash`, `Read`, … | a built-in tool: one of a list |
//! | `mcp__server__tool` | a tool of an MCP server. The server ends at the first `__`, so it may hold single underscores, and the tool any |
//! | `mcp__plugin_plugin_server__tool` | a tool of an MCP server that a plugin brings |
//! | `mcp__server`, `mcp__server__*` | a whole MCP server, as permission rules name it |
//! | `/command`, `/plugin:command`, `SlashCommand(/command)` | a slash command |
//! | `Skill(skill)`, `plugin:skill` | a skill |
//! | `plugin@marketplace` | a plugin, as settings name it |
//!
//! A name has several readings where that of a server holds `__`, or that of a plugin `_`. Where a registry knows the
//! servers and plugins, they decide ([`tools`](super::tools)); here the first of them is taken.
//!
//! ```
//! use tooltally_core::ToolName;
//! use tooltally_core::policy::kind::{Identity, Kind, Scope};
//!
//! let name = ToolName::new("mcp__plugin_context7_context7__query-docs")?;
//! let identity = Identity::of(&name);
//! assert_eq!(identity.kind, Kind::McpTool);
//! assert_eq!((identity.plugin, identity.server, identity.tool), (Some("context7"), Some("context7"), Some("query-docs")));
//! assert_eq!(identity.scope, Some(Scope::Plugin));
//! # Ok::<(), tooltally_core::Error>(())
//! ```

use std::fmt;
use std::str::FromStr;

use super::bringers::{Bringers, MCP};
use crate::name::ToolName;
use crate::{Error, Result};

/// The built-in tools of Claude Code, of all its versions, in order of name.
const BUILT_IN: &[&str] = &[
    "Agent",
    "AgentOutputTool",
    "Artifact",
    "AskUserQuestion",
    "Bash",
    "BashOutput",
    "Config",
    "CronCreate",
    "CronDelete",
    "CronList",
    "Edit",
    "EnterPlanMode",
    "EnterWorktree",
    "ExitPlanMode",
    "ExitWorktree",
    "Glob",
    "Grep",
    "KillBash",
    "KillShell",
    "LS",
    "LSP",
    "ListMcpResourcesTool",
    "Monitor",
    "MultiEdit",
    "NotebookEdit",
    "NotebookRead",
    "PowerShell",
    "PushNotification",
    "Read",
    "ReadMcpResourceTool",
    "RemoteTrigger",
    "ScheduleWakeup",
    "SendMessage",
    "SendUserMessage",
    "Skill",
    "SlashCommand",
    "StructuredOutput",
    "Task",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskOutput",
    "TaskStop",
    "TaskUpdate",
    "TeamCreate",
    "TeamDelete",
    "TodoRead",
    "TodoWrite",
    "ToolSearch",
    "WaitForMcpServers",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
    "exit_plan_mode",
];

/// What a name names.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A tool that the agent itself brings.
    BuiltIn,
    /// A tool of an MCP server.
    McpTool,
    /// An MCP server as a whole.
    McpServer,
    /// A slash command.
    SlashCommand,
    /// A skill.
    Skill,
    /// A plugin.
    Plugin,
    /// None of these, or not to be told by the name.
    Unknown,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::BuiltIn, Self::McpTool, Self::McpServer, Self::SlashCommand, Self::Skill, Self::Plugin, Self::Unknown];

    /// Its name, as JSON writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built_in",
            Self::McpTool => "mcp_tool",
            Self::McpServer => "mcp_server",
            Self::SlashCommand => "slash_command",
            Self::Skill => "skill",
            Self::Plugin => "plugin",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| Error::invalid("kind", "is not a known kind"))
    }
}

/// Where a tool comes from. Which settings configure it, the user's, the project's or the local ones, no name tells:
/// the last four are for registries.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The agent itself.
    BuiltIn,
    /// A plugin.
    Plugin,
    /// A connector of the person's claude.ai account.
    Account,
    /// The editor that the agent is connected to.
    Editor,
    /// The user's settings: every project.
    User,
    /// The project's settings, shared.
    Project,
    /// The project's settings, the user's own.
    Local,
    /// From elsewhere, as every project has it: the project's settings turn it off.
    TurnedOff,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 8] = [
        Self::BuiltIn,
        Self::Plugin,
        Self::Account,
        Self::Editor,
        Self::User,
        Self::Project,
        Self::Local,
        Self::TurnedOff,
    ];

    /// Its name, as JSON writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built_in",
            Self::Plugin => "plugin",
            Self::Account => "account",
            Self::Editor => "editor",
            Self::User => "user",
            Self::Project => "project",
            Self::Local => "local",
            Self::TurnedOff => "turned_off",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        known.ok_or_else(|| Error::invalid("scope", "is not a known scope"))
    }
}

/// What a name tells. Parts are slices of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity<'a> {
    /// What it names.
    pub kind: Kind,
    /// The plugin that brings it.
    pub plugin: Option<&'a str>,
    /// The MCP server, without the plugin.
    pub server: Option<&'a str>,
    /// The tool, command or skill itself.
    pub tool: Option<&'a str>,
    /// Where it comes from, where the name tells.
    pub scope: Option<Scope>,
}

impl<'a> Identity<'a> {
    /// The MCP server that it is or that brings it, as the names of its tools begin: `mcp__github`,
    /// `mcp__plugin_docs_search`.
    pub(super) fn server_name(&self) -> Option<String> {
        let server = self.server?;
        Some(match self.plugin {
            Some(plugin) => format!("{MCP}plugin_{plugin}_{server}"),
            None => format!("{MCP}{server}"),
        })
    }

    /// What this name tells.
    ///
    /// The agent writes `_` for each character of a plugin's or server's name that is no letter, digit, `_` or `-`, and
    /// joins the two with `_`. So `plugin_a_b_c` has several readings. A plugin's name is kebab-case by its rules and
    /// ends at the first underscore, unless both halves are equal: many plugins bring one server of their own name.
    pub fn of(name: &'a ToolName) -> Self {
        Self::of_known(name, &Bringers::default())
    }

    /// What this name tells where some servers and plugins are known: they decide before its form does.
    pub(super) fn of_known(name: &'a ToolName, known: &Bringers) -> Self {
        let name = name.as_str();
        if let Some(rest) = name.strip_prefix(MCP).filter(|rest| !rest.is_empty()) {
            return Self::of_mcp(rest, known);
        }
        if let Some(plugin) = known.plugin(name) {
            return Self { plugin: Some(plugin), scope: Some(Scope::Plugin), ..Self::bare(Kind::Plugin) };
        }
        if let Some(command) = inside(name, "SlashCommand") {
            return Self::of_command(command.strip_prefix('/').unwrap_or(command), known);
        }
        if let Some(skill) = inside(name, "Skill") {
            return Self::namespaced(Kind::Skill, skill);
        }
        if let Some(command) = name.strip_prefix('/').filter(|command| is_word(command)) {
            return Self::of_command(command, known);
        }
        if BUILT_IN.contains(&name) {
            return Self { tool: Some(name), scope: Some(Scope::BuiltIn), ..Self::bare(Kind::BuiltIn) };
        }
        match (name.split_once('@'), name.split_once(':')) {
            (Some((plugin, market)), _) if is_word(plugin) && is_word(market) => {
                Self { plugin: Some(plugin), scope: Some(Scope::Plugin), ..Self::bare(Kind::Plugin) }
            }
            (_, Some((plugin, skill))) if is_word(plugin) && is_word(skill) => Self::namespaced(Kind::Skill, name),
            _ => Self { tool: Some(name), ..Self::bare(Kind::Unknown) },
        }
    }

    const fn bare(kind: Kind) -> Self {
        Self { kind, plugin: None, server: None, tool: None, scope: None }
    }

    fn of_mcp(rest: &'a str, known: &Bringers) -> Self {
        let by_form = || rest.split_once("__").filter(|(server, _)| !server.is_empty());
        let (server, tool) = known.server_and_tool(rest).or_else(by_form).unwrap_or((rest, ""));
        let tool = Some(tool).filter(|tool| !matches!(*tool, "" | "*"));
        let kind = if tool.is_some() { Kind::McpTool } else { Kind::McpServer };
        let of_plugin = |joined| known.plugin_and_server(joined).or_else(|| plugin_and_server(joined));
        let (plugin, server) = match server.strip_prefix("plugin_").and_then(of_plugin) {
            Some((plugin, server)) => (Some(plugin), server),
            None => (None, server),
        };
        let scope = match (plugin, server) {
            (Some(_), _) => Some(Scope::Plugin),
            (None, "ide") => Some(Scope::Editor),
            (None, server) if server.starts_with("claude_ai_") => Some(Scope::Account),
            _ => None,
        };
        Self { kind, plugin, server: Some(server), tool, scope }
    }

    fn of_command(command: &'a str, known: &Bringers) -> Self {
        // Prompts of MCP servers are commands too: /mcp__server__prompt.
        match command.strip_prefix(MCP).filter(|rest| !rest.is_empty()) {
            Some(rest) => Self { kind: Kind::SlashCommand, ..Self::of_mcp(rest, known) },
            None => Self::namespaced(Kind::SlashCommand, command),
        }
    }

    /// `plugin:name`, or a name alone.
    fn namespaced(kind: Kind, name: &'a str) -> Self {
        match name.split_once(':').filter(|(plugin, tool)| !plugin.is_empty() && !tool.is_empty()) {
            Some((plugin, tool)) => {
                Self { plugin: Some(plugin), tool: Some(tool), scope: Some(Scope::Plugin), ..Self::bare(kind) }
            }
            None => Self { tool: Some(name), ..Self::bare(kind) },
        }
    }
}

/// `plugin_server`, taken apart; `None` where it is no two names.
fn plugin_and_server(joined: &str) -> Option<(&str, &str)> {
    let middle = joined.len() / 2;
    let halves = joined.get(..middle).zip(joined.get(middle..).and_then(|rest| rest.strip_prefix('_')));
    let twice = halves.filter(|(plugin, server)| plugin == server);
    twice.or_else(|| joined.split_once('_')).filter(|(plugin, server)| !plugin.is_empty() && !server.is_empty())
}

/// What stands in parentheses after a word: `Skill(pdf)`.
fn inside<'a>(name: &'a str, word: &str) -> Option<&'a str> {
    name.strip_prefix(word)?.strip_prefix('(')?.strip_suffix(')').filter(|inner| !inner.is_empty())
}

/// Whether this can be the name of a command, a skill, a plugin or a marketplace.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
}
