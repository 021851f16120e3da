//! The shared suite on stores in redb files.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is how it fails")]

use std::path::Path;

use redb::TableDefinition;
use tooltally_conformance::{FileBacked, Folder, Harness};
use tooltally_core::{OpenOptions, Result, Store};
use tooltally_redb::{RedbStore, StoreFile};

struct OnDisk;

impl Harness for OnDisk {
    type Place = Folder;

    fn place() -> Folder {
        Folder::new()
    }

    fn address(place: &Folder) -> String {
        place.file("usage.redb")
    }

    fn open(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        Ok(Box::new(RedbStore::open_with(address, options)?))
    }
}

impl FileBacked for OnDisk {
    fn make_newer_format(file: &Path) -> u32 {
        const FORMAT: TableDefinition<'static, &str, (u32, u32)> = TableDefinition::new("tooltally_format");
        let database = redb::Builder::new().create_with_backend(StoreFile::open(file).unwrap()).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(FORMAT).unwrap().insert("version", (99, !99)).unwrap();
        transaction.commit().unwrap();
        99
    }
}

tooltally_conformance::conformance_suite!(OnDisk);
