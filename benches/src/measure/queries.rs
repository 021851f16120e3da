//! Asking: every answer is checked before its time counts.

use std::time::{Duration, Instant};

use super::fill::Filled;
use super::stage::Stage;
use crate::Result;
use crate::measures::Measure;
use crate::question::{Expectation, Question};
use crate::report::{Part, Row};
use crate::statistics::Samples;
use crate::subject::{Kind, Subject};
use crate::workload::Workload;

/// A slow query is not asked for longer than this, but for once each of its questions.
const BUDGET: Duration = Duration::from_secs(2);
/// The time under which a query that must not grow has to stay, in microseconds.
const STEADY_MICROS: f64 = 1000.0;

/// Questions of one kind, with their right answers.
pub(super) struct Poll {
    pub(super) name: String,
    pub(super) measure: Option<Measure>,
    pub(super) expectations: Vec<Expectation>,
}

impl Poll {
    pub(super) fn new(name: &str, questions: Vec<Question>) -> Self {
        let expectations = questions.into_iter().map(Expectation::new).collect();
        Self { name: name.to_owned(), measure: None, expectations }
    }

    /// The questions of a measure; `None` if it is no query.
    pub(super) fn of(measure: Measure, events: u64, now_seconds: u64) -> Option<Self> {
        let questions = measure.questions(events, now_seconds);
        let poll = Self { measure: Some(measure), ..Self::new(&measure.name(), questions) };
        (!poll.expectations.is_empty()).then_some(poll)
    }
}

/// Asks in turn and times each answer; `None` if the subject answers no questions.
pub(super) fn time(subject: &dyn Subject, poll: &Poll, workload: &Workload, runs: usize) -> Result<Option<Samples>> {
    let mut asks = Vec::new();
    for expectation in &poll.expectations {
        let Some(ask) = subject.ask(&expectation.question)? else { return Ok(None) };
        asks.push((expectation, ask));
    }
    // The first answer fills caches and makes statements ready; it is checked, too.
    if let Some((expectation, ask)) = asks.first() {
        expectation.check(workload, &ask()?)?;
    }
    let mut samples = Samples::default();
    let begun = Instant::now();
    for (expectation, ask) in asks.iter().cycle() {
        let is_enough = samples.len() >= runs || begun.elapsed() >= BUDGET;
        if is_enough && samples.len() >= asks.len() {
            break;
        }
        let start = Instant::now();
        let answer = ask()?;
        let time = start.elapsed();
        expectation.check(workload, &answer)?;
        samples.push_micros(time);
    }
    Ok(Some(samples))
}

/// One query: ours and the seed's, where that has one.
pub(super) fn rows(stage: &mut Stage<'_>, filled: &Filled, measure: Measure) -> Result<Vec<Row>> {
    let Some(poll) = filled.polls.iter().find(|poll| poll.measure == Some(measure)) else { return Ok(Vec::new()) };
    let kinds = stage.options.kinds();
    let mut phase = stage.progress.phase(measure.name(), 1 + kinds.len() as u64);
    let runs = stage.options.runs as usize;
    let seed = if measure.is_policy() {
        None
    } else {
        let Some(seed) = time(stage.opened(Kind::Seed)?, poll, &stage.workload, runs)? else { return Ok(Vec::new()) };
        Some(seed)
    };
    let mut rows = Vec::new();
    for kind in kinds {
        phase.set(1 + rows.len() as u64);
        let Some(ours) = time(stage.opened(kind)?, poll, &stage.workload, runs)? else { continue };
        let row = Row::new(measure, kind, ours.median(), "µs");
        let row = match &seed {
            Some(seed) => row
                .against(Kind::Seed.name(), seed.median(), seed.median() / ours.median())
                .spread(ours.spread("µs"), Some(seed.spread("µs"))),
            None => row.spread(ours.spread("µs"), None),
        };
        rows.push(row.held_to(measure.bar(kind, stage.options.events)));
    }
    Ok(rows)
}

/// `growth`: the steady queries now, against a tenth of the history.
pub(super) fn growth(stage: &mut Stage<'_>, filled: &Filled) -> Result<Vec<Row>> {
    let kinds = stage.options.kinds();
    let mut phase = stage.progress.phase("growth", kinds.len() as u64);
    let mut rows = Vec::new();
    for kind in kinds {
        let mut parts = Vec::new();
        for measure in Measure::STEADY {
            let poll = filled.polls.iter().find(|poll| poll.measure == Some(measure));
            let (Some(poll), Some(tenth)) = (poll, filled.tenth.get(&(kind, measure))) else { continue };
            let runs = stage.options.runs as usize;
            let Some(samples) = time(stage.opened(kind)?, poll, &stage.workload, runs)? else { continue };
            let value = samples.median();
            parts.push(Part::against(measure.name(), value, *tenth));
        }
        let is_quick = parts.iter().all(|part| part.value < STEADY_MICROS);
        let row = Row::worst_of(Measure::Growth, kind, "µs", "itself", parts);
        rows.extend(
            row.map(|row| row.held_to(Measure::Growth.bar(kind, stage.options.events)).and("each < 1 ms", is_quick)),
        );
        phase.set(rows.len() as u64);
    }
    Ok(rows)
}
