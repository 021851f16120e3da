//! The split of a window into buckets: pure arithmetic, shared by every backend that keeps rollups.
//!
//! Time is cut into buckets of fixed widths, each width a multiple of the one before. A window is then a
//! few ranges of buckets, wide ones in the middle and narrow ones at its ends, plus at most two edges
//! narrower than the narrowest bucket, whose events are folded one by one. The narrowest is a quarter of an
//! hour: every time zone's days and hours begin on one, so a calendar day has no edges at all.

use crate::time::Timestamp;
use crate::window::Window;

/// The narrowest width, in microseconds.
const QUARTER_MICROS: i64 = 15 * 60 * 1_000_000;

/// The width of a bucket. Buckets are counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// A quarter of an hour.
    Quarter,
    /// An hour.
    Hour,
    /// Six hours.
    SixHours,
    /// A day of 24 hours.
    Day,
    /// Eight days.
    EightDays,
    /// Sixty-four days.
    SixtyFourDays,
    /// All of time: the one bucket 0.
    Forever,
}

impl Width {
    /// Every width, from the narrowest up.
    pub const ALL: [Self; 7] =
        [Self::Quarter, Self::Hour, Self::SixHours, Self::Day, Self::EightDays, Self::SixtyFourDays, Self::Forever];

    /// How many of the narrowest buckets it spans; `None` for all of time.
    pub const fn quarters(self) -> Option<u32> {
        match self {
            Self::Quarter => Some(1),
            Self::Hour => Some(4),
            Self::SixHours => Some(24),
            Self::Day => Some(96),
            Self::EightDays => Some(8 * 96),
            Self::SixtyFourDays => Some(64 * 96),
            Self::Forever => None,
        }
    }

    /// Its number in stored keys; never changes.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The bucket of this width that holds an instant.
    pub fn bucket_of(self, time: Timestamp) -> u32 {
        self.bucket_of_quarter(quarter_of(time))
    }

    /// The bucket of this width that holds a narrowest bucket.
    pub const fn bucket_of_quarter(self, quarter: u32) -> u32 {
        match self.quarters() {
            Some(quarters) => quarter / quarters,
            None => 0,
        }
    }

    /// The instant that a bucket of this width starts at.
    pub fn start_of(self, bucket: u32) -> Timestamp {
        let quarter = u64::from(self.quarters().unwrap_or(0)) * u64::from(bucket);
        let micros = i64::try_from(quarter).unwrap_or(i64::MAX).saturating_mul(QUARTER_MICROS);
        Timestamp::from_micros(micros).unwrap_or(Timestamp::MAX)
    }
}

fn quarter_of(time: Timestamp) -> u32 {
    u32::try_from(time.as_micros() / QUARTER_MICROS).unwrap_or(u32::MAX)
}

/// Adjoining buckets of one width, `first` to `end`, the latter excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BucketRange {
    /// The width.
    pub width: Width,
    /// The first bucket.
    pub first: u32,
    /// The bucket after the last.
    pub end: u32,
}

/// A window as buckets and edges. Together they hold each instant of the window once, and no other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// The buckets: at most two ranges of each width.
    pub buckets: Vec<BucketRange>,
    /// What no whole bucket covers: at most two windows, each narrower than a quarter of an hour.
    pub edges: Vec<Window>,
}

/// Splits a window.
///
/// ```
/// # use tooltally_core::{bucket, Window};
/// let window = Window::new(Some("2026-01-01T00:10:00Z".parse()?), Some("2026-01-03T01:00:00Z".parse()?))?;
/// let split = bucket::split(window);
/// assert_eq!(split.edges.len(), 1); // 00:10 to 00:15; the other end lies on an hour
/// # Ok::<(), tooltally_core::Error>(())
/// ```
pub fn split(window: Window) -> Split {
    if window.is_all() {
        return Split { buckets: vec![BucketRange { width: Width::Forever, first: 0, end: 1 }], edges: Vec::new() };
    }
    let end_of_time = quarter_of(Timestamp::MAX) + 1;
    let first = window.from().map_or(0, |from| {
        let quarter = quarter_of(from);
        if Width::Quarter.start_of(quarter) < from { quarter + 1 } else { quarter }
    });
    let end = window.to().map_or(end_of_time, quarter_of);
    if first > end || first == end_of_time {
        return Split { buckets: Vec::new(), edges: vec![window] };
    }
    Split { buckets: climb(first, end), edges: edges(window, first, end) }
}

/// The parts of the window before quarter `first` and from quarter `end` on.
fn edges(window: Window, first: u32, end: u32) -> Vec<Window> {
    let mut edges = Vec::new();
    let mut push = |from, to| match (from, to) {
        (Some(from), Some(to)) if from < to => edges.extend(Window::new(Some(from), Some(to))),
        _ => {}
    };
    push(window.from(), Some(Width::Quarter.start_of(first)));
    push(Some(Width::Quarter.start_of(end)), window.to());
    edges
}

/// Covers the quarters `first` to `end` with the widest buckets that fit, in order of time.
fn climb(first: u32, end: u32) -> Vec<BucketRange> {
    let (mut rising, mut falling) = (Vec::new(), Vec::new());
    let (mut first, mut end) = (first, end);
    let mut widths = Width::ALL.into_iter().filter_map(|w| Some((w, w.quarters()?))).peekable();
    while let Some((width, quarters)) = widths.next() {
        let range = |from: u32, to: u32| BucketRange { width, first: from / quarters, end: to / quarters };
        let wider = widths.peek().map(|(_, wider)| (first.div_ceil(*wider).saturating_mul(*wider), end - end % wider));
        let Some((up, down)) = wider.filter(|(up, down)| up < down) else {
            // No wider bucket fits in between.
            rising.push(range(first, end));
            break;
        };
        rising.push(range(first, up));
        falling.push(range(down, end));
        (first, end) = (up, down);
    }
    rising.extend(falling.into_iter().rev());
    rising.retain(|range| range.first < range.end);
    rising
}
