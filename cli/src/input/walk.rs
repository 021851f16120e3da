//! The files of a folder, in order of path, without going in circles.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a walk meets.
pub(super) enum Found<'a> {
    /// A file, or something that was named outright.
    File(&'a Path),
    /// Something that cannot be read or is no file; why.
    Skipped(&'a Path, String),
}

/// A folder whose entries are being gone through.
struct Folder {
    path: PathBuf,
    /// Sorted backwards: the next is the last.
    names: Vec<OsString>,
}

/// Goes to every file at or below `root`, in order of path. A symbolic link is followed; a folder is gone through
/// once, whatever leads to it. Ends early with the error of `visit`.
pub(super) fn walk<E>(root: &Path, visit: &mut dyn FnMut(Found<'_>) -> Result<(), E>) -> Result<(), E> {
    let mut seen = HashSet::new();
    let mut folders = Vec::new();
    enter(root, true, &mut seen, &mut folders, visit)?;
    while let Some(folder) = folders.last_mut() {
        match folder.names.pop() {
            Some(name) => {
                let path = folder.path.join(name);
                enter(&path, false, &mut seen, &mut folders, visit)?;
            }
            None => {
                folders.pop();
            }
        }
    }
    Ok(())
}

fn enter<E>(
    path: &Path,
    is_root: bool,
    seen: &mut HashSet<PathBuf>,
    folders: &mut Vec<Folder>,
    visit: &mut dyn FnMut(Found<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(e) => return visit(Found::Skipped(path, super::source::unreadable(&e))),
    };
    if found.is_dir() {
        return match list(path, seen) {
            Ok(Some(names)) => {
                folders.push(Folder { path: path.to_owned(), names });
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(e) => visit(Found::Skipped(path, super::source::unreadable(&e))),
        };
    }
    // A pipe that was named is read; one that lies in a folder would be waited on for ever.
    if found.is_file() || is_root {
        visit(Found::File(path))
    } else {
        visit(Found::Skipped(path, "not a regular file".to_owned()))
    }
}

/// A folder's entries; `None` if it was gone through already.
fn list(path: &Path, seen: &mut HashSet<PathBuf>) -> io::Result<Option<Vec<OsString>>> {
    if !seen.insert(fs::canonicalize(path)?) {
        return Ok(None);
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.push(entry?.file_name());
    }
    names.sort_unstable_by(|a, b| b.cmp(a));
    Ok(Some(names))
}
