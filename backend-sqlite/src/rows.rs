//! Rows of the log as columns.

use std::cell::RefCell;

use rusqlite::{Row, params};
use tooltally_core::ledger::LogRow;
use tooltally_core::{Error, EventId, Position, Result, ToolDuration};

use crate::packed::{Numbers, Packed, unpack};
use crate::places::{Place, Places};
use crate::statements::Statements;

macro_rules! rows_sql {
    ($from:literal) => {
        concat!("SELECT position, moment, row, attributes FROM ", $from)
    };
}

static ROW: &str = rows_sql!("log WHERE position = ?1");
static ROWS: &str = rows_sql!("log WHERE position BETWEEN ?1 AND ?2 ORDER BY position");
/// The rows at [`SEEKS`] positions, in their order: the left side of a `CROSS JOIN` is the outer loop.
static ROWS_AT: &str = rows_sql!(
    "(VALUES (?1), (?2), (?3), (?4), (?5), (?6), (?7), (?8), (?9), (?10), (?11), (?12), (?13), (?14), (?15), (?16))
    AS wanted CROSS JOIN log ON position = wanted.column1"
);
/// How many rows there are, and where a row begins with an id: such a row is not below the id, and not above the id with
/// [`ABOVE`] behind it.
static FIND_ID: &str = "SELECT count(*), min(CASE WHEN row BETWEEN ?3 AND ?4 THEN position END) FROM log
    WHERE position BETWEEN ?1 AND ?2";
/// Behind an id, above all that a row has there: a checksum of four bytes, and a digit.
const ABOVE: [u8; 5] = [0xFF; 5];
static PUSH_ROW: &str = "INSERT INTO log (moment, row, attributes) VALUES (?, ?, ?)";
/// [`PUSHED`] rows at once: each then costs two thirds.
static PUSH_ROWS: &str = "INSERT INTO log (moment, row, attributes) VALUES (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?),
    (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?),
    (?, ?, ?), (?, ?, ?)";
/// How many rows one run of a statement adds.
const PUSHED: usize = 16;

/// How many positions one run of a statement seeks.
const SEEKS: usize = 16;
/// What a visitor of rows is given.
pub(crate) type VisitRow<'a> = &'a mut dyn FnMut(Position, LogRow) -> Result<()>;

/// The log within one open transaction.
#[derive(Default)]
pub(crate) struct Rows {
    places: Places,
    /// Rows that are not in the table yet. Whoever asks for rows sees to it that they are.
    pending: RefCell<Vec<Pending>>,
}

/// A row as it goes into the table.
struct Pending {
    position: i64,
    moment: i64,
    packed: Packed,
    attributes: Option<String>,
}

impl Rows {
    /// Visits the rows between two positions, both included.
    pub(crate) fn visit(
        &self,
        statements: &Statements<'_>,
        first: Position,
        last: Position,
        visit: VisitRow<'_>,
    ) -> Result<()> {
        self.flush(statements)?;
        each(statements, first, last, &mut |position, row| visit(position, self.read(statements, position, row)?))
    }

    /// Visits the rows at some positions, which ascend.
    pub(crate) fn visit_at(
        &self,
        statements: &Statements<'_>,
        positions: &[Position],
        visit: VisitRow<'_>,
    ) -> Result<()> {
        self.flush(statements)?;
        for wanted in positions.chunks(SEEKS) {
            let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { continue };
            // A seek costs as much as half a row more: with few rows between, stepping over them costs less.
            if last.get().saturating_sub(first.get()) < (wanted.len() + wanted.len() / 2) as u64 {
                let mut wanted = wanted.iter().copied().peekable();
                each(statements, *first, *last, &mut |position, row| {
                    while wanted.next_if(|wanted| *wanted < position).is_some() {}
                    match wanted.next_if_eq(&position) {
                        Some(_) => visit(position, self.read(statements, position, row)?),
                        None => Ok(()),
                    }
                })?;
            } else {
                let mut seeks = [None; SEEKS];
                seeks.iter_mut().zip(wanted).for_each(|(seek, position)| *seek = Some(integer(position.get())));
                statements.with(ROWS_AT, |statement| {
                    let rows = statement.query(seeks).map_err(|e| statements.map(e))?;
                    step(statements, rows, &mut |position, row| visit(position, self.read(statements, position, row)?))
                })?;
            }
        }
        Ok(())
    }

