//! The same events give the same answers on every backend that is built in, and on the reference store.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use tooltally::{
    AgentName, Attributes, Event, EventId, GroupBy, LogExt, MaintenanceExt, MemoryStore, Outcome, Position, Project,
    ProjectId, QueriesExt, Selection, SessionId, Source, Spans, Store, Timestamp, ToolDuration, ToolName, ToolUse,
    Window,
};

use crate::{address, built_in};

const EVENTS: u64 = 1500;
const HOUR_MICROS: u64 = 3_600_000_000;
/// 2026-03-01T00:00:00Z.
const BASE_MICROS: u64 = 1_772_323_200_000_000;

fn time(micros: u64) -> Timestamp {
    Timestamp::from_micros(i64::try_from(micros).unwrap()).unwrap()
}

fn project(number: u64) -> Project {
    Project::from_path(format!("/home/dev/project-{number}")).unwrap()
}

/// Enough events to be folded more than once, some of them late, over about two months.
fn event(number: u64) -> Event {
    let agent = AgentName::claude_code();
    let late = if number.is_multiple_of(17) { 30 * HOUR_MICROS } else { 0 };
    let mut attributes = Attributes::new();
    attributes.set("number", &number.to_string()).unwrap();
    let tool_use = ToolUse::new(
        EventId::global(&agent, &format!("toolu_{number}")),
        ToolName::new(["Bash", "Read", "Edit", "mcp__github__get_issue"][usize::try_from(number % 4).unwrap()])
            .unwrap(),
        Outcome::ALL[usize::try_from(number * number % 5).unwrap()],
        time(BASE_MICROS + number * HOUR_MICROS - late.min(number * HOUR_MICROS)),
    )
    .agent(agent)
    .source(Source::Transcript)
    .attributes(attributes);
    let tool_use = if number.is_multiple_of(5) { tool_use } else { tool_use.project(project(number % 3)) };
    let tool_use = if number.is_multiple_of(7) {
        tool_use
    } else {
        tool_use.session(SessionId::new(format!("s{}", number / 40)).unwrap())
    };
    let micros = number * 7919 % 90_000_000;
    let tool_use =
        if number.is_multiple_of(2) { tool_use } else { tool_use.duration(ToolDuration::from_micros(micros).unwrap()) };
    tool_use.into()
}

fn selections() -> Vec<Selection> {
    let window = |from: u64, to: u64| Window::new(Some(time(from)), Some(time(to))).unwrap();
    let hours = |hours: u64| BASE_MICROS + hours * HOUR_MICROS;
    vec![
        Selection::all(),
        Selection::all().window(Window::since(time(hours(700) + 1))),
        Selection::all().window(Window::until(time(hours(700)))),
        Selection::all().window(window(hours(100) + 123, hours(1_200) + 1)),
        Selection::all().tool(ToolName::new("Bash").unwrap()).window(window(hours(3), hours(30))),
        Selection::all().project(project(1).id).window(Window::since(time(hours(24)))),
        Selection::all().session(SessionId::new("s3").unwrap()),
        Selection::all().project(ProjectId::of_path("/nowhere")),
    ]
}

#[test]
fn the_same_events_give_the_same_answers() {
    for engine in built_in() {
        let folder = tempfile::tempdir().unwrap();
        let store = tooltally::open(&address(&folder, engine)).unwrap();
        let reference = MemoryStore::new();
        let events: Vec<Event> = (1..=EVENTS).map(event).collect();
        for batch in events.chunks(97) {
            assert_eq!(store.record_all(batch).unwrap(), reference.record_all(batch).unwrap(), "{engine}");
        }
        let days = Spans::new((0..60).map(|day| time(BASE_MICROS + day * 24 * HOUR_MICROS)).collect()).unwrap();
        let groups = [GroupBy::Total, GroupBy::Tool, GroupBy::Project, GroupBy::Session, GroupBy::Span(days)];
        for selection in selections() {
            for group_by in &groups {
                let (answer, expected) =
                    (compare(store.as_ref(), &selection, group_by), compare(&reference, &selection, group_by));
                assert_eq!(answer, expected, "{engine}: {selection:?} by {group_by:?}");
            }
        }
        assert_eq!(store.recent_usage(None, 40).unwrap(), reference.recent_usage(None, 40).unwrap(), "{engine}");
        assert_eq!(store.verify_quietly().unwrap().events, EVENTS, "{engine}");
    }
}

fn compare(store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Vec<tooltally::UsageRow> {
    store.usage(selection, group_by).unwrap()
}

#[test]
fn what_was_recorded_is_there_when_it_is_opened_again() {
    let events: Vec<Event> = (1..=20).map(event).collect();
    for engine in built_in() {
        let folder = tempfile::tempdir().unwrap();
        tooltally::open(&address(&folder, engine)).unwrap().record_all(&events).unwrap();
        let store = tooltally::open(&address(&folder, engine)).unwrap();
        let found: Vec<Event> = store.read(Position::START, 99).unwrap().into_iter().map(|r| r.event).collect();
        assert_eq!(found, events, "{engine}");
    }
}

#[test]
fn the_first_record_of_a_call_wins_across_openings() {
    for engine in built_in() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..3 {
            let store = tooltally::open(&address(&folder, engine)).unwrap();
            let answer = store.record(&event(1)).unwrap();
            assert_eq!((answer.is_new(), answer.position()), (round == 0, Position::new(1)), "{engine}");
        }
    }
}
