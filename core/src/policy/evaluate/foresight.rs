//! The model on a history, as suggestion runs it: each session learns from what was there when it began.

use rustc_hash::FxHashMap;

use super::order::Call;
use super::score::Score;
use crate::name::{SessionId, ToolName};
use crate::policy::suggest::{Belief, Classes, LEARNT_FROM, Learnt, Model, SoFar};
use crate::project::ProjectId;
use crate::trail::{Numbering, Steps, Trail};

/// A call in numbers; sessions and projects from 1 on, 0 is none.
#[derive(Clone, Copy, Debug)]
struct Numbered {
    tool: u32,
    session: u32,
    project: u32,
}

/// Calls in the order of their recording: the place of each is its position in the log.
#[derive(Debug, Default)]
pub(super) struct History {
    calls: Vec<Numbered>,
    tools: Vec<ToolName>,
    /// The places of each session's calls.
    sessions: Vec<Vec<usize>>,
    /// The places of the calls of sessions, by project.
    projects: FxHashMap<u32, Vec<usize>>,
}

impl History {
    pub(super) fn of(calls: &[Call]) -> Self {
        let (mut tools, mut sessions, mut projects) =
            (Numbering::<ToolName>::default(), Numbering::<SessionId>::default(), Numbering::<ProjectId>::default());
        let mut history = Self::default();
        for (place, call) in calls.iter().enumerate() {
            let numbered = Numbered {
                tool: tools.number(&call.tool),
                session: call.session.as_ref().map_or(0, |session| sessions.number(session) + 1),
                project: call.project.as_ref().map_or(0, |project| projects.number(project) + 1),
            };
            history.calls.push(numbered);
            if numbered.session == 0 {
                continue;
            }
            let number = usize::try_from(numbered.session - 1).unwrap_or(usize::MAX);
            match history.sessions.get_mut(number) {
                Some(places) => places.push(place),
                None => history.sessions.push(vec![place]),
            }
            if numbered.project != 0 {
                history.projects.entry(numbered.project).or_default().push(place);
            }
        }
        history.tools = tools.things().to_vec();
        history
    }

    /// How many sessions there are.
    pub(super) fn sessions(&self) -> u64 {
        self.sessions.len() as u64
    }

    /// Foresees each call of each session but its first, from those before it and what the session could learn from.
    pub(super) fn foresee(&self, model: &Model, threshold: f64) -> Score {
        let (mut score, mut classes, mut belief) = (Score::default(), Classes::default(), Belief::default());
        for places in &self.sessions {
            let trail = self.trail(places);
            let learnt = Learnt::from_trail(&trail);
            let mut so_far = SoFar::default();
            for (number, step) in trail.session.iter().enumerate() {
                if number > 0 {
                    model.believe(&learnt, &so_far, trail.tools.len(), &mut classes, &mut belief);
                    if let Some(came) = usize::try_from(step.tool).ok().and_then(|tool| trail.tools.get(tool)) {
                        score.record(&belief.ranked(&trail.tools), came, threshold);
                    }
                }
                so_far.push(step.tool);
            }
        }
        score
    }

    /// What [`Queries::trail`](crate::Queries::trail) answers for a session, once it is over.
    fn trail(&self, own: &[usize]) -> Trail {
        let first = own.first().copied().unwrap_or(0);
        let mut steps = Steps::<u32, u32, u32>::default();
        let mut numbered = |place: &usize| {
            let call = self.calls.get(*place).filter(|call| call.session != 0)?;
            Some(steps.step(&call.tool, &call.session, Some(&call.project).filter(|project| **project != 0)))
        };
        let before = self.before(first).iter().filter_map(&mut numbered).collect();
        let session = own.iter().filter_map(&mut numbered).collect();
        let tool = |number: &u32| usize::try_from(*number).ok().and_then(|number| self.tools.get(number)).cloned();
        Trail { tools: steps.tools().iter().filter_map(tool).collect(), before, session }
    }

    /// The places of what is learnt from before a session's first call: the last calls of all, and its project's own.
    fn before(&self, first: usize) -> Vec<usize> {
        let look_back = usize::try_from(LEARNT_FROM).unwrap_or(usize::MAX);
        let from = first.saturating_sub(look_back);
        let project = self.calls.get(first).and_then(|call| self.projects.get(&call.project));
        let of_project = project.map(Vec::as_slice).unwrap_or_default();
        let count_before = |place: usize| of_project.partition_point(|other| *other < place);
        let (older, before) = (count_before(from), count_before(first));
        let oldest = before.saturating_sub(look_back).min(older);
        of_project.get(oldest..older).unwrap_or_default().iter().copied().chain(from..first).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::evaluate::Random;
    use crate::{EventId, Outcome, Position, Project, Recorded, Timestamp, ToolUse, fold};

    /// A project that others keep busy for longer than is looked back, and sessions that cross each other.
    fn calls() -> Vec<ToolUse> {
        let mut random = Random::new(1);
        let mut call = |number: u64, lane: u64| {
            let (id, time) =
                (EventId::derived(&[number.to_le_bytes()]), Timestamp::from_micros(number.cast_signed()).unwrap());
            let tool = ToolName::new(format!("tool {}", random.next() % 7)).unwrap();
            let mut call = ToolUse::new(id, tool, Outcome::Success, time);
            call.session = (lane != 3).then(|| SessionId::new(format!("{lane}, {}", number / 300)).unwrap());
            call.project = (lane != 2).then(|| Project::from_path(format!("/project {lane}")).unwrap());
            call
        };
        let lane = |number: u64| if (900..4_000).contains(&number) { 1 + number % 4 } else { number % 5 };
        (0..6_000).map(|number| call(number, lane(number))).collect()
    }

    #[test]
    fn what_a_session_learns_from_is_what_a_store_answers() {
        let calls = calls();
        let history = History::of(&calls.iter().map(Call::from).collect::<Vec<_>>());
        let recorded =
            |(number, call): (u64, &ToolUse)| Recorded { position: Position::new(number), event: call.clone().into() };
        let log: Vec<Recorded> = (1..).zip(&calls).map(recorded).collect();
        for places in history.sessions.iter().step_by(5) {
            let session = calls[places[0]].session.as_ref().unwrap();
            assert_eq!(Some(history.trail(places)), fold::trail(&log, session, LEARNT_FROM), "{session}");
        }
    }
}
