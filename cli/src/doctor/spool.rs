//! The spool: calls that wait, and what keeps them from being taken in.

use std::path::Path;

use tooltally::StoreUrl;

use super::words::{on_path, on_store, some_names};
use super::{Case, Check, Finding, Level};
use crate::output::humanize::{ago, counted};
use crate::spool::{Contents, FolderState, SeenFolder, Spool};

/// Looks into each folder that a call may wait in.
pub(super) fn examine(url: &StoreUrl, case: &Case, findings: &mut Vec<Finding>) {
    let before = findings.len();
    for SeenFolder { path, state } in Spool::of(url).look() {
        match state {
            FolderState::Missing => {}
            FolderState::NotOurs(error) => findings.push(
                finding(Level::Warning, "spool-not-yours", format!("hooks do not use this spool: {error}"), &path)
                    .remedy("see who made it and what it holds, then move it out of the way")
                    .command(on_path("ls -ld", &path)),
            ),
            FolderState::Unreadable(error) => findings.push(
                finding(Level::Error, "spool-not-readable", format!("the spool cannot be read: {error}"), &path)
                    .remedy("give yourself access to it: calls may wait there that nobody takes in")
                    .command(on_path("chmod 700", &path)),
            ),
            FolderState::Ours(contents) => {
                others_may_look(&path, findings);
                entries(url, case, &path, &contents, findings);
            }
        }
    }
    if findings.len() == before {
        findings.push(Finding::new(Check::Spool, Level::Ok, "spool-empty", "no call waits to be recorded"));
    }
}

fn finding(level: Level, code: &'static str, message: impl Into<String>, path: &Path) -> Finding {
    Finding::new(Check::Spool, level, code, message).at(path)
}

fn entries(url: &StoreUrl, case: &Case, path: &Path, seen: &Contents, findings: &mut Vec<Finding>) {
    let take_in = on_store(url, "import - < /dev/null");
    if seen.waiting > 0 {
        let since = seen.oldest.map_or_else(String::new, |oldest| format!(", the first one {}", ago(oldest, case.now)));
        let verb = if seen.waiting == 1 { "waits" } else { "wait" };
        let message = format!("{} {verb} here, which hooks could not record{since}", counted(seen.waiting, "call"));
        findings.push(
            finding(Level::Warning, "spool-waiting", message, path)
                .remedy("the next hook or import takes them in, once the store can be written to; or do it now")
                .command(take_in.clone()),
        );
    }
    let mut several = |level, code, paths: &[_], what: &str, remedy: &str, command: Option<String>| {
        if !paths.is_empty() {
            let message = format!("{what}: {} ({})", paths.len(), some_names(paths));
            let found = finding(level, code, message, path).remedy(remedy);
            findings.push(command.map_or(found.clone(), |command| found.command(command)));
        }
    };
    several(
        Level::Warning,
        "spool-entry-not-readable",
        &seen.unreadable,
        "entries that cannot be read, since they are another user's, links, or closed to you",
        "see whose they are; make your own readable, and remove what you did not put there",
        Some(on_path("ls -l", path)),
    );
    several(
        Level::Warning,
        "spool-broken",
        &seen.broken,
        "entries that hold no whole call",
        "the next hook or import sets them aside as *.unreadable and goes on with the rest",
        Some(take_in.clone()),
    );
    several(
        Level::Warning,
        "spool-set-aside",
        &seen.set_aside,
        "entries that were set aside, since they hold no call that can be read",
        "look at them: each may be a call that is not in the record; import brings it from the agent's history. Then remove them",
        Some(on_store(url, "import")),
    );
    several(
        Level::Warning,
        "spool-newer",
        &seen.newer,
        "calls that wait for the newer tooltally that wrote them",
        "update this program, or let that one take them in",
        None,
    );
    several(
        Level::Note,
        "spool-left-over",
        &seen.left_over,
        "files that hooks left which were killed while they wrote",
        "nothing need be done: the next hook or import removes them",
        None,
    );
    several(
        Level::Note,
        "spool-foreign",
        &seen.foreign,
        "entries that are not tooltally's",
        "move them away: they do no harm, but the folder stays for them",
        Some(on_path("ls -l", path)),
    );
}

#[cfg(unix)]
fn others_may_look(path: &Path, findings: &mut Vec<Finding>) {
    use std::os::unix::fs::MetadataExt;
    let Ok(data) = std::fs::symlink_metadata(path) else { return };
    let mode = data.mode() & 0o777;
    if mode & 0o077 != 0 {
        findings.push(
            finding(Level::Warning, "spool-open-to-others", format!("others may look into the spool: mode {mode:o}"), path)
                .remedy("keep it to yourself")
                .command(on_path("chmod 700", path)),
        );
    }
}

#[cfg(not(unix))]
fn others_may_look(_path: &Path, _findings: &mut Vec<Finding>) {}
