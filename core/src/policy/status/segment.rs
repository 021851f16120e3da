//! A stretch of a tool's history as a function: from the state before it to the state after it.

use super::rule::Rule;
use super::state::State;
use crate::event::Position;
use crate::outcome::Outcome;
use crate::recent::RecentOutcome;
use crate::time::Timestamp;

/// A call, as far as it bears on the status of its tool. In order of time; of equal times, of position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// When it ended.
    pub time: Timestamp,
    /// Where the log has it.
    pub position: Position,
    /// Whether it failed. `None` where it did not finish: a person interrupted or rejected it, or it never ran. That
    /// says nothing about the tool, but that it is not at rest.
    pub failed: Option<bool>,
}

impl From<&RecentOutcome> for Call {
    fn from(recent: &RecentOutcome) -> Self {
        let failed = match recent.outcome {
            Outcome::Success => Some(false),
            Outcome::Failure => Some(true),
            Outcome::Interrupted | Outcome::Rejected | Outcome::Invalid => None,
        };
        Self { time: recent.time, position: recent.position, failed }
    }
}

/// A stretch of a tool's calls, without any gap, as the function from the state before it to that after it.
///
/// Stretches that follow one another compose: a monoid, associative, and not commutative. A projection keeps one for
/// each stretch of time; see the [module](super).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    rule: Rule,
    /// The first call and the last; `None` where there are none.
    ends: Option<(Call, Call)>,
    /// Of each state before it, in order, the state after it.
    outcome: Vec<(State, State)>,
}

impl Segment {
    /// The stretch without calls, which changes nothing: the identity.
    pub fn empty(rule: Rule) -> Self {
        Self { rule, ends: None, outcome: State::all(&rule).into_iter().map(|state| (state, state)).collect() }
    }

    /// The stretch of these calls, in any order.
    pub fn of_calls(rule: Rule, calls: impl IntoIterator<Item = Call>) -> Self {
        let mut calls: Vec<Call> = calls.into_iter().collect();
        calls.sort_unstable();
        let mut segment = Self::empty(rule);
        for call in calls {
            segment.push(call);
        }
        segment
    }

    /// Adds a call that is later than all others.
    fn push(&mut self, call: Call) {
        let rested = self.ends.is_some_and(|(_, last)| self.rule.is_rest(last.time, call.time));
        let step = |state: State| {
            let before = if rested { state.after_rest() } else { state };
            call.failed.map_or(before, |failed| before.after_call(&self.rule, failed))
        };
        // Soon most of them are one: what was found for a neighbour is taken again.
        let mut known: Option<(State, State)> = None;
        for (_, state) in &mut self.outcome {
            let after = known.filter(|(from, _)| from == state).map_or_else(|| step(*state), |(_, to)| to);
            known = Some((std::mem::replace(state, after), after));
        }
        let first = self.ends.map_or(call, |(first, _)| first);
        self.ends = Some((first, call));
    }

    /// This stretch, and then that one. `None` unless that one begins after this one has ended, and follows the same
    /// rule.
    pub fn then(&self, later: &Self) -> Option<Self> {
        if self.rule != later.rule {
            return None;
        }
        let (Some((first, end)), Some((start, last))) = (self.ends, later.ends) else {
            return Some(if self.ends.is_none() { later.clone() } else { self.clone() });
        };
        if start <= end {
            return None;
        }
        let rested = self.rule.is_rest(end.time, start.time);
        let mut outcome = self.outcome.clone();
        for (_, state) in &mut outcome {
            let between = if rested { state.after_rest() } else { *state };
            *state = later.after(between)?;
        }
        Some(Self { rule: self.rule, ends: Some((first, last)), outcome })
    }

    /// The state after it, when it is the whole history.
    pub fn state(&self) -> State {
        self.after(State::NEW).unwrap_or(State::NEW)
    }

    /// The state after it where that was the one before it.
    fn after(&self, before: State) -> Option<State> {
        let at = self.outcome.binary_search_by_key(&before, |(before, _)| *before).ok()?;
        self.outcome.get(at).map(|(_, after)| *after)
    }

    /// The state after it where that is the same whatever came before; else `None`: more of the history is needed.
    ///
    /// A rest between it and what came before changes nothing: every state after a rest is one of those before it.
    pub fn state_in_any_case(&self) -> Option<State> {
        let mut states = self.outcome.iter().map(|(_, after)| after);
        let first = states.next()?;
        states.all(|state| state == first).then_some(*first)
    }

    /// When its last call ended.
    pub fn last(&self) -> Option<Timestamp> {
        self.ends.map(|(_, last)| last.time)
    }
}
