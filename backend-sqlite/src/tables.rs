//! The core's tables in SQL.

use rusqlite::Connection;
use tooltally_core::ledger::{Direction, LogRow, NameKind, Patience, Snapshot, Transaction, Tree, Visit};
use tooltally_core::{Error, EventId, Position, Result};

use crate::error::Operation;
use crate::names;
use crate::rows::{Rows, VisitRow};
use crate::statements::Statements;
use crate::trees::Trees;

/// The tables within one open transaction.
pub(crate) struct Tables<'a> {
    statements: Statements<'a>,
    rows: Rows,
    trees: Trees,
}

static HEAD: &str = "SELECT max(position) FROM log";

impl<'a> Tables<'a> {
    pub(crate) fn new(connection: &'a Connection, patience: &Patience) -> Self {
        let operation = Operation::within("use the tables", patience);
        Self { statements: Statements::new(connection, operation), rows: Rows::default(), trees: Trees::default() }
    }

    /// Writes what is still pending: to be done before the transaction is committed.
    pub(crate) fn flush(&self) -> Result<()> {
        self.trees.flush(&self.statements)?;
        self.rows.flush(&self.statements)
    }
}

impl Snapshot for Tables<'_> {
    fn head(&self) -> Result<Position> {
        self.rows.flush(&self.statements)?;
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
        names::number(&self.statements, kind, text)
    }

    fn name_text(&self, kind: NameKind, number: u32) -> Result<Option<String>> {
        names::text(&self.statements, kind, number)
    }

    fn last_name(&self, kind: NameKind) -> Result<u32> {
        names::last(&self.statements, kind)
    }

    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.trees.get(&self.statements, tree, key)
    }

    fn scan(&self, tree: Tree, first: &[u8], last: &[u8], direction: Direction, visit: Visit<'_>) -> Result<()> {
        self.trees.scan(&self.statements, tree, (first, last), direction, visit)
    }
}

impl Transaction for Tables<'_> {
    fn push_row(&mut self, position: Position, row: &LogRow) -> Result<()> {
        self.rows.push(&self.statements, position, row)
    }

    fn push_name(&mut self, kind: NameKind, number: u32, text: &str) -> Result<()> {
        names::push(&self.statements, kind, number, text)
    }

    fn put(&mut self, tree: Tree, key: &[u8], value: &[u8]) -> Result<()> {
        self.trees.put(&self.statements, tree, key, value)
    }

    fn delete(&mut self, tree: Tree, key: &[u8]) -> Result<()> {
        self.trees.delete(&self.statements, tree, key, key)
    }

    fn delete_range(&mut self, tree: Tree, first: &[u8], last: &[u8]) -> Result<()> {
        self.trees.delete(&self.statements, tree, first, last)
    }
}
