//! The engine through its trait: tables, transactions, threads.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::{append, head, read_all, row};
use tempfile::TempDir;
use tooltally_core::ledger::{Direction, Engine, NameKind, Tree};
use tooltally_core::{Error, OpenOptions, Position, Result};
use tooltally_redb::RedbEngine;

fn new_store(options: &OpenOptions) -> (TempDir, RedbEngine) {
    let folder = TempDir::new().unwrap();
    let engine = RedbEngine::open_with(folder.path().join("usage.redb"), options).unwrap();
    (folder, engine)
}

fn keys(engine: &RedbEngine, first: &[u8], last: &[u8], direction: Direction, limit: usize) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let scan = engine.read(|snapshot| {
        snapshot.scan(Tree::Postings, first, last, direction, &mut |key, value| {
            assert_eq!(key, value);
            found.push(key.to_vec());
            Ok(if found.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    });
    scan.unwrap();
    found
}

#[test]
fn rows_names_and_trees_are_read_back() {
    let (_folder, engine) = new_store(&OpenOptions::new());
    engine
        .write(|transaction| {
            assert_eq!(transaction.head()?, Position::START);
            assert_eq!(transaction.last_name(NameKind::Tool)?, 0);
            transaction.push_name(NameKind::Tool, 1, "Bash")?;
            transaction.push_name(NameKind::Tool, 2, "Read")?;
            transaction.push_name(NameKind::Session, 1, "Bash")?;
            transaction.push_row(Position::new(1), &row(1))?;
            transaction.put(Tree::Meta, b"k", b"v")?;
            // The transaction sees what it wrote itself.
            assert_eq!(transaction.head()?, Position::new(1));
            assert_eq!(transaction.name_number(NameKind::Tool, "Read")?, Some(2));
            assert_eq!(transaction.get(Tree::Meta, b"k")?, Some(b"v".to_vec()));
            Ok(())
        })
        .unwrap();
    engine
        .read(|snapshot| {
            assert_eq!(snapshot.head()?, Position::new(1));
            assert_eq!(snapshot.last_name(NameKind::Tool)?, 2);
            assert_eq!(snapshot.last_name(NameKind::Agent)?, 0);
            assert_eq!(snapshot.name_text(NameKind::Tool, 1)?.as_deref(), Some("Bash"));
            assert_eq!(snapshot.name_text(NameKind::Session, 2)?, None);
            assert_eq!(snapshot.name_number(NameKind::Session, "Bash")?, Some(1));
            assert_eq!(snapshot.name_number(NameKind::Session, "Read")?, None);
            assert_eq!(snapshot.get(Tree::Rollups, b"k")?, None);
            Ok(())
        })
        .unwrap();
    engine.write(|transaction| transaction.delete(Tree::Meta, b"k")).unwrap();
    assert_eq!(engine.read(|snapshot| snapshot.get(Tree::Meta, b"k")).unwrap(), None);
}

#[test]
fn scans_include_both_ends_and_stop_when_told() {
    let (_folder, engine) = new_store(&OpenOptions::new());
    let all: [&[u8]; 5] = [b"", b"a", b"ab", b"b", b"\xff"];
    engine.write(|transaction| all.iter().try_for_each(|key| transaction.put(Tree::Postings, key, key))).unwrap();
    assert_eq!(keys(&engine, b"", b"\xff", Direction::Forward, 9), all);
    assert_eq!(keys(&engine, b"a", b"b", Direction::Forward, 9), all[1..4]);
    assert_eq!(keys(&engine, b"a", b"b", Direction::Backward, 9), [b"b" as &[u8], b"ab", b"a"]);
    assert_eq!(keys(&engine, b"", b"\xff", Direction::Backward, 2), [b"\xff" as &[u8], b"b"]);
    assert_eq!(keys(&engine, b"", b"\xff", Direction::Forward, 1), [b""]);
    assert!(keys(&engine, b"c", b"d", Direction::Forward, 9).is_empty());
    assert!(keys(&engine, b"b", b"a", Direction::Forward, 9).is_empty());
}

#[test]
fn rows_stand_in_order_and_a_visitor_may_fail() {
    let (_folder, engine) = new_store(&OpenOptions::new());
    append(&engine, 10).unwrap();
    let mut seen = Vec::new();
    engine
        .read(|snapshot| {
            snapshot.rows(Position::new(4), Position::new(6), &mut |position, found| {
                assert_eq!(found, row(position.get()));
                seen.push(position.get());
                Ok(())
            })
        })
        .unwrap();
    assert_eq!(seen, [4, 5, 6]);
    let failed = engine.read(|snapshot| {
        snapshot.rows(Position::new(1), Position::new(9), &mut |_, _| Err(Error::invalid("tool", "no")))
    });
    assert!(failed.is_err_and(|error| error.is_invalid()));
    let inverted = engine.read(|snapshot| snapshot.rows(Position::new(9), Position::new(1), &mut |_, _| panic!()));
    inverted.unwrap();
}

#[test]
fn rows_are_found_at_scattered_positions() {
    let (_folder, engine) = new_store(&OpenOptions::new());
    append(&engine, 60).unwrap();
    let wanted = [0, 1, 2, 5, 6, 20, 24, 30, 60, 61].map(Position::new);
    let mut seen = Vec::new();
    let mut note = |position: Position, found| {
        assert_eq!(found, row(position.get()));
        seen.push(position.get());
        Ok(())
    };
    engine.read(|snapshot| snapshot.rows_at(&wanted, &mut note)).unwrap();
    engine.read(|snapshot| snapshot.rows_at(&[], &mut note)).unwrap();
    assert_eq!(seen, [1, 2, 5, 6, 20, 24, 30, 60]);
}

#[test]
fn an_error_or_a_panic_leaves_no_trace() {
    for options in [OpenOptions::new(), OpenOptions::new().exclusive(true)] {
        let (_folder, engine) = new_store(&options);
        append(&engine, 3).unwrap();
        let failed: Result<()> = engine.write(|transaction| {
            transaction.push_row(Position::new(4), &row(4))?;
            Err(Error::invalid("tool", "no"))
        });
        assert!(failed.is_err_and(|error| error.is_invalid()));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            engine.write::<()>(|transaction| {
                transaction.push_row(Position::new(4), &row(4)).unwrap();
                std::panic::resume_unwind(Box::new("the body's own"));
            })
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"the body's own"));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            engine.read::<()>(|snapshot| {
                snapshot.head().unwrap();
                std::panic::resume_unwind(Box::new("the body's own"));
            })
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"the body's own"));
        assert_eq!(head(&engine).unwrap(), Position::new(3));
        assert_eq!(append(&engine, 1).unwrap(), Position::new(4));
        assert_eq!(engine.read(read_all).unwrap(), 4);
        engine.check().unwrap();
    }
}

