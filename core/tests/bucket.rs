//! The split of windows, against brute force.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;
use tooltally_core::bucket::{Split, Width, split};
use tooltally_core::{Timestamp, Window};

/// The narrowest width, in microseconds.
const NARROWEST: i64 = 3 * 3_600_000_000;

fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

/// How many parts of the split hold this instant.
fn holders(split: &Split, at: Timestamp) -> usize {
    let in_buckets = split.buckets.iter().filter(|r| (r.first..r.end).contains(&r.width.bucket_of(at))).count();
    in_buckets + split.edges.iter().filter(|edge| edge.contains(at)).count()
}

fn check(window: Window, probes: impl IntoIterator<Item = i64>) {
    let split = split(window);
    assert!(split.edges.len() <= 2, "{split:?}");
    for width in Width::ALL {
        assert!(split.buckets.iter().filter(|r| r.width == width).count() <= 2, "{split:?}");
    }
    let ends = [window.from(), window.to()].into_iter().flatten().map(Timestamp::as_micros);
    let around = ends.flat_map(|end| [-NARROWEST, -1, 0, 1, NARROWEST].map(|d| end + d)).collect::<Vec<_>>();
    for at in around.into_iter().chain(probes).filter_map(|t| Timestamp::from_micros(t).ok()) {
        assert_eq!(holders(&split, at), usize::from(window.contains(at)), "{at} in {window:?}: {split:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn each_instant_of_a_window_is_held_once(
        from in proptest::option::of(0..Timestamp::MAX.as_micros()),
        width in proptest::option::of(prop_oneof![0..4 * NARROWEST, 0..400 * 8 * NARROWEST, 0..Timestamp::MAX.as_micros()]),
        align in any::<(bool, bool)>(),
        probes in proptest::collection::vec((0.0..1.2f64, -2 * NARROWEST..2 * NARROWEST), 40),
    ) {
        let snap = |t: i64, on: bool| if on { t - t % NARROWEST } else { t };
        let start = from.map_or(0, |f| snap(f, align.0));
        let end = width.map(|w| snap((start + w).min(Timestamp::MAX.as_micros()), align.1).max(start));
        let window = Window::new(from.map(|_| time(start)), end.map(time)).unwrap();
        let span = end.unwrap_or(Timestamp::MAX.as_micros()) - start;
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a probe may fall anywhere")]
        check(window, probes.into_iter().map(|(part, off)| start + (span as f64 * part) as i64 + off));
    }
}

#[test]
fn empty_and_tiny_windows() {
    for from in [0, 1, NARROWEST - 1, NARROWEST, 5 * NARROWEST + 3] {
        for width in [0, 1, 2, NARROWEST - 1, NARROWEST, NARROWEST + 1, 2 * NARROWEST] {
            let window = Window::new(Some(time(from)), Some(time(from + width))).unwrap();
            check(window, (from - 2..from + 5).chain(from + width - 3..from + width + 3));
        }
    }
}

#[test]
fn a_year_costs_a_handful_of_buckets() {
    let window = Window::new(Some(time(1_767_225_600_000_001)), Some(time(1_798_761_599_999_999))).unwrap();
    let buckets: u32 = split(window).buckets.iter().map(|r| r.end - r.first).sum();
    assert!(buckets <= 2 * (7 + 7 + 7) + 6, "{buckets}");
}

#[test]
fn the_last_microsecond_is_held() {
    let last = Timestamp::MAX.as_micros();
    assert_eq!(Timestamp::MAX.to_string(), "9999-12-30T22:00:00.999999Z");
    for back in [0, 1, NARROWEST - 1, NARROWEST, NARROWEST + 1] {
        check(Window::since(time(last - back)), last - NARROWEST..last - NARROWEST + 3);
        check(Window::until(time(last - back)), last - 3..=last);
    }
}
