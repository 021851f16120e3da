//! Installed plugins, and what they bring: commands, skills and MCP servers.
//! <https://code.claude.com/docs/en/plugins-reference>

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::value::RawValue;
use tooltally::policy::kind::{Kind, Scope};

use super::cause::Cause;
use super::documents::Reading;
use super::found::Owner;
use super::gathering::{Entry, Gathering};
use super::json::{Members, members, members_of, text_of, texts_of};
use super::places::Places;
use super::root::{MAX_BYTES, Root, own_text};
use super::servers;
use super::settings::Settings;

/// The most plugins that are looked at.
const MAX_PLUGINS: usize = 1_000;
const MANIFEST: &str = ".claude-plugin/plugin.json";

/// Takes the plugins that are installed and on, for every project or for this one, with what they bring.
pub(super) fn read(places: &Places, settings: &Settings, gathering: &mut Gathering) {
    let (path, label) = places.own("plugins/installed_plugins.json");
    let text = match own_text(&path, MAX_BYTES) {
        Ok(Some(text)) => text,
        Ok(None) => return,
        Err(cause) => return refuse(label, &cause, gathering),
    };
    let installed = members("it", &text).and_then(|file| members_of(&file, "plugins"));
    match installed {
        Ok(installed) if installed.len() > MAX_PLUGINS => refuse(label, &Cause::TooMany(MAX_PLUGINS), gathering),
        Ok(installed) => {
            let servers_off = servers::turned_off_in_state(places, settings);
            for (id, value) in &installed {
                take_plugin(id, value, places, settings, &servers_off, &label, gathering);
            }
        }
        Err(cause) => refuse(label, &cause, gathering),
    }
}

/// Where it is not known what is installed, nothing is gone.
fn refuse(label: String, cause: &Cause, gathering: &mut Gathering) {
    gathering.keep_plugins();
    gathering.skip(label, cause);
}

fn take_plugin(
    id: &str,
    value: &RawValue,
    places: &Places,
    settings: &Settings,
    servers_off: &[String],
    label: &str,
    gathering: &mut Gathering,
) {
    let is_on = |plugins: &BTreeMap<String, bool>| plugins.get(id) == Some(&true);
    let installs = match installs(value) {
        Ok(installs) => installs,
        Err(cause) => {
            gathering.keep_plugin(id);
            return gathering.skip(label.to_owned(), &cause);
        }
    };
    let for_all = installs.iter().find(|install| install.project.is_none());
    let for_this =
        installs.iter().find(|install| install.project.as_ref().is_some_and(|path| places.leads_to_project(path)));
    // What is there for every project anyway needs not be said of this one, but that it is off here.
    let (install, owner, off_in) = match (for_all, for_this) {
        (Some(install), _) if is_on(&settings.own_plugins) => {
            (install, Owner::every_project(Scope::Plugin), settings.off_in.get(id))
        }
        (_, Some(install)) | (Some(install), None) if is_on(&settings.plugins) => {
            (install, Owner::this_project(Scope::Plugin), None)
        }
        _ => return,
    };
    let name = id.split('@').next().unwrap_or(id);
    let prefix = format!("plugin:{name}:");
    let own = |server: &String| server.strip_prefix(&prefix).map(str::to_owned);
    let servers_off = servers_off.iter().filter_map(own).collect();
    let plugin = Plugin { id, name, owner, off_in, servers_off, state_label: places.state_label };
    plugin.take(install, label, gathering);
}

/// Where a plugin is installed, and for which project.
struct Install {
    folder: String,
    /// `None` for every project.
    project: Option<String>,
}

/// A list of them; an older file has one alone, for every project.
fn installs(value: &RawValue) -> Result<Vec<Install>, Cause> {
    let text = value.get();
    let list: Vec<&RawValue> = match serde_json::from_str(text) {
        Ok(list) => list,
        Err(_) => vec![value],
    };
    list.into_iter().map(|value| members("an installed plugin", value.get()).map(|object| install(&object))).collect()
}

fn install(object: &Members<'_>) -> Install {
    let is_for_all = matches!(text_of(object, "scope").as_deref(), None | Some("user" | "managed"));
    let project = text_of(object, "projectPath").unwrap_or_default();
    Install { folder: text_of(object, "installPath").unwrap_or_default(), project: (!is_for_all).then_some(project) }
}

