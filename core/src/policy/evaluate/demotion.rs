//! Demotion on tools whose failure rates are known: who is demoted that should not be, and how soon who should.
//!
//! Each tool makes its calls an hour apart, so that no rest comes in between; at half of them its failure rate changes
//! where the profile says so. The predecessor's rule sees the same outcomes: a tool is demoted while three of its last
//! five finished calls failed, and one lucky call can end that.
//!
//! ```
//! use tooltally_core::policy::evaluate::demotion::{Options, simulate};
//!
//! let results = simulate(&Options { tools: 50, ..Options::default() });
//! let broken = results.iter().find(|result| result.profile.name == "broken").unwrap();
//! // The rule knows a broken tool for more of the time, and says so less often.
//! assert!(broken.rule.demoted_share > broken.predecessor.demoted_share);
//! assert!(broken.rule.demotions_per_1000 < broken.predecessor.demotions_per_1000);
//! ```

use super::random::Random;
use crate::policy::real;
use crate::policy::status::{Rule, State};

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many tools of each profile.
    pub tools: u32,
    /// How many calls of each tool.
    pub calls: u32,
    /// Where the random numbers begin.
    pub seed: u64,
    /// The rule beside the predecessor's.
    pub rule: Rule,
}

impl Default for Options {
    /// A thousand tools of 400 calls; seed 1; the default rule.
    fn default() -> Self {
        Self { tools: 1_000, calls: 400, seed: 1, rule: Rule::default() }
    }
}

/// A kind of tool, by how often it fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// Its failure rate in the first half of its calls.
    pub before: f64,
    /// Its failure rate in the second half.
    pub after: f64,
}

/// The kinds: below a failure rate of a quarter a demotion is false, above a half it is due.
pub const PROFILES: [Profile; 8] = [
    Profile { name: "flawless", before: 0.01, after: 0.01 },
    Profile { name: "sound", before: 0.05, after: 0.05 },
    Profile { name: "fair", before: 0.1, after: 0.1 },
    Profile { name: "moody", before: 0.2, after: 0.2 },
    Profile { name: "broken", before: 0.6, after: 0.6 },
    Profile { name: "dead", before: 0.9, after: 0.9 },
    Profile { name: "breaks", before: 0.05, after: 0.8 },
    Profile { name: "is mended", before: 0.8, after: 0.05 },
];

/// How a rule did on the tools of a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Performance {
    /// How often a tool became demoted, in a thousand calls.
    pub demotions_per_1000: f64,
    /// The share of calls before which the tool was demoted.
    pub demoted_share: f64,
    /// From the change on, or from the first call where there is none: after how many calls the tool was demoted
    /// first, in the mean; of one demoted already that is 0. `None` unless all were.
    pub calls_to_demote: Option<f64>,
    /// After how many calls it was trusted first, in the same way.
    pub calls_to_trust: Option<f64>,
}

/// A profile and how both rules did on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simulated {
    /// The profile.
    pub profile: Profile,
    /// The predecessor's rule.
    pub predecessor: Performance,
    /// The rule of the options.
    pub rule: Performance,
}

/// Lets both rules judge the tools of each profile. The same options give the same result on every machine.
pub fn simulate(options: &Options) -> Vec<Simulated> {
    let mut random = Random::new(options.seed);
    PROFILES
        .into_iter()
        .map(|profile| {
            let (mut predecessor, mut rule) = (Tally::default(), Tally::default());
            for _ in 0..options.tools {
                let outcomes = outcomes(&profile, options.calls, &mut random);
                let change = if is_constant(&profile) { 0 } else { outcomes.len() / 2 };
                predecessor.add(&by_window(&outcomes), change);
                rule.add(&by_rule(&options.rule, &outcomes), change);
            }
            Simulated { profile, predecessor: predecessor.performance(), rule: rule.performance() }
        })
        .collect()
}

#[expect(clippy::float_cmp, reason = "two constants of the list")]
const fn is_constant(profile: &Profile) -> bool {
    profile.before == profile.after
}

/// Whether each call failed.
fn outcomes(profile: &Profile, calls: u32, random: &mut Random) -> Vec<bool> {
    (0..calls).map(|call| random.happens(if call < calls / 2 { profile.before } else { profile.after })).collect()
}

/// Whether a tool is demoted before its first call and after each, by the predecessor's rule.
fn by_window(outcomes: &[bool]) -> Vec<bool> {
    (0..=outcomes.len())
        .map(|seen| outcomes.iter().take(seen).rev().take(5).filter(|failed| **failed).count() >= 3)
        .collect()
}

/// The same by a rule.
fn by_rule(rule: &Rule, outcomes: &[bool]) -> Vec<bool> {
    let mut state = State::NEW;
    let after = outcomes.iter().map(|failed| {
        state = state.after_call(rule, *failed);
        matches!(state, State::Demoted { .. })
    });
    std::iter::once(false).chain(after).collect()
}

/// Sums over the tools of a profile.
#[derive(Default)]
struct Tally {
    tools: u64,
    calls: u64,
    demotions: u64,
    demoted: u64,
    to_demote: Waits,
    to_trust: Waits,
}

#[derive(Default)]
struct Waits {
    calls: u64,
    ended: u64,
}

impl Waits {
    fn add(&mut self, wait: Option<usize>) {
        if let Some(wait) = wait {
            self.calls += wait as u64;
            self.ended += 1;
        }
    }

    fn mean(&self, tools: u64) -> Option<f64> {
        (self.ended == tools && tools > 0).then(|| real(self.calls) / real(tools))
    }
}

impl Tally {
    fn add(&mut self, demoted: &[bool], change: usize) {
        let since_change = demoted.get(change..).unwrap_or_default();
        self.tools += 1;
        self.calls += demoted.len().saturating_sub(1) as u64;
        self.demotions += demoted.windows(2).filter(|pair| matches!(pair, [false, true])).count() as u64;
        self.demoted += demoted.iter().rev().skip(1).filter(|demoted| **demoted).count() as u64;
        self.to_demote.add(since_change.iter().position(|demoted| *demoted));
        self.to_trust.add(since_change.iter().position(|demoted| !demoted));
    }

    fn performance(&self) -> Performance {
        let calls = real(self.calls.max(1));
        Performance {
            demotions_per_1000: 1_000.0 * real(self.demotions) / calls,
            demoted_share: real(self.demoted) / calls,
            calls_to_demote: self.to_demote.mean(self.tools),
            calls_to_trust: self.to_trust.mean(self.tools),
        }
    }
}
