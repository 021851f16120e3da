//! The stored bytes of a run: chunks of two columns, fingerprints and distances from the run's base.
//!
//! A chunk's key is one number of 63 bits: five of the run's generation, 26 of its number, and the chunk's last
//! fingerprint. An engine that can keep numbers as keys finds a chunk in one tree and needs no index beside it. The last
//! fingerprint, since the first chunk from a fingerprint on is then the one that would hold it: by the first, a search goes
//! to the page behind every fourth time and steps back. Equal fingerprints never straddle two chunks.

use std::ops::ControlFlow;

use super::super::keys::{chunk_key, show};
use super::super::tables::{Direction, Snapshot, Transaction, Tree};
use super::Run;
use crate::{Error, Result, codec};

/// A fingerprint and the position that it proposes.
pub(crate) type Entry = (u32, u64);

/// How many entries a chunk holds, unless equal fingerprints stretch it: four chunks fill a page of 4 KiB,
/// and none needs pages of its own.
const CHUNK_ENTRIES: usize = 120;
/// The bytes of a fingerprint, and of a distance.
const COLUMN_BYTES: usize = 4;

/// A chunk as it was read: searched in place.
pub(super) struct Chunk {
    payload: Vec<u8>,
    base: u64,
}

impl Chunk {
    fn open(run: &Run, key: &[u8], sealed: &[u8]) -> Result<Self> {
        let payload = codec::open_bytes(&|| show(Tree::IdRuns, key), key, sealed)?;
        if payload.is_empty() || payload.len() % (2 * COLUMN_BYTES) != 0 {
            return Err(Error::corrupt(show(Tree::IdRuns, key), "its columns differ in length"));
        }
        let chunk = Self { payload: payload.to_vec(), base: run.base };
        let (fingerprints, distances) = chunk.columns();
        let value = |word: &[u8; COLUMN_BYTES]| u32::from_le_bytes(*word);
        let longest = u32::try_from(run.last.saturating_sub(run.base)).unwrap_or(u32::MAX);
        let is_sound = fingerprints.is_sorted_by_key(value)
            && fingerprints.last().map(value) == super::super::keys::last_number(key)
            && distances.iter().all(|distance| value(distance) <= longest);
        if is_sound { Ok(chunk) } else { Err(Error::corrupt(show(Tree::IdRuns, key), "its entries are out of order")) }
    }

    fn columns(&self) -> (&[[u8; COLUMN_BYTES]], &[[u8; COLUMN_BYTES]]) {
        let (words, _) = self.payload.as_chunks();
        words.split_at(words.len() / 2)
    }

    /// The positions that a fingerprint proposes.
    pub(super) fn proposals(&self, fingerprint: u32) -> impl Iterator<Item = u64> {
        let (fingerprints, distances) = self.columns();
        let start = fingerprints.partition_point(|word| u32::from_le_bytes(*word) < fingerprint);
        let equal = fingerprints.iter().zip(distances).skip(start);
        equal
            .take_while(move |(word, _)| u32::from_le_bytes(**word) == fingerprint)
            .map(|(_, distance)| self.base + u64::from(u32::from_le_bytes(*distance)))
    }

    /// The lowest fingerprint.
    fn first(&self) -> u32 {
        self.columns().0.first().map_or(0, |word| u32::from_le_bytes(*word))
    }

    /// The highest fingerprint.
    pub(super) fn last(&self) -> u32 {
        self.columns().0.last().map_or(0, |word| u32::from_le_bytes(*word))
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        let (fingerprints, distances) = self.columns();
        let both = fingerprints.iter().zip(distances);
        both.map(|(f, d)| (u32::from_le_bytes(*f), self.base + u64::from(u32::from_le_bytes(*d))))
    }
}

impl Run {
    /// The key of a chunk.
    pub(super) fn key(&self, last: u32) -> Vec<u8> {
        chunk_key(self.generation, self.number, last)
    }

    /// The chunk that would hold a fingerprint.
    pub(super) fn chunk(&self, snapshot: &dyn Snapshot, fingerprint: u32) -> Result<Option<Chunk>> {
        let (first, last) = (self.key(fingerprint), self.key(u32::MAX));
        let mut found = None;
        snapshot.scan(Tree::IdRuns, &first, &last, Direction::Forward, &mut |key, sealed| {
            found = Some(Chunk::open(self, key, sealed)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// The entries with `from <= fingerprint <= to`, ascending.
    pub(super) fn entries_between(&self, snapshot: &dyn Snapshot, from: u32, to: u32) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let (first, last) = (self.key(from), self.key(u32::MAX));
        snapshot.scan(Tree::IdRuns, &first, &last, Direction::Forward, &mut |key, sealed| {
            let chunk = Chunk::open(self, key, sealed)?;
            entries.extend(chunk.entries().filter(|(f, _)| (from..=to).contains(f)));
            Ok(if chunk.last() < to { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(entries)
    }

    /// Writes entries, ascending and above all that it holds.
    pub(super) fn write(&mut self, transaction: &mut dyn Transaction, entries: &[Entry]) -> Result<()> {
        let mut rest = entries;
        while !rest.is_empty() {
            let full = rest.get(CHUNK_ENTRIES - 1).map_or(u32::MAX, |(fingerprint, _)| *fingerprint);
            let (chunk, after) = rest.split_at(rest.partition_point(|(fingerprint, _)| *fingerprint <= full));
            let key = self.key(chunk.last().map_or(0, |(fingerprint, _)| *fingerprint));
            transaction.put(Tree::IdRuns, &key, &codec::seal_bytes(&key, &self.payload(chunk)?))?;
            rest = after;
        }
        self.entries += entries.len() as u64;
        Ok(())
    }

    fn payload(&self, entries: &[Entry]) -> Result<Vec<u8>> {
        let mut payload = Vec::with_capacity(entries.len() * 2 * COLUMN_BYTES);
        for (fingerprint, _) in entries {
            payload.extend(fingerprint.to_le_bytes());
        }
        for (_, position) in entries {
            let distance = position.checked_sub(self.base).and_then(|d| u32::try_from(d).ok());
            let distance =
                distance.ok_or_else(|| Error::invalid("log", "spans more events than an id run can hold"))?;
            payload.extend(distance.to_le_bytes());
        }
        Ok(payload)
    }
}

/// Visits all entries of a run, ascending by fingerprint. For proofs: chunks that overlap, where a search would
/// find the wrong one, are damage.
pub(crate) fn entries_of_run(
    snapshot: &dyn Snapshot,
    run: &Run,
    visit: &mut dyn FnMut(Entry) -> Result<()>,
) -> Result<()> {
    let (first, last) = (run.key(0), run.key(u32::MAX));
    let mut before = None;
    snapshot.scan(Tree::IdRuns, &first, &last, Direction::Forward, &mut |key, sealed| {
        let chunk = Chunk::open(run, key, sealed)?;
        if before.replace(chunk.last()).is_some_and(|before| before >= chunk.first()) {
            return Err(Error::corrupt(show(Tree::IdRuns, key), "begins before the chunk in front of it ends"));
        }
        chunk.entries().try_for_each(&mut *visit)?;
        Ok(ControlFlow::Continue(()))
    })
}
