//! The file of a new store, and the folders above it: for their owner alone, and with names that survive power loss
//! as the events do.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Makes an empty file and the folders above it that are missing. Someone else may be faster: that is as good.
pub(crate) fn make_file(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        make_folders(folder, &mut sync)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(failure) if failure.kind() == ErrorKind::AlreadyExists => {}
        made => drop(made?),
    }
    // Whoever was faster may have been killed before this.
    sync(folder_of(path))
}

fn make_folders(folder: &Path, sync: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    let builder = owner_only();
    for folder in missing.into_iter().rev() {
        match builder.create(folder) {
            // Someone else was faster.
            Err(_) if folder.is_dir() => {}
            made => made?,
        }
        sync(folder_of(folder))?;
    }
    Ok(())
}

#[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
fn owner_only() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Brings the names in a folder to the disk. Windows has no such call and needs none.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        match fs::File::open(folder) {
            // A folder to write to, not to list.
            Err(failure) if failure.kind() == ErrorKind::PermissionDenied => {}
            folder => folder?.sync_all()?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_each_new_folder_reaches_the_disk() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let mut synced = Vec::new();
        let mut make = |folder: &Path, there: &[&str]| {
            synced.clear();
            make_folders(folder, &mut |folder| {
                synced.push(folder.to_owned());
                Ok(())
            })
            .unwrap();
            assert_eq!(synced, there.iter().map(|name| path(name)).collect::<Vec<_>>());
        };
        make(&path("a/b/c"), &["", "a", "a/b"]);
        make(&path("a/b/d"), &["a/b"]);
        make(&path("a/b/d"), &[]);
        make(Path::new(""), &[]);
        assert!(path("a/b/c").is_dir() && path("a/b/d").is_dir());
    }
}
