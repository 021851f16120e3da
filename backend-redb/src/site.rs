//! Where a store's file is, and what stands between the two.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{DatabaseError, StorageBackend};

use crate::file::StoreFile;

/// Puts something between a store and a file that it has opened: for tests that record what a store does to its
/// disk, or that break the disk beneath it.
pub type Layer = Arc<dyn Fn(FileBackend) -> io::Result<Box<dyn StorageBackend>> + Send + Sync>;

/// The pages that this process has written and that the disk has not confirmed.
pub(crate) type Unconfirmed = Arc<Mutex<BTreeSet<u64>>>;

/// The place of a store.
#[derive(Clone)]
pub(crate) struct Site {
    path: PathBuf,
    layer: Option<Layer>,
    /// Kept where nobody else writes, from one opening to the next.
    unconfirmed: Option<Unconfirmed>,
}

impl Site {
    /// A file, beneath a layer if there is one.
    pub(crate) fn new(path: &Path, layer: Option<Layer>) -> Self {
        Self { path: path.to_owned(), layer, unconfirmed: None }
    }

    /// The same, for an engine that keeps others out or does not.
    pub(crate) fn exclusive(mut self, exclusive: bool) -> Self {
        self.unconfirmed = exclusive.then(Unconfirmed::default);
        self
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file, which exists, with locks awaited for this long.
    pub(crate) fn open(&self, writable: bool, wait: Duration) -> Result<StoreFile, DatabaseError> {
        let file = FileBackend::new(File::options().read(true).write(writable).open(&self.path)?)?;
        let backend = match &self.layer {
            None => Box::new(file),
            Some(layer) => layer(file)?,
        };
        Ok(StoreFile::new(backend, wait, self.unconfirmed.clone().filter(|_| writable)))
    }
}
