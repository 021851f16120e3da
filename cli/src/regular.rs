//! Files that others write, read without waiting.

use std::fs;
use std::io;
use std::path::Path;

/// The bytes of a file. It is looked at before it is opened: a pipe would be waited for.
///
/// # Errors
/// The system's, and [`io::ErrorKind::InvalidInput`] for what is no regular file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    // The system has its own words for a folder.
    if !found.is_file() && !found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    fs::read(path)
}
