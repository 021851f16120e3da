//! How a process was served: what it got done, and how long it waited.

use serde::{Deserialize, Serialize};

/// Waits in microseconds: of every hundred, thousand, and the worst.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Waits {
    pub(super) count: u64,
    pub(super) p50: u64,
    pub(super) p95: u64,
    pub(super) p999: u64,
    pub(super) worst: u64,
}

impl Waits {
    /// Of these waits, in microseconds.
    pub(super) fn of(mut micros: Vec<u64>) -> Self {
        micros.sort_unstable();
        let count = micros.len();
        let rank = |thousandths: usize| {
            let rank = (count * thousandths).div_ceil(1000).max(1);
            micros.get(rank - 1).copied().unwrap_or(0)
        };
        Self { count: count as u64, p50: rank(500), p95: rank(950), p999: rank(999), worst: rank(1000) }
    }
}

/// What one process says at its end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Served {
    pub(super) process: u64,
    /// Whether it is the first of its number, so that it ran all the time.
    pub(super) is_first: bool,
    /// Batches recorded, from the call to the answer, with what was tried again.
    pub(super) appends: Waits,
    /// Questions answered, the same.
    pub(super) queries: Waits,
    /// The longest single call, in microseconds, whatever it answered.
    pub(super) longest_call: u64,
    /// Calls that were answered with `Busy`, and made again.
    pub(super) busy: u64,
    /// Events recorded.
    pub(super) events: u64,
    /// Batches of the least served of its threads.
    pub(super) least_thread: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest_ones() {
        let waits = Waits::of((1..=2000).rev().collect());
        assert_eq!((waits.count, waits.p50, waits.p95, waits.p999, waits.worst), (2000, 1000, 1900, 1998, 2000));
        assert_eq!(Waits::of(Vec::new()).worst, 0);
        assert_eq!(Waits::of(vec![7]).p50, 7);
    }
}
