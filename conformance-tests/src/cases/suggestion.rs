use tooltally_core::policy::suggest::{Model, Pace, Suggestion, in_session};
use tooltally_core::{Event, MaintenanceExt, MemoryStore, Queries, Store, Trail};

use crate::check::{assert_sound, record};
use crate::events::{Mixer, SESSIONS, TOOLS, at, discovered, mixed_all, numbered_all, project, session, use_of};
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

fn any_tool(mixer: &mut Mixer) -> &'static str {
    TOOLS[usize::try_from(mixer.below(TOOLS.len() as u64)).unwrap()]
}

/// Calls of three projects and outside of any. A session goes on for hundreds of them, and changes its project now and
/// then.
fn in_projects(numbers: std::ops::Range<u64>) -> Vec<Event> {
    let call = |n: u64| -> Event {
        let mut mixer = Mixer::new(n);
        let lane = mixer.below(7);
        let of = session(&format!("lane {lane}, {}", (n + 300 * lane) / 2_500));
        let call = use_of(n, any_tool(&mut mixer), at(n as i64)).session(of);
        match if mixer.once_in(50) { mixer.below(7) } else { lane } {
            0..=3 => call.project(project("/busy")).into(),
            4 => call.project(project("/other")).into(),
            5 => call.project(project("/third")).into(),
            _ => call.into(),
        }
    };
    numbers.map(call).collect()
}

/// The first call of a session in a project.
fn beginning(number: u64, path: &str) -> Event {
    use_of(number, "Read", at(0)).session(session(&format!("asked {path}"))).project(project(path)).into()
}

pub(crate) fn other_projects_hide_nothing_of_ones_own<H: Harness>() {
    let (store, reference) = (fresh::<H>(), MemoryStore::new());
    let alone = |n: u64| use_of(n, "Grep", at(0)).project(project("/here")).into();
    let of_settings = |n: u64| discovered(n, "/deploy", at(0)).into();
    let history = [
        habit(0, 900, "/here", 12),
        in_projects(100_000..103_700),
        habit(1_000, 150, "/here", 7),
        // Neither of these takes a place among the calls of the project.
        (200_000..200_050).map(alone).collect(),
        (300_000..302_500).map(of_settings).collect(),
        in_projects(103_700..108_900),
        vec![beginning(400_000, "/here"), beginning(400_001, "/busy"), beginning(400_002, "/new")],
        in_projects(108_900..109_400),
    ];
    for batch in history.concat().chunks(700) {
        record(&*store, batch);
        record(&reference, batch);
    }
    let trail = |path: &str, look_back| store.trail(&session(&format!("asked {path}")), look_back).unwrap().unwrap();
    let assert_right = || {
        for path in ["/here", "/busy", "/new"] {
            for look_back in [0, 1, 90, 1_049, 1_050, 1_051, 2_000, 5_000, u64::MAX] {
                let expected = reference.trail(&session(&format!("asked {path}")), look_back).unwrap().unwrap();
                assert_eq!(trail(path, look_back), expected, "in {path}, {look_back} back");
            }
        }
    };
    assert_right();
    let of_project = |look_back| {
        let trail = trail("/here", look_back);
        let project = trail.session[0].project;
        trail.before.iter().filter(|step| step.project == project).count()
    };
    assert_eq!([0, 1, 90, 2_000].map(of_project), [0, 1, 90, 1_050]);
    store.rebuild_quietly().unwrap();
    assert_right();
    assert_sound(&*store);
}

pub(crate) fn a_project_is_known_to_sessions_not_folded_yet<H: Harness>() {
    let (store, reference) = (fresh::<H>(), MemoryStore::new());
    let recorded = |events: &[Event]| {
        record(&*store, events);
        record(&reference, events);
    };
    recorded(&habit(0, 2_100, "/here", 7));
    recorded(&in_projects(100_000..105_000));
    // A little at a time, through folds and on: what is looked back at, and the session itself, are now folded, now not.
    for n in (0..1_120).step_by(8) {
        recorded(&habit(2_100 + n, 8, "/here", 7));
        recorded(&in_projects(200_000 + n..200_008 + n));
        let last = format!("/here {}", (2_107 + n) / 7);
        for (name, look_back) in [(&*last, 1_500), (&*last, 30), (&*last, 3), ("/here 290", 700)] {
            let trail = |of: &dyn Queries| of.trail(&session(name), look_back).unwrap();
            assert_eq!(trail(&*store), trail(&reference), "of {name}, {look_back} back, after {n} more");
        }
    }
    assert_sound(&*store);
}

pub(crate) fn a_habit_is_told_though_others_were_busy_since<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &habit(0, 1_200, "/here", 12));
    // Elsewhere no tool follows another more often than any.
    let call = |n: u64| -> Event {
        let of = session(&format!("elsewhere {}", n / 20));
        use_of(100_000 + n, any_tool(&mut Mixer::new(n)), at(n as i64))
            .session(of)
            .project(project("/elsewhere"))
            .into()
    };
    record(&*store, &(0..3_000).map(call).collect::<Vec<_>>());
    let of_settings = (200_000..202_500).map(|n| discovered(n, "/deploy", at(0)).into());
    record(&*store, &of_settings.collect::<Vec<Event>>());
    record(&*store, &habit(1_200, 3, "/here", 12));
    let suggestion = suggested(&*store, "/here 100").expect("the project's habit is forgotten");
    assert_eq!((suggestion.after, suggestion.tool.as_str()), (3, "Read"));
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
