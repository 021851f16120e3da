//! What came of the kills, in figures.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// The figures of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Tally {
    /// Processes that were killed, or ended before.
    pub(super) kills: u64,
    /// Of these: had ended by themselves before the kill.
    pub(super) too_late: u64,
    /// Had not sent anything yet.
    pub(super) before_work: u64,
    /// Had sent something that was not acknowledged, or begun work that was not done.
    pub(super) within_work: u64,
    /// Of these: had sent events; the rest was rebuilding or compacting, or both.
    pub(super) within_append: u64,
    /// Of the unacknowledged batches that were looked for at once: whole in the log.
    pub(super) whole: u64,
    /// The same: not in the log, nor any of it.
    pub(super) absent: u64,
    /// Killed while another kill's traces were not looked at yet.
    pub(super) chained: u64,
    /// Times that a store was opened after a kill and looked through.
    pub(super) checks: u64,
    /// Rebuilds, compactions and imports that were interrupted, and then done.
    pub(super) finished: u64,
    /// Stores that were begun.
    pub(super) stores: u64,
    /// Events in all of them at their end.
    pub(super) events: u64,
    /// The longest opening after a kill, in milliseconds.
    pub(super) longest_opening_millis: u64,
}

impl Tally {
    /// Notes how long an opening took.
    pub(super) fn opened_in(&mut self, took: Duration) {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.longest_opening_millis = self.longest_opening_millis.max(millis);
    }

    /// Adds what another run came to.
    pub(super) fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.too_late += other.too_late;
        self.before_work += other.before_work;
        self.within_work += other.within_work;
        self.within_append += other.within_append;
        self.whole += other.whole;
        self.absent += other.absent;
        self.chained += other.chained;
        self.checks += other.checks;
        self.finished += other.finished;
        self.stores += other.stores;
        self.events += other.events;
        self.longest_opening_millis = self.longest_opening_millis.max(other.longest_opening_millis);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills: {} within work ({} of them between sent and acknowledged), {} before any, {} too late, \
             {} over the traces of another; {} looks: {} pending batches whole, {} absent, {} works finished; \
             longest opening {} ms",
            self.kills,
            self.within_work,
            self.within_append,
            self.before_work,
            self.too_late,
            self.chained,
            self.checks,
            self.whole,
            self.absent,
            self.finished,
            self.longest_opening_millis
        )?;
        if self.stores > 0 { write!(f, "; {} events in {} stores", self.events, self.stores) } else { Ok(()) }
    }
}
