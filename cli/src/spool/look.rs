//! What stands in the spool's folders, to tell a person: nothing of it is changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tooltally::Timestamp;

use super::Spool;
use super::folder::{PART, SpoolFolder, UNREADABLE, WAITING, contents, is_abandoned};
use crate::input::{is_newer_event_line, read_event_line};
use crate::own::check_own_folder;

/// One of the folders that a store's events may wait in.
#[derive(Debug)]
pub struct SeenFolder {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// What is there.
    pub state: FolderState,
}

/// What stands where a folder of waiting events may be.
#[derive(Debug)]
pub enum FolderState {
    /// Nothing, as most of the time.
    Missing,
    /// A link, a file, or another user's folder: hooks put nothing there and take nothing from it.
    NotOurs(io::Error),
    /// What cannot be listed.
    Unreadable(io::Error),
    /// A folder of this user's own.
    Ours(Box<Contents>),
}

/// The entries of a folder of waiting events, by what becomes of them.
#[derive(Debug, Default)]
pub struct Contents {
    /// How many events wait.
    pub waiting: u64,
    /// When the first of them happened.
    pub oldest: Option<Timestamp>,
    /// Lines of a newer program, which wait for it.
    pub newer: Vec<PathBuf>,
    /// What is no event, or only the beginning of one: the next hook or import sets it aside.
    pub broken: Vec<PathBuf>,
    /// Files under a waiting event's name that cannot be read: another user's, links, or closed to their owner.
    pub unreadable: Vec<PathBuf>,
    /// What was set aside before, for a person to see.
    pub set_aside: Vec<PathBuf>,
    /// What killed writers left; the next hook or import removes it.
    pub left_over: Vec<PathBuf>,
    /// What is none of ours.
    pub foreign: Vec<PathBuf>,
}

impl Spool {
    /// What stands in each of the folders, the one beside the store first.
    pub fn look(&self) -> Vec<SeenFolder> {
        self.folders
            .iter()
            .map(|folder| SeenFolder { path: folder.path().to_path_buf(), state: look(folder) })
            .collect()
    }

    /// How many events wait; `None` where a folder cannot be looked into.
    pub fn measure(&self) -> Option<u64> {
        let count = |folder: &SpoolFolder| match open(folder.path()) {
            Err(FolderState::Unreadable(_)) => None,
            // One that is not ours is of no concern.
            Err(_) => Some(0),
            Ok(_) => Some(folder.files().len() as u64),
        };
        self.folders.iter().map(count).sum()
    }
}

/// Opens a folder of ours to list it; else says what is there. Who takes its last event in removes it, also between
/// these steps.
fn open(folder: &Path) -> Result<fs::ReadDir, FolderState> {
    let absent_or = |state: fn(io::Error) -> FolderState| {
        move |error| if is_absence(&error) { FolderState::Missing } else { state(error) }
    };
    fs::symlink_metadata(folder).map_err(absent_or(FolderState::Unreadable))?;
    check_own_folder(folder).map_err(absent_or(FolderState::NotOurs))?;
    fs::read_dir(folder).map_err(absent_or(FolderState::Unreadable))
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn look(folder: &SpoolFolder) -> FolderState {
    let entries = match open(folder.path()) {
        Ok(entries) => entries,
        Err(state) => return state,
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort_unstable();
    let mut seen = Contents::default();
    for path in paths {
        seen.sort_in(path);
    }
    FolderState::Ours(Box::new(seen))
}

impl Contents {
    fn sort_in(&mut self, path: PathBuf) {
        let extension = path.extension().and_then(|end| end.to_str());
        match (extension, fs::symlink_metadata(&path)) {
            // Taken in just now.
            (_, Err(error)) if is_absence(&error) => {}
            (Some(WAITING), Ok(_)) => self.sort_in_waiting(path),
            (Some(PART), Ok(data)) if data.is_file() => {
                if is_abandoned(&data) {
                    self.left_over.push(path);
                }
            }
            (Some(UNREADABLE), Ok(data)) if data.is_file() => self.set_aside.push(path),
            _ => self.foreign.push(path),
        }
    }

    fn sort_in_waiting(&mut self, path: PathBuf) {
        let (bytes, data) = match contents(&path) {
            Ok(found) => found,
            Err(error) if is_absence(&error) => return,
            Err(_) => return self.unreadable.push(path),
        };
        match bytes.strip_suffix(b"\n") {
            Some(line) if is_newer_event_line(line) => self.newer.push(path),
            Some(line) => match read_event_line(line) {
                Ok(event) => {
                    self.waiting += 1;
                    self.oldest = Some(self.oldest.map_or(event.time(), |oldest| oldest.min(event.time())));
                }
                Err(_) => self.broken.push(path),
            },
            None if is_abandoned(&data) => self.broken.push(path),
            // Its writer may be at it.
            None => {}
        }
    }
}
