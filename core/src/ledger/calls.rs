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
//! | duration, µs, of the measured | 1, 2, 3, 4 or 8 |
//!
//! Columns of one width let a question step over the calls of other tools and projects.

use super::bytes::{Reader, Writer};
use super::keys::{CallsKey, show};
use super::row::LogRow;
use super::tables::Tree;
use super::view::Want;
use crate::{Error, Outcome, Position, Result, Timestamp, ToolDuration, Window, codec};

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

/// The last position that has a block: what lies beyond could not be told apart. Postings reach further.
pub(super) const LAST_POSITION: Position = Position::new(((1 << 32) * BLOCK) - 1);

fn block_of(position: Position) -> u32 {
    u32::try_from(position.get() / BLOCK).unwrap_or(u32::MAX)
}

/// Calls of one key, ascending by position, as bytes.
pub(super) fn to_bytes(calls: &[Call], key_bytes: &[u8], key: CallsKey) -> Result<Vec<u8>> {
    let mut row = Writer::with_capacity(10 * calls.len() + 16);
    let places: Vec<u8> =
        calls.iter().map(|call| u8::try_from(call.position.get() % BLOCK).unwrap_or(u8::MAX)).collect();
    let shape = Places::of(&places);
    let durations = || calls.iter().filter_map(|call| call.duration).map(ToolDuration::as_micros);
    let duration_bytes = bytes_for(durations().max().unwrap_or(0));
    let (tools, projects) = (Column::of(calls, |call| call.tool), Column::of(calls, |call| call.project));
    row.byte(shape as u8 | tools.width << 2 | projects.width << 4);
    row.number(calls.len() as u64);
    row.number(duration_bytes as u64);
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
    for duration in durations() {
        row.bytes(duration.to_le_bytes().get(..duration_bytes).unwrap_or_default());
    }
    Ok(codec::seal_bytes(key_bytes, row.as_slice()))
}

/// How many bytes hold a number, of those that a column of durations may have.
fn bytes_for(number: u64) -> usize {
    let needed = usize::try_from((u64::BITS - number.leading_zeros()).div_ceil(8)).unwrap_or(8);
    if needed > 4 { 8 } else { needed.max(1) }
}

/// Which calls of a row are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct WantedCalls {
    pub(super) tool: Want,
    pub(super) project: Want,
    /// The window, where it cuts the row's quarter of an hour.
    pub(super) window: Option<Window>,
}

impl WantedCalls {
    const ALL: Self = Self { tool: Want::Any, project: Want::Any, window: None };
}

/// Visits the wanted calls of a row, ascending by position.
pub(super) fn visit_calls(
    key_bytes: &[u8],
    key: CallsKey,
    sealed: &[u8],
    wanted: WantedCalls,
    visit: &mut dyn FnMut(Call) -> Result<()>,
) -> Result<()> {
    let place = || show(Tree::Calls, key_bytes);
    let bytes = codec::open_bytes(&place, key_bytes, sealed)?;
    let damage = || Error::corrupt(place(), "a field is out of its range");
    let columns = Columns::read(bytes).ok_or_else(damage)?;
    let mut measured = 0;
    for (index, outcome) in columns.outcomes.iter().enumerate() {
        let is_measured = outcome & MEASURED != 0;
        let duration = is_measured.then_some(measured);
        measured += usize::from(is_measured);
        if !columns.tools.matches(wanted.tool, index) || !columns.projects.matches(wanted.project, index) {
            continue;
        }
        let call = columns.call(index, duration, key).ok_or_else(damage)?;
        if wanted.window.is_none_or(|window| window.contains(call.time)) {
            visit(call)?;
        }
    }
    if measured == columns.measured() { Ok(()) } else { Err(damage()) }
}

