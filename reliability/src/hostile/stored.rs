//! Any events in the real stores: recorded, answered and read back as in the reference store.

use tooltally::{Condition, Durability, Log, MemoryStore, OpenOptions, Position};

use super::ask;
use super::claim::{holds, same};
use super::codec::some_events;
use crate::{Backend, Result};

/// How many events are recorded at once.
const BATCH: usize = 5;

/// Any events, recorded in a store of each backend.
///
/// # Errors
/// What does not hold.
pub fn stored_events(bytes: &[u8]) -> Result<()> {
    let events = some_events(bytes);
    for backend in [Backend::Sqlite, Backend::Redb] {
        let folder = tempfile::tempdir()?;
        let options = OpenOptions::new().durability(Durability::Relaxed);
        let store = backend.open(folder.path(), &options)?;
        let model = MemoryStore::new();
        for batch in events.chunks(BATCH) {
            let expected = model.append(batch, Condition::None)?;
            same("what append answers", &store.append(batch, Condition::None)?, &expected)?;
        }
        let log = model.read(Position::START, usize::MAX)?;
        for store in [store, backend.open(folder.path(), &options)?] {
            same("the log", &store.read(Position::START, usize::MAX)?, &log)?;
            holds(ask::verifies(&*store)?, || "verify fails".to_owned())?;
            ask::answers(&*store, true)?;
        }
    }
    Ok(())
}
