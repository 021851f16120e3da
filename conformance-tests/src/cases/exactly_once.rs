use tooltally_core::{Appended, Event, EventId, Outcome, Position, Recorded, Source, ToolDuration, ToolUse};

use crate::check::{assert_log, assert_sound, head, new_from, record, record_in_batches, uses, whole_log};
use crate::events::{Mixer, at, numbered, numbered_all, project, session, tool, use_of};
use crate::harness::{Harness, ProcessEntry};
use crate::process::{Job, Worker};
use crate::site::{Site, fresh};

/// Enough for several folds and merges of a backend that does such work every few hundred events.
const MANY: u64 = 20_000;

fn duplicates(positions: impl Iterator<Item = u64>) -> Vec<Appended> {
    positions.map(|n| Appended::Duplicate(Position::new(n))).collect()
}

pub(crate) fn a_repeated_event_answers_with_the_first<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..3));
    for _ in 0..3 {
        assert_eq!(record(&*store, &[numbered(1)]), [Appended::Duplicate(Position::new(2))]);
    }
    assert_log(&*store, &numbered_all(0..3));
}

pub(crate) fn a_repeat_within_a_batch_is_one_event<H: Harness>() {
    let store = fresh::<H>();
    let at = Position::new;
    let answers = record(&*store, &[numbered(1), numbered(1), numbered(2), numbered(1)]);
    let expected = [Appended::New(at(1)), Appended::Duplicate(at(1)), Appended::New(at(2)), Appended::Duplicate(at(1))];
    assert_eq!(answers, expected);
    assert_log(&*store, &numbered_all(1..3));
}

pub(crate) fn the_first_record_wins<H: Harness>() {
    let store = fresh::<H>();
    let first = use_of(1, "Bash", at(5));
    let mut other = use_of(1, "Edit", at(9))
        .session(session("later"))
        .project(project("/later"))
        .duration(ToolDuration::from_micros(5).unwrap());
    other.outcome = Outcome::Failure;
    record(&*store, &[first.clone().into()]);
    assert_eq!(record(&*store, &[other.clone().into()]), duplicates(1..=1));
    assert_log(&*store, &[first.into()]);
    // Nothing of the second is counted, and within one batch it is the same.
    let selection = tooltally_core::Selection::all().tool(tool("Edit"));
    assert_eq!(uses(&*store, &selection), 0);
    record(
        &*store,
        &[
            use_of(2, "Read", at(1)).into(),
            ToolUse::new(crate::events::id(2), tool("Edit"), Outcome::Failure, at(2)).into(),
        ],
    );
    assert_eq!(uses(&*store, &selection), 0);
    assert_eq!(head(&*store), 2);
}

pub(crate) fn a_call_from_two_sources_is_one_event<H: Harness>() {
    let store = fresh::<H>();
    for (source, answer) in Source::ALL.into_iter().zip([
        Appended::New as fn(_) -> _,
        Appended::Duplicate,
        Appended::Duplicate,
        Appended::Duplicate,
    ]) {
        let event = use_of(1, "Bash", at(1)).source(source);
        assert_eq!(record(&*store, &[event.into()]), [answer(Position::new(1))]);
    }
    assert_log(&*store, &[use_of(1, "Bash", at(1)).source(Source::ALL[0]).into()]);
}

pub(crate) fn duplicates_far_back_are_known<H: Harness>() {
    let store = fresh::<H>();
    record_in_batches(&*store, &numbered_all(0..MANY), 1_000);
    for from in [0, 1, 500, 511, 4_095, 9_999, MANY - 1_000] {
        let again = record(&*store, &numbered_all(from..from + 7));
        assert_eq!(again, duplicates(from + 1..from + 8));
    }
    for batch in (0..MANY).step_by(5_000) {
        let again = record(&*store, &numbered_all(batch..batch + 5_000));
        assert!(again == duplicates(batch + 1..batch + 5_001), "of 5000 repeated events from {batch} some are new");
    }
    assert_eq!(head(&*store), MANY);
    assert_sound(&*store);
}

