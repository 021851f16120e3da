use tooltally_core::{Event, Filter, ProjectId, QueriesExt, Selection, Window};

use crate::check::{Pair, assert_sound, recent, record};
use crate::events::{
    DAY_MICROS, HOUR_MICROS, MINUTE_MICROS, PATHS, SESSIONS, TOOLS, at, numbered_all, session, tool, use_of, window,
};
use crate::harness::Harness;
use crate::site::fresh;

fn positions(store: &dyn tooltally_core::Store, limit: usize) -> Vec<u64> {
    recent(store, &Selection::all(), limit).iter().map(|r| r.position.get()).collect()
}

fn at_each(from: u64, micros: &[i64]) -> Vec<Event> {
    micros.iter().zip(from..).map(|(micros, number)| use_of(number, "Bash", at(*micros)).into()).collect()
}

pub(crate) fn the_latest_come_first<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &at_each(0, &[10, 30, 20]));
    assert_eq!(positions(&*store, 10), [2, 3, 1]);
    assert_eq!(positions(&*store, 2), [2, 3]);
    assert_eq!(positions(&*store, 1), [2]);
}

pub(crate) fn of_equal_times_the_highest_position_comes_first<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &at_each(0, &[5, 9, 5, 9, 5]));
    assert_eq!(positions(&*store, 10), [4, 2, 5, 3, 1]);
    assert_eq!(positions(&*store, 3), [4, 2, 5]);
    let pair_store = fresh::<H>();
    let pair = Pair::new(&*pair_store);
    pair.record(&at_each(0, &[7; 1_500]));
    for limit in [1, 16, 17, 600, 1_500] {
        pair.assert_same_recent(&Selection::all(), limit);
        pair.assert_same_recent(&Selection::all().tool(tool("Bash")), limit);
    }
}

pub(crate) fn late_events_stand_where_their_time_puts_them<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let days: Vec<i64> = (0..1_500).map(|n| n * HOUR_MICROS).collect();
    pair.record(&at_each(0, &days));
    let late: Vec<i64> = (0..40).map(|n| (1_490 - n * 37) * HOUR_MICROS + 1).collect();
    for (n, micros) in (0..).zip(&late) {
        pair.record(&at_each(5_000 + n, &[*micros]));
        pair.assert_same_recent(&Selection::all(), 20);
    }
    pair.assert_same_recent(&Selection::all(), 400);
    assert_sound(&*store);
}

pub(crate) fn a_limit_of_0_gives_nothing<H: Harness>() {
    let store = fresh::<H>();
    assert_eq!(recent(&*store, &Selection::all(), 0), []);
    record(&*store, &numbered_all(0..1_300));
    assert_eq!(recent(&*store, &Selection::all(), 0), []);
    assert_eq!(recent(&*store, &Selection::all().tool(tool(TOOLS[0])), 0), []);
}

pub(crate) fn any_limit_is_kept<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    pair.record(&numbered_all(0..1_300));
    for limit in [1, 2, 15, 16, 17, 100, 1_023, 1_024, 1_025, 1_299, 1_300, 1_301, 1 << 40, usize::MAX] {
        pair.assert_same_recent(&Selection::all(), limit);
    }
    for limit in [1, 16, 17, 64, usize::MAX] {
        pair.assert_same_recent(&Selection::all().tool(tool(TOOLS[1])), limit);
        pair.assert_same_recent(&Selection::all().session(session(SESSIONS[2])), limit);
        pair.assert_same_recent(&Selection { project: Filter::Absent, ..Selection::all() }, limit);
    }
}

pub(crate) fn rare_names_are_found_far_back<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let rare =
        use_of(90_000, "rare", at(-DAY_MICROS)).session(session("rare")).project(crate::events::project("/rare"));
    pair.record(&[rare.into()]);
    for batch in numbered_all(0..4_000).chunks(800) {
        pair.record(batch);
    }
    let selections = [
        Selection::all().tool(tool("rare")),
        Selection::all().session(session("rare")),
        Selection::all().project(ProjectId::of_path("/rare")),
        Selection::all().tool(tool("rare")).session(session("rare")).project(ProjectId::of_path("/rare")),
        Selection::all().window(Window::until(at(0))),
    ];
    for selection in selections {
        assert_eq!(recent(&*store, &selection, 5).len(), 1, "{selection:?}");
        pair.assert_same_recent(&selection, 5);
    }
}

pub(crate) fn windows_hold<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    for batch in numbered_all(0..2_000).chunks(333) {
        pair.record(batch);
    }
    for day in (0..60).step_by(7) {
        let (from, to) = (at(day * DAY_MICROS), at(day * DAY_MICROS + 5 * HOUR_MICROS + MINUTE_MICROS));
        for window in [window(from, to), Window::since(from), Window::until(to)] {
            pair.assert_same_recent(&Selection::all().window(window), 12);
            pair.assert_same_recent(&Selection::all().tool(tool(TOOLS[0])).window(window), 12);
            pair.assert_same_recent(&Selection::all().project(ProjectId::of_path(PATHS[1])).window(window), 12);
        }
    }
}

pub(crate) fn outcomes_follow_the_latest_uses<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    for batch in numbered_all(0..1_200).chunks(60) {
        pair.record(batch);
        for project in [None, Some(ProjectId::of_path(PATHS[0]))] {
            for limit in [1, 16, 40] {
                let expected = pair.model.recent_outcomes(&tool(TOOLS[0]), project, limit).unwrap();
                assert_eq!(store.recent_outcomes(&tool(TOOLS[0]), project, limit).unwrap(), expected);
            }
        }
    }
}
