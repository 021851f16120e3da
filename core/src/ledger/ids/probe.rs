//! Looking ids up in the runs: a batch is sorted once, then each run is gone through once.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::super::tables::Snapshot;
use super::chunk::Chunk;
use super::filter::{Filter, Filters};
use super::{Directory, Run, fingerprint};
use crate::{Error, EventId, Position, Result};

/// What is known of some ids.
#[derive(Debug, Default)]
pub(crate) struct Probed {
    /// Those that stand in the log up to where the runs reach, and where.
    pub(crate) found: HashMap<EventId, Position>,
    /// Whether one was asked for more than once.
    pub(crate) repeats: bool,
}

/// Finds which of the ids stand in the log up to where the runs reach, and where.
///
/// The newest run comes first: what is reported twice is usually reported soon. What was found isn't looked for
/// further, since no id stands in two places.
pub(crate) fn probe(
    snapshot: &dyn Snapshot,
    directory: &Directory,
    filters: &mut Filters,
    ids: impl Iterator<Item = EventId>,
) -> Result<Probed> {
    let mut wanted: Vec<(u32, EventId)> = ids.map(|id| (fingerprint(id), id)).collect();
    wanted.sort_unstable();
    let asked = wanted.len();
    wanted.dedup();
    let repeats = wanted.len() < asked;
    let mut room = filters.begin(directory, wanted.len());
    let mut found = HashMap::new();
    let mut runs: Vec<&Run> = directory.runs().collect();
    runs.sort_unstable_by_key(|run| Reverse(run.last));
    for run in runs {
        let before = found.len();
        let filter = filters.of(run, &mut room);
        probe_run(snapshot, run, filter, &mut room, &wanted, &mut found)?;
        if found.len() > before {
            wanted.retain(|(_, id)| !found.contains_key(id));
        }
    }
    Ok(Probed { found, repeats })
}

fn probe_run(
    snapshot: &dyn Snapshot,
    run: &Run,
    mut filter: Option<&mut Filter>,
    room: &mut usize,
    wanted: &[(u32, EventId)],
    found: &mut HashMap<EventId, Position>,
) -> Result<()> {
    let mut held: Option<Chunk> = None;
    for (fingerprint, id) in wanted {
        if let Some(filter) = &mut filter
            && !filter.may_hold(snapshot, run, *fingerprint, room)?
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
    Ok(())
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
