use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tooltally_core::{Condition, Event, GroupBy, OpenOptions, Position, Recorded, Selection, Store};

use crate::check::{assert_answers_fold_the_log, assert_log, assert_sound, head, record, usage, uses, whole_log};
use crate::events::{at, id, numbered, numbered_all, session, use_of};
use crate::harness::{Harness, ProcessEntry};
use crate::process::{Job, Worker, record_patiently, verify_patiently};
use crate::site::{Site, fresh, open_at};

/// Each number once, whatever the order.
fn assert_holds_each_once(store: &dyn Store, numbers: impl Iterator<Item = u64>) {
    let mut found: Vec<_> = whole_log(store).iter().map(Recorded::id).collect();
    let mut expected: Vec<_> = numbers.map(id).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found.len(), expected.len(), "events are lost or doubled");
    assert!(found == expected, "the log holds other events than were recorded");
}

/// What readers may see while batches of `batch` are recorded: whole ones, ever more, the same everywhere.
fn watch(store: &dyn Store, batch: u64, done: &dyn Fn() -> bool) {
    let mut before = 0;
    loop {
        let last = done();
        let counted = uses(store, &Selection::all());
        assert_eq!(counted % batch, 0, "a query sees {counted} events of batches of {batch}");
        assert!(counted >= before, "a query sees less than an earlier one");
        let read = whole_log(store);
        assert!(read.iter().map(|r| r.position.get()).eq(1..=read.len() as u64), "a read has gaps");
        assert_eq!(read.len() as u64 % batch, 0, "a read sees half of a batch");
        assert!(read.len() as u64 >= counted, "a read sees less than an earlier query");
        let rows = usage(store, &Selection::all(), &GroupBy::Tool);
        let sum: u64 = rows.iter().map(|row| row.usage.uses()).sum();
        assert_eq!(sum % batch, 0, "the rows of an answer are of different times");
        before = read.len() as u64;
        if last {
            return;
        }
    }
}

pub(crate) fn threads_lose_nothing<H: Harness>() {
    let store = fresh::<H>();
    let store = &*store;
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for n in 0..25 {
                    let from = thread * 1_000 + n * 5;
                    record(store, &numbered_all(from..from + 5));
                }
            });
        }
    });
    assert_holds_each_once(store, (0..8).flat_map(|thread| thread * 1_000..thread * 1_000 + 125));
    assert_answers_fold_the_log(store);
    assert_sound(store);
}

pub(crate) fn threads_see_whole_batches<H: Harness>() {
    let store = fresh::<H>();
    let store = &*store;
    let recorded = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for batch in numbered_all(0..2_400).chunks(60) {
                record(store, batch);
            }
            recorded.store(true, Ordering::Release);
        });
        watch(store, 60, &|| recorded.load(Ordering::Acquire) || writing.is_finished());
    });
    assert_log(store, &numbered_all(0..2_400));
}

pub(crate) fn a_batch_of_a_thread_stays_together<H: Harness>() {
    let store = fresh::<H>();
    let store = &*store;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for n in 0..20 {
                    let from = thread * 1_000 + n * 7;
                    let answers = record(store, &numbered_all(from..from + 7));
                    let first = answers[0].position().get();
                    let given: Vec<u64> = answers.iter().map(|a| a.position().get()).collect();
                    assert!(given.into_iter().eq(first..first + 7), "another batch stands within a batch");
                }
            });
        }
    });
    assert_eq!(head(store), 560);
}

pub(crate) fn a_second_handle_is_busy_or_shares_nothing<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..5));
    match store.site().open_with(&OpenOptions::new().wait(Duration::from_millis(10))) {
        Err(e) => assert!(e.is_busy(), "a second handle is refused otherwise: {e:?}"),
        Ok(second) => {
            assert_eq!(head(&*second), 0, "a second handle shares the store");
            record(&*second, &numbered_all(5..7));
        }
    }
    assert_log(&*store, &numbered_all(0..5));
}

pub(crate) fn threads_open_a_new_store_at_once<H: ProcessEntry>() {
    const THREADS: u64 = 6;
    // What makes a store in several steps is looked at between each two of them sooner or later.
    for _ in 0..60 {
        let site = Site::<H>::new();
        let start = Barrier::new(THREADS as usize);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (address, start) = (site.address(), &start);
                scope.spawn(move || {
                    start.wait();
                    record(&*open_at::<H>(address), &[numbered(thread)]);
                });
            }
        });
        assert_holds_each_once(&*site.open(), 0..THREADS);
    }
}

pub(crate) fn two_handles_see_each_other_at_once<H: ProcessEntry>() {
    let site = Site::<H>::new();
    let handles = [site.open(), site.open()];
    for n in 0..1_200 {
        let (writer, reader) = (&handles[n as usize % 2], &handles[(n as usize + 1) % 2]);
        record(&**writer, &[numbered(n)]);
        assert_eq!(head(&**reader), n + 1, "a handle does not see what another has recorded");
        if n % 50 == 0 {
            assert_eq!(uses(&**reader, &Selection::all()), n + 1, "a handle does not count what another has recorded");
        }
    }
    for handle in &handles {
        assert_log(&**handle, &numbered_all(0..1_200));
        assert_answers_fold_the_log(&**handle);
        assert_sound(&**handle);
    }
}

