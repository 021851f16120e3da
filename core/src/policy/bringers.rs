//! The MCP servers and plugins that settings have or had: where they are known, they decide how a name is read.

use std::collections::BTreeSet;

use super::kind::{Identity, Kind};
use crate::name::ToolName;
use crate::registered::Registered;

/// What begins the names of MCP servers and of their tools.
pub(super) const MCP: &str = "mcp__";

/// Servers and plugins that are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Bringers {
    /// As names of their tools show them, between `mcp__` and `__`.
    servers: BTreeSet<String>,
    /// As settings name them, with their marketplace.
    plugins: BTreeSet<String>,
    /// The same, as names of tools show them.
    shown_plugins: BTreeSet<String>,
}

impl Bringers {
    pub(super) fn of(all: &[&Registered]) -> Self {
        let mut known = Self::default();
        for discovered in all.iter().map(|registered| &registered.discovered) {
            let (name, kind) = (discovered.tool.as_str(), Identity::of(&discovered.tool).kind);
            let is = |wanted| kind == wanted || discovered.kind == wanted;
            if let Some(server) = name.strip_prefix(MCP).filter(|_| is(Kind::McpServer)) {
                known.servers.insert(server.strip_suffix("__*").unwrap_or(server).to_owned());
            }
            if let Some((plugin, _)) = name.split_once('@').filter(|_| is(Kind::Plugin)) {
                known.shown_plugins.insert(shown(plugin));
                known.plugins.insert(name.to_owned());
            }
        }
        known
    }

    /// What a name tells, where these are known.
    pub(super) fn identity<'n>(&self, tool: &'n ToolName) -> Identity<'n> {
        Identity::of_known(tool, self)
    }

    /// The plugin whose name in settings this is.
    pub(super) fn plugin<'n>(&self, name: &'n str) -> Option<&'n str> {
        self.plugins.get(name).and_then(|_| name.split('@').next())
    }

    /// The known server that brings a tool, and the tool, if any: of several the one of the longest name. `rest` is
    /// what follows `mcp__`.
    pub(super) fn server_and_tool<'n>(&self, rest: &'n str) -> Option<(&'n str, &'n str)> {
        if self.servers.contains(rest) {
            return Some((rest, ""));
        }
        longest(rest, "__", &self.servers)
    }

    /// The known plugin, and its server: of several the one of the longest name. `joined` is what follows `plugin_`.
    pub(super) fn plugin_and_server<'n>(&self, joined: &'n str) -> Option<(&'n str, &'n str)> {
        longest(joined, "_", &self.shown_plugins).filter(|(_, server)| !server.is_empty())
    }
}

/// The longest known name that a text begins with, before a mark, and what follows the mark.
fn longest<'n>(text: &'n str, mark: &str, known: &BTreeSet<String>) -> Option<(&'n str, &'n str)> {
    if known.is_empty() {
        return None;
    }
    let parts = (1..text.len()).rev().filter_map(|end| text.split_at_checked(end));
    let mut parts = parts.filter_map(|(name, rest)| Some((name, rest.strip_prefix(mark)?)));
    parts.find(|(name, _)| known.contains(*name))
}

/// A plugin's name as names of tools show it, which is with other characters.
pub(super) fn shown(plugin: &str) -> String {
    let shown = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    plugin.chars().map(shown).collect()
}
