//! Files and folders of the program's own: made for their owner alone, and reached through no link that somebody
//! planted where they stand.
//!
//! A store that a person names may stand behind a link: that is their choice. What the program puts beside it, on
//! its own account, may not: whoever can write to that folder could have it written anywhere.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a folder, and those above it that are missing, for their owner alone. Their names survive power loss, as what
/// will be in them does.
///
/// # Errors
/// The system's.
pub fn owner_only_folder(folder: &Path) -> io::Result<()> {
    make_folders(folder, &mut sync_folder)
}

fn make_folders(folder: &Path, sync: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    for folder in missing.into_iter().rev() {
        match builder.create(folder) {
            // Somebody was faster.
            Err(_) if folder.is_dir() => {}
            made => made?,
        }
        sync(folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

/// Brings the names in a folder to the disk. Windows has no such call and needs none.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        match File::open(folder) {
            // A folder to write to, not to list.
            Err(failure) if failure.kind() == io::ErrorKind::PermissionDenied => {}
            folder => folder?.sync_all()?,
        }
    }
    Ok(())
}

/// How to open a file for its owner alone.
pub fn owner_only_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder as [`owner_only_folder`] does; one that is there must be this user's own, and no link.
///
/// # Errors
/// The system's, and [`io::ErrorKind::PermissionDenied`] for a folder that is not ours.
pub fn make_own_folder(folder: &Path) -> io::Result<()> {
    match check_own_folder(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        checked => return checked,
    }
    owner_only_folder(folder)?;
    // Somebody may have been faster.
    check_own_folder(folder)
}

/// Whether a path holds a folder of this user's own, and no link to one.
///
/// # Errors
/// As [`make_own_folder`]; [`io::ErrorKind::NotFound`] where there is nothing.
pub fn check_own_folder(folder: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(folder)?;
    if found.is_dir() && is_ours(&found) { Ok(()) } else { Err(refused(&found)) }
}

/// Opens a file of our own to append to, made if missing.
///
/// # Errors
/// As [`make_own_folder`], for a file; it may have one name only.
pub fn append_to_own_file(path: &Path) -> io::Result<File> {
    let file = open_own_file(path, owner_only_file().create(true).append(true))?;
    let found = file.metadata()?;
    if has_one_name(&found) { Ok(file) } else { Err(refused(&found)) }
}

/// Opens a file of our own to read.
///
/// # Errors
/// As [`make_own_folder`], for a file.
pub fn read_own_file(path: &Path) -> io::Result<File> {
    open_own_file(path, OpenOptions::new().read(true))
}

fn open_own_file(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Neither follows a link nor waits for whoever is to open the other end of a pipe.
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    if let Ok(found) = fs::symlink_metadata(path)
        && !found.is_file()
    {
        return Err(refused(&found));
    }
    let file = options.open(path)?;
    let found = file.metadata()?;
    if found.is_file() && is_ours(&found) { Ok(file) } else { Err(refused(&found)) }
}

fn refused(found: &Metadata) -> io::Error {
    let what = if found.is_symlink() { "is a symbolic link" } else { "is not this user's own" };
    io::Error::new(io::ErrorKind::PermissionDenied, format!("what is there {what}"))
}

#[cfg(unix)]
fn is_ours(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(found) == rustix::process::geteuid().as_raw()
}

/// Windows gives what a user makes to that user alone.
#[cfg(not(unix))]
fn is_ours(_: &Metadata) -> bool {
    true
}

/// A second name may be another file that somebody wants changed.
#[cfg(unix)]
fn has_one_name(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(found) == 1
}

#[cfg(not(unix))]
fn has_one_name(_: &Metadata) -> bool {
    true
}

/// Whether this user may write there.
#[cfg(unix)]
pub(crate) fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
pub(crate) fn is_writable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| !data.permissions().readonly() || data.is_dir())
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_planted_is_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::write(path("victim"), "kept").unwrap();
        fs::create_dir(path("folder")).unwrap();
        symlink(path("victim"), path("link")).unwrap();
        symlink(path("nowhere"), path("dangling")).unwrap();
        symlink(path("folder"), path("folder-link")).unwrap();
        fs::hard_link(path("victim"), path("second-name")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        for name in ["link", "dangling", "folder", "folder-link", "second-name", "pipe"] {
            append_to_own_file(&path(name)).unwrap_err();
        }
        for name in ["link", "dangling", "folder-link", "victim"] {
            make_own_folder(&path(name)).unwrap_err();
        }
        read_own_file(&path("link")).unwrap_err();
        assert!(!path("nowhere").exists());
        assert_eq!(fs::read_to_string(path("victim")).unwrap(), "kept");
        make_own_folder(&path("folder")).unwrap();
        append_to_own_file(&path("new")).unwrap().write_all(b"a").unwrap();
        append_to_own_file(&path("new")).unwrap().write_all(b"b").unwrap();
        assert_eq!(fs::read_to_string(path("new")).unwrap(), "ab");
    }

    #[test]
    fn the_name_of_each_new_folder_reaches_the_disk() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let mut synced = Vec::new();
        let mut make = |name: &str, there: &[&str]| {
            synced.clear();
            let note = &mut |folder: &Path| {
                synced.push(folder.to_owned());
                Ok(())
            };
            make_folders(&path(name), note).unwrap();
            assert_eq!(synced, there.iter().map(|name| path(name)).collect::<Vec<_>>());
            assert!(path(name).is_dir());
        };
        make("a/b/c", &["", "a", "a/b"]);
        make("a/b/d", &["a/b"]);
        make("a/b/d", &[]);
    }
}
