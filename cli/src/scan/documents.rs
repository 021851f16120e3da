//! Commands and skills: markdown files, and what their front matter says of them.
//! <https://code.claude.com/docs/en/skills>

use tooltally::policy::kind::Kind;

use super::cause::Cause;
use super::found::Owner;
use super::front_matter;
use super::gathering::{Entry, Gathering};
use super::places::DocumentFolder;
use super::root::Root;

/// Takes the commands and skills in a folder.
pub(super) fn read(folder: &DocumentFolder, owner: Owner, gathering: &mut Gathering) {
    match Root::open(&folder.root, &folder.label) {
        Ok(Some(root)) => {
            let reading = Reading { root: &root, plugin: None, owner };
            folder.commands.iter().for_each(|commands| reading.commands(commands, gathering));
            folder.skills.iter().for_each(|skills| reading.skills(skills, gathering));
        }
        Ok(None) => {}
        Err(cause) => gathering.skip(folder.label.trim_end_matches('/').to_owned(), &cause),
    }
}

/// Reads commands and skills in a folder.
pub(super) struct Reading<'a> {
    pub(super) root: &'a Root,
    /// What brings them.
    pub(super) plugin: Option<&'a str>,
    pub(super) owner: Owner,
}

impl Reading<'_> {
    /// `deploy.md` is `/deploy`, `web/build.md` is `/web:build`; folders further down are not looked into.
    pub(super) fn commands(&self, folder: &str, gathering: &mut Gathering) {
        let mut folders = Vec::new();
        for name in self.names(folder, gathering) {
            let path = joined(folder, &name);
            match name.strip_suffix(".md") {
                Some(command) => self.command(&path, &[command], gathering),
                None if self.root.is_folder(&path) => folders.push((name, path)),
                None => {}
            }
        }
        for (space, folder) in folders {
            for name in self.names(&folder, gathering) {
                if let Some(command) = name.strip_suffix(".md") {
                    self.command(&joined(&folder, &name), &[space.as_str(), command], gathering);
                }
            }
        }
    }

    pub(super) fn command(&self, path: &str, words: &[&str], gathering: &mut Gathering) {
        let words: Vec<&str> = self.plugin.into_iter().chain(words.iter().copied()).collect();
        self.document(path, &format!("/{}", words.join(":")), Kind::SlashCommand, gathering);
    }

    /// `review/SKILL.md` is the skill `review`: the agent goes by the folder's name.
    pub(super) fn skills(&self, folder: &str, gathering: &mut Gathering) {
        for name in self.names(folder, gathering) {
            let path = joined(folder, &name);
            // A link out of the folder is told once it is opened.
            if !self.root.is_folder(&path) {
                continue;
            }
            let skill = match self.plugin {
                Some(plugin) => format!("{plugin}:{name}"),
                None => format!("Skill({name})"),
            };
            self.document(&joined(&path, "SKILL.md"), &skill, Kind::Skill, gathering);
        }
    }

    fn names(&self, folder: &str, gathering: &mut Gathering) -> Vec<String> {
        let mut kept = Vec::new();
        match self.root.names(folder) {
            Ok(names) => {
                for name in names.unwrap_or_default() {
                    match name {
                        Ok(name) => kept.push(name),
                        Err(shown) => {
                            gathering
                                .skip(self.root.label(&joined(folder, &shown)), &Cause::Name("is not Unicode".into()));
                        }
                    }
                }
            }
            Err(cause) => gathering.skip(self.root.label(folder).trim_end_matches('/').to_owned(), &cause),
        }
        kept
    }

    fn document(&self, path: &str, name: &str, kind: Kind, gathering: &mut Gathering) {
        let label = self.root.label(path);
        let markdown = match self.root.text(path) {
            Ok(Some(markdown)) => markdown,
            Ok(None) => return,
            Err(cause) => return gathering.skip(label, &cause),
        };
        let description = front_matter::field(&markdown, "description").unwrap_or_else(|why| {
            gathering.skip(label.clone(), &Cause::FrontMatter(why));
            None
        });
        gathering.take(self.owner, &Entry { label: &label, name, kind, description, server: None });
    }
}

/// A path in a folder, as it is written on every platform.
fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
