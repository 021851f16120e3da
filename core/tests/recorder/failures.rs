//! A store that fails: nothing is lost in silence.

use std::error::Error as _;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tooltally_core::{Error, Offered, Recorder, WhenFull};

use super::support::{Answer, Told, busy, full, numbered, numbers, patient};

/// Flushes until nothing fails: a mended store may have one more failure under way.
fn flush_at_last(recorder: &Recorder) {
    while recorder.flush().is_err() {}
}

#[test]
fn a_busy_store_is_asked_again() {
    let log = Told::to([Answer::Fails(busy()), Answer::Fails(busy()), Answer::Fails(busy())]);
    let recorder = Recorder::start_with(Arc::clone(&log), &patient()).unwrap();
    recorder.record(numbered(0)).unwrap();
    recorder.flush().unwrap();
    assert_eq!(log.recorded(), [0]);
    assert_eq!(log.batches().len(), 4);
    assert!(recorder.trouble().is_none());
}

#[test]
fn a_failure_is_told_with_its_cause_and_the_events_are_kept() {
    let log = Told::always(|| Answer::Fails(full()));
    let recorder = Recorder::start_with(Arc::clone(&log), &patient().batch(2)).unwrap();
    for number in 0..5 {
        recorder.record(numbered(number)).unwrap();
    }
    let unrecorded = recorder.flush().unwrap_err();
    assert_eq!(unrecorded.events, 5);
    assert_eq!(unrecorded.to_string(), "5 queued events are not recorded");
    let cause = unrecorded.source().unwrap();
    assert_eq!(cause.to_string(), "no space left to append");
    assert_eq!(cause.source().unwrap().to_string(), "no room");
    assert!(matches!(recorder.trouble(), Some(Error::Full { .. })));
    assert_eq!(recorder.counts().pending, 5);
    log.mend();
    flush_at_last(&recorder);
    assert_eq!(log.recorded(), [0, 1, 2, 3, 4]);
    let counts = recorder.counts();
    assert_eq!((counts.recorded, counts.duplicates, counts.pending), (5, 0, 0));
    assert!(recorder.trouble().is_none());
}

#[test]
fn the_writer_tries_again_without_being_asked() {
    let log = Told::to((0..4).map(|_| Answer::Fails(full())));
    let recorder = Recorder::start_with(Arc::clone(&log), &patient()).unwrap();
    recorder.record(numbered(0)).unwrap();
    log.wait_for_appends(5);
    recorder.flush().unwrap();
    assert_eq!(log.recorded(), [0]);
}

#[test]
fn what_a_failed_append_has_recorded_after_all_is_not_doubled() {
    let log = Told::to([Answer::RecordsAndFails(full())]);
    let recorder = Recorder::start_with(Arc::clone(&log), &patient()).unwrap();
    for number in 0..3 {
        recorder.record(numbered(number)).unwrap();
    }
    flush_at_last(&recorder);
    assert_eq!(log.recorded(), [0, 1, 2]);
    let counts = recorder.counts();
    assert!(counts.duplicates >= 1 && counts.recorded + counts.duplicates == 3, "{counts:?}");
}

#[test]
fn a_full_queue_before_a_failing_store_does_not_block() {
    let log = Told::always(|| Answer::Fails(full()));
    let recorder = Recorder::start_with(Arc::clone(&log), &patient().capacity(3)).unwrap();
    for number in 0..3 {
        recorder.record(numbered(number)).unwrap();
    }
    // Fails as soon as the store has, long before the wait for room is over.
    let error = recorder.record(numbered(3)).unwrap_err();
    assert!(matches!(error, Error::Full { .. }), "{error:?}");
    let dropping = Recorder::start_with(Arc::clone(&log), &patient().capacity(1).when_full(WhenFull::Drop)).unwrap();
    dropping.record(numbered(10)).unwrap();
    assert_eq!(dropping.record(numbered(11)).unwrap(), Offered::Dropped);
    assert_eq!((recorder.counts().dropped, dropping.counts().dropped), (1, 1));
}

