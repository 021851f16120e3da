//! The suite on a plain backend of some 350 lines, `store.rs` and `line.rs`: to be read by those who write another.

mod line;
mod store;

use std::path::Path;

use store::PlainStore;
use tooltally_conformance::{FileBacked, Folder, Harness, conformance_suite};
use tooltally_core::{OpenOptions, Result, Store};

struct Plain;

impl Harness for Plain {
    type Place = Folder;

    fn place() -> Folder {
        Folder::new()
    }

    fn address(place: &Folder) -> String {
        place.file("usage.plain")
    }

    fn open(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        Ok(Box::new(PlainStore::open_with(address.as_ref(), options)?))
    }
}

impl FileBacked for Plain {
    #[expect(clippy::expect_used, reason = "a test")]
    fn make_newer_format(file: &Path) -> u32 {
        store::set_format(file, store::FORMAT + 1).expect("the file can be written");
        store::FORMAT + 1
    }
}

conformance_suite!(Plain);
