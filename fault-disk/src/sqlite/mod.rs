//! Beneath SQLite: a virtual file system over the default one, and the default itself from then on.
//!
//! A database in a folder without a disk is handed through untouched. Files without a name (SQLite's temporary
//! ones) are on no disk. Nothing is mapped into memory but the WAL index, so that every access to a file is seen.
#![expect(unsafe_code, reason = "an SQLite VFS is made of C's functions and pointers; this is a test-only package")]

mod file;
mod vfs;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::disk::Disk;

/// A folder, and the disk that it is on.
struct Place {
    number: u64,
    folder: PathBuf,
    disk: Disk,
}

static PLACES: Mutex<(u64, Vec<Place>)> = Mutex::new((0, Vec::new()));

fn places() -> MutexGuard<'static, (u64, Vec<Place>)> {
    PLACES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts a disk beneath a folder.
pub(crate) fn watch(folder: &Path, disk: &Disk) -> std::io::Result<u64> {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    if !INSTALLED.get_or_init(vfs::install) {
        return Err(std::io::Error::other("SQLite did not take the file system"));
    }
    let mut places = places();
    places.0 += 1;
    let number = places.0;
    places.1.push(Place { number, folder: folder.to_owned(), disk: disk.clone() });
    Ok(number)
}

/// Takes a disk away from its folder; files that are open stay on it.
pub(crate) fn forget(number: u64) {
    places().1.retain(|place| place.number != number);
}

/// The disk that a file is on, if any.
fn disk_of(path: &Path) -> Option<Disk> {
    let folder = path.parent()?;
    places().1.iter().find(|place| place.folder == folder).map(|place| place.disk.clone())
}
