//! A trails row: the calls of one project within one block of the log, as bytes.
//!
//! Of each call, in order of position, a row has three numbers, mostly a byte each: how many places of the block lie
//! between it and the call before, its tool, and which of the row's sessions it is of. Sessions are counted as they
//! come; where a call's is the next one, the session's number follows. So a row is read in one go, and its bytes are
//! the same however it was folded.

use rustc_hash::FxHashMap;

use super::bytes::{Reader, Writer};
use super::keys::show;
use super::positions::BLOCK;
use super::row::LogRow;
use super::tables::Tree;
use crate::{Error, Position, Result, codec};

/// About how many bytes a call takes.
const CALL_BYTES: usize = 3;

/// As many calls of a project as a block has often, so that a fold grows few rows.
const USUAL_CALLS: usize = 128;

/// A call of a project, in a block that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TrailCall {
    /// Its place in the block.
    place: u32,
    pub(super) tool: u32,
    pub(super) session: u32,
}

impl TrailCall {
    /// Where it stands, in a block of this number.
    pub(super) fn position(self, block: u32) -> Position {
        Position::new(u64::from(block) * BLOCK + u64::from(self.place))
    }
}

/// Calls of a project in one block, in order of position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trails {
    calls: Vec<TrailCall>,
}

impl Trails {
    /// Whether a row belongs into one of these: what has no project is no project's, and what has no session follows
    /// nothing.
    pub(super) const fn take(row: &LogRow) -> bool {
        row.is_tool_use() && row.project != 0 && row.session != 0
    }

    /// Adds a call behind all others.
    pub(super) fn push(&mut self, position: Position, row: &LogRow) {
        if self.calls.is_empty() {
            self.calls.reserve(USUAL_CALLS);
        }
        let place = u32::try_from(position.get() % BLOCK).unwrap_or(u32::MAX);
        self.calls.push(TrailCall { place, tool: row.tool, session: row.session });
    }

    /// Adds calls that stand behind these.
    pub(super) fn extend(&mut self, behind: &Self) {
        self.calls.extend_from_slice(&behind.calls);
    }

    /// In order of position.
    pub(super) fn calls(&self) -> &[TrailCall] {
        &self.calls
    }

    pub(super) fn to_bytes(&self, key: &[u8]) -> Result<Vec<u8>> {
        let mut row = Writer::with_capacity(self.calls.len() * CALL_BYTES + 8);
        let mut sessions: FxHashMap<u32, u64> = FxHashMap::default();
        let (mut next, mut latest) = (0, None);
        for call in &self.calls {
            let between = call.place.checked_sub(next);
            row.number(between.ok_or_else(|| damage(key, "has calls that do not follow those before"))?.into());
            next = call.place + 1;
            row.number(call.tool.into());
            // Mostly the one of the call before: then nothing is looked up.
            if let Some((_, index)) = latest.filter(|(session, _)| *session == call.session) {
                row.number(index);
                continue;
            }
            let known = sessions.len() as u64;
            let index = *sessions.entry(call.session).or_insert(known);
            latest = Some((call.session, index));
            row.number(index);
            if index == known {
                row.number(call.session.into());
            }
        }
        Ok(codec::seal_bytes(key, row.as_slice()))
    }

    pub(super) fn from_bytes(key: &[u8], sealed: &[u8]) -> Result<Self> {
        let bytes = codec::open_bytes(&|| show(Tree::Trails, key), key, sealed)?;
        Self::read(bytes).ok_or_else(|| damage(key, "a field is out of its range"))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader::new(bytes);
        let mut calls = Vec::with_capacity(bytes.len() / CALL_BYTES);
        let (mut sessions, mut next) = (Vec::new(), 0_u32);
        while !from.is_empty() {
            let place = next.checked_add(from.small_number()?).filter(|place| u64::from(*place) < BLOCK)?;
            next = place + 1;
            let tool = from.small_number().filter(|tool| *tool != 0)?;
            let index = usize::try_from(from.small_number()?).ok()?;
            if index == sessions.len() {
                sessions.push(from.small_number().filter(|session| *session != 0)?);
            }
            calls.push(TrailCall { place, tool, session: *sessions.get(index)? });
        }
        Some(Self { calls })
    }
}

fn damage(key: &[u8], detail: &str) -> Error {
    Error::corrupt(show(Tree::Trails, key), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"a key";

    fn call(place: u32, tool: u32, session: u32) -> TrailCall {
        TrailCall { place, tool, session }
    }

    fn is_refused(payload: &[u8]) -> bool {
        Trails::from_bytes(KEY, &codec::seal_bytes(KEY, payload)).is_err_and(|error| error.is_corrupt())
    }

    #[test]
    fn calls_come_back_in_few_bytes() {
        let calls = vec![call(0, 1, 9), call(1, 300, 9), call(2, 1, 70_000), call(4_000, 2, 9), call(4_095, 1, 70_000)];
        let trails = Trails { calls };
        let sealed = trails.to_bytes(KEY).unwrap();
        let payload = [&[0, 1, 0, 9][..], &[0, 172, 2, 0], &[0, 1, 1, 240, 162, 4], &[157, 31, 2, 0], &[94, 1, 1]];
        assert_eq!(sealed, codec::seal_bytes(KEY, &payload.concat()));
        assert_eq!(Trails::from_bytes(KEY, &sealed).unwrap(), trails);
        let nothing = Trails::default();
        assert_eq!(Trails::from_bytes(KEY, &nothing.to_bytes(KEY).unwrap()).unwrap(), nothing);
    }

    #[test]
    fn rows_that_were_folded_bit_by_bit_are_the_same() {
        let all: Vec<_> = (0..500).map(|n| call(n * 8 + n % 3, n % 7 + 1, n / 50 + n % 2 + 1)).collect();
        let whole = Trails { calls: all.clone() }.to_bytes(KEY).unwrap();
        let mut stored = Trails::default().to_bytes(KEY).unwrap();
        for part in all.chunks(37) {
            let mut row = Trails::from_bytes(KEY, &stored).unwrap();
            row.extend(&Trails { calls: part.to_vec() });
            stored = row.to_bytes(KEY).unwrap();
        }
        assert_eq!(stored, whole);
    }

    #[test]
    fn what_is_out_of_its_range_is_refused() {
        let sound = [7, 1, 0, 5];
        assert!(!is_refused(&sound));
        assert!(is_refused(&sound[..3]), "it is cut");
        assert!(is_refused(&[128, 32, 1, 0, 5]), "place 4096");
        assert!(is_refused(&[255, 31, 1, 0, 5, 0, 1, 0]), "a call behind the last place");
        assert!(is_refused(&[0, 1, 0, 5, 255, 255, 255, 255, 15, 1, 0]), "a place that no number holds");
        assert!(is_refused(&[7, 0, 0, 5]), "no tool");
        assert!(is_refused(&[7, 1, 0, 0]), "no session");
        assert!(is_refused(&[7, 1, 1, 5]), "a session that was not named");
        let back = Trails { calls: vec![call(7, 1, 1), call(7, 1, 1)] };
        assert!(back.to_bytes(KEY).is_err_and(|error| error.is_corrupt()), "a place twice");
    }
}
