//! A recents row: the latest outcomes of a tool in a scope, as bytes.

use super::keys::show;
use super::tables::Tree;
use crate::recent::{RecentOutcome, RecentOutcomes};
use crate::{Error, Outcome, Position, Result, Timestamp, codec};

pub(super) fn to_bytes(recents: &RecentOutcomes, key: &[u8]) -> Result<Vec<u8>> {
    let wire: Vec<(u64, u64, u8)> =
        recents.iter().map(|r| (r.time.as_micros().unsigned_abs(), r.position.get(), r.outcome.code())).collect();
    codec::seal(key, &wire)
}

pub(super) fn from_bytes(key: &[u8], bytes: &[u8]) -> Result<RecentOutcomes> {
    let wire: Vec<(u64, u64, u8)> = codec::open(&|| show(Tree::Recents, key), key, bytes)?;
    let entries: Option<Vec<RecentOutcome>> = wire.into_iter().map(read).collect();
    entries
        .and_then(RecentOutcomes::from_sorted)
        .ok_or_else(|| Error::corrupt(show(Tree::Recents, key), "a field is out of its range"))
}

fn read((time, position, outcome): (u64, u64, u8)) -> Option<RecentOutcome> {
    Some(RecentOutcome {
        time: Timestamp::from_micros(i64::try_from(time).ok()?).ok()?,
        position: Position::new(position),
        outcome: Outcome::from_code(outcome)?,
    })
}
