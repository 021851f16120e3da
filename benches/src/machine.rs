//! On what and with what a comparison ran.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The versions that this was built with.
const LOCK: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));

/// The machine; `None` where it does not tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and architecture.
    pub system: String,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The processor's name.
    pub processor: Option<String>,
    /// Cores that may be used.
    pub cores: usize,
    /// Main memory.
    pub memory_bytes: Option<u64>,
    /// The kind of file system that the stores stand on.
    pub file_system: Option<String>,
    /// How busy the machine was when the run began: waiting tasks on average over a minute. Figures are worth
    /// little where this is near the number of cores.
    pub load_before: Option<f64>,
    /// The same at the end; the run's own work is in it.
    pub load_after: Option<f64>,
}

impl Machine {
    /// This machine.
    pub(crate) fn this() -> Self {
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernel: first_line("/proc/sys/kernel/osrelease"),
            processor: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_bytes: field("/proc/meminfo", "MemTotal").and_then(|text| kib(&text)),
            file_system: None,
            load_before: load(),
            load_after: None,
        }
    }
}

/// How busy the machine is.
pub(crate) fn load() -> Option<f64> {
    first_line("/proc/loadavg")?.split(' ').next()?.parse().ok()
}

/// The kind of file system that a folder is on.
pub(crate) fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let kind = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        let (place, kind) = (fields.next()?, fields.next()?);
        folder.starts_with(place).then(|| (place.len(), kind.to_owned()))
    };
    mounts.lines().filter_map(kind).max_by_key(|(length, _)| *length).map(|(_, kind)| kind)
}

/// The versions of what is compared.
pub(crate) fn versions() -> BTreeMap<String, String> {
    let mut versions = BTreeMap::from([
        ("tooltally".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("SQLite".to_owned(), rusqlite::version().to_owned()),
    ]);
    let mut add = |name: &str, version: Option<String>| {
        if let Some(version) = version {
            versions.insert(name.to_owned(), version);
        }
    };
    add("redb", locked("redb"));
    add("rusqlite", locked("rusqlite"));
    add("rustc", said_by("rustc", &["-V"]));
    add("sqlite3 shell", said_by("sqlite3", &["--version"]));
    add("commit", said_by("git", &["describe", "--always", "--dirty", "--exclude=*"]));
    add("profile", Some(if cfg!(debug_assertions) { "dev" } else { "release" }.to_owned()));
    versions
}

/// A package's version in the lock file.
fn locked(package: &str) -> Option<String> {
    let after = LOCK.split(&format!("name = \"{package}\"\nversion = \"")).nth(1)?;
    after.split('"').next().map(str::to_owned)
}

fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    (output.status.success() && !words.is_empty()).then(|| words.join(" "))
}

fn first_line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()?.lines().next().map(|line| line.trim().to_owned())
}

/// A field of a file of lines `name: value`.
pub(crate) fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value = |line: &str| Some(line.strip_prefix(name)?.trim_start().strip_prefix(':')?.trim().to_owned());
    text.lines().find_map(value)
}

/// The bytes of a size as Linux writes it: `65536 kB`.
pub(crate) fn kib(text: &str) -> Option<u64> {
    text.strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::{kib, locked};

    #[test]
    fn versions_come_from_the_lock_file() {
        assert!(locked("redb").unwrap().starts_with("4."));
        assert_eq!(locked("no such package"), None);
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(kib("64 kB"), Some(65536));
        assert_eq!(kib("64"), None);
    }
}
