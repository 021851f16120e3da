//! Keeping the runs few: merges in bounded pieces.
//!
//! When a level has `FANOUT` runs, they begin to be merged into one new run, in pieces cut by
//! fingerprint: fingerprints spread evenly, so a share of their range is a like share of the entries. Each
//! fold of n events moves every merge on by about 8 n entries, of a very large batch by 2 n: at least twice what
//! arrives, so that a merge is done before its level has filled again. Until then its inputs answer; then, in one
//! transaction, its output does, and the inputs' chunks are deleted a few at a time.
//!
//! How fast merges go does not change what they cost in all, only how many runs wait for theirs: each is looked
//! into for every id that is not in the log yet.

use std::ops::ControlFlow;

use super::super::tables::{Direction, Transaction, Tree};
use super::{Directory, FANOUT, Merge, Run, sort_stretches};
use crate::Result;

/// The least entries a merge moves on by, so that its chunks are not cut small.
const LEAST_PIECE: u64 = 4096;
/// The most that a merge moves on by to be ahead of what arrives: this takes some milliseconds.
const HASTY_PIECE: u64 = 1 << 17;
/// The least chunks of dead runs that a fold deletes.
const LEAST_DELETED: usize = 64;

impl Directory {
    /// Does the merging and deleting that `folded` new entries call for.
    pub(super) fn step(&mut self, transaction: &mut dyn Transaction, folded: usize) -> Result<()> {
        self.start_merges()?;
        let piece = piece_of(folded as u64);
        for mut merge in std::mem::take(&mut self.merges) {
            let inputs: Vec<Run> =
                self.levels.get(merge.level).into_iter().flatten().take(merge.inputs).cloned().collect();
            if merge.advance(transaction, &inputs, piece)? {
                self.finish(merge);
            } else {
                self.merges.push(merge);
            }
        }
        self.delete_garbage(transaction, LEAST_DELETED + folded / 16)
    }

    fn start_merges(&mut self) -> Result<()> {
        for level in 0..self.levels.len() {
            let busy = self.merges.iter().any(|merge| merge.level == level);
            let Some(inputs) = self.levels.get(level).filter(|runs| runs.len() >= FANOUT && !busy) else { continue };
            let inputs: Vec<Run> = inputs.iter().take(FANOUT).cloned().collect();
            // Distances in a chunk have 32 bits: what would span more stays apart.
            let (Some(low), Some(high)) = (inputs.iter().map(|r| r.base).min(), inputs.iter().map(|r| r.last).max())
            else {
                continue;
            };
            if u32::try_from(high - low).is_ok() {
                let output = self.new_run(low, high)?;
                self.merges.push(Merge { level, inputs: inputs.len(), output, resume: 0 });
            }
        }
        Ok(())
    }

    /// The output answers from now on.
    fn finish(&mut self, merge: Merge) {
        if let Some(runs) = self.levels.get_mut(merge.level) {
            let inputs = runs.drain(..merge.inputs.min(runs.len()));
            self.garbage.extend(inputs);
        }
        self.insert(merge.output);
    }

    fn delete_garbage(&mut self, transaction: &mut dyn Transaction, at_most: usize) -> Result<()> {
        let mut left = at_most;
        while let Some(run) = self.garbage.first().filter(|_| left > 0) {
            let (first, last) = (run.key(0), run.key(u32::MAX));
            let (mut chunks, mut last_deleted) = (0, None);
            transaction.scan(Tree::IdRuns, &first, &last, Direction::Forward, &mut |key, _| {
                chunks += 1;
                if chunks < left {
                    return Ok(ControlFlow::Continue(()));
                }
                last_deleted = Some(key.to_vec());
                Ok(ControlFlow::Break(()))
            })?;
            left -= chunks;
            transaction.delete_range(Tree::IdRuns, &first, last_deleted.as_ref().unwrap_or(&last))?;
            if last_deleted.is_none() {
                self.garbage.remove(0);
            }
        }
        Ok(())
    }
}

/// How many entries each merge moves on by with a fold.
fn piece_of(folded: u64) -> u64 {
    folded.saturating_mul(8).min(HASTY_PIECE).max(folded.saturating_mul(2)).max(LEAST_PIECE)
}

impl Merge {
    /// Merges the next piece; whether it was the last.
    fn advance(&mut self, transaction: &mut dyn Transaction, inputs: &[Run], piece: u64) -> Result<bool> {
        let total = inputs.iter().map(|run| run.entries).sum::<u64>().max(1);
        let share = (u64::from(u32::MAX).saturating_mul(piece) / total).max(1);
        let to = u64::from(self.resume) + share;
        let last = u32::try_from(to).unwrap_or(u32::MAX);
        let mut entries = Vec::new();
        for run in inputs {
            entries.extend(run.entries_between(transaction, self.resume, last)?);
        }
        sort_stretches(&mut entries);
        self.output.write(transaction, &entries)?;
        self.resume = last.saturating_add(1);
        Ok(last == u32::MAX)
    }
}
