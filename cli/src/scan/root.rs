//! A folder that settings are read from, and that no link leads out of: a repository that somebody else wrote must not
//! have other files of this machine read.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::cause::Cause;
use crate::output::sanitize::one_line;

/// The largest file that is read, in bytes.
pub(super) const MAX_BYTES: u64 = 1 << 20;
/// The most entries that are looked through, in all folders of one root together.
pub(super) const MAX_ENTRIES: usize = 10_000;

/// A folder that settings are read from.
#[derive(Debug)]
pub(super) struct Root {
    /// Its path, without links.
    path: PathBuf,
    /// What stands in front of the paths in it, where people read them.
    label: String,
    entries_left: Cell<usize>,
}

impl Root {
    /// The folder at this path, a link to it followed; `None` where there is none.
    pub(super) fn open(path: &Path, label: impl Into<String>) -> Result<Option<Self>, Cause> {
        let Some(path) = existing(dunce::canonicalize(path))? else { return Ok(None) };
        Ok(Some(Self { path, label: label.into(), entries_left: Cell::new(MAX_ENTRIES) }))
    }

    /// A path in it as people read it.
    pub(super) fn label(&self, relative: &str) -> String {
        one_line(&format!("{}{relative}", self.label)).into_owned()
    }

    /// The text of a file; `None` where there is none.
    pub(super) fn text(&self, relative: &str) -> Result<Option<String>, Cause> {
        match self.real(relative)? {
            Some(real) => text_of(&real, MAX_BYTES).map(Some),
            None => Ok(None),
        }
    }

    /// The names in a folder, in their order, those that begin with a dot left out; `None` where there is none.
    pub(super) fn names(&self, relative: &str) -> Result<Option<Vec<Result<String, String>>>, Cause> {
        let Some(real) = self.real(relative)? else { return Ok(None) };
        let Some(entries) = existing(fs::read_dir(&real))? else { return Ok(None) };
        let mut names = Vec::new();
        for entry in entries {
            let left = self.entries_left.get();
            if left == 0 {
                return Err(Cause::TooMany(MAX_ENTRIES));
            }
            self.entries_left.set(left - 1);
            // Names that are not Unicode are for people alone.
            let name = entry?.file_name().into_string().map_err(|name| name.to_string_lossy().into_owned());
            if !name.as_ref().is_ok_and(|name| name.starts_with('.')) {
                names.push(name);
            }
        }
        names.sort();
        Ok(Some(names))
    }

    /// Whether a path in it holds a folder, behind links too.
    pub(super) fn is_folder(&self, relative: &str) -> bool {
        self.path.join(relative).is_dir()
    }

    /// What a path in it leads to, which must be in it too; `None` where there is nothing.
    fn real(&self, relative: &str) -> Result<Option<PathBuf>, Cause> {
        let path = self.path.join(relative);
        match existing(dunce::canonicalize(&path))? {
            Some(real) if real.starts_with(&self.path) => Ok(Some(real)),
            Some(_) => Err(Cause::LeadsOut),
            None if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) => Err(Cause::LeadsNowhere),
            None => Ok(None),
        }
    }
}

/// The text of a file of this person's own, wherever links lead; `None` where there is none.
pub(super) fn own_text(path: &Path, limit: u64) -> Result<Option<String>, Cause> {
    match existing(fs::metadata(path))? {
        Some(_) => text_of(path, limit).map(Some),
        None => Ok(None),
    }
}

/// The text of a file that is there, without its byte order mark.
fn text_of(path: &Path, limit: u64) -> Result<String, Cause> {
    // Looked at before it is opened: a pipe would be waited for.
    let found = fs::metadata(path)?;
    if !found.is_file() {
        return Err(Cause::NotAFile);
    }
    let mut bytes = Vec::new();
    if found.len() <= limit {
        File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    }
    if found.len() > limit || bytes.len() as u64 > limit {
        return Err(Cause::TooLarge(limit));
    }
    let text = String::from_utf8(bytes).map_err(|_| Cause::NotUnicode)?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// What is there, `None` where there is nothing.
fn existing<T>(found: io::Result<T>) -> Result<Option<T>, Cause> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
