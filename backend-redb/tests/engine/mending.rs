//! A file whose last commit is torn, and an opening that is cut short while it goes back to the commit before.

use std::fs;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{append, head, read_all};
use redb::backends::{FileBackend, InMemoryBackend};
use redb::{BackendError, StorageBackend};
use tempfile::TempDir;
use tooltally_core::OpenOptions;
use tooltally_core::ledger::Engine;
use tooltally_redb::{Layer, RedbEngine};

/// The states of a file while it is written to, halves of writes too.
type States = Arc<Mutex<Vec<Vec<u8>>>>;

#[derive(Debug)]
struct Watched {
    backend: Box<dyn StorageBackend>,
    path: PathBuf,
    states: States,
    /// What happens as soon as the file is closed.
    afterwards: Option<fn(&Path)>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(afterwards) = self.afterwards {
            drop(std::mem::replace(&mut self.backend, Box::new(InMemoryBackend::new())));
            afterwards(&self.path);
        }
    }
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

/// Beneath a store; what happens afterwards happens after its first opening.
fn layer(path: &Path, states: &States, afterwards: Option<fn(&Path)>) -> Layer {
    let (path, states, afterwards) = (path.to_owned(), Arc::clone(states), Mutex::new(afterwards));
    Arc::new(move |backend: FileBackend| -> io::Result<Box<dyn StorageBackend>> {
        let afterwards = afterwards.lock().unwrap().take();
        Ok(Box::new(Watched {
            backend: Box::new(backend),
            path: path.clone(),
            states: Arc::clone(&states),
            afterwards,
        }))
    })
}

/// The states that a file goes through while it is opened and closed.
fn states_of_opening(path: &Path, options: &OpenOptions) -> Vec<Vec<u8>> {
    let states = States::default();
    drop(RedbEngine::open_beneath(path, options, layer(path, &states, None)).unwrap());
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

/// Between two looks of one who opens a store that a killed writer left, another one mends it.
#[test]
fn a_store_that_another_process_mends_meanwhile_opens() {
    const FLAGS_AT: usize = 9;
    // To be mended, by commits in two phases, and not known to be on the disk.
    const LEFT: u8 = 0x0e;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("usage.redb");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/format-1-killed.redb");
    let mut left = fs::read(golden).unwrap();
    left[FLAGS_AT] = LEFT;
    fs::write(&path, &left).unwrap();
    let mend = |path: &Path| drop(RedbEngine::open_with(path, &OpenOptions::new()).unwrap());
    let engine = RedbEngine::open_beneath(&path, &OpenOptions::new(), layer(&path, &States::default(), Some(mend)));
    let engine = engine.unwrap();
    assert_ne!(fs::read(&path).unwrap()[FLAGS_AT], LEFT, "it was to be mended");
    engine.check().unwrap();
}
