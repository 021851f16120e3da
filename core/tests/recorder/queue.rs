//! Order, batches, room, flushing and the end, on a store that records.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tooltally_core::{Error, Log, MemoryStore, Offered, Recorder, Store, WhenFull};

use super::support::{Told, numbered, patient};

#[test]
fn events_are_recorded_in_order() {
    let log = Told::right();
    let recorder = Recorder::start_with(Arc::clone(&log), &patient().capacity(7).batch(3)).unwrap();
    for number in 0..1_000 {
        assert!(recorder.record(numbered(number)).unwrap().is_queued());
    }
    recorder.flush().unwrap();
    assert_eq!(log.recorded(), (0..1_000).collect::<Vec<_>>());
    assert!(log.batches().iter().all(|events| (1..=3).contains(events)), "{:?}", log.batches());
}

#[test]
fn threads_that_block_lose_nothing_and_keep_their_order() {
    let log = Told::right();
    let recorder = Recorder::start_with(Arc::clone(&log), &patient().capacity(5).batch(2)).unwrap();
    thread::scope(|scope| {
        for thread in 0..8_u64 {
            let recorder = &recorder;
            scope.spawn(move || {
                for number in 0..200 {
                    assert_eq!(recorder.record(numbered(thread * 1_000 + number)).unwrap(), Offered::Queued);
                }
            });
        }
    });
    recorder.close().unwrap();
    let all = log.recorded();
    assert_eq!(all.len(), 1_600);
    for thread in 0..8 {
        let of_thread: Vec<u64> = all.iter().copied().filter(|number| number / 1_000 == thread).collect();
        assert!(of_thread.iter().copied().eq(thread * 1_000..thread * 1_000 + 200), "{of_thread:?}");
    }
    let counts = recorder.counts();
    assert_eq!((counts.recorded, counts.duplicates, counts.pending), (1_600, 0, 0));
    assert_eq!((counts.dropped, counts.failed), (0, 0));
}

#[test]
fn what_gathers_during_an_append_goes_into_the_next_one() {
    let log = Told::right();
    log.shut();
    let recorder = Recorder::start_with(Arc::clone(&log), &patient().batch(4)).unwrap();
    recorder.record(numbered(0)).unwrap();
    log.wait_for_appends(1);
    for number in 1..10 {
        recorder.record(numbered(number)).unwrap();
    }
    log.open();
    recorder.flush().unwrap();
    assert_eq!(log.batches(), [1, 4, 4, 1]);
    assert_eq!(log.recorded(), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_full_queue_drops_and_counts_exactly() {
    let log = Told::right();
    log.shut();
    let options = patient().when_full(WhenFull::Drop).capacity(100).batch(16);
    let recorder = Recorder::start_with(Arc::clone(&log), &options).unwrap();
    let queued = AtomicU64::new(0);
    thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (recorder, queued) = (&recorder, &queued);
            scope.spawn(move || {
                for number in 0..50 {
                    let offered = recorder.record(numbered(thread * 1_000 + number)).unwrap();
                    queued.fetch_add(u64::from(offered.is_queued()), Ordering::Relaxed);
                }
            });
        }
    });
    // The store has answered for none: the events of the append under way take room, too.
    assert_eq!(queued.into_inner(), 100);
    let counts = recorder.counts();
    assert_eq!((counts.pending, counts.dropped), (100, 300));
    log.open();
    recorder.flush().unwrap();
    assert!(recorder.record(numbered(9_000)).unwrap().is_queued(), "there is room again");
    recorder.close().unwrap();
    assert_eq!(log.recorded().len(), 101);
    let counts = recorder.counts();
    assert_eq!((counts.recorded, counts.pending, counts.dropped, counts.failed), (101, 0, 300, 0));
}

#[test]
fn a_full_queue_blocks_no_longer_than_chosen() {
    let log = Told::right();
    log.shut();
    let wait = Duration::from_millis(3);
    let recorder = Recorder::start_with(Arc::clone(&log), &patient().capacity(2).record_wait(wait)).unwrap();
    recorder.record(numbered(0)).unwrap();
    recorder.record(numbered(1)).unwrap();
    let error = recorder.record(numbered(2)).unwrap_err();
    assert!(matches!(error, Error::Busy { waited } if waited >= wait), "{error:?}");
    assert_eq!(recorder.counts().dropped, 1);
    log.open();
    recorder.flush().unwrap();
    recorder.record(numbered(3)).unwrap();
    recorder.close().unwrap();
    assert_eq!(log.recorded(), [0, 1, 3]);
}

