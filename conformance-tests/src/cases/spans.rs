use tooltally_core::{Event, GroupBy, GroupKey, Log, Selection, Spans, Timestamp, Window};

use crate::check::{ENDS, Pair, record, usage};
use crate::events::{
    DAY_MICROS, HOUR_MICROS, MINUTE_MICROS, SESSIONS, TOOLS, at, instant, numbered_all, session, tool, use_of, window,
};
use crate::harness::Harness;
use crate::site::fresh;

fn spans(edges: Vec<Timestamp>) -> GroupBy {
    GroupBy::Span(Spans::new(edges).unwrap())
}

/// Uses every so many microseconds from one instant on.
fn every(micros: i64, from: Timestamp, count: i64) -> Vec<Event> {
    let event = |n: i64| use_of(n as u64, TOOLS[n as usize % 3], instant(from.as_micros() + n * micros)).into();
    (0..count).map(event).collect()
}

pub(crate) fn each_counts_its_own<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &every(HOUR_MICROS, at(0), 10));
    let edges = [0, 1, 3, 6, 10].map(|hour| at(hour * HOUR_MICROS));
    let rows = usage(&*store, &Selection::all(), &spans(edges.to_vec()));
    assert_eq!(rows.iter().map(|row| row.usage.uses()).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let keys: Vec<_> = edges.windows(2).map(|edge| GroupKey::Span(window(edge[0], edge[1]))).collect();
    assert_eq!(rows.into_iter().map(|row| row.key).collect::<Vec<_>>(), keys);
}

/// Local midnights of a place whose days have these lengths in hours.
fn midnights(first: Timestamp, hours: &[i64]) -> Vec<Timestamp> {
    let mut edges = vec![first];
    for hours in hours {
        edges.push(instant(edges.last().unwrap().as_micros() + hours * HOUR_MICROS));
    }
    edges
}

pub(crate) fn days_of_23_and_25_hours_are_exact<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    // Berlin, 2026: clocks go forward on 29 March, back on 25 October.
    let spring = midnights("2026-03-26T23:00:00Z".parse().unwrap(), &[24, 24, 23, 24, 24]);
    let autumn = midnights("2026-10-22T22:00:00Z".parse().unwrap(), &[24, 24, 25, 24, 24]);
    for edges in [&spring, &autumn] {
        let from = instant(edges[0].as_micros() - DAY_MICROS);
        let start = pair.model.head().unwrap().get();
        let events = every(7 * MINUTE_MICROS, from, 1_400)
            .into_iter()
            .zip(start..)
            .map(|(event, number)| use_of(number, "Bash", event.time()).into());
        pair.record(&events.collect::<Vec<Event>>());
    }
    for edges in [spring, autumn] {
        for edge in &edges {
            pair.assert_same_usage(Selection::all().window(Window::since(*edge)), GroupBy::Total);
        }
        pair.assert_same_usage(Selection::all(), spans(edges));
    }
}

pub(crate) fn edges_cut_to_the_microsecond<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let micros = [-1, 0, 1, HOUR_MICROS - 1, HOUR_MICROS, HOUR_MICROS + 1];
    let events: Vec<Event> = micros.iter().zip(0..).map(|(m, n)| use_of(n, "Bash", at(*m)).into()).collect();
    pair.record(&events);
    pair.record(&numbered_all(100..1_400));
    for edges in [[-1, 0, 1], [0, 1, 2], [0, HOUR_MICROS, HOUR_MICROS + 1], [1, HOUR_MICROS - 1, HOUR_MICROS]] {
        pair.assert_same_usage(Selection::all(), spans(edges.map(at).to_vec()));
        pair.assert_same_usage(Selection::all().tool(tool("Bash")), spans(edges.map(at).to_vec()));
    }
}

pub(crate) fn events_outside_are_not_counted<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    pair.record(&every(HOUR_MICROS, at(0), 100));
    pair.assert_same_usage(Selection::all(), spans(vec![at(10 * HOUR_MICROS + 1), at(20 * HOUR_MICROS)]));
    pair.assert_same_usage(Selection::all(), spans(vec![at(-DAY_MICROS), at(0)]));
    assert_eq!(usage(&*store, &Selection::all(), &spans(vec![at(500 * DAY_MICROS), at(501 * DAY_MICROS)])), []);
}

pub(crate) fn fewer_than_two_edges_give_no_rows<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &every(HOUR_MICROS, at(0), 10));
    assert_eq!(usage(&*store, &Selection::all(), &spans(vec![])), []);
    assert_eq!(usage(&*store, &Selection::all(), &spans(vec![at(0)])), []);
}

pub(crate) fn filters_and_windows_hold_within<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    pair.record(&numbered_all(0..1_500));
    let days = spans((0..=60).map(|day| at(day * DAY_MICROS)).collect());
    let cut = window(at(9 * DAY_MICROS + 5), at(44 * DAY_MICROS + 3 * HOUR_MICROS));
    for window in [Window::ALL, cut, Window::since(at(59 * DAY_MICROS + 1)), Window::until(at(1))] {
        pair.assert_same_usage(Selection::all().window(window), days.clone());
        pair.assert_same_usage(Selection::all().tool(tool(TOOLS[1])).window(window), days.clone());
        pair.assert_same_usage(Selection::all().session(session(SESSIONS[1])).window(window), days.clone());
    }
}

pub(crate) fn empty_ones_give_no_row<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &[use_of(1, "Bash", at(0)).into(), use_of(2, "Bash", at(9 * DAY_MICROS)).into()]);
    let rows = usage(&*store, &Selection::all(), &spans((0..=10).map(|day| at(day * DAY_MICROS)).collect()));
    let starts = rows.iter().map(|row| match &row.key {
        GroupKey::Span(span) => span.from(),
        other => panic!("a row of spans is about {other:?}"),
    });
    let starts: Vec<_> = starts.collect();
    assert_eq!(starts, [Some(at(0)), Some(at(9 * DAY_MICROS))]);
}

pub(crate) fn many_and_narrow_ones_are_exact<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    pair.record(&every(MINUTE_MICROS / 2 + 1, at(0), 2_000));
    // Minutes of a day, then microseconds of one minute, then all of time in two.
    pair.assert_same_usage(Selection::all(), spans((0..1_440).map(|n| at(n * MINUTE_MICROS)).collect()));
    pair.assert_same_usage(Selection::all(), spans((0..1_000).map(|n| at(30_000_000 + n)).collect()));
    let [first, last] = ENDS;
    pair.assert_same_usage(Selection::all(), spans(vec![first, at(HOUR_MICROS), last]));
}
