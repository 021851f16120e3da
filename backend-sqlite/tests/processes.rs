//! Several processes on one file.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tooltally_core::{
    AgentName, Event, EventId, Log as _, LogExt as _, MaintenanceExt as _, OpenOptions, Outcome, Position, Timestamp,
    ToolName, ToolUse,
};
use tooltally_sqlite::SqliteStore;

/// Names the store to a child.
const CHILD: &str = "TOOLTALLY_TEST_CHILD";

fn event(n: u64) -> Event {
    let agent = AgentName::claude_code();
    let time = Timestamp::from_micros(1_767_225_600_000_000 + i64::try_from(n).unwrap()).unwrap();
    let id = EventId::global(&agent, &format!("toolu_{n}"));
    ToolUse::new(id, ToolName::new("Bash").unwrap(), Outcome::Success, time).into()
}

/// This test binary again, running the one test `name` as a child.
fn child(name: &str, path: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]).env(CHILD, path);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn child_argument() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(Into::into)
}

/// Waits until a child has said a line that holds this.
fn await_line(process: &mut Child, wanted: &str) {
    let lines = BufReader::new(process.stdout.as_mut().unwrap());
    assert!(lines.lines().map_while(Result::ok).any(|line| line.contains(wanted)), "it did not say {wanted}");
}

/// As an import does that finds everything recorded already: a transaction takes long, and the next one follows at
/// once.
#[test]
fn a_process_that_writes_all_the_time_lets_others_have_their_turn() {
    if let Some(path) = child_argument() {
        let store = SqliteStore::open_with(&path, &OpenOptions::new().wait(Duration::from_mins(1))).unwrap();
        let batch: Vec<Event> = (0..20_000).map(event).collect();
        loop {
            store.record_all(&batch).unwrap();
            println!("writes");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let store = SqliteStore::open_with(&path, &OpenOptions::new().wait(Duration::from_secs(2))).unwrap();
    let mut process = child("a_process_that_writes_all_the_time_lets_others_have_their_turn", &path);
    await_line(&mut process, "writes");
    let refused = (0..10).filter(|n| store.record(&event(1 << 40 | n)).is_err()).count();
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(refused, 0, "of 10 records");
    store.verify_quietly().unwrap();
}

/// Whether anyone has a lock on a file, where the system tells.
fn is_locked(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    if let Ok(locks) = std::fs::read_to_string("/proc/locks") {
        let inode = format!(":{}", std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap()));
        return locks.lines().any(|line| line.split_whitespace().any(|word| word.ends_with(&inode)));
    }
    eprintln!("this system does not tell who has locked {}", path.display());
    true
}

/// Those of one that is open before a salvage begins, and of one that is opened while it goes on.
#[test]
fn salvaging_a_store_that_is_open_takes_no_locks_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let first = SqliteStore::open(&path).unwrap();
    first.record(&event(1)).unwrap();
    let salvage = |path: &Path| SqliteStore::salvage(path, &mut |_| Ok(())).unwrap().events;
    assert_eq!(salvage(&path), 1);
    assert!(is_locked(&path), "its lock is gone");
    drop(first);
    assert!(!is_locked(&path) || cfg!(not(target_os = "linux")));
    let mut second = None;
    let opens = &mut |_| {
        second = Some(SqliteStore::open(&path)?);
        Ok(())
    };
    assert_eq!(SqliteStore::salvage(&path, opens).unwrap().events, 1);
    assert!(is_locked(&path), "its lock is gone");
    assert_eq!(salvage(&path), 1);
    assert!(is_locked(&path), "its lock is gone");
    drop(second);
    assert!(!is_locked(&path) || cfg!(not(target_os = "linux")));
}

/// The operating system drops a process's locks on a file when the process closes any descriptor of it. Then another
/// process takes itself for the last one, and deletes the write-ahead log under the first.
#[test]
fn opening_a_store_twice_in_one_process_takes_no_locks_away() {
    if let Some(path) = child_argument() {
        let store = SqliteStore::open(&path).unwrap();
        store.record(&event(2)).unwrap();
        println!("sees {}.", store.head().unwrap());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let another_sees = |head: u64| {
        let mut process = child("opening_a_store_twice_in_one_process_takes_no_locks_away", &path);
        await_line(&mut process, &format!("sees {head}."));
        assert!(process.wait().unwrap().success());
    };
    let first = SqliteStore::open(&path).unwrap();
    first.record(&event(1)).unwrap();
    assert!(is_locked(&path));
    let second = SqliteStore::open(&path).unwrap();
    // A program with an SQLite before 3.51 goes by this lock alone.
    assert!(is_locked(&path), "its lock is gone");
    another_sees(2);
    assert_eq!(first.record(&event(3)).unwrap().position(), Position::new(3));
    another_sees(3);
    drop((first, second));
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.head().unwrap(), Position::new(3));
    store.verify_quietly().unwrap();
}
