//! Rows of the log as columns, and the places that they share.

use std::cell::RefCell;

use rusqlite::{Row, params};
use rustc_hash::FxHashMap;
use tooltally_core::ledger::LogRow;
use tooltally_core::{Error, EventId, Position, Result, ToolDuration};

use crate::packed::{Numbers, Packed, unpack};
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
/// SQLite gives the position after the last one by itself, and faster than it takes one.
static PUSH_ROW: &str = "INSERT INTO log (moment, row, attributes) VALUES (?1, ?2, ?3)";
static PLACE: &str = "SELECT project, path, agent, subagent FROM places WHERE number = ?1";
static PLACE_NUMBER: &str =
    "SELECT number FROM places WHERE project = ?1 AND path = ?2 AND agent = ?3 AND subagent = ?4";
static PUSH_PLACE: &str = "INSERT INTO places (project, path, agent, subagent) VALUES (?1, ?2, ?3, ?4)";

/// How many positions one run of a statement seeks.
const SEEKS: usize = 16;
/// Places with numbers below are remembered while a transaction lasts.
const KEPT: usize = 1 << 16;
/// What a visitor of rows is given.
pub(crate) type VisitRow<'a> = &'a mut dyn FnMut(Position, LogRow) -> Result<()>;

/// The numbers that rows share: most of a session's calls have the same ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Place {
    project: u32,
    path: u32,
    agent: u32,
    subagent: u32,
}

/// The log within one open transaction. A row's checksum covers what its place stands for, so a changed place
/// is noticed with each row that has it.
#[derive(Default)]
pub(crate) struct Rows {
    places: RefCell<Vec<Option<Place>>>,
    numbers: RefCell<FxHashMap<Place, u32>>,
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
        each(statements, first, last, &mut |position, row| visit(position, self.read(statements, position, row)?))
    }

    /// Visits the rows at some positions, which ascend.
    pub(crate) fn visit_at(
        &self,
        statements: &Statements<'_>,
        positions: &[Position],
        visit: VisitRow<'_>,
    ) -> Result<()> {
        for wanted in positions.chunks(SEEKS) {
            let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { continue };
            // A seek costs as much as half a row more: with few rows between, stepping over them costs less.
            if (last.get() - first.get()) < (wanted.len() + wanted.len() / 2) as u64 {
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

    fn read(&self, statements: &Statements<'_>, position: Position, row: &Row<'_>) -> Result<LogRow> {
        let damage = |detail| Error::corrupt(format!("log position {position}"), detail);
        let columns = columns(row).map_err(|e| statements.map(e))?;
        let Columns { mut row, place, checksum } = columns.ok_or_else(|| damage("a field is out of its range"))?;
        let place = self.place(statements, place)?.ok_or_else(|| damage("its place is missing"))?;
        (row.project, row.path, row.agent, row.subagent) = (place.project, place.path, place.agent, place.subagent);
        if row.checksum(position) == checksum { Ok(row) } else { Err(damage("its checksum differs")) }
    }

    /// Adds the row after the last one.
    pub(crate) fn push(&self, statements: &Statements<'_>, position: Position, row: &LogRow) -> Result<()> {
        let place = Place { project: row.project, path: row.path, agent: row.agent, subagent: row.subagent };
        let place = self.number(statements, place)?;
        let numbers = Numbers {
            checksum: row.checksum(position),
            tool: row.tool,
            kind: row.kind,
            session: row.session,
            place,
            duration: row.duration.map(ToolDuration::as_micros),
        };
        let packed = Packed::new(row.id.as_bytes(), &numbers);
        let given =
            statements.insert(PUSH_ROW, params![integer(row.moment()), packed.as_bytes(), write_attributes(row)])?;
        if given == integer(position.get()) {
            return Ok(());
        }
        Err(Error::corrupt("log", format!("has no position {position} after its last one, but {given}")))
    }

    /// What a number stands for; `None` where the file lacks it.
    fn place(&self, statements: &Statements<'_>, number: u32) -> Result<Option<Place>> {
        if number == 0 {
            return Ok(Some(Place::default()));
        }
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(Some(place)) = self.places.borrow().get(at) {
            return Ok(Some(*place));
        }
        let place = statements.one(PLACE, [number], |row| {
            Ok(Place { project: row.get(0)?, path: row.get(1)?, agent: row.get(2)?, subagent: row.get(3)? })
        })?;
        if at < KEPT {
            let mut places = self.places.borrow_mut();
            if places.len() <= at {
                places.resize(at + 1, None);
            }
            if let Some(slot) = places.get_mut(at) {
                *slot = place;
            }
        }
        Ok(place)
    }

    /// The number of a place, a new one if need be.
    fn number(&self, statements: &Statements<'_>, place: Place) -> Result<u32> {
        if place == Place::default() {
            return Ok(0);
        }
        if let Some(number) = self.numbers.borrow().get(&place) {
            return Ok(*number);
        }
        let columns = [place.project, place.path, place.agent, place.subagent];
        let number = match statements.one(PLACE_NUMBER, columns, |row| row.get(0))? {
            Some(number) => number,
            None => u32::try_from(statements.insert(PUSH_PLACE, columns)?)
                .map_err(|_| Error::corrupt("places", "their numbers are used up"))?,
        };
        self.numbers.borrow_mut().insert(place, number);
        Ok(number)
    }
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
    while let Some(row) = rows.next().map_err(failed)? {
        let position = row.get::<_, i64>(0).map_err(failed)?;
        visit(Position::new(position.unsigned_abs()), row)?;
    }
    Ok(())
}

/// What the columns of a row say.
struct Columns {
    /// All but what its place stands for.
    row: LogRow,
    place: u32,
    checksum: u32,
}

/// Reads a row of [`ROWS`]; `None` where a column is out of its range.
fn columns(row: &Row<'_>) -> rusqlite::Result<Option<Columns>> {
    let moment: i64 = row.get(1)?;
    let packed = row.get_ref(2)?.as_blob()?;
    let attributes = row.get_ref(3)?.as_str_or_null()?;
    let checked = || {
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
        Some(Columns { row, place: numbers.place, checksum: numbers.checksum })
    };
    Ok(checked())
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
