//! When a tool is demoted, restored, given another chance, and called stale: the numbers.

use std::time::Duration;

use crate::time::Timestamp;
use crate::{Error, Result};

/// The most calls that a window may have: what keeps the states of a tool few.
const WIDEST: u8 = 8;
const DAY: Duration = Duration::from_hours(24);

/// Thresholds and windows. Made by [`default`](Self::default), and changed by the builder.
///
/// ```
/// # use std::time::Duration;
/// # use tooltally_core::policy::status::Rule;
/// // Two of three failures demote, two successes in a row restore, a day's rest gives another chance.
/// let strict = Rule::default().demote(2, 3)?.restore(2)?.probation_after(Duration::from_hours(24));
/// // More failures than calls cannot be.
/// assert!(Rule::default().demote(4, 3).is_err());
/// # Ok::<(), tooltally_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    failures: u8,
    window: u8,
    successes: u8,
    probation_after: Duration,
    unseen_after: Duration,
}

impl Default for Rule {
    /// Three failures among the last five finished calls demote (the predecessor's rule); the last three all succeeded
    /// restores; 7 days without any call give another chance; 30 days without a sign are stale.
    fn default() -> Self {
        Self { failures: 3, window: 5, successes: 3, probation_after: 7 * DAY, unseen_after: 30 * DAY }
    }
}

impl Rule {
    /// Has `failures` among the last `window` finished calls demote.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless 1 ≤ `failures` ≤ `window` ≤ 8.
    pub fn demote(self, failures: u8, window: u8) -> Result<Self> {
        if failures < 1 || failures > window || window > WIDEST {
            return Err(Error::invalid("rule", "needs 1 to 8 calls in its window, and 1 to as many failures"));
        }
        Ok(Self { failures, window, ..self })
    }

    /// Has this many successes in a row restore.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless 1 ≤ `successes` ≤ 8.
    pub fn restore(self, successes: u8) -> Result<Self> {
        if !(1..=WIDEST).contains(&successes) {
            return Err(Error::invalid("rule", "needs 1 to 8 successes to restore"));
        }
        Ok(Self { successes, ..self })
    }

    /// After how long without any call a demoted tool gets another chance.
    pub fn probation_after(self, rest: Duration) -> Self {
        Self { probation_after: rest, ..self }
    }

    /// After how long without a sign of it a tool is stale.
    pub fn unseen_after(self, silence: Duration) -> Self {
        Self { unseen_after: silence, ..self }
    }

    pub(super) const fn failures(&self) -> u8 {
        self.failures
    }

    pub(super) const fn window(&self) -> u8 {
        self.window
    }

    pub(super) const fn successes(&self) -> u8 {
        self.successes
    }

    /// Whether the time between two moments is a rest. A clock that stands before the first has rested for nothing.
    pub(super) fn is_rest(&self, from: Timestamp, to: Timestamp) -> bool {
        between(from, to) >= self.probation_after
    }

    pub(super) fn is_unseen(&self, seen: Timestamp, now: Timestamp) -> bool {
        between(seen, now) >= self.unseen_after
    }
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    let micros = to.as_micros().saturating_sub(from.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
