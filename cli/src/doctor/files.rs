//! Whose the store's files are, and who may read and write them.

use std::fs::{self, Metadata};
use std::path::Path;

use tooltally::{Backend, StoreUrl};

use super::words::on_path;
use super::{Check, Finding, Level};
use crate::own::is_writable;
use crate::place::beside;

/// What stands beside an SQLite store and belongs to it.
const JOURNALS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Looks at the store's files and their folder.
pub(super) fn examine(url: &StoreUrl, findings: &mut Vec<Finding>) {
    let before = findings.len();
    let store = fs::metadata(url.path()).ok().filter(Metadata::is_file);
    if let Some(data) = &store {
        owner_and_mode(url.path(), data, findings);
    }
    if url.backend() == Backend::Sqlite {
        for journal in JOURNALS.map(|suffix| beside(url, suffix)) {
            match fs::symlink_metadata(&journal) {
                Ok(data) if data.is_file() => owner_and_mode(&journal, &data, findings),
                Ok(_) => findings.push(planted(&journal)),
                Err(_) => {}
            }
        }
    }
    folder(url, findings);
    if findings.len() == before && store.is_some() {
        findings.push(Finding::new(Check::Files, Level::Ok, "files-private", "the store's files are yours alone"));
    }
}

fn planted(journal: &Path) -> Finding {
    let message = "SQLite's journal is a link or no file: SQLite does not open the store beside it";
    Finding::new(Check::Files, Level::Error, "journal-not-a-file", message)
        .at(journal)
        .remedy("see where it leads and who made it, then remove it")
        .command(on_path("rm", journal))
}

fn folder(url: &StoreUrl, findings: &mut Vec<Finding>) {
    let path = std::path::absolute(url.path()).unwrap_or_else(|_| url.path().to_path_buf());
    let Some(folder) = path.parent() else { return };
    match fs::metadata(folder) {
        Ok(data) if data.is_dir() => folder_mode(folder, &data, findings),
        Ok(_) => findings.push(no_folder(folder, "a file is where the store's folder is to be")),
        Err(_) => {
            let above = folder.ancestors().find(|above| fs::symlink_metadata(above).is_ok());
            if let Some(above) = above.filter(|above| !above.is_dir() || !is_writable(above)) {
                let message = "the store's folder is missing and cannot be made: what is above it does not allow it";
                findings.push(no_folder(above, message));
            }
        }
    }
}

fn no_folder(at: &Path, message: &str) -> Finding {
    Finding::new(Check::Files, Level::Error, "folder-impossible", message).at(at).remedy(
        "move it out of the way or change its permissions, or name another store; calls wait in a spool elsewhere",
    )
}

fn folder_mode(folder: &Path, data: &Metadata, findings: &mut Vec<Finding>) {
    if !is_writable(folder) {
        let message = "this user may not write to the store's folder: SQLite needs that, and calls cannot wait in it";
        findings.push(
            Finding::new(Check::Files, Level::Error, "folder-not-writable", message)
                .at(folder)
                .remedy("give yourself the right to write there, or name another store")
                .command(on_path("chmod u+wx", folder)),
        );
    }
    if is_open_to_all(data) {
        findings.push(
            Finding::new(
                Check::Files,
                Level::Warning,
                "folder-open-to-others",
                "everybody may write to the store's folder, and so put something in the store's place",
            )
            .at(folder)
            .remedy("keep others from writing there")
            .command(on_path("chmod o-w", folder)),
        );
    }
}

/// Says where a file is another user's, or others may read it.
#[cfg(unix)]
pub(super) fn owner_and_mode(path: &Path, data: &Metadata, findings: &mut Vec<Finding>) {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    if data.uid() != user {
        let message = format!("belongs to user {}, and this is user {user}", data.uid());
        findings.push(
            Finding::new(Check::Files, Level::Warning, "owner-differs", message)
                .at(path)
                .remedy("run as that user, or make the file your own; a run as root leaves such files")
                .command(on_path(&format!("sudo chown {user}"), path)),
        );
    }
    let mode = data.mode() & 0o777;
    if mode & 0o077 != 0 {
        let verb = if mode & 0o022 == 0 { "read" } else { "change" };
        findings.push(
            Finding::new(
                Check::Files,
                Level::Warning,
                "file-open-to-others",
                format!("others may {verb} it: mode {mode:o}"),
            )
            .at(path)
            .remedy("keep it to yourself")
            .command(on_path("chmod 600", path)),
        );
    }
}

/// Windows gives what a user makes to that user alone.
#[cfg(not(unix))]
pub(super) fn owner_and_mode(_path: &Path, _data: &Metadata, _findings: &mut Vec<Finding>) {}

/// Whether everybody may replace what is in a folder.
#[cfg(unix)]
fn is_open_to_all(data: &Metadata) -> bool {
    const STICKY: u32 = 0o1000;
    let mode = std::os::unix::fs::MetadataExt::mode(data);
    mode & 0o002 != 0 && mode & STICKY == 0
}

#[cfg(not(unix))]
fn is_open_to_all(_data: &Metadata) -> bool {
    false
}
