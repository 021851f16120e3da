use tooltally_core::{
    Condition, Error, Event, GroupBy, Outcome, Position, Selection, Spans, Timestamp, ToolDuration, Window,
};

use crate::check::{GROUPINGS, Pair, assert_sound, record, usage};
use crate::events::{
    DAY_MICROS, HOUR_MICROS, MINUTE_MICROS, SESSIONS, TOOLS, at, instant, session, tool, use_of, window,
};
use crate::harness::Harness;
use crate::site::fresh;

const YEAR_MICROS: i64 = 365 * DAY_MICROS;
const LAST_MICROS: i64 = Timestamp::MAX.as_micros();

fn call(number: u64, time: Timestamp) -> Event {
    let mut call = use_of(number, TOOLS[number as usize % 3], time);
    call.outcome = Outcome::ALL[number as usize % Outcome::ALL.len()];
    call.session = (!number.is_multiple_of(4)).then(|| session(SESSIONS[number as usize % 2]));
    call.duration = ToolDuration::from_micros(number * 7).ok();
    call.into()
}

fn assert_same_everywhere(pair: &Pair<'_>, windows: &[Window]) {
    for window in windows {
        let all = Selection::all().window(*window);
        for group_by in GROUPINGS {
            pair.assert_same_usage(all.clone(), group_by);
        }
        pair.assert_same_usage(all.clone().session(session(SESSIONS[1])), GroupBy::Tool);
        for limit in [1, 16, 700] {
            pair.assert_same_recent(&all, limit);
            pair.assert_same_recent(&all.clone().tool(tool(TOOLS[0])), limit);
            pair.assert_same_recent(&all.clone().session(session(SESSIONS[1])), limit);
        }
    }
}

pub(crate) fn clocks_that_jump_are_exact<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    // The clock is set back by years, forward by decades, to the beginning, to the end, and right again.
    let clocks = [0, -20 * YEAR_MICROS, 3 * HOUR_MICROS, 400 * YEAR_MICROS, 1, -MINUTE_MICROS, 0, 6_000 * YEAR_MICROS];
    let mut number = 0;
    for round in 0..5 {
        for (clock, jump) in clocks.iter().enumerate() {
            let count = 1 + (clock as u64 * 13 + round * 31) % 60;
            let events: Vec<Event> = (number..number + count)
                .map(|n| call(n, at(jump + round as i64 * DAY_MICROS + n as i64 * 1_000)))
                .collect();
            pair.record(&events);
            number += count;
            pair.assert_same_recent(&Selection::all(), 20);
            pair.assert_same_usage(Selection::all().window(Window::since(at(-MINUTE_MICROS))), GroupBy::Tool);
        }
    }
    let cuts = clocks.map(|clock| at(clock + DAY_MICROS + 77_000));
    let windows: Vec<Window> = cuts.iter().flat_map(|cut| [Window::since(*cut), Window::until(*cut)]).collect();
    assert_same_everywhere(&pair, &windows);
    assert_sound(&*store);
}

pub(crate) fn both_ends_of_time_are_exact<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let near =
        [0, 1, MINUTE_MICROS, 15 * MINUTE_MICROS - 1, 3 * HOUR_MICROS, DAY_MICROS - 1, DAY_MICROS, 70 * DAY_MICROS];
    let times: Vec<i64> = near.iter().flat_map(|micros| [*micros, LAST_MICROS - micros]).collect();
    // In the tail first, then folded, then both.
    for (from, to) in [(0, 100), (100, 700), (700, 720)] {
        let events: Vec<Event> = (from..to).map(|n| call(n, instant(times[n as usize % times.len()]))).collect();
        pair.record(&events);
        let cuts = [0, 1, 2, 15 * MINUTE_MICROS, 3 * HOUR_MICROS, DAY_MICROS, DAY_MICROS + 1];
        let mut windows = vec![Window::ALL];
        for cut in cuts {
            let (first, last) = (instant(cut), instant(LAST_MICROS - cut));
            windows.extend([Window::since(first), Window::until(first), Window::since(last), Window::until(last)]);
            windows.extend([window(Timestamp::MIN, first), window(last, Timestamp::MAX), window(first, last)]);
        }
        assert_same_everywhere(&pair, &windows);
        let edges = [0, 1, DAY_MICROS, LAST_MICROS - DAY_MICROS, LAST_MICROS - 1, LAST_MICROS].map(instant);
        pair.assert_same_usage(Selection::all(), GroupBy::Span(Spans::new(edges.to_vec()).unwrap()));
    }
    let last = usage(&*store, &Selection::all().window(Window::since(Timestamp::MAX)), &GroupBy::Total);
    assert_eq!(
        last.iter().map(|row| row.usage.uses()).sum::<u64>(),
        45,
        "the last instant is in a window without an end"
    );
    assert_sound(&*store);
}

pub(crate) fn the_longest_durations_add_up<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let events: Vec<Event> = (0..1_300)
        .map(|number| {
            let mut call =
                use_of(number, if number < 650 { "Bash" } else { "Read" }, at(number as i64 * MINUTE_MICROS));
            call.duration = if number < 650 { Some(ToolDuration::MAX) } else { ToolDuration::from_micros(0).ok() };
            call.into()
        })
        .collect();
    for batch in events.chunks(217) {
        pair.record(batch);
    }
    pair.assert_same_usage(Selection::all(), GroupBy::Tool);
    let rows = usage(&*store, &Selection::all(), &GroupBy::Tool);
    let longest = ToolDuration::MAX.as_micros();
    let sums: Vec<_> =
        rows.iter().map(|row| (row.usage.durations().sum_micros(), row.usage.durations().max_micros())).collect();
    assert_eq!(sums, [(650 * u128::from(longest), Some(longest)), (0, Some(0))]);
    assert_eq!(rows[1].usage.durations().quantile_micros(1.0), Some(0));
    pair.assert_same_usage(Selection::all().window(Window::since(at(100 * MINUTE_MICROS + 1))), GroupBy::Total);
    assert_sound(&*store);
}

pub(crate) fn positions_beyond_every_log_are_answered_for<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &[call(1, at(0))]);
    for number in [2, 1 << 32, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX - 1, u64::MAX] {
        let position = Position::new(number);
        let refused = store.append(&[call(2, at(0))], Condition::HeadIs(position));
        let names_both = |e: &Error| matches!(e, Error::ConditionNotMet { expected, head } if *expected == position && head.get() == 1);
        assert!(refused.as_ref().is_err_and(names_both), "{number}: {refused:?}");
        for limit in [0, 1, usize::MAX] {
            assert_eq!(store.read(position, limit).unwrap(), [], "{number} {limit}");
        }
    }
    assert_eq!(store.head().unwrap(), Position::new(1));
}
