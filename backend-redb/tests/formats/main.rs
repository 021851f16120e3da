//! File formats: what is read for ever, what is migrated, what is refused and left.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops at the first surprise")]

mod golden;
mod migration;
mod refused;

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tooltally_conformance::files;

/// Golden files: a closed store; one that others share, as a killed writer leaves it; and one that its writer had for
/// itself, which redb has to mend.
const CLOSED: &str = "format-1.redb";
const KILLED: &str = "format-1-killed.redb";
const UNCLEAN: &str = "format-1-unclean.redb";

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// A copy of a golden file, in a folder of its own.
fn copy_of(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    files::copy_all(&[name], &golden_folder(), folder.path());
    let path = folder.path().join(name);
    (folder, path)
}

/// The two bytes of the header that name the format.
fn header_format(path: &Path) -> [u8; 2] {
    let bytes = std::fs::read(path).unwrap();
    [bytes[10], bytes[11]]
}
