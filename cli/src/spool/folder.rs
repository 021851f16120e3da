//! One folder of waiting events: a file of one line for each.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;
use tooltally::Event;

use super::Waiting;
use crate::input::{is_newer_event_line, read_event_line, unrecorded_event_line};
use crate::own::{check_own_folder, make_own_folder, read_own_file};

/// How the files of waiting events end.
pub(super) const WAITING: &str = "jsonl";
/// How files end that are being written.
pub(super) const PART: &str = "part";
/// How the files of events that cannot be read end: they are kept for a person to see.
pub(super) const UNREADABLE: &str = "unreadable";
/// More than any event's line has, in bytes.
const MOST_BYTES: u64 = 1 << 20;
/// A file that nobody wrote to for so long has no writer any more.
const ABANDONED: Duration = Duration::from_mins(1);

/// A folder of waiting events. One that is a link, or another user's, holds none and takes none.
#[derive(Clone, Debug)]
pub(super) struct SpoolFolder(PathBuf);

impl SpoolFolder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Puts an event to wait; it survives power loss when this returns.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn put(&self, event: &Event) -> io::Result<()> {
        let mut line = unrecorded_event_line(event);
        line.push('\n');
        // In order of time, so that events are taken in as they came; the id tells two of one instant apart.
        let name = format!("{:020}-{}", event.time().as_micros(), event.id());
        let path = self.0.join(&name).with_extension(WAITING);
        let mut attempts = 0;
        // Whoever takes the last event in may remove the folder at any moment: before the file is in it, and also
        // while the folder is being made, when the system says that it is there and then finds none.
        while let Err(error) = self.write_part(&name, &line).and_then(|part| Ok(part.persist(&path)?)) {
            attempts += 1;
            if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) || attempts > 1000 {
                return Err(error);
            }
        }
        self.sync()
    }

    /// Makes the folder, and in it the whole file under a name that does not wait yet. The file is its owner's
    /// alone; dropped, it is removed.
    fn write_part(&self, name: &str, line: &str) -> io::Result<NamedTempFile> {
        make_own_folder(&self.0)?;
        let (prefix, suffix) = (format!("{name}."), format!(".{PART}"));
        let mut part = tempfile::Builder::new().prefix(&prefix).suffix(&suffix).tempfile_in(&self.0)?;
        part.write_all(line.as_bytes())?;
        part.as_file().sync_all()?;
        Ok(part)
    }

    /// Makes the names in the folder, and its own, survive power loss, where the platform can.
    fn sync(&self) -> io::Result<()> {
        #[cfg(unix)]
        {
            // Another process may have made the folder, and not have come to sync its name: so it is always done.
            let parent = self.0.parent().filter(|parent| !parent.as_os_str().is_empty());
            for folder in [self.path(), parent.unwrap_or(Path::new("."))] {
                match fs::File::open(folder) {
                    // Taken in and removed already; or a folder to write to, not to list.
                    Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {}
                    folder => folder?.sync_all()?,
                }
            }
        }
        Ok(())
    }

    /// The files of waiting events, in no order.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.files_that_end(WAITING)
    }

    /// The files of events that could not be read and were set aside.
    pub(super) fn set_aside(&self) -> Vec<PathBuf> {
        self.files_that_end(UNREADABLE)
    }

    /// A folder that cannot be read has none to give, nor has one that is not ours.
    fn files_that_end(&self, extension: &str) -> Vec<PathBuf> {
        if check_own_folder(&self.0).is_err() {
            return Vec::new();
        }
        let Ok(entries) = fs::read_dir(&self.0) else { return Vec::new() };
        let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
        let paths = entries.filter_map(Result::ok).filter(is_file).map(|entry| entry.path());
        paths.filter(|path| path.extension() == Some(OsStr::new(extension))).collect()
    }

    /// Removes what killed writers left.
    pub(super) fn sweep(&self) {
        let mut parts = self.files_that_end(PART);
        parts.retain(|part| fs::symlink_metadata(part).is_ok_and(|data| is_abandoned(&data)));
        if !parts.is_empty() {
            for part in parts {
                let _ = fs::remove_file(part);
            }
            self.remove_if_empty();
        }
    }

    /// Removes the folder if it is empty: the system refuses while anything is in it.
    pub(super) fn remove_if_empty(&self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// The event that waits in a file. What is no event is set aside, with a remark; what cannot be read at all, or not
/// by this program, or not yet, waits on.
pub(super) fn read(file: PathBuf) -> Option<Waiting> {
    let (bytes, data) = contents(&file).ok()?;
    let event = match bytes.strip_suffix(b"\n") {
        Some(line) if is_newer_event_line(line) => return None,
        Some(line) => read_event_line(line),
        // Earlier programs wrote under this name: it may be whole in a moment.
        None if !is_abandoned(&data) => return None,
        None => Err("it is no whole line".to_owned()),
    };
    match event {
        Ok(event) => Some(Waiting { event, file }),
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "a spooled event cannot be read: set aside");
            let mut aside = OsString::from(&file);
            aside.push(".");
            aside.push(UNREADABLE);
            let _ = fs::rename(&file, aside);
            None
        }
    }
}

/// What a file holds, and what is known of it. One that is too long for an event counts as empty.
pub(super) fn contents(file: &Path) -> io::Result<(Vec<u8>, fs::Metadata)> {
    let mut open = read_own_file(file)?;
    let data = open.metadata()?;
    let mut bytes = Vec::new();
    if data.len() <= MOST_BYTES {
        open.read_to_end(&mut bytes)?;
    }
    Ok((bytes, data))
}

/// Whether nobody wrote to a file for a while. A time to come, of a clock that was set, says nothing.
pub(super) fn is_abandoned(data: &fs::Metadata) -> bool {
    data.modified().ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age >= ABANDONED)
}
