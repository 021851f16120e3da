//! Which files this process has open through SQLite.
//!
//! On Unix a process loses its locks on a file when it closes any descriptor of it. SQLite knows its own descriptors,
//! and keeps open those that must not be closed yet; it cannot know ours. So a file that SQLite has open here is not
//! opened by anything else, and what is read of it all the same, for salvage, is not closed before SQLite is done with
//! it. An older SQLite of another program would take itself for the last user, and delete the write-ahead log under the
//! one that is open.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file, whatever its names.
type FileId = (u64, u64);

/// What SQLite has open, in how many places, and with it what is to be closed later.
#[derive(Default)]
struct Open {
    places: usize,
    /// Held for its end alone.
    later: Vec<File>,
}

static OPEN: Mutex<BTreeMap<FileId, Open>> = Mutex::new(BTreeMap::new());

/// The files that are open here, while nobody else of this process opens one.
pub(crate) struct Files(MutexGuard<'static, BTreeMap<FileId, Open>>);

impl Files {
    pub(crate) fn lock() -> Self {
        Self(OPEN.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether SQLite has the file at a path open here.
    pub(crate) fn has(&self, path: &Path) -> bool {
        id_of(path).is_some_and(|id| self.0.contains_key(&id))
    }

    /// Notes that SQLite is about to open the file at a path, which is there.
    pub(crate) fn add(&mut self, path: &Path) -> InUse {
        let id = id_of(path);
        if let Some(id) = id {
            self.0.entry(id).or_default().places += 1;
        }
        InUse(id)
    }
}

/// A file that SQLite has open. To be dropped after its connections.
pub(crate) struct InUse(Option<FileId>);

impl Drop for InUse {
    fn drop(&mut self) {
        let Some(id) = self.0 else { return };
        let mut open = Files::lock().0;
        if let Some(file) = open.get_mut(&id) {
            file.places -= 1;
            if file.places == 0 {
                open.remove(&id);
            }
        }
    }
}

/// A file that is read beside SQLite, and closed once SQLite has it open nowhere.
pub(crate) struct Beside {
    id: Option<FileId>,
    /// There until the drop.
    file: Option<File>,
}

impl Beside {
    pub(crate) fn new(file: File) -> Self {
        Self { id: file.metadata().ok().and_then(|found| id(&found)), file: Some(file) }
    }
}

impl Read for Beside {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.read(bytes))
    }
}

impl Seek for Beside {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.as_mut().map_or(Ok(0), |file| file.seek(to))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // While nobody else of this process opens one: it is closed now, or kept.
        let mut files = Files::lock().0;
        let open = self.id.and_then(|id| files.get_mut(&id));
        match (open, self.file.take()) {
            (Some(open), Some(file)) => open.later.push(file),
            (_, file) => drop(file),
        }
    }
}

/// None where there is no such file, and on systems whose locks are the descriptor's.
fn id_of(path: &Path) -> Option<FileId> {
    std::fs::metadata(path).ok().and_then(|found| id(&found))
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
fn id(found: &Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn id(_: &Metadata) -> Option<FileId> {
    None
}
