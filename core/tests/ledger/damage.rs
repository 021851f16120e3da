//! What the ledger does with a file that was damaged, crafted, or put back.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tooltally_core::ledger::{
    Direction, Engine, Ledger, LogRow, MemoryEngine, MemoryTables, NameKind, Snapshot, Transaction, Tree, Visit,
};
use tooltally_core::{
    Error, Event, EventId, Filter, GroupBy, Log, LogExt, MaintenanceExt, Outcome, Position, Project, Queries, Result,
    Selection, SessionId, Timestamp, ToolName, ToolUse, Window,
};

use super::event;

fn filled(events: u64) -> (MemoryEngine, Ledger<MemoryEngine>) {
    let engine = MemoryEngine::default();
    let ledger = Ledger::new(engine.clone());
    for first in (0..events).step_by(600) {
        ledger.record_all(&(first..(first + 600).min(events)).map(event).collect::<Vec<_>>()).unwrap();
    }
    (engine, ledger)
}

fn seal(context: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut body = vec![1];
    body.extend(payload);
    let mut h = crc32fast::Hasher::new();
    h.update(context);
    h.update(&body);
    body.extend(h.finalize().to_le_bytes());
    body
}

#[test]
fn rebuild_mends_a_damaged_state_record() {
    let (engine, ledger) = filled(3000);
    engine.tamper(|t| t.trees.get_mut(&Tree::Meta).unwrap().get_mut(b"state".as_slice()).unwrap()[2] ^= 1);
    assert!(ledger.verify_quietly().is_err());
    ledger.rebuild_quietly().unwrap();
    ledger.verify_quietly().unwrap();
    assert_eq!(ledger.usage(&Selection::all(), &GroupBy::Total).unwrap()[0].usage.uses(), 3000);
}

#[test]
fn a_log_that_lost_its_end_is_refused() {
    let (engine, _) = filled(3000);
    engine.tamper(|t| t.log.retain(|p, _| *p <= 2000));
    let ledger = Ledger::new(engine.clone());
    assert!(ledger.usage(&Selection::all(), &GroupBy::Total).unwrap_err().is_corrupt());
    assert!(ledger.record(&event(5000)).unwrap_err().is_corrupt());
    assert!(ledger.verify_quietly().unwrap_err().is_corrupt());
    // A rebuild would make the loss look like truth.
    assert!(ledger.rebuild_quietly().unwrap_err().is_corrupt());
}

#[test]
fn a_tail_that_lost_a_row_or_has_a_damaged_one_takes_no_append() {
    let (engine, _) = filled(100);
    engine.tamper(|t| drop(t.log.remove(&50)));
    for known in [1, 5000] {
        let refused = Ledger::new(engine.clone()).record(&event(known));
        assert!(refused.unwrap_err().is_corrupt(), "{known}");
    }
    // The id is there, the row around it is not sound.
    let (engine, _) = filled(100);
    engine.tamper(|t| *t.log.get_mut(&50).unwrap().last_mut().unwrap() ^= 1);
    assert!(Ledger::new(engine.clone()).record(&event(49)).unwrap_err().is_corrupt());
}

#[test]
fn a_lost_state_record_is_noticed() {
    let (engine, ledger) = filled(3000);
    ledger.rebuild_quietly().unwrap();
    engine.tamper(|t| drop(t.trees.get_mut(&Tree::Meta).unwrap().remove(b"state".as_slice())));
    let other = Ledger::new(engine.clone());
    assert!(other.verify_quietly().unwrap_err().is_corrupt());
    other.rebuild_quietly().unwrap();
    other.verify_quietly().unwrap();
}

#[test]
fn a_file_gone_back_is_noticed_after_reads_alone() {
    let engine = MemoryEngine::default();
    let writer = Ledger::new(engine.clone());
    writer.record_all(&(0..50).map(event).collect::<Vec<_>>()).unwrap();
    let backup = engine.tables();
    writer.record_all(&(50..100).map(event).collect::<Vec<_>>()).unwrap();
    let long_lived = Ledger::new(engine.clone());
    long_lived.usage(&Selection::all(), &GroupBy::Total).unwrap(); // reads alone
    engine.tamper(|t| *t = (*backup).clone()); // the backup is put in its place
    let answer = long_lived.record(&event(99)).unwrap();
    assert!(answer.is_new(), "event 99 is in no log, and is answered {answer:?}: lost");
}

