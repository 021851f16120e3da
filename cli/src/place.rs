//! Where the store is when nobody says.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use tooltally::{Backend, StoreUrl};

use crate::commands::wrong_value;
use crate::diagnostics::Failure;
use crate::own::owner_only_folder;

/// The environment variable that names the store.
pub const DB_VARIABLE: &str = "TOOLTALLY_DB";

/// The store to use: the one named on the command line, else by the environment, else the default.
///
/// # Errors
/// A usage failure for an address that names no path; a failure where nothing is named and the platform
/// has no home folder.
pub fn store_url(named: Option<&OsStr>) -> Result<StoreUrl, Failure> {
    if let Some(named) = named {
        return parse(named).map_err(|e| wrong_value("--db", &named.to_string_lossy(), &e));
    }
    match std::env::var_os(DB_VARIABLE).filter(|value| !value.is_empty()) {
        Some(value) => parse(&value).map_err(|e| wrong_value(DB_VARIABLE, &value.to_string_lossy(), &e)),
        None => default_url(),
    }
}

/// The store of a person who names none: `tooltally/usage.db` in the platform's data folder.
///
/// # Errors
/// A failure where the platform has no home folder.
pub fn default_url() -> Result<StoreUrl, Failure> {
    let folders = etcetera::base_strategy::choose_native_strategy().map_err(|e| {
        Failure::new("there is no home folder to keep the store in")
            .because(e)
            .hint(format!("name a store with --db or {DB_VARIABLE}"))
    })?;
    Ok(StoreUrl::new(Backend::Sqlite, own_folder_in(&folders.data_dir()).join("usage.db")))
}

/// The program's folder in the platform's data folder, where there is a home folder.
pub fn data_folder() -> Option<PathBuf> {
    let folders = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(own_folder_in(&folders.data_dir()))
}

fn own_folder_in(data: &Path) -> PathBuf {
    data.join("tooltally")
}

fn parse(text: &OsStr) -> tooltally::Result<StoreUrl> {
    match text.to_str() {
        Some(text) => text.parse(),
        // Not Unicode, so it has no engine in front that could be read: a bare path.
        None if Path::new(text).extension().is_some_and(|e| e.eq_ignore_ascii_case("redb")) => {
            Ok(StoreUrl::new(Backend::Redb, text))
        }
        None => Ok(StoreUrl::new(Backend::Sqlite, text)),
    }
}

/// Makes the folder that the store is to stand in, for its owner alone.
///
/// # Errors
/// A failure that names the folder.
pub fn make_folder(url: &StoreUrl) -> Result<(), Failure> {
    let Some(folder) = url.path().parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    if folder.is_dir() {
        return Ok(());
    }
    owner_only_folder(folder).map_err(|e| {
        Failure::new(format!("cannot make the folder {} for the store", folder.display()))
            .because(e)
            .hint("choose another place with --db")
    })
}

/// A path beside the store: its own with something appended. Beside the file that a symbolic link leads to, as the
/// engine's own files are: whichever name the store is called by, they are the same.
pub fn beside(url: &StoreUrl, suffix: &str) -> PathBuf {
    let mut path = led_to(url.path()).into_os_string();
    path.push(suffix);
    PathBuf::from(path)
}

/// The file that a symbolic link leads to; any other path as it is.
fn led_to(path: &Path) -> PathBuf {
    let target = if path.is_symlink() { std::fs::canonicalize(path).ok() } else { None };
    target.unwrap_or_else(|| path.to_path_buf())
}

/// The store's one path, whichever name it is called by: without links and `..`, as far as its folder is there.
pub fn one_path(url: &StoreUrl) -> PathBuf {
    let path = led_to(url.path());
    let folder = path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    // A file that stands where the folder was, behind a link, is not the way to the store.
    let folder = folder.and_then(|folder| std::fs::canonicalize(folder).ok()).filter(|folder| folder.is_dir());
    match folder.zip(path.file_name()) {
        Some((folder, name)) => folder.join(name),
        None => std::path::absolute(&path).unwrap_or(path),
    }
}

/// The folder of Claude Code's own files: `$CLAUDE_CONFIG_DIR`, else `~/.claude`.
///
/// # Errors
/// A failure where the platform has no home folder.
pub fn claude_folder() -> Result<PathBuf, Failure> {
    if let Some(folder) = std::env::var_os("CLAUDE_CONFIG_DIR").filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    let home = etcetera::home_dir().map_err(|e| {
        Failure::new("there is no home folder to look for Claude Code's files in")
            .because(e)
            .hint("name their folder in CLAUDE_CONFIG_DIR")
    })?;
    Ok(home.join(".claude"))
}
