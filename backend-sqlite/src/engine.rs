//! The connections: one writes, readers come from a small pool. Every write is `BEGIN IMMEDIATE`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tooltally_core::ledger::{Engine, Snapshot, Transaction};
use tooltally_core::{Error, OpenOptions, Result};

use crate::error::{Operation, from_check, map};
use crate::in_use::InUse;
use crate::line::Line;
use crate::migration::{Found, Migrations, still_newest};
use crate::opening;
use crate::schema;
use crate::tables::Tables;
use crate::transaction::OpenTransaction;
use crate::wait::{limit_wait, wait_for_nobody};
use tooltally_core::ledger::Patience;
use tooltally_core::ledger::Turns;

/// How many idle readers are kept.
const IDLE_READERS: usize = 4;

/// Whether a commit waits until it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// As the options say.
    Durable,
    /// The next durable commit makes it so: it brings the whole write-ahead log to the disk.
    Lazy,
}

/// SQLite as the ledger's engine.
pub(crate) struct SqliteEngine {
    path: PathBuf,
    options: OpenOptions,
    migrations: Migrations,
    turns: Turns,
    line: Line,
    /// Taken by whoever has the turn, so nobody waits here.
    writer: Mutex<Connection>,
    /// Whether the writer does not wait for the disk now. Changed by whoever has the writer.
    is_lazy: AtomicBool,
    readers: Mutex<Vec<Connection>>,
    /// Dropped after all connections, as it stands behind them.
    _in_use: InUse,
}

impl SqliteEngine {
    /// Opens a database, made if missing and wanted.
    pub(crate) fn open(path: &Path, options: &OpenOptions, migrations: Migrations) -> Result<Self> {
        let (writer, in_use) = opening::open(path, options, migrations)?;
        Ok(Self {
            path: path.to_owned(),
            options: options.clone(),
            migrations,
            turns: Turns::default(),
            line: Line::new(path),
            writer: Mutex::new(writer),
            is_lazy: AtomicBool::new(false),
            readers: Mutex::default(),
            _in_use: in_use,
        })
    }

    fn patience(&self) -> Patience {
        Patience::new(self.options.longest_wait())
    }

    fn reader(&self, patience: &Patience) -> Result<Connection> {
        let idle = lock(&self.readers).pop();
        idle.map_or_else(|| opening::reader(&self.path, &self.options, patience), Ok)
    }

    /// Runs a body in a read transaction on a reader of its own.
    fn snapshot<R>(
        &self,
        operation: Operation,
        patience: &Patience,
        body: impl FnOnce(&Connection) -> Result<R>,
    ) -> Result<R> {
        let reader = self.reader(patience)?;
        let open = OpenTransaction::begin(&reader, "BEGIN", operation, patience)?;
        let result = still_newest(&reader, self.migrations, operation).and_then(|()| body(&reader));
        drop(open);
        self.give_back(reader);
        result
    }

