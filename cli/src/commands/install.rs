//! `install` and `uninstall`: our entries in an agent's settings.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::Context;
use crate::args::{Agent, InstallArguments, Scope, UninstallArguments};
use crate::diagnostics::{Failure, remark};
use crate::output::sanitize::one_line;
use crate::output::{diff, json, print};
use crate::own::{owner_only_file, owner_only_folder};
use crate::place;
use crate::regular;
use crate::settings::{
    CONTEXT_EVENT, EVENTS, Handler, SettingsError, Task, connected, databases, disconnected, tells_context,
};

/// Connects the hooks.
///
/// # Errors
/// A failure that names the settings file, which is then left as it was.
pub fn install(context: &Context, arguments: &InstallArguments) -> Result<ExitCode, Failure> {
    let program = Program::running()?;
    let target = &arguments.target;
    let handler = handler(context, target.scope, &program)?;
    if target.scope != Scope::Project && is_in_build_folder(&program.path) {
        remark(&format!(
            "warning: {} is in a build folder; install the program for good (cargo install), then run this again",
            program.path.display()
        ));
    }
    let settings = Settings::read(target)?;
    let new = connected(settings.text(), &handler, arguments.context).map_err(|e| settings.refused(e))?;
    let change = settings.apply(&new, target.dry_run)?;
    let tells_context = tells_context(&new, &handler).map_err(|e| settings.refused(e))?;
    answer(context, target, &settings, &change, &Words::install(&handler, tells_context))
}

/// Disconnects them.
///
/// # Errors
/// As [`install`].
pub fn uninstall(context: &Context, arguments: &UninstallArguments) -> Result<ExitCode, Failure> {
    let program = Program::running()?;
    let handler = handler(context, arguments.scope, &program)?;
    let settings = Settings::read(arguments)?;
    let (new, recorded_in) = match &settings.old {
        Some(_) => (
            disconnected(settings.text(), &handler).map_err(|e| settings.refused(e))?,
            databases(settings.text(), &handler).map_err(|e| settings.refused(e))?,
        ),
        None => (String::new(), Vec::new()),
    };
    let new = if new == settings.text() { settings.old.clone().unwrap_or_default() } else { new };
    let change = settings.apply(&new, arguments.dry_run)?;
    answer(context, arguments, &settings, &change, &Words::uninstall(context, &recorded_in))
}

/// The running program, as the agent is to call it.
pub(crate) struct Program {
    pub(crate) path: PathBuf,
}

impl Program {
    /// Its path. Where it was called by a name in PATH or through a link, that one: it outlives an update.
    pub(crate) fn running() -> Result<Self, Failure> {
        let path = std::env::current_exe()
            .map_err(|e| Failure::new("cannot tell where this program is").because(e))
            .map(|path| dunce::simplified(&path).to_path_buf())?;
        let called = std::env::args_os().next().map(PathBuf::from).and_then(|called| found(&called));
        let is_same = |called: &PathBuf| fs::canonicalize(called).ok() == fs::canonicalize(&path).ok();
        Ok(Self { path: called.filter(is_same).unwrap_or(path) })
    }
}

/// Whether a program is where cargo builds: by the usual names, or since a folder above it has the tag of caches
/// (<https://bford.info/cachedir/>), which cargo puts into the folders that it makes.
pub(crate) fn is_in_build_folder(program: &Path) -> bool {
    if program.ancestors().skip(1).any(|folder| folder.join("CACHEDIR.TAG").is_file()) {
        return true;
    }
    let parts: Vec<_> = program.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let target = parts.iter().rposition(|part| part == "target");
    let profile = parts.iter().rposition(|part| part == "debug" || part == "release");
    matches!((target, profile), (Some(target), Some(profile)) if target < profile)
}

/// The absolute path of a program as it was called: by a path, or by a name in PATH.
pub(crate) fn found(called: &Path) -> Option<PathBuf> {
    if called.components().count() > 1 {
        return std::path::absolute(called).ok();
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(called)).find(|path| path.is_file() && path.is_absolute())
}

