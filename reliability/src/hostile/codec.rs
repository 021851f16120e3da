//! A log row's bytes, and events that are written and read back.

use arbitrary::Unstructured;
use tooltally::ledger::LogRow;
use tooltally::{Event, Position};

use super::claim::{holds, same};
use super::generate;
use super::history::{comes_back, lines_come_back};
use crate::Result;

/// The most events of one input.
const MOST_EVENTS: usize = 64;

/// The bytes of a log row: eight for its position, the rest as stored, with and without a checksum that fits.
///
/// # Errors
/// What does not hold.
pub fn log_row(bytes: &[u8]) -> Result<()> {
    let Some((position, stored)) = bytes.split_first_chunk() else { return Ok(()) };
    let position = Position::new(u64::from_be_bytes(*position));
    is_what_it_says(position, stored)?;
    let checksum = crc32fast::hash(bytes);
    is_what_it_says(position, &[stored, &checksum.to_le_bytes()].concat())
}

/// Bytes are refused, or a row that is the same after it was written again.
fn is_what_it_says(position: Position, stored: &[u8]) -> Result<()> {
    let Ok(row) = LogRow::from_bytes(position, stored) else { return Ok(()) };
    let written = row.to_bytes(position);
    same("a row after it was written again", &LogRow::from_bytes(position, &written)?, &row)?;
    let checksum = written.last_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    same("its checksum", &checksum, &Some(row.checksum(position)))?;
    holds(written.len() <= stored.len(), || format!("{} bytes were {}", written.len(), stored.len()))?;
    let elsewhere = position.next();
    let is_moved = elsewhere != position && LogRow::from_bytes(elsewhere, stored).is_ok();
    holds(!is_moved, || format!("the row of position {position} is taken for that of {elsewhere}"))
}

/// Any events: written as lines and read back.
///
/// # Errors
/// What does not hold.
pub fn events(bytes: &[u8]) -> Result<()> {
    let events = some_events(bytes);
    events.iter().try_for_each(comes_back)?;
    lines_come_back(&events)
}

/// The events that bytes stand for.
pub(super) fn some_events(bytes: &[u8]) -> Vec<Event> {
    let mut u = Unstructured::new(bytes);
    let mut events = Vec::new();
    while !u.is_empty() && events.len() < MOST_EVENTS {
        match generate::event(&mut u) {
            Ok(event) => events.push(event),
            Err(_) => break,
        }
    }
    events
}
