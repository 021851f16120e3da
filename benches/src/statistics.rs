//! Samples and what is said of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Measured values of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

/// How repeated runs were spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Of what the numbers are.
    #[serde(rename = "spread_unit")]
    pub unit: String,
    /// How many runs.
    pub runs: usize,
    /// The least.
    pub min: f64,
    /// The middle one.
    pub median: f64,
    /// 95 % are at most this (nearest rank).
    pub p95: f64,
    /// 99 % are at most this (nearest rank).
    pub p99: f64,
    /// The worst.
    pub max: f64,
}

impl Samples {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn push_micros(&mut self, time: Duration) {
        self.push(micros(time));
    }

    /// Adds those of another run, if there was one.
    pub(crate) fn extend(&mut self, more: Option<Self>) {
        self.0.extend(more.into_iter().flat_map(|samples| samples.0));
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn sum(&self) -> f64 {
        self.0.iter().sum()
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The value of nearest rank; 0 without values.
    pub(crate) fn quantile(&self, q: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        nearest_rank(&sorted, q)
    }

    pub(crate) fn spread(&self, unit: &str) -> Spread {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |q| nearest_rank(&sorted, q);
        Spread {
            unit: unit.to_owned(),
            runs: sorted.len(),
            min: at(0.0),
            median: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

fn nearest_rank(sorted: &[f64], q: f64) -> f64 {
    let wanted = q * float(sorted.len() as u64);
    let rank = (1..sorted.len()).find(|rank| float(*rank as u64) >= wanted).unwrap_or(sorted.len());
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Microseconds.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A count, to calculate with.
#[expect(clippy::cast_precision_loss, reason = "measurements need a few digits")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}
