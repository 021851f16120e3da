//! Who predicts: the model, and three plain ways to compare it with.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::name::ToolName;
use crate::policy::suggest::{Belief, Classes, Counts, Model, Prediction, Scopes, SoFar};
use crate::policy::{real, share};
use crate::project::ProjectId;
use crate::trail::Numbering;

/// How often each tool came next.
type Followers = BTreeMap<ToolName, u64>;

/// A session so far.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The tools of its calls, the latest last.
    pub(super) tools: Vec<ToolName>,
    so_far: SoFar,
}

/// Foresees calls, and learns from each.
pub(super) trait Predictor {
    /// What may come next in a session, the best first.
    fn expect(&self, project: Option<ProjectId>, session: &Session) -> Vec<Prediction>;

    /// Takes in the call that came, with what came before it in its session.
    fn learn(&mut self, project: Option<ProjectId>, session: &Session, came: &ToolName);
}

/// The model, with counts of all projects and of each.
#[derive(Debug, Default)]
pub(super) struct Learner {
    model: Model,
    numbers: Numbering<ToolName>,
    everywhere: Counts,
    projects: HashMap<ProjectId, Counts>,
    classes: RefCell<Classes>,
}

impl Learner {
    pub(super) fn new(model: Model) -> Self {
        Self { model, ..Self::default() }
    }

    /// Adds a call to its session.
    pub(super) fn push(&mut self, session: &mut Session, tool: ToolName) {
        session.so_far.push(self.numbers.number(&tool));
        session.tools.push(tool);
    }
}

impl Predictor for Learner {
    fn expect(&self, project: Option<ProjectId>, session: &Session) -> Vec<Prediction> {
        let here = project.and_then(|id| self.projects.get(&id));
        let scopes = Scopes { everywhere: &self.everywhere, here, with_own: true };
        let (tools, mut belief) = (self.numbers.things(), Belief::default());
        self.model.believe(&scopes, &session.so_far, tools.len(), &mut self.classes.borrow_mut(), &mut belief);
        belief.ranked(tools)
    }

    fn learn(&mut self, project: Option<ProjectId>, session: &Session, came: &ToolName) {
        let (before, came) = (session.so_far.context(), self.numbers.number(came));
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
    fn expect(&self, _: Option<ProjectId>, _: &Session) -> Vec<Prediction> {
        by_count(&self.0)
    }

    fn learn(&mut self, _: Option<ProjectId>, _: &Session, came: &ToolName) {
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
    fn expect(&self, _: Option<ProjectId>, session: &Session) -> Vec<Prediction> {
        let probability = share(self.repeated, self.of).unwrap_or(0.0);
        session.tools.last().map(|tool| Prediction { tool: tool.clone(), probability }).into_iter().collect()
    }

    fn learn(&mut self, _: Option<ProjectId>, session: &Session, came: &ToolName) {
        if let Some(last) = session.tools.last() {
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
    fn expect(&self, _: Option<ProjectId>, session: &Session) -> Vec<Prediction> {
        self.0.get(&Self::key(&session.tools)).map(by_count).unwrap_or_default()
    }

    fn learn(&mut self, _: Option<ProjectId>, session: &Session, came: &ToolName) {
        if !session.tools.is_empty() {
            *self.0.entry(Self::key(&session.tools)).or_default().entry(came.clone()).or_default() += 1;
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
