//! The split of a window into buckets: pure arithmetic, shared by every backend that keeps rollups.
//!
//! Time is cut into buckets of fixed widths, each width a multiple of the one before. A window is then a
//! few ranges of buckets, wide ones in the middle and narrow ones at its ends, plus at most two edges
//! narrower than the narrowest bucket, whose calls are folded one by one.

use crate::time::Timestamp;
use crate::window::Window;

/// The narrowest width, in microseconds.
const NARROWEST_MICROS: i64 = 3 * 60 * 60 * 1_000_000;

/// The width of a bucket. Buckets are counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// Three hours.
    ThreeHours,
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
    pub const ALL: [Self; 5] = [Self::ThreeHours, Self::Day, Self::EightDays, Self::SixtyFourDays, Self::Forever];

    /// How many of the narrowest buckets it spans; `None` for all of time.
    pub const fn narrowest(self) -> Option<u32> {
        match self {
            Self::ThreeHours => Some(1),
            Self::Day => Some(8),
            Self::EightDays => Some(8 * 8),
            Self::SixtyFourDays => Some(64 * 8),
            Self::Forever => None,
        }
    }

    /// Its number in stored keys; never changes.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The next narrower width.
    pub fn narrower(self) -> Option<Self> {
        Self::ALL.get(usize::from(self.code()).checked_sub(1)?).copied()
    }

    /// The bucket of this width that holds an instant.
    pub fn bucket_of(self, time: Timestamp) -> u32 {
        let narrowest = narrowest_of(time);
        self.narrowest().map_or(0, |each| narrowest / each)
    }

    /// The bucket of this width that holds a bucket of a narrower one.
    pub fn bucket_of_bucket(self, narrower: Self, bucket: u32) -> u32 {
        match (self.narrowest(), narrower.narrowest()) {
            (Some(wide), Some(narrow)) => bucket / (wide / narrow).max(1),
            _ => 0,
        }
    }

    /// The instant that a bucket of this width starts at.
    pub fn start_of(self, bucket: u32) -> Timestamp {
        let narrowest = u64::from(self.narrowest().unwrap_or(0)) * u64::from(bucket);
        let micros = i64::try_from(narrowest).unwrap_or(i64::MAX).saturating_mul(NARROWEST_MICROS);
        Timestamp::from_micros(micros).unwrap_or(Timestamp::MAX)
    }
}

fn narrowest_of(time: Timestamp) -> u32 {
    u32::try_from(time.as_micros() / NARROWEST_MICROS).unwrap_or(u32::MAX)
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
    /// What no whole bucket covers: at most two windows, each narrower than six hours.
    pub edges: Vec<Window>,
}

/// Splits a window.
///
/// ```
/// # use tooltally_core::{bucket, Window};
/// let window = Window::new(Some("2026-01-01T00:10:00Z".parse()?), Some("2026-01-03T03:00:00Z".parse()?))?;
/// let split = bucket::split(window);
/// assert_eq!(split.edges.len(), 1); // 00:10 to 03:00; the other end lies between two buckets
/// # Ok::<(), tooltally_core::Error>(())
/// ```
pub fn split(window: Window) -> Split {
    if window.is_all() {
        return Split { buckets: vec![BucketRange { width: Width::Forever, first: 0, end: 1 }], edges: Vec::new() };
    }
    let end_of_time = narrowest_of(Timestamp::MAX) + 1;
    let first = window.from().map_or(0, |from| {
        let bucket = narrowest_of(from);
        if Width::ThreeHours.start_of(bucket) < from { bucket + 1 } else { bucket }
    });
    let end = window.to().map_or(end_of_time, narrowest_of);
    if first >= end {
        return Split { buckets: Vec::new(), edges: vec![window] };
    }
    Split { buckets: climb(first, end), edges: edges(window, first, end) }
}

/// The parts of the window before the narrowest bucket `first` and from the one at `end` on.
fn edges(window: Window, first: u32, end: u32) -> Vec<Window> {
    let mut edges = Vec::new();
    let mut push = |from, to| match (from, to) {
        (Some(from), Some(to)) if from < to => edges.extend(Window::new(Some(from), Some(to))),
        _ => {}
    };
    push(window.from(), Some(Width::ThreeHours.start_of(first)));
    push(Some(Width::ThreeHours.start_of(end)), window.to());
    edges
}

/// Covers the narrowest buckets `first` to `end` with the widest that fit, in order of time.
fn climb(first: u32, end: u32) -> Vec<BucketRange> {
    let (mut rising, mut falling) = (Vec::new(), Vec::new());
    let (mut first, mut end) = (first, end);
    let mut widths = Width::ALL.into_iter().filter_map(|w| Some((w, w.narrowest()?))).peekable();
    while let Some((width, each)) = widths.next() {
        let range = |from: u32, to: u32| BucketRange { width, first: from / each, end: to / each };
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