#[test]
fn rebuild_refuses_a_log_with_an_id_twice() {
    // Both in the tail; in one piece of a rebuild; in two pieces; in a piece and the tail.
    for (last, further) in [(100, 0), (600, 600), (17_000, 600), (16_384, 0)] {
        let (engine, ledger) = filled(last);
        engine
            .write(|t| {
                let mut row = None;
                t.rows(Position::new(7), Position::new(7), &mut |_, r| {
                    row = Some(r);
                    Ok(())
                })?;
                let mut row = row.unwrap();
                t.push_row(Position::new(last + 1), &row)?;
                for number in 0_u64..further {
                    row.id = EventId::derived(&[b"further".as_slice(), &number.to_be_bytes()]);
                    t.push_row(Position::new(last + 2 + number), &row)?;
                }
                Ok(())
            })
            .unwrap();
        assert!(ledger.verify_quietly().is_err());
        let refused = ledger.rebuild_quietly().unwrap_err().to_string();
        assert!(refused.contains(&format!("{}", last + 1)), "not for the id that stands twice: {refused}");
        assert!(ledger.verify_quietly().is_err());
    }
}

#[test]
fn rebuild_mends_a_wrong_first_path() {
    let (engine, ledger) = filled(600);
    // Project 1 .. have paths; give one that has none a path: add a project without path
    let bare = ToolUse::new(
        EventId::derived(&[b"x"]),
        ToolName::new("t").unwrap(),
        Outcome::Success,
        Timestamp::from_micros(1).unwrap(),
    )
    .project(Project { id: "00112233445566aa".parse().unwrap(), path: None });
    ledger.record(&bare.into()).unwrap();
    let number = engine.tables().last_name(NameKind::Project).unwrap();
    let key = [b"path".as_slice(), &number.to_be_bytes()].concat();
    let value = seal(&key, &[1]);
    engine.tamper(|t| drop(t.trees.get_mut(&Tree::Meta).unwrap().insert(key, value)));
    assert!(ledger.verify_quietly().is_err());
    ledger.rebuild_quietly().unwrap();
    ledger.verify_quietly().unwrap();
}

#[test]
fn verify_proves_that_ids_are_found() {
    let (engine, ledger) = filled(1_200);
    ledger.verify_quietly().unwrap();
    // Turn the columns of the one chunk round: same entries, wrong order.
    engine.tamper(|t: &mut MemoryTables| {
        let runs = t.trees.get_mut(&Tree::IdRuns).unwrap();
        let (key, value) = runs.iter().next().map(|(k, v)| (k.clone(), v.clone())).unwrap();
        let payload = &value[1..value.len() - 4];
        let mut words: Vec<[u8; 4]> = payload.chunks(4).map(|c| c.try_into().unwrap()).collect();
        let half = words.len() / 2;
        words[..half].reverse();
        words[half..].reverse();
        runs.insert(key.clone(), seal(&key, &words.concat()));
    });
    assert!(ledger.verify_quietly().unwrap_err().is_corrupt());
    // The ids would not be found: their events are refused, not recorded again.
    let again = Ledger::new(engine.clone()).record_all(&(0..1_200).map(event).collect::<Vec<_>>());
    assert!(again.unwrap_err().is_corrupt());
}

#[test]
fn a_crafted_generation_does_not_panic() {
    let (engine, ledger) = filled(600);
    let max = [252, 255, 255, 255, 255];
    let payload = [&max[..], &[0], &max[..], &[0, 0, 0, 0]].concat();
    let record = seal(b"rebuild", &payload);
    engine.tamper(|t| drop(t.trees.get_mut(&Tree::Meta).unwrap().insert(b"rebuild".to_vec(), record)));
    let _ = ledger.rebuild_quietly();
    ledger.verify_quietly().unwrap();
}

