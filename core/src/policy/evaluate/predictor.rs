//! Three plain ways to predict, to compare the model with.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::name::ToolName;
use crate::policy::suggest::Prediction;
use crate::policy::{real, share};

/// How often each tool came next.
type Followers = BTreeMap<ToolName, u64>;

/// Foresees calls, and learns from each.
pub(super) trait Predictor {
    /// What may come next in a session of these calls, the latest last: the best first.
    fn expect(&self, session: &[ToolName]) -> Vec<Prediction>;

    /// Takes in the call that came, with what came before it in its session.
    fn learn(&mut self, session: &[ToolName], came: &ToolName);
}

/// The most used tools so far, of all projects.
#[derive(Debug, Default)]
pub(super) struct MostUsed(Followers);

impl Predictor for MostUsed {
    fn expect(&self, _: &[ToolName]) -> Vec<Prediction> {
        by_count(&self.0)
    }

    fn learn(&mut self, _: &[ToolName], came: &ToolName) {
        *self.0.entry(came.clone()).or_default() += 1;
    }
}

/// The last tool again, as sure as calls so far repeated the tool before them.
#[derive(Debug, Default)]
pub(super) struct RepeatLast {
    repeated: u64,
    of: u64,
}

impl Predictor for RepeatLast {
    fn expect(&self, session: &[ToolName]) -> Vec<Prediction> {
        let probability = share(self.repeated, self.of).unwrap_or(0.0);
        session.last().map(|tool| Prediction { tool: tool.clone(), probability }).into_iter().collect()
    }

    fn learn(&mut self, session: &[ToolName], came: &ToolName) {
        if let Some(last) = session.last() {
            self.of += 1;
            self.repeated += u64::from(last == came);
        }
    }
}

/// What followed exactly this set of tools in the last five calls: the predecessor's way.
#[derive(Debug, Default)]
pub(super) struct LastFive(HashMap<BTreeSet<ToolName>, Followers>);

impl LastFive {
    fn key(before: &[ToolName]) -> BTreeSet<ToolName> {
        before.iter().rev().take(5).cloned().collect()
    }
}

impl Predictor for LastFive {
    fn expect(&self, session: &[ToolName]) -> Vec<Prediction> {
        self.0.get(&Self::key(session)).map(by_count).unwrap_or_default()
    }

    fn learn(&mut self, session: &[ToolName], came: &ToolName) {
        if !session.is_empty() {
            *self.0.entry(Self::key(session)).or_default().entry(came.clone()).or_default() += 1;
        }
    }
}

/// Most first; of equal counts by name.
fn by_count(counts: &Followers) -> Vec<Prediction> {
    let total = real(counts.values().sum());
    let mut sorted: Vec<(&ToolName, u64)> = counts.iter().map(|(tool, count)| (tool, *count)).collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sorted
        .into_iter()
        .map(|(tool, count)| Prediction { tool: tool.clone(), probability: real(count) / total })
        .collect()
}
