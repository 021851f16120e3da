//! What is refused stays byte for byte as it is, with its times and permissions, and nothing comes beside it.

use std::fs;
use std::path::{Path, PathBuf};

use redb::{ReadableDatabase as _, TableDefinition};
use tempfile::TempDir;
use tooltally_conformance::{files, golden};
use tooltally_core::{Error, LogExt as _, MaintenanceExt as _, OpenOptions};
use tooltally_redb::{Migrations, RedbStore, StoreFile};

use crate::{CLOSED, KILLED, UNCLEAN, copy_of, golden_folder, header_format};

/// A program of format 2, which changes nothing else.
const TWO: Migrations = Migrations::new(&[|_| Ok(())]);

/// Tries to open in every way; answers with the refusal.
fn refused(path: &Path) -> Error {
    let folder = path.parent().unwrap();
    let before = files::all_in(folder);
    let plain = OpenOptions::new;
    let ways =
        [plain().exclusive(true), plain().create(false), plain().migrate(false), plain().tidy_close(false), plain()];
    let mut refusal = None;
    for options in ways {
        let opened = RedbStore::open_with(path, &options);
        refusal = Some(opened.err().unwrap_or_else(|| panic!("{options:?}: it opened")));
        assert!(files::all_in(folder) == before, "{refusal:?}: it is changed, or something made beside it");
    }
    refusal.unwrap()
}

fn is_newer(refusal: &Error) -> bool {
    matches!(refusal, Error::UnsupportedFormat { found: 2, supported: 1 })
}

fn is_no_store(refusal: &Error) -> bool {
    matches!(refusal, Error::NotAStore { .. })
}

#[test]
fn a_newer_format_in_a_closed_store() {
    for options in [OpenOptions::new(), OpenOptions::new().exclusive(true)] {
        for name in [CLOSED, KILLED, UNCLEAN] {
            let (_folder, path) = copy_of(name);
            drop(RedbStore::open_migrating(&path, &options, TWO, None).unwrap());
            assert!(is_newer(&refused(&path)));
        }
    }
}

#[test]
fn a_newer_format_that_a_killed_writer_left() {
    for options in [OpenOptions::new(), OpenOptions::new().exclusive(true)] {
        for is_written in [false, true] {
            let (folder, path) = copy_of(CLOSED);
            let newer = RedbStore::open_migrating(&path, &options, TWO, None).unwrap();
            if is_written {
                newer.record(&golden::another()).unwrap();
            }
            let left = folder.path().join("left.redb");
            fs::copy(&path, &left).unwrap();
            assert_eq!(header_format(&left), [2, !2]);
            drop(newer);
            assert!(is_newer(&refused(&left)));
        }
    }
}

#[test]
fn another_programs_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.redb");
    let table = TableDefinition::<u64, u64>::new("theirs");
    let fill = |database: &redb::Database| {
        let transaction = database.begin_write().unwrap();
        transaction.open_table(table).unwrap().insert(1, 1).unwrap();
        transaction.commit().unwrap();
    };
    let plain = redb::Database::create(&path).unwrap();
    fill(&plain);
    let left = TempDir::new().unwrap();
    fs::copy(&path, left.path().join("usage.redb")).unwrap();
    drop(plain);
    assert!(is_no_store(&refused(&path)));
    assert!(is_no_store(&refused(&left.path().join("usage.redb"))), "as a killed writer leaves it");
    // One with checksums on its pages, and other tables.
    fs::write(&path, "").unwrap();
    let mut builder = redb::Builder::new();
    builder.set_concurrency_mode(redb::ConcurrencyMode::MultiWriter);
    let ours = builder.create_with_backend(StoreFile::open(&path).unwrap()).unwrap();
    fill(&ours);
    fs::copy(&path, left.path().join("usage.redb")).unwrap();
    drop(ours);
    assert!(is_no_store(&refused(&path)));
    assert!(is_no_store(&refused(&left.path().join("usage.redb"))), "as a killed writer leaves it");
}

