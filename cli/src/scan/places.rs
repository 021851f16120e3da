//! Where the agent's settings are.

use std::path::{Path, PathBuf};

use tooltally::Project;

use crate::diagnostics::Failure;
use crate::place;

/// Where settings are looked for.
#[derive(Clone, Debug)]
pub struct Places {
    /// The project's folder, links resolved, as a hook records it.
    pub(super) project_folder: PathBuf,
    /// The same folder as it was named.
    pub(super) named: PathBuf,
    /// The project.
    pub(super) project: Project,
    /// The person's own: `~/.claude`.
    pub(super) claude: PathBuf,
    /// What the agent keeps: `~/.claude.json`.
    pub(super) state: PathBuf,
    /// How the two are shown.
    pub(super) claude_label: &'static str,
    pub(super) state_label: &'static str,
}

/// A folder with commands and skills in it.
#[derive(Clone, Debug)]
pub(super) struct DocumentFolder {
    /// Nothing is read outside of it.
    pub(super) root: PathBuf,
    /// What stands in front of paths in it.
    pub(super) label: String,
    /// The folders of commands in it, and those of skills; a command may stand alone.
    pub(super) commands: Vec<String>,
    pub(super) skills: Vec<String>,
}

impl Places {
    /// The places for the project in this folder, by the environment.
    ///
    /// # Errors
    /// A failure where there is no such folder, or no home folder.
    pub fn of_project(folder: &Path) -> Result<Self, Failure> {
        let is_moved = std::env::var_os("CLAUDE_CONFIG_DIR").is_some_and(|value| !value.is_empty());
        let claude = place::claude_folder()?;
        // Where the variable names the folder, what the agent keeps is in it, else beside it.
        let (state, claude_label, state_label) = if is_moved {
            (claude.join(".claude.json"), "$CLAUDE_CONFIG_DIR", "$CLAUDE_CONFIG_DIR/.claude.json")
        } else {
            (claude.with_file_name(".claude.json"), "~/.claude", "~/.claude.json")
        };
        let unknown = || Failure::new(format!("there is no folder {}", folder.display()));
        let project_folder = dunce::canonicalize(folder).map_err(|e| unknown().because(e))?;
        if !project_folder.is_dir() {
            return Err(
                unknown().hint("a scan needs the folder of a project; its id or a part of its path will not do")
            );
        }
        let path = project_folder.to_str().ok_or_else(|| {
            Failure::new(format!("the path of {} is not Unicode, which the record cannot hold", folder.display()))
        })?;
        let project = Project::from_path(path)
            .map_err(|e| Failure::new(format!("{} cannot be a project", folder.display())).because(e))?;
        let named = std::path::absolute(folder).unwrap_or_else(|_| project_folder.clone());
        Ok(Self { project_folder, named, project, claude, state, claude_label, state_label })
    }

    /// The project.
    pub const fn project(&self) -> &Project {
        &self.project
    }

    /// A file of the person's own settings, and how it is shown.
    pub(super) fn own(&self, relative: &str) -> (PathBuf, String) {
        (self.claude.join(relative), format!("{}/{relative}", self.claude_label))
    }

    /// The person's own commands and skills. Each folder may be a link: it is theirs.
    pub(super) fn own_folders(&self) -> Vec<DocumentFolder> {
        let folder = |name| (self.claude.join(name), format!("{}/{name}/", self.claude_label));
        let (here, nowhere) = (|| vec![String::new()], Vec::new);
        let ((commands, in_commands), (skills, in_skills)) = (folder("commands"), folder("skills"));
        vec![
            DocumentFolder { root: commands, label: in_commands, commands: here(), skills: nowhere() },
            DocumentFolder { root: skills, label: in_skills, commands: nowhere(), skills: here() },
        ]
    }

    /// The project's; none in the home folder, where they are the person's own.
    pub(super) fn project_folders(&self) -> Vec<DocumentFolder> {
        if self.is_own_folder() {
            return Vec::new();
        }
        vec![DocumentFolder {
            root: self.project_folder.clone(),
            label: String::new(),
            commands: vec![".claude/commands".to_owned()],
            skills: vec![".claude/skills".to_owned()],
        }]
    }

    /// Whether the project's settings are the person's own.
    pub(super) fn is_own_folder(&self) -> bool {
        let real = |path: &Path| dunce::canonicalize(path).ok();
        let own = real(&self.claude);
        own.is_some() && own == real(&self.project_folder.join(".claude"))
    }

    /// Whether a path that settings name is written as the project's.
    pub(super) fn is_project(&self, path: &str) -> bool {
        is_written_as(&self.project_folder, path) || is_written_as(&self.named, path)
    }

    /// Whether it leads to the project.
    pub(super) fn leads_to_project(&self, path: &str) -> bool {
        self.is_project(path) || dunce::canonicalize(path).is_ok_and(|real| real == self.project_folder)
    }

    /// Whether it is written as the root of the repository that the project is in.
    pub(super) fn is_repository(&self, path: &str) -> bool {
        let root = self.project_folder.ancestors().find(|folder| folder.join(".git").exists());
        root.is_some_and(|root| is_written_as(root, path))
    }
}

/// Whether a text is this path: the agent writes `/` on Windows too.
fn is_written_as(path: &Path, text: &str) -> bool {
    let plain = |text: &str| {
        let text = if cfg!(windows) { text.replace('\\', "/").to_lowercase() } else { text.to_owned() };
        text.trim_end_matches('/').to_owned()
    };
    path.to_str().is_some_and(|path| plain(path) == plain(text))
}
