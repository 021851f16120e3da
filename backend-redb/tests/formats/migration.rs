//! Migrations, by programs of formats 2 and 3 that there are in these tests alone.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use redb::{ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, TableDefinition, WriteTransaction};
use tempfile::TempDir;
use tooltally_conformance::events::{at, use_of};
use tooltally_conformance::{files, golden};
use tooltally_core::ledger::LogRow;
use tooltally_core::{
    Error, GroupBy, Log, LogExt as _, Maintenance, MaintenanceExt as _, OpenOptions, Position, Queries, Result,
    Selection,
};
use tooltally_fault_disk::{Disk, redb_layer};
use tooltally_redb::{Migrations, RedbStore, StoreFile};

use crate::{CLOSED, KILLED, UNCLEAN, copy_of, header_format};

const FORMAT: TableDefinition<'static, &str, (u32, u32)> = TableDefinition::new("tooltally_format");
const LOG: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("log");
const LOG_2: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("log_2");
const CALLS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("calls");
const CALLS_3: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("calls_3");
const DISCOVERIES: TableDefinition<'static, u32, u64> = TableDefinition::new("discoveries");

/// Every row of the log is written anew, and a table says where each tool was met first.
fn to_2(transaction: &WriteTransaction) -> std::result::Result<(), redb::Error> {
    {
        let old = transaction.open_table(LOG)?;
        let (mut new, mut met) = (transaction.open_table(LOG_2)?, transaction.open_table(DISCOVERIES)?);
        for entry in old.iter()? {
            let (position, bytes) = entry?;
            let row = LogRow::from_bytes(Position::new(position.value()), bytes.value()).unwrap();
            new.insert(position.value(), row.to_bytes(Position::new(position.value())).as_slice())?;
            if met.get(row.tool)?.is_none() {
                met.insert(row.tool, position.value())?;
            }
        }
    }
    transaction.delete_table(LOG)?;
    Ok(transaction.rename_table(LOG_2, LOG)?)
}

/// Every value of a projection is written anew, in a table of another name and back.
fn to_3(transaction: &WriteTransaction) -> std::result::Result<(), redb::Error> {
    {
        let (old, mut new) = (transaction.open_table(CALLS)?, transaction.open_table(CALLS_3)?);
        for entry in old.iter()? {
            let (key, value) = entry?;
            new.insert(key.value(), value.value())?;
        }
    }
    transaction.delete_table(CALLS)?;
    Ok(transaction.rename_table(CALLS_3, CALLS)?)
}

const TWO: Migrations = Migrations::new(&[to_2]);
const THREE: Migrations = Migrations::new(&[to_2, to_3]);

fn open(path: &Path, migrations: Migrations) -> Result<RedbStore> {
    RedbStore::open_migrating(path, &OpenOptions::new(), migrations, None)
}

fn ways() -> [OpenOptions; 2] {
    [OpenOptions::new(), OpenOptions::new().exclusive(true)]
}

/// The format, and how many tools have a row of the new table.
fn found(path: &Path) -> (u32, Option<u64>) {
    let database = redb::Builder::new().create_with_backend(StoreFile::open(path).unwrap()).unwrap();
    let transaction = database.begin_read().unwrap();
    let format = transaction.open_table(FORMAT).unwrap().get("version").unwrap().unwrap().value().0;
    let met = transaction.open_table(DISCOVERIES).ok().map(|met| met.len().unwrap());
    (format, met)
}

/// The store is in format 1, whole, as if nothing had been tried.
fn assert_still_old(path: &Path) {
    assert_eq!((found(path), header_format(path)), ((1, None), [1, !1]));
    let store = RedbStore::open(path).unwrap();
    assert!(golden::lines(&store).iter().map(String::as_str).eq(golden::FORMAT_1.lines()), "the old store has changed");
    store.verify_quietly().unwrap();
}

fn assert_answers(store: &RedbStore) {
    golden::check(store, &golden::FORMAT_1.lines().collect::<Vec<_>>(), &golden::lines(store));
}

