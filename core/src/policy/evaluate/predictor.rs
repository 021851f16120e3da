//! Who predicts: the model, and three plain ways to compare it with.

use std::collections::{BTreeSet, HashMap};

use crate::Result;
use crate::name::ToolName;
use crate::policy::suggest::{Followers, Model, Prediction, SessionSoFar, TransitionCounts, Without};
use crate::policy::{real, share};
use crate::project::ProjectId;

/// Foresees calls, and learns from each.
pub(super) trait Predictor {
    /// What may come next in a session, the best first.
    fn expect(&self, project: Option<ProjectId>, session: &SessionSoFar) -> Result<Vec<Prediction>>;

    /// Takes in the call that came, with what came before it in its session.
    fn learn(&mut self, project: Option<ProjectId>, before: &[ToolName], came: &ToolName);
}

/// The model, with counts of all projects and of each.
#[derive(Debug, Default)]
pub(super) struct Learner {
    model: Model,
    everywhere: TransitionCounts,
    projects: HashMap<ProjectId, TransitionCounts>,
}

impl Learner {
    pub(super) fn new(model: Model) -> Self {
        Self { model, ..Self::default() }
    }
}

impl Predictor for Learner {
    fn expect(&self, project: Option<ProjectId>, session: &SessionSoFar) -> Result<Vec<Prediction>> {
        let everywhere = Without::new(&self.everywhere, session.counts());
        let here = project.and_then(|id| self.projects.get(&id)).map(|own| Without::new(own, session.counts()));
        let forecast = match &here {
            Some(here) => self.model.predict(&everywhere, Some(here), session)?,
            None => self.model.predict(&everywhere, None, session)?,
        };
        Ok(forecast.ranked)
    }

    fn learn(&mut self, project: Option<ProjectId>, before: &[ToolName], came: &ToolName) {
        self.everywhere.record(before, came);
        if let Some(id) = project {
            self.projects.entry(id).or_default().record(before, came);
        }
    }
}

/// The most used tools so far, of all projects.
#[derive(Debug, Default)]
pub(super) struct MostUsed(Followers);

impl Predictor for MostUsed {
    fn expect(&self, _: Option<ProjectId>, _: &SessionSoFar) -> Result<Vec<Prediction>> {
        Ok(by_count(&self.0))
    }

    fn learn(&mut self, _: Option<ProjectId>, _: &[ToolName], came: &ToolName) {
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
    fn expect(&self, _: Option<ProjectId>, session: &SessionSoFar) -> Result<Vec<Prediction>> {
        let probability = share(self.repeated, self.of).unwrap_or(0.0);
        Ok(session.tools().last().map(|tool| Prediction { tool: tool.clone(), probability }).into_iter().collect())
    }

    fn learn(&mut self, _: Option<ProjectId>, before: &[ToolName], came: &ToolName) {
        if let Some(last) = before.last() {
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
    fn expect(&self, _: Option<ProjectId>, session: &SessionSoFar) -> Result<Vec<Prediction>> {
        Ok(self.0.get(&Self::key(session.tools())).map(by_count).unwrap_or_default())
    }

    fn learn(&mut self, _: Option<ProjectId>, before: &[ToolName], came: &ToolName) {
        if !before.is_empty() {
            *self.0.entry(Self::key(before)).or_default().entry(came.clone()).or_default() += 1;
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
