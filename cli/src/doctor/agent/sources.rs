//! The settings files that Claude Code reads, as its documentation names them:
//! <https://code.claude.com/docs/en/settings> and <https://code.claude.com/docs/en/managed-settings>.
//!
//! A file with one wrong shape is skipped by the agent as a whole, in part without a word
//! (<https://github.com/anthropics/claude-code/issues/75081>): that is why shapes are looked at here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::super::{Check, Finding, Level};
use crate::place::claude_folder;
use crate::regular;
use crate::settings::kind;

/// Names another folder of managed settings than the system's: for tests, and for settings that are deployed elsewhere.
pub const MANAGED_VARIABLE: &str = "TOOLTALLY_MANAGED_SETTINGS";

/// Whose settings a file has; what comes later outweighs what comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    User,
    Project,
    Local,
    Managed,
}

impl Scope {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Project => "project",
            Self::Local => "local",
            Self::Managed => "managed",
        }
    }
}

/// A settings file that was read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) scope: Scope,
    pub(super) path: PathBuf,
    pub(super) settings: Map<String, Value>,
}

/// Reads every settings file that is there, in the order of their weight.
pub(super) fn read_all(findings: &mut Vec<Finding>) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    let mut seen = Vec::new();
    for (scope, path) in places() {
        // In the home folder the project's file is the user's.
        let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if seen.contains(&real) {
            continue;
        }
        seen.push(real);
        match read(&path) {
            Ok(Some(settings)) => sources.push(Source { scope, path, settings }),
            Ok(None) => {}
            Err(wrong) => findings.push(refused(&path, wrong)),
        }
    }
    sources
}

fn places() -> Vec<(Scope, PathBuf)> {
    let mut places = Vec::new();
    let claude = claude_folder().ok();
    if let Some(folder) = &claude {
        places.push((Scope::User, folder.join("settings.json")));
    }
    for folder in project_folders() {
        places.push((Scope::Project, folder.join(".claude/settings.json")));
        places.push((Scope::Local, folder.join(".claude/settings.local.json")));
    }
    // Two folders may have both: all that are shared come before all that are local.
    places.sort_by_key(|(scope, _)| *scope);
    let managed = managed_folder();
    places.push((Scope::Managed, managed.join("managed-settings.json")));
    places.extend(fragments(&managed.join("managed-settings.d")).into_iter().map(|path| (Scope::Managed, path)));
    // Where the agent keeps what an organization's server sent.
    places.extend(claude.map(|folder| (Scope::Managed, folder.join("remote-settings.json"))));
    places
}

/// This folder, and the root of the repository that it is in.
fn project_folders() -> Vec<PathBuf> {
    let Ok(here) = std::env::current_dir() else { return Vec::new() };
    let root = here.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_path_buf);
    let mut folders: Vec<PathBuf> = root.into_iter().collect();
    if !folders.contains(&here) {
        folders.push(here);
    }
    folders
}

fn managed_folder() -> PathBuf {
    if let Some(folder) = std::env::var_os(MANAGED_VARIABLE).filter(|value| !value.is_empty()) {
        return PathBuf::from(folder);
    }
    PathBuf::from(if cfg!(target_os = "macos") {
        "/Library/Application Support/ClaudeCode"
    } else if cfg!(windows) {
        r"C:\Program Files\ClaudeCode"
    } else {
        "/etc/claude-code"
    })
}

/// The files that are merged onto the managed settings, in the order of their names, hidden ones left out.
fn fragments(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let is_fragment = |path: &PathBuf| path.extension().is_some_and(|end| end == "json") && !is_hidden(path);
    let mut paths: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(is_fragment).collect();
    paths.sort_unstable();
    paths
}

/// Why a settings file has no effect.
enum Wrong {
    Unreadable(io::Error),
    /// A pipe, or the like.
    NoFile,
    Malformed(String),
}

fn refused(path: &Path, wrong: Wrong) -> Finding {
    match wrong {
        Wrong::Unreadable(error) => {
            Finding::new(Check::Agent, Level::Error, "settings-not-readable", format!("cannot be read: {error}"))
                .at(path)
                .remedy("give yourself the right to read it: the agent cannot read it either")
                .command(super::super::words::on_path("chmod u+r", path))
        }
        Wrong::NoFile => Finding::new(Check::Agent, Level::Error, "settings-not-readable", "it is no regular file")
            .at(path)
            .remedy("move it away: the agent cannot read settings from it either"),
        Wrong::Malformed(what) => Finding::new(
            Check::Agent,
            Level::Error,
            "settings-malformed",
            format!("Claude Code skips the whole file, hooks and all: {what}"),
        )
        .at(path)
        .remedy("mend it; `claude doctor` shows what the agent finds wrong. A backup of install may stand beside it"),
    }
}

/// The settings of a file; `None` where there is none. An empty file holds none.
fn read(path: &Path) -> Result<Option<Map<String, Value>>, Wrong> {
    let bytes = match regular::read(path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(Wrong::NoFile),
        Err(error) => return Err(Wrong::Unreadable(error)),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| Wrong::Malformed("it is not UTF-8".to_owned()))?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Ok(Some(Map::new()));
    }
    // The parser's words name a line and a column, and nothing of what stands there.
    match serde_json::from_str(text).map_err(|e| Wrong::Malformed(format!("it is not valid JSON: {e}")))? {
        Value::Object(settings) => match wrong_shape(&settings) {
            None => Ok(Some(settings)),
            Some(what) => Err(Wrong::Malformed(what)),
        },
        other => Err(Wrong::Malformed(format!("it is {}, not an object", kind(&other)))),
    }
}

/// The first place among the hooks that has another shape than the agent takes.
fn wrong_shape(settings: &Map<String, Value>) -> Option<String> {
    let hooks = settings.get("hooks")?;
    let Some(hooks) = hooks.as_object() else { return Some(wrong("hooks", Some(hooks), "an object")) };
    hooks.iter().find_map(|(event, groups)| {
        let place = format!("hooks.{event}");
        let Some(groups) = groups.as_array() else { return Some(wrong(&place, Some(groups), "a list")) };
        groups.iter().enumerate().find_map(|(at, group)| wrong_group(&format!("{place}[{at}]"), group))
    })
}

fn wrong_group(place: &str, group: &Value) -> Option<String> {
    let Some(fields) = group.as_object() else { return Some(wrong(place, Some(group), "an object")) };
    if let Some(matcher) = fields.get("matcher").filter(|matcher| !matcher.is_string()) {
        return Some(wrong(&format!("{place}.matcher"), Some(matcher), "a text"));
    }
    let list = format!("{place}.hooks");
    let Some(entries) = fields.get("hooks").and_then(Value::as_array) else {
        return Some(wrong(&list, fields.get("hooks"), "a list"));
    };
    entries.iter().enumerate().find_map(|(at, entry)| wrong_entry(&format!("{list}[{at}]"), entry))
}

fn wrong_entry(place: &str, entry: &Value) -> Option<String> {
    let Some(fields) = entry.as_object() else { return Some(wrong(place, Some(entry), "an object")) };
    match fields.get("type").and_then(Value::as_str) {
        Some("command") if !fields.get("command").is_some_and(Value::is_string) => {
            Some(wrong(&format!("{place}.command"), fields.get("command"), "a text"))
        }
        Some(_) => None,
        None => Some(wrong(&format!("{place}.type"), fields.get("type"), "a text")),
    }
}

fn wrong(place: &str, found: Option<&Value>, expected: &str) -> String {
    format!("{place} is {}, not {expected}", found.map_or("missing", kind))
}
