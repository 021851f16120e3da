//! Calls that finished and calls that did not, over all files of one import.

use tooltally::EventId;

use super::tally::Tally;

/// Which calls were met in the whole import, so that one that is open in one file and finished in another is not
/// counted as pending.
#[derive(Debug, Default)]
pub(super) struct Calls {
    finished: Tally,
    /// Calls that stayed open in a file, once for each such file.
    open: Vec<u64>,
}

/// The most entries of `open` before those that finished meanwhile are taken out.
const MAX_OPEN: usize = 500_000;

impl Calls {
    /// A call finished.
    pub(super) fn finish(&mut self, call: EventId) {
        self.finished.count(key(call));
    }

    /// Whether the call finished in anything read up to now.
    pub(super) fn is_finished(&self, call: EventId) -> bool {
        self.finished.contains(key(call))
    }

    /// A call stayed open in a file.
    pub(super) fn leave_open(&mut self, call: EventId) {
        self.open.push(key(call));
        if self.open.len().is_multiple_of(MAX_OPEN) {
            self.tidy();
        }
    }

    /// How many calls never finished.
    pub(super) fn pending(&mut self) -> u64 {
        self.tidy();
        self.open.len() as u64
    }

    fn tidy(&mut self) {
        self.open.sort_unstable();
        self.open.dedup();
        let finished = &self.finished;
        self.open.retain(|key| !finished.contains(*key));
    }
}

/// The 64 bits by which a digest is counted.
pub(super) fn key(id: EventId) -> u64 {
    id.as_bytes().first_chunk().copied().map_or(0, u64::from_le_bytes)
}