pub(crate) fn names_of_two_handles_are_not_mixed<H: ProcessEntry>() {
    let site = Site::<H>::new();
    let handles = [site.open(), site.open()];
    let event = |number: u64, who: &str| -> Event {
        let name = format!("{who} {number}");
        use_of(number, &name, at(1)).session(session(&name)).project(crate::events::project(&name)).into()
    };
    let mut expected = Vec::new();
    for round in 0..40 {
        for (handle, who) in handles.iter().zip(["first", "second"]) {
            // New names in an append that fails, then other new names, here and in the other handle.
            let failed = handle.append(&[event(90_000 + round, "failed")], Condition::HeadIs(Position::new(1 << 40)));
            assert!(failed.is_err(), "an append on a condition far ahead does not fail");
            let next = event(expected.len() as u64, who);
            record(&**handle, std::slice::from_ref(&next));
            expected.push(next);
        }
    }
    for handle in &handles {
        assert_log(&**handle, &expected);
        assert_answers_fold_the_log(&**handle);
        assert_sound(&**handle);
    }
}

pub(crate) fn a_rebuild_is_seen_by_another_handle<H: ProcessEntry>() {
    let site = Site::<H>::new();
    let (one, other) = (site.open(), site.open());
    record(&*one, &numbered_all(0..1_500));
    assert_answers_fold_the_log(&*other);
    for n in 0..3 {
        one.rebuild(&mut |_| {}).unwrap();
        record(&*other, &numbered_all(1_500 + n * 400..1_900 + n * 400));
        assert_answers_fold_the_log(&*one);
        assert_answers_fold_the_log(&*other);
    }
    assert_sound(&*other);
}

pub(crate) fn eight_processes_lose_nothing<H: ProcessEntry>() {
    const EACH: u64 = 60;
    let site = Site::<H>::new();
    let (writer, reader) = (site.open(), site.open());
    // One event a batch, as hooks record; beside them a long-lived writer and a long-lived reader.
    let jobs = (0..8).map(|process| Job::Record { from: process * 1_000, count: EACH, batch: 1 });
    let workers = Worker::start_all::<H>(site.address(), jobs);
    let finished = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..100 {
                record_patiently(&*writer, &[numbered(50_000 + n)]);
            }
        });
        let watcher = scope.spawn(|| watch(&*reader, 1, &|| finished.load(Ordering::Acquire)));
        for worker in workers {
            worker.finish();
        }
        finished.store(true, Ordering::Release);
        watcher.join().unwrap();
    });
    let numbers = (0..8).flat_map(|process| process * 1_000..process * 1_000 + EACH).chain(50_000..50_100);
    assert_holds_each_once(&*reader, numbers);
    assert_answers_fold_the_log(&*reader);
    assert_sound(&*writer);
}

pub(crate) fn no_query_sees_half_of_another_process_batch<H: ProcessEntry>() {
    let site = Site::<H>::new();
    let reader = site.open();
    let jobs = (0..2).map(|process| Job::Record { from: process * 5_000, count: 2_000, batch: 50 });
    let workers = Worker::start_all::<H>(site.address(), jobs);
    let finished = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&*reader, 50, &|| finished.load(Ordering::Acquire)));
        for worker in workers {
            worker.finish();
        }
        finished.store(true, Ordering::Release);
        watcher.join().unwrap();
    });
    assert_holds_each_once(&*reader, (0..2_000).chain(5_000..7_000));
    assert_sound(&*reader);
}

pub(crate) fn maintenance_runs_beside_another_process<H: ProcessEntry>() {
    let site = Site::<H>::new();
    let store = site.open();
    let mut worker = Worker::start::<H>(site.address(), Job::Record { from: 0, count: 1_200, batch: 80 });
    worker.go();
    while let Some(said) = worker.listen() {
        if said == "done" {
            break;
        }
        match store.rebuild(&mut |_| {}) {
            Ok(()) => {}
            Err(e) => assert!(e.is_busy(), "a rebuild beside a recorder fails: {e:?}"),
        }
        verify_patiently(&*store);
    }
    assert_log(&*store, &numbered_all(0..1_200));
    assert_answers_fold_the_log(&*store);
    assert_sound(&*store);
}

pub(crate) fn what_is_busy_is_not_recorded_and_nothing_else_is_lost<H: ProcessEntry>() {
    let site = Site::<H>::new();
    let (patient, hasty) = (site.open(), site.open_with(&OpenOptions::new().wait(Duration::ZERO)).unwrap());
    let recorded = AtomicBool::new(false);
    let accepted: Vec<u64> = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for n in (0..9_000).step_by(1_500) {
                record(&*patient, &numbered_all(n..n + 1_500));
            }
            recorded.store(true, Ordering::Release);
        });
        let mut accepted = Vec::new();
        for n in 20_000.. {
            // Enough: who never waits may not keep the patient one waiting for ever.
            if recorded.load(Ordering::Acquire) || writing.is_finished() || accepted.len() == 300 {
                break;
            }
            match hasty.append(&[numbered(n)], Condition::None) {
                Ok(answers) => {
                    assert!(answers[0].is_new(), "an event that was refused as busy is recorded");
                    accepted.push(n);
                }
                Err(e) => assert!(e.is_busy(), "a store in use fails otherwise than busy: {e:?}"),
            }
        }
        accepted
    });
    assert_holds_each_once(&*patient, (0..9_000).chain(accepted));
    assert_sound(&*patient);
}
