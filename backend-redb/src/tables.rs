//! Snapshots and transactions: the tables of one redb transaction, opened when they are first needed.

use std::cell::OnceCell;
use std::ops::ControlFlow;

use redb::{Key, ReadTransaction, ReadableTable, StorageError, TableDefinition, TableError, Value, WriteTransaction};
use tooltally_core::ledger::{Direction, LogRow, NameKind, Snapshot, Transaction, Tree, name_checksum};
use tooltally_core::{Error, EventId, Position, Result};

use crate::error::{READ, WRITE};
use crate::guard::Guard;
use crate::migration::{self, Migrations};
use crate::schema::{LOG, NUMBERS, TEXTS, tree};

/// A redb transaction, as far as reading tables goes.
pub(crate) trait Source {
    /// An open table.
    type Table<K: Key + 'static, V: Value + 'static>: ReadableTable<K, V>;

    /// Opens a table.
    fn open<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<'_, K, V>,
    ) -> Result<Self::Table<K, V>, TableError>;
}

impl Source for &ReadTransaction {
    type Table<K: Key + 'static, V: Value + 'static> = redb::ReadOnlyTable<K, V>;

    fn open<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<'_, K, V>,
    ) -> Result<Self::Table<K, V>, TableError> {
        self.open_table(definition)
    }
}

impl<'transaction> Source for &'transaction WriteTransaction {
    type Table<K: Key + 'static, V: Value + 'static> = redb::Table<'transaction, K, V>;

    fn open<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<'_, K, V>,
    ) -> Result<Self::Table<K, V>, TableError> {
        self.open_table(definition)
    }
}

