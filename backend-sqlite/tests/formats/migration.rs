//! Migrations, by programs of formats 2 and 3 that there are in these tests alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rusqlite::Connection;
use tempfile::TempDir;
use tooltally_conformance::events::{at, use_of};
use tooltally_conformance::{files, golden};
use tooltally_core::{
    Error, GroupBy, Log, LogExt as _, Maintenance, MaintenanceExt as _, OpenOptions, Position, Queries, Result,
    Selection,
};
use tooltally_fault_disk::Disk;
use tooltally_sqlite::{Migrations, SqliteStore};

use crate::{CLOSED, KILLED, copy_of};

/// Every row of the log is written anew, with a column more and its attributes spelt otherwise; a table says where each
/// tool was met first, and the view has a column more.
fn to_2(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DROP VIEW tool_usage_events;
        CREATE TABLE log_2 (position INTEGER PRIMARY KEY, moment INTEGER NOT NULL, row BLOB NOT NULL, attributes TEXT,
            kind INTEGER NOT NULL DEFAULT 1) STRICT;
        INSERT INTO log_2 SELECT position, moment, row, ' ' || attributes, 1 FROM log ORDER BY position;
        DROP TABLE log;
        ALTER TABLE log_2 RENAME TO log;
        CREATE TABLE discoveries (tool INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT;
        INSERT INTO discoveries
            SELECT CAST(CAST(substr(row, 21) AS TEXT) AS INTEGER), min(position) FROM log GROUP BY 1;
        CREATE VIEW tool_usage_events AS SELECT position AS id, kind FROM log;",
    )
}

/// Every value of a projection is written anew, in a table of another name and back.
fn to_3(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE calls_3 (key BLOB PRIMARY KEY, link BLOB NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
        INSERT INTO calls_3 SELECT key, link, value FROM calls;
        DROP TABLE calls;
        ALTER TABLE calls_3 RENAME TO calls;
        ALTER TABLE discoveries ADD COLUMN removed INTEGER;",
    )
}

const TWO: Migrations = Migrations::new(&[to_2]);
const THREE: Migrations = Migrations::new(&[to_2, to_3]);

fn open(path: &Path, migrations: Migrations) -> Result<SqliteStore> {
    SqliteStore::open_migrating(path, &OpenOptions::new(), migrations)
}

fn count(path: &Path, sql: &str) -> i64 {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn format(path: &Path) -> i64 {
    count(path, "SELECT user_version FROM pragma_user_version")
}

/// The store is in format 1, whole, as if nothing had been tried.
fn assert_still_old(path: &Path) {
    assert_eq!(format(path), 1);
    let store = SqliteStore::open(path).unwrap();
    assert!(golden::lines(&store).iter().map(String::as_str).eq(golden::FORMAT_1.lines()), "the old store has changed");
    store.verify_quietly().unwrap();
}

fn assert_migrated(path: &Path, store: &SqliteStore) {
    golden::check(store, &golden::FORMAT_1.lines().collect::<Vec<_>>(), &golden::lines(store));
    let tools = count(path, "SELECT count(*) FROM names WHERE kind = 0");
    assert_eq!(count(path, "SELECT count(*) FROM discoveries"), tools);
    assert_eq!(count(path, "SELECT position FROM discoveries WHERE tool = 1"), 1);
}

#[test]
fn an_older_store_is_migrated_and_answers_as_before() {
    let (_folder, path) = copy_of(&CLOSED);
    let store = open(&path, TWO).unwrap();
    assert_eq!(format(&path), 2);
    assert_migrated(&path, &store);
    let spelt = count(&path, "SELECT count(*) FROM log WHERE attributes LIKE ' {%'");
    assert!(spelt > 10, "the rows were written anew: {spelt}");
    drop(store);
    let before = files::all_in(path.parent().unwrap());
    let older = SqliteStore::open(&path).err().unwrap();
    assert!(matches!(older, Error::UnsupportedFormat { found: 2, supported: 1 }), "{older:?}");
    assert_eq!(files::all_in(path.parent().unwrap()), before, "the old program leaves it");
    open(&path, TWO).unwrap().verify_quietly().unwrap();
}

#[test]
fn several_steps_are_one_transaction() {
    let (_folder, path) = copy_of(&CLOSED);
    let store = open(&path, THREE).unwrap();
    assert_eq!((format(&path), count(&path, "SELECT count(removed) FROM discoveries")), (3, 0));
    assert_migrated(&path, &store);
    // And one after the other.
    let (_folder, path) = copy_of(&CLOSED);
    drop(open(&path, TWO).unwrap());
    let store = open(&path, THREE).unwrap();
    assert_eq!(format(&path), 3);
    assert_migrated(&path, &store);
}

#[test]
fn what_a_killed_writer_of_the_old_format_left_is_migrated_too() {
    let (_folder, path) = copy_of(&KILLED);
    let store = open(&path, TWO).unwrap();
    assert_eq!((format(&path), store.head().unwrap()), (2, Position::new(golden::LEFT as u64)));
    store.verify_quietly().unwrap();
    let events = golden::FORMAT_1.lines().take(golden::LEFT);
    assert!(golden::event_lines(&store).iter().map(String::as_str).eq(events));
}

#[test]
fn a_new_store_is_made_in_the_newest_format() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("usage.db");
    let store = open(&path, THREE).unwrap();
    golden::record(&store);
    assert_eq!((format(&path), count(&path, "SELECT count(*) FROM discoveries")), (3, 0));
    assert!(golden::lines(&store).iter().map(String::as_str).eq(golden::FORMAT_1.lines()));
}

