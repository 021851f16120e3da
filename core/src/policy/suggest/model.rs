//! The model: from counts to a probability for each tool that may come next.

use super::counts::{LONGEST_CONTEXT, Repeats, SoFar};
use super::learnt::Learnt;
use crate::name::ToolName;
use crate::policy::real;
use crate::trail::Trail;

/// How many scopes a call may have been made in: elsewhere, in this project, in this session.
const SCOPES: usize = 3;

/// The constants of the model. See the [module](super) for what they do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// The longest context, in calls: at most [`LONGEST_CONTEXT`].
    pub longest_context: usize,
    /// How many calls what is known from less similar calls counts for.
    pub strength: f64,
}

impl Default for Model {
    /// Contexts of up to three calls; a strength of five calls.
    fn default() -> Self {
        Self { longest_context: LONGEST_CONTEXT, strength: 5.0 }
    }
}

/// A tool that may come next.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The tool.
    pub tool: ToolName,
    /// How probable it is, from 0 to 1.
    pub probability: f64,
}

/// What may come next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// The tools that are known, the most probable first; of equal ones by name. Their probabilities add up to less
    /// than 1: the rest is that of a tool not seen yet.
    pub ranked: Vec<Prediction>,
    /// How many of the last calls were followed by something before: the length of the longest known context.
    pub depth: usize,
    /// How often that context was followed by something: how many past calls were most like this one.
    pub calls: u64,
}

/// A [`Forecast`] before it is ranked: the probability of each tool, 0 of one that is not known.
#[derive(Debug, Default)]
pub(in crate::policy) struct Belief {
    probabilities: Vec<f64>,
    pub(super) depth: usize,
    pub(super) calls: u64,
}

/// How often each tool came next, for each class of past calls: by length of the context, then by scope. Kept between
/// forecasts, so that none of them allocates.
#[derive(Debug, Default)]
pub(in crate::policy) struct Classes {
    counts: [[Vec<u64>; SCOPES]; LONGEST_CONTEXT + 1],
    /// How many lengths there are.
    lengths: usize,
}

impl Model {
    /// What may come next after the last call of a trail's session.
    ///
    /// ```
    /// use tooltally_core::Trail;
    /// use tooltally_core::policy::suggest::Model;
    ///
    /// assert_eq!(Model::default().predict(&Trail::default()).ranked, [], "nothing is known of nothing");
    /// ```
    pub fn predict(&self, trail: &Trail) -> Forecast {
        let learnt = Learnt::from_trail(trail);
        let mut session = SoFar::default();
        trail.session.iter().for_each(|step| session.push(step.tool));
        let mut belief = Belief::default();
        self.believe(&learnt, &session, trail.tools.len(), &mut Classes::default(), &mut belief);
        let ranked = belief.ranked(&trail.tools);
        Forecast { ranked, depth: belief.depth, calls: belief.calls }
    }

    /// What may come next in a session, of so many tools.
    pub(in crate::policy) fn believe(
        &self,
        learnt: &Learnt,
        session: &SoFar,
        tools: usize,
        classes: &mut Classes,
        belief: &mut Belief,
    ) {
        let longest = self.longest_context.min(LONGEST_CONTEXT);
        classes.fill(learnt, session, tools, longest + 1);
        (belief.depth, belief.calls) = classes.support();
        classes.make_disjoint();
        uniform(classes, tools, &mut belief.probabilities);
        let repeats = learnt.everywhere.repeats().and(session.counts().repeats());
        for (length, by_scope) in classes.counts.iter().enumerate().take(classes.lengths) {
            if let (1, Some(last)) = (length, session.context().latest()) {
                blend_repeat(&mut belief.probabilities, last, repeats);
            }
            for class in by_scope {
                self.blend(&mut belief.probabilities, class);
            }
        }
    }

    /// Takes a class of calls into account that are more similar to this one than all before: the mean of a Dirichlet
    /// distribution whose prior is what was known, worth `strength` calls.
    fn blend(&self, probabilities: &mut [f64], class: &[u64]) {
        let seen: u64 = class.iter().sum();
        if seen == 0 {
            return;
        }
        let all = real(seen) + self.strength;
        for (probability, count) in probabilities.iter_mut().zip(class) {
            *probability = (real(*count) + self.strength * *probability) / all;
        }
    }
}

