use tooltally_core::{
    Event, Filter, GroupBy, ProjectId, QueriesExt, Selection, Spans, Timestamp, ToolDuration, Window,
};

use crate::check::{ENDS, GROUPINGS, Pair, assert_sound, recent, record, usage, uses};
use crate::events::{
    DAY_MICROS, HOUR_MICROS, MINUTE_MICROS, PATHS, SESSIONS, TOOLS, at, instant, numbered_all, session, tool, use_of,
    window,
};
use crate::harness::Harness;
use crate::site::fresh;

fn plain(number: u64, time: Timestamp) -> Event {
    use_of(number, "Bash", time).into()
}

/// A plain use at each of these times, microseconds from the made events' epoch.
fn at_each(micros: &[i64]) -> Vec<Event> {
    micros.iter().zip(0..).map(|(micros, number)| plain(number, at(*micros))).collect()
}

fn filters<T: Clone>(is: &[T]) -> Vec<Filter<T>> {
    [Filter::Any, Filter::Absent].into_iter().chain(is.iter().cloned().map(Filter::Is)).collect()
}

fn spans(edges: impl IntoIterator<Item = i64>) -> GroupBy {
    GroupBy::Span(Spans::new(edges.into_iter().map(at).collect()).unwrap())
}

pub(crate) fn every_combination_is_exact<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    for batch in numbered_all(0..1_300).chunks(77) {
        pair.record(batch);
    }
    let windows = [
        Window::ALL,
        Window::since(at(20 * DAY_MICROS)),
        Window::until(at(41 * DAY_MICROS + HOUR_MICROS - 1)),
        window(at(3 * DAY_MICROS + 1), at(57 * DAY_MICROS + 5 * HOUR_MICROS + 1)),
    ];
    let days = spans((0..=60).step_by(3).map(|n| n * DAY_MICROS));
    for tool in filters(&[tool(TOOLS[0])]) {
        for project in filters(&[ProjectId::of_path(PATHS[0])]) {
            for session in filters(&[session(SESSIONS[0])]) {
                for window in windows {
                    let (tool, project, session) = (tool.clone(), project.clone(), session.clone());
                    let selection = Selection { tool, project, session, window };
                    for group_by in GROUPINGS.iter().chain([&days]) {
                        pair.assert_same_usage(selection.clone(), group_by.clone());
                    }
                    pair.assert_same_recent(&selection, 10);
                }
            }
        }
    }
}

pub(crate) fn windows_are_half_open<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &at_each(&[10, 20, 30]));
    let count = |window| uses(&*store, &Selection::all().window(window));
    assert_eq!(count(window(at(10), at(30))), 2);
    assert_eq!(count(window(at(10), at(31))), 3);
    assert_eq!(count(window(at(11), at(30))), 1);
    assert_eq!(count(Window::since(at(20))), 2);
    assert_eq!(count(Window::until(at(20))), 1);
}

pub(crate) fn windows_cut_to_the_microsecond<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    // About the borders where a backend may cut its buckets.
    let borders = [0, MINUTE_MICROS, HOUR_MICROS, 6 * HOUR_MICROS, DAY_MICROS, 7 * DAY_MICROS, 30 * DAY_MICROS];
    let near: Vec<i64> = borders.iter().flat_map(|border| (-1..=1).map(move |by| border + by)).collect();
    pair.record(&at_each(&near));
    // What stands in the way of a short tail: the borders above are folded by now.
    pair.record(&numbered_all(1_000..1_600));
    for from in &near {
        pair.assert_same_usage(Selection::all().window(Window::since(at(*from))), GroupBy::Tool);
        pair.assert_same_usage(Selection::all().window(Window::until(at(*from))), GroupBy::Tool);
        for to in near.iter().filter(|to| *to >= from) {
            let selection = Selection::all().tool(tool("Bash")).window(window(at(*from), at(*to)));
            pair.assert_same_usage(selection, GroupBy::Total);
        }
    }
}

pub(crate) fn an_empty_window_holds_nothing<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &at_each(&[0, DAY_MICROS]));
    for micros in [0, 1, HOUR_MICROS, DAY_MICROS] {
        let selection = Selection::all().window(window(at(micros), at(micros)));
        for group_by in GROUPINGS {
            assert_eq!(usage(&*store, &selection, &group_by), []);
        }
        assert_eq!(recent(&*store, &selection, 10), []);
    }
}

pub(crate) fn order_of_time_does_not_matter<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    // 617 and 1201 have no common factor: every minute once, none in its turn.
    let shuffled: Vec<i64> = (0..1_201).map(|n| n * 617 % 1_201 * MINUTE_MICROS).collect();
    for batch in at_each(&shuffled).chunks(50) {
        pair.record(batch);
    }
    for hour in 0..20 {
        let from = at(hour * HOUR_MICROS - 1);
        let to = at((hour + 3) * HOUR_MICROS + MINUTE_MICROS + 1);
        pair.assert_same_usage(Selection::all().window(window(from, to)), GroupBy::Total);
        pair.assert_same_recent(&Selection::all().window(window(from, to)), 5);
    }
    pair.assert_same_usage(Selection::all(), spans((0..21).map(|hour| hour * HOUR_MICROS)));
}

pub(crate) fn equal_times_are_all_counted<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    pair.record(&at_each(&[HOUR_MICROS; 1_300]));
    let hour = at(HOUR_MICROS);
    let next = at(HOUR_MICROS + 1);
    assert_eq!(uses(&*store, &Selection::all().window(window(hour, next))), 1_300);
    assert_eq!(uses(&*store, &Selection::all().window(Window::since(next))), 0);
    assert_eq!(uses(&*store, &Selection::all().window(Window::until(hour))), 0);
    pair.assert_same_recent(&Selection::all(), 30);
    assert_sound(&*store);
}