#[test]
fn a_log_row_at_the_last_position_does_not_panic() {
    let (engine, ledger) = filled(10);
    let row = {
        let mut row: Option<LogRow> = None;
        engine
            .tables()
            .rows(Position::new(7), Position::new(7), &mut |_, r| {
                row = Some(r);
                Ok(())
            })
            .unwrap();
        row.unwrap()
    };
    let last = Position::new(u64::MAX);
    engine.tamper(|t| drop(t.log.insert(u64::MAX, row.to_bytes(last))));
    let _ = ledger.usage(&Selection::all(), &GroupBy::Total);
    let _ = ledger.record(&event(5000));
    let _ = ledger.verify_quietly();
}

#[test]
fn crafted_counts_do_not_panic() {
    let (engine, ledger) = filled(600);
    // State: generation 0, folded_to 600, one level of two runs that claim 2^64-1 entries.
    let max64 = [253, 255, 255, 255, 255, 255, 255, 255, 255];
    let run = |n: u8| [&[0, n][..], &max64, &[1], &max64].concat();
    let payload = [&[0, 251, 88, 2, 0, 2, 1, 2][..], &run(0), &run(1), &[0, 0]].concat();
    engine.tamper(|t| drop(t.trees.get_mut(&Tree::Meta).unwrap().insert(b"state".to_vec(), seal(b"state", &payload))));
    assert!(ledger.verify_quietly().unwrap_err().is_corrupt());
}

/// The key of the first trails of a session's project.
fn first_trails(ledger: &Ledger<MemoryEngine>, engine: &MemoryEngine, session: &SessionId) -> Vec<u8> {
    let log = ledger.read(Position::START, usize::MAX).unwrap();
    let mut calls = log.iter().filter_map(|recorded| recorded.event.as_tool_use());
    let first = calls.find(|call| call.session.as_ref() == Some(session)).unwrap();
    let id = first.project.as_ref().unwrap().id.to_string();
    let number = engine.tables().name_number(NameKind::Project, &id).unwrap().unwrap();
    engine.tables().trees[&Tree::Trails].keys().find(|key| key[4..8] == number.to_be_bytes()).unwrap().clone()
}

/// Damage of a project's trails that no checksum tells: whoever reads them or adds to them says so, or `verify` does.
#[test]
fn crafted_trails_are_found_and_mended() {
    let session = SessionId::new("session-60").unwrap();
    let (engine, ledger) = filled(6_300);
    let right = ledger.trail(&session, 5_000).unwrap().unwrap();
    let sound = engine.tables();
    let key = first_trails(&ledger, &engine, &session);
    // A place behind the block's last; a tool that is none; a session that was not named; a cut row; one call of many.
    let unreadable: [&[u8]; 4] = [&[255, 255, 1, 1, 0, 1], &[0, 0, 0, 1], &[0, 1, 1, 1], &[0, 1, 0]];
    for payload in unreadable.into_iter().chain([&[0, 1, 0, 1][..]]) {
        engine.tamper(|t| drop(t.trees.get_mut(&Tree::Trails).unwrap().insert(key.clone(), seal(&key, payload))));
        match ledger.trail(&session, 5_000) {
            Ok(trail) => assert_eq!((payload, trail == Some(right.clone())), (&[0, 1, 0, 1][..], false)),
            Err(error) => assert!(error.is_corrupt(), "{payload:?}: {error}"),
        }
        assert!(ledger.verify_quietly().unwrap_err().is_corrupt(), "{payload:?}");
        ledger.rebuild_quietly().unwrap();
        ledger.verify_quietly().unwrap();
        assert_eq!(ledger.trail(&session, 5_000).unwrap().as_ref(), Some(&right));
        engine.tamper(|t| *t = (*sound).clone());
    }
}

/// A last row that reaches farther than what is folded takes no call: it is not what the log gives.
#[test]
fn trails_ahead_of_the_fold_take_no_calls() {
    let (engine, ledger) = filled(1_200);
    let key = engine.tables().trees[&Tree::Trails].keys().next().unwrap().clone();
    // The last place of the first block.
    let value = seal(&key, &[255, 31, 1, 0, 1]);
    engine.tamper(|t| drop(t.trees.get_mut(&Tree::Trails).unwrap().insert(key, value)));
    assert!(ledger.verify_quietly().unwrap_err().is_corrupt());
    let further: Vec<Event> = (1_200..2_400).map(event).collect();
    assert!(ledger.record_all(&further).unwrap_err().is_corrupt());
    ledger.rebuild_quietly().unwrap();
    ledger.record_all(&further).unwrap();
    ledger.verify_quietly().unwrap();
}