pub(crate) fn single_events_stay_known<H: Harness>() {
    let store = fresh::<H>();
    for n in 0..1_600 {
        assert_eq!(record(&*store, &[numbered(n)]), new_from(n + 1, 1));
        if n % 5 == 0 {
            let back = n / 2;
            assert_eq!(record(&*store, &[numbered(back)]), duplicates(back + 1..=back + 1));
        }
    }
    assert_log(&*store, &numbered_all(0..1_600));
    assert_sound(&*store);
}

pub(crate) fn old_and_new_mix_in_batches_of_every_size<H: Harness>() {
    let store = fresh::<H>();
    let (mut mixer, mut next) = (Mixer::new(7), 0);
    for size in [1, 7, 100, 1_000, 5_000, 1, 7, 100, 1_000, 5_000, 2, 3] {
        let mut numbers = Vec::new();
        let mut expected = Vec::new();
        for _ in 0..size {
            if mixer.once_in(3) && next > 0 {
                let old = mixer.below(next);
                numbers.push(old);
                expected.push(Appended::Duplicate(Position::new(old + 1)));
            } else {
                numbers.push(next);
                next += 1;
                expected.push(Appended::New(Position::new(next)));
            }
        }
        let events: Vec<Event> = numbers.into_iter().map(numbered).collect();
        assert!(record(&*store, &events) == expected, "a batch of {size} is answered for wrongly");
    }
    assert_log(&*store, &numbered_all(0..next));
    assert_sound(&*store);
}

/// Records events with these ids in two orders of batches, and then all of them again.
fn assert_all_distinct<H: Harness>(ids: &[[u8; 16]]) {
    let store = fresh::<H>();
    let event = |id: &[u8; 16]| -> Event {
        ToolUse::new(EventId::from_bytes(*id), tool("Bash"), Outcome::Success, at(1)).into()
    };
    let events: Vec<Event> = ids.iter().map(event).collect();
    let (some, rest) = events.split_at(events.len() / 3);
    assert!(record(&*store, some) == new_from(1, some.len()), "ids alike are taken for each other");
    for (batch, from) in rest.chunks(400).zip((some.len() as u64 + 1..).step_by(400)) {
        assert!(record(&*store, batch) == new_from(from, batch.len()), "ids alike are taken for each other");
    }
    assert!(record(&*store, &events) == duplicates(1..=ids.len() as u64), "an id alike others is forgotten");
    assert_log(&*store, &events);
    assert_sound(&*store);
}

fn spread(n: u64) -> [u8; 8] {
    Mixer::new(n).next_bits().to_be_bytes()
}

pub(crate) fn ids_that_begin_alike_are_told_apart<H: Harness>() {
    let ids = (0..2_500_u64).map(|n| {
        let mut id = [0xab; 16];
        id[8..].copy_from_slice(&spread(n));
        id
    });
    let ids: Vec<_> = ids.collect();
    assert_all_distinct::<H>(&ids);
}

pub(crate) fn ids_that_end_alike_are_told_apart<H: Harness>() {
    let ids: Vec<_> = (0..2_500_u64)
        .map(|n| {
            let mut id = [0xcd; 16];
            id[..8].copy_from_slice(&spread(n));
            id
        })
        .collect();
    assert_all_distinct::<H>(&ids);
}

pub(crate) fn ids_that_differ_in_a_bit_are_told_apart<H: Harness>() {
    let mut ids = vec![[0; 16], [0xff; 16]];
    for bit in 0..128 {
        for base in [0_u128, u128::MAX] {
            ids.push((base ^ (1 << bit)).to_be_bytes());
        }
    }
    assert_all_distinct::<H>(&ids);
}