#[test]
fn what_closing_cannot_record_is_given_back() {
    let log = Told::always(|| Answer::Fails(full()));
    let recorder = Recorder::start_with(Arc::clone(&log), &patient().batch(2)).unwrap();
    for number in 0..7 {
        recorder.record(numbered(number)).unwrap();
    }
    assert!(recorder.take_unrecorded().is_empty(), "it is still at work");
    let unrecorded = recorder.close().unwrap_err();
    assert_eq!(unrecorded.events, 7);
    assert!(matches!(unrecorded.error, Error::Full { .. }), "{unrecorded:?}");
    assert_eq!(recorder.close().unwrap_err().events, 7);
    assert_eq!((recorder.counts().failed, recorder.counts().pending), (7, 0));
    assert_eq!(numbers(&recorder.take_unrecorded()), [0, 1, 2, 3, 4, 5, 6]);
    assert!(recorder.take_unrecorded().is_empty(), "once");
    assert!(log.recorded().is_empty());
}

#[test]
fn closing_waits_for_a_busy_store() {
    let log = Told::to((0..5).map(|_| Answer::Fails(busy())));
    let recorder = Recorder::start_with(Arc::clone(&log), &patient()).unwrap();
    recorder.record(numbered(0)).unwrap();
    recorder.close().unwrap();
    assert_eq!(log.recorded(), [0]);
}

#[test]
fn closing_waits_for_a_busy_store_no_longer_than_chosen() {
    let log = Told::always(|| Answer::Fails(busy()));
    let options = patient().flush_wait(Duration::from_millis(5));
    let recorder = Recorder::start_with(Arc::clone(&log), &options).unwrap();
    recorder.record(numbered(0)).unwrap();
    let unrecorded = recorder.close().unwrap_err();
    assert!(unrecorded.events == 1 && unrecorded.error.is_busy(), "{unrecorded:?}");
    // An append may just be under way; it fails at once.
    while recorder.counts().pending > 0 {
        thread::yield_now();
    }
    assert_eq!(numbers(&recorder.take_unrecorded()), [0]);
    assert!(log.batches().len() < 100, "no pauses between {} tries", log.batches().len());
}

#[test]
fn a_panic_of_the_store_is_reported_and_survived() {
    let log = Told::always(|| Answer::Panics);
    let recorder = Recorder::start_with(Arc::clone(&log), &patient().capacity(2)).unwrap();
    recorder.record(numbered(0)).unwrap();
    recorder.record(numbered(1)).unwrap();
    let unrecorded = recorder.flush().unwrap_err();
    assert_eq!(unrecorded.events, 2);
    assert_eq!(unrecorded.error.to_string(), "the storage engine failed to record what was queued");
    assert_eq!(unrecorded.error.source().unwrap().to_string(), "the store panicked: as it was told");
    assert!(recorder.record(numbered(2)).is_err(), "the queue is full");
    log.mend();
    flush_at_last(&recorder);
    recorder.close().unwrap();
    assert_eq!(log.recorded(), [0, 1]);
}

#[test]
fn a_store_that_always_panics_hangs_nobody() {
    let log = Told::always(|| Answer::Panics);
    let recorder = Recorder::start_with(Arc::clone(&log), &patient()).unwrap();
    recorder.record(numbered(0)).unwrap();
    recorder.record(numbered(1)).unwrap();
    assert_eq!(recorder.close().unwrap_err().events, 2);
    assert_eq!(numbers(&recorder.take_unrecorded()), [0, 1]);
}

#[test]
fn a_store_that_does_not_answer_for_every_event_has_failed() {
    let log = Told::always(|| Answer::IsShort);
    let recorder = Recorder::start_with(Arc::clone(&log), &patient()).unwrap();
    recorder.record(numbered(0)).unwrap();
    let unrecorded = recorder.flush().unwrap_err();
    assert!(unrecorded.events == 1 && unrecorded.error.is_corrupt(), "{unrecorded:?}");
    log.mend();
    flush_at_last(&recorder);
    assert_eq!((recorder.counts().recorded, recorder.counts().duplicates), (0, 1));
}
