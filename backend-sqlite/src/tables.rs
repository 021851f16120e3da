//! The core's tables in SQL: one prepared statement for each of their functions.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params};
use tooltally_core::ledger::{
    Direction, LogRow, NameKind, Patience, Snapshot, Transaction, Tree, Visit, name_checksum,
};
use tooltally_core::{Error, EventId, Position, Result};

use crate::error::Operation;
use crate::rows::{Rows, VisitRow};
use crate::statements::Statements;

/// The tables within one open transaction.
pub(crate) struct Tables<'a> {
    statements: Statements<'a>,
    rows: Rows,
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
            put: concat!(
                "INSERT INTO ",
                $table,
                " (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
            ),
            delete: concat!("DELETE FROM ", $table, " WHERE key = ?1"),
            delete_range: concat!("DELETE FROM ", $table, " WHERE key BETWEEN ?1 AND ?2"),
            forward: concat!("SELECT key, value FROM ", $table, " WHERE key BETWEEN ?1 AND ?2 ORDER BY key"),
            backward: concat!("SELECT key, value FROM ", $table, " WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC"),
        }
    };
}

static META: TreeSql = tree_sql!("meta");
static ROLLUPS: TreeSql = tree_sql!("rollups");
static CALLS: TreeSql = tree_sql!("calls");
static SESSIONS: TreeSql = tree_sql!("sessions");
static POSTINGS: TreeSql = tree_sql!("postings");
static RECENTS: TreeSql = tree_sql!("recents");
static ID_RUNS: TreeSql = tree_sql!("id_runs");

const fn sql(tree: Tree) -> &'static TreeSql {
    match tree {
        Tree::Meta => &META,
        Tree::Rollups => &ROLLUPS,
        Tree::Calls => &CALLS,
        Tree::Sessions => &SESSIONS,
        Tree::Postings => &POSTINGS,
        Tree::Recents => &RECENTS,
        Tree::IdRuns => &ID_RUNS,
    }
}

/// A key as SQL has it: bytes, or in the tree of the id runs the number that they are.
enum Key<'a> {
    Bytes(&'a [u8]),
    Number(i64),
}

impl<'a> Key<'a> {
    fn of(tree: Tree, bytes: &'a [u8]) -> Result<Self> {
        if tree != Tree::IdRuns {
            return Ok(Self::Bytes(bytes));
        }
        let number = bytes.try_into().ok().and_then(|bytes| i64::try_from(u64::from_be_bytes(bytes)).ok());
        number.map(Self::Number).ok_or_else(|| Error::invalid("key", "is no number below 2^63"))
    }

    /// Calls back with the key that SQL has found, in bytes.
    fn with_found<R>(found: ValueRef<'_>, use_bytes: impl FnOnce(&[u8]) -> R) -> rusqlite::Result<R> {
        match found {
            ValueRef::Integer(number) => Ok(use_bytes(&number.to_be_bytes())),
            other => Ok(use_bytes(other.as_blob()?)),
        }
    }
}

impl ToSql for Key<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Bytes(bytes) => bytes.to_sql(),
            Self::Number(number) => Ok(ToSqlOutput::from(*number)),
        }
    }
}

static HEAD: &str = "SELECT max(position) FROM log";
static NAME_NUMBER: &str = "SELECT number, checksum FROM names WHERE kind = ?1 AND text = ?2";
static NAME_TEXT: &str = "SELECT text, checksum FROM names WHERE kind = ?1 AND number = ?2";
static LAST_NAME: &str = "SELECT max(number) FROM names WHERE kind = ?1";
static PUSH_NAME: &str = "INSERT INTO names (kind, number, text, checksum) VALUES (?1, ?2, ?3, ?4)";

impl<'a> Tables<'a> {
    pub(crate) fn new(connection: &'a Connection, patience: &Patience) -> Self {
        let operation = Operation::within("use the tables", patience);
        Self { statements: Statements::new(connection, operation), rows: Rows::default() }
    }

    /// Writes what is still pending: to be done before the transaction is committed.
    pub(crate) fn flush(&self) -> Result<()> {
        self.rows.flush(&self.statements)
    }
}

