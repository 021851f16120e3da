//! What happens where numbers end. No public door makes such a store: its log would have to hold hundreds of billions of
//! events. So what they would have left is made up: the last row, and a state that claims all before it.

use super::calls::LAST_POSITION;
use super::ids::Directory;
use super::state::{LIVE, State};
use super::{Ledger, LogRow, MemoryEngine, NameKind, Transaction as _};
use crate::{
    Appended, Error, Event, EventId, GroupBy, Log as _, LogExt as _, MemoryStore, Outcome, Position, Project,
    Queries as _, Recorded, Result, Selection, SessionId, Source, Timestamp, ToolName, ToolUse, Window,
};

const DAY: i64 = 86_400_000_000;

/// An engine whose log ends at a position.
fn engine_up_to(last: Position) -> MemoryEngine {
    let engine = MemoryEngine::default();
    let row = LogRow {
        kind: LogRow::TOOL_USE,
        id: EventId::from_bytes([0xEE; 16]),
        time: Timestamp::MIN,
        tool: 1,
        session: 0,
        project: 0,
        path: 0,
        agent: 0,
        subagent: 0,
        outcome: Outcome::Success,
        source: Source::Import,
        duration: None,
        attributes: Vec::new(),
    };
    let mut state = State::new(0);
    state.set_folded_to(last);
    state.ids = Directory::claiming(0, last.get());
    engine.tamper(|tables| {
        tables.push_name(NameKind::Tool, 1, "older").unwrap();
        tables.push_row(last, &row).unwrap();
        state.store(tables, LIVE).unwrap();
    });
    engine
}

fn event(n: u64) -> Event {
    let tool = ToolName::new(["Bash", "Read", "Edit"][usize::try_from(n % 3).unwrap()]).unwrap();
    let time = Timestamp::from_micros(i64::try_from(n % 7).unwrap() * 3 * DAY + i64::try_from(n).unwrap()).unwrap();
    let mut call = ToolUse::new(EventId::derived(&[n.to_le_bytes()]), tool, Outcome::Success, time);
    call.session = n.is_multiple_of(2).then(|| SessionId::new(format!("s{}", n % 10)).unwrap());
    call.project = n.is_multiple_of(5).then(|| Project::from_path(format!("/p{}", n % 3)).unwrap());
    call.into()
}

fn events(numbers: std::ops::Range<u64>) -> Vec<Event> {
    numbers.map(event).collect()
}

/// The answers are those of a store that holds nothing else, but for the positions.
fn assert_same(ledger: &Ledger<MemoryEngine>, model: &MemoryStore, before: Position) {
    let windows = [Window::ALL, Window::since(Timestamp::from_micros(4 * DAY + 17).unwrap())];
    for window in windows {
        let all = Selection::all().window(window);
        let bash = all.clone().tool(ToolName::new("Bash").unwrap());
        for selection in [all.clone(), bash, all.session(SessionId::new("s4").unwrap())] {
            for group_by in [GroupBy::Total, GroupBy::Tool, GroupBy::Project, GroupBy::Session] {
                assert_eq!(ledger.usage(&selection, &group_by).unwrap(), model.usage(&selection, &group_by).unwrap());
            }
            for limit in [3, 2000] {
                let shift = |recorded: Recorded| Recorded {
                    position: Position::new(before.get() + recorded.position.get()),
                    ..recorded
                };
                let expected: Vec<Recorded> = model.recent(&selection, limit).unwrap().into_iter().map(shift).collect();
                assert_eq!(ledger.recent(&selection, limit).unwrap(), expected, "{before} {selection:?} {limit}");
            }
        }
    }
}

fn is_full<T: std::fmt::Debug>(answer: &Result<T>) -> bool {
    matches!(answer, Err(Error::Full { .. }))
}

#[test]
fn answers_are_exact_up_to_the_last_position() {
    for before in [(1 << 32) - 300, (1 << 33) - 700, (1 << 38) - 20, LAST_POSITION.get() - 1400] {
        let before = Position::new(before);
        let engine = engine_up_to(before);
        let (ledger, model) = (Ledger::new(engine.clone()), MemoryStore::new());
        for numbers in [0..40, 40..700, 700..1215, 1215..1400] {
            let answers = ledger.record_all(&events(numbers.clone())).unwrap();
            let expected = (before.get() + numbers.start + 1..).map(|n| Appended::New(Position::new(n)));
            assert!(answers.into_iter().eq(expected.take(usize::try_from(numbers.end - numbers.start).unwrap())));
            model.record_all(&events(numbers)).unwrap();
            assert_same(&ledger, &model, before);
        }
        // Another process: nothing remembered. It knows all of them.
        let other = Ledger::new(engine);
        assert_same(&other, &model, before);
        let known = other.record_all(&events(0..1400)).unwrap();
        let expected = (before.get() + 1..).map(|n| Appended::Duplicate(Position::new(n)));
        assert!(known.into_iter().eq(expected.take(1400)));
    }
}

#[test]
fn a_log_without_a_further_position_is_full() {
    for room in [0, 1, 100] {
        let engine = engine_up_to(Position::new(LAST_POSITION.get() - room));
        let ledger = Ledger::new(engine.clone());
        let before = engine.tables().log.len();
        assert!(is_full(&ledger.record_all(&events(0..room + 1))), "a batch that is too large by one");
        assert_eq!(engine.tables().log.len(), before, "nothing of it is recorded");
        ledger.record_all(&events(0..room)).unwrap();
        assert_eq!(ledger.head().unwrap(), LAST_POSITION);
        for _ in 0..2 {
            assert!(is_full(&ledger.record(&event(5000))));
            assert!(is_full(&Ledger::new(engine.clone()).record_all(&events(0..700))));
        }
        let known = ledger.record_all(&events(0..room)).unwrap();
        assert!(known.iter().all(|answer| !answer.is_new()), "what is known is still answered for");
        assert_eq!(ledger.usage(&Selection::all(), &GroupBy::Total).unwrap().len(), usize::from(room > 0));
    }
}

#[test]
fn names_without_a_further_number_are_full() {
    let engine = engine_up_to(Position::new(10));
    engine.tamper(|tables| tables.push_name(NameKind::Session, u32::MAX - 1, "last but one").unwrap());
    let ledger = Ledger::new(engine);
    let in_session = |n: u64, session: &str| {
        let Event::ToolUse(mut call) = event(n) else { panic!("another kind of event") };
        call.session = Some(SessionId::new(session).unwrap());
        Event::from(call)
    };
    ledger.record(&in_session(1, "the last")).unwrap();
    assert!(is_full(&ledger.record(&in_session(2, "one too many"))));
    ledger.record_all(&(3..700).map(|n| in_session(n, "the last")).collect::<Vec<_>>()).unwrap();
    ledger.record(&in_session(701, "last but one")).unwrap();
    let of = |session: &str| {
        let selection = Selection::all().session(SessionId::new(session).unwrap());
        ledger.usage(&selection, &GroupBy::Total).unwrap().iter().map(|row| row.usage.uses()).sum::<u64>()
    };
    assert_eq!(["the last", "last but one", "one too many"].map(of), [698, 1, 0]);
}
