//! What to compare.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::measures::Measure;
use crate::subject::Kind;

/// What to compare, as both programs read it from their command lines.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// How many events the stores hold, such as 1000000, 200k or 10M
    #[arg(long, value_name = "N", default_value = "1M", value_parser = count)]
    pub events: u64,

    /// Over how many days they are spread
    #[arg(long, value_name = "DAYS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=20_000))]
    pub days: u64,

    /// Only this measure; may be repeated [default: all]
    #[arg(long = "measure", value_name = "NAME", hide_possible_values = true)]
    pub measures: Vec<Measure>,

    /// Only this backend; may be repeated [default: all]
    #[arg(long = "backend", value_name = "NAME")]
    pub backends: Vec<BackendName>,

    /// Repetitions of a query at most; the slow ones end after two seconds. Other measures scale with it
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub runs: u32,

    /// Where to put the stores; they stay there [default: a temporary folder, removed at the end]
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,

    /// The `tooltally` program for `hook` and `import` [default: built when needed]
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,

    /// The program to start for `memory`, one that begins with `probe` [default: this one]
    #[arg(long, value_name = "FILE", hide = true)]
    pub prober: Option<PathBuf>,

    /// Measure also what the plots show: cost along the history, throughput by batch size and by threads
    #[arg(long)]
    pub series: bool,
}

/// A backend by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackendName {
    /// SQLite
    Sqlite,
    /// redb, shared with other processes: the default
    Redb,
    /// redb, no other process let in
    RedbExclusive,
}

impl Options {
    /// The measures wanted, in the order of the table.
    pub fn wanted(&self) -> Vec<Measure> {
        let is_wanted = |measure: &Measure| self.measures.is_empty() || self.measures.contains(measure);
        Measure::all().iter().copied().filter(is_wanted).collect()
    }

    /// Whether a measure is wanted.
    pub(crate) fn wants(&self, measure: Measure) -> bool {
        self.measures.is_empty() || self.measures.contains(&measure)
    }

    /// The stores of ours that are wanted.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        let name = |kind: Kind| match kind {
            Kind::Redb => BackendName::Redb,
            Kind::RedbExclusive => BackendName::RedbExclusive,
            _ => BackendName::Sqlite,
        };
        let is_wanted = |kind: &Kind| self.backends.is_empty() || self.backends.contains(&name(*kind));
        Kind::OURS.into_iter().filter(is_wanted).collect()
    }

    /// Repetitions, scaled and held within bounds.
    pub(crate) fn repetitions(&self, times: u32, divided_by: u32, least: u32, most: u32) -> usize {
        (self.runs.saturating_mul(times) / divided_by).clamp(least, most) as usize
    }

    /// How many events a batch has: 10,000, fewer in a small store.
    pub(crate) fn batch(&self) -> usize {
        usize::try_from((self.events / 100).clamp(1, 10_000)).unwrap_or(10_000)
    }
}

/// Reads a count as people write it.
fn count(text: &str) -> Result<u64, String> {
    let plain: String = text.chars().filter(|c| !matches!(c, '_' | ',')).collect();
    let (digits, factor) = match plain.char_indices().last() {
        Some((at, 'k' | 'K')) => (plain.get(..at).unwrap_or_default(), 1_000),
        Some((at, 'm' | 'M')) => (plain.get(..at).unwrap_or_default(), 1_000_000),
        _ => (plain.as_str(), 1),
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    match number {
        Some(number) if (1_000..=1_000_000_000).contains(&number) => Ok(number),
        _ => Err("write a number from 1k to 1000M, such as 1000000, 1_000_000 or 1M".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn counts_are_read_as_people_write_them() {
        assert_eq!(count("1_000_000"), Ok(1_000_000));
        assert_eq!(count("10M"), Ok(10_000_000));
        assert_eq!(count("200k"), Ok(200_000));
        for bad in ["", "M", "0", "-1", "1.5M", "99999999999999999999", "1MM"] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }
}
