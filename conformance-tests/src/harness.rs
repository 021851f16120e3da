//! What a backend writes to join: how a store is made, and where.

use std::path::Path;

use tempfile::TempDir;
use tooltally_core::{OpenOptions, Result, Store};

/// Makes isolated places and opens stores in them.
pub trait Harness: 'static {
    /// Where one store lives, apart from every other: a folder, a schema of a server. Dropping it cleans up.
    type Place;

    /// A new place, with no store in it yet.
    fn place() -> Self::Place;

    /// The address of the place's store: what [`open`](Self::open) takes, in this process or another.
    fn address(place: &Self::Place) -> String;

    /// Opens the store at an address, made if missing.
    ///
    /// A backend without one of the options leaves it out of account.
    ///
    /// # Errors
    /// The backend's own, which cases look at.
    fn open(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>>;
}

/// What the cases on files need besides, for the capability `file_backed`.
///
/// The address of such a store is the path of its main file, which has the same name in every place, and
/// every file in that file's folder is the store's.
pub trait FileBacked: Harness {
    /// Makes the store in this file, which is sound and closed, one of a newer format than this code knows,
    /// and gives that format's number.
    fn make_newer_format(file: &Path) -> u32;
}

/// What the cases on processes need besides. [`conformance_suite!`](crate::conformance_suite) writes it.
pub trait ProcessEntry: Harness {
    /// The path of the test that a started process runs, beginning with the name of its crate.
    const ENTRY: &'static str;
}

/// A place for stores in files: a folder of its own, gone when this is dropped.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// A new, empty folder, for its owner alone.
    ///
    /// # Panics
    /// If the system gives none.
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("tooltally-").tempdir().expect("the system gives a temporary folder"))
    }

    /// The path of a file in it, as an address.
    ///
    /// # Panics
    /// If the system's temporary folder has a name that is not Unicode.
    pub fn file(&self, name: &str) -> String {
        self.0.path().join(name).into_os_string().into_string().expect("the temporary folder's name is Unicode")
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}
