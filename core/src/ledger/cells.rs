//! A rollup row: the usage of every tool in one bucket, packed.
//!
//! A row is a count of tools, then for each tool, ascending: its number less the one before, the length of
//! its cell, and the cell. So a question about one tool steps over the others. Then the count of sessions
//! and each one's number less the one before.

use super::bytes::{Reader, Writer};
use super::keys::{RollupKey, SessionKey, show};
use super::tables::Tree;
use super::view::Want;
use crate::sketch::MOST_COUNTED;
use crate::usage::{Aggregate, Durations, Usage};
use crate::{Error, Outcome, Result, Timestamp, codec};

/// Usage by tool number. In the daily rows of all projects also the sessions of that day, so that a
/// windowed question about sessions need not go through all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cells {
    /// Ascending by tool, each tool once. A vector: most rows hold a few tools, and folds hold many rows.
    by_tool: Vec<(u32, Usage)>,
    /// Ascending, each session once.
    sessions: Vec<u32>,
}

impl Cells {
    /// Adds a tool's usage.
    pub(super) fn add(&mut self, tool: u32, usage: &Usage) {
        match self.by_tool.binary_search_by_key(&tool, |(tool, _)| *tool) {
            Ok(at) => {
                if let Some((_, sum)) = self.by_tool.get_mut(at) {
                    sum.merge(usage);
                }
            }
            Err(at) => self.by_tool.insert(at, (tool, usage.clone())),
        }
    }

    /// Adds sessions.
    pub(super) fn add_sessions(&mut self, sessions: impl IntoIterator<Item = u32>) {
        for session in sessions {
            if let Err(at) = self.sessions.binary_search(&session) {
                self.sessions.insert(at, session);
            }
        }
    }

    /// Adds the usage of another row; not its sessions, which belong to its day alone.
    pub(super) fn merge_usage(&mut self, other: &Self) {
        if self.by_tool.is_empty() {
            self.by_tool.clone_from(&other.by_tool);
            return;
        }
        for (tool, usage) in &other.by_tool {
            self.add(*tool, usage);
        }
    }

    /// Adds all of another row for the same bucket.
    pub(super) fn merge(&mut self, other: &Self) {
        self.merge_usage(other);
        self.add_sessions(other.sessions.iter().copied());
    }

    pub(super) fn to_bytes(&self, place: &Place<'_>) -> Vec<u8> {
        let mut row = Writer::with_capacity(64 * self.by_tool.len() + 8);
        let mut cell = Writer::with_capacity(256);
        row.number(self.by_tool.len() as u64);
        let mut previous = 0;
        for (tool, usage) in &self.by_tool {
            cell.clear();
            write_cell(&mut cell, usage, place.base);
            row.number(u64::from(tool - std::mem::replace(&mut previous, *tool)));
            row.number(cell.len() as u64);
            row.bytes(cell.as_slice());
        }
        row.number(self.sessions.len() as u64);
        let mut previous = 0;
        for session in &self.sessions {
            row.number(u64::from(session - std::mem::replace(&mut previous, *session)));
        }
        codec::seal_bytes(place.key, row.as_slice())
    }

    pub(super) fn from_bytes(place: &Place<'_>, sealed: &[u8]) -> Result<Self> {
        let mut row = Row::open(place, sealed)?;
        let mut cells = Self::default();
        while let Some((tool, cell)) = place.check(row.next_cell())? {
            cells.by_tool.push((tool, place.check(read_cell(cell, place.base))?));
        }
        cells.sessions = place.check(row.sessions())?;
        Ok(cells)
    }
}

/// Where a row of cells stands.
pub(super) struct Place<'a> {
    pub(super) tree: Tree,
    pub(super) key: &'a [u8],
    /// The instant that its times are counted from.
    pub(super) base: Timestamp,
}

impl<'a> Place<'a> {
    pub(super) fn of_rollup(key: RollupKey, bytes: &'a [u8]) -> Self {
        Self { tree: Tree::Rollups, key: bytes, base: key.base() }
    }

    pub(super) fn of_session(key: SessionKey, bytes: &'a [u8]) -> Self {
        Self { tree: Tree::Sessions, key: bytes, base: key.base() }
    }

    fn check<T>(&self, found: Option<T>) -> Result<T> {
        found.ok_or_else(|| Error::corrupt(show(self.tree, self.key), "a field is out of its range"))
    }
}

/// The wanted tools of a row and their usage, ascending by tool.
pub(super) fn visit_cells(
    place: &Place<'_>,
    sealed: &[u8],
    wanted: Want,
    visit: &mut dyn FnMut(u32, Usage) -> Result<()>,
) -> Result<()> {
    let mut row = Row::open(place, sealed)?;
    while let Some((tool, cell)) = place.check(row.next_cell())? {
        if wanted.matches(tool) {
            visit(tool, place.check(read_cell(cell, place.base))?)?;
        }
    }
    Ok(())
}

