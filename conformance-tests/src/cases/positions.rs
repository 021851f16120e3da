use std::collections::BTreeSet;

use tooltally_core::{Appended, Condition, Position};

use crate::check::{assert_log, assert_sound, head, new_from, record, whole_log};
use crate::events::{numbered, numbered_all};
use crate::harness::Harness;
use crate::site::fresh;

pub(crate) fn the_first_is_1<H: Harness>() {
    let store = fresh::<H>();
    assert_eq!(record(&*store, &[numbered(7)]), new_from(1, 1));
    assert_eq!(head(&*store), 1);
}

pub(crate) fn duplicates_take_none<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..3));
    record(&*store, &numbered_all(0..3));
    record(&*store, &[numbered(1), numbered(1)]);
    assert_eq!(head(&*store), 3);
    assert_eq!(record(&*store, &[numbered(0), numbered(3)])[1], Appended::New(Position::new(4)));
}

pub(crate) fn failed_appends_take_none<H: Harness>() {
    let store = fresh::<H>();
    for n in 0..5 {
        let wrong = Condition::HeadIs(Position::new(n + 1));
        assert!(store.append(&numbered_all(100..110), wrong).is_err());
        assert_eq!(record(&*store, &[numbered(n)]), new_from(n + 1, 1));
    }
    assert_log(&*store, &numbered_all(0..5));
}

pub(crate) fn batches_of_every_size_leave_no_gap<H: Harness>() {
    let store = fresh::<H>();
    let mut next = 0;
    for size in [1, 7, 100, 1_000, 5_000, 1, 1_023, 1_024, 1_025, 1, 2, 2_000] {
        let answers = record(&*store, &numbered_all(next..next + size));
        let size_in_memory = usize::try_from(size).unwrap();
        assert!(answers == new_from(next + 1, size_in_memory), "a batch of {size} after {next} has other positions");
        next += size;
        assert_eq!(head(&*store), next);
    }
    let log = whole_log(&*store);
    assert!(log.iter().map(|r| r.position.get()).eq(1..=next), "the log has a gap");
    assert_sound(&*store);
}

pub(crate) fn threads_leave_no_gap<H: Harness>() {
    let store = fresh::<H>();
    let store = &*store;
    let record_some = |thread: u64| {
        move || -> Vec<u64> {
            let batches = (0..20).map(|n| thread * 1_000 + n * 10);
            batches.flat_map(|n| record(store, &numbered_all(n..n + 3))).map(|a| a.position().get()).collect()
        }
    };
    let given: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|thread| scope.spawn(record_some(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let distinct: BTreeSet<u64> = given.iter().copied().collect();
    assert_eq!(given.len(), distinct.len(), "a position is given twice");
    assert!(distinct.into_iter().eq(1..=240), "a position is left out");
    assert_sound(store);
}

pub(crate) fn they_go_on_after_reopening<H: Harness>() {
    let mut store = fresh::<H>();
    for n in 0..12 {
        let from = n * 100;
        assert_eq!(record(&*store, &numbered_all(from..from + 100)), new_from(from + 1, 100));
        store = store.reopened();
        assert_eq!(head(&*store), from + 100);
    }
    assert_log(&*store, &numbered_all(0..1_200));
}
