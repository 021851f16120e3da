//! The program that an entry runs. It is looked at and never run: a project's settings may name anything.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::super::words::{on_path, quoted};
use super::super::{Case, Check, Finding, Level};
use super::entries::Entry;
use crate::commands::install::{found, is_in_build_folder};

/// Looks at the program of an entry.
pub(super) fn examine(case: &Case, entry: &Entry, install: &str) -> Finding {
    let finding = |level, code, message: String| Finding::new(Check::Agent, level, code, message);
    let Some(path) = resolved(&entry.program) else {
        let message = format!("the {} settings run \"{}\", which is not in PATH", entry.scope.as_str(), entry.program);
        return finding(Level::Error, "program-not-in-path", message)
            .at(&entry.path)
            .remedy("install tooltally where PATH looks, in the environment that the agent is started from")
            .command("cargo install tooltally-cli");
    };
    let data = match fs::metadata(&path) {
        Ok(data) => data,
        Err(error) => {
            let message = format!("the program that the {} settings run is not there: {error}", entry.scope.as_str());
            return finding(Level::Error, "program-missing", message)
                .at(&path)
                .remedy("it was moved or removed: connect the hooks anew, with the program that you have")
                .command(install);
        }
    };
    if !data.is_file() || !is_executable(&data) {
        return finding(Level::Error, "program-not-executable", "the agent cannot run the program".to_owned())
            .at(&path)
            .remedy("make it executable, or connect the hooks anew with the program that you have")
            .command(on_path("chmod +x", &path));
    }
    if is_in_build_folder(&path) {
        let message = "the program is in a build folder, which the next build or clean-up changes".to_owned();
        return finding(Level::Warning, "program-in-build-folder", message)
            .at(&path)
            .remedy("install the program for good (cargo install), then connect the hooks with it")
            .command(install);
    }
    match &case.program {
        Some(own) if !is_same(own, &path).unwrap_or(true) => {
            let message = "the program is another than the one that looks now: it may be of another version".to_owned();
            finding(Level::Note, "program-differs", message)
                .at(&path)
                .remedy("compare their versions; to have this one run, connect the hooks anew with it")
                .command(format!("{} --version", quoted(&path.display().to_string())))
        }
        _ => finding(Level::Ok, "program-found", "the program that they run is there".to_owned()).at(&path),
    }
}

/// The path of a program as it is written; `None` for a name that is not in PATH.
fn resolved(program: &str) -> Option<PathBuf> {
    let home = |rest: &str| etcetera::home_dir().ok().map(|home| home.join(rest));
    let in_home = ["~/", "$HOME/", "${HOME}/"].iter().find_map(|start| program.strip_prefix(start)).and_then(home);
    let path = in_home.unwrap_or_else(|| PathBuf::from(program));
    if program.contains(['/', '\\']) { std::path::absolute(path).ok() } else { found(&path) }
}

#[cfg(unix)]
fn is_executable(data: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_data: &fs::Metadata) -> bool {
    true
}

/// Whether two paths hold the same program, byte by byte where they are two files.
fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    if fs::canonicalize(one)? == fs::canonicalize(other)? {
        return Ok(true);
    }
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    loop {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        (&mut one).take(1 << 16).read_to_end(&mut left)?;
        (&mut other).take(1 << 16).read_to_end(&mut right)?;
        if left != right || left.is_empty() {
            return Ok(left == right);
        }
    }
}
