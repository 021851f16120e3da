//! A postings row: the positions of one key within one block of the log.

use serde::{Deserialize, Serialize};

use super::keys::show;
use super::tables::Tree;
use crate::{Error, Position, Result, codec};

/// How many positions a block holds. Fixed blocks bound a row, and make it the same however it was folded.
pub(super) const BLOCK: u64 = 4096;

/// The block that a position lies in.
pub(super) fn block_of(position: Position) -> u32 {
    u32::try_from(position.get() / BLOCK).unwrap_or(u32::MAX)
}

/// The first and last position of a block.
pub(super) fn block_range(block: u32) -> (Position, Position) {
    let first = u64::from(block) * BLOCK;
    (Position::new(first.max(1)), Position::new(first + BLOCK - 1))
}

/// Positions of one block, ascending, as runs of neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Positions {
    /// (first, last), both included, ascending, never touching.
    runs: Vec<(u64, u64)>,
}

impl Positions {
    /// Adds a position, usually the highest yet.
    pub(super) fn insert(&mut self, position: Position) {
        let at = position.get();
        match self.runs.last_mut() {
            Some((_, last)) if *last + 1 == at => *last = at,
            Some((_, last)) if *last >= at => self.insert_within(at),
            _ => self.runs.push((at, at)),
        }
    }

    fn insert_within(&mut self, at: u64) {
        let mut all: Vec<u64> = self.iter().map(Position::get).collect();
        if let Err(index) = all.binary_search(&at) {
            all.insert(index, at);
        }
        self.runs.clear();
        for position in all {
            self.insert(Position::new(position));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for position in other.iter() {
            self.insert(position);
        }
    }

    /// Each position, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = Position> {
        self.runs.iter().flat_map(|(first, last)| *first..=*last).map(Position::new)
    }

    pub(super) fn to_bytes(&self, key: &[u8], block: u32) -> Result<Vec<u8>> {
        let mut previous = u64::from(block) * BLOCK;
        let gaps = self.runs.iter().map(|(first, last)| {
            let gap = (first - previous, last - first);
            previous = *last;
            gap
        });
        codec::seal(key, &Wire { runs: gaps.collect() })
    }

    pub(super) fn from_bytes(key: &[u8], block: u32, bytes: &[u8]) -> Result<Self> {
        let wire: Wire = codec::open(&|| show(Tree::Postings, key), key, bytes)?;
        let mut previous = u64::from(block) * BLOCK;
        let end = previous + BLOCK;
        let mut runs = Vec::with_capacity(wire.runs.len());
        for (gap, length) in wire.runs {
            let first = previous.checked_add(gap);
            let last = first.and_then(|first| first.checked_add(length)).filter(|last| *last < end);
            let (Some(first), Some(last)) = (first, last) else {
                return Err(Error::corrupt(show(Tree::Postings, key), "a position lies outside its block"));
            };
            runs.push((first, last));
            previous = last;
        }
        Ok(Self { runs })
    }
}

/// The stored shape: for each run its distance from the one before, and its length less one.
#[derive(Serialize, Deserialize)]
struct Wire {
    runs: Vec<(u64, u64)>,
}

impl FromIterator<Position> for Positions {
    fn from_iter<I: IntoIterator<Item = Position>>(positions: I) -> Self {
        let mut set = Self::default();
        for position in positions {
            set.insert(position);
        }
        set
    }
}
