//! MCP servers: their names, and nothing of what they run. <https://code.claude.com/docs/en/mcp>

use std::collections::BTreeSet;

use tooltally::policy::kind::{Kind, Scope};

use super::cause::Cause;
use super::found::Owner;
use super::gathering::{Entry, Gathering};
use super::json::{Members, kind, members, members_of, texts_of};
use super::places::Places;
use super::root::{MAX_ENTRIES, Root};
use super::settings::{Settings, refused};

/// The project's shared servers.
const PROJECT_FILE: &str = ".mcp.json";

/// Takes the servers that the agent keeps for every project, and those for this one.
pub(super) fn of_state(places: &Places, settings: &Settings, gathering: &mut Gathering) {
    let Some(text) = &settings.state else { return };
    let label = places.state_label;
    if let Err(cause) = take_state(places, text, gathering) {
        gathering.skip(label.to_owned(), &cause);
    }
}

fn take_state(places: &Places, text: &str, gathering: &mut Gathering) -> Result<(), Cause> {
    let label = places.state_label;
    let state = members("it", text)?;
    let all = members_of(&state, "mcpServers")?;
    take(&all, None, Owner::every_project(Scope::User), label, &BTreeSet::new(), gathering);
    let Some(project) = of_project_in(places, &state)? else { return Ok(()) };
    let own = members_of(&project, "mcpServers")?;
    let off: BTreeSet<String> = turned_off(&project)?.into_iter().collect();
    take_turned_off(all, None, label, &off, gathering);
    take(&own, None, Owner::this_project(Scope::Local), label, &off, gathering);
    Ok(())
}

/// Takes the servers of every project that are off in this one: other projects have them all the same.
pub(super) fn take_turned_off(
    all: Members<'_>,
    plugin: Option<&str>,
    label: &str,
    off: &BTreeSet<String>,
    gathering: &mut Gathering,
) {
    let off = all.into_iter().filter(|(server, _)| off.contains(server)).collect();
    take(&off, plugin, Owner::this_project(Scope::TurnedOff), label, &BTreeSet::new(), gathering);
}

/// What the agent keeps for this project.
fn of_project_in<'a>(places: &Places, state: &Members<'a>) -> Result<Option<Members<'a>>, Cause> {
    let projects = members_of(state, "projects")?;
    let of = |means: &dyn Fn(&str) -> bool| projects.iter().find(|(path, _)| means(path));
    // The agent keeps what is of a repository at its root.
    let found = of(&|path| places.is_project(path)).or_else(|| of(&|path| places.is_repository(path)));
    found.map(|(_, value)| members("the project", value.get())).transpose()
}

/// Takes the project's shared servers, those left out that the person does not want.
pub(super) fn of_project(places: &Places, settings: &Settings, gathering: &mut Gathering) {
    let Ok(Some(root)) = Root::open(&places.project_folder, "") else { return };
    let read = root.text(PROJECT_FILE);
    let servers = match &read {
        Ok(Some(text)) => members("it", text).and_then(|file| members_of(&file, "mcpServers")),
        Ok(None) => return,
        Err(cause) => Err(cause.clone()),
    };
    match servers {
        Ok(servers) => {
            let mut off = settings.refused.clone();
            off.extend(refused_in_state(places, settings));
            take(&servers, None, Owner::this_project(Scope::Project), PROJECT_FILE, &off, gathering);
        }
        Err(cause) => gathering.skip(root.label(PROJECT_FILE), &cause),
    }
}

/// The shared servers that the agent's state has as refused, or as turned off.
fn refused_in_state(places: &Places, settings: &Settings) -> Vec<String> {
    of_state_in(places, settings, &|project| Ok([refused(project)?, turned_off(project)?].concat()))
}

/// The servers of any scope that are turned off for this project; those of plugins as `plugin:PLUGIN:SERVER`.
pub(super) fn turned_off_in_state(places: &Places, settings: &Settings) -> Vec<String> {
    of_state_in(places, settings, &turned_off)
}

/// Servers of any scope that the person has turned off for a project.
fn turned_off(project: &Members<'_>) -> Result<Vec<String>, Cause> {
    texts_of(project, "disabledMcpServers")
}

/// Names that the agent keeps for this project.
fn of_state_in(
    places: &Places,
    settings: &Settings,
    names: &dyn Fn(&Members<'_>) -> Result<Vec<String>, Cause>,
) -> Vec<String> {
    let read = |text: &String| {
        let state = members("it", text)?;
        of_project_in(places, &state)?.as_ref().map_or(Ok(Vec::new()), names)
    };
    // What is wrong there is told where its own servers are taken.
    settings.state.as_ref().and_then(|text| read(text).ok()).unwrap_or_default()
}

/// Takes the servers of an object, those left out that are off.
pub(super) fn take(
    servers: &Members<'_>,
    plugin: Option<&str>,
    owner: Owner,
    label: &str,
    off: &BTreeSet<String>,
    gathering: &mut Gathering,
) {
    if servers.len() > MAX_ENTRIES {
        return gathering.skip(label.to_owned(), &Cause::TooMany(MAX_ENTRIES));
    }
    for (server, value) in servers.iter().filter(|(server, _)| !off.contains(*server)) {
        let name = match plugin {
            Some(plugin) => format!("mcp__plugin_{}_{}", shown(plugin), shown(server)),
            None => format!("mcp__{}", shown(server)),
        };
        let found = kind(value.get());
        if found != "an object" {
            gathering.skip_tool(owner, &name, label.to_owned(), &Cause::Server(server.clone(), found));
            continue;
        }
        let entry =
            Entry { label, name: &name, kind: Kind::McpServer, description: None, server: Some(server.as_str()) };
        gathering.take(owner, &entry);
    }
}

/// A name as the agent shows it in those of tools.
fn shown(name: &str) -> String {
    let is_kept = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    // By units of UTF-16, as the agent's language counts.
    let units = name.encode_utf16().map(|unit| u8::try_from(unit).ok().filter(is_kept));
    units.map(|kept| kept.map_or('_', char::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_the_agent_shows_them() {
        assert_eq!(shown("My server.io/v2"), "My_server_io_v2");
        assert_eq!(shown("größe-🚀_x"), "gr__e-___x");
    }
}
