//! A calls row: the calls of one quarter of an hour within one block of the log, as columns.
//!
//! It holds what counting needs of a call, so that the edges of a window are folded without the log's rows,
//! and where the call stands in the log. A block's bound on the calls of a row keeps rows small, and the
//! same however the log was folded.
//!
//! | column | bytes a call |
//! |---|---|
//! | place in the block | none where the places adjoin, else 1 |
//! | time after the quarter's start, µs | 4 |
//! | tool, project | none where all are one, else 1, 2 or 4 |
//! | outcome, and whether measured | 1 |
//! | duration, µs, of the measured | LEB128 |

use super::bytes::{Reader, Writer};
use super::keys::{CallsKey, show};
use super::row::LogRow;
use super::tables::Tree;
use crate::{Error, Outcome, Position, Result, Timestamp, ToolDuration, codec};

/// How many positions a block of calls holds.
const BLOCK: u64 = 128;
/// The length of a quarter of an hour, in microseconds.
const QUARTER_MICROS: i64 = 15 * 60 * 1_000_000;
/// In an outcome's byte: a duration is given.
const MEASURED: u8 = 0x80;
/// In the first byte: the places adjoin. Above it, two bits for each width.
const ADJOINING: u8 = 1;

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
    let place = |call: &Call| u8::try_from(call.position.get() % BLOCK).unwrap_or(u8::MAX);
    let first = calls.first().map_or(0, place);
    let adjoins = calls.last().is_some_and(|last| usize::from(place(last) - first) + 1 == calls.len());
    let (tools, projects) = (Column::of(calls, |call| call.tool), Column::of(calls, |call| call.project));
    row.byte(u8::from(adjoins) | tools.width << 1 | projects.width << 3);
    row.number(calls.len() as u64);
    if adjoins {
        row.byte(first);
    } else {
        for call in calls {
            row.byte(place(call));
        }
    }
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
    /// The first place where they adjoin, else each.
    places: &'a [u8],
    adjoins: bool,
    last_place: Option<u8>,
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
        let head = from.byte().filter(|head| *head < 1 << 5)?;
        let calls = from.count().filter(|calls| (1..=BLOCK).contains(&(*calls as u64)))?;
        let adjoins = head & ADJOINING != 0;
        let (tool_width, project_width) = (head >> 1 & 3, head >> 3 & 3);
        let places = from.bytes(if adjoins { 1 } else { calls })?;
        let times = from.bytes(4 * calls)?.as_chunks().0;
        let tools = Column::read(tool_width, &mut from, calls)?;
        let projects = Column::read(project_width, &mut from, calls)?;
        let outcomes = from.bytes(calls)?;
        let durations = from;
        let last_place = None;
        Some(Self {
            calls,
            places,
            adjoins,
            last_place,
            times,
            tool_width,
            tools,
            project_width,
            projects,
            outcomes,
            durations,
        })
    }

    fn call(&mut self, index: usize, key: CallsKey) -> Option<Call> {
        let place = if self.adjoins {
            self.places.first()?.checked_add(u8::try_from(index).ok()?)?
        } else {
            *self.places.get(index)?
        };
        if u64::from(place) >= BLOCK || self.last_place.replace(place) >= Some(place) {
            return None;
        }
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
