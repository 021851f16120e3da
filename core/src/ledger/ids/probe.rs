//! Looking ids up in the runs: a batch is sorted once, then each run is gone through once.

use std::collections::HashMap;

use super::super::tables::Snapshot;
use super::chunk::Chunk;
use super::filter::Filters;
use super::{Directory, Run, fingerprint};
use crate::{Error, EventId, Position, Result};

/// Finds which of the ids stand in the log up to where the runs reach, and where.
pub(crate) fn probe(
    snapshot: &dyn Snapshot,
    directory: &Directory,
    filters: &mut Filters,
    ids: impl Iterator<Item = EventId>,
) -> Result<HashMap<EventId, Position>> {
    let mut wanted: Vec<(u32, EventId)> = ids.map(|id| (fingerprint(id), id)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    filters.keep(directory);
    let mut found = HashMap::new();
    for run in directory.runs() {
        let read = match filters.of(run) {
            Some(filter) => {
                let likely = wanted.iter().filter(|(fingerprint, _)| filter.may_hold(*fingerprint));
                probe_run(snapshot, run, likely, &mut found)?
            }
            None => probe_run(snapshot, run, wanted.iter(), &mut found)?,
        };
        if read > 0 {
            filters.note(snapshot, run, read)?;
        }
    }
    Ok(found)
}

/// Looks ids up in one run, ascending by fingerprint; how many chunks were read.
fn probe_run<'a>(
    snapshot: &dyn Snapshot,
    run: &Run,
    wanted: impl Iterator<Item = &'a (u32, EventId)>,
    found: &mut HashMap<EventId, Position>,
) -> Result<u64> {
    let mut held: Option<Chunk> = None;
    let mut read = 0;
    for (fingerprint, id) in wanted {
        // What lies above the held chunk may lie in the next: step there.
        if held.as_ref().is_none_or(|chunk| chunk.last() < *fingerprint) {
            held = run.chunk(snapshot, *fingerprint)?;
            read += 1;
        }
        for position in held.iter().flat_map(|chunk| chunk.proposals(*fingerprint)) {
            let position = Position::new(position);
            if id_at(snapshot, position)? == *id {
                found.insert(*id, position);
            }
        }
    }
    Ok(read)
}

/// The id in the log row at a position that a run names.
fn id_at(snapshot: &dyn Snapshot, position: Position) -> Result<EventId> {
    let mut id = None;
    snapshot.rows(position, position, &mut |_, row| {
        id = Some(row.id);
        Ok(())
    })?;
    id.ok_or_else(|| Error::corrupt(format!("log position {position}"), "the id index names it, but the log lacks it"))
}