/// The calls of a row.
pub(super) fn from_bytes(key_bytes: &[u8], key: CallsKey, sealed: &[u8]) -> Result<Vec<Call>> {
    let mut calls = Vec::new();
    visit_calls(key_bytes, key, sealed, WantedCalls::ALL, &mut |call| {
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
                let mut marks = [0; 16];
                marks.get_mut(..PLACE_BYTES)?.copy_from_slice(from.bytes(PLACE_BYTES)?);
                let mut left = u128::from_le_bytes(marks);
                for slot in slots.iter_mut() {
                    *slot = u8::try_from(left.trailing_zeros()).ok()?;
                    left &= left.wrapping_sub(1);
                }
                if left != 0 {
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
}

/// A column of numbers that is being read.
#[derive(Clone, Copy)]
struct Numbers<'a> {
    width: u8,
    bytes: &'a [u8],
}

impl<'a> Numbers<'a> {
    fn read(width: u8, from: &mut Reader<'a>, calls: usize) -> Option<Self> {
        let bytes = from.bytes(if width == 0 { 4 } else { calls << (width - 1) })?;
        Some(Self { width, bytes })
    }

    fn at(self, index: usize) -> Option<u32> {
        Some(match self.width {
            0 => u32::from_le_bytes(*self.bytes.first_chunk()?),
            1 => u32::from(*self.bytes.get(index)?),
            2 => u32::from(u16::from_le_bytes(*self.bytes.as_chunks().0.get(index)?)),
            _ => u32::from_le_bytes(*self.bytes.as_chunks().0.get(index)?),
        })
    }

    fn matches(self, wanted: Want, index: usize) -> bool {
        match wanted {
            Want::Any => true,
            Want::Is(number) => self.at(index) == Some(number),
        }
    }
}

/// The columns of a row. Its functions answer `None` for damage.
struct Columns<'a> {
    places: [u8; PLACES],
    times: &'a [[u8; 4]],
    tools: Numbers<'a>,
    projects: Numbers<'a>,
    outcomes: &'a [u8],
    durations: &'a [u8],
    duration_bytes: usize,
}

impl<'a> Columns<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut from = Reader::new(bytes);
        let head = from.byte().filter(|head| *head < 1 << 6)?;
        let calls = from.count().filter(|calls| (1..=PLACES).contains(calls))?;
        let duration_bytes = from.count().filter(|bytes| [1, 2, 3, 4, 8].contains(bytes))?;
        let places = Places::read(head & 3)?.places(&mut from, calls)?;
        let times = from.bytes(4 * calls)?.as_chunks().0;
        let tools = Numbers::read(head >> 2 & 3, &mut from, calls)?;
        let projects = Numbers::read(head >> 4 & 3, &mut from, calls)?;
        let outcomes = from.bytes(calls)?;
        Some(Self { places, times, tools, projects, outcomes, durations: from.rest(), duration_bytes })
    }

    /// How many durations there are; more than calls where bytes are left over.
    fn measured(&self) -> usize {
        if self.durations.len().is_multiple_of(self.duration_bytes) {
            self.durations.len() / self.duration_bytes
        } else {
            usize::MAX
        }
    }

    fn call(&self, index: usize, duration: Option<usize>, key: CallsKey) -> Option<Call> {
        let offset = i64::from(u32::from_le_bytes(*self.times.get(index)?));
        Some(Call {
            position: Position::new(u64::from(key.block) * BLOCK + u64::from(*self.places.get(index)?)),
            time: Timestamp::from_micros(start_of(key.quarter) + (offset < QUARTER_MICROS).then_some(offset)?).ok()?,
            tool: self.tools.at(index)?,
            project: self.projects.at(index)?,
            outcome: Outcome::from_code(*self.outcomes.get(index)? & !MEASURED)?,
            duration: match duration {
                None => None,
                Some(at) => Some(self.duration(at)?),
            },
        })
    }

    fn duration(&self, index: usize) -> Option<ToolDuration> {
        let start = index * self.duration_bytes;
        let mut bytes = [0; 8];
        bytes.get_mut(..self.duration_bytes)?.copy_from_slice(self.durations.get(start..start + self.duration_bytes)?);
        ToolDuration::from_micros(u64::from_le_bytes(bytes)).ok()
    }
}
