//! The core's tables in SQL: one prepared statement for each of their functions.

use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use tooltally_core::ledger::{Direction, LogRow, NameKind, Snapshot, Transaction, Tree, Visit, name_checksum};
use tooltally_core::{Error, EventId, Outcome, Position, Result, Source, Timestamp, ToolDuration};

use crate::error::{Operation, map};
use tooltally_core::ledger::Patience;

/// The tables within one open transaction.
pub(crate) struct Tables<'a> {
    connection: &'a Connection,
    operation: Operation,
}

/// The SQL of one tree.
struct TreeSql {
    get: &'static str,
    put: &'static str,
    delete: &'static str,
    delete_range: &'static str,
    forward: &'static str,
    backward: &'static str,
}

macro_rules! tree_sql {
    ($table:literal) => {
        TreeSql {
            get: concat!("SELECT value FROM ", $table, " WHERE key = ?1"),
            put: concat!("INSERT OR REPLACE INTO ", $table, " (key, value) VALUES (?1, ?2)"),
            delete: concat!("DELETE FROM ", $table, " WHERE key = ?1"),
            delete_range: concat!("DELETE FROM ", $table, " WHERE key BETWEEN ?1 AND ?2"),
            forward: concat!("SELECT key, value FROM ", $table, " WHERE key BETWEEN ?1 AND ?2 ORDER BY key"),
            backward: concat!("SELECT key, value FROM ", $table, " WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC"),
        }
    };
}

const fn sql(tree: Tree) -> &'static TreeSql {
    match tree {
        Tree::Meta => &tree_sql!("meta"),
        Tree::Rollups => &tree_sql!("rollups"),
        Tree::Calls => &tree_sql!("calls"),
        Tree::Sessions => &tree_sql!("sessions"),
        Tree::Postings => &tree_sql!("postings"),
        Tree::Recents => &tree_sql!("recents"),
        Tree::IdRuns => &tree_sql!("id_runs"),
    }
}

const ROWS: &str = "SELECT position, kind, id, time, tool, session, project, path, agent, subagent, outcome, source,
    duration, attributes, checksum FROM log WHERE position BETWEEN ?1 AND ?2 ORDER BY position";
const ROW: &str = "SELECT position, kind, id, time, tool, session, project, path, agent, subagent, outcome, source,
    duration, attributes, checksum FROM log WHERE position = ?1";
/// Stepping over so many rows costs no more than seeking anew.
const NEAR: u64 = 3;
const PUSH_ROW: &str = "INSERT INTO log (position, kind, id, time, tool, session, project, path, agent, subagent,
    outcome, source, duration, attributes, checksum)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

impl<'a> Tables<'a> {
    pub(crate) fn new(connection: &'a Connection, patience: &Patience) -> Self {
        Self { connection, operation: Operation::within("use the tables", patience) }
    }

    fn execute(&self, sql: &'static str, params: impl Params) -> Result<()> {
        let done = self.connection.prepare_cached(sql).and_then(|mut s| s.execute(params));
        done.map(|_| ()).map_err(|e| self.map(e))
    }

    fn one<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let found = self.connection.prepare_cached(sql).and_then(|mut s| s.query_row(params, read).optional());
        found.map_err(|e| self.map(e))
    }

    fn position_of(&self, row: &Row<'_>) -> Result<Position> {
        let number: i64 = row.get(0).map_err(|e| self.map(e))?;
        Ok(Position::new(number.unsigned_abs()))
    }

    fn map(&self, error: rusqlite::Error) -> Error {
        map(error, self.operation)
    }
}

