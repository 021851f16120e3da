use std::sync::Arc;

use tooltally_core::{LogExt, Offered, Recorded, Recorder, RecorderOptions, Selection, Store};

use crate::check::{assert_answers_fold_the_log, assert_log, assert_sound, head, record, uses, whole_log};
use crate::events::{id, numbered, numbered_all};
use crate::harness::{Harness, ProcessEntry};
use crate::process::{Job, Worker, last_number};
use crate::site::{PATIENCE, Site};

/// A small queue, so that it is full now and then, before a store that is waited for.
fn options() -> RecorderOptions {
    RecorderOptions::new().capacity(50).batch(20).record_wait(PATIENCE).flush_wait(PATIENCE)
}

fn shared<H: Harness>(site: &Site<H>) -> Arc<dyn Store> {
    Arc::from(site.open())
}

fn start(store: &Arc<dyn Store>) -> Recorder {
    Recorder::start_with(Arc::clone(store), &options()).expect("a recorder starts")
}

fn queue(recorder: &Recorder, numbers: std::ops::Range<u64>) {
    for number in numbers {
        assert_eq!(recorder.record(numbered(number)).expect("there will be room"), Offered::Queued);
    }
}

pub(crate) fn threads_lose_nothing_and_keep_their_order<H: Harness>() {
    let site = Site::<H>::new();
    let store = shared(&site);
    let recorder = start(&store);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let recorder = &recorder;
            scope.spawn(move || queue(recorder, thread * 1_000..thread * 1_000 + 120));
        }
    });
    recorder.flush().unwrap();
    let log: Vec<_> = whole_log(&*store).iter().map(Recorded::id).collect();
    assert_eq!(log.len(), 8 * 120, "events are lost or doubled");
    for thread in 0..8 {
        let places: Vec<_> = (thread * 1_000..thread * 1_000 + 120)
            .map(|number| log.iter().position(|found| *found == id(number)).expect("an event is lost"))
            .collect();
        assert!(places.is_sorted(), "a thread's events are out of order");
    }
    assert_eq!((recorder.counts().recorded, recorder.counts().pending), (8 * 120, 0));
    assert_answers_fold_the_log(&*store);
    assert_sound(&*store);
}

pub(crate) fn flushed_events_are_counted_at_once<H: Harness>() {
    let site = Site::<H>::new();
    let store = shared(&site);
    let recorder = start(&store);
    for round in 0..30 {
        queue(&recorder, round * 37..(round + 1) * 37);
        recorder.flush().unwrap();
        assert_eq!(uses(&*store, &Selection::all()), (round + 1) * 37, "flushed events are not counted");
    }
    assert_log(&*store, &numbered_all(0..30 * 37));
}

pub(crate) fn known_events_are_duplicates<H: Harness>() {
    let site = Site::<H>::new();
    let store = shared(&site);
    record(&*store, &numbered_all(0..100));
    let recorder = start(&store);
    queue(&recorder, 50..150);
    queue(&recorder, 140..150);
    recorder.close().unwrap();
    assert_eq!((recorder.counts().recorded, recorder.counts().duplicates), (50, 60));
    assert_log(&*store, &numbered_all(0..150));
}

pub(crate) fn appends_beside_it_are_not_disturbed<H: Harness>() {
    let site = Site::<H>::new();
    let store = shared(&site);
    let recorder = start(&store);
    std::thread::scope(|scope| {
        scope.spawn(|| queue(&recorder, 0..300));
        for number in 1_000..1_050 {
            assert!(store.record(&numbered(number)).expect("it is recorded").is_new());
        }
    });
    drop(recorder);
    assert_eq!(head(&*store), 350);
    assert_answers_fold_the_log(&*store);
    assert_sound(&*store);
}

pub(crate) fn dropping_it_records_what_is_queued<H: Harness>() {
    let site = Site::<H>::new();
    let store = shared(&site);
    let recorder = start(&store);
    queue(&recorder, 0..45);
    drop(recorder);
    assert_log(&*store, &numbered_all(0..45));
}

pub(crate) fn recorded_events_are_there_after_reopening<H: Harness>() {
    let site = Site::<H>::new();
    let store = shared(&site);
    let recorder = start(&store);
    queue(&recorder, 0..1_300);
    recorder.close().unwrap();
    drop(store);
    let store = site.open();
    assert_log(&*store, &numbered_all(0..1_300));
    assert_sound(&*store);
}

pub(crate) fn flushed_events_are_seen_by_another_handle<H: ProcessEntry>() {
    let site = Site::<H>::new();
    let (store, other) = (shared(&site), site.open());
    let recorder = start(&store);
    for round in 0..10 {
        queue(&recorder, round * 33..(round + 1) * 33);
        recorder.flush().unwrap();
        assert_log(&*other, &numbered_all(0..(round + 1) * 33));
    }
}

pub(crate) fn flushed_events_survive_a_kill<H: ProcessEntry>() {
    let site = Site::<H>::new();
    let mut worker = Worker::start::<H>(site.address(), Job::Queue { count: 1_000_000, flush_each: 40 });
    worker.go();
    let mut said = vec![worker.listen().expect("a worker flushes")];
    while last_number(&said, "flushed") < Some(700) {
        said.extend(worker.listen());
    }
    said.extend(worker.kill());
    let flushed = last_number(&said, "flushed").expect("a worker says what is flushed");
    let store = site.open();
    let kept = head(&*store);
    assert!(kept >= flushed, "{flushed} events were flushed, {kept} are there");
    assert_log(&*store, &numbered_all(0..kept));
    assert_sound(&*store);
}
