//! Looking ids up in the runs: a batch is sorted once, then each run is gone through once.

use std::collections::HashMap;

use super::super::tables::Snapshot;
use super::chunk::Chunk;
use super::filter::Filters;
use super::{Directory, fingerprint};
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
    let mut room = filters.begin(directory, wanted.len());
    let mut found = HashMap::new();
    for run in directory.runs() {
        let mut filter = filters.of(run);
        let mut held: Option<Chunk> = None;
        for (fingerprint, id) in &wanted {
            if let Some(filter) = &mut filter
                && !filter.may_hold(snapshot, run, *fingerprint, &mut room)?
            {
                continue;
            }
            // What lies above the held chunk may lie in the next: step there.
            if held.as_ref().is_none_or(|chunk| chunk.last() < *fingerprint) {
                held = run.chunk(snapshot, *fingerprint)?;
            }
            for position in held.iter().flat_map(|chunk| chunk.proposals(*fingerprint)) {
                let position = Position::new(position);
                if id_at(snapshot, position)? == *id {
                    found.insert(*id, position);
                }
            }
        }
    }
    Ok(found)
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
