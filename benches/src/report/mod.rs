//! The comparison: as JSON, as a table, as a page with plots.

mod page;
mod plots;
mod svg;
mod table;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use page::write;
pub use table::table;

use crate::machine::Machine;
use crate::measures::{Bar, Measure};
use crate::statistics::Spread;
use crate::subject::Kind;

/// A whole comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// When it began, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The command that ran it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// On what it ran.
    pub machine: Machine,
    /// With what it ran.
    pub versions: BTreeMap<String, String>,
    /// How many events the stores hold.
    pub events: u64,
    /// Over how many days they are spread.
    pub days: u64,
    /// A row for each measure and backend.
    pub rows: Vec<Row>,
    /// What the plots show, where it was wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<Series>,
}

/// One measure of one backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What was measured.
    pub measure: Measure,
    /// `sqlite`, `redb` or `redb-exclusive`.
    pub backend: String,
    /// Ours.
    pub value: f64,
    /// The unit of both values.
    pub unit: String,
    /// What it is held against: `seed`, `raw-sqlite`, `raw-redb`, `sqlite3`, `itself`, `append`; `null`: nothing.
    pub baseline: Option<String>,
    /// Theirs.
    pub baseline_value: Option<f64>,
    /// How the two compare, read as the bar reads it.
    pub ratio: Option<f64>,
    /// What was promised; `null`: nothing.
    pub bar: Option<String>,
    /// Whether that holds.
    pub met: Option<bool>,
    /// How our runs were spread.
    #[serde(flatten)]
    pub spread: Option<Spread>,
    /// How the baseline's runs were spread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_spread: Option<Spread>,
    /// The peak memory of the process, where that is part of the bar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// What the row is the worst of, or what else was measured with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// One of several cases that a row sums up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which case.
    pub name: String,
    /// Ours.
    pub value: f64,
    /// Its unit, where that is not the row's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Theirs; `null`: it is held against nothing.
    pub baseline_value: Option<f64>,
    /// How they compare.
    pub ratio: Option<f64>,
}

/// A line of a plot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The plot that it belongs to.
    pub plot: String,
    /// Whose line it is.
    pub subject: String,
    /// (x, y).
    pub points: Vec<(f64, f64)>,
}

impl Part {
    /// A case in a unit of its own, held against nothing.
    pub(crate) fn alone(name: impl Into<String>, value: f64, unit: &str) -> Self {
        Self { name: name.into(), value, unit: Some(unit.to_owned()), baseline_value: None, ratio: None }
    }

    /// A case in the row's unit, held against the row's baseline.
    pub(crate) fn against(name: impl Into<String>, value: f64, baseline_value: f64) -> Self {
        let ratio = value / baseline_value;
        Self { name: name.into(), value, unit: None, baseline_value: Some(baseline_value), ratio: Some(ratio) }
    }
}

impl Row {
    pub(crate) fn new(measure: Measure, kind: Kind, value: f64, unit: &str) -> Self {
        Self {
            measure,
            backend: kind.name().to_owned(),
            value,
            unit: unit.to_owned(),
            baseline: None,
            baseline_value: None,
            ratio: None,
            bar: None,
            met: None,
            spread: None,
            baseline_spread: None,
            peak_memory_bytes: None,
            parts: Vec::new(),
        }
    }

    /// Holds it against a baseline; `ratio` as the bar reads it.
    pub(crate) fn against(mut self, baseline: &str, value: f64, ratio: f64) -> Self {
        self.baseline = Some(baseline.to_owned());
        self.baseline_value = Some(value);
        self.ratio = Some(ratio);
        self
    }

    /// Says how the runs were spread.
    pub(crate) fn spread(mut self, ours: Spread, baseline: Option<Spread>) -> Self {
        self.spread = Some(ours);
        self.baseline_spread = baseline;
        self
    }

    /// Makes a row of the worst of some cases: the one with the largest ratio.
    pub(crate) fn worst_of(measure: Measure, kind: Kind, unit: &str, baseline: &str, parts: Vec<Part>) -> Option<Self> {
        let compared = parts.iter().filter_map(|part| Some((part.value, part.baseline_value?, part.ratio?)));
        let (value, baseline_value, ratio) = compared.max_by(|a, b| a.2.total_cmp(&b.2))?;
        let mut row = Self::new(measure, kind, value, unit).against(baseline, baseline_value, ratio);
        row.parts = parts;
        Some(row)
    }

    /// Says what was promised and whether it holds.
    pub(crate) fn held_to(mut self, bar: Option<Bar>) -> Self {
        self.met = bar.and_then(|bar| bar.is_met(self.value, self.ratio));
        self.bar = bar.map(|bar| match bar {
            Bar::AtLeast(limit) => format!("≥ {limit}×"),
            Bar::AtMost(limit) => format!("≤ {limit}×"),
            Bar::ValueAtLeast(limit) if limit >= 1e6 => format!("≥ {} million {}", limit / 1e6, self.unit),
            Bar::ValueAtLeast(limit) => format!("≥ {limit} {}", self.unit),
            Bar::ValueAtMost(limit) => format!("≤ {limit} {}", self.unit),
        });
        self
    }

    /// Adds a promise that has to hold as well.
    pub(crate) fn and(mut self, promise: &str, holds: bool) -> Self {
        self.bar = self.bar.map(|bar| format!("{bar}, {promise}"));
        self.met = self.met.map(|met| met && holds);
        self
    }
}

/// The command line of this process, as somebody else would write it: places on this machine are left out.
pub fn command(program: &str) -> String {
    let mut words = vec![format!("cargo run --release -p tooltally-benches --bin {program} --")];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let is_place =
            |name: &str| argument.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='));
        if ["--folder", "--program", "--prober", "--runs-folder"].into_iter().any(is_place) {
            if !argument.contains('=') {
                arguments.next();
            }
        } else {
            words.push(argument);
        }
    }
    words.join(" ")
}