/// How many tools the golden history has.
const TOOLS: u64 = 21;

#[test]
fn an_older_store_is_migrated_and_answers_as_before() {
    for options in ways() {
        let (folder, path) = copy_of(CLOSED);
        drop(RedbStore::open_migrating(&path, &options, TWO, None).unwrap());
        assert_eq!((found(&path), header_format(&path)), ((2, Some(TOOLS)), [2, !2]));
        let before = files::all_in(folder.path());
        let older = RedbStore::open_with(&path, &options).err().unwrap();
        assert!(matches!(older, Error::UnsupportedFormat { found: 2, supported: 1 }), "{older:?}");
        assert_eq!(files::all_in(folder.path()), before, "the old program leaves it");
        assert_answers(&RedbStore::open_migrating(&path, &options, TWO, None).unwrap());
    }
}

#[test]
fn several_steps_are_one_transaction() {
    let (_folder, path) = copy_of(CLOSED);
    assert_answers(&open(&path, THREE).unwrap());
    assert_eq!(found(&path).0, 3);
    // And one after the other.
    let (_folder, path) = copy_of(CLOSED);
    drop(open(&path, TWO).unwrap());
    assert_answers(&open(&path, THREE).unwrap());
    assert_eq!((found(&path), header_format(&path)), ((3, Some(TOOLS)), [3, !3]));
}

#[test]
fn what_a_killed_writer_of_the_old_format_left_is_migrated_too() {
    for name in [KILLED, UNCLEAN] {
        for options in ways() {
            let (_folder, path) = copy_of(name);
            let store = RedbStore::open_migrating(&path, &options, TWO, None).unwrap();
            assert_eq!(store.head().unwrap(), Position::new(golden::LEFT as u64));
            store.verify_quietly().unwrap();
            let events = golden::FORMAT_1.lines().take(golden::LEFT);
            assert!(golden::event_lines(&store).iter().map(String::as_str).eq(events));
            drop(store);
            assert_eq!((found(&path).0, header_format(&path)), (2, [2, !2]));
        }
    }
}

#[test]
fn a_new_store_is_made_in_the_newest_format() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("usage.redb");
    let store = open(&path, THREE).unwrap();
    golden::record(&store);
    assert!(golden::lines(&store).iter().map(String::as_str).eq(golden::FORMAT_1.lines()));
    drop(store);
    assert_eq!((found(&path), header_format(&path)), ((3, Some(0)), [3, !3]));
}

#[test]
fn an_older_store_is_left_where_it_is_not_to_be_migrated() {
    for name in [CLOSED, KILLED, UNCLEAN] {
        for options in ways() {
            let (folder, path) = copy_of(name);
            let before = files::all_in(folder.path());
            let refusal = RedbStore::open_migrating(&path, &options.migrate(false), THREE, None).err();
            assert!(matches!(refusal, Some(Error::UnsupportedFormat { found: 1, supported: 3 })), "{refusal:?}");
            assert_eq!(files::all_in(folder.path()), before);
        }
    }
}

#[cfg(unix)]
#[test]
fn an_older_store_that_may_only_be_read_is_denied() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, path) = copy_of(CLOSED);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    if std::fs::File::options().write(true).open(&path).is_ok() {
        eprintln!("SKIPPED: this user may write read-only files, so their handling is not tested");
        return;
    }
    let before = files::all_in(folder.path());
    let refusal = open(&path, TWO).err();
    assert!(matches!(refusal, Some(Error::Denied { operation: "migrate the store", .. })), "{refusal:?}");
    assert_eq!(files::all_in(folder.path()), before);
}