/// Counts the log rows that are read.
#[derive(Clone, Default)]
struct Counting(MemoryEngine, Arc<AtomicU64>);
struct CountingSnapshot<'a>(&'a dyn Snapshot, &'a AtomicU64);
impl Snapshot for CountingSnapshot<'_> {
    fn head(&self) -> Result<Position> {
        self.0.head()
    }
    fn rows(
        &self,
        first: Position,
        last: Position,
        visit: &mut dyn FnMut(Position, LogRow) -> Result<()>,
    ) -> Result<()> {
        self.0.rows(first, last, &mut |p, r| {
            self.1.fetch_add(1, Ordering::Relaxed);
            visit(p, r)
        })
    }
    fn name_number(&self, k: NameKind, t: &str) -> Result<Option<u32>> {
        self.0.name_number(k, t)
    }
    fn name_text(&self, k: NameKind, n: u32) -> Result<Option<String>> {
        self.0.name_text(k, n)
    }
    fn last_name(&self, k: NameKind) -> Result<u32> {
        self.0.last_name(k)
    }
    fn get(&self, t: Tree, k: &[u8]) -> Result<Option<Vec<u8>>> {
        self.0.get(t, k)
    }
    fn scan(&self, tree: Tree, first: &[u8], last: &[u8], direction: Direction, visit: Visit<'_>) -> Result<()> {
        self.0.scan(tree, first, last, direction, &mut |key, value| {
            self.1.fetch_add(1, Ordering::Relaxed);
            visit(key, value)
        })
    }
}
impl Engine for Counting {
    fn read<R>(&self, body: impl FnOnce(&dyn Snapshot) -> Result<R>) -> Result<R> {
        let tables = self.0.tables();
        body(&CountingSnapshot(&*tables, &self.1))
    }
    fn write<R>(&self, body: impl FnOnce(&mut dyn Transaction) -> Result<R>) -> Result<R> {
        self.0.write(body)
    }
    fn compact(&self) -> Result<()> {
        Ok(())
    }
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

#[test]
fn the_tail_is_remembered_after_a_rebuild() {
    let engine = Counting::default();
    let ledger = Ledger::new(engine.clone());
    ledger.record_all(&(0..8000).map(event).collect::<Vec<_>>()).unwrap();
    ledger.record_all(&(8000..8592).map(event).collect::<Vec<_>>()).unwrap();
    let cost = || {
        ledger.usage(&Selection::all(), &GroupBy::Total).unwrap();
        let before = engine.1.load(Ordering::Relaxed);
        ledger.usage(&Selection::all(), &GroupBy::Total).unwrap();
        engine.1.load(Ordering::Relaxed) - before
    };
    let before = cost();
    ledger.rebuild_quietly().unwrap();
    let after = cost();
    ledger.record_all(&(9000..9600).map(event).collect::<Vec<_>>()).unwrap();
    assert!(after <= before + 1);
}

#[test]
fn a_day_without_sessions_costs_a_day() {
    let day = 86_400_000_000_i64;
    let cost = |days: i64| {
        let engine = Counting::default();
        let ledger = Ledger::new(engine.clone());
        let events: Vec<Event> = (0..days * 4)
            .map(|n| {
                ToolUse::new(
                    EventId::derived(&[n.to_le_bytes()]),
                    ToolName::new("t").unwrap(),
                    Outcome::Success,
                    Timestamp::from_micros(n * day / 4).unwrap(),
                )
                .into()
            })
            .collect();
        ledger.record_all(&events).unwrap();
        let window =
            Window::new(Some(Timestamp::from_micros(day).unwrap()), Some(Timestamp::from_micros(2 * day).unwrap()))
                .unwrap();
        let mut costs = vec![];
        for (s, g) in [
            (Selection::all().window(window), GroupBy::Session),
            (Selection { session: Filter::Absent, ..Selection::all().window(window) }, GroupBy::Tool),
        ] {
            ledger.usage(&s, &g).unwrap();
            let before = engine.1.load(Ordering::Relaxed);
            ledger.usage(&s, &g).unwrap();
            costs.push(engine.1.load(Ordering::Relaxed) - before);
        }
        let s = Selection { session: Filter::Absent, ..Selection::all().window(window) };
        let before = engine.1.load(Ordering::Relaxed);
        ledger.recent(&s, 1).unwrap();
        costs.push(engine.1.load(Ordering::Relaxed) - before);
        costs
    };
    let (short, long) = (cost(2000), cost(6000));
    assert_eq!(short, long, "entries visited for one day, with a history of 2000 and of 6000 days");
}

#[test]
fn a_file_gone_back_and_grown_again_is_noticed() {
    let engine = MemoryEngine::default();
    let long_lived = Ledger::new(engine.clone());
    long_lived.record_all(&(0..50).map(event).collect::<Vec<_>>()).unwrap();
    let backup = engine.tables();
    long_lived.record_all(&(50..100).map(event).collect::<Vec<_>>()).unwrap();
    engine.tamper(|t| *t = (*backup).clone());
    Ledger::new(engine.clone()).record_all(&(200..260).map(event).collect::<Vec<_>>()).unwrap();
    let all = |ledger: &Ledger<MemoryEngine>| ledger.usage(&Selection::all(), &GroupBy::Tool).unwrap();
    assert_eq!(all(&long_lived), all(&Ledger::new(engine)));
    let answer = long_lived.record(&event(99)).unwrap();
    assert!(answer.is_new(), "event 99 is in no log, and is answered {answer:?}: lost");
}

#[derive(Clone, Default)]
struct PanicOnce(MemoryEngine, Arc<AtomicBool>);
impl Engine for PanicOnce {
    fn read<R>(&self, body: impl FnOnce(&dyn Snapshot) -> Result<R>) -> Result<R> {
        self.0.read(body)
    }
    fn write<R>(&self, body: impl FnOnce(&mut dyn Transaction) -> Result<R>) -> Result<R> {
        assert!(self.1.swap(true, Ordering::SeqCst), "the engine panics before it calls the body");
        self.0.write(body)
    }
    fn compact(&self) -> Result<()> {
        Ok(())
    }
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

#[test]
fn an_append_that_panicked_is_not_recorded_by_the_next_one() {
    let engine = PanicOnce::default();
    let ledger = Ledger::new(engine);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ledger.record(&event(1))));
    assert!(panicked.is_err());
    ledger.record(&event(2)).unwrap();
    assert_eq!(ledger.head().unwrap().get(), 1, "the event of the append that panicked is in the log");
}

