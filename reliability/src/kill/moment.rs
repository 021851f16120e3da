//! When a process is killed.

use std::io::Read;
use std::thread;
use std::time::Duration;

use crate::kill::Work;
use crate::{Random, Result};

/// Delays reach from 2 to this power of microseconds: 16 µs.
const LEAST_POWER: u64 = 4;

/// A moment in the life of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// So long after its start: in opening, making the store, or mending it.
    AfterStart(Duration),
    /// So long after this many of its marks, each of which stands right before an operation.
    AfterMark {
        /// How many marks.
        marks: u64,
        /// How long after.
        delay: Duration,
    },
}

impl Moment {
    /// A moment for a kind of work.
    pub(super) fn draw(random: &mut Random, work: Work) -> Self {
        if random.below(5) == 0 {
            return Self::AfterStart(delay(random, 15));
        }
        // A delay longer than one operation falls into one of the next.
        let (most_marks, powers) = match work {
            Work::Single => (12, 12),
            Work::Batch | Work::Import => (12, 16),
            Work::Rebuild | Work::Compact => (6, 18),
            Work::Migration => (1, 18),
        };
        Self::AfterMark { marks: 1 + random.below(most_marks), delay: delay(random, powers) }
    }

    /// A moment within this time after the start.
    pub(super) fn within(random: &mut Random, longest: Duration) -> Self {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Self::AfterStart(Duration::from_micros(random.below(micros)))
    }

    /// Returns at the moment. A process that makes no more marks has ended.
    pub(super) fn wait(self, marks: &mut impl Read) -> Result<()> {
        let delay = match self {
            Self::AfterStart(delay) => delay,
            Self::AfterMark { marks: count, delay } => {
                let made = std::io::copy(&mut marks.by_ref().take(count), &mut std::io::sink())?;
                if made < count {
                    return Ok(());
                }
                delay
            }
        };
        // Not a wait for something: the moment itself.
        thread::sleep(delay);
        Ok(())
    }
}

/// From 16 µs to 2 to this power of microseconds, each doubling as often as any other: operations take from some
/// dozen microseconds to some hundred milliseconds.
fn delay(random: &mut Random, power: u64) -> Duration {
    let least = 1_u64 << (LEAST_POWER + random.below(power - LEAST_POWER));
    Duration::from_micros(least + random.below(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_follow_from_the_seed_and_reach_from_the_start_to_well_into_the_work() {
        let draw = || {
            let mut random = Random::new(3);
            (0..200).map(|_| Moment::draw(&mut random, Work::Batch)).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
        let delays = draw().into_iter().map(|moment| match moment {
            Moment::AfterStart(delay) | Moment::AfterMark { delay, .. } => delay,
        });
        let (short, long): (Vec<_>, Vec<_>) = delays.partition(|delay| *delay < Duration::from_millis(1));
        assert!(short.len() > 50 && long.len() > 50, "{} and {}", short.len(), long.len());
        assert!(draw().iter().any(|moment| matches!(moment, Moment::AfterStart(_))));
    }

    #[test]
    fn a_process_that_has_ended_is_not_waited_for() {
        let moment = Moment::AfterMark { marks: 3, delay: Duration::from_hours(1) };
        moment.wait(&mut [b'.', b'.'].as_slice()).unwrap();
    }
}