    /// The connection to write with, for whoever has the turn. A transaction that could not be rolled back when
    /// it failed is rolled back now, or its connection closed, which does the same.
    fn writer(&self, patience: &Patience) -> Result<MutexGuard<'_, Connection>> {
        let mut writer = lock(&self.writer);
        if !writer.is_autocommit() && writer.execute_batch("ROLLBACK").is_err() {
            *writer = opening::writer(&self.path, &self.options, patience)?;
            self.is_lazy.store(false, Ordering::Relaxed);
        }
        Ok(writer)
    }

    /// The same, with the pace of the transaction that comes.
    fn writer_at(&self, pace: Pace, patience: &Patience) -> Result<MutexGuard<'_, Connection>> {
        let writer = self.writer(patience)?;
        let is_lazy = pace == Pace::Lazy;
        if self.is_lazy.load(Ordering::Relaxed) != is_lazy {
            let set = if is_lazy { opening::be_lazy(&writer) } else { opening::be_durable(&writer, &self.options) };
            set.map_err(|e| map(e, Operation::within("write", patience)))?;
            self.is_lazy.store(is_lazy, Ordering::Relaxed);
        }
        Ok(writer)
    }

    fn transaction<R>(&self, pace: Pace, body: impl FnOnce(&mut dyn Transaction) -> Result<R>) -> Result<R> {
        self.write_on(pace, |writer, patience| {
            let mut tables = Tables::new(writer, patience);
            let result = body(&mut tables)?;
            tables.flush()?;
            Ok(result)
        })
    }

    /// Runs a write transaction on the bare connection.
    fn write_on<R>(&self, pace: Pace, body: impl FnOnce(&Connection, &Patience) -> Result<R>) -> Result<R> {
        let mut patience = self.patience();
        let _turn = self.turns.take(&patience)?;
        let writer = self.writer_at(pace, &patience)?;
        let operation = Operation::within("write", &patience);
        let _writing = self.line.writing();
        let open = self.line.wait(&mut patience, || OpenTransaction::try_begin_immediate(&writer, operation))?;
        still_newest(&writer, self.migrations, operation)?;
        let result = body(&writer, &patience)?;
        open.commit()?;
        Ok(result)
    }

    /// Whether the public view is the one of the store's format; those of later formats are not known here.
    fn has_view(&self, connection: &Connection, operation: Operation) -> Result<bool> {
        let is_known = self.migrations.is_of_format_1(Found::Store);
        Ok(!is_known || schema::has_view(connection).map_err(|e| map(e, operation))?)
    }

    /// Makes the public view anew, where it is not the store's.
    pub(crate) fn mend_view(&self) -> Result<()> {
        let patience = self.patience();
        let operation = Operation::within("make the view anew", &patience);
        if self.snapshot(operation, &patience, |reader| self.has_view(reader, operation))? {
            return Ok(());
        }
        self.write_on(Pace::Durable, |writer, _| schema::renew_view(writer).map_err(|e| map(e, operation)))
    }

    fn vacuum(&self, patience: &mut Patience) -> Result<()> {
        let _turn = self.turns.take(patience)?;
        lock(&self.readers).clear();
        let writer = self.writer(patience)?;
        let operation = Operation::within("compact the file", patience);
        limit_wait(&writer, patience).map_err(|e| map(e, operation))?;
        // VACUUM takes no transaction around it. It keeps the format's number, should that change just now.
        still_newest(&writer, self.migrations, operation)?;
        let _writing = self.line.writing();
        wait_for_nobody(&writer).map_err(|e| map(e, operation))?;
        self.line.wait(patience, || writer.execute_batch("VACUUM").map_err(|e| map(e, operation)))
    }

    /// Moves the write-ahead log into the file and cuts it, unless somebody still needs it: SQLite would keep writers
    /// out for as long as it waited for readers.
    fn try_empty_wal(&self, patience: &Patience) -> Result<bool> {
        let _turn = self.turns.take(patience)?;
        let writer = self.writer(patience)?;
        let operation = Operation::within("empty the write-ahead log", patience);
        let checkpoint = wait_for_nobody(&writer)
            .and_then(|()| writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)));
        match checkpoint.map_err(|e| map(e, operation)) {
            Ok(busy) => Ok(busy == 0),
            Err(error) if error.is_busy() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Keeps a reader for the next one to read. Not one whose transaction did not end: it would show an old state.
    fn give_back(&self, reader: Connection) {
        if !reader.is_autocommit() {
            return;
        }
        let mut idle = lock(&self.readers);
        if idle.len() < IDLE_READERS {
            idle.push(reader);
        }
    }
}

impl Engine for SqliteEngine {
    fn read<R>(&self, body: impl FnOnce(&dyn Snapshot) -> Result<R>) -> Result<R> {
        let patience = self.patience();
        let operation = Operation::within("read", &patience);
        self.snapshot(operation, &patience, |reader| body(&Tables::new(reader, &patience)))
    }

    fn write<R>(&self, body: impl FnOnce(&mut dyn Transaction) -> Result<R>) -> Result<R> {
        self.transaction(Pace::Durable, body)
    }

