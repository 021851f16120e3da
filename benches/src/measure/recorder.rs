//! `recorder`: events through a queue before one writer, instead of an append each.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use tooltally::{Event, Recorder, Store};

use super::append::{per_event, together};
use super::stage::Stage;
use crate::measures::Measure;
use crate::report::{Part, Row};
use crate::statistics::Samples;
use crate::subject::Kind;
use crate::{Failure, Result};

const THREADS: [usize; 2] = [1, 8];
/// Rounds of each number of threads, in turn; their own appends, without a recorder, are timed in between.
const ROUNDS: usize = 5;
/// Rounds before the clock counts: a store that was just opened is slow.
const WARM: usize = 2;

/// What some threads have shown.
#[derive(Default)]
struct Shown {
    /// Microseconds per event, from the first call to the end of `flush`.
    through: Samples,
    /// Microseconds per event, each durably appended by its thread.
    appended: Samples,
    /// Nanoseconds of a call of `record`, as its thread sees it.
    call: Samples,
    /// Microseconds of `flush`.
    flush: Samples,
}

/// A row for each store: the rate of eight threads; beside it that of one, what a call costs its caller, and how
/// long it takes until everything is durable.
pub(super) fn rows(stage: &mut Stage<'_>) -> Result<Vec<Row>> {
    let kinds = stage.options.kinds();
    stage.open_all(&kinds)?;
    let mut phase = stage.progress.phase("recorder", (kinds.len() * (WARM + ROUNDS)) as u64);
    let mut rows = Vec::new();
    for kind in kinds {
        let mut shown = THREADS.map(|_| Shown::default());
        for round in 0..WARM + ROUNDS {
            if round == WARM {
                shown = THREADS.map(|_| Shown::default());
            }
            for (shown, threads) in shown.iter_mut().zip(THREADS) {
                shown.round(stage, kind, threads)?;
            }
            phase.set((rows.len() * (WARM + ROUNDS) + round) as u64);
        }
        let mut parts: Vec<Part> =
            shown.iter().zip(THREADS).flat_map(|(shown, threads)| shown.parts(threads)).collect();
        parts.push(Part::alone("one event until durable", alone(stage, kind)?.median(), "µs"));
        rows.extend(shown.last().map(|most| Row { parts, ..most.row(kind) }));
    }
    Ok(rows)
}

impl Shown {
    /// No more events than the queue holds, so that no call waits for room; then a few without a recorder.
    fn round(&mut self, stage: &mut Stage<'_>, kind: Kind, threads: usize) -> Result<()> {
        let events = events(stage, stage.options.repetitions(20, 1, 400, 8_000))?;
        let (through, calls, flush) = through_recorder(&store(stage, kind)?, &events, threads)?;
        self.through.push(per_event(through, events.len()));
        self.call.push(per_event(calls, events.len()) * 1e3);
        self.flush.push_micros(flush);
        let calls = stage.fresh(stage.options.repetitions(1, 8, 4, 50) * threads);
        self.appended.push(per_event(together(stage.opened(kind)?, &calls, threads)?, calls.len()));
        Ok(())
    }

    fn row(&self, kind: Kind) -> Row {
        let (ours, theirs) = (1e6 / self.through.median(), 1e6 / self.appended.median());
        Row::new(Measure::Recorder, kind, ours, "events/s")
            .against("append", theirs, ours / theirs)
            .spread(self.through.spread("µs per event"), Some(self.appended.spread("µs per event")))
    }

    fn parts(&self, threads: usize) -> [Part; 3] {
        let who = if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
        [
            Part::against(&who, 1e6 / self.through.median(), 1e6 / self.appended.median()),
            Part::alone(format!("{who}: a call of record"), self.call.median(), "ns"),
            Part::alone(format!("{who}: flush"), self.flush.median(), "µs"),
        ]
    }
}

/// Events that no store has.
fn events(stage: &mut Stage<'_>, count: usize) -> Result<Vec<Event>> {
    let calls = stage.fresh(count);
    Ok(calls.iter().map(|call| stage.workload.event(call)).collect::<tooltally::Result<_>>()?)
}

fn store(stage: &Stage<'_>, kind: Kind) -> Result<Arc<dyn Store>> {
    stage.opened(kind)?.store().ok_or_else(|| Failure::from(format!("{} is no store of ours", kind.name())))
}

/// Records events from some threads: how long it took until all were durable; how long the threads were in calls
/// of `record`, added up; and how long the last `flush` took.
fn through_recorder(
    store: &Arc<dyn Store>,
    events: &[Event],
    threads: usize,
) -> Result<(Duration, Duration, Duration)> {
    let recorder = Recorder::start(Arc::clone(store))?;
    let mut work: Vec<Vec<Event>> = (0..threads).map(|_| Vec::new()).collect();
    for (number, event) in events.iter().enumerate() {
        if let Some(mine) = work.get_mut(number % threads) {
            mine.push(event.clone());
        }
    }
    let barrier = Barrier::new(threads + 1);
    let record = |mine: Vec<Event>| {
        barrier.wait();
        let start = Instant::now();
        for event in mine {
            recorder.record(event)?;
        }
        Ok(start.elapsed())
    };
    let record = &record;
    let (start, calls) = std::thread::scope(|scope| {
        let handles: Vec<_> = work.into_iter().map(|mine| scope.spawn(move || record(mine))).collect();
        barrier.wait();
        let start = Instant::now();
        let mut calls = Duration::ZERO;
        for handle in handles {
            let spent: tooltally::Result<Duration> =
                handle.join().map_err(|_| Failure::from("a thread that records has panicked"))?;
            calls += spent?;
        }
        Ok::<_, Failure>((start, calls))
    })?;
    let flushing = Instant::now();
    recorder.flush()?;
    let (whole, flush) = (start.elapsed(), flushing.elapsed());
    recorder.close()?;
    let counts = recorder.counts();
    if counts.recorded != events.len() as u64 {
        return Err(format!("{} events were recorded as {counts:?}", events.len()).into());
    }
    Ok((whole, calls, flush))
}

/// One event at a time through the queue, each awaited.
fn alone(stage: &mut Stage<'_>, kind: Kind) -> Result<Samples> {
    let events = events(stage, stage.options.repetitions(1, 4, 5, 100))?;
    let recorder = Recorder::start(store(stage, kind)?)?;
    let mut samples = Samples::default();
    for event in events {
        let start = Instant::now();
        recorder.record(event)?;
        recorder.flush()?;
        samples.push_micros(start.elapsed());
    }
    recorder.close()?;
    Ok(samples)
}
