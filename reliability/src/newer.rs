//! The program of a format 2 that there is here alone: what it makes of a store of format 1 as it opens it.

use std::path::Path;

use redb::{ReadableTable as _, TableDefinition, WriteTransaction};
use rusqlite::Connection;
use tooltally::{OpenOptions, Store};
use tooltally_redb::Layer;

use crate::Backend;

/// Opens a store by the program of format 2, which migrates one of format 1; redb's on this layer.
pub(crate) fn open(
    backend: Backend,
    folder: &Path,
    options: &OpenOptions,
    layer: Option<Layer>,
) -> tooltally::Result<Box<dyn Store>> {
    const SQLITE: tooltally_sqlite::Migrations = tooltally_sqlite::Migrations::new(&[sqlite_to_2]);
    const REDB: tooltally_redb::Migrations = tooltally_redb::Migrations::new(&[redb_to_2]);
    let (file, options) = (backend.file(folder), options.clone().exclusive(backend == Backend::RedbExclusive));
    Ok(match backend {
        Backend::Sqlite => Box::new(tooltally_sqlite::SqliteStore::open_migrating(file, &options, SQLITE)?),
        Backend::Redb | Backend::RedbExclusive => {
            Box::new(tooltally_redb::RedbStore::open_migrating(file, &options, REDB, layer)?)
        }
    })
}

/// Writes every row of the log anew, and the calls.
fn sqlite_to_2(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DROP VIEW tool_usage_events;
        CREATE TABLE log_2 (position INTEGER PRIMARY KEY, moment INTEGER NOT NULL, row BLOB NOT NULL, attributes TEXT,
            kind INTEGER NOT NULL DEFAULT 1) STRICT;
        INSERT INTO log_2 SELECT position, moment, row, ' ' || attributes, 1 FROM log ORDER BY position;
        DROP TABLE log;
        ALTER TABLE log_2 RENAME TO log;
        CREATE TABLE calls_2 (key BLOB PRIMARY KEY, link BLOB NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
        INSERT INTO calls_2 SELECT key, link, value FROM calls;
        DROP TABLE calls;
        ALTER TABLE calls_2 RENAME TO calls;",
    )
}

/// The same.
fn redb_to_2(transaction: &WriteTransaction) -> std::result::Result<(), redb::Error> {
    const LOG: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("log");
    const LOG_2: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("log_2");
    const CALLS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("calls");
    const CALLS_2: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("calls_2");
    {
        let (old, mut new) = (transaction.open_table(LOG)?, transaction.open_table(LOG_2)?);
        for entry in old.iter()? {
            let (position, row) = entry?;
            new.insert(position.value(), row.value())?;
        }
        let (old, mut new) = (transaction.open_table(CALLS)?, transaction.open_table(CALLS_2)?);
        for entry in old.iter()? {
            let (key, value) = entry?;
            new.insert(key.value(), value.value())?;
        }
    }
    transaction.delete_table(LOG)?;
    transaction.rename_table(LOG_2, LOG)?;
    transaction.delete_table(CALLS)?;
    Ok(transaction.rename_table(CALLS_2, CALLS)?)
}
