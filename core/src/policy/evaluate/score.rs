//! How good predictions were.

use crate::name::ToolName;
use crate::policy::suggest::Prediction;
use crate::policy::{real, share};

/// How many ranges of probability the calibration has.
const DECILES: usize = 10;

/// How good a predictor was, over calls that it should have foreseen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    calls: u64,
    first: u64,
    among_three: u64,
    reciprocal_ranks: f64,
    covered: u64,
    covered_hits: u64,
    deciles: [Bin; DECILES],
}

/// Calls of one range of predicted probability.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    calls: u64,
    hits: u64,
    predicted: f64,
}

/// One range of predicted probability, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reliability {
    /// The range `[from, to)`; the last one includes 1.
    pub from: f64,
    /// Its end.
    pub to: f64,
    /// The mean probability of the first tool in that range; `None` without calls.
    pub predicted: Option<f64>,
    /// The share of calls where it came next; `None` without calls.
    pub observed: Option<f64>,
    /// How many calls there were.
    pub calls: u64,
}

impl Score {
    /// Counts one call: what was expected, the best first, and what came. `threshold` is the least probability at which
    /// the first would have been told.
    pub fn record(&mut self, expected: &[Prediction], came: &ToolName, threshold: f64) {
        self.calls += 1;
        let rank = expected.iter().position(|prediction| prediction.tool == *came);
        if let Some(rank) = rank {
            self.first += u64::from(rank == 0);
            self.among_three += u64::from(rank < 3);
            self.reciprocal_ranks += 1.0 / (real(rank as u64) + 1.0);
        }
        let Some(best) = expected.first() else { return };
        let is_hit = rank == Some(0);
        if best.probability >= threshold {
            self.covered += 1;
            self.covered_hits += u64::from(is_hit);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10, and NaN gives 0")]
        let decile = (best.probability * real(DECILES as u64)) as usize;
        if let Some(bin) = self.deciles.get_mut(decile.min(DECILES - 1)) {
            bin.calls += 1;
            bin.hits += u64::from(is_hit);
            bin.predicted += best.probability;
        }
    }

    /// How many calls were counted.
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// The share of calls whose tool stood first; `None` without calls, as of all shares here.
    pub fn hit_at_1(&self) -> Option<f64> {
        share(self.first, self.calls)
    }

    /// The share of calls whose tool stood among the first three.
    pub fn hit_at_3(&self) -> Option<f64> {
        share(self.among_three, self.calls)
    }

    /// The mean reciprocal rank of the tool that came; a tool that was not expected counts 0.
    pub fn mean_reciprocal_rank(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.reciprocal_ranks / real(self.calls))
    }

    /// The share of calls at which the threshold was met.
    pub fn coverage(&self) -> Option<f64> {
        share(self.covered, self.calls)
    }

    /// Of those, the share whose tool stood first; `None` where the threshold was never met.
    pub fn precision(&self) -> Option<f64> {
        share(self.covered_hits, self.covered)
    }

    /// What the first tool's probability was worth, by tenths.
    pub fn calibration(&self) -> Vec<Reliability> {
        let tenth = |number: usize| real(number as u64) / real(DECILES as u64);
        (0..)
            .zip(&self.deciles)
            .map(|(number, bin)| Reliability {
                from: tenth(number),
                to: tenth(number + 1),
                predicted: (bin.calls > 0).then(|| bin.predicted / real(bin.calls)),
                observed: share(bin.hits, bin.calls),
                calls: bin.calls,
            })
            .collect()
    }

    /// The mean distance of predicted and observed over all calls that had a prediction, weighted by their number
    /// (expected calibration error); `None` without any.
    pub fn calibration_error(&self) -> Option<f64> {
        let calls: u64 = self.deciles.iter().map(|bin| bin.calls).sum();
        let distance: f64 = self.deciles.iter().map(|bin| (bin.predicted - real(bin.hits)).abs()).sum();
        (calls > 0).then(|| distance / real(calls))
    }
}
