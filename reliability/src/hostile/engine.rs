//! An engine in memory, whose tables are there to be changed behind the ledger's back.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tooltally::ledger::{Direction, Engine, LogRow, NameKind, Snapshot, Transaction, Tree, Visit};
use tooltally::{Position, Result};

/// The tables of a store.
#[derive(Clone, Default)]
pub(super) struct Tables {
    log: BTreeMap<u64, Vec<u8>>,
    names: BTreeMap<(NameKind, u32), String>,
    numbers: BTreeMap<(NameKind, String), u32>,
    /// By [`Tree`], in its order.
    pub(super) trees: BTreeMap<Tree, BTreeMap<Vec<u8>, Vec<u8>>>,
}

/// One writer at a time; each transaction works on a copy. Its clones share the tables, as those who open a file do.
#[derive(Clone, Default)]
pub(super) struct MemoryEngine(Arc<Mutex<Arc<Tables>>>);

impl MemoryEngine {
    pub(super) fn new(tables: Tables) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(tables))))
    }

    pub(super) fn tables(&self) -> Arc<Tables> {
        Arc::clone(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Tables>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for MemoryEngine {
    fn read<R>(&self, body: impl FnOnce(&dyn Snapshot) -> Result<R>) -> Result<R> {
        body(&*self.tables())
    }

    fn write<R>(&self, body: impl FnOnce(&mut dyn Transaction) -> Result<R>) -> Result<R> {
        let mut committed = self.lock();
        let mut tables = (**committed).clone();
        let result = body(&mut tables)?;
        *committed = Arc::new(tables);
        Ok(result)
    }

    fn compact(&self) -> Result<()> {
        Ok(())
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Snapshot for Tables {
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

impl Transaction for Tables {
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
