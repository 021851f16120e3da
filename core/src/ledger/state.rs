//! How far the projections go: the one record that every transaction reads first.

use serde::{Deserialize, Serialize};

use super::fold_write::MOST_PENDING;
use super::ids::Directory;
use super::tables::{Snapshot, Transaction, Tree};
use super::tail::FOLD_AT;
use crate::{Error, Position, Result, codec};

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
    /// The days, ascending, whose usage waits in pending rows.
    pending: Vec<u32>,
    /// The runs of the id index.
    pub(super) ids: Directory,
}

impl State {
    /// Projections of nothing yet.
    pub(super) fn new(generation: u32) -> Self {
        Self { generation, folded_to: 0, pending: Vec::new(), ids: Directory::new(generation) }
    }

    pub(super) fn folded_to(&self) -> Position {
        Position::new(self.folded_to)
    }

    pub(super) fn set_folded_to(&mut self, position: Position) {
        self.folded_to = position.get();
    }

    pub(super) fn pending(&self) -> &[u32] {
        &self.pending
    }

    pub(super) fn set_pending(&mut self, days: Vec<u32>) {
        self.pending = days;
    }

    /// Whether its numbers can be worked with; false means damage.
    fn is_sound(&self, is_live: bool) -> bool {
        let pending = &self.pending;
        pending.len() <= MOST_PENDING
            && pending.is_sorted_by(|a, b| a < b)
            && self.ids.is_sound(self.folded_to, is_live)
    }

    /// Reads a state, if there is one.
    pub(super) fn load(snapshot: &dyn Snapshot, key: &[u8]) -> Result<Option<Self>> {
        let Some(bytes) = snapshot.get(Tree::Meta, key)? else { return Ok(None) };
        let state: Self = codec::open(&"state record", key, &bytes)?;
        if state.is_sound(key == LIVE) { Ok(Some(state)) } else { Err(damage("a field is out of its range")) }
    }

    /// The state of the live projections, which must reach the log's end but for a tail: every append and
    /// every switch leaves them so, and what lies further apart is a log or a state that lost its end.
    pub(super) fn live(snapshot: &dyn Snapshot, head: Position) -> Result<Self> {
        let state = Self::load(snapshot, LIVE)?.unwrap_or_default();
        match head.get().checked_sub(state.folded_to) {
            Some(left) if left < FOLD_AT as u64 => Ok(state),
            Some(_) => Err(damage(&format!(
                "projections reach position {}, further from the log's end at {head} than a tail",
                state.folded_to
            ))),
            None => Err(damage(&format!("projections reach position {}, but the log ends at {head}", state.folded_to))),
        }
    }

    pub(super) fn store(&self, transaction: &mut dyn Transaction, key: &[u8]) -> Result<()> {
        transaction.put(Tree::Meta, key, &codec::seal(key, self)?)
    }
}

fn damage(detail: &str) -> Error {
    Error::corrupt("state record", detail)
}