/// Opened to write, the table would be made, and lack what was folded before.
#[test]
fn a_development_versions_store_that_lacks_a_table() {
    let (_folder, path) = copy_of(CLOSED);
    let mut builder = redb::Builder::new();
    builder.set_concurrency_mode(redb::ConcurrencyMode::MultiWriter);
    let database = builder.create_with_backend(StoreFile::open(&path).unwrap()).unwrap();
    let transaction = database.begin_write().unwrap();
    assert!(transaction.delete_table(TableDefinition::<&[u8], &[u8]>::new("trails")).unwrap());
    transaction.commit().unwrap();
    drop(database);
    let refusal = refused(&path);
    assert!(refusal.is_corrupt() && refusal.to_string().contains("development version"), "{refusal}");
}

#[test]
fn what_is_no_database() {
    let (folder, path): (TempDir, PathBuf) = copy_of(CLOSED);
    let sqlite = golden_folder().join("../../../backend-sqlite/tests/golden/format-1.db");
    let contents: [&[u8]; 5] =
        [b"Dear diary\n", &[0; 1000], &[0xA5; 9000], b"SQLite format 3\0 and more", &fs::read(sqlite).unwrap()];
    for content in contents {
        fs::write(&path, content).unwrap();
        assert!(is_no_store(&refused(&path)));
    }
    drop(folder);
}

/// Where redb's header says how many pages the last region has.
const PAGES_SAID: std::ops::Range<usize> = 28..32;

#[test]
fn a_database_that_lost_its_end() {
    for name in [CLOSED, KILLED, UNCLEAN] {
        let whole = fs::read(golden_folder().join(name)).unwrap();
        let (mut refusals, half) = (0, whole.len() / 2);
        for length in [1, 9, 10, 100, 319, 320, 4095, 4096, 5000, 8192, half, whole.len() - 4096, whole.len() - 1] {
            let (folder, path) = copy_of(name);
            fs::write(&path, &whole[..length]).unwrap();
            match RedbStore::open(&path) {
                Err(refusal) => {
                    refusals += 1;
                    assert!(is_no_store(&refusal) || refusal.is_corrupt(), "{length} of {name}: {refusal:?}");
                    // A file that redb has to mend first is written to before it shows that it cannot be.
                    if name != UNCLEAN {
                        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{length} of {name}");
                        let mut left = fs::read(&path).unwrap();
                        // Of a file whose header says that there are more pages, redb notes how many it has found.
                        if let (Some(noted), Some(said)) = (left.get_mut(PAGES_SAID), whole.get(PAGES_SAID)) {
                            noted.copy_from_slice(said);
                        }
                        assert!(left == whole[..length], "{length} of {name}: it is changed");
                    }
                }
                Ok(store) => assert!(store.verify_quietly().is_err() || length > half, "{length} of {name}"),
            }
        }
        assert!(refusals >= 8, "{name}: {refusals}");
    }
}

/// An open store of the old program changes a migrated file neither by care nor by proof.
#[test]
fn a_store_migrated_meanwhile_is_neither_compacted_nor_checked() {
    let (folder, path) = copy_of(CLOSED);
    let old = RedbStore::open(&path).unwrap();
    drop(RedbStore::open_migrating(&path, &OpenOptions::new(), TWO, None).unwrap());
    let before = files::all_in(folder.path());
    let answers = [
        tooltally_core::Maintenance::compact(&old),
        old.verify_quietly().map(drop),
        old.rebuild_quietly(),
        old.record(&golden::another()).map(drop),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(Error::UnsupportedFormat { found: 2, supported: 1 })), "{answer:?}");
    }
    drop(old);
    assert!(files::all_in(folder.path()) == before, "an old program changes a newer file");
    let database = redb::Builder::new().create_with_backend(StoreFile::open(&path).unwrap()).unwrap();
    assert!(database.begin_read().unwrap().list_tables().unwrap().count() > 5);
}
