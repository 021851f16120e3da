//! `bytes_per_event` and `rebuild`.

use std::time::{Duration, Instant};

use super::stage::Stage;
use crate::Result;
use crate::measures::Measure;
use crate::report::Row;
use crate::statistics::{Samples, float};
use crate::subject::Kind;

/// A long rebuild is not repeated.
const BUDGET: Duration = Duration::from_secs(20);
const REBUILDS: usize = 3;

/// What a store takes on disk, when all have closed it.
pub(super) fn bytes_per_event(stage: &mut Stage<'_>) -> Result<Vec<Row>> {
    let kinds = stage.options.kinds();
    let mut phase = stage.progress.phase("bytes_per_event", kinds.len() as u64);
    for kind in kinds.iter().filter(|kind| **kind != Kind::Sqlite) {
        stage.subject(*kind)?.compact()?;
    }
    stage.close_all();
    let per_event = |kind: Kind| -> Result<f64> { Ok(float(kind.bytes(&stage.folder)?) / float(stage.options.events)) };
    let seed = per_event(Kind::Seed)?;
    let mut rows = Vec::new();
    for kind in kinds {
        let ours = per_event(kind)?;
        let row = Row::new(Measure::BytesPerEvent, kind, ours, "bytes").against(Kind::Seed.name(), seed, ours / seed);
        rows.push(row.held_to(Measure::BytesPerEvent.bar(kind, stage.options.events)));
        phase.set(rows.len() as u64);
    }
    Ok(rows)
}

/// Folding every projection anew.
pub(super) fn rebuild(stage: &mut Stage<'_>) -> Result<Vec<Row>> {
    let kinds = stage.options.kinds();
    let events = float(stage.options.events);
    let mut phase = stage.progress.phase("rebuild", kinds.len() as u64);
    let mut rows = Vec::new();
    for kind in kinds {
        let subject = stage.subject(kind)?;
        let mut samples = Samples::default();
        let begun = Instant::now();
        while samples.len() < REBUILDS && (samples.len() == 0 || begun.elapsed() < BUDGET) {
            let start = Instant::now();
            subject.rebuild()?;
            samples.push_micros(start.elapsed());
        }
        let row = Row::new(Measure::Rebuild, kind, events / samples.median() * 1e6, "events/s")
            .spread(samples.spread("µs"), None);
        rows.push(row.held_to(Measure::Rebuild.bar(kind, stage.options.events)));
        phase.set(rows.len() as u64);
    }
    Ok(rows)
}
