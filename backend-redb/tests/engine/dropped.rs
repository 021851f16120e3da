//! A disk that fails to take what was written, drops it, and says so once: what was written can still be read, and a
//! later confirmation is not one of what was dropped.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{append, head, read_all};
use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};
use tempfile::TempDir;
use tooltally_core::OpenOptions;
use tooltally_core::ledger::Engine;
use tooltally_redb::RedbEngine;

const SECTOR: u64 = 512;

/// What the power leaves of a file.
#[derive(Debug, Default)]
struct Disk {
    image: Vec<u8>,
    /// Sectors that were written and that the disk has not taken yet.
    dirty: BTreeSet<u64>,
    syncs: u64,
    /// The confirmation that fails, counted from 1.
    fails_at: u64,
}

impl Disk {
    fn sync(&mut self, file: &[u8]) -> io::Result<()> {
        self.syncs += 1;
        let dirty = std::mem::take(&mut self.dirty);
        if self.syncs == self.fails_at {
            return Err(io::Error::other("the disk failed, as the test wants it"));
        }
        self.image.resize(file.len(), 0);
        for sector in dirty {
            let from = usize::try_from(sector * SECTOR).unwrap();
            let to = file.len().min(from + usize::try_from(SECTOR).unwrap());
            if from < to {
                self.image[from..to].copy_from_slice(&file[from..to]);
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Dropping {
    backend: FileBackend,
    path: PathBuf,
    disk: Arc<Mutex<Disk>>,
}

impl StorageBackend for Dropping {
    fn len(&self) -> io::Result<u64> {
        self.backend.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.backend.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.backend.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.lock().unwrap().sync(&fs::read(&self.path)?)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.backend.write(offset, data)?;
        let end = (offset + data.len() as u64).div_ceil(SECTOR);
        self.disk.lock().unwrap().dirty.extend(offset / SECTOR..end);
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.backend.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.query_lock_range(start, end)
    }
}

fn open(path: &Path, disk: &Arc<Mutex<Disk>>) -> RedbEngine {
    let (disk, shown) = (Arc::clone(disk), path.to_owned());
    let layer = move |backend| -> io::Result<Box<dyn StorageBackend>> {
        Ok(Box::new(Dropping { backend, path: shown.clone(), disk: Arc::clone(&disk) }))
    };
    let options = OpenOptions::new().exclusive(true).wait(Duration::ZERO);
    RedbEngine::open_beneath(path, &options, Arc::new(layer)).unwrap()
}

#[test]
fn what_a_failing_disk_dropped_is_written_again() {
    let folder = TempDir::new().unwrap();
    let (path, image) = (folder.path().join("usage.redb"), folder.path().join("image.redb"));
    let mut failed = 0;
    for fails_at in 1..6 {
        let _ = fs::remove_file(&path);
        let disk = Arc::new(Mutex::new(Disk::default()));
        let engine = open(&path, &disk);
        append(&engine, 200).unwrap();
        {
            let mut disk = disk.lock().unwrap();
            (disk.syncs, disk.fails_at) = (0, fails_at);
        }
        for _ in 0..8 {
            let appended = append(&engine, 40);
            failed += u32::from(appended.is_err());
            let Ok(promised) = appended else { continue };
            // The power fails now.
            fs::write(&image, &disk.lock().unwrap().image).unwrap();
            let after = RedbEngine::open_with(&image, &OpenOptions::new().wait(Duration::ZERO));
            let after = after.unwrap_or_else(|error| panic!("sync {fails_at} failed: {error:?}"));
            assert_eq!(head(&after).unwrap(), promised, "sync {fails_at} failed");
            assert_eq!(after.read(read_all).unwrap(), promised.get());
            after.check().unwrap();
        }
    }
    assert!(failed >= 5, "{failed}");
}
