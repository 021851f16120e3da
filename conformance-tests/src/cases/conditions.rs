use tooltally_core::{Appended, Condition, Error, Event, Position, Result};

use crate::check::{assert_log, assert_sound, head, new_from, record};
use crate::events::{numbered, numbered_all};
use crate::harness::{Harness, ProcessEntry};
use crate::process::{Job, Worker};
use crate::site::{Site, fresh};

fn head_is(position: u64) -> Condition {
    Condition::HeadIs(Position::new(position))
}

fn assert_not_met(answer: &Result<Vec<Appended>>, wanted: u64, is: u64) {
    match answer {
        Err(Error::ConditionNotMet { expected, head }) => {
            assert_eq!((expected.get(), head.get()), (wanted, is), "the error names other positions");
        }
        other => panic!("on the condition that the head is {wanted}, at {is}, the answer is {other:?}"),
    }
}

pub(crate) fn one_that_holds_records<H: Harness>() {
    let store = fresh::<H>();
    assert_eq!(store.append(&numbered_all(0..3), Condition::HeadIs(Position::START)).unwrap(), new_from(1, 3));
    assert_eq!(store.append(&numbered_all(3..5), head_is(3)).unwrap(), new_from(4, 2));
    assert_eq!(store.append(&numbered_all(5..1_000), head_is(5)).unwrap(), new_from(6, 995));
    assert_eq!(store.append(&numbered_all(1_000..1_001), head_is(1_000)).unwrap(), new_from(1_001, 1));
}

pub(crate) fn one_that_does_not_hold_names_the_head<H: Harness>() {
    let store = fresh::<H>();
    assert_not_met(&store.append(&[numbered(1)], head_is(1)), 1, 0);
    record(&*store, &numbered_all(0..4));
    for wrong in [0, 1, 3, 5, 1_000, u64::MAX] {
        assert_not_met(&store.append(&[numbered(9)], head_is(wrong)), wrong, 4);
    }
    assert_log(&*store, &numbered_all(0..4));
}

pub(crate) fn one_that_does_not_hold_fails_recorded_events_too<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..4));
    assert_not_met(&store.append(&numbered_all(0..4), head_is(3)), 3, 4);
    assert_not_met(&store.append(&[numbered(0)], Condition::HeadIs(Position::START)), 0, 4);
    let known = store.append(&[numbered(0)], head_is(4)).unwrap();
    assert_eq!(known, [Appended::Duplicate(Position::new(1))]);
}

pub(crate) fn an_empty_batch_answers_for_it<H: Harness>() {
    let store = fresh::<H>();
    assert_eq!(store.append(&[], Condition::HeadIs(Position::START)).unwrap(), []);
    assert_not_met(&store.append(&[], head_is(1)), 1, 0);
    record(&*store, &numbered_all(0..2));
    assert_eq!(store.append(&[], head_is(2)).unwrap(), []);
    assert_not_met(&store.append(&[], Condition::HeadIs(Position::START)), 0, 2);
}

pub(crate) fn of_racing_threads_one_wins<H: Harness>() {
    let store = fresh::<H>();
    let store = &*store;
    for round in 0..25 {
        let before = head(store);
        let attempt = |thread: u64| -> usize {
            match store.append(&[numbered(round * 10 + thread)], head_is(before)) {
                Ok(answers) => answers.iter().filter(|a| a.is_new()).count(),
                Err(Error::ConditionNotMet { .. }) => 0,
                Err(e) => panic!("a conditional append fails otherwise: {e:?}"),
            }
        };
        let won: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|thread| scope.spawn(move || attempt(thread))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(won, 1, "of four appends on the condition that the head is {before}, {won} won");
        assert_eq!(head(store), before + 1);
    }
}

pub(crate) fn whoever_tries_again_gets_in<H: Harness>() {
    let store = fresh::<H>();
    let store = &*store;
    let append_in_turn = |event: &Event| loop {
        match store.append(std::slice::from_ref(event), head_is(head(store))) {
            Ok(answers) => return answers[0],
            Err(Error::ConditionNotMet { .. }) => {}
            Err(e) => panic!("a conditional append fails otherwise: {e:?}"),
        }
    };
    let append_in_turn = &append_in_turn;
    std::thread::scope(|scope| {
        for thread in 0..3 {
            scope.spawn(move || {
                for n in 0..20 {
                    assert!(append_in_turn(&numbered(thread * 100 + n)).is_new(), "an event is known already");
                }
            });
        }
    });
    assert_eq!(head(store), 60);
    assert_sound(store);
}

pub(crate) fn of_racing_processes_one_wins<H: ProcessEntry>() {
    let site = Site::<H>::new();
    let store = site.open();
    for round in 0..3 {
        let before = head(&*store);
        let jobs = (0..4).map(|n| Job::Race { number: round * 10 + n, head: before });
        let said: Vec<String> =
            Worker::start_all::<H>(site.address(), jobs).into_iter().flat_map(Worker::finish).collect();
        let won = said.iter().filter(|word| *word == "won").count();
        assert_eq!((won, said.len()), (1, 4), "of four processes on one condition {won} won");
        assert_eq!(head(&*store), before + 1);
    }
    assert_sound(&*store);
}
