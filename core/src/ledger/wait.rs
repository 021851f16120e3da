//! The wait of one operation: one deadline for its turn in this process and for the locks of others.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// The first pause between two tries. A commit takes a few hundred microseconds.
const FIRST_PAUSE: Duration = Duration::from_micros(100);

/// The longest pause: pauses double up to here.
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause of one who is not the next in line, and would be.
const LONGEST_PAUSE_IN_LINE: Duration = Duration::from_millis(1);

/// What is left of one operation's wait.
#[derive(Debug)]
pub struct Patience {
    started: Instant,
    longest: Duration,
    pause: Duration,
}

impl Patience {
    /// From now on, for this long.
    pub fn new(longest: Duration) -> Self {
        Self { started: Instant::now(), longest, pause: FIRST_PAUSE }
    }

    /// How long is left.
    pub fn left(&self) -> Duration {
        self.longest.saturating_sub(self.started.elapsed())
    }

    /// Since when.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// What to answer when nothing is left.
    pub fn busy(&self) -> Error {
        Error::Busy { waited: self.started.elapsed() }
    }

    /// Whether the wait has lasted this long.
    pub fn has_lasted(&self, time: Duration) -> bool {
        self.started.elapsed() >= time
    }

    /// Sleeps as little as at first: for whoever is the next in line.
    ///
    /// # Errors
    /// [`Error::Busy`] when nothing is left.
    pub fn pause_briefly(&mut self) -> Result<()> {
        self.pause = FIRST_PAUSE;
        self.pause()
    }

    /// Sleeps a little, longer each time, but not for long: whoever has waited longest must not try the least often.
    ///
    /// # Errors
    /// [`Error::Busy`] when nothing is left.
    pub fn pause_in_line(&mut self) -> Result<()> {
        self.pause = self.pause.min(LONGEST_PAUSE_IN_LINE);
        self.pause()
    }

    /// Sleeps a little, longer each time, by a random part so that waiting processes do not stay in step.
    ///
    /// # Errors
    /// [`Error::Busy`] when nothing is left.
    pub fn pause(&mut self) -> Result<()> {
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

/// The standard library's random hash keys: no better source is needed to spread pauses.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
