//! Damage to what a database says of itself in its header.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::PathBuf;

use tooltally_conformance::events::mixed_all;
use tooltally_core::{Condition, Error, Log, Maintenance, MaintenanceExt};
use tooltally_sqlite::SqliteStore;

/// A closed store whose file was changed.
fn damaged(change: impl FnOnce(&mut Vec<u8>)) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let store = SqliteStore::open(&path).unwrap();
    store.append(&mixed_all(0..100), Condition::None).unwrap();
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn a_schema_of_a_form_that_sqlite_does_not_know_is_damage() {
    let (_folder, path) = damaged(|bytes| bytes[44..48].copy_from_slice(&9_u32.to_be_bytes()));
    let refusal = SqliteStore::open(&path).err().unwrap();
    assert!(matches!(&refusal, Error::Corrupt { place, .. } if place == "the SQLite file"), "{refusal:?}");
}

/// A rebuild makes tables anew, and leaves alone what stands in none of them.
#[test]
fn damage_that_a_rebuild_leaves_is_gone_once_the_file_was_compacted() {
    for at in [65, 102] {
        let (_folder, path) = damaged(|bytes| bytes[at] ^= 0x20);
        let store = SqliteStore::open(&path).unwrap();
        assert!(store.verify_quietly().unwrap_err().is_corrupt(), "byte {at}");
        store.rebuild_quietly().unwrap();
        assert!(store.verify_quietly().unwrap_err().is_corrupt(), "byte {at}");
        store.compact().unwrap();
        assert_eq!(store.verify_quietly().unwrap().events, 100, "byte {at}");
        drop(store);
        assert_eq!(SqliteStore::open(&path).unwrap().verify_quietly().unwrap().events, 100, "byte {at}");
    }
}

/// Whoever opens a store reads its first page in any case, and `salvage` finds the log's table there.
#[test]
fn the_schema_stands_on_the_first_page() {
    const LEAF: u8 = 13;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    drop(SqliteStore::open(&path).unwrap());
    assert_eq!(fs::read(&path).unwrap()[100], LEAF, "the schema has grown past its page");
}

/// SQLite opens what names a later version of its format to read it alone, and what has another text encoding too.
#[test]
fn a_form_of_sqlites_that_no_store_has_is_told() {
    for at in [18, 19, 56, 59] {
        let (_folder, path) = damaged(|bytes| bytes[at] |= 0x82);
        assert!(SqliteStore::open(&path).is_err_and(|error| error.is_corrupt()), "byte {at}");
        // A database that was only begun is somebody else's then.
        let empty = path.with_file_name("begun.db");
        rusqlite::Connection::open(&empty)
            .unwrap()
            .execute_batch("PRAGMA user_version = 1; PRAGMA user_version = 0")
            .unwrap();
        let mut bytes = fs::read(&empty).unwrap();
        bytes[at] |= 0x82;
        fs::write(&empty, bytes).unwrap();
        assert!(matches!(SqliteStore::open(&empty), Err(Error::NotAStore { .. })), "byte {at}");
    }
}