#[test]
fn known_events_are_counted_as_duplicates() {
    let log = Told::right();
    let recorder = Recorder::start_with(Arc::clone(&log), &patient()).unwrap();
    for number in [1, 2, 1, 3, 2, 1] {
        recorder.record(numbered(number)).unwrap();
    }
    recorder.flush().unwrap();
    assert_eq!(log.recorded(), [1, 2, 3]);
    assert_eq!((recorder.counts().recorded, recorder.counts().duplicates), (3, 3));
}

#[test]
fn flushing_waits_no_longer_than_chosen() {
    let log = Told::right();
    log.shut();
    let wait = Duration::from_millis(3);
    let recorder = Recorder::start_with(Arc::clone(&log), &patient().flush_wait(wait)).unwrap();
    recorder.flush().unwrap();
    recorder.record(numbered(0)).unwrap();
    recorder.record(numbered(1)).unwrap();
    let unrecorded = recorder.flush().unwrap_err();
    assert_eq!(unrecorded.events, 2);
    assert!(unrecorded.error.is_busy(), "{unrecorded:?}");
    log.open();
    while let Err(unrecorded) = recorder.flush() {
        assert!(unrecorded.error.is_busy(), "{unrecorded:?}");
    }
    assert_eq!(log.recorded(), [0, 1]);
}

#[test]
fn closing_records_what_is_queued_and_lets_go_of_the_store() {
    let log = Told::right();
    let recorder = Recorder::start_with(Arc::clone(&log), &patient()).unwrap();
    for number in 0..500 {
        recorder.record(numbered(number)).unwrap();
    }
    recorder.close().unwrap();
    assert_eq!(log.recorded().len(), 500);
    assert_eq!(Arc::strong_count(&log), 1, "the writer still holds the store");
    assert!(matches!(recorder.record(numbered(500)), Err(Error::Closed)));
    assert_eq!(recorder.counts().dropped, 1);
    recorder.flush().unwrap();
    recorder.close().unwrap();
    assert!(recorder.take_unrecorded().is_empty());
}

#[test]
fn dropping_records_what_is_queued() {
    let log = Told::right();
    let recorder = Recorder::start_with(Arc::clone(&log), &patient()).unwrap();
    for number in 0..500 {
        recorder.record(numbered(number)).unwrap();
    }
    drop(recorder);
    assert_eq!(log.recorded(), (0..500).collect::<Vec<_>>());
    assert_eq!(Arc::strong_count(&log), 1, "the writer still holds the store");
}

#[test]
fn closing_waits_no_longer_than_chosen() {
    let log = Told::right();
    log.shut();
    let wait = Duration::from_millis(3);
    let recorder = Recorder::start_with(Arc::clone(&log), &patient().batch(1).flush_wait(wait)).unwrap();
    recorder.record(numbered(0)).unwrap();
    log.wait_for_appends(1);
    recorder.record(numbered(1)).unwrap();
    let unrecorded = recorder.close().unwrap_err();
    assert_eq!(unrecorded.events, 2);
    assert!(unrecorded.error.is_busy(), "{unrecorded:?}");
    assert!(recorder.take_unrecorded().is_empty(), "an append is under way");
    // The append that nobody waits for any longer may end, and the writer begins no other.
    log.open();
    while recorder.counts().pending > 0 {
        thread::yield_now();
    }
    assert_eq!((recorder.counts().recorded, recorder.counts().failed), (1, 1));
    assert_eq!(super::support::numbers(&recorder.take_unrecorded()), [1]);
    assert_eq!(log.recorded(), [0]);
}

#[test]
fn a_thread_that_waits_for_room_is_told_of_the_end() {
    let log = Told::right();
    log.shut();
    let recorder = Recorder::start_with(Arc::clone(&log), &patient().capacity(1)).unwrap();
    recorder.record(numbered(0)).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| recorder.record(numbered(1)));
        let closing = scope.spawn(|| recorder.close());
        // Whichever comes first: a recorder that closes takes no event, however long one waits.
        assert!(matches!(waiting.join().unwrap(), Err(Error::Closed)));
        log.open();
        closing.join().unwrap().unwrap();
    });
    assert_eq!(log.recorded(), [0]);
}

#[test]
fn it_works_over_any_store() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let recorder = Recorder::start(Arc::clone(&store)).unwrap();
    recorder.record(numbered(1)).unwrap();
    recorder.flush().unwrap();
    assert_eq!(store.head().unwrap().get(), 1);
    let log: Arc<dyn Log> = store;
    let second = Recorder::start(log).unwrap();
    second.record(numbered(2)).unwrap();
    second.close().unwrap();
    assert!(format!("{second:?}").contains("recorded: 1"), "{second:?}");
}
