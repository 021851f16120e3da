use tooltally_core::policy::suggest::{Model, Pace, Suggestion, in_session};
use tooltally_core::{Event, MaintenanceExt, MemoryStore, Queries, Store, Trail};

use crate::check::{assert_sound, record};
use crate::events::{Mixer, SESSIONS, at, discovered, mixed_all, numbered_all, project, session, use_of};
use crate::harness::Harness;
use crate::site::fresh;

const HABIT: [&str; 3] = ["Read", "Edit", "Bash"];

/// Calls of a habit: each session begins anew with its first tool.
fn habit(first: u64, count: u64, path: &str, each: u64) -> Vec<Event> {
    let call = |n: u64| -> Event {
        let name = HABIT[usize::try_from(n % each).unwrap() % HABIT.len()];
        let of = session(&format!("{path} {}", (first + n) / each));
        use_of(first + n, name, at((first + n) as i64)).session(of).project(project(path)).into()
    };
    (0..count).map(call).collect()
}

fn suggested(store: &dyn Store, name: &str) -> Option<Suggestion> {
    let suggestion = in_session(store, &session(name), &Model::default(), &Pace::default());
    suggestion.unwrap_or_else(|e| panic!("a suggestion in {name}: {e:?}"))
}

/// Every session of the random events, and one that there is not.
fn assert_same_trails(store: &dyn Store, reference: &MemoryStore) {
    for name in SESSIONS.into_iter().chain(["unknown"]) {
        for look_back in [0, 1, 7, 300, 2_000, u64::MAX] {
            let trail = |of: &dyn Queries| of.trail(&session(name), look_back).unwrap_or_else(|e| panic!("{e:?}"));
            assert_eq!(trail(store), trail(reference), "of {name}, {look_back} events back");
        }
    }
}

pub(crate) fn trails_are_those_of_the_reference<H: Harness>() {
    let (store, reference) = (fresh::<H>(), MemoryStore::new());
    // Sessions that begin late, and calls of theirs that stand in the tail, in the fold, and in both.
    let without = |skipped: &[&str], numbers| -> Vec<Event> {
        let is_of = |event: &Event| event.as_tool_use().and_then(|call| call.session.clone());
        let is_skipped = |event: &Event| is_of(event).is_some_and(|of| skipped.contains(&of.as_str()));
        mixed_all(numbers).into_iter().filter(|event| !is_skipped(event)).collect()
    };
    let [first, second, third, ..] = SESSIONS;
    for batch in [
        without(&[first, second, third], 0..40),
        without(&[second, third], 40..1_900),
        without(&[third], 1_900..2_300),
        mixed_all(2_300..2_310),
        mixed_all(2_310..5_000),
    ] {
        record(&*store, &batch);
        record(&reference, &batch);
        assert_same_trails(&*store, &reference);
    }
    store.rebuild_quietly().unwrap();
    assert_same_trails(&*store, &reference);
}

pub(crate) fn a_trail_looks_back_at_so_many_events<H: Harness>() {
    let store = fresh::<H>();
    let call = |n: u64, of: &str| use_of(n, "Read", at(-(n as i64))).session(session(of));
    let alone = use_of(3, "Grep", at(0));
    let events: Vec<Event> = vec![
        call(1, "a").into(),
        call(2, "a").into(),
        alone.into(),
        discovered(4, "/deploy", at(1)).into(),
        call(5, "b").into(),
        call(6, "a").into(),
        call(7, "b").into(),
    ];
    record(&*store, &events);
    let trail = |look_back| store.trail(&session("b"), look_back).unwrap().unwrap();
    assert_eq!([0, 1, 2, 3, 4, 99].map(|back| trail(back).before.len()), [0, 0, 0, 1, 2, 2]);
    assert_eq!(trail(99), Trail::of(&[call(1, "a"), call(2, "a")], &[call(5, "b"), call(7, "b")]));
    assert_eq!(store.trail(&session("c"), 99).unwrap(), None);
}

pub(crate) fn a_habit_is_foreseen_and_seldom_told<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &habit(0, 1_200, "/here", 12));
    let mut told = Vec::new();
    for (made, call) in (1..).zip(habit(1_200, 12, "/here", 12)) {
        record(&*store, &[call]);
        told.extend(suggested(&*store, "/here 100").map(|s| (made, s.after, s.tool.to_string())));
    }
    // After three calls, five calls apart, twice at most.
    assert_eq!(told, [(3, 3, "Read".to_owned()), (8, 8, "Bash".to_owned())]);
    assert_eq!(suggested(&*store, "unknown"), None);
}

pub(crate) fn without_a_habit_it_is_silent<H: Harness>() {
    let store = fresh::<H>();
    // Any of twelve tools, each time anew.
    let call = |n: u64| -> Event {
        let tool = format!("tool {}", Mixer::new(n).below(12));
        use_of(n, &tool, at(n as i64)).session(session(&format!("s{}", n / 10))).into()
    };
    for n in 0..300 {
        record(&*store, &[call(n)]);
        assert_eq!(suggested(&*store, &format!("s{}", n / 10)), None, "after {n} calls of no pattern");
    }
}

pub(crate) fn what_comes_later_changes_nothing<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &habit(0, 1_200, "/here", 12));
    record(&*store, &habit(1_200, 3, "/here", 12));
    let before = suggested(&*store, "/here 100");
    assert!(before.is_some(), "a habit is not foreseen");
    // Another habit, late events of before, what settings offer, and a rebuild.
    record(&*store, &numbered_all(50_000..51_000));
    record(&*store, &[discovered(60_000, "/deploy", at(1)).into()]);
    let late: Vec<Event> =
        (70_000..70_050).map(|n| use_of(n, "Grep", at(-5)).session(session("/here 7")).into()).collect();
    record(&*store, &late);
    assert_eq!(suggested(&*store, "/here 100"), before);
    store.rebuild_quietly().unwrap();
    assert_eq!(suggested(&*store, "/here 100"), before);
}

pub(crate) fn suggestions_are_those_of_the_reference<H: Harness>() {
    let (store, reference) = (fresh::<H>(), MemoryStore::new());
    let events = [habit(0, 700, "/here", 7), habit(1_000, 1_500, "/there", 11), numbered_all(90_000..91_500)].concat();
    for batch in events.chunks(130) {
        record(&*store, batch);
        record(&reference, batch);
        for call in batch.iter().step_by(9) {
            let Event::ToolUse(call) = call else { continue };
            let Some(of) = &call.session else { continue };
            assert_eq!(suggested(&*store, of.as_str()), suggested(&reference, of.as_str()), "in {of}");
        }
    }
    assert_sound(&*store);
}
