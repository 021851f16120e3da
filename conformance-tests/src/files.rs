//! What stands in a folder, to be compared: a refused file must stay as it is, and nothing come beside it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file or folder, with all that a look at it must not change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its path.
    pub path: PathBuf,
    /// Its bytes; none for a folder.
    pub bytes: Vec<u8>,
    /// Who may do what with it; 0 where the system has no such thing.
    pub mode: u32,
    /// When it was last changed.
    pub modified: SystemTime,
}

/// All that stands in a folder, sorted by path.
pub fn all_in(folder: &Path) -> Vec<Entry> {
    let entries = std::fs::read_dir(folder).expect("the folder can be listed");
    let mut all: Vec<Entry> = entries.map(|entry| look(entry.expect("the folder can be listed").path())).collect();
    all.sort();
    all
}

/// Copies files of one folder into another.
pub fn copy_all(names: &[&str], from: &Path, to: &Path) {
    for name in names {
        std::fs::copy(from.join(name), to.join(name)).expect("the file can be copied");
    }
}

fn look(path: PathBuf) -> Entry {
    let metadata = std::fs::symlink_metadata(&path).expect("a file's metadata can be read");
    let bytes = if metadata.is_file() { std::fs::read(&path).expect("a file can be read") } else { Vec::new() };
    let modified = metadata.modified().expect("the system says when files were changed");
    Entry { path, bytes, mode: mode(&metadata), modified }
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata)
}

#[cfg(not(unix))]
fn mode(_metadata: &std::fs::Metadata) -> u32 {
    0
}
