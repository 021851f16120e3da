//! The ledger over an engine in memory, against the reference store.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod damage;
mod put_back;

use proptest::prelude::*;
use tooltally_core::ledger::{Ledger, MemoryEngine, MemoryTables, Tree};
use tooltally_core::policy::kind::{Kind, Scope};
use tooltally_core::{
    AgentName, Event, EventId, Filter, GroupBy, Log, LogExt, MaintenanceExt, MemoryStore, Outcome, Project, ProjectId,
    Queries, Selection, SessionId, SettingsSource, Spans, Timestamp, ToolDiscovered, ToolDuration, ToolName,
    ToolRemoved, ToolUse, Window,
};

const START: i64 = 1_767_225_600_000_000;
const DAY: i64 = 86_400_000_000;

/// An event made of a few numbers: few names, so that groups fill, and times that jump about.
fn event(n: u64) -> Event {
    let mix = |salt: u64| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ salt).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33;
    let agent = AgentName::claude_code();
    let id = EventId::global(&agent, &format!("toolu_{n}"));
    let time = match mix(1) % 10 {
        0 => START - i64::try_from(mix(2) % 400).unwrap() * DAY,
        1 => START + DAY,
        _ => START + i64::try_from(n * 60_000_000 + mix(3) % 900_000_000).unwrap(),
    };
    let outcome = Outcome::ALL[usize::try_from(mix(4) % 5).unwrap()];
    let (tool, time) = (ToolName::new(format!("tool-{}", mix(5) % 7)).unwrap(), Timestamp::from_micros(time).unwrap());
    let project = (!mix(6).is_multiple_of(5)).then(|| Project::from_path(format!("/p/{}", mix(7) % 4)).unwrap());
    let mut event = ToolUse::new(id, tool, outcome, time).agent(agent);
    event.project = project;
    if !mix(8).is_multiple_of(5) {
        event = event.session(SessionId::new(format!("session-{}", n / 100 + mix(9) % 2)).unwrap());
    }
    if mix(10).is_multiple_of(2) {
        event = event.duration(ToolDuration::from_micros(mix(11) % 10_000_000).unwrap());
    }
    event.into()
}

/// The same, with registry events among the calls.
fn mixed(n: u64) -> Event {
    let Event::ToolUse(call) = event(n) else { unreachable!("a call is made") };
    match n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33 & 31 {
        0..3 => {
            let source = SettingsSource::new(".mcp.json").unwrap();
            let mut found = ToolDiscovered::new(call.id, call.tool, Kind::Unknown, Scope::Local, source, call.time);
            found.project = call.project;
            found.into()
        }
        3 => {
            let mut gone = ToolRemoved::new(call.id, call.tool, call.time);
            gone.project = call.project;
            gone.into()
        }
        _ => call.into(),
    }
}

fn windows() -> Vec<Window> {
    let time = |t: i64| Timestamp::from_micros(t).unwrap();
    let window = |from: i64, to: i64| Window::new(Some(time(from)), Some(time(to))).unwrap();
    vec![
        Window::ALL,
        Window::since(time(START + 1)),
        Window::until(time(START + DAY)),
        Window::until(time(START + DAY + 1)),
        window(START - 300 * DAY, START + 7 * DAY + 123_456),
        window(START + 1_000, START + 600_000_000),
        window(START + DAY / 3, START + 2 * DAY),
    ]
}

