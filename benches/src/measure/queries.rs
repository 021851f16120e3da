//! Asking: every answer is checked before its time counts.

use std::fs;
use std::path::Path;
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

    /// That of a measure.
    fn find(polls: &[Self], measure: Measure) -> Option<&Self> {
        polls.iter().find(|poll| poll.measure == Some(measure))
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
    let Some(poll) = Poll::find(&filled.polls, measure) else { return Ok(Vec::new()) };
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

/// How often `growth` goes from one history to the other: a machine's speed changes from minute to minute.
const TURNS: usize = 8;

/// `growth`: the steady queries of the whole history, against a store with its first tenth alone, in turns.
pub(super) fn growth(stage: &mut Stage<'_>, filled: &Filled) -> Result<Vec<Row>> {
    let kinds = stage.options.kinds();
    let mut phase = stage.progress.phase("growth", kinds.len() as u64);
    let folder = stage.folder.join("tenth");
    fs::create_dir_all(&folder)?;
    let mut rows = Vec::new();
    for kind in kinds {
        let young = fill_a_tenth(stage, kind, &folder)?;
        let mut parts = Vec::new();
        for measure in Measure::STEADY {
            let polls = (Poll::find(&filled.polls, measure), Poll::find(&filled.tenth, measure));
            let (Some(whole), Some(tenth)) = polls else { continue };
            let runs = (stage.options.runs as usize).div_ceil(TURNS);
            let (mut now, mut then) = (Samples::default(), Samples::default());
            for _ in 0..TURNS {
                then.extend(time(young.as_ref(), tenth, &stage.workload, runs)?);
                now.extend(time(stage.opened(kind)?, whole, &stage.workload, runs)?);
            }
            parts.push(Part::against(measure.name(), now.median(), then.median()));
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

/// A store of the first tenth of the history, as dense as the whole.
fn fill_a_tenth(stage: &Stage<'_>, kind: Kind, folder: &Path) -> Result<Box<dyn Subject>> {
    let mut workload = Workload::new(stage.options.events, stage.options.days)?;
    let store = kind.open(folder, &workload)?;
    store.begin()?;
    let mut left = stage.options.events / 10;
    while left > 0 {
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(stage.options.batch());
        let calls: Vec<_> = workload.by_ref().take(size).collect();
        store.append(&calls)?()?;
        left -= size as u64;
    }
    Ok(store)
}