type NumberTable<S> = <S as Source>::Table<(u8, &'static str), (u32, u32)>;
type TextTable<S> = <S as Source>::Table<(u8, u32), (&'static str, u32)>;
type TreeTable<S> = <S as Source>::Table<&'static [u8], &'static [u8]>;

/// The tables of one transaction.
///
/// A table that was opened and not written costs nothing at the commit.
pub(crate) struct Tables<'guard, S: Source> {
    guard: &'guard Guard,
    source: S,
    log: OnceCell<S::Table<u64, &'static [u8]>>,
    numbers: OnceCell<NumberTable<S>>,
    texts: OnceCell<TextTable<S>>,
    meta: OnceCell<TreeTable<S>>,
    rollups: OnceCell<TreeTable<S>>,
    calls: OnceCell<TreeTable<S>>,
    sessions: OnceCell<TreeTable<S>>,
    postings: OnceCell<TreeTable<S>>,
    recents: OnceCell<TreeTable<S>>,
    registry: OnceCell<TreeTable<S>>,
    trails: OnceCell<TreeTable<S>>,
    id_runs: OnceCell<TreeTable<S>>,
}

/// Opens a table unless it is open.
macro_rules! opened {
    ($self:ident, $cell:expr, $definition:expr) => {{
        let cell = $cell;
        if cell.get().is_none() {
            let table = $self.guard.call(READ, || $self.source.open($definition))?;
            // The cell is empty: nothing else fills it meanwhile.
            let _ = cell.set(table);
        }
        cell
    }};
}

/// An open table to read from.
macro_rules! reading {
    ($self:ident, $cell:expr, $definition:expr) => {
        opened!($self, $cell, $definition).get().ok_or_else(unopened)?
    };
}

impl<'guard, S: Source> Tables<'guard, S> {
    /// The tables of a transaction on a file of the newest format that this code knows.
    ///
    /// # Errors
    /// [`Error::UnsupportedFormat`] when a newer program has migrated the file meanwhile, and the engine's failures.
    pub(crate) fn new(guard: &'guard Guard, source: S, migrations: Migrations) -> Result<Self> {
        let format = migration::format(guard, &source)?;
        if !migrations.is_newest(format)? {
            return Err(migrations.unsupported(format));
        }
        Ok(Self {
            guard,
            source,
            log: OnceCell::new(),
            numbers: OnceCell::new(),
            texts: OnceCell::new(),
            meta: OnceCell::new(),
            rollups: OnceCell::new(),
            calls: OnceCell::new(),
            sessions: OnceCell::new(),
            postings: OnceCell::new(),
            recents: OnceCell::new(),
            registry: OnceCell::new(),
            trails: OnceCell::new(),
            id_runs: OnceCell::new(),
        })
    }

    /// Closes the tables, so that the transaction may end.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where redb panicked, now or before; the tables are
    /// then forgotten.
    pub(crate) fn close(self) -> Result<()> {
        let guard = self.guard;
        guard.release(self);
        guard.check()
    }

    const fn tree_cell(&self, tree: Tree) -> &OnceCell<TreeTable<S>> {
        match tree {
            Tree::Meta => &self.meta,
            Tree::Rollups => &self.rollups,
            Tree::Calls => &self.calls,
            Tree::Sessions => &self.sessions,
            Tree::Postings => &self.postings,
            Tree::Recents => &self.recents,
            Tree::Registry => &self.registry,
            Tree::Trails => &self.trails,
            Tree::IdRuns => &self.id_runs,
        }
    }
}

fn unopened() -> Error {
    Error::corrupt("redb file", "a table was not opened")
}

fn checked(kind: NameKind, number: u32, text: &str, checksum: u32) -> Result<()> {
    if name_checksum(kind, number, text) == checksum {
        return Ok(());
    }
    Err(Error::corrupt(format!("{} name {number}", kind.as_str()), "its checksum differs"))
}

impl<S: Source> Snapshot for Tables<'_, S> {
    fn head(&self) -> Result<Position> {
        let log = reading!(self, &self.log, LOG);
        let last = self.guard.call(READ, || log.last().map(|last| last.map(|(position, _)| position.value())))?;
        Ok(last.map_or(Position::START, Position::new))
    }

    fn rows(
        &self,
        first: Position,
        last: Position,
        visit: &mut dyn FnMut(Position, LogRow) -> Result<()>,
    ) -> Result<()> {
        if first > last {
            return Ok(());
        }
        let log = reading!(self, &self.log, LOG);
        let mut rows = self.guard.call(READ, || log.range(first.get()..=last.get()))?;
        let mut next = || {
            let Some(entry) = rows.next() else { return Ok(None) };
            let (position, row) = entry?;
            let position = Position::new(position.value());
            Ok::<_, StorageError>(Some((position, LogRow::from_bytes(position, row.value()))))
        };
        while let Some((position, row)) = self.guard.call(READ, &mut next)? {
            visit(position, row?)?;
        }
        Ok(())
    }

    fn rows_at(&self, positions: &[Position], visit: &mut dyn FnMut(Position, LogRow) -> Result<()>) -> Result<()> {
        let log = reading!(self, &self.log, LOG);
        for position in positions {
            let row = self.guard.call(READ, || {
                let found = log.get(position.get())?;
                Ok::<_, StorageError>(found.map(|row| LogRow::from_bytes(*position, row.value())))
            })?;
            if let Some(row) = row {
                visit(*position, row?)?;
            }
        }
        Ok(())
    }

    fn find_id(&self, first: Position, last: Position, id: EventId) -> Result<(u64, Option<Position>)> {
        let log = reading!(self, &self.log, LOG);
        self.guard.call(READ, || {
            let (mut rows, mut found) = (0, None);
            for entry in log.range(first.get()..=last.get())? {
                let (position, row) = entry?;
                rows += 1;
                if LogRow::id_in(row.value()) == Some(id) {
                    found = found.or(Some(Position::new(position.value())));
                }
            }
            Ok::<_, StorageError>((rows, found))
        })
    }

    fn name_number(&self, kind: NameKind, text: &str) -> Result<Option<u32>> {
        let numbers = reading!(self, &self.numbers, NUMBERS);
        let found = self.guard.call(READ, || numbers.get((kind.code(), text)).map(|found| found.map(|v| v.value())))?;
        found.map(|(number, checksum)| checked(kind, number, text, checksum).map(|()| number)).transpose()
    }

    fn name_text(&self, kind: NameKind, number: u32) -> Result<Option<String>> {
        let texts = reading!(self, &self.texts, TEXTS);
        let found = self.guard.call(READ, || {
            let found = texts.get((kind.code(), number))?;
            Ok::<_, StorageError>(found.map(|value| (value.value().0.to_owned(), value.value().1)))
        })?;
        found.map(|(text, checksum)| checked(kind, number, &text, checksum).map(|()| text)).transpose()
    }

    fn last_name(&self, kind: NameKind) -> Result<u32> {
        let texts = reading!(self, &self.texts, TEXTS);
        self.guard.call(READ, || {
            let last = texts.range((kind.code(), 0)..=(kind.code(), u32::MAX))?.next_back().transpose()?;
            Ok::<_, StorageError>(last.map_or(0, |(key, _)| key.value().1))
        })
    }

    fn get(&self, which: Tree, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let table = reading!(self, self.tree_cell(which), tree(which));
        self.guard.call(READ, || table.get(key).map(|found| found.map(|value| value.value().to_vec())))
    }

    fn scan(
        &self,
        which: Tree,
        first: &[u8],
        last: &[u8],
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        if first > last {
            return Ok(());
        }
        let table = reading!(self, self.tree_cell(which), tree(which));
        let mut entries = self.guard.call(READ, || table.range::<&[u8]>(first..=last))?;
        loop {
            let entry = self.guard.call(READ, || {
                match direction {
                    Direction::Forward => entries.next(),
                    Direction::Backward => entries.next_back(),
                }
                .transpose()
            })?;
            let Some((key, value)) = entry else { return Ok(()) };
            let (key, value) = self.guard.call(READ, || Ok::<_, StorageError>((key.value(), value.value())))?;
            if visit(key, value)?.is_break() {
                return Ok(());
            }
        }
    }
}