    fn write_lazily<R>(&self, body: impl FnOnce(&mut dyn Transaction) -> Result<R>) -> Result<R> {
        self.transaction(Pace::Lazy, body)
    }

    /// Rewrites the file without its free pages, then empties the write-ahead log into it. That waits for whoever
    /// reads an older state, and lets others write meanwhile.
    fn compact(&self) -> Result<()> {
        self.vacuum(&mut self.patience())?;
        // Work is no wait: that for readers begins now.
        let mut patience = self.patience();
        while !self.try_empty_wal(&patience)? {
            patience.pause()?;
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let patience = self.patience();
        let operation = Operation::within("check the file", &patience);
        let first: String = self.snapshot(operation, &patience, |reader| {
            if !self.has_view(reader, operation)? {
                return Err(Error::corrupt(
                    "the view tool_usage_events",
                    "is not the store's; a rebuild makes it anew",
                ));
            }
            reader.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(|e| map(e, operation))
        })?;
        if first == "ok" { Ok(()) } else { Err(from_check(first, operation)) }
    }
}

impl Drop for SqliteEngine {
    fn drop(&mut self) {
        if self.options.tidies_on_close() {
            return;
        }
        let readers = lock(&self.readers);
        readers.iter().chain([&*lock(&self.writer)]).for_each(|open| opening::leave_small_wal(&self.path, open));
    }
}

/// A poisoned lock is taken as it is: a transaction that panicked was rolled back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tooltally_core::ledger::{LogRow, Tree};
    use tooltally_core::{Error, EventId, Outcome, Position, Source, Timestamp, ToolDuration};

    use super::*;

    fn engine() -> (tempfile::TempDir, SqliteEngine) {
        let folder = tempfile::tempdir().unwrap();
        let engine =
            SqliteEngine::open(&folder.path().join("usage.db"), &OpenOptions::new(), Migrations::OURS).unwrap();
        (folder, engine)
    }

