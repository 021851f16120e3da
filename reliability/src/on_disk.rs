//! A store on a disk that records and fails.

use std::path::Path;
use std::sync::Arc;

use tooltally::{OpenOptions, RedbStore, Store};
use tooltally_fault_disk::{Disk, Watch, redb_layer};

use crate::{Backend, Result, newer};

/// A folder and the disk beneath it.
pub(crate) struct Site<'a> {
    backend: Backend,
    folder: &'a Path,
    pub(crate) disk: Disk,
    _watch: Watch,
}

impl<'a> Site<'a> {
    /// Puts a new disk beneath a folder that exists.
    pub(crate) fn new(backend: Backend, folder: &'a Path) -> Result<Self> {
        let disk = Disk::new();
        let watch = disk.watch(folder)?;
        Ok(Self { backend, folder, disk, _watch: watch })
    }

    /// Opens the backend's store there.
    pub(crate) fn open(&self, options: &OpenOptions) -> tooltally::Result<Box<dyn Store>> {
        if self.backend == Backend::Sqlite {
            return self.backend.open(self.folder, options);
        }
        let options = options.clone().exclusive(self.backend == Backend::RedbExclusive);
        let path = self.backend.file(self.folder);
        Ok(Box::new(RedbStore::open_beneath(path, &options, Arc::new(redb_layer(&self.disk)))?))
    }

    /// Opens it by the program of a newer format.
    pub(crate) fn open_newer(&self, options: &OpenOptions) -> tooltally::Result<Box<dyn Store>> {
        newer::open(self.backend, self.folder, options, Some(Arc::new(redb_layer(&self.disk))))
    }
}