impl Classes {
    fn fill(&mut self, learnt: &Learnt, session: &SoFar, tools: usize, most_lengths: usize) {
        self.lengths = 0;
        for (context, by_scope) in session.context().suffixes().take(most_lengths).zip(&mut self.counts) {
            self.lengths += 1;
            for counts in by_scope.iter_mut() {
                counts.clear();
                counts.resize(tools, 0);
            }
            let [elsewhere, here, own] = by_scope;
            add(own, session.counts().following(context));
            add(here, learnt.here.following(context));
            add(elsewhere, learnt.everywhere.following(context));
            subtract(elsewhere, here);
        }
    }

    /// The longest context that was followed by anything, and how often.
    fn support(&self) -> (usize, u64) {
        let calls = |by_scope: &[Vec<u64>; SCOPES]| by_scope.iter().flatten().sum::<u64>();
        let lengths = self.counts.iter().take(self.lengths).map(calls).enumerate();
        lengths.rev().find(|(_, calls)| *calls > 0).unwrap_or_default()
    }

    /// Leaves in each class the calls that match a context of this length and no longer one: each past call counts
    /// once, where it is most similar.
    fn make_disjoint(&mut self) {
        for length in 1..self.lengths {
            if let Ok([shorter, longer]) = self.counts.get_disjoint_mut([length - 1, length]) {
                shorter.iter_mut().zip(longer).for_each(|(shorter, longer)| subtract(shorter, longer));
            }
        }
    }

    /// Whether a tool is in any class.
    fn holds(&self, tool: usize) -> bool {
        let classes = self.counts.iter().take(self.lengths).flatten();
        classes.filter_map(|class| class.get(tool)).any(|count| *count > 0)
    }
}

fn add(counts: &mut [u64], followers: &[(u32, u64)]) {
    for (tool, count) in followers {
        if let Some(sum) = usize::try_from(*tool).ok().and_then(|tool| counts.get_mut(tool)) {
            *sum += count;
        }
    }
}

fn subtract(whole: &mut [u64], part: &[u64]) {
    whole.iter_mut().zip(part).for_each(|(whole, part)| *whole = whole.saturating_sub(*part));
}

/// Before anything is known: all tools alike, and one that is not known.
fn uniform(classes: &Classes, tools: usize, probabilities: &mut Vec<f64>) {
    probabilities.clear();
    probabilities.extend((0..tools).map(|tool| if classes.holds(tool) { 1.0 } else { 0.0 }));
    let known: f64 = probabilities.iter().sum();
    for probability in probabilities {
        *probability /= known + 1.0;
    }
}

/// Gives the last tool the share that repeating has among all calls (Laplace's rule of succession), and scales the
/// others to what is left: known of a tool before the first call after it.
fn blend_repeat(probabilities: &mut [f64], last: u32, repeats: Repeats) {
    let Some(last) = usize::try_from(last).ok().filter(|last| probabilities.get(*last).is_some_and(|p| *p > 0.0))
    else {
        return;
    };
    let again = (real(repeats.repeated) + 1.0) / (real(repeats.of) + 2.0);
    let others = 1.0 - probabilities.get(last).copied().unwrap_or(0.0);
    if others <= 0.0 {
        return;
    }
    for (tool, probability) in probabilities.iter_mut().enumerate() {
        *probability = if tool == last { again } else { *probability * (1.0 - again) / others };
    }
}

impl Belief {
    /// The most probable tool; of equal ones the first by name.
    pub(super) fn best(&self, tools: &[ToolName]) -> Option<(u32, f64)> {
        let known = (0..).zip(tools).zip(&self.probabilities).filter(|(_, probability)| **probability > 0.0);
        let best = known.max_by(|((_, a), p), ((_, b), q)| p.total_cmp(q).then_with(|| b.cmp(a)));
        best.map(|((number, _), probability)| (number, *probability))
    }

    /// The known tools, the most probable first; of equal ones by name.
    pub(in crate::policy) fn ranked(&self, tools: &[ToolName]) -> Vec<Prediction> {
        let known = tools.iter().zip(&self.probabilities).filter(|(_, probability)| **probability > 0.0);
        let mut ranked: Vec<Prediction> =
            known.map(|(tool, probability)| Prediction { tool: tool.clone(), probability: *probability }).collect();
        ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.tool.cmp(&b.tool)));
        ranked
    }
}
