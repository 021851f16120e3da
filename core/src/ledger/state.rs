//! How far the projections go: the one record that every transaction reads first.

use serde::{Deserialize, Serialize};

use super::ids::Directory;
use super::tables::{Snapshot, Transaction, Tree};
use crate::{Position, Result, codec};

/// The key of the live projections' state in [`Tree::Meta`].
pub(super) const LIVE: &[u8] = b"state";
/// The key of the state of projections that are being rebuilt beside them.
pub(super) const REBUILT: &[u8] = b"rebuild";

/// The state of a set of projections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The generation in front of the projections' keys.
    pub(super) generation: u32,
    /// The log up to this position is folded into the projections; what follows is the tail.
    folded_to: u64,
    /// The runs of the id index.
    pub(super) ids: Directory,
}

impl State {
    /// Projections of nothing yet.
    pub(super) fn new(generation: u32) -> Self {
        Self { generation, folded_to: 0, ids: Directory::new(generation) }
    }

    pub(super) fn folded_to(&self) -> Position {
        Position::new(self.folded_to)
    }

    pub(super) fn set_folded_to(&mut self, position: Position) {
        self.folded_to = position.get();
    }

    /// Reads a state; the one of an empty store where there is none.
    pub(super) fn load(snapshot: &dyn Snapshot, key: &[u8]) -> Result<Option<Self>> {
        match snapshot.get(Tree::Meta, key)? {
            Some(bytes) => codec::open(&"state record", key, &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// The state of the live projections.
    pub(super) fn live(snapshot: &dyn Snapshot) -> Result<Self> {
        Ok(Self::load(snapshot, LIVE)?.unwrap_or_default())
    }

    pub(super) fn store(&self, transaction: &mut dyn Transaction, key: &[u8]) -> Result<()> {
        transaction.put(Tree::Meta, key, &codec::seal(key, self)?)
    }
}
