//! The bare engines: one table, one 48-byte row per event, no index.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use redb::{ConcurrencyMode, Database, TableDefinition};
use rusqlite::{Connection, TransactionBehavior, params};

use crate::Result;
use crate::question::Question;
use crate::subject::{Append, Ask, Subject};
use crate::workload::WorkloadEvent;

/// What the writer of our SQLite store may take.
const SQLITE_CACHE_KIB: u32 = 8 << 10;
/// What our redb store may take.
const REDB_CACHE_BYTES: usize = 32 << 20;

const ROW_BYTES: usize = 48;
const EVENTS: TableDefinition<u64, [u8; ROW_BYTES]> = TableDefinition::new("events");

/// Opens an SQLite database in the way our store does: WAL, each commit synced.
pub(crate) fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_mins(1))?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))?;
    connection.execute_batch(&format!("PRAGMA synchronous = FULL; PRAGMA cache_size = -{SQLITE_CACHE_KIB};"))?;
    Ok(connection)
}

/// The bare SQLite.
pub(crate) struct RawSqlite {
    connection: Mutex<Connection>,
}

impl RawSqlite {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = connect(path)?;
        connection
            .execute_batch("CREATE TABLE IF NOT EXISTS events(position INTEGER PRIMARY KEY, row BLOB NOT NULL)")?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    fn write(&self, rows: &[(u64, [u8; ROW_BYTES])]) -> Result<()> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO events(row) VALUES (?1)")?;
            for (_, row) in rows {
                insert.execute(params![row])?;
            }
        }
        Ok(transaction.commit()?)
    }
}

impl Subject for RawSqlite {
    fn append<'a>(&'a self, calls: &[WorkloadEvent]) -> Result<Append<'a>> {
        let rows = rows(calls);
        Ok(Box::new(move || self.write(&rows)))
    }

    fn ask<'a>(&'a self, _question: &Question) -> Result<Option<Ask<'a>>> {
        Ok(None)
    }

    fn rebuild(&self) -> Result<()> {
        Ok(())
    }

    fn compact(&self) -> Result<()> {
        Ok(())
    }
}

/// The bare redb, in its exclusive mode.
pub(crate) struct RawRedb {
    database: Database,
}

impl RawRedb {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let database = Database::builder()
            .set_concurrency_mode(ConcurrencyMode::ExclusiveWriter)
            .set_cache_size(REDB_CACHE_BYTES)
            .create(path)?;
        Ok(Self { database })
    }

    fn write(&self, rows: &[(u64, [u8; ROW_BYTES])]) -> Result<()> {
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(EVENTS)?;
            for (position, row) in rows {
                table.insert(position, row)?;
            }
        }
        Ok(transaction.commit()?)
    }
}

impl Subject for RawRedb {
    fn append<'a>(&'a self, calls: &[WorkloadEvent]) -> Result<Append<'a>> {
        let rows = rows(calls);
        Ok(Box::new(move || self.write(&rows)))
    }

    fn ask<'a>(&'a self, _question: &Question) -> Result<Option<Ask<'a>>> {
        Ok(None)
    }

    fn rebuild(&self) -> Result<()> {
        Ok(())
    }

    fn compact(&self) -> Result<()> {
        Ok(())
    }
}

/// Rows of the right size: the event's numbers, then its call id.
fn rows(calls: &[WorkloadEvent]) -> Vec<(u64, [u8; ROW_BYTES])> {
    calls.iter().map(|call| (call.number + 1, row(call))).collect()
}

fn row(call: &WorkloadEvent) -> [u8; ROW_BYTES] {
    let numbers = [call.time_micros, call.session, call.duration_micros.unwrap_or(u64::MAX)];
    let small = [call.tool.to_le_bytes().first().copied().unwrap_or(0), call.outcome.code()];
    let id = call.call_id();
    let bytes = numbers.into_iter().flat_map(u64::to_le_bytes).chain(small).chain(id.bytes().skip(8));
    let mut row = [0; ROW_BYTES];
    row.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    row
}
