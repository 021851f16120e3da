//! Claude Code's settings: whether our hooks are connected, may run, and record where one looks.

mod entries;
mod policy;
mod program;
mod sources;

use std::path::Path;

use tooltally::StoreUrl;

use super::words::{on_store, quoted};
use super::{Case, Check, Finding, Level, NamedBy, SeenStore};
use crate::place;
use crate::settings::{EVENTS, Task};
use entries::Entry;
use sources::{Scope, Source};

pub use sources::MANAGED_VARIABLE;

/// Looks at the settings of the person, of the project that this folder is in, and of the organization.
pub(super) fn examine(case: &Case, store: Option<&SeenStore>, findings: &mut Vec<Finding>) {
    let before = findings.len();
    let sources = sources::read_all(findings);
    let (entries, contexts): (Vec<Entry>, Vec<Entry>) =
        entries::of(&sources).into_iter().partition(|entry| entry.task == Task::Record);
    let is_managed = entries.iter().any(|entry| entry.scope == Scope::Managed);
    policy::examine(&sources, !entries.is_empty(), is_managed, findings);
    let install = case
        .url
        .as_ref()
        .map_or_else(|_| "tooltally install claude-code".to_owned(), |url| on_store(url, "install claude-code"));
    starts(case, &contexts, &entries, &install, findings);
    if entries.is_empty() {
        return findings.push(not_connected(&install));
    }
    connections(&entries, &install, findings);
    for entry in distinct(&entries, |entry| entry.program.clone()) {
        findings.push(program::examine(case, entry, &with_scope(&install, entry.scope)));
    }
    for entry in distinct(&entries, |entry| entry.db.clone()) {
        findings.extend(other_store(case, &sources, entry, &install));
    }
    let is_well = findings.iter().skip(before).all(|finding| finding.level <= Level::Note);
    if is_well && store.is_some_and(|store| store.events.unwrap_or(0) == 0) {
        findings.push(
            Finding::new(Check::Agent, Level::Note, "hooks-without-calls", "the hooks are connected, and none has recorded a call yet")
                .remedy("start a new session of the agent in a folder that it trusts, and use a tool; `/hooks` there lists them"),
        );
    }
}

fn not_connected(install: &str) -> Finding {
    let message = "no hooks of tooltally in the settings of the user, this project or the organization: calls are recorded only by import";
    Finding::new(Check::Agent, Level::Warning, "hooks-not-connected", message)
        .remedy("connect them; sessions that are started from then on record each call")
        .command(install)
}

/// The command that connects hooks in a scope.
fn with_scope(install: &str, scope: Scope) -> String {
    match scope {
        Scope::User | Scope::Managed => install.to_owned(),
        Scope::Project | Scope::Local => format!("{install} --scope {}", scope.as_str()),
    }
}

/// One entry for each key.
fn distinct<K: PartialEq>(entries: &[Entry], key: impl Fn(&Entry) -> K) -> Vec<&Entry> {
    let mut seen = Vec::new();
    let mut chosen = Vec::new();
    for entry in entries {
        let key = key(entry);
        if !seen.contains(&key) {
            seen.push(key);
            chosen.push(entry);
        }
    }
    chosen
}

fn finding(level: Level, code: &'static str, message: String) -> Finding {
    Finding::new(Check::Agent, level, code, message)
}

/// Whether sessions are told the tools at hand as they start, by which program and out of which store.
fn starts(case: &Case, contexts: &[Entry], hooks: &[Entry], install: &str, findings: &mut Vec<Finding>) {
    let connect = |entry: &Entry| format!("{} --context", with_scope(install, entry.scope));
    for entry in distinct(contexts, |entry| entry.path.clone()) {
        let message =
            format!("sessions are told the tools at hand, by the {} settings ({})", entry.scope.as_str(), entry.event);
        findings.push(finding(Level::Ok, "context-connected", message).at(&entry.path));
        if entry.is_async {
            let message = "the tools at hand are told in the background (\"async\"): a session starts without them";
            findings.push(
                finding(Level::Warning, "context-async", message.to_owned())
                    .at(&entry.path)
                    .remedy("take \"async\" out of that entry"),
            );
        }
    }
    let is_new = |entry: &&Entry| !hooks.iter().any(|hook| hook.program == entry.program);
    for entry in distinct(contexts, |entry| entry.program.clone()).into_iter().filter(is_new) {
        findings.push(program::examine(case, entry, &connect(entry)));
    }
    // Where nothing is recorded there is nothing to differ from.
    let differs = |entry: &&Entry| !hooks.is_empty() && !hooks.iter().any(|hook| hook.db == entry.db);
    for entry in distinct(contexts, |entry| entry.db.clone()).into_iter().filter(differs) {
        let message = "sessions are told the tools at hand out of another store than the hooks record in";
        findings.push(
            finding(Level::Warning, "context-other-store", message.to_owned())
                .at(&entry.path)
                .remedy("connect both anew, with one store")
                .command(connect(entry)),
        );
    }
}

