//! One transaction of a connection, which never outlives its caller.

use rusqlite::Connection;
use tooltally_core::Result;

use crate::error::{Operation, map};
use crate::wait::{limit_wait, wait_for_nobody};
use tooltally_core::ledger::Patience;

/// A transaction that is rolled back unless it was committed, by an early return or a panic too.
pub(crate) struct OpenTransaction<'a> {
    connection: &'a Connection,
    operation: Operation,
}

impl<'a> OpenTransaction<'a> {
    /// Begins with one of SQL's ways to say so, within the wait.
    pub(crate) fn begin(
        connection: &'a Connection,
        begin: &'static str,
        operation: Operation,
        patience: &Patience,
    ) -> Result<Self> {
        limit_wait(connection, patience).map_err(|e| map(e, operation))?;
        run(connection, begin, operation)?;
        Ok(Self { connection, operation })
    }

    /// Begins to write, or is busy at once.
    pub(crate) fn try_begin_immediate(connection: &'a Connection, operation: Operation) -> Result<Self> {
        wait_for_nobody(connection).map_err(|e| map(e, operation))?;
        run(connection, "BEGIN IMMEDIATE", operation)?;
        Ok(Self { connection, operation })
    }

    /// Makes the transaction's changes last.
    pub(crate) fn commit(self) -> Result<()> {
        run(self.connection, "COMMIT", self.operation)
    }
}

impl Drop for OpenTransaction<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit() {
            // A failure leaves the transaction open: whoever would use the connection next looks for that.
            let _ = run(self.connection, "ROLLBACK", self.operation);
        }
    }
}

fn run(connection: &Connection, sql: &'static str, operation: Operation) -> Result<()> {
    connection.prepare_cached(sql).and_then(|mut s| s.execute([])).map(|_| ()).map_err(|e| map(e, operation))
}
