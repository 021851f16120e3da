//! The suite on the ledger over an engine in memory: what the backends share, without a file beneath it.

use tooltally_conformance::{Folder, Harness, conformance_suite};
use tooltally_core::ledger::{Ledger, MemoryEngine};
use tooltally_core::{OpenOptions, Result, Store};

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
        Ok(Box::new(Ledger::new(MemoryEngine::default())))
    }
}

conformance_suite!(InMemory, persistent: refused, many_processes: refused, file_backed: refused);