/// In which files our hooks are, and for what.
fn connections(entries: &[Entry], install: &str, findings: &mut Vec<Finding>) {
    let mut files: Vec<(&Path, Scope)> = entries.iter().map(|entry| (entry.path.as_path(), entry.scope)).collect();
    files.dedup();
    for (path, scope) in &files {
        let mut events: Vec<&str> = entries.iter().filter(|e| e.path == *path).map(|e| e.event.as_str()).collect();
        events.sort_unstable();
        events.dedup();
        let message = format!("connected in the {} settings: {}", scope.as_str(), events.join(", "));
        findings.push(finding(Level::Ok, "hooks-connected", message).at(*path));
    }
    let is_missing = |event: &&str| !entries.iter().any(|entry| entry.event == **event);
    let missing: Vec<&str> = EVENTS.iter().copied().filter(is_missing).collect();
    if let Some((path, scope)) = files.first().filter(|_| !missing.is_empty()) {
        let message = format!("calls of these events are not recorded: {}", missing.join(", "));
        findings.push(
            finding(Level::Warning, "hooks-incomplete", message)
                .at(*path)
                .remedy("connect them anew: what is missing is added")
                .command(with_scope(install, *scope)),
        );
    }
    let is_twice = |event: &&str| entries.iter().filter(|entry| entry.event == **event).count() > 1;
    let twice: Vec<&str> = EVENTS.iter().copied().filter(is_twice).collect();
    if !twice.is_empty() {
        findings.push(reported_twice(&twice, &files));
    }
    narrowed(entries, findings);
}

fn reported_twice(events: &[&str], files: &[(&Path, Scope)]) -> Finding {
    let message =
        format!("each call is reported more than once, and recorded once all the same: {}", events.join(", "));
    let told = finding(Level::Note, "hooks-twice", message)
        .remedy("harmless; to spare the agent the time, disconnect one of them");
    // The organization's own are not ours to disconnect.
    match files.iter().rev().find(|(_, scope)| *scope != Scope::Managed) {
        Some((_, scope)) if files.len() > 1 => {
            told.command(format!("tooltally uninstall claude-code --scope {}", scope.as_str()))
        }
        _ => told,
    }
}

/// Entries that do not see every call to its end.
fn narrowed(entries: &[Entry], findings: &mut Vec<Finding>) {
    let file_and_matcher = |entry: &Entry| (entry.path.display().to_string(), entry.matcher.clone());
    for entry in distinct(entries, file_and_matcher) {
        if let Some(matcher) = &entry.matcher {
            let message = format!("only calls of tools that match \"{matcher}\" are recorded ({})", entry.event);
            findings.push(
                finding(Level::Warning, "hooks-matcher", message)
                    .at(&entry.path)
                    .remedy("take the \"matcher\" out of that entry, to record every tool"),
            );
        }
    }
    if let Some(entry) = entries.iter().find(|entry| entry.is_async) {
        let message =
            "the hooks run in the background (\"async\"): `claude -p` ends them with itself, and calls get lost";
        findings.push(
            finding(Level::Warning, "hooks-async", message.to_owned())
                .at(&entry.path)
                .remedy("take \"async\" out of those entries: a hook takes some milliseconds"),
        );
    }
}

/// Whether an entry records elsewhere than in the store that is looked at.
fn other_store(case: &Case, sources: &[Source], entry: &Entry, install: &str) -> Option<Finding> {
    let finding = |level, code, message| finding(level, code, message).at(&entry.path);
    let named = entry.db.clone().or_else(|| from_environment(sources));
    let records_in = match named.as_deref().map(str::parse::<StoreUrl>) {
        Some(Ok(url)) => url,
        Some(Err(error)) => {
            let message = format!("the hooks are told to record in what is no store's address: {error}");
            return Some(
                finding(Level::Error, "hooks-store-invalid", message)
                    .remedy("connect them anew; calls are lost until then")
                    .command(with_scope(install, entry.scope)),
            );
        }
        None => place::default_url().ok()?,
    };
    let looked_at = case.url.as_ref().ok()?;
    if is_same_store(&records_in, looked_at) {
        return None;
    }
    if named.is_none() && case.named_by == NamedBy::Variable {
        let message = format!(
            "the hooks name no store: they record in {looked_at} where the agent has {}, else in {records_in}",
            place::DB_VARIABLE
        );
        return Some(
            finding(Level::Note, "hooks-store-by-environment", message)
                .remedy("have them name this store, whatever the agent's environment")
                .command(with_scope(install, entry.scope)),
        );
    }
    let message = format!("calls are recorded in {records_in}, and you look at {looked_at}");
    Some(
        finding(Level::Warning, "hooks-other-store", message)
            .remedy(format!("look there; or have them recorded here: {}", with_scope(install, entry.scope)))
            .command(format!("tooltally --db {} stats", quoted(&records_in.to_string()))),
    )
}

/// The store that the settings' own environment names.
fn from_environment(sources: &[Source]) -> Option<String> {
    let named = |source: &Source| Some(source.settings.get("env")?.get(place::DB_VARIABLE)?.as_str()?.to_owned());
    sources.iter().rev().find_map(named).filter(|url| !url.is_empty())
}

fn is_same_store(one: &StoreUrl, other: &StoreUrl) -> bool {
    let real = |url: &StoreUrl| {
        let path = std::path::absolute(url.path()).unwrap_or_else(|_| url.path().to_path_buf());
        std::fs::canonicalize(&path).unwrap_or(path)
    };
    one.backend() == other.backend() && real(one) == real(other)
}
