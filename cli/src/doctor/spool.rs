//! The spool: calls that wait, and what keeps them from being taken in.

use std::path::{Path, PathBuf};

use tooltally::StoreUrl;

use super::words::{on_path, on_store, some_names};
use super::{Case, Check, Finding, Level};
use crate::output::humanize::{ago, counted};
use crate::own::is_writable;
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
    let nothing = if cfg!(windows) { "NUL" } else { "/dev/null" };
    let take_in = on_store(url, &format!("import - < {nothing}"));
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
    // Once all is taken in, the folder is gone.
    if seen.waiting > 0 && !is_writable(path) && path.is_dir() {
        let message = "what is recorded cannot be removed from here, so it goes on to count as waiting";
        findings.push(
            finding(Level::Warning, "spool-not-writable", message, path)
                .remedy("give yourself the right to write to it, then have it taken in once more")
                .command(on_path("chmod 700", path)),
        );
    }
    for (kind, paths) in kinds(seen).into_iter().filter(|(_, paths)| !paths.is_empty()) {
        let message = format!("{}: {} ({})", kind.what, paths.len(), some_names(paths));
        let found = finding(kind.level, kind.code, message, path).remedy(kind.remedy);
        findings.push(match kind.way {
            Way::None => found,
            Way::List => found.command(on_path("ls -l", path)),
            Way::TakeIn => found.command(take_in.clone()),
            Way::Import => found.command(on_store(url, "import")),
        });
    }
}

/// What entries of a kind mean.
struct Kind {
    level: Level,
    code: &'static str,
    what: &'static str,
    remedy: &'static str,
    way: Way,
}

/// The command that helps.
enum Way {
    None,
    List,
    TakeIn,
    Import,
}

fn kinds(seen: &Contents) -> [(Kind, &[PathBuf]); 6] {
    let kind = |level, code, what, remedy, way| Kind { level, code, what, remedy, way };
    [
        (
            kind(
                Level::Warning,
                "spool-entry-not-readable",
                "entries that cannot be read, since they are another user's, links, or closed to you",
                "see whose they are; make your own readable, and remove what you did not put there",
                Way::List,
            ),
            &seen.unreadable,
        ),
        (
            kind(
                Level::Warning,
                "spool-broken",
                "entries that hold no whole call",
                "the next hook or import sets them aside as *.unreadable and goes on with the rest",
                Way::TakeIn,
            ),
            &seen.broken,
        ),
        (
            kind(
                Level::Warning,
                "spool-set-aside",
                "entries that were set aside, since they hold no call that can be read",
                "each may be a call that the record lacks: import brings it from the agent's history. Then remove them",
                Way::Import,
            ),
            &seen.set_aside,
        ),
        (
            kind(
                Level::Warning,
                "spool-newer",
                "calls that wait for the newer tooltally that wrote them",
                "update this program, or let that one take them in",
                Way::None,
            ),
            &seen.newer,
        ),
        (
            kind(
                Level::Note,
                "spool-left-over",
                "files that hooks left which were killed while they wrote",
                "nothing need be done: the next hook or import removes them",
                Way::None,
            ),
            &seen.left_over,
        ),
        (
            kind(
                Level::Note,
                "spool-foreign",
                "entries that are not tooltally's",
                "move them away: they do no harm, but the folder stays for them",
                Way::List,
            ),
            &seen.foreign,
        ),
    ]
}

#[cfg(unix)]
fn others_may_look(path: &Path, findings: &mut Vec<Finding>) {
    use std::os::unix::fs::MetadataExt;
    let Ok(data) = std::fs::symlink_metadata(path) else { return };
    let mode = data.mode() & 0o777;
    if mode & 0o077 != 0 {
        findings.push(
            finding(
                Level::Warning,
                "spool-open-to-others",
                format!("others may look into the spool: mode {mode:o}"),
                path,
            )
            .remedy("keep it to yourself")
            .command(on_path("chmod 700", path)),
        );
    }
}

#[cfg(not(unix))]
fn others_may_look(_path: &Path, _findings: &mut Vec<Finding>) {}
