//! A place with its address, and a store that was opened there.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tooltally_core::{OpenOptions, Result, Store};

use crate::harness::Harness;

/// Long enough that a wait runs out only where something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How cases open a store unless they say otherwise.
pub(crate) fn patient() -> OpenOptions {
    OpenOptions::new().wait(PATIENCE)
}

/// Opens the store at an address, which must succeed.
pub(crate) fn open_at<H: Harness>(address: &str) -> Box<dyn Store> {
    H::open(address, &patient()).unwrap_or_else(|e| panic!("the store at {address} does not open: {e:?}"))
}

/// An isolated place for one store.
pub(crate) struct Site<H: Harness> {
    address: String,
    _place: H::Place,
}

impl<H: Harness> Site<H> {
    pub(crate) fn new() -> Self {
        let place = H::place();
        Self { address: H::address(&place), _place: place }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The main file of a file-backed store.
    pub(crate) fn file(&self) -> &Path {
        Path::new(&self.address)
    }

    pub(crate) fn open(&self) -> Box<dyn Store> {
        open_at::<H>(&self.address)
    }

    pub(crate) fn open_with(&self, options: &OpenOptions) -> Result<Box<dyn Store>> {
        H::open(&self.address, options)
    }

    /// Every file of a file-backed store, sorted.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let folder = self.file().parent().expect("a file-backed store's address is the path of a file");
        let entries = std::fs::read_dir(folder).expect("the place's folder can be listed");
        let mut files: Vec<_> = entries.map(|e| e.expect("the place's folder can be listed").path()).collect();
        files.sort();
        files
    }

    /// Every file of a file-backed store with its bytes, sorted by path.
    pub(crate) fn bytes(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let read = |path: PathBuf| {
            let bytes = std::fs::read(&path).expect("a store's file can be read");
            (path, bytes)
        };
        self.files().into_iter().map(read).collect()
    }
}

/// A new store in a place of its own.
pub(crate) struct Fresh<H: Harness> {
    store: Box<dyn Store>,
    site: Site<H>,
}

/// A new store: what most cases begin with.
pub(crate) fn fresh<H: Harness>() -> Fresh<H> {
    let site = Site::new();
    Fresh { store: site.open(), site }
}

impl<H: Harness> Fresh<H> {
    /// Closes the store and opens it again.
    pub(crate) fn reopened(self) -> Self {
        let Self { store, site } = self;
        drop(store);
        Self { store: site.open(), site }
    }

    pub(crate) fn site(&self) -> &Site<H> {
        &self.site
    }

    /// Closes the store; the place stays.
    pub(crate) fn close(self) -> Site<H> {
        self.site
    }
}

impl<H: Harness> Deref for Fresh<H> {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}