/// A row of a kind that this code does not know, behind a sound checksum: not counted as a call, nor folded as one.
#[test]
fn a_row_of_an_unknown_kind_is_refused_by_whoever_meets_it() {
    let engine = MemoryEngine::default();
    let ledger = Ledger::new(engine.clone());
    ledger.record_all(&(0..1_200).map(event).collect::<Vec<_>>()).unwrap();
    engine.tamper(|tables| {
        let last = Position::new(1_200);
        let row = LogRow::from_bytes(last, &tables.log[&1_200]).unwrap();
        let next = LogRow { kind: 9, id: EventId::from_bytes([7; 16]), ..row };
        tables.log.insert(1_201, next.to_bytes(last.next()));
    });
    for ledger in [&ledger, &Ledger::new(engine.clone())] {
        let answers = [
            ledger.usage(&Selection::all(), &GroupBy::Total).map(drop),
            ledger.recent(&Selection::all(), 5).map(drop),
            // A process's first append looks for its id alone: it does not meet the row.
            ledger.record_all(&(5000..6000).map(event).collect::<Vec<_>>()).map(drop),
            ledger.read(Position::new(1_200), 1).map(drop),
            ledger.record(&event(5000)).map(drop),
            ledger.verify_quietly().map(drop),
            ledger.rebuild_quietly(),
        ];
        for answer in answers {
            assert!(answer.as_ref().is_err_and(Error::is_corrupt), "{answer:?}");
        }
    }
    assert_eq!(engine.tables().log.len(), 1_201);
}