impl Snapshot for Tables<'_> {
    fn head(&self) -> Result<Position> {
        let last: Option<Option<i64>> = self.one("SELECT max(position) FROM log", [], |row| row.get(0))?;
        match last.flatten().map(u64::try_from) {
            None => Ok(Position::START),
            Some(Ok(last)) => Ok(Position::new(last)),
            Some(Err(_)) => Err(Error::corrupt("log", "holds a negative position")),
        }
    }

    fn rows(
        &self,
        first: Position,
        last: Position,
        visit: &mut dyn FnMut(Position, LogRow) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.connection.prepare_cached(ROWS).map_err(|e| self.map(e))?;
        let mut rows = statement.query(params![integer(first.get()), integer(last.get())]).map_err(|e| self.map(e))?;
        while let Some(row) = rows.next().map_err(|e| self.map(e))? {
            let position = self.position_of(row)?;
            visit(position, read_row(position, row)?)?;
        }
        Ok(())
    }

    fn rows_at(&self, positions: &[Position], visit: &mut dyn FnMut(Position, LogRow) -> Result<()>) -> Result<()> {
        let is_near = |a: &Position, b: &Position| b.get().saturating_sub(a.get()) <= NEAR;
        let mut seek = self.connection.prepare_cached(ROW).map_err(|e| self.map(e))?;
        let mut step = self.connection.prepare_cached(ROWS).map_err(|e| self.map(e))?;
        for stretch in positions.chunk_by(is_near) {
            let rows = match stretch {
                [] => continue,
                [only] => seek.query(params![integer(only.get())]),
                [first, .., last] => step.query(params![integer(first.get()), integer(last.get())]),
            };
            let mut rows = rows.map_err(|e| self.map(e))?;
            let mut wanted = stretch.iter().peekable();
            while let Some(row) = rows.next().map_err(|e| self.map(e))? {
                let position = self.position_of(row)?;
                while wanted.next_if(|wanted| **wanted < position).is_some() {}
                if wanted.next_if_eq(&&position).is_some() {
                    visit(position, read_row(position, row)?)?;
                }
            }
        }
        Ok(())
    }

    fn name_number(&self, kind: NameKind, text: &str) -> Result<Option<u32>> {
        let sql = "SELECT number, checksum FROM names WHERE kind = ?1 AND text = ?2";
        let found: Option<(u32, u32)> =
            self.one(sql, params![kind.code(), text], |row| Ok((row.get(0)?, row.get(1)?)))?;
        found.map(|(number, checksum)| checked(kind, number, text, checksum).map(|()| number)).transpose()
    }

    fn name_text(&self, kind: NameKind, number: u32) -> Result<Option<String>> {
        let sql = "SELECT text, checksum FROM names WHERE kind = ?1 AND number = ?2";
        let found: Option<(String, u32)> =
            self.one(sql, params![kind.code(), number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        found.map(|(text, checksum)| checked(kind, number, &text, checksum).map(|()| text)).transpose()
    }

    fn last_name(&self, kind: NameKind) -> Result<u32> {
        let last: Option<Option<u32>> =
            self.one("SELECT max(number) FROM names WHERE kind = ?1", params![kind.code()], |row| row.get(0))?;
        Ok(last.flatten().unwrap_or(0))
    }

    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.one(sql(tree).get, params![key], |row| row.get(0))
    }

    fn scan(&self, tree: Tree, first: &[u8], last: &[u8], direction: Direction, visit: Visit<'_>) -> Result<()> {
        let sql = match direction {
            Direction::Forward => sql(tree).forward,
            Direction::Backward => sql(tree).backward,
        };
        let mut statement = self.connection.prepare_cached(sql).map_err(|e| self.map(e))?;
        let mut rows = statement.query(params![first, last]).map_err(|e| self.map(e))?;
        while let Some(row) = rows.next().map_err(|e| self.map(e))? {
            let blob = |at| row.get_ref(at).and_then(|v| Ok(v.as_blob()?));
            let (key, value) = (blob(0).map_err(|e| self.map(e))?, blob(1).map_err(|e| self.map(e))?);
            if visit(key, value)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Transaction for Tables<'_> {
    fn push_row(&mut self, position: Position, row: &LogRow) -> Result<()> {
        self.execute(
            PUSH_ROW,
            params![
                integer(position.get()),
                row.kind,
                row.id.as_bytes(),
                row.time.as_micros(),
                row.tool,
                row.session,
                row.project,
                row.path,
                row.agent,
                row.subagent,
                row.outcome.code(),
                row.source.code(),
                row.duration.map(|d| integer(d.as_micros())),
                write_attributes(row),
                row.checksum(position),
            ],
        )
    }

    fn push_name(&mut self, kind: NameKind, number: u32, text: &str) -> Result<()> {
        self.execute(
            "INSERT INTO names (kind, number, text, checksum) VALUES (?1, ?2, ?3, ?4)",
            params![kind.code(), number, text, name_checksum(kind, number, text)],
        )
    }

    fn put(&mut self, tree: Tree, key: &[u8], value: &[u8]) -> Result<()> {
        self.execute(sql(tree).put, params![key, value])
    }

    fn delete(&mut self, tree: Tree, key: &[u8]) -> Result<()> {
        self.execute(sql(tree).delete, params![key])
    }

    fn delete_range(&mut self, tree: Tree, first: &[u8], last: &[u8]) -> Result<()> {
        self.execute(sql(tree).delete_range, params![first, last])
    }
}

/// A name is believed only with its checksum, whichever way it was asked for.
fn checked(kind: NameKind, number: u32, text: &str, checksum: u32) -> Result<()> {
    if name_checksum(kind, number, text) == checksum {
        return Ok(());
    }
    Err(Error::corrupt(format!("{} name {number}", kind.as_str()), "its checksum differs"))
}

/// A number as SQLite's signed integer; positions and durations are far below its end.
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

/// Reads a row of [`ROWS`], and compares its checksum.
fn read_row(position: Position, row: &Row<'_>) -> Result<LogRow> {
    let place = || format!("log position {position}");
    let (row, checksum) = columns(row)
        .map_err(|e| map(e, Operation::new("read a log row")))?
        .ok_or_else(|| Error::corrupt(place(), "a field is out of its range"))?;
    if row.checksum(position) == checksum { Ok(row) } else { Err(Error::corrupt(place(), "its checksum differs")) }
}

/// The columns as a row and its checksum; `None` where one is out of its range.
fn columns(row: &Row<'_>) -> rusqlite::Result<Option<(LogRow, u32)>> {
    let id = row.get(2)?;
    let time = Timestamp::from_micros(row.get(3)?);
    let outcome = Outcome::from_code(row.get(10)?);
    let source = Source::from_code(row.get(11)?);
    let duration: Option<i64> = row.get(12)?;
    let duration = duration.map(|micros| u64::try_from(micros).ok().and_then(|m| ToolDuration::from_micros(m).ok()));
    let attributes = read_attributes(row.get_ref(13)?.as_str_or_null()?);
    let (Ok(time), Some(outcome), Some(source), Some(attributes)) = (time, outcome, source, attributes) else {
        return Ok(None);
    };
    if duration == Some(None) {
        return Ok(None);
    }
    let found = LogRow {
        kind: row.get(1)?,
        id: EventId::from_bytes(id),
        time,
        tool: row.get(4)?,
        session: row.get(5)?,
        project: row.get(6)?,
        path: row.get(7)?,
        agent: row.get(8)?,
        subagent: row.get(9)?,
        outcome,
        source,
        duration: duration.flatten(),
        attributes,
    };
    Ok(Some((found, row.get(14)?)))
}
