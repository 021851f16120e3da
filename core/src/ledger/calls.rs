//! A calls row: the calls of one quarter of an hour within one block of the log, as columns.
//!
//! It holds what counting needs of a call, so that the edges of a window are folded without the log's rows,
//! and where the call stands in the log. A block's bound on the calls of a row keeps rows small, and the
//! same however the log was folded.
//!
//! | column | bytes a call |
//! |---|---|
//! | place in the block | one byte for all where the places adjoin; else 1, or one bit for each place of the block |
//! | time after the quarter's start, µs | 4 |
//! | tool, project | none where all are one, else 1, 2 or 4 |
//! | outcome, and whether measured | 1 |
//! | duration, µs, of the measured | LEB128 |

use super::bytes::{Reader, Writer};
use super::keys::{CallsKey, show};
use super::row::LogRow;
use super::tables::Tree;
use crate::{Error, Outcome, Position, Result, Timestamp, ToolDuration, codec};

/// How many positions a block of calls holds: with so many calls a row takes some 940 bytes, so that four
/// fill a page of 4 KiB, and none needs pages of its own.
const PLACES: usize = 104;
/// The same, as positions are counted.
const BLOCK: u64 = PLACES as u64;
/// The bytes of a bit for each place of a block.
const PLACE_BYTES: usize = PLACES.div_ceil(8);
/// The length of a quarter of an hour, in microseconds.
const QUARTER_MICROS: i64 = 15 * 60 * 1_000_000;
/// In an outcome's byte: a duration is given.
const MEASURED: u8 = 0x80;

/// The quarter of an hour that holds an instant, counted from 1970.
pub(super) fn quarter_of(time: Timestamp) -> u32 {
    u32::try_from(time.as_micros() / QUARTER_MICROS).unwrap_or(u32::MAX)
}

fn start_of(quarter: u32) -> i64 {
    i64::from(quarter) * QUARTER_MICROS
}

/// What counting needs of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) position: Position,
    pub(super) time: Timestamp,
    pub(super) tool: u32,
    pub(super) project: u32,
    pub(super) outcome: Outcome,
    pub(super) duration: Option<ToolDuration>,
}

impl Call {
    pub(super) const fn of(position: Position, row: &LogRow) -> Self {
        Self {
            position,
            time: row.time,
            tool: row.tool,
            project: row.project,
            outcome: row.outcome,
            duration: row.duration,
        }
    }

    /// Where it is kept.
    pub(super) fn key(&self) -> CallsKey {
        CallsKey { quarter: quarter_of(self.time), block: block_of(self.position) }
    }
}

impl Call {
    /// The end of its quarter of an hour.
    pub(super) fn quarter_end(&self) -> Timestamp {
        Timestamp::from_micros(start_of(quarter_of(self.time)) + QUARTER_MICROS).unwrap_or(Timestamp::MAX)
    }
}

fn block_of(position: Position) -> u32 {
    u32::try_from(position.get() / BLOCK).unwrap_or(u32::MAX)
}

/// Calls of one key, ascending by position, as bytes.
pub(super) fn to_bytes(calls: &[Call], key_bytes: &[u8], key: CallsKey) -> Result<Vec<u8>> {
    let mut row = Writer::with_capacity(10 * calls.len() + 16);
    let places: Vec<u8> =
        calls.iter().map(|call| u8::try_from(call.position.get() % BLOCK).unwrap_or(u8::MAX)).collect();
    let shape = Places::of(&places);
    let (tools, projects) = (Column::of(calls, |call| call.tool), Column::of(calls, |call| call.project));
    row.byte(shape as u8 | tools.width << 2 | projects.width << 4);
    row.number(calls.len() as u64);
    shape.write(&mut row, &places);
    for call in calls {
        let offset = u32::try_from(call.time.as_micros() - start_of(key.quarter));
        let offset = offset.map_err(|_| Error::invalid("time", "lies outside of its quarter of an hour"))?;
        row.bytes(&offset.to_le_bytes());
    }
    tools.write(&mut row, calls.iter().map(|call| call.tool));
    projects.write(&mut row, calls.iter().map(|call| call.project));
    for call in calls {
        row.byte(call.outcome.code() | if call.duration.is_some() { MEASURED } else { 0 });
    }
    calls.iter().filter_map(|call| call.duration).for_each(|duration| row.number(duration.as_micros()));
    Ok(codec::seal_bytes(key_bytes, row.as_slice()))
}

