//! The automaton: what a tool's finished calls have made of it. A handful of states, one step for each call.

use std::collections::BTreeSet;

use super::rule::Rule;

/// Whether a tool is trusted, as of its last finished call.
///
/// States that no later call could tell apart are one: failures that are too old to count towards a demotion are
/// forgotten. With the default rule there are 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Trusted.
    Active {
        /// Which of the last calls failed, as far as it matters still: bit 0 the last one, bit 1 the one before, …
        failures: u8,
    },
    /// Demoted.
    Demoted {
        /// How many calls succeeded since the last failure.
        successes: u8,
    },
    /// Demoted once, rested, and given another chance.
    Probation {
        /// How many calls succeeded since the last failure.
        successes: u8,
    },
}

impl State {
    /// A tool without calls is trusted.
    pub const NEW: Self = Self::Active { failures: 0 };

    /// The state after one more finished call.
    pub fn after_call(self, rule: &Rule, failed: bool) -> Self {
        match self {
            Self::Active { failures } => {
                let failures = (failures << 1) | u8::from(failed);
                if failures.count_ones() >= u32::from(rule.failures()) {
                    return Self::Demoted { successes: 0 };
                }
                Self::Active { failures: relevant(failures, rule) }
            }
            Self::Demoted { .. } | Self::Probation { .. } if failed => Self::Demoted { successes: 0 },
            Self::Demoted { successes } | Self::Probation { successes } if successes + 1 >= rule.successes() => {
                // Only calls after the restoration speak against the tool from now on.
                Self::NEW
            }
            Self::Demoted { successes } => Self::Demoted { successes: successes + 1 },
            Self::Probation { successes } => Self::Probation { successes: successes + 1 },
        }
    }

    /// The state after a rest: a demoted tool has another chance.
    pub const fn after_rest(self) -> Self {
        match self {
            Self::Demoted { successes } => Self::Probation { successes },
            other => other,
        }
    }

    /// Every state that a rule can lead to.
    pub(super) fn all(rule: &Rule) -> BTreeSet<Self> {
        let mut found = BTreeSet::new();
        let mut open = vec![Self::NEW];
        while let Some(state) = open.pop() {
            if found.insert(state) {
                open.extend([state.after_call(rule, false), state.after_call(rule, true), state.after_rest()]);
            }
        }
        found
    }
}

/// The failures that can still be part of a demotion. One that lies `age` calls back leaves the window after
/// `window - 1 - age` more; if even as many failures would not be enough, it is forgotten.
fn relevant(failures: u8, rule: &Rule) -> u8 {
    let mut kept = failures;
    for age in (0..u8::BITS).rev().filter(|age| failures >> age & 1 == 1) {
        let with_later = failures & (u8::MAX >> (u8::BITS - 1 - age));
        let room = u32::from(rule.window()).saturating_sub(1 + age);
        if with_later.count_ones() + room >= u32::from(rule.failures()) && room > 0 {
            break;
        }
        kept &= !(1 << age);
    }
    kept
}