struct Plugin<'a> {
    id: &'a str,
    name: &'a str,
    owner: Owner,
    /// Where it is turned off for this project.
    off_in: Option<&'a String>,
    /// Of its servers, those that are turned off for this project; and where that is said.
    servers_off: BTreeSet<String>,
    state_label: &'static str,
}

impl Plugin<'_> {
    fn take(&self, install: &Install, label: &str, gathering: &mut Gathering) {
        let folder = Path::new(&install.folder);
        let opened = if folder.is_absolute() { Root::open(folder, format!("{}: ", self.id)) } else { Ok(None) };
        let root = match opened {
            Ok(Some(root)) => root,
            Ok(None) => return gathering.skip(self.id.to_owned(), &Cause::NotInstalled),
            Err(cause) => return self.refuse(self.id.to_owned(), &cause, gathering),
        };
        // A plugin may do without a manifest; with one that cannot be read the agent does not load it.
        let text = root.text(MANIFEST).map(Option::unwrap_or_default);
        let manifest = text.as_deref().map_err(Clone::clone).and_then(|text| members("it", text));
        let manifest = match manifest {
            Ok(manifest) => manifest,
            Err(cause) => return self.refuse(root.label(MANIFEST), &cause, gathering),
        };
        let description = text_of(&manifest, "description");
        let entry = Entry { label, name: self.id, kind: Kind::Plugin, description, server: None };
        gathering.take(self.owner, &entry);
        if let Some(label) = self.off_in {
            gathering.take(Owner::this_project(Scope::TurnedOff), &Entry { label, description: None, ..entry });
        }
        self.take_servers(&root, &manifest, gathering);
        self.take_documents(&root, &manifest, gathering);
    }

    fn refuse(&self, label: String, cause: &Cause, gathering: &mut Gathering) {
        gathering.keep_plugin(self.id);
        gathering.skip(label, cause);
    }

    /// Its servers: in the manifest, in a file of their own, and in one that the manifest names.
    fn take_servers(&self, root: &Root, manifest: &Members<'_>, gathering: &mut Gathering) {
        if let Ok(inline) = members_of(manifest, "mcpServers") {
            self.take_each(inline, &root.label(MANIFEST), gathering);
        }
        for file in with_named(".mcp.json", manifest, "mcpServers") {
            let text = root.text(&file).map(Option::unwrap_or_default);
            let servers = text.as_deref().map_err(Clone::clone).and_then(|text| {
                let object = members("it", text)?;
                // A plugin's file may hold the servers themselves.
                if object.contains_key("mcpServers") { members_of(&object, "mcpServers") } else { Ok(object) }
            });
            match servers {
                Ok(servers) => self.take_each(servers, &root.label(&file), gathering),
                Err(cause) => gathering.skip(root.label(&file), &cause),
            }
        }
    }

    fn take_each(&self, found: Members<'_>, label: &str, gathering: &mut Gathering) {
        if self.owner.is_projects {
            servers::take(&found, Some(self.name), self.owner, label, &self.servers_off, gathering);
        } else {
            servers::take(&found, Some(self.name), self.owner, label, &BTreeSet::new(), gathering);
            servers::take_turned_off(found, Some(self.name), self.state_label, &self.servers_off, gathering);
        }
    }

    /// Its commands and skills: in their folders, and where else the manifest says.
    fn take_documents(&self, root: &Root, manifest: &Members<'_>, gathering: &mut Gathering) {
        let reading = Reading { root, plugin: Some(self.name), owner: self.owner };
        for path in with_named("commands", manifest, "commands") {
            match path.strip_suffix(".md") {
                Some(file) => reading.command(&path, &[file.rsplit('/').next().unwrap_or(file)], gathering),
                None => reading.commands(&path, gathering),
            }
        }
        for path in with_named("skills", manifest, "skills") {
            reading.skills(&path, gathering);
        }
    }
}

/// A usual path, and those that a manifest names beside it: one text, or a list of them.
fn with_named(usual: &str, manifest: &Members<'_>, key: &str) -> Vec<String> {
    let named = match text_of(manifest, key) {
        Some(path) => vec![path],
        None => texts_of(manifest, key).unwrap_or_default(),
    };
    let named = named.iter().map(|path| path.trim_start_matches("./").trim_end_matches('/').to_owned());
    let mut paths = vec![usual.to_owned()];
    paths.extend(named.filter(|path| !path.is_empty() && path != usual));
    paths
}