/// Visits the calls of a row, ascending by position.
pub(super) fn visit_calls(
    key_bytes: &[u8],
    key: CallsKey,
    sealed: &[u8],
    visit: &mut dyn FnMut(Call) -> Result<()>,
) -> Result<()> {
    let place = || show(Tree::Calls, key_bytes);
    let bytes = codec::open_bytes(&place, key_bytes, sealed)?;
    let damage = || Error::corrupt(place(), "a field is out of its range");
    let mut columns = Columns::read(bytes).ok_or_else(damage)?;
    for index in 0..columns.calls {
        visit(columns.call(index, key).ok_or_else(damage)?)?;
    }
    if columns.is_done() { Ok(()) } else { Err(damage()) }
}

/// The calls of a row.
pub(super) fn from_bytes(key_bytes: &[u8], key: CallsKey, sealed: &[u8]) -> Result<Vec<Call>> {
    let mut calls = Vec::new();
    visit_calls(key_bytes, key, sealed, &mut |call| {
        calls.push(call);
        Ok(())
    })?;
    Ok(calls)
}

/// How the places are written: whichever is shortest. Its number stands in the first byte, and above it two
/// bits for the width of each column of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Places {
    /// They adjoin: the first alone.
    Adjoining,
    /// Each.
    Listed,
    /// A bit for each place of the block.
    Marked,
}

impl Places {
    fn of(places: &[u8]) -> Self {
        match (places.first(), places.last()) {
            (Some(first), Some(last)) if usize::from(last.abs_diff(*first)) + 1 == places.len() => Self::Adjoining,
            _ if places.len() <= PLACE_BYTES => Self::Listed,
            _ => Self::Marked,
        }
    }

    const fn read(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Adjoining),
            1 => Some(Self::Listed),
            2 => Some(Self::Marked),
            _ => None,
        }
    }

    fn write(self, to: &mut Writer, places: &[u8]) {
        match self {
            Self::Adjoining => to.byte(places.first().copied().unwrap_or(0)),
            Self::Listed => to.bytes(places),
            Self::Marked => {
                let mut marks = [0_u8; PLACE_BYTES];
                for place in places {
                    if let Some(byte) = marks.get_mut(usize::from(place / 8)) {
                        *byte |= 1 << (place % 8);
                    }
                }
                to.bytes(&marks);
            }
        }
    }

    /// The places of so many calls; `None` for damage.
    fn places(self, from: &mut Reader<'_>, calls: usize) -> Option<[u8; PLACES]> {
        let mut places = [0; PLACES];
        let slots = places.get_mut(..calls)?;
        match self {
            Self::Adjoining => {
                let first = from.byte()?;
                first.checked_add(u8::try_from(calls.checked_sub(1)?).ok()?).filter(|last| u64::from(*last) < BLOCK)?;
                slots.iter_mut().zip(first..).for_each(|(slot, place)| *slot = place);
            }
            Self::Listed => slots.copy_from_slice(from.bytes(calls)?),
            Self::Marked => {
                let marks = from.bytes(PLACE_BYTES)?;
                let marked =
                    |place: &u8| marks.get(usize::from(place / 8)).is_some_and(|byte| byte >> (place % 8) & 1 == 1);
                let mut all = (0..u8::try_from(8 * PLACE_BYTES).ok()?).filter(marked);
                for slot in slots.iter_mut() {
                    *slot = all.next()?;
                }
                if all.next().is_some() {
                    return None;
                }
            }
        }
        let is_sound = slots.is_sorted_by(|a, b| a < b) && slots.last().is_none_or(|last| u64::from(*last) < BLOCK);
        is_sound.then_some(places)
    }
}