#[test]
fn an_older_store_is_left_where_it_is_not_to_be_migrated() {
    for names in [&CLOSED[..], &KILLED[..]] {
        let (folder, path) = copy_of(names);
        let before = files::all_in(folder.path());
        let refusal = SqliteStore::open_migrating(&path, &OpenOptions::new().migrate(false), THREE).err();
        assert!(matches!(refusal, Some(Error::UnsupportedFormat { found: 1, supported: 3 })), "{refusal:?}");
        assert_eq!(files::all_in(folder.path()), before);
    }
}

#[test]
fn a_step_that_fails_leaves_the_old_store() {
    fn fails(connection: &Connection) -> rusqlite::Result<()> {
        to_2(connection)?;
        connection.execute_batch("DELETE FROM log WHERE position > 5; INSERT INTO nowhere VALUES (1)")
    }
    fn panics(connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch("DELETE FROM log WHERE position > 5")?;
        panic!("a step panics")
    }
    let (_folder, path) = copy_of(&CLOSED);
    assert!(open(&path, Migrations::new(&[fails])).is_err());
    assert_still_old(&path);
    // The first of two steps is undone with the second.
    assert!(open(&path, Migrations::new(&[to_2, fails])).is_err());
    assert_still_old(&path);
    let path_again = path.clone();
    assert!(thread::spawn(move || open(&path_again, Migrations::new(&[panics])).map(drop)).join().is_err());
    assert_still_old(&path);
    assert_migrated(&path, &open(&path, TWO).unwrap());
}

/// An old program has the store open, and writes at the very moment.
#[test]
fn an_open_store_of_the_old_program_writes_no_more() {
    static MEETING: Barrier = Barrier::new(2);
    fn meets(connection: &Connection) -> rusqlite::Result<()> {
        to_2(connection)?;
        MEETING.wait();
        Ok(())
    }
    const MEETS: Migrations = Migrations::new(&[meets]);
    let (_folder, path) = copy_of(&CLOSED);
    let old = SqliteStore::open(&path).unwrap();
    assert!(!old.record(&use_of(1, "Bash", at(1)).into()).unwrap().is_new(), "it knows the ids");
    let head = old.head().unwrap();
    let within = thread::scope(|scope| {
        let migrating = scope.spawn(|| open(&path, MEETS).map(drop));
        let writing = scope.spawn(|| {
            MEETING.wait();
            old.record(&golden::another())
        });
        migrating.join().unwrap().unwrap();
        writing.join().unwrap()
    });
    let answers = [
        within.map(drop),
        old.record(&golden::another()).map(drop),
        old.read(Position::START, 10).map(drop),
        old.usage(&Selection::all(), &GroupBy::Tool).map(drop),
        old.verify_quietly().map(drop),
        old.rebuild_quietly(),
        old.compact(),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(Error::UnsupportedFormat { found: 2, supported: 1 })), "{answer:?}");
    }
    drop(old);
    let store = open(&path, TWO).unwrap();
    assert_eq!(store.head().unwrap(), head);
    assert_migrated(&path, &store);
}