#[test]
fn a_step_that_fails_leaves_the_old_store() {
    fn fails(transaction: &WriteTransaction) -> std::result::Result<(), redb::Error> {
        to_2(transaction)?;
        transaction.open_table(LOG)?.retain(|position, _| position < 5)?;
        Err(redb::Error::Corrupted("as far as this step is concerned".to_owned()))
    }
    fn panics(transaction: &WriteTransaction) -> std::result::Result<(), redb::Error> {
        transaction.open_table(LOG)?.retain(|position, _| position < 5)?;
        panic!("a step panics")
    }
    const WRONG: [Migrations; 3] =
        [Migrations::new(&[fails]), Migrations::new(&[to_2, fails]), Migrations::new(&[panics])];
    for options in ways() {
        let (_folder, path) = copy_of(CLOSED);
        for migrations in WRONG {
            assert!(RedbStore::open_migrating(&path, &options, migrations, None).is_err());
            assert_still_old(&path);
        }
        assert_answers(&RedbStore::open_migrating(&path, &options, TWO, None).unwrap());
    }
}

/// An old program has the store open, and writes at the very moment.
#[test]
fn an_open_store_of_the_old_program_writes_no_more() {
    static MEETING: Barrier = Barrier::new(2);
    fn meets(transaction: &WriteTransaction) -> std::result::Result<(), redb::Error> {
        to_2(transaction)?;
        MEETING.wait();
        Ok(())
    }
    const MEETS: Migrations = Migrations::new(&[meets]);
    let (_folder, path) = copy_of(CLOSED);
    let old = RedbStore::open(&path).unwrap();
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
    assert_eq!((store.head().unwrap(), header_format(&path)), (head, [2, !2]));
    assert_answers(&store);
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
    let (_folder, path) = copy_of(CLOSED);
    let before = RedbStore::open(&path).unwrap().head().unwrap().get();
    let child = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["migration::processes_that_migrate_at_once_migrate_once", "--exact"]).env(CHILD, &path);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = (0..5).map(|_| child()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = open(&path, THREE).unwrap();
    assert_eq!(store.head().unwrap().get(), before + 5);
    store.verify_quietly().unwrap();
    drop(store);
    assert_eq!((found(&path), header_format(&path)), ((3, Some(TOOLS)), [3, !3]));
}

/// Who opens a store sees it as it was before another's migration or as it is after, and never takes the tables of the
/// one for those of the other.
#[test]
fn whoever_opens_a_store_that_is_just_being_migrated_finds_one_format() {
    let others = OpenOptions::new().migrate(false);
    for _ in 0..30 {
        let (_folder, path) = copy_of(CLOSED);
        let (are_opening, is_migrated) = (Barrier::new(3), AtomicBool::new(false));
        let open_again_and_again = || {
            are_opening.wait();
            while !is_migrated.load(Ordering::Relaxed) {
                match RedbStore::open_migrating(&path, &others, THREE, None) {
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
    // More than the free pages of the file hold.
    fn swells(transaction: &WriteTransaction) -> std::result::Result<(), redb::Error> {
        let mut filler = transaction.open_table(TableDefinition::<u64, &[u8]>::new("filler"))?;
        (0..2000).try_for_each(|n| filler.insert(n, [0xA5; 1000].as_slice()).map(drop))?;
        Ok(())
    }
    const LARGE: Migrations = Migrations::new(&[to_2, swells]);
    for options in ways() {
        let (folder, path) = copy_of(CLOSED);
        let disk = Disk::new();
        let _watch = disk.watch(folder.path()).unwrap();
        let mut refused = 0;
        for room in [0, 5_000, 40_000, 150_000, 300_000] {
            disk.limit_growth(room);
            let migrated = RedbStore::open_migrating(&path, &options, LARGE, Some(Arc::new(redb_layer(&disk))));
            disk.heal();
            match migrated {
                Ok(_) => break,
                Err(Error::Full { .. }) => refused += 1,
                Err(other) => panic!("with room for {room} bytes: {other:?}"),
            }
            assert_still_old(&path);
        }
        assert!(refused >= 1, "{refused}");
        assert_answers(&RedbStore::open_migrating(&path, &options, LARGE, None).unwrap());
    }
}
