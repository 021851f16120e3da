//! The questions that are asked, and what is right: a brute-force fold over the generated calls.

use std::collections::{BTreeMap, VecDeque};

use tooltally::policy::rank::{Ranked, Weights};
use tooltally::policy::status::Status;
use tooltally::policy::suggest::{LEARNT_FROM, Model, Pace};
use tooltally::{
    Event, GroupKey, Position, RecentOutcome, Recorded, Timestamp, ToolDuration, ToolName, ToolUse, Trail, Usage,
    UsageRow,
};

use crate::Result;
use crate::baselines::text_time;
use crate::policies::{self, Histories};
use crate::subject::Answer;
use crate::workload::{Workload, WorkloadEvent};

/// A question, in the workload's plain values. Instants are whole seconds, the seed's resolution, so that
/// all who answer mean the same events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Which tools were used, in a project or in all, since an instant or ever.
    Tools { project: Option<u64>, since_seconds: Option<u64> },
    /// How often a tool was used, in all projects, since an instant.
    Tool { tool: usize, since_seconds: u64 },
    /// Which tools a session used.
    Session { session: u64 },
    /// The latest events of a project.
    Recent { project: u64, limit: usize },
    /// How the latest calls of a tool in a project ended.
    Outcomes { tool: usize, project: u64, limit: usize },
    /// Which tools a project has, at a moment.
    ToolsOf { project: u64, now_seconds: u64 },
    /// In which order they matter.
    Rank { project: u64, now_seconds: u64 },
    /// Whether a tool is active, stale or demoted.
    Status { tool: usize, now_seconds: u64 },
    /// What usually comes next in a session.
    Suggest { session: u64 },
}

/// A question, and its answer as far as the calls have been folded.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    pub(crate) question: Question,
    usages: BTreeMap<usize, Usage>,
    /// The latest calls by time and number.
    latest: BTreeMap<(u64, u64), WorkloadEvent>,
    /// Of all calls, for the policies.
    histories: Histories,
    trail: Calls,
}

/// The calls of a session, and before its first the latest ones of all, and the latest ones of each project.
#[derive(Clone, Debug, Default)]
struct Calls {
    latest: VecDeque<WorkloadEvent>,
    by_project: BTreeMap<u64, VecDeque<WorkloadEvent>>,
    own: Vec<WorkloadEvent>,
}

impl Calls {
    fn apply(&mut self, call: &WorkloadEvent, session: u64) {
        if session == call.session {
            self.own.push(call.clone());
        } else if self.own.is_empty() {
            for latest in [&mut self.latest, self.by_project.entry(call.project).or_default()] {
                latest.push_back(call.clone());
                if latest.len() as u64 > LEARNT_FROM {
                    latest.pop_front();
                }
            }
        }
    }

    /// Those before the session's first, in order, each once.
    fn before(&self) -> impl Iterator<Item = &WorkloadEvent> {
        let of_project = self.own.first().and_then(|call| self.by_project.get(&call.project));
        let all = self.latest.iter().chain(of_project.into_iter().flatten());
        all.map(|call| (call.number, call)).collect::<BTreeMap<_, _>>().into_values()
    }
}

impl Expectation {
    pub(crate) fn new(question: Question) -> Self {
        Self {
            question,
            usages: BTreeMap::new(),
            latest: BTreeMap::new(),
            histories: Histories::default(),
            trail: Calls::default(),
        }
    }

    /// Folds one call in.
    pub(crate) fn apply(&mut self, call: &WorkloadEvent) -> Result<()> {
        let is_since = |seconds: u64| call.time_micros >= seconds * 1_000_000;
        match self.question {
            Question::Tools { project, since_seconds } => {
                if project.is_none_or(|p| p == call.project) && since_seconds.is_none_or(is_since) {
                    self.count(call)?;
                }
            }
            Question::Tool { tool, since_seconds } => {
                if tool == call.tool && is_since(since_seconds) {
                    self.count(call)?;
                }
            }
            Question::Session { session } => {
                if session == call.session {
                    self.count(call)?;
                }
            }
            Question::Recent { project, limit } => {
                if project == call.project {
                    self.keep(call, limit);
                }
            }
            Question::Outcomes { tool, project, limit } => {
                if tool == call.tool && project == call.project {
                    self.keep(call, limit);
                }
            }
            Question::ToolsOf { project, .. } | Question::Rank { project, .. } => {
                self.histories.apply(call)?;
                if project == call.project {
                    self.count(call)?;
                    self.keep(call, Weights::default().latest);
                }
            }
            Question::Status { tool, .. } => {
                if tool == call.tool {
                    self.histories.apply(call)?;
                }
            }
            Question::Suggest { session } => self.trail.apply(call, session),
        }
        Ok(())
    }

