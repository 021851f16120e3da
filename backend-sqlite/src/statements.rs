//! Prepared statements, kept at hand while a transaction lasts.

use std::cell::RefCell;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};
use tooltally_core::{Error, Result};

use crate::error::{Operation, map};

/// The statements of one open transaction.
///
/// The connection's own cache finds a statement by hashing its text, which costs as much as a quarter of an
/// insert. Here it is found by the text's address, for which every text must be a `static`.
pub(crate) struct Statements<'a> {
    connection: &'a Connection,
    operation: Operation,
    idle: RefCell<Vec<(&'static str, CachedStatement<'a>)>>,
}

impl<'a> Statements<'a> {
    pub(crate) const fn new(connection: &'a Connection, operation: Operation) -> Self {
        Self { connection, operation, idle: RefCell::new(Vec::new()) }
    }

    /// Runs a statement. It may be run again within: it is then prepared once more.
    pub(crate) fn with<R>(
        &self,
        sql: &'static str,
        run: impl FnOnce(&mut CachedStatement<'a>) -> Result<R>,
    ) -> Result<R> {
        let mut statement = match self.take(sql) {
            Some(statement) => statement,
            None => self.connection.prepare_cached(sql).map_err(|e| self.map(e))?,
        };
        let result = run(&mut statement);
        self.idle.borrow_mut().push((sql, statement));
        result
    }

    fn take(&self, sql: &'static str) -> Option<CachedStatement<'a>> {
        let mut idle = self.idle.borrow_mut();
        // The last one used is the likeliest.
        let at = idle.iter().rposition(|(text, _)| std::ptr::eq(*text, sql))?;
        Some(idle.swap_remove(at).1)
    }

    pub(crate) fn execute(&self, sql: &'static str, params: impl Params) -> Result<()> {
        self.with(sql, |statement| statement.execute(params).map(drop).map_err(|e| self.map(e)))
    }

    /// The same, and how many rows it has changed.
    pub(crate) fn change(&self, sql: &'static str, params: impl Params) -> Result<usize> {
        self.with(sql, |statement| statement.execute(params).map_err(|e| self.map(e)))
    }

    /// Adds a row whose key SQLite counts on by itself; that key.
    pub(crate) fn insert(&self, sql: &'static str, params: impl Params) -> Result<i64> {
        self.with(sql, |statement| statement.insert(params).map_err(|e| self.map(e)))
    }

    /// The key that SQLite has given to the row added last.
    pub(crate) fn last_key(&self) -> i64 {
        self.connection.last_insert_rowid()
    }

    /// The only row of a query, if there is one.
    pub(crate) fn one<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        self.with(sql, |statement| statement.query_row(params, read).optional().map_err(|e| self.map(e)))
    }

    pub(crate) fn map(&self, error: rusqlite::Error) -> Error {
        map(error, self.operation)
    }
}
