//! What was read out of a damaged store.

use crate::Position;

/// What a salvage has read out, and what it has not.
///
/// # Behavior of a salvage
/// - Each event that it hands over was recorded, and equals what was recorded: its row and its names have checksums.
/// - An event is lost only where its own row or each copy of one of its names is damaged: neither the order of the file
///   nor the projections are needed.
/// - Events come in order of position; of a sound store all of them.
/// - Nothing is changed, neither the store's file nor what lies beside it.
/// - Memory is bounded by some 16 bytes an event and the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// How many events were handed over.
    pub events: u64,
    /// The highest position that is known to have been: its event was found, or the store itself speaks of it.
    pub last: Position,
    /// Whether the log's own end was found, so that nothing stood behind `last`. If not, what stood there left no trace.
    pub is_end_known: bool,
    /// Positions up to the last one whose events are lost: the first and the last of each stretch, ascending.
    pub lost: Vec<(Position, Position)>,
}

impl Salvaged {
    /// Whether every event that there was is known to have been handed over.
    pub fn is_whole(&self) -> bool {
        self.is_end_known && self.lost.is_empty()
    }

    /// How many events are known to be lost.
    pub fn lost_events(&self) -> u64 {
        self.lost.iter().map(|(first, last)| last.get() - first.get() + 1).sum()
    }
}