    fn count(&mut self, call: &WorkloadEvent) -> Result<()> {
        let duration = call.duration_micros.map(ToolDuration::from_micros).transpose()?;
        self.usages.entry(call.tool).or_default().record(call.outcome, time(call)?, duration);
        Ok(())
    }

    fn keep(&mut self, call: &WorkloadEvent, limit: usize) {
        self.latest.insert((call.time_micros, call.number), call.clone());
        if self.latest.len() > limit {
            self.latest.pop_first();
        }
    }

    /// Whether an answer is right.
    ///
    /// # Errors
    /// What was asked, answered and right, where it is not.
    pub(crate) fn check(&self, workload: &Workload, answer: &Answer) -> Result<()> {
        let is_right = match answer {
            Answer::Rows(rows) => *rows == self.rows()?,
            Answer::Total(total) => *total == self.usages.values().next().cloned().unwrap_or_default(),
            Answer::Recent(recent) => *recent == self.recent(workload)?,
            Answer::Outcomes(outcomes) => *outcomes == self.outcomes()?,
            Answer::Counts(counts) => self.are_counts_right(counts)?,
            Answer::Times(times) => *times == self.times()?,
            Answer::Tools(tools) => policies::lines(tools) == self.lines()?,
            Answer::Ranked(ranked) => *ranked == self.ranked()?,
            Answer::Status(status) => *status == self.status()?,
            Answer::Suggestion(trail, suggestion) => {
                let right = self.trail(workload)?;
                *suggestion == Model::default().suggest(&Pace::default(), &right) && *trail == right
            }
        };
        if is_right {
            return Ok(());
        }
        if let Question::ToolsOf { .. } | Question::Rank { .. } | Question::Status { .. } = self.question {
            let right = self.lines().map(|lines| format!("{lines:#?}"))?;
            return Err(
                format!("a wrong answer to {:?}:\n  answered {answer:#?}\n  right is {right}", self.question).into()
            );
        }
        let right = if self.latest.is_empty() { format!("{:?}", self.rows()?) } else { format!("{:?}", self.times()?) };
        Err(format!("a wrong answer to {:?}:\n  answered {answer:?}\n  right is {right}", self.question).into())
    }

    fn trail(&self, workload: &Workload) -> Result<Trail> {
        let calls = |calls: &mut dyn Iterator<Item = &WorkloadEvent>| -> Result<Vec<ToolUse>> {
            let events = calls.map(|call| workload.event(call)).collect::<tooltally::Result<Vec<_>>>()?;
            Ok(events.iter().filter_map(Event::as_tool_use).cloned().collect())
        };
        Ok(Trail::of(&calls(&mut self.trail.before())?, &calls(&mut self.trail.own.iter())?))
    }

    fn rows(&self) -> Result<Vec<UsageRow>> {
        let row = |(tool, usage): (&usize, &Usage)| -> Result<UsageRow> {
            let key = GroupKey::Tool(ToolName::new(Workload::tool_name(*tool))?);
            Ok(UsageRow { key, usage: usage.clone() })
        };
        let mut rows = self.usages.iter().map(row).collect::<Result<Vec<_>>>()?;
        UsageRow::sort(&mut rows);
        Ok(rows)
    }

    fn now(&self) -> Result<Timestamp> {
        match self.question {
            Question::ToolsOf { now_seconds, .. }
            | Question::Rank { now_seconds, .. }
            | Question::Status { now_seconds, .. } => {
                Ok(Timestamp::from_micros(i64::try_from(now_seconds)? * 1_000_000)?)
            }
            _ => Err("it has no moment".into()),
        }
    }

    fn lines(&self) -> Result<Vec<policies::Line>> {
        match self.question {
            Question::ToolsOf { project, .. } | Question::Rank { project, .. } => {
                policies::tools_of(project, &self.usages, &self.histories, self.now()?)
            }
            _ => Ok(Vec::new()),
        }
    }

    fn ranked(&self) -> Result<Vec<Ranked>> {
        let latest: Vec<&str> = self.latest.values().rev().map(|call| Workload::tool_name(call.tool)).collect();
        policies::ranked(&self.lines()?, &latest)
    }

    fn status(&self) -> Result<Status> {
        match self.question {
            Question::Status { tool, .. } => self.histories.status_of(tool, self.now()?),
            _ => Err("it is about no tool".into()),
        }
    }

