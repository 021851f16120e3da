//! Appending to stores that are full: one event, many threads, batches of any size.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::stage::Stage;
use crate::measures::Measure;
use crate::report::{Row, Series};
use crate::statistics::{Samples, float};
use crate::subject::{Append, Kind, Subject};
use crate::workload::WorkloadEvent;
use crate::{Failure, Result};

const THREADS: usize = 32;
/// Rounds of threads; the raw engine's one thread works in between. The first few also read what a process that
/// appends much keeps in memory, digests of the id index; the median is of those that find it there.
const ROUNDS: usize = 11;
/// Appends before the clock counts.
const WARM: usize = 20;

/// Ours with the raw engines beneath them.
fn with_raw(stage: &Stage<'_>) -> Vec<Kind> {
    let ours = stage.options.kinds();
    let mut kinds: Vec<Kind> = ours.iter().map(|kind| kind.raw()).chain(ours.iter().copied()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// `single_append`: one durable event, each event to all in turn.
pub(super) fn single(stage: &mut Stage<'_>) -> Result<Vec<Row>> {
    let kinds = with_raw(stage);
    stage.open_all(&kinds)?;
    let rounds = stage.options.repetitions(5, 1, 20, 5_000);
    let mut phase = stage.progress.phase("single_append", rounds as u64);
    let mut times: BTreeMap<Kind, Samples> = BTreeMap::new();
    for (round, call) in stage.fresh(WARM + rounds).chunks(1).enumerate() {
        for kind in &kinds {
            let append = stage.opened(*kind)?.append(call)?;
            let start = Instant::now();
            append()?;
            let time = start.elapsed();
            if round >= WARM {
                times.entry(*kind).or_default().push_micros(time);
            }
        }
        phase.set(round.saturating_sub(WARM) as u64);
    }
    let mut rows = Vec::new();
    for kind in stage.options.kinds() {
        let (Some(ours), Some(raw)) = (times.get(&kind), times.get(&kind.raw())) else { continue };
        let row = Row::new(Measure::SingleAppend, kind, ours.median(), "µs")
            .against(kind.raw().name(), raw.median(), ours.median() / raw.median())
            .spread(ours.spread("µs"), Some(raw.spread("µs")));
        rows.push(row.held_to(Measure::SingleAppend.bar(kind, stage.options.events)));
    }
    Ok(rows)
}

/// `threads_append`: 32 threads, one durable event each at a time.
pub(super) fn threads(stage: &mut Stage<'_>) -> Result<Vec<Row>> {
    let kinds = stage.options.kinds();
    stage.open_all(&with_raw(stage))?;
    let each = stage.options.repetitions(1, 8, 4, 50);
    let mut phase = stage.progress.phase("threads_append", (kinds.len() * ROUNDS) as u64);
    let mut rows = Vec::new();
    for kind in kinds {
        let (mut ours, mut raw) = (Samples::default(), Samples::default());
        for round in 0..ROUNDS {
            let calls = stage.fresh(each * THREADS);
            ours.push(per_event(together(stage.opened(kind)?, &calls, THREADS)?, calls.len()));
            let calls = stage.fresh(each * 4);
            raw.push(per_event(together(stage.opened(kind.raw())?, &calls, 1)?, calls.len()));
            phase.set((rows.len() * ROUNDS + round) as u64);
        }
        let (ours_rate, raw_rate) = (1e6 / ours.median(), 1e6 / raw.median());
        let row = Row::new(Measure::ThreadsAppend, kind, ours_rate, "events/s")
            .against(kind.raw().name(), raw_rate, ours_rate / raw_rate)
            .spread(ours.spread("µs per event"), Some(raw.spread("µs per event")));
        rows.push(row.held_to(Measure::ThreadsAppend.bar(kind, stage.options.events)));
    }
    Ok(rows)
}

pub(super) fn per_event(time: Duration, events: usize) -> f64 {
    time.as_secs_f64() * 1e6 / float(events as u64)
}

/// Records the calls, one durable event at a time in each of some threads; how long all of it took.
pub(super) fn together(subject: &dyn Subject, calls: &[WorkloadEvent], threads: usize) -> Result<Duration> {
    let mut work: Vec<Vec<Append<'_>>> = (0..threads).map(|_| Vec::new()).collect();
    for (number, call) in calls.chunks(1).enumerate() {
        if let Some(mine) = work.get_mut(number % threads) {
            mine.push(subject.append(call)?);
        }
    }
    let barrier = Barrier::new(threads + 1);
    let run = |mine: Vec<Append<'_>>| {
        barrier.wait();
        mine.into_iter().try_for_each(|append| append())
    };
    let run = &run;
    std::thread::scope(|scope| {
        let handles: Vec<_> = work.into_iter().map(|mine| scope.spawn(move || run(mine))).collect();
        barrier.wait();
        let start = Instant::now();
        for handle in handles {
            handle.join().map_err(|_| Failure::from("a thread that records has panicked"))??;
        }
        Ok(start.elapsed())
    })
}

/// For the plots: events per second by the size of a batch.
pub(super) fn by_batch_size(stage: &mut Stage<'_>) -> Result<Vec<Series>> {
    const SIZES: [usize; 5] = [1, 10, 100, 1_000, 10_000];
    let kinds = stage.kinds();
    stage.open_all(&kinds)?;
    let sizes = SIZES.into_iter().filter(|size| *size <= stage.options.batch()).collect::<Vec<_>>();
    let mut phase = stage.progress.phase("throughput by batch size", sizes.len() as u64);
    let mut lines: BTreeMap<Kind, Vec<(f64, f64)>> = BTreeMap::new();
    for (done, size) in sizes.into_iter().enumerate() {
        phase.set(done as u64);
        let batches = (20_000 / size).clamp(5, 400);
        let mut times: BTreeMap<Kind, Samples> = BTreeMap::new();
        for calls in stage.fresh(size * batches).chunks(size) {
            for kind in &kinds {
                let append = stage.opened(*kind)?.append(calls)?;
                let start = Instant::now();
                append()?;
                times.entry(*kind).or_default().push_micros(start.elapsed());
            }
        }
        for (kind, samples) in times {
            let rate = float((samples.len() * size) as u64) / samples.sum() * 1e6;
            lines.entry(kind).or_default().push((float(size as u64), rate));
        }
    }
    Ok(series("throughput-by-batch", lines))
}

/// For the plots: events per second by the number of threads, one durable event each at a time.
pub(super) fn by_threads(stage: &mut Stage<'_>) -> Result<Vec<Series>> {
    const COUNTS: [usize; 6] = [1, 2, 4, 8, 16, 32];
    let kinds = stage.kinds();
    stage.open_all(&kinds)?;
    let each = stage.options.repetitions(1, 8, 4, 50);
    let mut phase = stage.progress.phase("throughput by threads", COUNTS.len() as u64);
    let mut lines: BTreeMap<Kind, Vec<(f64, f64)>> = BTreeMap::new();
    for (done, threads) in COUNTS.into_iter().enumerate() {
        phase.set(done as u64);
        for kind in &kinds {
            let mut samples = Samples::default();
            for _ in 0..3 {
                let calls = stage.fresh((each * threads).max(64));
                samples.push(per_event(together(stage.opened(*kind)?, &calls, threads)?, calls.len()));
            }
            lines.entry(*kind).or_default().push((float(threads as u64), 1e6 / samples.median()));
        }
    }
    Ok(series("throughput-by-threads", lines))
}

fn series(plot: &str, lines: BTreeMap<Kind, Vec<(f64, f64)>>) -> Vec<Series> {
    let line = |(kind, points): (Kind, _)| Series { plot: plot.to_owned(), subject: kind.name().to_owned(), points };
    lines.into_iter().map(line).collect()
}
