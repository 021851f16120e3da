//! Opening, connections and transactions.
//!
//! One connection writes, under a mutex; readers take one from a small pool. What WAL mode asks for is done
//! here: `busy_timeout` before all else, every write `BEGIN IMMEDIATE`, `synchronous` by durability.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tooltally_core::ledger::{Engine, Snapshot, Transaction};
use tooltally_core::{Durability, Error, OpenOptions, Result};

use crate::error::{Operation, map, map_io};
use crate::migration::{Found, look, look_inside};
use crate::schema;
use crate::tables::Tables;

/// How many idle readers are kept.
const IDLE_READERS: usize = 4;
/// The most memory that a connection's page cache takes.
const WRITER_CACHE_KIB: u32 = 8 << 10;
const READER_CACHE_KIB: u32 = 4 << 10;
/// How many prepared statements a connection keeps: every one that there is.
const STATEMENTS: usize = 64;
/// SQLite as the ledger's engine.
pub(crate) struct SqliteEngine {
    path: PathBuf,
    options: OpenOptions,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl SqliteEngine {
    /// Opens a database, made if missing and wanted.
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
        if look(path)? == Found::Nothing {
            if !options.creates() {
                return Err(Error::Missing { path: path.display().to_string() });
            }
            create_file(path)?;
        }
        let connection = connect(path, options, WRITER_CACHE_KIB)?;
        if look_inside(&connection, path, options)? == Found::Unfinished {
            if !options.creates() {
                return Err(Error::Missing { path: path.display().to_string() });
            }
            create_schema(&connection, path, options)?;
        }
        use_wal(&connection, options.longest_wait())?;
        checkpoint_on_close(&connection, true).map_err(|e| map(e, Operation::new("open the file")))?;
        Ok(Self {
            path: path.to_owned(),
            options: options.clone(),
            writer: Mutex::new(connection),
            readers: Mutex::default(),
        })
    }

    fn reader(&self) -> Result<Connection> {
        let idle = lock(&self.readers).pop();
        idle.map_or_else(
            || {
                let reader = connect(&self.path, &self.options, READER_CACHE_KIB)?;
                checkpoint_on_close(&reader, true).map_err(|e| map(e, Operation::new("open the file")))?;
                Ok(reader)
            },
            Ok,
        )
    }

    fn give_back(&self, reader: Connection) {
        let mut idle = lock(&self.readers);
        if idle.len() < IDLE_READERS {
            idle.push(reader);
        }
    }
}

impl Engine for SqliteEngine {
    fn read<R>(&self, body: impl FnOnce(&dyn Snapshot) -> Result<R>) -> Result<R> {
        let reader = self.reader()?;
        let operation = Operation::new("read");
        run(&reader, "BEGIN", operation)?;
        let open = OpenTransaction { connection: &reader, operation };
        let result = body(&Tables::new(&reader));
        drop(open);
        self.give_back(reader);
        result
    }

    fn write<R>(&self, body: impl FnOnce(&mut dyn Transaction) -> Result<R>) -> Result<R> {
        let writer = lock(&self.writer);
        let operation = Operation::new("write");
        run(&writer, "BEGIN IMMEDIATE", operation)?;
        let open = OpenTransaction { connection: &writer, operation };
        let result = body(&mut Tables::new(&writer))?;
        run(&writer, "COMMIT", operation)?;
        drop(open);
        Ok(result)
    }

    /// Rewrites the file without its free pages, then empties the write-ahead log into it.
    fn compact(&self) -> Result<()> {
        lock(&self.readers).clear();
        let writer = lock(&self.writer);
        let operation = Operation::new("compact the file");
        writer.execute_batch("VACUUM").map_err(|e| map(e, operation))?;
        let busy: i64 =
            writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(|e| map(e, operation))?;
        if busy == 0 { Ok(()) } else { Err(Error::Busy { waited: self.options.longest_wait() }) }
    }

    fn check(&self) -> Result<()> {
        let reader = self.reader()?;
        let first: String = reader
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(|e| map(e, Operation::new("check the file")))?;
        self.give_back(reader);
        if first == "ok" { Ok(()) } else { Err(Error::corrupt("the SQLite file", first)) }
    }
}

/// A transaction that is rolled back unless it was committed, by an early return or a panic too.
struct OpenTransaction<'a> {
    connection: &'a Connection,
    operation: Operation,
}

impl Drop for OpenTransaction<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit() {
            // A failure leaves the transaction open: the next BEGIN reports it.
            let _ = run(self.connection, "ROLLBACK", self.operation);
        }
    }
}

fn run(connection: &Connection, sql: &'static str, operation: Operation) -> Result<()> {
    connection.prepare_cached(sql).and_then(|mut s| s.execute([])).map(|_| ()).map_err(|e| map(e, operation))
}

/// Makes an empty file, and the folders above it, for the owner alone. SQLite gives its `-wal` and `-shm`
/// the same permissions.
fn create_file(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|e| map_io(e, "make the store's folder"))?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => sync_folder(path).map_err(|e| map_io(e, "make the store's file")),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(map_io(e, "make the store's file")),
    }
}

/// The file's name must survive power loss as the events do. Windows has no such call and needs none.
#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

fn connect(path: &Path, options: &OpenOptions, cache_kib: u32) -> Result<Connection> {
    let operation = Operation::new("open the file");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| map(e, operation))?;
    let synchronous = match options.durability_wanted() {
        Durability::Full => "FULL",
        Durability::Relaxed => "NORMAL",
    };
    let set_up = || -> rusqlite::Result<()> {
        connection.busy_timeout(options.longest_wait())?;
        checkpoint_on_close(&connection, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.execute_batch(&format!("PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -{cache_kib};"))
    };
    set_up().map_err(|e| map(e, operation))?;
    Ok(connection)
}

/// Whether the last to close the store moves its write-ahead log into the database. Not before the format is
/// known: a store that is refused must stay as it is.
fn checkpoint_on_close(connection: &Connection, on: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !on).map(|_| ())
}

/// Makes the tables, unless another process has made them meanwhile.
fn create_schema(connection: &Connection, path: &Path, options: &OpenOptions) -> Result<()> {
    let operation = Operation::new("make the store");
    run(connection, "BEGIN EXCLUSIVE", operation)?;
    let open = OpenTransaction { connection, operation };
    if look_inside(connection, path, options)? == Found::Unfinished {
        schema::create(connection)?;
    }
    run(connection, "COMMIT", operation)?;
    drop(open);
    Ok(())
}

/// Turns WAL mode on, once for the life of the file. SQLite does not wait for others there, so this does.
fn use_wal(connection: &Connection, longest_wait: Duration) -> Result<()> {
    let started = Instant::now();
    let operation = Operation::new("turn on WAL mode");
    loop {
        let switch = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match switch {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(Error::Engine {
                    operation: "turn on WAL mode",
                    source: std::sync::Arc::new(std::io::Error::other(format!("the journal mode stays {mode}"))),
                });
            }
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == ErrorCode::DatabaseBusy && started.elapsed() < longest_wait =>
            {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(map(error, operation)),
        }
    }
}

/// A poisoned lock is taken as it is: a transaction that panicked was rolled back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