    fn recent(&self, workload: &Workload) -> Result<Vec<Recorded>> {
        let recorded = |call: &WorkloadEvent| -> Result<Recorded> {
            Ok(Recorded { position: position(call), event: workload.event(call)? })
        };
        self.latest.values().rev().map(recorded).collect()
    }

    fn outcomes(&self) -> Result<Vec<RecentOutcome>> {
        let outcome = |call: &WorkloadEvent| -> Result<RecentOutcome> {
            Ok(RecentOutcome { time: time(call)?, position: position(call), outcome: call.outcome })
        };
        self.latest.values().rev().map(outcome).collect()
    }

    /// The seed leaves equal counts in any order.
    fn are_counts_right(&self, counts: &[(String, u64, String)]) -> Result<bool> {
        let mut right = Vec::with_capacity(self.usages.len());
        for (tool, usage) in &self.usages {
            let last = usage.last_used().map_or(0, |last| last.as_micros() / 1_000_000);
            let name = Workload::tool_name(*tool).to_owned();
            right.push((name, usage.uses(), text_time(u64::try_from(last)?)?));
        }
        let mut answered = counts.to_vec();
        let is_in_order = answered.is_sorted_by(|a, b| a.1 >= b.1);
        right.sort();
        answered.sort();
        Ok(is_in_order && right == answered)
    }

    /// The seed leaves equal seconds in any order, so the times alone are compared.
    fn times(&self) -> Result<Vec<String>> {
        self.latest.values().rev().map(|call| text_time(call.time_micros / 1_000_000)).collect()
    }
}

/// The registry events stand before the calls.
fn position(call: &WorkloadEvent) -> Position {
    Position::new(Workload::REGISTRY + call.number + 1)
}

fn time(call: &WorkloadEvent) -> Result<Timestamp> {
    Ok(Timestamp::from_micros(i64::try_from(call.time_micros)?)?)
}

/// Folds calls into expectations.
pub(crate) fn fold(expectations: &mut [Expectation], calls: &[WorkloadEvent]) -> Result<()> {
    for expectation in expectations {
        for call in calls {
            expectation.apply(call)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Expectation, Question};
    use crate::subject::Answer;
    use crate::workload::Workload;

    fn folded(question: Question) -> (Workload, Expectation) {
        let mut workload = Workload::new(2_000, 180).unwrap();
        let mut expectation = Expectation::new(question);
        for call in workload.by_ref() {
            expectation.apply(&call).unwrap();
        }
        (workload, expectation)
    }

    #[test]
    fn a_row_that_differs_is_refused() {
        let question = Question::Tools { project: Some(3), since_seconds: Some(1_770_000_000) };
        let (workload, expectation) = folded(question);
        let right = expectation.rows().unwrap();
        assert!(right.len() > 2);
        expectation.check(&workload, &Answer::Rows(right.clone())).unwrap();
        let mut short = right.clone();
        short.pop();
        assert!(expectation.check(&workload, &Answer::Rows(short)).is_err());
        let mut turned = right;
        turned.reverse();
        let failure = expectation.check(&workload, &Answer::Rows(turned)).unwrap_err();
        assert!(failure.to_string().contains("a wrong answer"), "{failure}");
    }

    #[test]
    fn the_latest_are_kept_in_order() {
        let (workload, expectation) = folded(Question::Recent { project: 3, limit: 5 });
        let right = expectation.recent(&workload).unwrap();
        assert_eq!(right.len(), 5);
        assert!(right.is_sorted_by(|a, b| a.event.time() >= b.event.time()));
        let mut all: Vec<_> = Workload::new(2_000, 180).unwrap().filter(|call| call.project == 3).collect();
        all.sort_by_key(|call| std::cmp::Reverse((call.time_micros, call.number)));
        let positions: Vec<u64> = right.iter().map(|recorded| recorded.position.get()).collect();
        assert_eq!(positions, all.iter().take(5).map(|call| Workload::REGISTRY + call.number + 1).collect::<Vec<_>>());
    }

    #[test]
    fn one_count_too_many_is_refused() {
        let (workload, expectation) = folded(Question::Session { session: 0 });
        let mut counts: Vec<_> = expectation
            .rows()
            .unwrap()
            .iter()
            .map(|row| {
                let last = row.usage.last_used().unwrap().as_micros().unsigned_abs() / 1_000_000;
                (row.key.name().to_owned(), row.usage.uses(), super::text_time(last).unwrap())
            })
            .collect();
        expectation.check(&workload, &Answer::Counts(counts.clone())).unwrap();
        counts[0].1 += 1;
        assert!(expectation.check(&workload, &Answer::Counts(counts)).is_err());
    }
}