impl Snapshot for Tables<'_> {
    fn head(&self) -> Result<Position> {
        self.flush()?;
        let last: Option<Option<i64>> = self.statements.one(HEAD, [], |row| row.get(0))?;
        match last.flatten().map(u64::try_from) {
            None => Ok(Position::START),
            Some(Ok(last)) => Ok(Position::new(last)),
            Some(Err(_)) => Err(Error::corrupt("log", "holds a negative position")),
        }
    }

    fn rows(&self, first: Position, last: Position, visit: VisitRow<'_>) -> Result<()> {
        self.rows.visit(&self.statements, first, last, visit)
    }

    fn rows_at(&self, positions: &[Position], visit: VisitRow<'_>) -> Result<()> {
        self.rows.visit_at(&self.statements, positions, visit)
    }

    fn find_id(&self, first: Position, last: Position, id: EventId) -> Result<(u64, Option<Position>)> {
        self.rows.find_id(&self.statements, first, last, id)
    }

    fn name_number(&self, kind: NameKind, text: &str) -> Result<Option<u32>> {
        let found: Option<(u32, u32)> =
            self.statements.one(NAME_NUMBER, params![kind.code(), text], |row| Ok((row.get(0)?, row.get(1)?)))?;
        found.map(|(number, checksum)| checked(kind, number, text, checksum).map(|()| number)).transpose()
    }

    fn name_text(&self, kind: NameKind, number: u32) -> Result<Option<String>> {
        let found: Option<(String, u32)> =
            self.statements.one(NAME_TEXT, params![kind.code(), number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        found.map(|(text, checksum)| checked(kind, number, &text, checksum).map(|()| text)).transpose()
    }

    fn last_name(&self, kind: NameKind) -> Result<u32> {
        let last: Option<Option<u32>> = self.statements.one(LAST_NAME, params![kind.code()], |row| row.get(0))?;
        Ok(last.flatten().unwrap_or(0))
    }

    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.statements.one(sql(tree).get, [Key::of(tree, key)?], |row| row.get(0))
    }

    fn scan(&self, tree: Tree, first: &[u8], last: &[u8], direction: Direction, visit: Visit<'_>) -> Result<()> {
        let bounds = [Key::of(tree, first)?, Key::of(tree, last)?];
        let sql = match direction {
            Direction::Forward => sql(tree).forward,
            Direction::Backward => sql(tree).backward,
        };
        let failed = |e| self.statements.map(e);
        self.statements.with(sql, |statement| {
            let mut rows = statement.query(bounds).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                let value = row.get_ref(1).and_then(|v| Ok(v.as_blob()?)).map_err(failed)?;
                let key = row.get_ref(0).map_err(failed)?;
                if Key::with_found(key, |key| visit(key, value)).map_err(failed)??.is_break() {
                    break;
                }
            }
            Ok(())
        })
    }
}

impl Transaction for Tables<'_> {
    fn push_row(&mut self, position: Position, row: &LogRow) -> Result<()> {
        self.rows.push(&self.statements, position, row)
    }

    fn push_name(&mut self, kind: NameKind, number: u32, text: &str) -> Result<()> {
        self.statements.execute(PUSH_NAME, params![kind.code(), number, text, name_checksum(kind, number, text)])
    }

    fn put(&mut self, tree: Tree, key: &[u8], value: &[u8]) -> Result<()> {
        self.statements.execute(sql(tree).put, params![Key::of(tree, key)?, value])
    }

    fn delete(&mut self, tree: Tree, key: &[u8]) -> Result<()> {
        self.statements.execute(sql(tree).delete, [Key::of(tree, key)?])
    }

    fn delete_range(&mut self, tree: Tree, first: &[u8], last: &[u8]) -> Result<()> {
        self.statements.execute(sql(tree).delete_range, [Key::of(tree, first)?, Key::of(tree, last)?])
    }
}

/// A name is believed only with its checksum, whichever way it was asked for.
fn checked(kind: NameKind, number: u32, text: &str, checksum: u32) -> Result<()> {
    if name_checksum(kind, number, text) == checksum {
        return Ok(());
    }
    Err(Error::corrupt(format!("{} name {number}", kind.as_str()), "its checksum differs"))
}
