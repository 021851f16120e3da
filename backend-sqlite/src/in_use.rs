//! Which files this process has open through SQLite.
//!
//! On Unix a process loses its locks on a file when it closes any descriptor of it. SQLite knows its own descriptors,
//! and keeps open those that must not be closed yet; it cannot know ours. So a file that SQLite has open here is not
//! opened by anything else. An older SQLite of another program would take itself for the last user, and delete the
//! write-ahead log under the one that is open.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file, whatever its names.
type FileId = (u64, u64);

static OPEN: Mutex<BTreeMap<FileId, usize>> = Mutex::new(BTreeMap::new());

/// The files that are open here, while nobody else of this process opens one.
pub(crate) struct Files(MutexGuard<'static, BTreeMap<FileId, usize>>);

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
            *self.0.entry(id).or_default() += 1;
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
        if let Some(count) = open.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                open.remove(&id);
            }
        }
    }
}

/// None where there is no such file, and on systems whose locks are the descriptor's.
#[cfg(unix)]
fn id_of(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn id_of(_: &Path) -> Option<FileId> {
    None
}
