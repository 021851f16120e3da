//! What is refused stays byte for byte as it is, with its times and permissions, and nothing comes beside it.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use tooltally_conformance::files;
use tooltally_core::{Error, OpenOptions};
use tooltally_sqlite::SqliteStore;

use crate::{CLOSED, KILLED, copy_of, golden_folder};

/// Tries to open in every way; answers with the refusal.
fn refused(path: &Path) -> Error {
    let folder = path.parent().unwrap();
    let before = files::all_in(folder);
    let plain = OpenOptions::new;
    let ways =
        [plain().exclusive(true), plain().create(false), plain().migrate(false), plain().tidy_close(false), plain()];
    let mut refusal = None;
    for options in ways {
        let opened = SqliteStore::open_with(path, &options);
        refusal = Some(opened.err().unwrap_or_else(|| panic!("{options:?}: it opened")));
        let after = files::all_in(folder);
        let names = |all: &[files::Entry]| all.iter().map(|entry| entry.path.clone()).collect::<Vec<_>>();
        assert_eq!(names(&after), names(&before), "something is made or deleted beside it");
        assert!(after == before, "{refusal:?}: it is changed");
    }
    refusal.unwrap()
}

/// Does something to a database and copies what a process leaves that is killed then, without the `-shm` file.
fn left_by_a_killed_writer(from: &Path, change: &str) -> (TempDir, PathBuf) {
    let writer = Connection::open(from).unwrap();
    writer.execute_batch("PRAGMA wal_autocheckpoint = 0").unwrap();
    writer.execute_batch(change).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let name = from.file_name().unwrap().to_str().unwrap();
    for name in [name.to_owned(), format!("{name}-wal"), format!("{name}-journal")] {
        if from.with_file_name(&name).exists() {
            fs::copy(from.with_file_name(&name), folder.path().join(&name)).unwrap();
        }
    }
    let path = folder.path().join(name);
    (folder, path)
}

fn is_newer(refusal: &Error) -> bool {
    matches!(refusal, Error::UnsupportedFormat { found: 7, supported: 1 })
}

fn is_no_store(refusal: &Error) -> bool {
    matches!(refusal, Error::NotAStore { .. })
}

#[test]
fn a_newer_format_in_a_closed_store() {
    let (_folder, path) = copy_of(&CLOSED);
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 7").unwrap();
    assert!(is_newer(&refused(&path)));
}

#[test]
fn a_newer_format_that_a_killed_writer_left() {
    let (_folder, path) = copy_of(&CLOSED);
    // In the write-ahead log alone; then in both; then with a transaction after it that was not finished.
    let (_left, left) = left_by_a_killed_writer(&path, "PRAGMA user_version = 7");
    assert!(is_newer(&refused(&left)));
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 7").unwrap();
    let (_left, both) = left_by_a_killed_writer(&path, "CREATE TABLE more (a)");
    assert!(is_newer(&refused(&both)));
    let wal = left.with_extension("db-wal");
    let mut torn = fs::read(&wal).unwrap();
    torn.extend(vec![0xAB; 3000]);
    fs::write(&wal, torn).unwrap();
    assert!(is_newer(&refused(&left)));
}

#[test]
fn a_newer_format_whose_index_of_the_log_is_left_too() {
    let (_folder, path) = copy_of(&CLOSED);
    let (_left, left) = left_by_a_killed_writer(&path, "PRAGMA user_version = 7");
    // What SQLite left of its index of the log is for processes to share, and made anew by whoever comes.
    fs::write(left.with_extension("db-shm"), vec![0; 32 << 10]).unwrap();
    let lasting = || {
        let all = files::all_in(left.parent().unwrap()).into_iter();
        all.filter(|entry| entry.path.extension().unwrap() != "db-shm").collect::<Vec<_>>()
    };
    let before = lasting();
    for options in [OpenOptions::new(), OpenOptions::new().create(false).migrate(false)] {
        assert!(is_newer(&SqliteStore::open_with(&left, &options).err().unwrap()));
        assert_eq!(lasting(), before);
    }
}