const CHILD: &str = "TOOLTALLY_TEST_MIGRATES";

/// Each of several processes opens the store with the new program, and records an event.
#[test]
fn processes_that_migrate_at_once_migrate_once() {
    if let Some(path) = std::env::var_os(CHILD) {
        let store = open(Path::new(&path), THREE).unwrap();
        store.record(&use_of(u64::from(std::process::id()) << 32, "Bash", at(7)).into()).unwrap();
        return;
    }
    let (_folder, path) = copy_of(&CLOSED);
    let before = SqliteStore::open(&path).unwrap().head().unwrap().get();
    let child = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["migration::processes_that_migrate_at_once_migrate_once", "--exact"]).env(CHILD, &path);
        // What a failing one says is shown: the tests of a child are few.
        command.arg("--nocapture").stdout(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = (0..5).map(|_| child()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = open(&path, THREE).unwrap();
    assert_eq!((format(&path), store.head().unwrap().get()), (3, before + 5));
    store.verify_quietly().unwrap();
}

/// Who opens a store sees it as it was before another's migration or as it is after, and never takes the tables of the
/// one for those of the other.
#[test]
fn whoever_opens_a_store_that_is_just_being_migrated_finds_one_format() {
    let others = OpenOptions::new().migrate(false);
    for _ in 0..30 {
        let (_folder, path) = copy_of(&KILLED);
        let (are_opening, is_migrated) = (Barrier::new(3), AtomicBool::new(false));
        let open_again_and_again = || {
            are_opening.wait();
            while !is_migrated.load(Ordering::Relaxed) {
                match SqliteStore::open_migrating(&path, &others, THREE) {
                    Ok(_) | Err(Error::UnsupportedFormat { found: 1, supported: 3 }) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        };
        thread::scope(|scope| {
            let others = [(); 2].map(|()| scope.spawn(open_again_and_again));
            are_opening.wait();
            let migrated = open(&path, THREE);
            is_migrated.store(true, Ordering::Relaxed);
            for other in others {
                other.join().unwrap();
            }
            migrated.unwrap().verify_quietly().unwrap();
        });
    }
}

#[test]
fn a_disk_that_fills_leaves_the_old_store() {
    let (folder, path) = copy_of(&CLOSED);
    let disk = Disk::new();
    let _watch = disk.watch(folder.path()).unwrap();
    let mut refused = 0;
    for room in [0, 5_000, 40_000, 150_000, 300_000] {
        disk.limit_growth(room);
        let migrated = open(&path, TWO);
        disk.heal();
        match migrated {
            Ok(_) => break,
            Err(Error::Full { .. }) => refused += 1,
            Err(other) => panic!("with room for {room} bytes: {other:?}"),
        }
        assert_still_old(&path);
    }
    assert!(refused >= 3, "{refused}");
    assert_migrated(&path, &open(&path, TWO).unwrap());
}

#[test]
fn a_format_that_never_was_is_damage() {
    let (_folder, path) = copy_of(&CLOSED);
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 0").unwrap();
    for migrations in [Migrations::new(&[]), TWO] {
        assert!(open(&path, migrations).err().unwrap().is_corrupt());
    }
}

/// A backup of the old format was put in the place of what an open store of the new one reads.
#[test]
fn an_open_store_that_finds_an_older_format_is_to_be_opened_anew() {
    let (_folder, path): (TempDir, PathBuf) = copy_of(&CLOSED);
    let store = open(&path, TWO).unwrap();
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 1").unwrap();
    let answer = store.record(&golden::another());
    assert!(matches!(answer, Err(Error::UnsupportedFormat { found: 1, supported: 2 })), "{answer:?}");
}
