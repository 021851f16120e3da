//! Which folders a store's waiting events may be in.

use std::path::PathBuf;

use sha2::{Digest, Sha256};
use tooltally::StoreUrl;

use crate::place::{beside, data_folder};

/// The folders, the preferred one first: beside the store; in the program's data folder, under the digest of the
/// store's path; in the system's folder for temporary files, which may be on another disk, and beats losing an event.
pub(super) fn of(url: &StoreUrl) -> Vec<PathBuf> {
    let mut places = vec![beside(url, ".spool")];
    let path = std::path::absolute(url.path()).unwrap_or_else(|_| url.path().to_path_buf());
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let number = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let name = format!("{number:016x}");
    if let Some(data) = data_folder() {
        places.push(data.join("spool").join(&name));
    }
    places.push(std::env::temp_dir().join(format!("tooltally-{}{name}.spool", user())));
    places
}

/// The user, where the folder for temporary files is everybody's.
fn user() -> String {
    #[cfg(unix)]
    return format!("{}-", rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    String::new()
}
