//! Batches whose members share a mark: the session, which says how many belong together.

use tooltally::{Event, SessionId};
use tooltally_conformance::events::{DAY_MICROS, at, numbered};

use crate::witness::Batch;
use crate::{Random, Result};

/// Sizes of batches, by thread: alone, shared in a commit, and too large to share.
const SIZES: [u64; 8] = [1, 1, 1, 3, 8, 20, 64, 100];
/// As many at once are folded at once; one thread in every fourth process sends so many.
const FOLDED_AT_ONCE: u64 = 600;
/// Days on which the events lie.
const DAYS: u64 = 3;

/// A thread of a process, whose batches are all of one size and bear one mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark {
    pub(super) process: u64,
    pub(super) thread: u64,
}

impl Mark {
    /// How many events it appends at once.
    pub(super) fn size(self) -> u64 {
        if self.process % 4 == 3 && self.thread % 8 == 7 {
            return FOLDED_AT_ONCE;
        }
        let index = usize::try_from(self.thread % 8).unwrap_or(0);
        SIZES.get(index).copied().unwrap_or(1)
    }

    /// The session of its events.
    pub(super) fn session(self) -> Result<SessionId> {
        Ok(SessionId::new(format!("process {} thread {}", self.process, self.thread))?)
    }

    /// The mark that a session is.
    pub(super) fn of(session: &SessionId) -> Option<Self> {
        let text: &str = session.as_ref();
        let (process, thread) = text.strip_prefix("process ")?.split_once(" thread ")?;
        Some(Self { process: process.parse().ok()?, thread: thread.parse().ok()? })
    }

    /// Any mark of a crowd.
    pub(super) fn any(random: &mut Random, processes: u64, threads: u64) -> Self {
        Self { process: random.below(processes), thread: random.below(threads) }
    }

    /// The name of its witness's file.
    pub(super) fn witness(self) -> String {
        format!("witness-{}-{}", self.process, self.thread)
    }

    /// The number of its first event: no other mark's numbers reach there.
    pub(super) fn first_number(self) -> u64 {
        ((self.process << 10 | self.thread) << 32) + 1
    }

    /// The events of one of its batches.
    pub(super) fn events(self, batch: Batch) -> Result<Vec<Event>> {
        batch.numbers().map(|number| self.event(number)).collect()
    }

    fn event(self, number: u64) -> Result<Event> {
        let mut event = numbered(number);
        if let Event::ToolUse(tool_use) = &mut event {
            tool_use.session = Some(self.session()?);
            let time = (number % DAYS).cast_signed() * DAY_MICROS + (number % 10_007).cast_signed() * 8_000_000;
            tool_use.time = at(time);
        }
        Ok(event)
    }
}

/// The edges of the days on which the events lie.
pub(super) fn days() -> Vec<tooltally::Timestamp> {
    (0..=DAYS.cast_signed()).map(|day| at(day * DAY_MICROS)).collect()
}