/// Whether a row holds a wanted tool.
pub(super) fn holds_tool(place: &Place<'_>, sealed: &[u8], wanted: Want) -> Result<bool> {
    let mut row = Row::open(place, sealed)?;
    while let Some((tool, _)) = place.check(row.next_cell())? {
        if wanted.matches(tool) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The sessions of a row.
pub(super) fn sessions_of(place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u32>> {
    let mut row = Row::open(place, sealed)?;
    while place.check(row.next_cell())?.is_some() {}
    place.check(row.sessions())
}

/// A row that is being gone through. Its functions answer `None` for damage.
struct Row<'a> {
    bytes: Reader<'a>,
    tools: usize,
    tool: Option<u32>,
}

impl<'a> Row<'a> {
    fn open(place: &Place<'_>, sealed: &'a [u8]) -> Result<Self> {
        let name = || show(place.tree, place.key);
        let mut bytes = Reader::new(codec::open_bytes(&name, place.key, sealed)?);
        let tools = place.check(bytes.count())?;
        Ok(Self { bytes, tools, tool: None })
    }

    /// The next tool and its cell; `Some(None)` after the last.
    #[expect(clippy::option_option, reason = "damage, the end, a cell: three things")]
    fn next_cell(&mut self) -> Option<Option<(u32, Reader<'a>)>> {
        if self.tools == 0 {
            return Some(None);
        }
        self.tools -= 1;
        let gap = self.bytes.small_number()?;
        let tool = match self.tool {
            None => gap,
            Some(_) if gap == 0 => return None,
            Some(tool) => tool.checked_add(gap)?,
        };
        self.tool = Some(tool);
        let length = self.bytes.count()?;
        Some(Some((tool, Reader::new(self.bytes.bytes(length)?))))
    }

    /// What follows the cells, to the end of the row.
    fn sessions(mut self) -> Option<Vec<u32>> {
        let count = self.bytes.count()?;
        let mut sessions = Vec::with_capacity(count);
        let mut previous: Option<u32> = None;
        for _ in 0..count {
            let gap = self.bytes.small_number()?;
            let session = match previous {
                None => gap,
                Some(_) if gap == 0 => return None,
                Some(session) => session.checked_add(gap)?,
            };
            previous = Some(session);
            sessions.push(session);
        }
        self.bytes.is_empty().then_some(sessions)
    }
}

/// In a cell's first byte: a count for this outcome follows.
const fn outcome_bit(index: usize) -> u8 {
    1 << index
}

/// In a cell's first byte: durations follow.
const MEASURED: u8 = 1 << Outcome::ALL.len();

/// A cell: which outcomes, their counts; the first use after the base and the last after the first, in
/// microseconds; sum and maximum of the durations and their histogram, each of its cells as twice its
/// distance from the one before, plus one where a count above 1 follows.
fn write_cell(to: &mut Writer, usage: &Usage, base: Timestamp) {
    let durations = usage.durations();
    let cells = durations.sketch().cells();
    let counts = usage.outcomes().iter().enumerate().filter(|(_, count)| **count > 0);
    let marks = counts.clone().fold(0, |marks, (index, _)| marks | outcome_bit(index));
    to.byte(marks | if cells.is_empty() { 0 } else { MEASURED });
    counts.for_each(|(_, count)| to.number(*count));
    let first = usage.first_used().unwrap_or(base);
    let last = usage.last_used().unwrap_or(first);
    to.number(first.as_micros().abs_diff(base.as_micros()));
    to.number(last.as_micros().abs_diff(first.as_micros()));
    if cells.is_empty() {
        return;
    }
    to.long_number(durations.sum_micros());
    to.number(durations.max_micros().unwrap_or(0));
    to.number(cells.len() as u64);
    let mut previous = 0;
    for (cell, count) in cells {
        let gap = u64::from(cell - std::mem::replace(&mut previous, *cell));
        to.number(gap << 1 | u64::from(*count > 1));
        if *count > 1 {
            to.number(*count);
        }
    }
}

fn read_cell(mut from: Reader<'_>, base: Timestamp) -> Option<Usage> {
    let marks = from.byte().filter(|marks| *marks < MEASURED << 1)?;
    let mut outcomes = [0; Outcome::ALL.len()];
    for (index, count) in outcomes.iter_mut().enumerate() {
        if marks & outcome_bit(index) != 0 {
            *count = from.number().filter(|count| (1..=MOST_COUNTED).contains(count))?;
        }
    }
    let first = after(base, from.number()?)?;
    let last = after(first, from.number()?)?;
    let mut durations = Durations::default();
    if marks & MEASURED != 0 {
        let (sum, max, count) = (from.long_number()?, from.number()?, from.count()?);
        let mut cells = Vec::with_capacity(count);
        let mut previous = 0_u16;
        for _ in 0..count {
            let word = from.number()?;
            previous = previous.checked_add(u16::try_from(word >> 1).ok()?)?;
            cells.push((previous, if word & 1 == 0 { 1 } else { from.number()? }));
        }
        durations = Durations::from_parts(sum, max, cells)?;
    }
    from.is_empty().then(|| Usage::from_parts(outcomes, Some((first, last)), durations))
}

fn after(time: Timestamp, micros: u64) -> Option<Timestamp> {
    Timestamp::from_micros(time.as_micros().checked_add(i64::try_from(micros).ok()?)?).ok()
}
