//! The smallest engine: tables in maps.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Direction, Engine, LogRow, NameKind, Snapshot, Transaction, Tree, Visit};
use crate::{Position, Result};

/// An engine in memory, for tests: of the ledger without a file, and of rows changed behind its back. It shows what an
/// engine has to do; each transaction copies all that there is.
///
/// Its clones share the tables, as those who open a file do.
///
/// ```
/// use tooltally_core::ledger::{Ledger, MemoryEngine};
/// use tooltally_core::{EventId, LogExt, MaintenanceExt, Outcome, ToolName, ToolUse};
///
/// let engine = MemoryEngine::default();
/// let call = ToolUse::new(EventId::random()?, ToolName::new("Bash")?, Outcome::Success, "2026-11-29T09:30:00Z".parse()?);
/// Ledger::new(engine.clone()).record(&call.into())?;
///
/// let mut tables = (*engine.tables()).clone();
/// tables.log.values_mut().for_each(|row| row[0] ^= 1);
/// assert!(Ledger::new(MemoryEngine::new(tables)).verify_quietly().is_err_and(|error| error.is_corrupt()));
/// # Ok::<(), tooltally_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryEngine {
    committed: Arc<Mutex<Arc<MemoryTables>>>,
    writer: Arc<Mutex<()>>,
}

/// The tables of a [`MemoryEngine`].
#[derive(Clone, Debug, Default)]
pub struct MemoryTables {
    /// A row's bytes by position: see [`LogRow::to_bytes`].
    pub log: BTreeMap<u64, Vec<u8>>,
    /// The names by number.
    pub names: BTreeMap<(NameKind, u32), String>,
    /// Their numbers.
    pub numbers: BTreeMap<(NameKind, String), u32>,
    /// Keys and values.
    pub trees: BTreeMap<Tree, BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemoryEngine {
    /// An engine over these tables.
    pub fn new(tables: MemoryTables) -> Self {
        Self { committed: Arc::new(Mutex::new(Arc::new(tables))), writer: Arc::default() }
    }

    /// The tables as the last transaction left them.
    pub fn tables(&self) -> Arc<MemoryTables> {
        Arc::clone(&self.committed())
    }

    /// Changes the tables behind the ledger's back, between two transactions. The change must not use the engine.
    pub fn tamper(&self, change: impl FnOnce(&mut MemoryTables)) {
        let _alone = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = (*self.tables()).clone();
        change(&mut tables);
        *self.committed() = Arc::new(tables);
    }

    fn committed(&self) -> MutexGuard<'_, Arc<MemoryTables>> {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for MemoryEngine {
    fn read<R>(&self, body: impl FnOnce(&dyn Snapshot) -> Result<R>) -> Result<R> {
        body(&*self.tables())
    }

    fn write<R>(&self, body: impl FnOnce(&mut dyn Transaction) -> Result<R>) -> Result<R> {
        let _alone = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = (*self.tables()).clone();
        let result = body(&mut tables)?;
        *self.committed() = Arc::new(tables);
        Ok(result)
    }

    fn compact(&self) -> Result<()> {
        Ok(())
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Snapshot for MemoryTables {
    fn head(&self) -> Result<Position> {
        Ok(Position::new(self.log.last_key_value().map_or(0, |(position, _)| *position)))
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
        for (position, bytes) in self.log.range(first.get()..=last.get()) {
            let position = Position::new(*position);
            visit(position, LogRow::from_bytes(position, bytes)?)?;
        }
        Ok(())
    }

    fn name_number(&self, kind: NameKind, text: &str) -> Result<Option<u32>> {
        Ok(self.numbers.get(&(kind, text.to_owned())).copied())
    }

    fn name_text(&self, kind: NameKind, number: u32) -> Result<Option<String>> {
        Ok(self.names.get(&(kind, number)).cloned())
    }

    fn last_name(&self, kind: NameKind) -> Result<u32> {
        Ok(self.names.range((kind, 0)..=(kind, u32::MAX)).next_back().map_or(0, |((_, number), _)| *number))
    }

    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.trees.get(&tree).and_then(|tree| tree.get(key)).cloned())
    }

    fn scan(&self, tree: Tree, first: &[u8], last: &[u8], direction: Direction, visit: Visit<'_>) -> Result<()> {
        let Some(tree) = self.trees.get(&tree).filter(|_| first <= last) else { return Ok(()) };
        let range = tree.range::<[u8], _>((Bound::Included(first), Bound::Included(last)));
        let entries: Box<dyn Iterator<Item = _>> = match direction {
            Direction::Forward => Box::new(range),
            Direction::Backward => Box::new(range.rev()),
        };
        for (key, value) in entries {
            if visit(key, value)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Transaction for MemoryTables {
    fn push_row(&mut self, position: Position, row: &LogRow) -> Result<()> {
        self.log.insert(position.get(), row.to_bytes(position));
        Ok(())
    }

    fn push_name(&mut self, kind: NameKind, number: u32, text: &str) -> Result<()> {
        self.names.insert((kind, number), text.to_owned());
        self.numbers.insert((kind, text.to_owned()), number);
        Ok(())
    }

    fn put(&mut self, tree: Tree, key: &[u8], value: &[u8]) -> Result<()> {
        self.trees.entry(tree).or_default().insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn delete(&mut self, tree: Tree, key: &[u8]) -> Result<()> {
        self.trees.entry(tree).or_default().remove(key);
        Ok(())
    }

    fn delete_range(&mut self, tree: Tree, first: &[u8], last: &[u8]) -> Result<()> {
        let entries = self.trees.entry(tree).or_default();
        entries.retain(|key, _| !(first..=last).contains(&key.as_slice()));
        Ok(())
    }
}
