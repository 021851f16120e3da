//! The latest outcomes of a key: what decides whether a tool can be trusted now.

use crate::event::{Event, Position, Recorded};
use crate::outcome::Outcome;
use crate::time::Timestamp;
use crate::usage::Aggregate;

/// One outcome, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecentOutcome {
    /// When the call ended.
    pub time: Timestamp,
    /// Where the log has it; of equal times, the higher position is the later.
    pub position: Position,
    /// How it ended.
    pub outcome: Outcome,
}

impl RecentOutcome {
    /// The outcome of a call; `None` of an event that is none.
    pub const fn of(recorded: &Recorded) -> Option<Self> {
        match &recorded.event {
            Event::ToolUse(u) => Some(Self { time: u.time, position: recorded.position, outcome: u.outcome }),
            Event::ToolDiscovered(_) | Event::ToolRemoved(_) => None,
        }
    }
}

/// The latest [`KEPT`](RecentOutcomes::KEPT) outcomes by (time, position), latest first. A commutative monoid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentOutcomes(Vec<RecentOutcome>);

impl RecentOutcomes {
    /// How many are kept.
    pub const KEPT: usize = 16;

    /// The outcomes, latest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &RecentOutcome> {
        self.0.iter()
    }

    /// Adds one, and drops the earliest when there are too many. One that is there is not added again.
    pub fn record(&mut self, recent: RecentOutcome) {
        if let Err(at) = self.0.binary_search_by(|kept| recent.cmp(kept))
            && at < Self::KEPT
        {
            self.0.insert(at, recent);
            self.0.truncate(Self::KEPT);
        }
    }

    /// From stored entries; `None` unless they are as this code writes them.
    pub(crate) fn from_sorted(entries: Vec<RecentOutcome>) -> Option<Self> {
        let sound = entries.len() <= Self::KEPT && entries.is_sorted_by(|a, b| a > b);
        sound.then_some(Self(entries))
    }
}

impl Aggregate for RecentOutcomes {
    fn apply(&mut self, recorded: &Recorded) {
        if let Some(outcome) = RecentOutcome::of(recorded) {
            self.record(outcome);
        }
    }

    fn merge(&mut self, other: &Self) {
        other.iter().for_each(|recent| self.record(*recent));
    }
}