pub(crate) fn late_events_count_where_they_belong<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let later: Vec<Event> = (0..2_000).map(|n| plain(n, at(30 * DAY_MICROS + n as i64 * MINUTE_MICROS))).collect();
    for batch in later.chunks(250) {
        pair.record(batch);
    }
    let late: Vec<Event> = (5_000..5_700).map(|n| plain(n, at((n as i64 - 5_000) * HOUR_MICROS))).collect();
    for batch in late.chunks(100) {
        pair.record(batch);
        pair.assert_same_usage(Selection::all().window(Window::until(at(30 * DAY_MICROS))), GroupBy::Total);
    }
    pair.assert_same_usage(Selection::all(), spans((0..=32).map(|day| day * DAY_MICROS)));
    pair.assert_same_answers();
    assert_sound(&*store);
}

pub(crate) fn the_ends_of_time_are_counted<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let [first, last] = ENDS;
    let before_last = instant(last.as_micros() - 1);
    let times = [last, first, at(0), instant(1), before_last, last, first];
    let events: Vec<Event> = times.into_iter().zip(0..).map(|(time, number)| plain(number, time)).collect();
    pair.record(&events);
    pair.record(&numbered_all(100..1_300));
    let windows = [
        Window::ALL,
        Window::since(first),
        Window::since(last),
        Window::since(before_last),
        Window::until(last),
        Window::until(first),
        window(first, last),
        window(first, instant(1)),
        window(before_last, last),
        window(instant(1), last),
        window(last, last),
        window(first, first),
        Window::since(instant(1)),
    ];
    for window in windows {
        for group_by in GROUPINGS {
            pair.assert_same_usage(Selection::all().window(window), group_by.clone());
            pair.assert_same_usage(Selection::all().tool(tool("Bash")).window(window), group_by);
        }
        pair.assert_same_recent(&Selection::all().window(window), 8);
    }
    let edges = vec![first, instant(1), at(0), before_last, last];
    pair.assert_same_usage(Selection::all(), GroupBy::Span(Spans::new(edges).unwrap()));
    assert_sound(&*store);
}

pub(crate) fn a_store_without_events_gives_no_rows<H: Harness>() {
    let store = fresh::<H>();
    for group_by in GROUPINGS {
        assert_eq!(usage(&*store, &Selection::all(), &group_by), []);
    }
    assert_eq!(usage(&*store, &Selection::all(), &spans([0, DAY_MICROS])), []);
    assert_eq!(recent(&*store, &Selection::all(), 10), []);
}

pub(crate) fn durations_are_exact<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let micros = (0..1_500).map(|n| match n % 3 {
        0 => n * n,
        1 => 1 << (n % 62),
        _ => ToolDuration::MAX.as_micros() - n,
    });
    let timed = micros.zip(0..).map(|(micros, number)| {
        use_of(number, TOOLS[number as usize % 3], at(number as i64 * HOUR_MICROS))
            .duration(ToolDuration::from_micros(micros).unwrap())
            .into()
    });
    pair.record(&timed.collect::<Vec<Event>>());
    pair.record(&[plain(2_000, at(5)), use_of(2_001, "untimed", at(6)).into()]);
    for group_by in GROUPINGS {
        pair.assert_same_usage(Selection::all(), group_by);
    }
    pair.assert_same_usage(Selection::all().window(window(at(7 * HOUR_MICROS), at(555 * HOUR_MICROS))), GroupBy::Tool);
    let total = usage(&*store, &Selection::all(), &GroupBy::Total);
    let durations = total[0].usage.durations();
    assert_eq!((total[0].usage.uses(), durations.measured()), (1_502, 1_500));
    assert!(durations.sum_micros() > u128::from(u64::MAX), "the sum is cut to 64 bits");
    assert_eq!(durations.max_micros(), Some(ToolDuration::MAX.as_micros() - 2));
    let untimed = usage(&*store, &Selection::all().tool(tool("untimed")), &GroupBy::Total);
    assert_eq!(untimed[0].usage.durations().quantile_micros(0.5), None, "what was not measured has a duration");
}

pub(crate) fn a_long_history_is_exact<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let events = numbered_all(0..20_000);
    let mut rest = &events[..];
    for size in [1, 7, 100, 1_000, 5_000].into_iter().cycle() {
        let (batch, after) = rest.split_at(size.min(rest.len()));
        pair.record(batch);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    pair.assert_same_answers();
    assert_sound(&*store);
}

pub(crate) fn the_seeds_three_queries_answer<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    pair.record(&numbered_all(0..1_200));
    let (bash, app) = (tool(TOOLS[0]), ProjectId::of_path(PATHS[0]));
    for project in [None, Some(app)] {
        for since in [None, Some(at(25 * DAY_MICROS + 3)), Some(Timestamp::MAX)] {
            let expected = pair.model.usage_for_tool(&bash, project, since).unwrap();
            assert_eq!(store.usage_for_tool(&bash, project, since).unwrap(), expected);
            assert_eq!(store.usage_since(project, since).unwrap(), pair.model.usage_since(project, since).unwrap());
        }
        let expected = pair.model.recent_outcomes(&bash, project, 16).unwrap();
        assert_eq!(store.recent_outcomes(&bash, project, 16).unwrap(), expected);
    }
    let session = session(SESSIONS[0]);
    assert_eq!(store.usage_for_session(&session).unwrap(), pair.model.usage_for_session(&session).unwrap());
}
