//! Several processes on one file, and processes that are killed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use crate::common::{append, child, child_argument, head, read_all, row};
use tempfile::TempDir;
use tooltally_core::ledger::Engine;
use tooltally_core::{Error, OpenOptions, Position};
use tooltally_redb::RedbEngine;

fn patient() -> OpenOptions {
    OpenOptions::new().wait(Duration::from_mins(1))
}

fn open(path: &Path) -> RedbEngine {
    RedbEngine::open_with(path, &patient()).unwrap()
}

fn new_path() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("usage.redb");
    (folder, path)
}

fn finish(mut process: Child) {
    drop(process.stdin.take());
    let mut said = String::new();
    process.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(process.wait().unwrap().success(), "{said}");
}

/// Waits until a child has said a line that holds this.
fn await_line(process: &mut Child, wanted: &str) {
    let lines = BufReader::new(process.stdout.as_mut().unwrap());
    assert!(lines.lines().map_while(Result::ok).any(|line| line.contains(wanted)), "it did not say {wanted}");
}

#[test]
fn eight_processes_create_and_append_at_once() {
    const EACH: u64 = 25;
    if let Some(path) = child_argument() {
        for _ in 0..EACH {
            // As a hook does: open, append, close.
            append(&open(&path), 1).unwrap();
        }
        return;
    }
    let (_folder, path) = new_path();
    let processes: Vec<_> =
        (0..8).map(|_| child("processes::eight_processes_create_and_append_at_once", &path).spawn().unwrap()).collect();
    let long_lived = open(&path);
    let mut last = Position::START;
    for _ in 0..50 {
        append(&long_lived, 1).unwrap();
        let now = head(&long_lived).unwrap();
        assert!(now > last);
        last = now;
    }
    processes.into_iter().for_each(finish);
    assert_eq!(long_lived.read(read_all).unwrap(), 8 * EACH + 50);
    assert_eq!(head(&long_lived).unwrap(), Position::new(8 * EACH + 50));
    long_lived.check().unwrap();
}

#[test]
fn a_snapshot_outlives_the_commits_of_another_process() {
    if let Some(path) = child_argument() {
        for _ in 0..30 {
            append(&open(&path), 40).unwrap();
        }
        return;
    }
    let (_folder, path) = new_path();
    let engine = open(&path);
    append(&engine, 200).unwrap();
    engine
        .read(|snapshot| {
            finish(child("processes::a_snapshot_outlives_the_commits_of_another_process", &path).spawn().unwrap());
            assert_eq!(read_all(snapshot)?, 200);
            assert_eq!(snapshot.head()?, Position::new(200));
            Ok(())
        })
        .unwrap();
    assert_eq!(engine.read(read_all).unwrap(), 1400);
}

#[test]
fn a_process_that_writes_all_the_time_lets_others_have_their_turn() {
    if let Some(path) = child_argument() {
        let engine = open(&path);
        loop {
            engine
                .write(|transaction| {
                    println!("writes");
                    // A transaction takes long, and the next one follows at once.
                    std::thread::sleep(Duration::from_millis(20));
                    let next = transaction.head()?.next();
                    transaction.push_row(next, &row(next.get()))
                })
                .unwrap();
        }
    }
    let (_folder, path) = new_path();
    let engine = RedbEngine::open_with(&path, &OpenOptions::new().wait(Duration::from_secs(2))).unwrap();
    let mut process = child("processes::a_process_that_writes_all_the_time_lets_others_have_their_turn", &path);
    let mut process = process.spawn().unwrap();
    await_line(&mut process, "writes");
    let refused = (0..10).filter(|_| append(&engine, 1).is_err()).count();
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(refused, 0, "of 10 appends");
    engine.check().unwrap();
}

fn append_until_killed(path: &Path, options: &OpenOptions) -> ! {
    let engine = RedbEngine::open_with(path, options).unwrap();
    loop {
        let position = append(&engine, 3).unwrap();
        println!("committed {position}");
    }
}

