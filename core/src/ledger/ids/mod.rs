//! The id index: which events are in the log already.
//!
//! Call ids are random, so one big index would be written all over. Instead the events of the log's tail
//! are the small hot tier (their rows hold the ids); each fold of the tail writes one sorted **run** of
//! (fingerprint, position), and runs of like size are merged into larger ones, a bounded piece at each
//! fold. A fingerprint proposes a position; the log row there decides.
//!
//! - `chunk`: the stored bytes of a run;
//! - `filter`: what a process keeps of the runs in memory;
//! - `probe`: looking a batch of ids up;
//! - `merge`: keeping the runs few;
//! - `verify`: its proof.

mod chunk;
mod filter;
mod merge;
mod probe;
mod verify;

use serde::{Deserialize, Serialize};

pub(super) use chunk::Entry;
pub(super) use filter::Filters;
pub(super) use probe::{Probed, probe};

use super::keys::RUNS;
use super::tables::Transaction;
use crate::{Error, EventId, Position, Result};

/// How many runs of a level are merged into one of the next, and how much larger those are.
const FANOUT: usize = 8;
/// The number of entries from which a run belongs to level 1; each further level is `FANOUT` times that.
const LEVEL_ONE_ENTRIES: u64 = 4096;

/// A sorted, unchanging set of (fingerprint, position).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    /// The generation of projections that it belongs to; with the number in front of its chunks' keys.
    generation: u32,
    /// Its number in its generation, never reused.
    number: u32,
    /// How many entries it holds.
    entries: u64,
    /// No position in it is lower; chunks hold distances from here.
    base: u64,
    /// No position in it is higher.
    last: u64,
}

/// A merge under way: the oldest runs of a level into one new run, from the lowest fingerprint up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Merge {
    level: usize,
    /// How many of the level's runs are merged, from the oldest.
    inputs: usize,
    output: Run,
    /// The first fingerprint that is not merged yet.
    resume: u32,
}

/// What runs there are: part of the state record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Directory {
    generation: u32,
    next_number: u32,
    /// The live runs by level, oldest first.
    levels: Vec<Vec<Run>>,
    /// At most one merge per level.
    merges: Vec<Merge>,
    /// Runs that nothing reads any more, whose chunks are being deleted.
    garbage: Vec<Run>,
}

impl Directory {
    /// No runs yet, in this generation.
    pub(super) fn new(generation: u32) -> Self {
        Self { generation, ..Self::default() }
    }

    /// What a log would have left that nobody could have written: one run that claims every position up to one.
    #[cfg(test)]
    pub(super) fn claiming(generation: u32, last: u64) -> Self {
        let mut directory = Self::new(generation);
        let run = directory.new_run(1, last).unwrap();
        directory.insert(Run { entries: last, ..run });
        directory
    }

    /// Whether its numbers can be worked with; false means damage. While it is made anew, it may lack entries.
    pub(super) fn is_sound(&self, folded_to: u64, is_whole: bool) -> bool {
        let runs = self.runs().chain(self.garbage.iter()).chain(self.merges.iter().map(|merge| &merge.output));
        let counts = self.runs().try_fold(0_u64, |sum, run| sum.checked_add(run.entries));
        counts.is_some_and(|entries| entries == folded_to || (entries < folded_to && !is_whole))
            && self.next_number <= RUNS
            && self.merges.iter().all(|merge| merge.level < self.levels.len())
            && runs.into_iter().all(|run| {
                run.generation == self.generation
                    && run.number < self.next_number
                    && run.base <= run.last
                    && run.last <= folded_to
                    && run.entries <= folded_to
            })
    }

    /// The live runs.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.levels.iter().flatten()
    }

    /// How many ids the live runs hold.
    pub(super) fn entries(&self) -> u64 {
        self.runs().map(|run| run.entries).sum()
    }

    /// Adds the entries of newly folded events, and does a bounded piece of the merging that is due.
    pub(super) fn add(&mut self, transaction: &mut dyn Transaction, entries: &[Entry]) -> Result<()> {
        self.add_run(transaction, entries)?;
        self.step(transaction, entries.len())
    }

    /// Adds sorted entries of folded events as one more run, and merges nothing.
    pub(super) fn add_run(&mut self, transaction: &mut dyn Transaction, entries: &[Entry]) -> Result<()> {
        let positions = || entries.iter().map(|(_, position)| *position);
        let (Some(base), Some(last)) = (positions().min(), positions().max()) else { return Ok(()) };
        let mut run = self.new_run(base, last)?;
        run.write(transaction, entries)?;
        self.insert(run);
        Ok(())
    }

    fn new_run(&mut self, base: u64, last: u64) -> Result<Run> {
        let number = self.next_number;
        if number >= RUNS - 1 {
            let source = std::sync::Arc::new(std::io::Error::other("the id index has used up its numbers: rebuild it"));
            return Err(Error::Full { operation: "index the ids", source });
        }
        self.next_number += 1;
        Ok(Run { generation: self.generation, number, entries: 0, base, last })
    }

    fn insert(&mut self, run: Run) {
        let level = level_of(run.entries);
        if self.levels.len() <= level {
            self.levels.resize(level + 1, Vec::new());
        }
        if let Some(runs) = self.levels.get_mut(level) {
            runs.push(run);
        }
    }
}

/// The entries of some events, as a run has them.
pub(super) fn sorted_entries(ids: &[(EventId, Position)]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = ids.iter().map(|(id, p)| (fingerprint(*id), p.get())).collect();
    entries.sort_unstable();
    entries
}

/// Sorts entries of which long stretches are sorted already: a stable sort makes use of that.
#[expect(clippy::stable_sort_primitive, reason = "an unstable sort does not go by what is sorted already")]
pub(super) fn sort_stretches(entries: &mut [Entry]) {
    entries.sort();
}

fn level_of(entries: u64) -> usize {
    let (mut level, mut least) = (0, LEVEL_ONE_ENTRIES);
    while entries >= least {
        level += 1;
        least = least.saturating_mul(FANOUT as u64);
    }
    level
}

/// 32 bits that spread evenly, whatever the id: callers may make ids of their own, so both halves are
/// mixed (the finalizer of `SplitMix64`; Steele, Lea and Flood, OOPSLA 2014).
#[expect(clippy::cast_possible_truncation, reason = "the halves of a number are what is wanted")]
pub(super) fn fingerprint(id: EventId) -> u32 {
    let bits = u128::from_be_bytes(*id.as_bytes());
    let (high, low) = ((bits >> 64) as u64, bits as u64);
    let mix = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    (mix(low.wrapping_add(mix(high.wrapping_add(0x9E37_79B9_7F4A_7C15)))) >> 32) as u32
}
