//! How often a session is told: seldom, and only what is likely.

use super::counts::SoFar;
use super::learnt::Learnt;
use super::model::{Belief, Classes, Model};
use crate::name::ToolName;
use crate::trail::Trail;

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
    /// Every suggestion that a trail's session got so far, in order.
    ///
    /// The trail has what was in the log when the session began, and nothing later: see the [module](super) for why.
    /// Then the answer for a session's first calls is a prefix of that for more of them, and the limits hold without
    /// anything kept.
    pub fn suggestions(&self, pace: &Pace, trail: &Trail) -> Vec<Suggestion> {
        let mut made: Vec<Suggestion> = Vec::new();
        let learnt = Learnt::from_trail(trail);
        let (mut session, mut classes, mut belief) = (SoFar::default(), Classes::default(), Belief::default());
        for (after, step) in (1..).zip(&trail.session) {
            session.push(step.tool);
            let is_due = match made.last() {
                _ if made.len() >= pace.most => break,
                Some(last) => after - last.after >= pace.apart,
                None => after >= pace.quiet,
            };
            if !is_due {
                continue;
            }
            self.believe(&learnt, &session, trail.tools.len(), &mut classes, &mut belief);
            let best = belief.best(&trail.tools).filter(|(_, confidence)| *confidence >= pace.threshold);
            if let Some((tool, confidence)) = best {
                let calls = trail.session.iter().take(after).skip(after.saturating_sub(belief.depth));
                let context = calls.filter_map(|step| name(trail, step.tool)).collect();
                let Some(tool) = name(trail, tool) else { continue };
                made.push(Suggestion { after, tool, confidence, context, seen: belief.calls });
            }
        }
        made
    }

    /// The suggestion to make now, after the last call of a trail's session; `None` where silence is better.
    pub fn suggest(&self, pace: &Pace, trail: &Trail) -> Option<Suggestion> {
        let last = self.suggestions(pace, trail).into_iter().next_back();
        last.filter(|last| last.after == trail.session.len())
    }
}

fn name(trail: &Trail, tool: u32) -> Option<ToolName> {
    usize::try_from(tool).ok().and_then(|tool| trail.tools.get(tool)).cloned()
}
