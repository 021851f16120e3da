//! The shared suite on SQLite.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use tooltally_conformance::{FileBacked, Folder, Harness, conformance_suite};
use tooltally_core::{OpenOptions, Result, Store};
use tooltally_sqlite::SqliteStore;

struct OnDisk;

impl Harness for OnDisk {
    type Place = Folder;

    fn place() -> Folder {
        Folder::new()
    }

    fn address(place: &Folder) -> String {
        place.file("usage.db")
    }

    fn open(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        Ok(Box::new(SqliteStore::open_with(address, options)?))
    }
}

impl FileBacked for OnDisk {
    fn make_newer_format(file: &Path) -> u32 {
        let connection = rusqlite::Connection::open(file).unwrap();
        connection.execute_batch("PRAGMA user_version = 2; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
        2
    }
}

conformance_suite!(OnDisk, persistent: supported, many_processes: supported, file_backed: supported);
