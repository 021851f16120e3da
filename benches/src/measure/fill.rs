//! Filling the stores: `batch_append`, and what is asked along the way.

use std::collections::BTreeMap;
use std::time::Instant;

use super::queries::{self, Poll};
use super::stage::Stage;
use crate::Result;
use crate::measures::Measure;
use crate::question::{self, Question};
use crate::report::{Row, Series};
use crate::statistics::{Samples, float};
use crate::subject::Kind;
use crate::workload::WorkloadEvent;

/// Where along the history the plots have a point.
const POINTS: [(u64, u64); 7] = [(1, 100), (1, 50), (1, 20), (1, 10), (1, 5), (1, 2), (1, 1)];
/// Repetitions of a query for a point of a plot.
const POINT_RUNS: usize = 24;

/// What filling the stores has shown.
pub(super) struct Filled {
    kinds: Vec<Kind>,
    batch: usize,
    /// The time of each batch, in microseconds.
    batches: BTreeMap<Kind, Samples>,
    /// The queries of the whole history.
    pub(super) polls: Vec<Poll>,
    /// For `growth`: the median of each steady query at a tenth of the history, in microseconds.
    pub(super) tenth: BTreeMap<(Kind, Measure), f64>,
    series: Vec<Series>,
}

/// Questions to be asked when so many events are in.
struct Stop {
    at: u64,
    growth: Vec<Poll>,
    points: Vec<Poll>,
}

/// Fills the stores with the workload, each batch into all of them in turn, so that a busy moment of the
/// machine is everyone's.
pub(super) fn run(stage: &mut Stage<'_>) -> Result<Filled> {
    let options = stage.options;
    let kinds = stage.kinds();
    stage.open_all(&kinds)?;
    for kind in &kinds {
        stage.opened(*kind)?.begin()?;
    }
    let now = stage.now_seconds(options.events);
    let (wants_growth, wants_memory) = (options.wants(Measure::Growth), options.wants(Measure::Memory));
    let is_asked = |m: &Measure| options.wants(*m) || wants_memory || (wants_growth && Measure::STEADY.contains(m));
    let asked = Measure::QUERIES.into_iter().filter(is_asked);
    let polls = asked.filter_map(|m| Poll::of(m, options.events, now)).collect();
    let batch = options.batch();
    let mut filled = Filled {
        kinds: kinds.clone(),
        batch,
        batches: BTreeMap::new(),
        polls,
        tenth: BTreeMap::new(),
        series: Vec::new(),
    };
    let mut stops = stops(stage);
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let mut phase = stage.progress.phase(format!("fill {}", names.join(", ")), options.events);
    let mut done = 0;
    while done < options.events {
        let until = stops.first().map_or(options.events, |stop| stop.at);
        let size = usize::try_from(until - done).unwrap_or(batch).min(batch);
        let calls: Vec<WorkloadEvent> = stage.workload.by_ref().take(size).collect();
        expect(&mut filled, &mut stops, &calls)?;
        for kind in &kinds {
            let append = stage.opened(*kind)?.append(&calls)?;
            let start = Instant::now();
            append()?;
            let time = start.elapsed();
            // A short batch before a stop is no sample.
            if size == batch {
                filled.batches.entry(*kind).or_default().push_micros(time);
            }
        }
        done += size as u64;
        if done == until && !stops.is_empty() {
            ask_along_the_way(stage, &mut filled, &stops.remove(0))?;
        }
        phase.set(done);
    }
    Ok(filled)
}

/// Folds calls into everything that is to be asked.
fn expect(filled: &mut Filled, stops: &mut [Stop], calls: &[WorkloadEvent]) -> Result<()> {
    for poll in &mut filled.polls {
        question::fold(&mut poll.expectations, calls)?;
    }
    for poll in stops.iter_mut().flat_map(|stop| stop.growth.iter_mut().chain(&mut stop.points)) {
        question::fold(&mut poll.expectations, calls)?;
    }
    Ok(())
}

/// Where the filling stops to ask.
fn stops(stage: &Stage<'_>) -> Vec<Stop> {
    let events = stage.options.events;
    let (wants_growth, wants_points) = (stage.options.wants(Measure::Growth), stage.options.series);
    let mut stops = Vec::new();
    for (part, of) in POINTS {
        let at = events * part / of;
        let now = stage.now_seconds(at);
        let is_growth = wants_growth && (part, of) == (1, 10);
        let growth = Measure::STEADY.into_iter().filter(|_| is_growth).filter_map(|m| Poll::of(m, at, now)).collect();
        let mut points = Vec::new();
        if wants_points {
            points.extend([Measure::Window90d, Measure::Window7d].into_iter().filter_map(|m| Poll::of(m, at, now)));
            points.push(Poll::new("ever", vec![Question::Tools { project: Some(3), since_seconds: None }]));
        }
        if is_growth || wants_points {
            stops.push(Stop { at, growth, points });
        }
    }
    stops
}

fn ask_along_the_way(stage: &Stage<'_>, filled: &mut Filled, stop: &Stop) -> Result<()> {
    for kind in filled.kinds.clone() {
        let subject = stage.opened(kind)?;
        for poll in stop.growth.iter().filter(|_| Kind::OURS.contains(&kind)) {
            if let (Some(measure), Some(samples)) =
                (poll.measure, queries::time(subject, poll, &stage.workload, stage.options.runs as usize)?)
            {
                filled.tenth.insert((kind, measure), samples.median());
            }
        }
        for poll in &stop.points {
            if let Some(samples) = queries::time(subject, poll, &stage.workload, POINT_RUNS)? {
                let plot = format!("cost-{}", poll.name.replace('_', "-"));
                let (x, y) = (float(stop.at), samples.median());
                match filled.series.iter_mut().find(|s| s.plot == plot && s.subject == kind.name()) {
                    Some(series) => series.points.push((x, y)),
                    None => {
                        filled.series.push(Series { plot, subject: kind.name().to_owned(), points: vec![(x, y)] });
                    }
                }
            }
        }
    }
    Ok(())
}

impl Filled {
    /// `batch_append`: events per second, all batches together.
    pub(super) fn rows(&self, stage: &Stage<'_>) -> Vec<Row> {
        let unit = format!("µs per batch of {}", self.batch);
        let rate = |kind: Kind| {
            let samples = self.batches.get(&kind).filter(|samples| samples.len() > 0)?;
            Some((float((samples.len() * self.batch) as u64) / samples.sum() * 1e6, samples.spread(&unit)))
        };
        let Some((seed, seed_spread)) = rate(Kind::Seed) else { return Vec::new() };
        let row = |kind: Kind| {
            let (ours, spread) = rate(kind)?;
            let row = Row::new(Measure::BatchAppend, kind, ours, "events/s")
                .against(Kind::Seed.name(), seed, ours / seed)
                .spread(spread, Some(seed_spread.clone()));
            Some(row.held_to(Measure::BatchAppend.bar(kind, stage.options.events)))
        };
        stage.options.kinds().into_iter().filter_map(row).collect()
    }

    /// For the plots: the cost of queries along the history.
    pub(super) fn series(&self, stage: &Stage<'_>) -> Vec<Series> {
        if stage.options.series { self.series.clone() } else { Vec::new() }
    }
}