/// Kills a child again and again at some point of its commits; what it had said is then there.
fn survives_kills(test: &str, options: &OpenOptions) {
    let (_folder, path) = new_path();
    let mut promised = 0;
    for round in 0..8 {
        let mut process = child(test, &path).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut committed = lines.by_ref().filter_map(|line| line.split("committed ").nth(1)?.parse::<u64>().ok());
        promised = committed.by_ref().take(10 + round).last().expect("it committed");
        process.kill().unwrap();
        process.wait().unwrap();
        promised = committed.last().unwrap_or(promised);
        let engine = RedbEngine::open_with(&path, options).unwrap();
        let found = engine.read(read_all).unwrap();
        // The last commit may be there without its message.
        assert!(found == promised || found == promised + 3, "{found} of {promised}");
        engine.check().unwrap();
    }
    assert!(promised > 0);
}

#[test]
fn a_killed_writer_loses_nothing() {
    if let Some(path) = child_argument() {
        append_until_killed(&path, &patient());
    }
    survives_kills("processes::a_killed_writer_loses_nothing", &patient());
}

#[test]
fn a_killed_exclusive_writer_loses_nothing() {
    let options = patient().exclusive(true);
    if let Some(path) = child_argument() {
        append_until_killed(&path, &options);
    }
    survives_kills("processes::a_killed_exclusive_writer_loses_nothing", &options);
}

#[test]
fn a_writer_killed_in_its_transaction_leaves_no_trace_and_no_lock() {
    if let Some(path) = child_argument() {
        let engine = open(&path);
        let _: tooltally_core::Result<()> = engine.write(|transaction| {
            for number in 11..3000 {
                transaction.push_row(Position::new(number), &row(number))?;
            }
            println!("within");
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
            Ok(())
        });
        return;
    }
    let (_folder, path) = new_path();
    let engine = open(&path);
    append(&engine, 10).unwrap();
    let mut process =
        child("processes::a_writer_killed_in_its_transaction_leaves_no_trace_and_no_lock", &path).spawn().unwrap();
    await_line(&mut process, "within");
    let hasty = RedbEngine::open_with(&path, &OpenOptions::new().wait(Duration::from_millis(10)));
    assert!(hasty.is_err_and(|error| error.is_busy()));
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(append(&engine, 1).unwrap(), Position::new(11));
    assert_eq!(engine.read(read_all).unwrap(), 11);
    engine.check().unwrap();
    drop(engine);
    assert_eq!(open(&path).read(read_all).unwrap(), 11);
}

#[cfg(unix)]
fn fill_the_disk(path: &Path, options: &OpenOptions) {
    let engine = RedbEngine::open_with(path, options).unwrap();
    let mut promised = head(&engine).unwrap();
    let full = loop {
        match append(&engine, 200) {
            Ok(position) => promised = position,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, Error::Full { .. }), "{full:?}");
    assert!(promised > Position::START);
    // The same handle goes on.
    assert_eq!(engine.read(read_all).unwrap(), promised.get());
    assert!(matches!(append(&engine, 20_000), Err(Error::Full { .. })));
    assert_eq!(head(&engine).unwrap(), promised);
    println!("promised {promised}.");
}

#[cfg(unix)]
fn survives_a_full_disk(test: &str) {
    let (_folder, path) = new_path();
    drop(open(&path));
    // A limit on the length of files stands for a full disk. Its signal is ignored, so that writing fails.
    let inner = child(test, &path);
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1500; exec \"$0\" \"$@\""]).arg(inner.get_program());
    limited.args(inner.get_args()).env("TOOLTALLY_TEST_CHILD", &path);
    let output = limited.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said} {}", String::from_utf8_lossy(&output.stderr));
    let promised: u64 = said.split("promised ").nth(1).unwrap().split('.').next().unwrap().parse().unwrap();
    let engine = open(&path);
    assert_eq!(engine.read(read_all).unwrap(), promised);
    assert_eq!(append(&engine, 20_000).unwrap(), Position::new(promised + 20_000));
    engine.check().unwrap();
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_said_and_what_was_there_stays() {
    if let Some(path) = child_argument() {
        return fill_the_disk(&path, &patient());
    }
    survives_a_full_disk("processes::a_full_disk_is_said_and_what_was_there_stays");
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_said_to_an_exclusive_writer_too() {
    if let Some(path) = child_argument() {
        return fill_the_disk(&path, &patient().exclusive(true));
    }
    survives_a_full_disk("processes::a_full_disk_is_said_to_an_exclusive_writer_too");
}