#[test]
fn a_snapshot_stays_while_others_write() {
    let (_folder, engine) = new_store(&OpenOptions::new());
    append(&engine, 100).unwrap();
    engine
        .read(|snapshot| {
            for _ in 0..20 {
                append(&engine, 50)?;
            }
            assert_eq!(read_all(snapshot)?, 100);
            assert_eq!(snapshot.head()?, Position::new(100));
            Ok(())
        })
        .unwrap();
    assert_eq!(engine.read(read_all).unwrap(), 1100);
}

#[test]
fn two_handles_on_one_file_see_each_others_commits() {
    let (folder, first) = new_store(&OpenOptions::new());
    let second = RedbEngine::open_with(folder.path().join("usage.redb"), &OpenOptions::new()).unwrap();
    for round in 0..10 {
        assert_eq!(append(&first, 1).unwrap(), Position::new(2 * round + 1));
        assert_eq!(head(&second).unwrap(), Position::new(2 * round + 1));
        assert_eq!(append(&second, 1).unwrap(), Position::new(2 * round + 2));
        assert_eq!(first.read(read_all).unwrap(), 2 * round + 2);
    }
}

#[test]
fn many_threads_on_many_handles_lose_nothing() {
    let (folder, engine) = new_store(&OpenOptions::new().wait(Duration::from_mins(1)));
    let path = folder.path().join("usage.redb");
    thread::scope(|scope| {
        for _ in 0..3 {
            let own = RedbEngine::open_with(&path, &OpenOptions::new().wait(Duration::from_mins(1))).unwrap();
            scope.spawn(move || {
                thread::scope(|inner| {
                    for _ in 0..3 {
                        inner.spawn(|| (0..20).for_each(|_| assert!(append(&own, 1).is_ok())));
                    }
                });
            });
        }
        scope.spawn(|| {
            let mut last = Position::START;
            while last < Position::new(180) {
                let now = head(&engine).unwrap();
                assert!(now >= last);
                last = now;
            }
        });
    });
    assert_eq!(engine.read(read_all).unwrap(), 180);
}