/// A newer format that was never committed is none: the store opens as what it is.
#[test]
fn a_newer_format_in_a_transaction_that_was_not_finished_counts_for_nothing() {
    let (_folder, path) = copy_of(&CLOSED);
    let (_left, left) = left_by_a_killed_writer(&path, "PRAGMA user_version = 7");
    let wal = left.with_extension("db-wal");
    let whole = fs::read(&wal).unwrap();
    fs::write(&wal, &whole[..whole.len() - 1]).unwrap();
    SqliteStore::open(&left).unwrap();
}

#[test]
fn another_programs_database() {
    let folder = tempfile::tempdir().unwrap();
    let journals = ["DELETE", "WAL"];
    let marks = ["", "PRAGMA application_id = 252006674;", "PRAGMA user_version = 1;"];
    for (n, (journal, mark)) in journals.iter().flat_map(|j| marks.map(|m| (j, m))).enumerate() {
        let path = folder.path().join(format!("{n}.db"));
        let make = format!("PRAGMA journal_mode = {journal}; {mark} CREATE TABLE t (a); INSERT INTO t VALUES (1);");
        Connection::open(&path).unwrap().execute_batch(&make).unwrap();
        assert!(is_no_store(&refused(&path)), "{make}");
        let (_left, left) = left_by_a_killed_writer(&path, "INSERT INTO t VALUES (2); CREATE TABLE more (a);");
        assert!(is_no_store(&refused(&left)), "{make}");
        let (_left, left) = left_by_a_killed_writer(&path, "PRAGMA cache_size = 1; BEGIN; UPDATE t SET a = 9;");
        assert!(is_no_store(&refused(&left)), "{make}");
    }
    // All that it has stands in the log alone.
    let path = folder.path().join("new.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a); DROP TABLE t;")
        .unwrap();
    let (_left, left) = left_by_a_killed_writer(&path, "CREATE TABLE theirs (a)");
    assert!(is_no_store(&refused(&left)));
}

/// Found by SQLite, which leaves files of its own beside it.
#[test]
fn a_development_versions_store_that_lacks_a_table() {
    let (_folder, path) = copy_of(&CLOSED);
    Connection::open(&path).unwrap().execute_batch("DROP TABLE trails").unwrap();
    let before = fs::read(&path).unwrap();
    let refusal = SqliteStore::open(&path).err().unwrap();
    assert!(refusal.is_corrupt() && refusal.to_string().contains("development version"), "{refusal}");
    assert!(fs::read(&path).unwrap() == before, "it is changed");
}

#[test]
fn what_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let redb = golden_folder().join("../../../backend-redb/tests/golden/format-1.redb");
    let contents: [&[u8]; 5] =
        [b"Dear diary\n", &[0; 4096], &[0xA5; 9000], b"SQLite format 3\0 and more", &fs::read(redb).unwrap()];
    for content in contents {
        fs::write(&path, content).unwrap();
        assert!(is_no_store(&refused(&path)));
        fs::write(path.with_extension("db-wal"), "what is this").unwrap();
        assert!(is_no_store(&refused(&path)));
        fs::remove_file(path.with_extension("db-wal")).unwrap();
    }
}

#[test]
fn a_database_that_lost_its_end() {
    let (_folder, path) = copy_of(&CLOSED);
    let whole = fs::read(&path).unwrap();
    for length in [16, 50, 99, 107, 108, 1000, 4096, 4097, whole.len() / 2, whole.len() - 4096, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let refusal = refused(&path);
        assert!(is_no_store(&refusal) || refusal.is_corrupt(), "{length}: {refusal:?}");
    }
    // What a killed writer's log counts, the file need not have yet: that is no damage.
    let (_folder, killed) = copy_of(&KILLED);
    SqliteStore::open(&killed).unwrap();
}

#[test]
fn an_unfinished_one_that_is_not_to_be_made() {
    let (_folder, path) = copy_of(&CLOSED);
    fs::remove_file(&path).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a); DROP TABLE t;")
        .unwrap();
    let before = files::all_in(path.parent().unwrap());
    for _ in 0..2 {
        let opened = SqliteStore::open_with(&path, &OpenOptions::new().create(false));
        assert!(matches!(opened.err(), Some(Error::Missing { .. })));
        assert_eq!(files::all_in(path.parent().unwrap()), before);
    }
}
