use std::sync::atomic::{AtomicBool, Ordering};

use tooltally_core::{MaintenanceExt, Selection};

use crate::check::{
    Answers, Pair, assert_answers_fold_the_log, assert_log, assert_sound, head, record, record_in_batches, uses,
};
use crate::events::{numbered, numbered_all};
use crate::harness::{Harness, ProcessEntry};
use crate::process::{Job, Worker};
use crate::site::{Site, fresh};

pub(crate) fn an_empty_store_verifies<H: Harness>() {
    let store = fresh::<H>();
    assert_eq!(store.verify_quietly().unwrap().events, 0);
    store.rebuild_quietly().unwrap();
    store.compact().unwrap();
    assert_sound(&*store);
}

pub(crate) fn verify_goes_through_every_event<H: Harness>() {
    let store = fresh::<H>();
    let mut next = 0;
    for size in [1, 10, 600, 3_000] {
        record(&*store, &numbered_all(next..next + size));
        next += size;
        assert_eq!(store.verify_quietly().unwrap().events, next);
    }
}

pub(crate) fn verify_changes_nothing<H: Harness>() {
    let store = fresh::<H>();
    record_in_batches(&*store, &numbered_all(0..1_500), 100);
    let before = Answers::of(&*store);
    assert_eq!(store.verify_quietly().unwrap(), store.verify_quietly().unwrap());
    assert!(Answers::of(&*store) == before, "verify changes answers");
}

pub(crate) fn long_work_tells_its_progress<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..3_000));
    let thread = std::thread::current().id();
    for (name, verifies) in [("verify", true), ("rebuild", false)] {
        let mut calls = Vec::new();
        let progress = &mut |progress: tooltally_core::Progress| {
            assert_eq!(std::thread::current().id(), thread, "{name} tells its progress from another thread");
            calls.push(progress);
        };
        if verifies {
            store.verify(progress).unwrap();
        } else {
            store.rebuild(progress).unwrap();
        }
        assert!(!calls.is_empty(), "{name} tells nothing of its progress");
        assert!(calls.iter().all(|p| p.done <= p.total), "{name} has done more than all: {calls:?}");
    }
}

pub(crate) fn rebuild_changes_no_answer<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    for batch in numbered_all(0..3_000).chunks(170) {
        pair.record(batch);
    }
    for _ in 0..2 {
        store.rebuild_quietly().unwrap();
        pair.assert_same_answers();
        assert_sound(&*store);
    }
    // It goes on from there as if nothing had been.
    for batch in numbered_all(2_900..4_000).chunks(90) {
        pair.record(batch);
    }
    pair.assert_same_answers();
    assert_sound(&*store);
}

pub(crate) fn recording_goes_on_while_rebuilding<H: Harness>() {
    let store = fresh::<H>();
    let store = &*store;
    record(store, &numbered_all(0..2_000));
    let recorded = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for n in (2_000..3_500).step_by(50) {
                record(store, &numbered_all(n..n + 50));
            }
            recorded.store(true, Ordering::Release);
        });
        loop {
            let done = recorded.load(Ordering::Acquire) || writing.is_finished();
            store.rebuild_quietly().unwrap();
            if done {
                break;
            }
            // A store whose lock is not fair might never let the other in.
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    });
    assert_log(store, &numbered_all(0..3_500));
    assert_answers_fold_the_log(store);
    assert_sound(store);
}

pub(crate) fn answers_stay_while_rebuilding<H: Harness>() {
    let store = fresh::<H>();
    let store = &*store;
    record_in_batches(store, &numbered_all(0..2_500), 500);
    let before = Answers::of(store);
    let asked = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let questioning = scope.spawn(|| {
            for _ in 0..4 {
                assert!(Answers::of(store) == before, "an answer differs while the store is rebuilt");
            }
            asked.store(true, Ordering::Release);
        });
        // Not for as long as it asks: a store whose lock is not fair might never let it.
        for _ in 0..20 {
            if asked.load(Ordering::Acquire) || questioning.is_finished() {
                break;
            }
            store.rebuild_quietly().unwrap();
        }
    });
    assert!(Answers::of(store) == before, "an answer differs after the store was rebuilt");
}

pub(crate) fn compact_changes_no_answer<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    pair.record(&numbered_all(0..2_000));
    store.compact().unwrap();
    pair.assert_same_answers();
    pair.record(&numbered_all(1_990..2_600));
    store.rebuild_quietly().unwrap();
    store.compact().unwrap();
    pair.assert_same_answers();
    assert_sound(&*store);
}

pub(crate) fn answers_fold_the_log_as_it_grows<H: Harness>() {
    let store = fresh::<H>();
    let mut next = 0;
    for size in [1, 2, 61, 447, 1, 1, 510, 1, 1, 1_000, 60] {
        record(&*store, &numbered_all(next..next + size));
        next += size;
        assert_answers_fold_the_log(&*store);
    }
    assert_sound(&*store);
}

pub(crate) fn every_single_append_is_counted_at_once<H: Harness>() {
    let store = fresh::<H>();
    for n in 0..1_100 {
        record(&*store, &[numbered(n)]);
        assert_eq!(uses(&*store, &Selection::all()), n + 1, "an event is recorded and not counted");
    }
}

pub(crate) fn answers_stay_after_reopening<H: Harness>() {
    let store = fresh::<H>();
    record_in_batches(&*store, &numbered_all(0..2_100), 300);
    let before = Answers::of(&*store);
    let store = store.reopened();
    assert!(Answers::of(&*store) == before, "an answer differs after reopening");
    store.rebuild_quietly().unwrap();
    let store = store.reopened();
    assert!(Answers::of(&*store) == before, "an answer differs after rebuilding and reopening");
    store.compact().unwrap();
    let store = store.reopened();
    assert!(Answers::of(&*store) == before, "an answer differs after compacting and reopening");
    assert_sound(&*store);
}

pub(crate) fn a_killed_rebuild_does_no_harm<H: ProcessEntry>() {
    let site = Site::<H>::new();
    let store = site.open();
    record(&*store, &numbered_all(0..4_000));
    let before = Answers::of(&*store);
    for _ in 0..3 {
        let mut worker = Worker::start::<H>(site.address(), Job::Rebuild);
        worker.go();
        assert_eq!(worker.listen().as_deref(), Some("rebuilding"));
        worker.kill();
        assert!(Answers::of(&*store) == before, "an answer differs after a killed rebuild");
    }
    assert_sound(&*store);
    store.rebuild_quietly().unwrap();
    assert!(Answers::of(&*store) == before, "an answer differs after the rebuild that followed");
    record(&*store, &[numbered(4_000)]);
    assert_eq!(head(&*store), 4_001);
    assert_sound(&*store);
}
