//! File formats: what is read for ever, what is migrated, what is refused and left.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops at the first surprise")]

mod golden;
mod migration;
mod refused;

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tooltally_conformance::files;

/// Golden files: a closed store, and one as a killed writer leaves it.
const CLOSED: [&str; 1] = ["format-1.db"];
const KILLED: [&str; 2] = ["format-1-killed.db", "format-1-killed.db-wal"];

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// A copy of golden files, in a folder of its own; the first is the database.
fn copy_of(names: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    files::copy_all(names, &golden_folder(), folder.path());
    let path = folder.path().join(names[0]);
    (folder, path)
}
