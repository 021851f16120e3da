//! Rows of the projections, changed and sealed again: damage that no checksum tells.

use std::sync::OnceLock;

use arbitrary::Unstructured;
use tooltally::ledger::{Ledger, MemoryEngine, MemoryTables, Tree};
use tooltally::{Condition, Log, Store};
use tooltally_conformance::events::mixed_all;

use super::ask;
use super::claim::holds;
use crate::Result;

/// How many events the store holds whose rows are changed: one fold, and some that wait.
const EVENTS: u64 = 540;
/// The most changes of one input.
const MOST_CHANGES: usize = 6;
/// In front of every sealed payload.
const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// A sound store's tables.
static SOUND: OnceLock<MemoryTables> = OnceLock::new();

fn sound() -> Result<MemoryTables> {
    if let Some(tables) = SOUND.get() {
        return Ok(tables.clone());
    }
    let engine = MemoryEngine::default();
    Ledger::new(engine.clone()).append(&mixed_all(0..EVENTS), Condition::None)?;
    Ok(SOUND.get_or_init(|| (*engine.tables()).clone()).clone())
}

/// Changes of the projections' rows, each sealed again: the log stays as it was, so every answer is known.
///
/// # Errors
/// What does not hold.
pub fn projections(bytes: &[u8]) -> Result<()> {
    let mut tables = sound()?;
    let mut u = Unstructured::new(bytes);
    for _ in 0..MOST_CHANGES {
        if u.is_empty() || change(&mut u, &mut tables).is_err() {
            break;
        }
    }
    let open = || -> Box<dyn Store> { Box::new(Ledger::new(MemoryEngine::new(tables.clone()))) };
    let is_sound = ask::verifies(&*open())?;
    ask::answers(&*open(), is_sound)?;
    ask::record(&*open(), is_sound)?;
    let store = open();
    ask::rebuild(&*store, is_sound)?;
    holds(ask::verifies(&*store)? || !is_sound, || "a rebuilt store is not sound".to_owned())
}

/// Changes a row, or puts one in.
fn change(u: &mut Unstructured<'_>, tables: &mut MemoryTables) -> arbitrary::Result<()> {
    let tree = *u.choose(&Tree::ALL)?;
    let rows = tables.trees.entry(tree).or_default();
    let nth = usize::from(u.arbitrary::<u16>()?) % rows.len().max(1);
    let Some((key, sealed)) = rows.iter().nth(nth).map(|(key, sealed)| (key.clone(), sealed.clone())) else {
        return Ok(());
    };
    let mut payload = payload(&sealed).to_vec();
    match u.int_in_range(0..=6)? {
        0 => {
            rows.remove(&key);
            return Ok(());
        }
        1 => payload = u.arbitrary::<&[u8]>()?.to_vec(),
        2 => {
            let key: Vec<u8> = changed(u, &key)?;
            rows.insert(key.clone(), seal(&key, &payload));
            return Ok(());
        }
        3 => {
            let other = usize::from(u.arbitrary::<u16>()?) % rows.len().max(1);
            payload = rows.values().nth(other).map(|sealed| self::payload(sealed).to_vec()).unwrap_or_default();
        }
        _ => payload = changed(u, &payload)?,
    }
    rows.insert(key.clone(), seal(&key, &payload));
    Ok(())
}

/// Bytes with some of them overwritten, taken out or put in.
pub(super) fn changed(u: &mut Unstructured<'_>, bytes: &[u8]) -> arbitrary::Result<Vec<u8>> {
    let at = usize::from(u.arbitrary::<u16>()?) % (bytes.len() + 1);
    let (before, after) = bytes.split_at(at);
    let (length, is_overwritten) = (u.int_in_range(0..=16)?, u.arbitrary()?);
    let put = u.bytes(length.min(u.len()))?;
    let removed = if is_overwritten { put.len() } else { u.int_in_range(0..=16)? };
    Ok([before, put, after.get(removed..).unwrap_or_default()].concat())
}

fn payload(sealed: &[u8]) -> &[u8] {
    sealed.get(1..sealed.len().saturating_sub(CHECKSUM_BYTES)).unwrap_or_default()
}

/// Seals a payload as the core does: version, payload, and the checksum of key, version and payload.
pub(super) fn seal(key: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut sealed = [&[VERSION], payload].concat();
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(key);
    checksum.update(&sealed);
    sealed.extend_from_slice(&checksum.finalize().to_le_bytes());
    sealed
}