/// A column of numbers, of the fewest bytes that hold them all.
struct Column {
    /// 0: all are the same, written once; else 1, 2 or 3 for 1, 2 or 4 bytes.
    width: u8,
}

impl Column {
    fn of(calls: &[Call], number: impl Fn(&Call) -> u32) -> Self {
        let first = calls.first().map_or(0, &number);
        let is_one = calls.iter().all(|call| number(call) == first);
        let highest = calls.iter().map(number).max().unwrap_or(0);
        let width = match highest {
            _ if is_one => 0,
            0..=0xFF => 1,
            0x100..=0xFFFF => 2,
            _ => 3,
        };
        Self { width }
    }

    fn write(&self, to: &mut Writer, mut numbers: impl Iterator<Item = u32>) {
        if self.width == 0 {
            to.bytes(&numbers.next().unwrap_or(0).to_le_bytes());
            return;
        }
        let bytes = 1 << (self.width - 1);
        numbers.for_each(|number| to.bytes(number.to_le_bytes().get(..bytes).unwrap_or_default()));
    }

    fn read<'a>(width: u8, from: &mut Reader<'a>, calls: usize) -> Option<&'a [u8]> {
        from.bytes(if width == 0 { 4 } else { calls << (width - 1) })
    }

    fn at(width: u8, bytes: &[u8], index: usize) -> Option<u32> {
        Some(match width {
            0 => u32::from_le_bytes(*bytes.first_chunk()?),
            1 => u32::from(*bytes.get(index)?),
            2 => u32::from(u16::from_le_bytes(*bytes.as_chunks().0.get(index)?)),
            _ => u32::from_le_bytes(*bytes.as_chunks().0.get(index)?),
        })
    }
}

/// The columns of a row. Its functions answer `None` for damage.
struct Columns<'a> {
    calls: usize,
    places: [u8; PLACES],
    times: &'a [[u8; 4]],
    tool_width: u8,
    tools: &'a [u8],
    project_width: u8,
    projects: &'a [u8],
    outcomes: &'a [u8],
    durations: Reader<'a>,
}

impl<'a> Columns<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut from = Reader::new(bytes);
        let head = from.byte().filter(|head| *head < 1 << 6)?;
        let calls = from.count().filter(|calls| (1..=BLOCK).contains(&(*calls as u64)))?;
        let (tool_width, project_width) = (head >> 2 & 3, head >> 4 & 3);
        let places = Places::read(head & 3)?.places(&mut from, calls)?;
        let times = from.bytes(4 * calls)?.as_chunks().0;
        let tools = Column::read(tool_width, &mut from, calls)?;
        let projects = Column::read(project_width, &mut from, calls)?;
        let outcomes = from.bytes(calls)?;
        Some(Self { calls, places, times, tool_width, tools, project_width, projects, outcomes, durations: from })
    }

    fn call(&mut self, index: usize, key: CallsKey) -> Option<Call> {
        let place = *self.places.get(index)?;
        let offset = i64::from(u32::from_le_bytes(*self.times.get(index)?));
        let outcome = *self.outcomes.get(index)?;
        let duration = if outcome & MEASURED == 0 {
            None
        } else {
            Some(ToolDuration::from_micros(self.durations.number()?).ok()?)
        };
        Some(Call {
            position: Position::new(u64::from(key.block) * BLOCK + u64::from(place)),
            time: Timestamp::from_micros(start_of(key.quarter) + (offset < QUARTER_MICROS).then_some(offset)?).ok()?,
            tool: Column::at(self.tool_width, self.tools, index)?,
            project: Column::at(self.project_width, self.projects, index)?,
            outcome: Outcome::from_code(outcome & !MEASURED)?,
            duration,
        })
    }

    const fn is_done(&self) -> bool {
        self.durations.is_empty()
    }
}