/// What the agent is to run. The project's settings are shared, so they name the program alone.
fn handler(context: &Context, scope: Scope, program: &Program) -> Result<Handler, Failure> {
    let command = if scope == Scope::Project {
        "tooltally".to_owned()
    } else {
        let path = program.path.to_str();
        path.ok_or_else(|| Failure::new("this program's path is not Unicode, which settings cannot hold"))?.to_owned()
    };
    let mut db = None;
    // The agent's environment may lack our variable: only the platform's default goes unsaid.
    if place::default_url().ok().as_ref() != Some(&context.url) {
        let path = std::path::absolute(context.url.path())
            .map_err(|e| Failure::new(format!("cannot make {} absolute", context.url)).because(e))?;
        let path =
            path.to_str().ok_or_else(|| Failure::new("the store's path is not Unicode, which settings cannot hold"))?;
        db = Some(format!("{}:{path}", context.url.backend().as_str()));
    }
    Ok(Handler { command, db })
}

/// A settings file, as it was read.
struct Settings {
    /// The file, behind any link.
    path: PathBuf,
    old: Option<String>,
    /// Whether others are to read it: a project's is committed.
    is_shared: bool,
    /// Whether its folder is the person's alone.
    is_users: bool,
}

/// What was done to it.
struct Change {
    is_changed: bool,
    backup: Option<PathBuf>,
    diff: String,
}

impl Settings {
    fn read(arguments: &UninstallArguments) -> Result<Self, Failure> {
        let Agent::ClaudeCode = arguments.agent;
        let path = settings_path(arguments.scope)?;
        let (is_shared, is_users) = (arguments.scope == Scope::Project, arguments.scope == Scope::User);
        // Settings are often links into a folder of dotfiles: the file behind is changed, the link stays.
        let path = match fs::canonicalize(&path) {
            Ok(target) => dunce::simplified(&target).to_path_buf(),
            Err(_) if fs::symlink_metadata(&path).is_ok() => {
                return Err(Failure::new(format!("{} is a link to nowhere", path.display())));
            }
            Err(_) => path,
        };
        match regular::read(&path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Self { path, old: Some(text), is_shared, is_users }),
                Err(e) => Err(untouched(&path).because(e)),
            },
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self { path, old: None, is_shared, is_users }),
            Err(e) => Err(Failure::new(format!("cannot read {}", path.display())).because(e)),
        }
    }

    /// The settings to change; an empty file holds none.
    fn text(&self) -> &str {
        match &self.old {
            Some(text) if !text.trim().is_empty() => text,
            _ => "{}\n",
        }
    }

    fn refused(&self, error: SettingsError) -> Failure {
        untouched(&self.path).because(error).hint("mend the file, then try again; it was left as it is")
    }

    fn apply(&self, new: &str, is_dry_run: bool) -> Result<Change, Failure> {
        let old = self.old.as_deref().unwrap_or_default();
        let is_changed = old != new;
        let diff = diff::render(old, new, crate::output::Surface::of_stdout());
        let mut change = Change { is_changed, backup: None, diff };
        if is_changed && !is_dry_run {
            change.backup = self.write(new)?;
        }
        Ok(change)
    }

    /// Writes a backup and then the file, whole or not at all.
    fn write(&self, new: &str) -> Result<Option<PathBuf>, Failure> {
        let failed = |what: &Path| {
            let message = format!("cannot write {}", what.display());
            move |e: io::Error| Failure::new(message).because(e).hint("the settings were left as they are")
        };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let made = if self.is_users { owner_only_folder(folder) } else { fs::create_dir_all(folder) };
        made.map_err(failed(folder))?;
        let backup = match &self.old {
            Some(old) => {
                let path = self.beside(&format!("tooltally-backup-{}", stamp()));
                let mut file = owner_only_file().write(true).create_new(true).open(&path).map_err(failed(&path))?;
                file.write_all(old.as_bytes()).and_then(|()| file.sync_all()).map_err(failed(&path))?;
                Some(path)
            }
            None => None,
        };
        let temporary = self.beside(&format!("tooltally-{}.tmp", std::process::id()));
        let written = self.replace(&temporary, new);
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.map_err(failed(&self.path))?;
        Ok(backup)
    }

    fn replace(&self, temporary: &Path, new: &str) -> io::Result<()> {
        let mut file = match &self.old {
            // Narrow from the start; the permissions of the file that it replaces follow.
            None if self.is_shared => fs::OpenOptions::new(),
            _ => owner_only_file(),
        }
        .write(true)
        .create_new(true)
        .open(temporary)?;
        file.write_all(new.as_bytes())?;
        if self.old.is_some() {
            file.set_permissions(fs::metadata(&self.path)?.permissions())?;
        }
        file.sync_all()?;
        drop(file);
        let now = match fs::read_to_string(&self.path) {
            Ok(text) => Some(text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        if now != self.old {
            return Err(io::Error::other("another program has just changed it; try again"));
        }
        fs::rename(temporary, &self.path)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.as_os_str().to_owned();
        path.push(".");
        path.push(suffix);
        PathBuf::from(path)
    }
}

fn untouched(path: &Path) -> Failure {
    Failure::new(format!("{} cannot be changed", path.display()))
}

fn stamp() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ").to_string()
}

