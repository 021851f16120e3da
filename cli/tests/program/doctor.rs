//! `doctor`: each thing that may be wrong is found, with what to do about it, and nothing is changed by looking.

mod agent;
mod files;
mod output;
mod policy;
mod spool;
mod store;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Answer, Place, answer};

/// What `doctor --json` said.
pub(crate) struct Seen {
    pub(crate) code: Option<i32>,
    pub(crate) report: Value,
}

impl Seen {
    fn of(told: &Answer) -> Self {
        assert_eq!(told.stderr, "");
        let report: Value = serde_json::from_str(&told.stdout).unwrap_or_else(|e| panic!("{e}: {}", told.stdout));
        let seen = Self { code: told.code, report };
        let errors = seen.findings().filter(|finding| finding["level"] == "error").count();
        assert_eq!(seen.report["counts"]["error"], errors);
        assert_eq!(seen.code, Some(i32::from(errors > 0)), "{:#}", seen.report);
        for finding in seen.findings() {
            let code = finding["code"].as_str().unwrap();
            assert!(code.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{code}");
            assert!(finding["message"].as_str().is_some_and(|message| !message.is_empty()), "{finding}");
            let is_told_what_to_do = finding["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty());
            assert!(is_told_what_to_do || finding["level"] == "ok", "no remedy: {finding}");
        }
        seen
    }

    fn findings(&self) -> impl Iterator<Item = &Value> {
        self.report["findings"].as_array().unwrap().iter()
    }

    /// The codes of what is not as it should be, and of notes.
    pub(crate) fn troubles(&self) -> Vec<&str> {
        let troubles = self.findings().filter(|finding| finding["level"] != "ok");
        troubles.map(|finding| finding["code"].as_str().unwrap()).collect()
    }

    /// The finding of a code, which must be there.
    #[track_caller]
    pub(crate) fn find(&self, code: &str) -> &Value {
        let found = self.findings().find(|finding| finding["code"] == code);
        found.unwrap_or_else(|| panic!("no {code} in {:#}", self.report))
    }

    /// Asserts a finding, its level, the path that it names, and a part of its remedy or command.
    #[track_caller]
    pub(crate) fn assert(&self, code: &str, level: &str, path: Option<&Path>, remedy: &str) {
        let found = self.find(code);
        assert_eq!(found["level"], level, "{found}");
        if let Some(path) = path {
            assert_eq!(found["path"], path.to_str().unwrap(), "{found}");
        }
        let told = format!("{} {}", found["remedy"], found["command"]);
        assert!(told.contains(remedy), "{remedy} is not in {found}");
    }
}

/// What stands below a folder: names, modes and bytes. The index of SQLite's write-ahead log is its locks' place, and
/// only its name counts.
fn snapshot(folder: &Path) -> Vec<(PathBuf, String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        let (path, data) = (entry.path(), entry.path().symlink_metadata().unwrap());
        let counts = data.is_file() && !path.to_str().unwrap().ends_with("-shm");
        let bytes = if counts { std::fs::read(&path).unwrap_or_default() } else { Vec::new() };
        found.push((path.clone(), format!("{:?} {:?}", data.file_type(), data.permissions()), bytes));
        if data.is_dir() {
            found.extend(snapshot(&path));
        }
    }
    found.sort();
    found
}

/// Runs a command that ends in `doctor`, and sees that nothing in the place is another than before.
#[track_caller]
pub(crate) fn look_with(place: &Place, command: &mut Command) -> Seen {
    let before = snapshot(&place.path(""));
    let seen = Seen::of(&answer(command.spawn().unwrap()));
    let after = snapshot(&place.path(""));
    let names = |all: &[(PathBuf, String, Vec<u8>)]| all.iter().map(|(path, ..)| path.clone()).collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after), "doctor made or removed something");
    for (before, after) in before.iter().zip(&after) {
        assert!(before == after, "doctor changed {}", before.0.display());
    }
    seen
}

#[track_caller]
pub(crate) fn look(place: &Place, arguments: &[&str]) -> Seen {
    look_with(place, &mut place.command(&[&["--json"], arguments, &["doctor"]].concat()))
}

/// The program as it is installed: not in a build folder.
pub(crate) fn installed(place: &Place, arguments: &[&str]) -> Command {
    place.command_of(&place.program_in("bin"), arguments)
}

/// Has a command run as a user whom permissions bind, to whom everything in the place belongs then.
#[cfg(unix)]
pub(crate) fn bound(place: &Place, command: &mut Command) {
    const NOBODY: u32 = 65534;
    fn give(path: &Path) {
        std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        if path.symlink_metadata().unwrap().is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                give(&entry.unwrap().path());
            }
        }
    }
    if crate::support::is_root() {
        give(&place.path(""));
        std::os::unix::process::CommandExt::uid(command, NOBODY);
    }
}
