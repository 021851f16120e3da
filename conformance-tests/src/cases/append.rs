use tooltally_core::{Appended, Condition, Durability, Error, LogExt, Position};

use crate::check::{assert_log, assert_sound, head, new_from, record, whole_log};
use crate::events::{numbered, numbered_all};
use crate::harness::{Harness, ProcessEntry};
use crate::process::{Job, Worker, last_number};
use crate::site::{Site, fresh, patient};

pub(crate) fn one_event_is_recorded<H: Harness>() {
    let store = fresh::<H>();
    let answer = store.record(&numbered(1)).unwrap();
    assert_eq!(answer, Appended::New(Position::new(1)));
    assert_log(&*store, &[numbered(1)]);
}

pub(crate) fn positions_grow_by_one<H: Harness>() {
    let store = fresh::<H>();
    assert_eq!(record(&*store, &numbered_all(0..3)), new_from(1, 3));
    assert_eq!(record(&*store, &numbered_all(3..10)), new_from(4, 7));
    assert_log(&*store, &numbered_all(0..10));
}

pub(crate) fn an_empty_batch_records_nothing<H: Harness>() {
    let store = fresh::<H>();
    assert_eq!(record(&*store, &[]), []);
    assert_log(&*store, &[]);
    record(&*store, &numbered_all(0..2));
    assert_eq!(record(&*store, &[]), []);
    assert_log(&*store, &numbered_all(0..2));
}

pub(crate) fn a_mixed_batch_is_answered_for_in_order<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &[numbered(1), numbered(2)]);
    let answers = record(&*store, &[numbered(3), numbered(2), numbered(4), numbered(3), numbered(1)]);
    let at = Position::new;
    let expected = [
        Appended::New(at(3)),
        Appended::Duplicate(at(2)),
        Appended::New(at(4)),
        Appended::Duplicate(at(3)),
        Appended::Duplicate(at(1)),
    ];
    assert_eq!(answers, expected);
    assert_log(&*store, &numbered_all(1..5));
}

pub(crate) fn a_batch_of_duplicates_records_nothing<H: Harness>() {
    let store = fresh::<H>();
    let events = numbered_all(0..20);
    record(&*store, &events);
    let again = record(&*store, &events);
    assert_eq!(again, (1..=20).map(|n| Appended::Duplicate(Position::new(n))).collect::<Vec<_>>());
    assert_log(&*store, &events);
    assert_sound(&*store);
}

pub(crate) fn a_large_batch_is_recorded_whole<H: Harness>() {
    let store = fresh::<H>();
    let events = numbered_all(0..5_000);
    assert_eq!(record(&*store, &events), new_from(1, 5_000));
    assert_log(&*store, &events);
    assert_sound(&*store);
}

pub(crate) fn a_failed_batch_leaves_nothing<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..10));
    let failed = store.append(&numbered_all(5..2_000), Condition::HeadIs(Position::new(9)));
    assert!(matches!(failed, Err(Error::ConditionNotMet { .. })), "found {failed:?}");
    assert_log(&*store, &numbered_all(0..10));
    // The ids of the failed batch are free.
    assert_eq!(record(&*store, &numbered_all(10..20)), new_from(11, 10));
    assert_sound(&*store);
}

pub(crate) fn events_are_there_after_reopening<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..1_300));
    let store = store.reopened();
    assert_log(&*store, &numbered_all(0..1_300));
    record(&*store, &numbered_all(1_300..1_301));
    let store = store.reopened().reopened();
    assert_log(&*store, &numbered_all(0..1_301));
    assert_sound(&*store);
}

pub(crate) fn relaxed_events_are_there_after_reopening<H: Harness>() {
    let site = Site::<H>::new();
    let store = site.open_with(&patient().durability(Durability::Relaxed)).unwrap();
    record(&*store, &numbered_all(0..1_300));
    drop(store);
    let store = site.open();
    assert_log(&*store, &numbered_all(0..1_300));
    assert_sound(&*store);
}

pub(crate) fn a_store_opened_again_is_empty<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..10));
    let store = store.reopened();
    assert_log(&*store, &[]);
}

pub(crate) fn answered_events_survive_a_kill<H: ProcessEntry>() {
    let site = Site::<H>::new();
    let mut worker = Worker::start::<H>(site.address(), Job::Record { from: 0, count: 100_000, batch: 1 });
    worker.go();
    let mut said = vec![worker.listen().expect("a worker records")];
    // Past one fold at least: the projections were being written too.
    while last_number(&said, "recorded") < Some(700) {
        said.extend(worker.listen());
    }
    said.extend(worker.kill());
    let answered = last_number(&said, "recorded").expect("a worker says what is recorded");
    let store = site.open();
    let kept = head(&*store);
    assert!(kept >= answered, "{answered} events were answered for, {kept} are there");
    assert_log(&*store, &numbered_all(0..kept));
    assert_sound(&*store);
}

pub(crate) fn a_killed_batch_is_whole_or_absent<H: ProcessEntry>() {
    const BATCH: u64 = 300;
    let site = Site::<H>::new();
    for round in 0..4 {
        let from = site_head(&site);
        let job = Job::Record { from, count: 100 * BATCH, batch: BATCH };
        let mut worker = Worker::start::<H>(site.address(), job);
        worker.go();
        for _ in 0..=round {
            worker.listen().expect("a worker records");
        }
        worker.kill();
        let store = site.open();
        assert_eq!(head(&*store) % BATCH, 0, "half of a batch is there after a kill");
        assert!(head(&*store) >= from + BATCH, "an answered batch is gone after a kill");
        assert_sound(&*store);
    }
    let store = site.open();
    assert_eq!(whole_log(&*store).len() as u64, head(&*store));
}

fn site_head<H: Harness>(site: &Site<H>) -> u64 {
    head(&*site.open())
}
