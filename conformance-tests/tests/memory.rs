//! The suite on the reference store, which refuses all three capabilities.

use tooltally_conformance::{Folder, Harness, conformance_suite};
use tooltally_core::{MemoryStore, OpenOptions, Result, Store};

struct InMemory;

impl Harness for InMemory {
    type Place = Folder;

    fn place() -> Folder {
        Folder::new()
    }

    fn address(place: &Folder) -> String {
        place.file("nothing")
    }

    fn open(_address: &str, _options: &OpenOptions) -> Result<Box<dyn Store>> {
        Ok(Box::new(MemoryStore::new()))
    }
}

conformance_suite!(InMemory, persistent: refused, many_processes: refused, file_backed: refused);
