//! What came of it, in figures.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

/// What the contract grants a hook while the store stays locked. What the machine adds is known by a hook on a free store.
pub(super) const GRANTED: Duration = Duration::from_secs(1);

/// The figures of a run, or of its rounds with one trouble.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Rounds.
    pub(super) rounds: u64,
    /// Hooks that ended by themselves, and how long each took from before its start.
    pub(super) times: Vec<Duration>,
    /// Of these: whose event waited in the spool at the end of the round.
    pub(super) waited: u64,
    /// Of these: whose event was looked for at once when the hook had ended.
    pub(super) looked_for: u64,
    /// Hooks that were killed.
    pub(super) killed_hooks: u64,
    /// Of these, where a look followed before the next round: the event was in the store alone.
    pub(super) killed_recorded: u64,
    /// The same: it waited.
    pub(super) killed_waiting: u64,
    /// The same: it was nowhere.
    pub(super) killed_absent: u64,
    /// Files that killed hooks left in the middle of writing.
    pub(super) torn: u64,
    /// Events that waited and were in the store too: whoever took them in was killed before removing them, or a hook
    /// left its store behind.
    pub(super) in_both: u64,
    /// Imports, and processes that rebuilt or compacted, that were killed.
    pub(super) killed_others: u64,
    /// Processes that had ended before their kill.
    pub(super) too_late: u64,
    /// Imports that failed, as they may beside that trouble.
    pub(super) refused: u64,
    /// Times that `stats` was asked while something waited.
    pub(super) stats_told: u64,
    /// The most events that waited at once.
    pub(super) most_waiting: u64,
    /// Stores that were looked through to the end.
    pub(super) stores: u64,
    /// Events in them.
    pub(super) events: u64,
    /// How long a hook takes that meets this trouble alone, as far as is known.
    pub(super) typical: Option<Duration>,
}

impl Tally {
    /// All kills.
    pub(super) fn kills(&self) -> u64 {
        self.killed_hooks + self.killed_others
    }

    /// Adds what another came to.
    pub(super) fn add(&mut self, other: &Self) {
        self.rounds += other.rounds;
        self.times.extend(&other.times);
        self.waited += other.waited;
        self.looked_for += other.looked_for;
        self.killed_hooks += other.killed_hooks;
        self.killed_recorded += other.killed_recorded;
        self.killed_waiting += other.killed_waiting;
        self.killed_absent += other.killed_absent;
        self.torn += other.torn;
        self.in_both += other.in_both;
        self.killed_others += other.killed_others;
        self.too_late += other.too_late;
        self.refused += other.refused;
        self.stats_told += other.stats_told;
        self.most_waiting = self.most_waiting.max(other.most_waiting);
        self.stores += other.stores;
        self.events += other.events;
    }

    /// How many of a hundred hooks took no longer, by nearest rank.
    fn percentile(&self, percent: usize) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        let rank = (times.len() * percent).div_ceil(100).max(1);
        times.get(rank - 1).copied().unwrap_or_default()
    }

    fn late(&self) -> usize {
        self.times.iter().filter(|time| **time > GRANTED).count()
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let millis = |percent| self.percentile(percent).as_millis();
        json!({
            "rounds": self.rounds, "hooks": self.times.len(), "median_millis": millis(50), "p99_millis": millis(99),
            "worst_millis": millis(100), "beyond_a_second": self.late(), "waited": self.waited,
            "looked_for_at_once": self.looked_for, "kills": self.kills(), "killed_hooks": self.killed_hooks,
            "killed_recorded": self.killed_recorded, "killed_waiting": self.killed_waiting,
            "killed_absent": self.killed_absent, "torn": self.torn, "in_both": self.in_both,
            "killed_others": self.killed_others, "too_late": self.too_late, "refused": self.refused,
            "stats_told": self.stats_told, "most_waiting": self.most_waiting, "stores": self.stores,
            "events": self.events,
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills in {} rounds: {} of hooks (then recorded {}, waiting {}, absent {}; {} files torn), {} of others, \
             {} too late; {} hooks ended by themselves ({} waited, {} looked for at once) in {:?}, 99 % within {:?}, \
             the longest {:?}, {} beyond a second; at most {} waited, {} times both recorded and waiting; {} imports \
             refused; stats told of the spool {} times",
            self.kills(),
            self.rounds,
            self.killed_hooks,
            self.killed_recorded,
            self.killed_waiting,
            self.killed_absent,
            self.torn,
            self.killed_others,
            self.too_late,
            self.times.len(),
            self.waited,
            self.looked_for,
            self.percentile(50),
            self.percentile(99),
            self.percentile(100),
            self.late(),
            self.most_waiting,
            self.in_both,
            self.refused,
            self.stats_told
        )?;
        if self.stores > 0 { write!(f, "; {} events in {} stores", self.events, self.stores) } else { Ok(()) }
    }
}