    /// How many rows there are between two positions, both included, and where an id stands.
    pub(crate) fn find_id(
        &self,
        statements: &Statements<'_>,
        first: Position,
        last: Position,
        id: EventId,
    ) -> Result<(u64, Option<Position>)> {
        self.flush(statements)?;
        let (from, to) = (id.as_bytes().as_slice(), [id.as_bytes().as_slice(), &ABOVE].concat());
        let found: Option<(i64, Option<i64>)> =
            statements.one(FIND_ID, params![integer(first.get()), integer(last.get()), from, to], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let (rows, position) = found.unwrap_or_default();
        Ok((rows.unsigned_abs(), position.map(|position| Position::new(position.unsigned_abs()))))
    }

    fn read(&self, statements: &Statements<'_>, position: Position, row: &Row<'_>) -> Result<LogRow> {
        let damage = |detail| Error::corrupt(format!("log position {position}"), detail);
        let columns = columns(row).map_err(|e| statements.map(e))?;
        let Columns { mut row, place, checksum } = columns.ok_or_else(|| damage("a field is out of its range"))?;
        let place = self.places.place(statements, place)?.ok_or_else(|| damage("its place is missing"))?;
        (row.project, row.path, row.agent, row.subagent) = (place.project, place.path, place.agent, place.subagent);
        if row.checksum(position) == checksum { Ok(row) } else { Err(damage("its checksum differs")) }
    }

    /// Adds the row after the last one.
    pub(crate) fn push(&self, statements: &Statements<'_>, position: Position, row: &LogRow) -> Result<()> {
        let place = Place { project: row.project, path: row.path, agent: row.agent, subagent: row.subagent };
        let place = self.places.number(statements, place)?;
        let numbers = Numbers {
            checksum: row.checksum(position),
            tool: row.tool,
            kind: row.kind,
            session: row.session,
            place,
            duration: row.duration.map(ToolDuration::as_micros),
        };
        let mut pending = self.pending.borrow_mut();
        pending.push(Pending {
            position: integer(position.get()),
            moment: integer(row.moment()),
            packed: Packed::new(row.id.as_bytes(), &numbers),
            attributes: write_attributes(row),
        });
        if pending.len() < PUSHED { Ok(()) } else { write(statements, &mut pending) }
    }

    /// Writes what is pending: to be done before the transaction ends.
    pub(crate) fn flush(&self, statements: &Statements<'_>) -> Result<()> {
        write(statements, &mut self.pending.borrow_mut())
    }
}

fn write(statements: &Statements<'_>, pending: &mut Vec<Pending>) -> Result<()> {
    let Some(last) = pending.last().map(|row| row.position) else { return Ok(()) };
    let (sql, at_once) = if pending.len() == PUSHED { (PUSH_ROWS, PUSHED) } else { (PUSH_ROW, 1) };
    for rows in pending.chunks(at_once) {
        statements.with(sql, |statement| {
            for (row, first) in rows.iter().zip((1..).step_by(3)) {
                statement.raw_bind_parameter(first, row.moment).map_err(|e| statements.map(e))?;
                statement.raw_bind_parameter(first + 1, row.packed.as_bytes()).map_err(|e| statements.map(e))?;
                statement.raw_bind_parameter(first + 2, &row.attributes).map_err(|e| statements.map(e))?;
            }
            statement.raw_execute().map(drop).map_err(|e| statements.map(e))
        })?;
    }
    pending.clear();
    // SQLite counts by itself, and faster than it takes a number.
    let given = statements.last_key();
    if given == last {
        return Ok(());
    }
    Err(Error::corrupt("log", format!("has no position {last} after its last one, but {given}")))
}

/// Visits the rows between two positions, both included; what is not asked of one costs nothing.
fn each(
    statements: &Statements<'_>,
    first: Position,
    last: Position,
    visit: &mut dyn FnMut(Position, &Row<'_>) -> Result<()>,
) -> Result<()> {
    let (from, to) = (integer(first.get()), integer(last.get()));
    statements.with(if from == to { ROW } else { ROWS }, |statement| {
        let rows = if from == to { statement.query([from]) } else { statement.query([from, to]) };
        step(statements, rows.map_err(|e| statements.map(e))?, visit)
    })
}

fn step(
    statements: &Statements<'_>,
    mut rows: rusqlite::Rows<'_>,
    visit: &mut dyn FnMut(Position, &Row<'_>) -> Result<()>,
) -> Result<()> {
    let failed = |e| statements.map(e);
    let mut previous = None;
    while let Some(row) = rows.next().map_err(failed)? {
        let position = row.get::<_, i64>(0).map_err(failed)?;
        // As in a scan of keys: rows that never end.
        if previous.replace(position).is_some_and(|previous| position <= previous) {
            return Err(Error::corrupt("log", format!("position {position} does not stand in its order")));
        }
        visit(Position::new(position.unsigned_abs()), row)?;
    }
    Ok(())
}

/// What the columns of a row say.
pub(crate) struct Columns {
    /// All but what its place stands for.
    row: LogRow,
    /// The number of its place.
    pub(crate) place: u32,
    checksum: u32,
}

/// Reads a row of [`ROWS`]; `None` where a column is out of its range.
fn columns(row: &Row<'_>) -> rusqlite::Result<Option<Columns>> {
    Ok(Columns::of(row.get(1)?, row.get_ref(2)?.as_blob()?, row.get_ref(3)?.as_str_or_null()?))
}

impl Columns {
    /// Of the columns `moment`, `row` and `attributes`; `None` where one is out of its range.
    pub(crate) fn of(moment: i64, packed: &[u8], attributes: Option<&str>) -> Option<Self> {
        let (time, outcome, source) = LogRow::of_moment(u64::try_from(moment).ok()?)?;
        let (id, numbers) = unpack(packed)?;
        let row = LogRow {
            kind: numbers.kind,
            id: EventId::from_bytes(*id),
            time,
            tool: numbers.tool,
            session: numbers.session,
            project: 0,
            path: 0,
            agent: 0,
            subagent: 0,
            outcome,
            source,
            duration: match numbers.duration {
                None => None,
                Some(micros) => Some(ToolDuration::from_micros(micros).ok()?),
            },
            attributes: read_attributes(attributes)?,
        };
        Some(Self { row, place: numbers.place, checksum: numbers.checksum })
    }

    /// The row, if its checksum says that this is its position and its place.
    pub(crate) fn at(&self, position: Position, place: Place) -> Option<LogRow> {
        let mut row = self.row.clone();
        (row.project, row.path, row.agent, row.subagent) = (place.project, place.path, place.agent, place.subagent);
        (row.checksum(position) == self.checksum).then_some(row)
    }
}

/// A number as SQLite's signed integer; positions, moments and durations are below its end.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Attributes as a JSON object, which SQLite's own functions read.
fn write_attributes(row: &LogRow) -> Option<String> {
    let pairs = row.attributes.iter().map(|(key, value)| (key.clone(), value.clone().into()));
    (!row.attributes.is_empty()).then(|| serde_json::Value::Object(pairs.collect()).to_string())
}

fn read_attributes(text: Option<&str>) -> Option<Vec<(String, String)>> {
    let Some(text) = text else { return Some(Vec::new()) };
    let mut pairs: Vec<(String, String)> =
        serde_json::from_str::<std::collections::BTreeMap<String, String>>(text).ok()?.into_iter().collect();
    pairs.sort_unstable();
    Some(pairs)
}
