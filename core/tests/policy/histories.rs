//! Histories made from a seed, whose structure is known.

use std::collections::HashMap;

use tooltally_core::policy::evaluate::{Call, Random};
use tooltally_core::{ProjectId, SessionId, Timestamp, ToolName};

const TOOLS: usize = 8;
const SESSIONS: usize = 120;
const CALLS: usize = 30;
const PROJECTS: usize = 4;

/// What the next tool depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// The last tool.
    LastTool,
    /// The last two tools.
    LastTwoTools,
    /// The project, and the last tool in it.
    Project,
    /// The last tool, by a rule that changes twice.
    Drifting,
    /// The session, each of which has its own rule for the last tool.
    Session,
}

pub(crate) const HABITS: [Habit; 5] =
    [Habit::LastTool, Habit::LastTwoTools, Habit::Project, Habit::Drifting, Habit::Session];

/// A history of one habit, in order of position; two sessions at a time, their calls in turn.
pub(crate) fn history(habit: Habit, seed: u64) -> Vec<Call> {
    let mut random = Random::new(seed);
    let mut rules: HashMap<Vec<usize>, Vec<f64>> = HashMap::new();
    let mut calls = Vec::new();
    for pair in 0..SESSIONS / 2 {
        let mut past = [const { Vec::new() }; 2];
        for _ in 0..CALLS {
            for (side, past) in past.iter_mut().enumerate() {
                let session = 2 * pair + side;
                let last = |count: usize| past[past.len().saturating_sub(count)..].to_vec();
                let key = match habit {
                    Habit::LastTool => last(1),
                    Habit::LastTwoTools => last(2),
                    Habit::Project => [vec![session % PROJECTS + TOOLS], last(1)].concat(),
                    Habit::Drifting => [vec![3 * session / SESSIONS + TOOLS], last(1)].concat(),
                    Habit::Session => [vec![session + TOOLS], last(1)].concat(),
                };
                let rule = rules.entry(key).or_insert_with(|| skewed(&mut random));
                let next = draw(rule, random.unit());
                past.push(next);
                calls.push(call(session, next, calls.len()));
            }
        }
    }
    calls
}

/// Weights of which a few are large.
fn skewed(random: &mut Random) -> Vec<f64> {
    (0..TOOLS).map(|_| random.unit().powi(4) + 0.005).collect()
}

fn draw(weights: &[f64], at: f64) -> usize {
    let mut left = at * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    weights.len() - 1
}

fn call(session: usize, tool: usize, number: usize) -> Call {
    Call {
        session: Some(SessionId::new(format!("s{session}")).unwrap()),
        project: Some(ProjectId::of_path(&format!("/p{}", session % PROJECTS))),
        tool: ToolName::new(format!("tool{tool}")).unwrap(),
        time: Timestamp::from_micros(i64::try_from(number).unwrap() * 1_000_000).unwrap(),
    }
}