    #[test]
    fn a_reader_with_an_open_transaction_is_not_used_again() {
        let (_folder, engine) = engine();
        let reader = engine.reader(&engine.patience()).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM log;").unwrap();
        engine.give_back(reader);
        assert!(engine.readers.lock().unwrap().is_empty());
        engine.read(|_| Ok(())).unwrap();
        assert_eq!(engine.readers.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_transaction_left_open_by_the_writer_is_rolled_back_first() {
        let (_folder, engine) = engine();
        let left = "BEGIN IMMEDIATE; INSERT INTO meta (key, link, value) VALUES (x'01', x'', x'02');";
        engine.writer.lock().unwrap().execute_batch(left).unwrap();
        engine.write(|transaction| transaction.put(Tree::Meta, b"kept", b"1")).unwrap();
        let seen = |key: &'static [u8]| engine.read(|snapshot| snapshot.get(Tree::Meta, key)).unwrap();
        assert_eq!((seen(b"\x01"), seen(b"kept")), (None, Some(b"1".to_vec())));
        engine.writer.lock().unwrap().execute_batch(left).unwrap();
        engine.compact().unwrap();
        assert_eq!(seen(b"\x01"), None);
    }

    fn row(number: u64) -> LogRow {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        LogRow {
            kind: LogRow::TOOL_USE,
            id: EventId::from_bytes(id),
            time: Timestamp::from_micros(1_767_225_600_000_000).unwrap(),
            tool: 1,
            session: 2,
            project: 0,
            path: 0,
            agent: 0,
            subagent: 0,
            outcome: Outcome::Success,
            source: Source::Hook,
            duration: None,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn a_transaction_sees_the_rows_that_it_has_pushed() {
        let (_folder, engine) = engine();
        let mut pushed = 0;
        for more in [1, 20, 16, 35] {
            let push_and_look = |transaction: &mut dyn Transaction| {
                for number in pushed + 1..=pushed + more {
                    transaction.push_row(Position::new(number), &row(number))?;
                    if number % 5 == 0 {
                        assert_eq!(transaction.head()?, Position::new(number));
                    }
                }
                let mut seen = 0;
                transaction.rows(Position::new(1), Position::new(99), &mut |position, found| {
                    seen += 1;
                    assert_eq!((position, found), (Position::new(seen), row(seen)));
                    Ok(())
                })?;
                let last = Position::new(pushed + more);
                transaction.push_row(last.next(), &row(last.next().get()))?;
                let mut found = None;
                transaction.rows_at(&[last.next()], &mut |_, row| {
                    found = Some(row);
                    Ok(())
                })?;
                assert_eq!((seen, found), (last.get(), Some(row(last.next().get()))));
                Ok(())
            };
            engine.write(push_and_look).unwrap();
            pushed += more + 1;
            assert_eq!(engine.read(|snapshot| snapshot.head()).unwrap(), Position::new(pushed));
        }
    }

    #[test]
    fn a_row_out_of_its_place_is_refused() {
        let (_folder, engine) = engine();
        let pushed = engine.write(|transaction| transaction.push_row(Position::new(2), &row(2)));
        assert!(pushed.as_ref().is_err_and(Error::is_corrupt), "{pushed:?}");
        assert_eq!(engine.read(|snapshot| snapshot.head()).unwrap(), Position::START);
    }

    #[test]
    fn rows_of_every_shape_come_back() {
        let (_folder, engine) = engine();
        let placed = |number, [project, path, agent, subagent]: [u32; 4]| LogRow {
            project,
            path,
            agent,
            subagent,
            ..row(number)
        };
        let last = LogRow {
            kind: u8::MAX,
            tool: u32::MAX,
            session: u32::MAX,
            time: Timestamp::MAX,
            outcome: Outcome::Invalid,
            source: Source::Library,
            duration: Some(ToolDuration::MAX),
            attributes: vec![("cost".to_owned(), "0.5".to_owned()), ("model".to_owned(), "\"x\"".to_owned())],
            ..row(6)
        };
        let zero = LogRow { kind: 0, duration: Some(ToolDuration::from_micros(0).unwrap()), ..row(5) };
        let (here, there) = ([1, 2, 3, 4], [u32::MAX, 0, 0, u32::MAX]);
        let all = [row(1), placed(2, here), placed(3, there), placed(4, here), zero, last];
        // In two transactions: what the first has interned, the second finds.
        for (first, rows) in [(1, &all[..3]), (4, &all[3..])] {
            engine.write(|t| (first..).zip(rows).try_for_each(|(at, row)| t.push_row(Position::new(at), row))).unwrap();
        }
        let mut seen = Vec::new();
        let mut note = |_, row| {
            seen.push(row);
            Ok(())
        };
        engine.read(|snapshot| snapshot.rows(Position::new(1), Position::new(9), &mut note)).unwrap();
        assert_eq!(seen, all);
        let reader = engine.reader(&engine.patience()).unwrap();
        let count = |sql: &str| reader.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM places"), 2);
        assert_eq!(count("SELECT count(*) FROM tool_usage_events"), 4, "other kinds are no tool uses");
    }

    #[test]
    fn rows_are_found_at_scattered_positions() {
        let (_folder, engine) = engine();
        let push_all = |transaction: &mut dyn Transaction| {
            (1..=60).try_for_each(|number| transaction.push_row(Position::new(number), &row(number)))
        };
        engine.write(push_all).unwrap();
        let wanted = [0, 1, 2, 5, 6, 20, 24, 30, 60, 61].map(Position::new);
        let mut seen = Vec::new();
        let mut note = |position: Position, found| {
            assert_eq!(found, row(position.get()));
            seen.push(position.get());
            Ok(())
        };
        engine.read(|snapshot| snapshot.rows_at(&wanted, &mut note)).unwrap();
        engine.read(|snapshot| snapshot.rows_at(&[], &mut note)).unwrap();
        assert_eq!(seen, [1, 2, 5, 6, 20, 24, 30, 60]);
    }
}
