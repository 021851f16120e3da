//! Whether a process is at work with a store, asked of the locks that its engine takes, without opening the store.

use std::fs::{File, TryLockError};
use std::path::Path;

use tooltally::Backend;

/// Whether a process has a store's file locked; `false` too where that cannot be known.
///
/// On Unix a process that has the store open may not ask: it would lose SQLite's locks.
pub(super) fn is_held(path: &Path, backend: Backend) -> bool {
    File::open(path).is_ok_and(|file| match backend {
        Backend::Sqlite => is_locked_by_sqlite(&file),
        // On Linux every process that has it open for long holds this lock, alone or with others; elsewhere redb takes
        // others, of which this one knows nothing.
        _ => is_locked(&file),
    })
}

fn is_locked(file: &File) -> bool {
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// SQLite locks ranges of bytes, of which a lock of the whole file knows nothing.
#[cfg(unix)]
fn is_locked_by_sqlite(file: &File) -> bool {
    use rustix::process::{Flock, FlockType, fcntl_getlk};
    fcntl_getlk(file, &Flock::from(FlockType::WriteLock)).is_ok_and(|lock| lock.is_some())
}

/// Windows has locks of one kind.
#[cfg(not(unix))]
fn is_locked_by_sqlite(file: &File) -> bool {
    is_locked(file)
}