/// Where an agent's settings are.
fn settings_path(scope: Scope) -> Result<PathBuf, Failure> {
    match scope {
        Scope::User => Ok(crate::place::claude_folder()?.join("settings.json")),
        Scope::Project => Ok(PathBuf::from(".claude").join("settings.json")),
        Scope::Local => Ok(PathBuf::from(".claude").join("settings.local.json")),
    }
}

/// What is said about a change.
struct Words {
    done: &'static str,
    would: &'static str,
    nothing: &'static str,
    more: String,
    handler: Option<Handler>,
    /// The events that are connected, or were.
    events: Vec<&'static str>,
}

impl Words {
    fn tells_context(&self) -> bool {
        self.events.contains(&CONTEXT_EVENT)
    }

    fn install(handler: &Handler, tells_context: bool) -> Self {
        let line = |task| format!("  {} {}\n", one_line(&handler.command), one_line(&handler.args(task).join(" ")));
        let mut more = format!("On {} the agent runs\n{}", EVENTS.join(", "), line(Task::Record));
        let mut events = EVENTS.to_vec();
        if tells_context {
            more.extend(["and on ", CONTEXT_EVENT, ", for the tools at hand,\n", &line(Task::Context)]);
            events.push(CONTEXT_EVENT);
        }
        more.push_str("It applies to sessions started from now on.\n");
        Self {
            done: "Connected",
            would: "Would connect",
            nothing: "Already connected",
            more,
            handler: Some(handler.clone()),
            events,
        }
    }

    fn uninstall(context: &Context, recorded_in: &[Option<String>]) -> Self {
        let default = place::default_url().map_or_else(|_| context.url.to_string(), |url| url.to_string());
        let mut places: Vec<String> =
            recorded_in.iter().map(|db| db.clone().unwrap_or_else(|| default.clone())).collect();
        if places.is_empty() {
            places.push(context.url.to_string());
        }
        let places = places.join(" and ");
        let more = format!("What was recorded remains in {}; delete the file to forget it.\n", one_line(&places));
        let (done, would, nothing) = ("Disconnected", "Would disconnect", "Not connected");
        Self { done, would, nothing, more, handler: None, events: EVENTS.to_vec() }
    }
}

fn answer(
    context: &Context,
    arguments: &UninstallArguments,
    settings: &Settings,
    change: &Change,
    words: &Words,
) -> Result<ExitCode, Failure> {
    let path = std::path::absolute(&settings.path).unwrap_or_else(|_| settings.path.clone());
    let backup = change.backup.as_ref().map(|backup| std::path::absolute(backup).unwrap_or_else(|_| backup.clone()));
    if context.json {
        print(&json::line(&json!({
            "settings": path.to_string_lossy(),
            "changed": change.is_changed && !arguments.dry_run,
            "would_change": change.is_changed,
            "backup": backup.map(|backup| backup.to_string_lossy().into_owned()),
            "events": words.events,
            "command": words.handler.as_ref().map(|handler| &handler.command),
            "args": words.handler.as_ref().map(|handler| handler.args(Task::Record)),
            "context_args": words.handler.as_ref().filter(|_| words.tells_context()).map(|h| h.args(Task::Context)),
            "db": context.url.to_string(),
        })))?;
        return Ok(ExitCode::SUCCESS);
    }
    // The difference has colours, so each part is made safe by itself.
    let path = path.to_string_lossy();
    let path = one_line(&path);
    let mut text = match (change.is_changed, arguments.dry_run) {
        (false, _) => format!("{} in {path}: nothing to change.\n", words.nothing),
        (true, true) => format!("{} in {path}:\n\n{}\nNothing was written.\n", words.would, change.diff),
        (true, false) => format!("{} in {path}\n", words.done),
    };
    if let Some(backup) = backup {
        text = format!("{text}Backup: {}\n", one_line(&backup.to_string_lossy()));
    }
    if !arguments.dry_run {
        text.push_str(&words.more);
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
