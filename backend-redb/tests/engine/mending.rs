//! A file whose last commit is torn, and an opening that is cut short while it goes back to the commit before.

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

/// The states of a file while it is written to, halves of writes too.
type States = Arc<Mutex<Vec<Vec<u8>>>>;

#[derive(Debug)]
struct Watched {
    backend: FileBackend,
    path: PathBuf,
    states: States,
}

impl Watched {
    fn note(&self) -> io::Result<()> {
        self.states.lock().unwrap().push(fs::read(&self.path)?);
        Ok(())
    }
}

impl StorageBackend for Watched {
    fn len(&self) -> io::Result<u64> {
        self.backend.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.backend.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.backend.set_len(length)?;
        self.note()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.backend.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (half, rest) = data.split_at(data.len() / 2);
        self.backend.write(offset, half)?;
        self.note()?;
        self.backend.write(offset + half.len() as u64, rest)?;
        self.note()
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

/// The states that a file goes through while it is opened and closed.
fn states_of_opening(path: &Path, options: &OpenOptions) -> Vec<Vec<u8>> {
    let states = States::default();
    let (watched, shown) = (Arc::clone(&states), path.to_owned());
    let layer = move |backend| -> io::Result<Box<dyn StorageBackend>> {
        Ok(Box::new(Watched { backend, path: shown.clone(), states: Arc::clone(&watched) }))
    };
    drop(RedbEngine::open_beneath(path, options, Arc::new(layer)).unwrap());
    let mut states = std::mem::take(&mut *states.lock().unwrap());
    states.dedup();
    states
}

#[test]
fn an_opening_that_is_cut_short_leaves_a_file_that_opens() {
    const PAGE: usize = 4096;
    let folder = TempDir::new().unwrap();
    let (path, image) = (folder.path().join("usage.redb"), folder.path().join("image.redb"));
    let exclusive = OpenOptions::new().exclusive(true).wait(Duration::ZERO);
    let shared = OpenOptions::new().wait(Duration::ZERO);
    let engine = RedbEngine::open_with(&path, &exclusive).unwrap();
    append(&engine, 200).unwrap();
    for options in [exclusive, shared] {
        let promised = append(&engine, 1).unwrap();
        let before = fs::read(&path).unwrap();
        append(&engine, 1).unwrap();
        // The commit's header is on the disk, one of its pages is not.
        let mut torn = fs::read(&path).unwrap();
        assert_eq!(torn.len(), before.len());
        let changed = (1..torn.len() / PAGE)
            .filter(|page| torn[page * PAGE..][..PAGE] != before[page * PAGE..][..PAGE])
            .nth(1)
            .unwrap();
        torn[changed * PAGE..][..PAGE].copy_from_slice(&before[changed * PAGE..][..PAGE]);
        fs::write(&image, &torn).unwrap();
        let states = states_of_opening(&image, &options);
        assert!(states.len() > 5, "{}", states.len());
        for (number, state) in states.iter().enumerate() {
            fs::write(&image, state).unwrap();
            let engine = RedbEngine::open_with(&image, &options)
                .unwrap_or_else(|error| panic!("after {number} of {} states: {error:?}", states.len()));
            assert_eq!(head(&engine).unwrap(), promised, "state {number}");
            assert_eq!(engine.read(read_all).unwrap(), promised.get(), "state {number}");
            engine.check().unwrap();
            append(&engine, 1).unwrap();
        }
    }
}
