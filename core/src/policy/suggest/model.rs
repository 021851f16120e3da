//! The model: from counts to a probability for each tool that may come next.

use std::collections::{BTreeMap, BTreeSet};

use super::counts::{ContextCounts, Followers, LONGEST_CONTEXT, Repeats, contexts, subtract};
use super::session::SessionSoFar;
use crate::Result;
use crate::name::ToolName;
use crate::policy::real;

/// The constants of the model. See the [module](super) for what they do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// The longest context, in calls: at most [`LONGEST_CONTEXT`].
    pub longest_context: usize,
    /// How many calls what is known from less similar calls counts for.
    pub strength: f64,
}

impl Default for Model {
    /// Contexts of up to three calls; a strength of eight calls.
    fn default() -> Self {
        Self { longest_context: LONGEST_CONTEXT, strength: 8.0 }
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

impl Model {
    /// What may come next in a session.
    ///
    /// `everywhere` counts all projects, `project` the session's own. Both must leave this session's calls out, which
    /// the session itself brings: see [`Without`](super::Without).
    ///
    /// # Errors
    /// The failures of the counts.
    pub fn predict(
        &self,
        everywhere: &dyn ContextCounts,
        project: Option<&dyn ContextCounts>,
        session: &SessionSoFar,
    ) -> Result<Forecast> {
        let contexts: Vec<&[ToolName]> =
            contexts(session.tools()).take(self.longest_context.min(LONGEST_CONTEXT) + 1).collect();
        let here = project.map_or_else(|| Ok(Vec::new()), |project| by_length(project, &contexts))?;
        let mut elsewhere = by_length(everywhere, &contexts)?;
        elsewhere.iter_mut().zip(&here).for_each(|(all, own)| subtract(all, own));
        let scopes = [elsewhere, here, by_length(session.counts(), &contexts)?];
        let (depth, calls) = support(&scopes, contexts.len());
        let (outside, inside) = (everywhere.repeats()?, session.counts().repeats()?);
        let repeats = Repeats { repeated: outside.repeated + inside.repeated, of: outside.of + inside.of };
        let classes = scopes.map(disjoint);

        let mut probabilities = uniform(&classes);
        for length in 0..contexts.len() {
            if let (1, Some(last)) = (length, session.tools().last()) {
                blend_repeat(&mut probabilities, last, repeats);
            }
            for class in classes.iter().filter_map(|class| class.get(length)) {
                self.blend(&mut probabilities, class);
            }
        }
        Ok(Forecast { ranked: ranked(probabilities), depth, calls })
    }

    /// Takes a class of calls into account that are more similar to this one than all before: the mean of a Dirichlet
    /// distribution whose prior is what was known, worth `strength` calls.
    fn blend(&self, probabilities: &mut BTreeMap<ToolName, f64>, class: &Followers) {
        let seen: u64 = class.values().sum();
        if seen == 0 {
            return;
        }
        for (tool, probability) in probabilities {
            let count = class.get(tool).copied().unwrap_or(0);
            *probability = (real(count) + self.strength * *probability) / (real(seen) + self.strength);
        }
    }
}

/// The followers of each context.
fn by_length(counts: &dyn ContextCounts, contexts: &[&[ToolName]]) -> Result<Vec<Followers>> {
    contexts.iter().map(|context| counts.following(context)).collect()
}

/// The longest context that was followed by anything, and how often.
fn support(scopes: &[Vec<Followers>; 3], lengths: usize) -> (usize, u64) {
    let calls =
        |length: usize| -> u64 { scopes.iter().filter_map(|scope| scope.get(length)).flat_map(BTreeMap::values).sum() };
    (0..lengths).rev().map(|length| (length, calls(length))).find(|(_, calls)| *calls > 0).unwrap_or_default()
}

/// Leaves in each class the calls that match a context of this length and no longer one: each past call counts once,
/// where it is most similar.
fn disjoint(mut by_length: Vec<Followers>) -> Vec<Followers> {
    for length in 1..by_length.len() {
        if let Ok([shorter, longer]) = by_length.get_disjoint_mut([length - 1, length]) {
            subtract(shorter, longer);
        }
    }
    by_length
}

/// Before anything is known: all tools alike, and one that is not known.
fn uniform(classes: &[Vec<Followers>; 3]) -> BTreeMap<ToolName, f64> {
    let tools: BTreeSet<&ToolName> = classes.iter().flatten().flat_map(BTreeMap::keys).collect();
    let each = 1.0 / (real(tools.len() as u64) + 1.0);
    tools.into_iter().map(|tool| (tool.clone(), each)).collect()
}

/// Gives the last tool the share that repeating has among all calls (Laplace's rule of succession), and scales the
/// others to what is left: known of a tool before the first call after it.
fn blend_repeat(probabilities: &mut BTreeMap<ToolName, f64>, last: &ToolName, repeats: Repeats) {
    let again = (real(repeats.repeated) + 1.0) / (real(repeats.of) + 2.0);
    let others = 1.0 - probabilities.get(last).copied().unwrap_or(0.0);
    if others <= 0.0 {
        return;
    }
    for (tool, probability) in probabilities {
        *probability = if tool == last { again } else { *probability * (1.0 - again) / others };
    }
}

fn ranked(probabilities: BTreeMap<ToolName, f64>) -> Vec<Prediction> {
    let mut ranked: Vec<Prediction> =
        probabilities.into_iter().map(|(tool, probability)| Prediction { tool, probability }).collect();
    // A stable sort of what a map gave in order of name.
    ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    ranked
}