/// Every answer of the ledger equals the reference's.
fn assert_same(ledger: &Ledger<MemoryEngine>, model: &MemoryStore) {
    let project = Project::from_path("/p/1").unwrap().id;
    let tool = ToolName::new("tool-3").unwrap();
    let session = SessionId::new("session-3").unwrap();
    let edges = (-3..12).map(|d| Timestamp::from_micros(START + d * DAY + d * 777).unwrap()).collect();
    let groups =
        [GroupBy::Total, GroupBy::Tool, GroupBy::Project, GroupBy::Session, GroupBy::Span(Spans::new(edges).unwrap())];
    for window in windows() {
        for tool in [Filter::Any, Filter::Is(tool.clone())] {
            for project in [Filter::Any, Filter::Absent, Filter::Is(project)] {
                for session in [Filter::Any, Filter::Absent, Filter::Is(session.clone())] {
                    let selection = Selection { tool: tool.clone(), project: project.clone(), session, window };
                    for group in &groups {
                        assert_eq!(
                            ledger.usage(&selection, group).unwrap(),
                            model.usage(&selection, group).unwrap(),
                            "{selection:?} {group:?}"
                        );
                    }
                    for limit in [0, 1, 5, 50, 100_000] {
                        assert_eq!(
                            ledger.recent(&selection, limit).unwrap(),
                            model.recent(&selection, limit).unwrap(),
                            "{selection:?} {limit}"
                        );
                    }
                }
            }
        }
    }
    for project in [Filter::Any, Filter::Absent, Filter::Is(ProjectId::of_path("/p/1"))] {
        assert_eq!(ledger.registered(&project).unwrap(), model.registered(&project).unwrap());
        assert_eq!(ledger.latest_outcomes(&project).unwrap(), model.latest_outcomes(&project).unwrap());
    }
    for session in [0, 3, 9, 40, 77] {
        let session = SessionId::new(format!("session-{session}")).unwrap();
        for look_back in [0, 3, 200, 2_000] {
            let trail = ledger.trail(&session, look_back).unwrap();
            assert_eq!(trail, model.trail(&session, look_back).unwrap(), "{session} {look_back}");
        }
    }
}

#[test]
fn many_folds_and_merges_answer_as_the_reference_does() {
    let engine = MemoryEngine::default();
    let (ledger, model) = (Ledger::new(engine.clone()), MemoryStore::new());
    let mut next = 0;
    for batch in [1, 600, 37, 5000, 1023, 1024, 1025].into_iter().chain(std::iter::repeat_n(700, 12)) {
        // Each batch begins with events from far back and from the batch before.
        let events: Vec<Event> = (0..20).map(|i| i * 31 % (next + 1)).chain(next..next + batch).map(mixed).collect();
        assert_eq!(ledger.record_all(&events).unwrap(), model.record_all(&events).unwrap());
        next += batch;
    }
    assert_eq!(ledger.head().unwrap(), model.head().unwrap());
    assert_same(&ledger, &model);
    ledger.verify_quietly().unwrap();
    // Another process: nothing remembered.
    let other = Ledger::new(engine.clone());
    assert_same(&other, &model);
    other.rebuild_quietly().unwrap();
    other.verify_quietly().unwrap();
    assert_same(&other, &model);
    assert_same(&ledger, &model);
    let events: Vec<Event> = (0..next + 900).step_by(3).map(mixed).collect();
    assert_eq!(ledger.record_all(&events).unwrap(), model.record_all(&events).unwrap());
    assert_same(&other, &model);
}

#[test]
fn a_rebuild_gives_the_same_rows() {
    let engine = MemoryEngine::default();
    let ledger = Ledger::new(engine.clone());
    for n in 0..33_u64 {
        ledger.record_all(&(n * 100..(n + 1) * 100).map(mixed).collect::<Vec<_>>()).unwrap();
    }
    let rows = |tree| {
        let tables = engine.tables();
        let tree = tables.trees.get(&tree).cloned().unwrap_or_default();
        // Without the generation, and without the checksum, which covers it.
        tree.into_iter().map(|(k, v)| (k[4..].to_vec(), v[..v.len() - 4].to_vec())).collect::<Vec<_>>()
    };
    let before = [Tree::Rollups, Tree::Postings, Tree::Recents, Tree::Registry, Tree::Trails].map(rows);
    // The rebuild folds as far as the live projections did, give or take a tail: add what makes them meet.
    ledger.rebuild_quietly().unwrap();
    let after = [Tree::Rollups, Tree::Postings, Tree::Recents, Tree::Registry, Tree::Trails].map(rows);
    assert_eq!(before, after);
}