pub(crate) fn ids_in_order_are_known<H: Harness>() {
    let ascending: Vec<[u8; 16]> = (0..3_000_u128).map(|n| (n << 100).to_be_bytes()).collect();
    assert_all_distinct::<H>(&ascending);
    let descending: Vec<[u8; 16]> = (0..3_000_u128).map(|n| (u128::MAX - n).to_be_bytes()).collect();
    assert_all_distinct::<H>(&descending);
}

pub(crate) fn threads_record_an_event_once<H: Harness>() {
    let store = fresh::<H>();
    let store = &*store;
    let record_all = move || -> usize {
        let batches = numbered_all(0..1_200);
        batches.chunks(20).flat_map(|batch| record(store, batch)).filter(|answer| answer.is_new()).count()
    };
    let new: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(record_all)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(new, 1_200, "four threads recorded the same 1,200 events");
    assert_eq!(whole_log(store).len(), 1_200);
    assert_sound(store);
}

pub(crate) fn events_are_known_after_reopening<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..40));
    let store = store.reopened();
    assert_eq!(record(&*store, &numbered_all(0..40)), duplicates(1..=40));
    assert_eq!(record(&*store, &[numbered(40)]), new_from(41, 1));
}

pub(crate) fn the_first_append_after_opening_knows_events<H: Harness>() {
    let mut store = fresh::<H>();
    let ends_with = |last: u8| -> Event {
        let mut id = [0xff; 16];
        id[15] = last;
        ToolUse::new(EventId::from_bytes(id), tool("Bash"), Outcome::Success, at(1)).into()
    };
    record(&*store, &[ends_with(0xff), ends_with(0)]);
    record(&*store, &numbered_all(0..1_010));
    // Past the lengths at which a backend may do its seldom work.
    for next in 1_010..1_042 {
        store = store.reopened();
        assert_eq!(record(&*store, &[numbered(next)]), new_from(next + 3, 1));
        store = store.reopened();
        assert_eq!(record(&*store, &[numbered(next)]), duplicates(next + 3..=next + 3));
        store = store.reopened();
        let old = next / 2;
        assert_eq!(record(&*store, &[numbered(next - 1), numbered(old)]), {
            [duplicates(next + 2..=next + 2), duplicates(old + 3..=old + 3)].concat()
        });
    }
    for (last, answer) in [(0xff, Some(1)), (0, Some(2)), (1, None), (0xfe, None)] {
        store = store.reopened();
        let answers = record(&*store, &[ends_with(last)]);
        assert_eq!(answers.iter().find(|a| !a.is_new()).map(|a| a.position().get()), answer, "{last:x}");
    }
    assert_eq!(head(&*store), 1_046);
    assert_sound(&*store);
}

pub(crate) fn events_far_back_are_known_after_reopening<H: Harness>() {
    let mut store = fresh::<H>();
    for from in (0..12_000).step_by(4_000) {
        record_in_batches(&*store, &numbered_all(from..from + 4_000), 650);
        store = store.reopened();
    }
    let mixer = &mut Mixer::new(3);
    for _ in 0..200 {
        let n = mixer.below(12_000);
        assert_eq!(record(&*store, &[numbered(n)]), duplicates(n + 1..=n + 1));
    }
    assert!(record(&*store, &numbered_all(0..12_000)) == duplicates(1..=12_000), "an old event is forgotten");
    assert_sound(&*store);
}

pub(crate) fn processes_record_an_event_once<H: ProcessEntry>() {
    let site = Site::<H>::new();
    let store = site.open();
    record(&*store, &numbered_all(0..100));
    let job = Job::Record { from: 0, count: 1_500, batch: 30 };
    for worker in Worker::start_all::<H>(site.address(), [job; 4]) {
        worker.finish();
    }
    let log = whole_log(&*store);
    let mut numbers: Vec<_> = log.iter().map(Recorded::id).collect();
    numbers.sort_unstable();
    let mut expected: Vec<_> = (0..1_500).map(crate::events::id).collect();
    expected.sort_unstable();
    assert!(numbers == expected, "four processes recorded the same 1,500 events; the log holds {}", log.len());
    assert_sound(&*store);
}
