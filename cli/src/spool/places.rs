//! Which folders a store's waiting events may be in.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tooltally::StoreUrl;

use crate::place::{beside, data_folder, one_path};

/// The folders, the preferred one first: beside the store; in the program's data folder, under the digest of the
/// store's path; in the system's folder for temporary files, which may be on another disk, and beats losing an event.
///
/// Where the store's folder was missing when an event was put there and has come since, its path may be another one: so
/// the places of the path as it was called follow.
pub(super) fn of(url: &StoreUrl) -> Vec<PathBuf> {
    let (path, called) = (one_path(url), std::path::absolute(url.path()));
    let mut places = vec![beside(url, ".spool")];
    places.extend(elsewhere(&path));
    // Mostly the same path: each hook asks.
    places.extend(called.ok().filter(|called| *called != path).iter().flat_map(|called| elsewhere(called)));
    places
}

/// The place in the folder for temporary files that is no store's: for events of hooks that name none and have no home
/// folder. Who has one later finds them.
pub(super) fn of_nobody() -> PathBuf {
    in_temporary_folder("of-no-store")
}

fn elsewhere(store: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let digest = Sha256::digest(store.as_os_str().as_encoded_bytes());
    let number = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let name = format!("{number:016x}");
    let data = data_folder().map(|data| data.join("spool").join(&name));
    data.into_iter().chain([in_temporary_folder(&name)])
}

fn in_temporary_folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("tooltally-{}{name}.spool", user()))
}

/// The user, where the folder for temporary files is everybody's.
fn user() -> String {
    #[cfg(unix)]
    return format!("{}-", rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    String::new()
}
