//! The core's tables in SQL: one prepared statement for each of their functions.

use std::cmp::Ordering;

use rusqlite::{Connection, params};
use tooltally_core::ledger::{
    Direction, LogRow, NameKind, Patience, Snapshot, Transaction, Tree, Visit, name_checksum,
};
use tooltally_core::{Error, Position, Result};

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
        self.statements.one(sql(tree).get, params![key], |row| row.get(0))
    }

    fn scan(&self, tree: Tree, first: &[u8], last: &[u8], direction: Direction, visit: Visit<'_>) -> Result<()> {
        let sql = match direction {
            Direction::Forward => sql(tree).forward,
            Direction::Backward => sql(tree).backward,
        };
        let failed = |e| self.statements.map(e);
        self.statements.with(sql, |statement| {
            let mut rows = statement.query([first, last]).map_err(failed)?;
            let mut order = Order::new(direction);
            while let Some(row) = rows.next().map_err(failed)? {
                let blob = |at| row.get_ref(at).and_then(|v| Ok(v.as_blob()?)).map_err(failed);
                let key = blob(0)?;
                if !order.goes_on_with(key) {
                    return Err(Error::corrupt(format!("table {}", tree.as_str()), "its keys are not in order"));
                }
                if visit(key, blob(1)?)?.is_break() {
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
        self.statements.execute(sql(tree).put, params![key, value])
    }

    fn delete(&mut self, tree: Tree, key: &[u8]) -> Result<()> {
        self.statements.execute(sql(tree).delete, params![key])
    }

    fn delete_range(&mut self, tree: Tree, first: &[u8], last: &[u8]) -> Result<()> {
        self.statements.execute(sql(tree).delete_range, params![first, last])
    }
}

/// Sees that the keys of a scan are in their order, each once. In a damaged file pages may lead to each other, and a
/// few of them then hold more rows than can ever be read.
struct Order {
    expected: Ordering,
    previous: Option<Vec<u8>>,
}

impl Order {
    const fn new(direction: Direction) -> Self {
        let expected = match direction {
            Direction::Forward => Ordering::Greater,
            Direction::Backward => Ordering::Less,
        };
        Self { expected, previous: None }
    }

    fn goes_on_with(&mut self, key: &[u8]) -> bool {
        let Some(previous) = &mut self.previous else {
            self.previous = Some(key.to_vec());
            return true;
        };
        let goes_on = key.cmp(previous) == self.expected;
        previous.clear();
        previous.extend_from_slice(key);
        goes_on
    }
}

/// A name is believed only with its checksum, whichever way it was asked for.
fn checked(kind: NameKind, number: u32, text: &str, checksum: u32) -> Result<()> {
    if name_checksum(kind, number, text) == checksum {
        return Ok(());
    }
    Err(Error::corrupt(format!("{} name {number}", kind.as_str()), "its checksum differs"))
}
