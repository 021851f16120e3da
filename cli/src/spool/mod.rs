//! Where events wait that a hook could not record: a folder beside the store, one file of one line an event.
//!
//! No lock is needed. Each process writes a file of its own, syncs it, and only then gives it the name of a
//! waiting event: what waits is whole. Whoever takes events in appends them to the store first and removes
//! their files afterwards; killed in between, the next one appends them again, and their ids make that a
//! duplicate: every event is taken in exactly once, however many processes try at the same time. What a killed
//! writer left is removed after a minute. A line of a newer program is left to that program.
//!
//! Where nothing can be written beside the store (its folder is missing and cannot be made, is read-only, or on a
//! full disk), an event waits elsewhere: [`places`] has the order. Whoever takes events in looks in all of them.

mod folder;
mod look;
mod places;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tooltally::{Condition, Event, Log, StoreUrl};

use crate::own::is_writable;
use crate::place::default_url;
use folder::SpoolFolder;
pub use look::{Contents, FolderState, SeenFolder};

/// How many events are taken in by one append.
const BATCH: usize = 1024;

/// The events that wait for one store.
#[derive(Clone, Debug)]
pub struct Spool {
    /// The one beside the store first.
    folders: Vec<SpoolFolder>,
}

/// An event that waits, and the file that it waits in.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The event.
    pub event: Event,
    file: PathBuf,
}

/// An event can wait nowhere: each folder with its reason.
#[derive(Debug)]
pub struct NoPlace(Vec<(PathBuf, io::Error)>);

impl std::error::Error for NoPlace {}

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (folder, error)) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "; " };
            write!(f, "{comma}not in {}: {error}", folder.display())?;
        }
        Ok(())
    }
}

impl Spool {
    /// The spool of a store: `usage.db.spool` beside `usage.db`, and the places that stand in for it. The store of who
    /// names none has what waits for [none](Self::of_nobody) too.
    pub fn of(url: &StoreUrl) -> Self {
        let mut places = places::of(url);
        if default_url().is_ok_and(|default| default == *url) {
            places.push(places::of_nobody());
        }
        Self::at(places)
    }

    /// The spool of hooks that cannot know which store is theirs.
    pub fn of_nobody() -> Self {
        Self::at(vec![places::of_nobody()])
    }

    /// A spool in these folders, the first one preferred.
    fn at(places: Vec<PathBuf>) -> Self {
        Self { folders: places.into_iter().map(SpoolFolder::new).collect() }
    }

    /// Its folders, the one beside the store first. Most of them are missing most of the time.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(SpoolFolder::path)
    }

    /// Puts an event to wait, and answers in which folder; it survives power loss when this returns.
    ///
    /// # Errors
    /// [`NoPlace`], with the system's reasons.
    pub fn put(&self, event: &Event) -> Result<&Path, NoPlace> {
        let mut refused = Vec::new();
        for folder in &self.folders {
            match folder.put(event) {
                Ok(()) => return Ok(folder.path()),
                Err(error) => refused.push((folder.path().to_path_buf(), error)),
            }
        }
        Err(NoPlace(refused))
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.folders.iter().map(|folder| folder.files().len()).sum()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The files of waiting events, oldest first.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self.folders.iter().flat_map(SpoolFolder::files).collect();
        // Their names begin with the time.
        files.sort_unstable_by(|a, b| a.file_name().cmp(&b.file_name()));
        files
    }

    /// The files that turned out to hold no event, in no order: they were set aside for a person to see.
    pub fn set_aside(&self) -> Vec<PathBuf> {
        self.folders.iter().flat_map(SpoolFolder::set_aside).collect()
    }

    /// The oldest events that wait, at most `limit`. What is no event is set aside, with a remark; what a killed
    /// writer left is removed.
    ///
    /// Events that cannot be removed come last: they may be recorded already.
    pub fn oldest(&self, limit: usize) -> Vec<Waiting> {
        self.oldest_but(&HashSet::new(), limit)
    }

    fn oldest_but(&self, known: &HashSet<PathBuf>, limit: usize) -> Vec<Waiting> {
        self.folders.iter().for_each(SpoolFolder::sweep);
        let is_new = |file: &PathBuf| !known.contains(file);
        self.in_turn().into_iter().filter(is_new).filter_map(folder::read).take(limit).collect()
    }

    /// The files of waiting events, oldest first. Behind them, from one by chance on, those that cannot be removed: of
    /// all that stay there, each has its turn.
    fn in_turn(&self) -> Vec<PathBuf> {
        let can_remove = |file: &PathBuf| file.parent().is_some_and(is_writable);
        let (mut files, mut staying): (Vec<_>, Vec<_>) = self.files().into_iter().partition(can_remove);
        let chance = usize::try_from(std::process::id()).unwrap_or(0).checked_rem(staying.len()).unwrap_or(0);
        staying.rotate_left(chance);
        files.append(&mut staying);
        files
    }

    /// Removes events that the store has now, and each folder with the last of them.
    pub fn remove(&self, recorded: &[Waiting]) {
        for waiting in recorded {
            // Another process may have been faster; what stays is a duplicate to the next one.
            let _ = fs::remove_file(&waiting.file);
        }
        self.folders.iter().for_each(SpoolFolder::remove_if_empty);
    }

    /// Takes everything that waits into the store, and answers how many events were new to it.
    ///
    /// # Errors
    /// As [`Log::append`]; what was not taken in waits on.
    pub fn take_in<L: Log + ?Sized>(&self, store: &L) -> tooltally::Result<u64> {
        let mut new = 0;
        // Recorded, and not to be removed (the folder may be read-only): trying again would never end.
        let mut staying = HashSet::new();
        loop {
            let waiting = self.oldest_but(&staying, BATCH);
            if waiting.is_empty() {
                return Ok(new);
            }
            let events: Vec<Event> = waiting.iter().map(|w| w.event.clone()).collect();
            let answers = store.append(&events, Condition::None)?;
            new += answers.iter().filter(|answer| answer.is_new()).count() as u64;
            self.remove(&waiting);
            staying.extend(waiting.into_iter().map(|waiting| waiting.file).filter(|file| file.exists()));
        }
    }
}
