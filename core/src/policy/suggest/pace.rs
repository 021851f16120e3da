//! How often a session is told: seldom, and only what is likely.

use super::counts::ContextCounts;
use super::model::Model;
use super::session::SessionSoFar;
use crate::Result;
use crate::name::ToolName;

/// When a suggestion is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// The least probability of a tool that is suggested.
    pub threshold: f64,
    /// How many suggestions a session gets at most.
    pub most: usize,
    /// How many calls lie between two of them at least.
    pub apart: usize,
    /// How many calls a session makes before the first.
    pub quiet: usize,
}

impl Default for Pace {
    /// 0.6; two in a session, five calls apart, after three calls.
    fn default() -> Self {
        Self { threshold: 0.6, most: 2, apart: 5, quiet: 3 }
    }
}

/// A tool that probably comes next.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// After how many calls of the session it is made.
    pub after: usize,
    /// The tool.
    pub tool: ToolName,
    /// Its probability, from 0 to 1. Few past calls leave it near what is usual elsewhere, so it is the confidence too.
    pub confidence: f64,
    /// The calls that it follows from, the latest last: the longest context of this session that was seen before.
    pub context: Vec<ToolName>,
    /// How often that context was followed by anything before.
    pub seen: u64,
}

impl Model {
    /// Every suggestion that a session got so far, in order.
    ///
    /// `everywhere` and `project` count what was in the log when the session began, and nothing later: see the
    /// [module](super) for why. Then the answer for a session's first calls is a prefix of that for more of them,
    /// and the limits hold without anything kept.
    ///
    /// # Errors
    /// The failures of the counts.
    pub fn suggestions(
        &self,
        pace: &Pace,
        everywhere: &dyn ContextCounts,
        project: Option<&dyn ContextCounts>,
        calls: &[ToolName],
    ) -> Result<Vec<Suggestion>> {
        let mut made: Vec<Suggestion> = Vec::new();
        let mut session = SessionSoFar::new();
        for (after, tool) in (1..).zip(calls) {
            session.push(tool.clone());
            let is_due = match made.last() {
                _ if made.len() >= pace.most => break,
                Some(last) => after - last.after >= pace.apart,
                None => after >= pace.quiet,
            };
            if !is_due {
                continue;
            }
            let forecast = self.predict(everywhere, project, &session)?;
            let best = forecast.ranked.into_iter().next();
            if let Some(best) = best.filter(|best| best.probability >= pace.threshold) {
                let tools = session.tools();
                let context = tools.get(tools.len().saturating_sub(forecast.depth)..).unwrap_or_default().to_vec();
                let (tool, confidence, seen) = (best.tool, best.probability, forecast.calls);
                made.push(Suggestion { after, tool, confidence, context, seen });
            }
        }
        Ok(made)
    }

    /// The suggestion to make now, after the last of these calls; `None` where silence is better.
    ///
    /// # Errors
    /// As [`suggestions`](Self::suggestions).
    pub fn suggest(
        &self,
        pace: &Pace,
        everywhere: &dyn ContextCounts,
        project: Option<&dyn ContextCounts>,
        calls: &[ToolName],
    ) -> Result<Option<Suggestion>> {
        let made = self.suggestions(pace, everywhere, project, calls)?;
        Ok(made.into_iter().next_back().filter(|last| last.after == calls.len()))
    }
}
