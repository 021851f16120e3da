//! A backup that is put in the place of an open store's file: nothing of the old file may stay in memory.

use std::sync::Mutex;

use tooltally_core::ledger::{
    Direction, Engine, Ledger, LogRow, MemoryEngine, NameKind, Snapshot, Transaction, Tree, Visit,
};
use tooltally_core::{
    Event, EventId, Log, LogExt, Outcome, Position, Queries, Result, Selection, Timestamp, ToolName, ToolUse,
};

use crate::{START, event};

/// What is to happen in the middle of a query.
type Moment = Box<dyn FnOnce() + Send>;

/// An engine on which something happens just before a query reads rows one by one.
#[derive(Clone, Default)]
struct Interrupted {
    engine: MemoryEngine,
    moment: std::sync::Arc<Mutex<Option<Moment>>>,
}

impl Engine for Interrupted {
    fn read<R>(&self, body: impl FnOnce(&dyn Snapshot) -> Result<R>) -> Result<R> {
        self.engine.read(|snapshot| body(&Watched { snapshot, moment: &self.moment }))
    }

    fn write<R>(&self, body: impl FnOnce(&mut dyn Transaction) -> Result<R>) -> Result<R> {
        self.engine.write(body)
    }

    fn compact(&self) -> Result<()> {
        self.engine.compact()
    }

    fn check(&self) -> Result<()> {
        self.engine.check()
    }
}

struct Watched<'a> {
    snapshot: &'a dyn Snapshot,
    moment: &'a Mutex<Option<Moment>>,
}

impl Snapshot for Watched<'_> {
    fn head(&self) -> Result<Position> {
        self.snapshot.head()
    }

    fn rows(
        &self,
        first: Position,
        last: Position,
        visit: &mut dyn FnMut(Position, LogRow) -> Result<()>,
    ) -> Result<()> {
        self.snapshot.rows(first, last, visit)
    }

    fn rows_at(&self, positions: &[Position], visit: &mut dyn FnMut(Position, LogRow) -> Result<()>) -> Result<()> {
        let moment = self.moment.lock().unwrap().take();
        if let Some(moment) = moment {
            moment();
        }
        self.snapshot.rows_at(positions, visit)
    }

    fn name_number(&self, kind: NameKind, text: &str) -> Result<Option<u32>> {
        self.snapshot.name_number(kind, text)
    }

    fn name_text(&self, kind: NameKind, number: u32) -> Result<Option<String>> {
        self.snapshot.name_text(kind, number)
    }

    fn last_name(&self, kind: NameKind) -> Result<u32> {
        self.snapshot.last_name(kind)
    }

    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.snapshot.get(tree, key)
    }

    fn scan(&self, tree: Tree, first: &[u8], last: &[u8], direction: Direction, visit: Visit<'_>) -> Result<()> {
        self.snapshot.scan(tree, first, last, direction, visit)
    }
}

fn events(numbers: std::ops::Range<u64>) -> Vec<Event> {
    numbers.map(event).collect()
}

/// An event of a tool that nobody else uses.
fn of_tool(tool: &str) -> Event {
    let id = EventId::derived(&[tool.as_bytes()]);
    ToolUse::new(id, ToolName::new(tool).unwrap(), Outcome::Success, Timestamp::from_micros(START).unwrap()).into()
}

#[test]
fn a_query_that_began_on_the_old_file_leaves_none_of_its_rows() {
    let interrupted = Interrupted::default();
    let ledger = std::sync::Arc::new(Ledger::new(interrupted.clone()));
    ledger.record_all(&events(0..1500)).unwrap();
    let backup = interrupted.engine.tables();
    ledger.record_all(&events(1500..3000)).unwrap();
    let (engine, asked) = (interrupted.engine.clone(), std::sync::Arc::clone(&ledger));
    *interrupted.moment.lock().unwrap() = Some(Box::new(move || {
        engine.tamper(|tables| *tables = (*backup).clone());
        // This one notices.
        assert_eq!(asked.recent(&Selection::all(), 5000).unwrap().len(), 1500);
    }));
    let seen = ledger.recent(&Selection::all(), 100).unwrap();
    assert!(seen.iter().any(|recorded| recorded.position > Position::new(1500)), "a query of the old file");
    assert!(interrupted.moment.lock().unwrap().is_none());
    // Another process goes on where the backup ended, with other events in the same places.
    let other = Ledger::new(interrupted.engine.clone());
    other.record_all(&events(4000..5500)).unwrap();
    for limit in [100, 5000] {
        assert_eq!(ledger.recent(&Selection::all(), limit).unwrap(), other.recent(&Selection::all(), limit).unwrap());
    }
}

#[test]
fn a_read_after_a_backup_was_put_back_has_the_names_of_the_file() {
    let engine = MemoryEngine::default();
    let ledger = Ledger::new(engine.clone());
    ledger.record_all(&events(0..10)).unwrap();
    let backup = engine.tables();
    ledger.record(&of_tool("old")).unwrap();
    engine.tamper(|tables| *tables = (*backup).clone());
    Ledger::new(engine.clone()).record(&of_tool("new")).unwrap();
    let read = ledger.read(Position::new(10), 10).unwrap();
    assert_eq!(read.into_iter().map(|recorded| recorded.event).collect::<Vec<_>>(), [of_tool("new")]);
}