/// Damage of any one stored value is found by `verify`; a query errs or stays right where it is changed.
#[test]
fn verify_finds_a_changed_missing_or_added_row_of_any_tree() {
    for tree in Tree::ALL {
        let engine = MemoryEngine::default();
        let ledger = Ledger::new(engine.clone());
        for n in 0..12_u64 {
            ledger.record_all(&(n * 600..(n + 1) * 600).map(mixed).collect::<Vec<_>>()).unwrap();
        }
        ledger.rebuild_quietly().unwrap();
        ledger.verify_quietly().unwrap();
        let right = ledger.usage(&Selection::all(), &GroupBy::Tool).unwrap();
        let registered = ledger.registered(&Filter::Any).unwrap();
        let outcomes = ledger.latest_outcomes(&Filter::Any).unwrap();
        let session = SessionId::new("session-60").unwrap();
        let trail = ledger.trail(&session, 900).unwrap();
        let sound = engine.tables();
        let restore = |engine: &MemoryEngine| engine.tamper(|tables| *tables = (*sound).clone());
        let keys: Vec<Vec<u8>> = sound.trees[&tree].keys().cloned().collect();
        for key in keys.iter().step_by(keys.len() / 10 + 1) {
            engine.tamper(|t| t.trees.get_mut(&tree).unwrap().get_mut(key).unwrap()[1] ^= 1);
            assert!(ledger.verify_quietly().unwrap_err().is_corrupt(), "{tree:?} {key:?} changed");
            match ledger.usage(&Selection::all(), &GroupBy::Tool) {
                Ok(rows) => assert_eq!(rows, right, "{tree:?} {key:?} changed"),
                Err(error) => assert!(error.is_corrupt()),
            }
            match ledger.registered(&Filter::Any) {
                Ok(rows) => assert_eq!(rows, registered, "{tree:?} {key:?} changed"),
                Err(error) => assert!(error.is_corrupt()),
            }
            match ledger.latest_outcomes(&Filter::Any) {
                Ok(rows) => assert_eq!(rows, outcomes, "{tree:?} {key:?} changed"),
                Err(error) => assert!(error.is_corrupt()),
            }
            match ledger.trail(&session, 900) {
                Ok(answer) => assert_eq!(answer, trail, "{tree:?} {key:?} changed"),
                Err(error) => assert!(error.is_corrupt()),
            }
            restore(&engine);
            engine.tamper(|t| drop(t.trees.get_mut(&tree).unwrap().remove(key)));
            assert!(ledger.verify_quietly().unwrap_err().is_corrupt(), "{tree:?} {key:?} missing");
            restore(&engine);
        }
        if tree != Tree::Meta {
            // A row under a key that nothing has, in the live generation.
            let mut stray = keys[0].clone();
            stray.extend([0xEE; 4]);
            engine.tamper(|t| drop(t.trees.get_mut(&tree).unwrap().insert(stray, vec![1, 2, 3, 4, 5, 6])));
            assert!(ledger.verify_quietly().unwrap_err().is_corrupt(), "{tree:?} added");
            restore(&engine);
        }
    }
}

#[test]
fn verify_and_rebuild_refuse_a_damaged_log() {
    let engine = MemoryEngine::default();
    let ledger = Ledger::new(engine.clone());
    ledger.record_all(&(0..3000).map(mixed).collect::<Vec<_>>()).unwrap();
    let sound = engine.tables();
    let damages: [fn(&mut MemoryTables); 3] = [
        |t| t.log.get_mut(&77).unwrap()[5] ^= 1,
        |t| drop(t.log.remove(&2999)),
        |t| drop(t.names.remove(&(tooltally_core::ledger::NameKind::Tool, 3))),
    ];
    for damage in damages {
        engine.tamper(damage);
        assert!(ledger.verify_quietly().unwrap_err().is_corrupt());
        assert!(ledger.rebuild_quietly().unwrap_err().is_corrupt());
        engine.tamper(|t| *t = (*sound).clone());
        ledger.rebuild_quietly().unwrap();
        ledger.verify_quietly().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]
    #[test]
    fn any_order_and_batching_answers_as_the_reference(
        batches in proptest::collection::vec(proptest::collection::vec(0..3000_u64, 0..1_500), 1..6),
    ) {
        let (ledger, model) = (Ledger::new(MemoryEngine::default()), MemoryStore::new());
        for batch in batches {
            let events: Vec<Event> = batch.into_iter().map(mixed).collect();
            prop_assert_eq!(ledger.record_all(&events).unwrap(), model.record_all(&events).unwrap());
        }
        assert_same(&ledger, &model);
        ledger.verify_quietly().unwrap();
    }
}