/// An open table to write to.
macro_rules! writing {
    ($self:ident, $cell:ident, $definition:expr) => {{
        opened!($self, &$self.$cell, $definition);
        $self.$cell.get_mut().ok_or_else(unopened)?
    }};
}

impl<'transaction> Tables<'_, &'transaction WriteTransaction> {
    fn tree_mut(&mut self, which: Tree) -> Result<&mut TreeTable<&'transaction WriteTransaction>> {
        opened!(self, self.tree_cell(which), tree(which));
        let cell = match which {
            Tree::Meta => &mut self.meta,
            Tree::Rollups => &mut self.rollups,
            Tree::Calls => &mut self.calls,
            Tree::Sessions => &mut self.sessions,
            Tree::Postings => &mut self.postings,
            Tree::Recents => &mut self.recents,
            Tree::Registry => &mut self.registry,
            Tree::Trails => &mut self.trails,
            Tree::IdRuns => &mut self.id_runs,
        };
        cell.get_mut().ok_or_else(unopened)
    }
}

impl Transaction for Tables<'_, &WriteTransaction> {
    fn push_row(&mut self, position: Position, row: &LogRow) -> Result<()> {
        let bytes = row.to_bytes(position);
        let guard = self.guard;
        let log = writing!(self, log, LOG);
        guard.call(WRITE, || log.insert(position.get(), bytes.as_slice()).map(drop))
    }

    fn push_name(&mut self, kind: NameKind, number: u32, text: &str) -> Result<()> {
        let guard = self.guard;
        let checksum = name_checksum(kind, number, text);
        let numbers = writing!(self, numbers, NUMBERS);
        guard.call(WRITE, || numbers.insert((kind.code(), text), (number, checksum)).map(drop))?;
        let texts = writing!(self, texts, TEXTS);
        guard.call(WRITE, || texts.insert((kind.code(), number), (text, checksum)).map(drop))
    }

    fn put(&mut self, which: Tree, key: &[u8], value: &[u8]) -> Result<()> {
        let guard = self.guard;
        let table = self.tree_mut(which)?;
        guard.call(WRITE, || table.insert(key, value).map(drop))
    }

    fn delete(&mut self, which: Tree, key: &[u8]) -> Result<()> {
        let guard = self.guard;
        let table = self.tree_mut(which)?;
        guard.call(WRITE, || table.remove(key).map(drop))
    }

    fn delete_range(&mut self, which: Tree, first: &[u8], last: &[u8]) -> Result<()> {
        if first > last {
            return Ok(());
        }
        let guard = self.guard;
        let table = self.tree_mut(which)?;
        guard.call(WRITE, || table.retain_in::<&[u8], _>(first..=last, |_, _| false))
    }
}
