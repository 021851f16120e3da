//! A disk that fails to take what was written, drops it, and says so once: a later confirmation is not one of what was
//! dropped. Until then that can still be read, or is gone at once.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
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
    /// Whether what was dropped is read as it was before.
    forgets: bool,
}

impl Disk {
    fn sync(&mut self, path: &Path) -> io::Result<()> {
        self.syncs += 1;
        let dirty = std::mem::take(&mut self.dirty);
        let mut file = fs::read(path)?;
        if self.syncs == self.fails_at {
            if self.forgets {
                let kept = self.image.len().min(file.len());
                file[..kept].copy_from_slice(&self.image[..kept]);
                file[kept..].fill(0);
                fs::OpenOptions::new().write(true).open(path)?.write_all(&file)?;
            }
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
        self.disk.lock().unwrap().sync(&self.path)
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

fn open(path: &Path, disk: &Arc<Mutex<Disk>>, options: &OpenOptions) -> RedbEngine {
    let (disk, shown) = (Arc::clone(disk), path.to_owned());
    let layer = move |backend| -> io::Result<Box<dyn StorageBackend>> {
        Ok(Box::new(Dropping { backend, path: shown.clone(), disk: Arc::clone(&disk) }))
    };
    RedbEngine::open_beneath(path, options, Arc::new(layer)).unwrap()
}

#[test]
fn what_a_failing_disk_dropped_is_written_again() {
    append_on_a_failing_disk(1, &OpenOptions::new().exclusive(true).wait(Duration::ZERO));
}

/// There a commit waits for the disk twice, so that nobody builds upon what the first wait did not confirm.
#[test]
fn what_a_failing_disk_dropped_is_nothing_that_a_shared_store_builds_upon() {
    append_on_a_failing_disk(2, &OpenOptions::new().wait(Duration::ZERO));
}

/// Some have a store open and append in turns; one confirmation of the disk fails. After each append that was
/// acknowledged the power fails.
fn append_on_a_failing_disk(openers: usize, options: &OpenOptions) {
    let folder = TempDir::new().unwrap();
    let (path, image) = (folder.path().join("usage.redb"), folder.path().join("image.redb"));
    let mut failed = 0;
    for (fails_at, forgets) in (1..12).flat_map(|fails_at| [(fails_at, false), (fails_at, true)]) {
        let _ = fs::remove_file(&path);
        let disk = Arc::new(Mutex::new(Disk::default()));
        let engines: Vec<RedbEngine> = (0..openers).map(|_| open(&path, &disk, options)).collect();
        append(&engines[0], 200).unwrap();
        {
            let mut disk = disk.lock().unwrap();
            (disk.syncs, disk.fails_at, disk.forgets) = (0, fails_at, forgets);
        }
        for engine in engines.iter().cycle().take(8) {
            let appended = append(engine, 40);
            failed += u32::from(appended.is_err());
            let Ok(promised) = appended else { continue };
            fs::write(&image, &disk.lock().unwrap().image).unwrap();
            let after = RedbEngine::open_with(&image, &OpenOptions::new().wait(Duration::ZERO));
            let after = after.map_err(|error| format!("sync {fails_at} failed, {forgets}: {error:?}")).unwrap();
            assert_eq!(head(&after).unwrap(), promised, "sync {fails_at} failed, {forgets}");
            assert_eq!(after.read(read_all).unwrap(), promised.get());
            after.check().unwrap();
        }
    }
    assert!(failed >= 10, "{failed}");
}