#[test]
fn a_writer_who_waits_in_vain_is_busy() {
    let options = OpenOptions::new().wait(Duration::from_millis(20));
    let (folder, engine) = new_store(&options);
    let other = RedbEngine::open_with(folder.path().join("usage.redb"), &options).unwrap();
    engine
        .write(|_| {
            // Another handle, as another process has it.
            assert!(append(&other, 1).is_err_and(|error| error.is_busy()));
            // Another thread on the same handle.
            thread::scope(|scope| {
                let waited = scope.spawn(|| append(&engine, 1)).join().unwrap();
                assert!(waited.is_err_and(
                    |error| matches!(error, Error::Busy { waited } if waited >= Duration::from_millis(20))
                ));
            });
            // Opening waits for the writer too; reading does not.
            assert!(RedbEngine::open_with(folder.path().join("usage.redb"), &options).is_err_and(|e| e.is_busy()));
            assert_eq!(head(&other)?, Position::START);
            Ok(())
        })
        .unwrap();
    assert_eq!(append(&other, 1).unwrap(), Position::new(1));
}

#[test]
fn an_exclusive_store_keeps_others_out_until_it_closes() {
    let (folder, engine) = new_store(&OpenOptions::new().exclusive(true));
    let path = folder.path().join("usage.redb");
    append(&engine, 5).unwrap();
    let hasty = OpenOptions::new().wait(Duration::from_millis(20));
    assert!(RedbEngine::open_with(&path, &hasty).is_err_and(|error| error.is_busy()));
    assert!(RedbEngine::open_with(&path, &hasty.clone().exclusive(true)).is_err_and(|error| error.is_busy()));
    let (begun, wait) = mpsc::channel();
    thread::scope(|scope| {
        let patient = scope.spawn(|| {
            begun.send(()).unwrap();
            RedbEngine::open_with(&path, &OpenOptions::new().wait(Duration::from_mins(1)))
        });
        wait.recv().unwrap();
        drop(engine);
        let shared = patient.join().unwrap().unwrap();
        assert_eq!(head(&shared).unwrap(), Position::new(5));
        assert!(RedbEngine::open_with(&path, &hasty.clone().exclusive(true)).is_err_and(|error| error.is_busy()));
    });
}

#[test]
fn compaction_gives_space_back_and_is_busy_beside_a_reader() {
    for exclusive in [false, true] {
        let options = OpenOptions::new().exclusive(exclusive).wait(Duration::from_millis(20));
        let (folder, engine) = new_store(&options);
        let path = folder.path().join("usage.redb");
        append(&engine, 5000).unwrap();
        let large = std::fs::metadata(&path).unwrap().len();
        engine
            .write(|transaction| {
                (1..=5000_u64).try_for_each(|number| transaction.delete(Tree::Rollups, &number.to_be_bytes()))
            })
            .unwrap();
        engine
            .read(|_| {
                assert!(engine.compact().is_err_and(|error| error.is_busy()));
                Ok(())
            })
            .unwrap();
        if !exclusive {
            let other = RedbEngine::open_with(&path, &options).unwrap();
            other
                .read(|_| {
                    assert!(engine.compact().is_err_and(|error| error.is_busy()));
                    Ok(())
                })
                .unwrap();
        }
        engine.compact().unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < large * 3 / 4);
        assert_eq!(head(&engine).unwrap(), Position::new(5000));
        assert_eq!(append(&engine, 1).unwrap(), Position::new(5001));
        engine.check().unwrap();
    }
}

#[test]
fn compaction_waits_for_those_that_read() {
    let options = OpenOptions::new().wait(Duration::from_mins(1));
    let (folder, engine) = new_store(&options);
    append(&engine, 100).unwrap();
    let other = RedbEngine::open_with(folder.path().join("usage.redb"), &options).unwrap();
    for reader in [&engine, &other] {
        thread::scope(|scope| {
            let compacting = reader.read(|_| {
                let compacting = scope.spawn(|| engine.compact());
                thread::sleep(Duration::from_millis(30));
                assert!(!compacting.is_finished());
                Ok(compacting)
            });
            compacting.unwrap().join().unwrap().unwrap();
        });
    }
    engine.check().unwrap();
}

#[test]
fn what_was_committed_is_there_after_closing() {
    for exclusive in [false, true] {
        let options = OpenOptions::new().exclusive(exclusive);
        let (folder, engine) = new_store(&options);
        let path = folder.path().join("usage.redb");
        append(&engine, 300).unwrap();
        drop(engine);
        for round in 0..3 {
            let engine = RedbEngine::open_with(&path, &options.clone().exclusive(round % 2 == 0)).unwrap();
            assert_eq!(append(&engine, 1).unwrap(), Position::new(301 + round));
        }
        let engine = RedbEngine::open_with(&path, &options).unwrap();
        assert_eq!(engine.read(read_all).unwrap(), 303);
        engine.check().unwrap();
    }
}
