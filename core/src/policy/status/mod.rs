//! Status: whether a tool is active, stale or demoted, and why.
//!
//! # The rule
//!
//! - Calls that ended in [`Success`](crate::Outcome::Success) or [`Failure`](crate::Outcome::Failure) are **finished**.
//!   A person's interruption or rejection, and a call that never ran, say nothing about the tool: they take no place.
//!   The last call is the one of the latest time, and of those of the highest position.
//! - Three failures among the last five finished calls **demote**: the predecessor's rule.
//! - Restoring needs evidence, not one lucky call: the last three finished calls all succeeded. From then on only calls
//!   after the restoration count towards a demotion.
//! - A demoted tool stays visible, marked and lower, so that it can gather evidence. Uncalled for 7 days it is on
//!   **probation**: shown as active, at reduced weight, demoted again by one failure, restored by the same three
//!   successes. A call of any outcome ends a rest, a finished one or not. This holds for the clock, and for each gap
//!   within the history.
//! - **Stale** is a tool that was removed from the settings, or that was unseen for 30 days: two different things, and
//!   [`Status`] says both. Unseen is only what would be seen in use: [`tools`](super::tools).
//!
//! All numbers are in a [`Rule`], which the caller can pass.
//!
//! # A pure function of log and clock
//!
//! A demotion is history: the same last five calls leave one tool demoted and another one active. So a status is a fold
//! over all calls of the tool, in order of time and position, by an automaton ([`State`]), then one look at
//! the clock. Nothing is kept when a demotion "happens", so nothing can drift: a late event is simply a call that the
//! fold meets earlier, on every backend and after every rebuild.
//!
//! # What a store needs to keep
//!
//! The fold has no bound of its own. Three successes in a row force "not demoted", and three failures among five force
//! "demoted", whatever came before; but success, success, failure, for ever, forces nothing, and keeps a demoted tool
//! demoted and an active one active, however far one looks back. So a suffix is enough almost always, and never for
//! sure. A stretch of calls is therefore taken as what it is, a function from the state before it to the state after it
//! ([`Segment`]; the default rule has 16 states, so one is 16 numbers of 4 bits and its two ends). Functions compose,
//! associatively and in order, as in a prefix sum over a finite-state machine (Hillis and Steele, "Data parallel
//! algorithms", 1986; Ladner and Fischer, "Parallel prefix computation", 1980). That gives three steps, each exact:
//!
//! 1. The latest outcomes that stores keep per tool already ([`RecentOutcomes`], 16): where
//!    their segment is constant ([`Segment::state_in_any_case`]), the state is known, whatever came before. Of random
//!    histories with failure rates from 0.05 to 0.8 that is so for all but 0.13 % at most, and with 64 calls for all
//!    of 18,000.
//! 2. Otherwise more of the tool's calls are read, backwards: 128, then eight times as many, and so on, until their
//!    segment is constant or the history ends.
//! 3. Where a tool's history forces nothing for too long to be read (it would have to be an adversary's), a store can
//!    keep segments like its rollups: of each tool and bucket of time, in buckets of several widths. They do not merge
//!    in any order, as counts do, but buckets do not overlap in time, so they compose in theirs. A late event changes
//!    the segment of each bucket around it: the narrowest one is folded again from its calls, each wider one from the
//!    narrower ones in it. The state is then the composition of a few dozen segments.
//!
//! ```
//! use tooltally_core::policy::status::{Call, Rule, Segment, Standing, Status};
//! use tooltally_core::{Position, Timestamp};
//!
//! const DAY: i64 = 86_400_000_000;
//! let call = |number: i64, failed| Call {
//!     time: Timestamp::from_micros(number * 60_000_000).unwrap(),
//!     position: Position::new(number as u64),
//!     failed: Some(failed),
//! };
//! let calls = [false, true, true, false, true].into_iter().zip(1..).map(|(failed, n)| call(n, failed));
//! let history = Segment::of_calls(Rule::default(), calls);
//! let at = |time: i64| Status::new(&Rule::default(), &history, Timestamp::from_micros(time).unwrap());
//! assert_eq!(at(DAY).standing(), Standing::Demoted);
//! assert_eq!(at(8 * DAY).standing(), Standing::Probation);
//! # Ok::<(), tooltally_core::Error>(())
//! ```

mod rule;
mod segment;
mod state;

use std::fmt;

pub use rule::Rule;
pub use segment::{Call, Segment};
pub use state::State;

use crate::recent::RecentOutcomes;
use crate::time::Timestamp;

/// Whether a tool is active, stale or demoted: the one word to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Used, and trusted.
    Active,
    /// Demoted before, rested, and given another chance: shown as active, at reduced weight.
    Probation,
    /// Removed from the settings, or unseen for long.
    Stale,
    /// It failed too often.
    Demoted,
}

impl Standing {
    /// The word that JSON and tables show: `active`, `stale` or `demoted`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active | Self::Probation => "active",
            Self::Stale => "stale",
            Self::Demoted => "demoted",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A tool's status at a moment: everything that speaks for or against showing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// What its calls have made of it, rests included.
    pub state: State,
    /// Whether it was removed from the settings.
    pub removed: bool,
    /// Whether there was no sign of it for long.
    pub unseen: bool,
}

impl Status {
    /// The status of a tool by its calls, all of them or a stretch that decides, at `now`.
    pub fn new(rule: &Rule, history: &Segment, now: Timestamp) -> Self {
        let state = history.state_in_any_case().unwrap_or_else(|| history.state());
        let rested = history.last().is_some_and(|last| rule.is_rest(last, now));
        Self { state: if rested { state.after_rest() } else { state }, removed: false, unseen: false }
    }

    /// The status by the latest outcomes that a store keeps; `None` where they do not decide, and more of the history
    /// is needed. `all` says that there are no earlier ones.
    pub fn from_recent(rule: &Rule, recent: &RecentOutcomes, all: bool, now: Timestamp) -> Option<Self> {
        let history = Segment::of_calls(*rule, recent.iter().map(Call::from));
        (all || history.state_in_any_case().is_some()).then(|| Self::new(rule, &history, now))
    }

    /// Says when there was the last sign of the tool, a call of any outcome or its discovery; of a tool that was
    /// neither called nor discovered nothing is known, and it is not unseen.
    pub fn last_seen(self, rule: &Rule, seen: Option<Timestamp>, now: Timestamp) -> Self {
        Self { unseen: seen.is_some_and(|seen| rule.is_unseen(seen, now)), ..self }
    }

    /// Says whether the settings have the tool no longer.
    pub fn removed(self, removed: bool) -> Self {
        Self { removed, ..self }
    }

    /// The one word: what was removed is stale, whatever it did before; else what is demoted is demoted, and what is
    /// unseen is stale.
    pub const fn standing(&self) -> Standing {
        match self.state {
            _ if self.removed => Standing::Stale,
            State::Demoted { .. } => Standing::Demoted,
            _ if self.unseen => Standing::Stale,
            State::Probation { .. } => Standing::Probation,
            State::Active { .. } => Standing::Active,
        }
    }
}
