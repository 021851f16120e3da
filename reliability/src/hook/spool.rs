//! What waits, and what others put into the spool.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use tooltally::EventId;

use super::call::{Call, id_of_line};
use super::place::Place;
use crate::kill::finding;
use crate::{Random, Result};

/// How the names of files begin that are no hook's.
const PLANTED: &str = "0-planted-";

/// The files of all places where a store's events may wait.
#[derive(Debug, Default)]
pub(super) struct Spooled {
    /// Waiting events, by their files' names.
    pub(super) waiting: Vec<PathBuf>,
    /// What was being written.
    pub(super) parts: Vec<PathBuf>,
    /// What was set aside.
    pub(super) unreadable: Vec<PathBuf>,
}

impl Spooled {
    /// Looks in all of them.
    pub(super) fn look(place: &Place<'_>) -> Result<Self> {
        let mut found = Self::default();
        for folder in [place.spool(), place.path("home"), place.path("tmp")] {
            found.add(&folder)?;
        }
        Ok(found)
    }

    fn add(&mut self, folder: &Path) -> Result<()> {
        let entries = match fs::read_dir(folder) {
            // Whoever takes the last event in removes it.
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                return Ok(());
            }
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
            match path.extension().and_then(|end| end.to_str()) {
                Some("jsonl") if kind.is_file() => self.waiting.push(path),
                Some("part") if kind.is_file() => self.parts.push(path),
                Some("unreadable") if kind.is_file() => self.unreadable.push(path),
                _ if kind.is_dir() => self.add(&path)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The events that wait. One that can't be read, or that no call could have left, is a finding; one that is just
    /// taken in is none any more.
    pub(super) fn events(&self, known: impl Fn(EventId) -> Option<Call>) -> Result<BTreeMap<Call, u64>> {
        let mut calls = BTreeMap::new();
        for path in self.waiting.iter().filter(|path| !is_planted(path)) {
            let text = match fs::read_to_string(path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                text => text?,
            };
            let is_whole = text.ends_with('\n');
            let line = serde_json::from_str(&text).map_err(|error| {
                format!("finding: {} holds no event, whole {is_whole}: {error}: {text:?}", path.display())
            })?;
            match known(id_of_line(&line)?) {
                Some(call) if is_whole && call.is_told_by_line(&line) => *calls.entry(call).or_default() += 1,
                call => return finding(format!("{} holds {line}, said of {call:?}", path.display())),
            }
        }
        Ok(calls)
    }

    /// The files of hooks that were set aside as if they held no event.
    pub(super) fn set_aside_events(&self) -> impl Iterator<Item = &PathBuf> {
        self.unreadable.iter().filter(|path| !is_planted(path))
    }

    /// The files that were planted and wait still.
    pub(super) fn planted(&self) -> impl Iterator<Item = &PathBuf> {
        self.waiting.iter().filter(|path| is_planted(path))
    }
}

fn is_planted(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PLANTED.as_bytes()))
}

/// Puts a file as if it had been written two minutes ago: its writer is gone.
pub(super) fn grow_old(path: &Path) -> Result<()> {
    let then = SystemTime::now() - Duration::from_mins(2);
    Ok(fs::File::options().write(true).open(path)?.set_modified(then)?)
}

/// What else may be in a spool.
const FOREIGN: [Foreign; 8] = [
    Foreign::Torn,
    Foreign::TornLongAgo,
    Foreign::Text,
    Foreign::Empty,
    Foreign::Newer,
    Foreign::Folder,
    Foreign::Link,
    Foreign::Pipe,
];

#[derive(Clone, Copy, Debug)]
enum Foreign {
    /// What a program that wrote in place has left, just now.
    Torn,
    /// The same, some minutes ago.
    TornLongAgo,
    Text,
    Empty,
    /// The line of a newer program.
    Newer,
    Folder,
    Link,
    Pipe,
}

/// Puts something into the spool beside the store that is no hook's.
pub(super) fn plant(place: &Place<'_>, number: u64, random: &mut Random) -> Result<()> {
    let Some(foreign) = FOREIGN.get(usize::try_from(random.below(FOREIGN.len() as u64))?) else { return Ok(()) };
    let Some(folder) = made(place)? else { return Ok(()) };
    let path = folder.join(format!("{PLANTED}{number}.jsonl"));
    match foreign {
        Foreign::Torn => fs::write(&path, "{\"v\":1,\"tool\":")?,
        Foreign::TornLongAgo => {
            fs::write(&path, "{\"v\":1,\"tool\":")?;
            grow_old(&path)?;
        }
        Foreign::Text => fs::write(&path, "a note\n")?,
        Foreign::Empty => fs::write(&path, "")?,
        Foreign::Newer => fs::write(&path, "{\"v\":2,\"tool\":{\"name\":\"Bash\"},\"time\":7}\n")?,
        Foreign::Folder => fs::create_dir(&path)?,
        Foreign::Link => symlink("/dev/zero", &path)?,
        Foreign::Pipe => {
            if !Command::new("mkfifo").arg(&path).status()?.success() {
                return Err("no pipe can be made".into());
            }
        }
    }
    Ok(())
}

/// Has calls wait, as hooks would have left them.
pub(super) fn plant_calls(place: &Place<'_>, calls: &[Call]) -> Result<bool> {
    let Some(folder) = made(place)? else { return Ok(false) };
    for call in calls {
        let (name, line) = call.spooled();
        fs::write(folder.join(name), line)?;
    }
    Ok(true)
}

/// The spool beside the store, unless something else is there.
fn made(place: &Place<'_>) -> Result<Option<PathBuf>> {
    let folder = place.spool();
    match fs::create_dir(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(folder.is_dir().then_some(folder)),
    }
}
