//! The wait of one operation: one deadline for its turn in this process and for the locks of others.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tooltally_core::{Error, Result};

/// The first pause between two tries. A commit takes a few hundred microseconds.
const FIRST_PAUSE: Duration = Duration::from_micros(100);

/// The longest pause: pauses double up to here.
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// What is left of one operation's wait.
pub(crate) struct Patience {
    started: Instant,
    longest: Duration,
    pause: Duration,
}

impl Patience {
    /// From now on, for this long.
    pub(crate) fn new(longest: Duration) -> Self {
        Self { started: Instant::now(), longest, pause: FIRST_PAUSE }
    }

    /// How long is left.
    pub(crate) fn left(&self) -> Duration {
        self.longest.saturating_sub(self.started.elapsed())
    }

    /// Since when.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Lets a connection's next statement wait for as long as is left, and no longer.
    pub(crate) fn limit(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.busy_timeout(whole_millis(self.left()))
    }

    /// What to answer when nothing is left.
    pub(crate) fn busy(&self) -> Error {
        Error::Busy { waited: self.started.elapsed() }
    }

    /// Sleeps a little, longer each time, by a random part so that waiting processes do not stay in step.
    ///
    /// # Errors
    /// [`Error::Busy`] when nothing is left.
    pub(crate) fn pause(&mut self) -> Result<()> {
        let left = self.left();
        if left.is_zero() {
            return Err(self.busy());
        }
        let half = self.pause / 2;
        let spread = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
        thread::sleep((half + Duration::from_nanos(random() % spread)).min(left));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// SQLite counts in milliseconds, up to 24 days. Rounded up: a wait that ends early would not be the one asked for.
fn whole_millis(left: Duration) -> Duration {
    let millis = i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
    Duration::from_millis(u64::from(millis.unsigned_abs()))
}

/// The standard library's random hash keys: no better source is needed to spread pauses.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_what_sqlite_takes() {
        assert_eq!(whole_millis(Duration::ZERO), Duration::ZERO);
        assert_eq!(whole_millis(Duration::from_nanos(1)), Duration::from_millis(1));
        assert_eq!(whole_millis(Duration::from_millis(30)), Duration::from_millis(30));
        assert_eq!(whole_millis(Duration::MAX), Duration::from_millis(2_147_483_647));
    }
}
