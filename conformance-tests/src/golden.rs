//! A history that golden files hold, and what a store says of it, as lines: for tests of file formats.
//!
//! The files of a format are written once and read for ever. What they must answer stands in [`FORMAT_1`], and is
//! compared as text, so that neither the code that made the events nor the code that counts them can change both sides
//! at once.

use std::fmt::Write as _;

use tooltally_core::{
    AgentName, Event, Filter, GroupBy, GroupKey, LogExt, MaintenanceExt, Outcome, Position, Project, ProjectId,
    ProjectPath, RecentOutcomes, Recorded, Registered, Selection, SessionId, Source, Spans, Step, Store, SubagentName,
    Timestamp, ToolDuration, ToolName, Trail, UsageRow, Window,
};

use crate::events::{
    self, DAY_MICROS, HOUR_MICROS, MINUTE_MICROS, PATHS, SESSIONS, TOOLS, at, instant, numbered_all, use_of,
};

/// What a store of the whole history in a file of format 1 answers, as [`lines`] has it.
pub const FORMAT_1: &str = include_str!("../golden/format-1.txt");

/// The events of odd shapes stand from this number on.
const ODD_FROM: u64 = 1_000_000;
/// Registry events of odd shapes, from this one on.
const REGISTRY_FROM: u64 = 5_000_000;
/// Calls with registry events among them, from this one on.
const MIXED_FROM: u64 = 6_000_000;
/// Plain calls, which take little room, from this one on.
const PLAIN_FROM: u64 = 2_000_000;

/// Records the history into a new store. It begins with events of every shape, one by one; then there are folds, a
/// rebuild, which leaves projections of another generation, more folds, and a tail. Compacted in between, to be small.
pub fn record(store: &dyn Store) {
    record_beginning(store);
    store.rebuild_quietly().expect("the store is rebuilt");
    store.compact().expect("the store is compacted");
    let mixed = events::mixed_all(MIXED_FROM..MIXED_FROM + 80);
    for events in [plain(450, 600), numbered_all(120..160), mixed, plain(1_040, 260)] {
        store.record_all(&events).expect("events are recorded, ten of them known");
    }
}

/// The beginning of the history: a fold and a tail.
pub fn record_beginning(store: &dyn Store) {
    for event in odd().into_iter().chain(events::odd(REGISTRY_FROM)) {
        store.record(&event).expect("an event is recorded");
    }
    for events in [numbered_all(0..120), plain(0, 400), plain(400, 50)] {
        store.record_all(&events).expect("events are recorded");
    }
    store.compact().expect("the store is compacted");
}

/// What follows the beginning, for files that a killed writer leaves.
pub fn record_a_little_more(store: &dyn Store) {
    store.record_all(&plain(450, 20)).expect("events are recorded");
}

/// How many events a store holds that a killed writer has left so.
pub const LEFT: usize = 676;

/// An event that no history here holds.
pub fn another() -> Event {
    use_of(3_000_000, "Bash", at(0)).into()
}

fn plain(first: u64, count: u64) -> Vec<Event> {
    let event = |n: u64| {
        let mut call = use_of(PLAIN_FROM + n, TOOLS[n as usize % 3], at(n as i64 * 1_000_003));
        call.session = Some(events::session(SESSIONS[0]));
        call.into()
    };
    (first..first + count).map(event).collect()
}

/// Every outcome from every source, every field absent and present, at its shortest and longest.
fn odd() -> Vec<Event> {
    let ends = [
        Timestamp::MIN,
        instant(1),
        instant(DAY_MICROS - 1),
        instant(DAY_MICROS),
        at(-1),
        at(0),
        at(0),
        instant(Timestamp::MAX.as_micros() - 1),
        Timestamp::MAX,
    ];
    let durations = [0, 1, 63, 64, 65, 1_500, 1 << 32, (1 << 62) + 1, ToolDuration::MAX.as_micros()];
    let longest = "x".repeat(ToolName::MAX_BYTES);
    let tools =
        ["Bash", "mcp__werkzeug__prüfe_größe", "工具", "🛠️ tool|with \"quotes\" and \\", "é", "e\u{301}", &longest];
    let sessions = ["s", "sitzung 2", "סשן", " "];
    let projects = [
        events::project(PATHS[0]),
        Project { id: ProjectId::of_path(PATHS[0]), path: Some(ProjectPath::new("/another/name").unwrap()) },
        Project::from_id(ProjectId::from_bytes([0xFF; 8])),
        events::project("/srv/日本語"),
    ];
    let agents = [AgentName::claude_code(), AgentName::new("codex").unwrap(), AgentName::new("агент").unwrap()];
    let mut made = Vec::new();
    for outcome in Outcome::ALL {
        for source in Source::ALL {
            let n = made.len();
            let mut call = use_of(ODD_FROM + n as u64, tools[n % tools.len()], ends[n % ends.len()]);
            (call.outcome, call.source) = (outcome, source);
            call.session = (n % 3 > 0).then(|| SessionId::new(sessions[n % sessions.len()]).unwrap());
            call.project = (n % 4 > 0).then(|| projects[n % projects.len()].clone());
            call.agent = (n % 5 > 0).then(|| agents[n % agents.len()].clone());
            call.subagent = (n % 2 > 0).then(|| SubagentName::new(["general-purpose", "später"][n / 2 % 2]).unwrap());
            call.duration = (n % 7 > 0).then(|| ToolDuration::from_micros(durations[n % durations.len()]).unwrap());
            if n.is_multiple_of(6) {
                for pair in 0..n % 9 {
                    call.attributes.set(&format!("key {pair} \"ü\""), &"v\\\"é".repeat(1 + pair * 3)).unwrap();
                }
            }
            made.push(call.into());
        }
    }
    made
}

/// Everything that a store holds and answers, a line each: its events, then usage, recent calls, and what policies ask for.
pub fn lines(store: &dyn Store) -> Vec<String> {
    let mut lines = event_lines(store);
    for (name, selection) in selections() {
        for (grouping, group_by) in groupings() {
            lines.push(format!("usage {name} {grouping}"));
            let rows = store.usage(&selection, &group_by).expect("usage is answered");
            lines.extend(rows.iter().map(row_line));
        }
        for limit in [3, 40] {
            let recent = store.recent(&selection, limit).expect("recent calls are answered");
            let positions: Vec<String> = recent.iter().map(|recorded| recorded.position.to_string()).collect();
            lines.push(format!("recent {name} {limit}: {}", positions.join(" ")));
        }
    }
    for project in [Filter::Any, Filter::Absent, Filter::Is(ProjectId::of_path(PATHS[0]))] {
        lines.push(format!("registered {project:?}"));
        let registered = store.registered(&project).expect("the registry is answered");
        lines.extend(registered.iter().map(registered_line));
        lines.push(format!("latest outcomes {project:?}"));
        let outcomes = store.latest_outcomes(&project).expect("the latest outcomes are answered");
        lines.extend(outcomes.iter().map(outcomes_line));
    }
    for session in SESSIONS {
        for look_back in [3, 30] {
            let trail = store.trail(&events::session(session), look_back).expect("a trail is answered");
            lines.push(format!("trail {session} {look_back}: {}", trail.as_ref().map_or_else(String::new, trail_line)));
        }
    }
    lines
}

/// The events of a store, a line each.
pub fn event_lines(store: &dyn Store) -> Vec<String> {
    let log = store.read(Position::START, usize::MAX).expect("the log is read");
    log.iter().map(event_line).collect()
}

/// A store holds what a text says, is sound, and goes on: what it holds is known, and new events follow.
pub fn check(store: &dyn Store, expected: &[&str], found: &[String]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len(), "it says more or less than it did");
    let log = store.read(Position::START, usize::MAX).expect("the log is read");
    assert_eq!(store.verify_quietly().expect("the store verifies").events, log.len() as u64);
    let events: Vec<Event> = log.iter().map(|recorded| recorded.event.clone()).collect();
    for (answer, recorded) in store.record_all(&events).expect("known events are answered").iter().zip(&log) {
        assert_eq!((answer.is_new(), answer.position()), (false, recorded.position));
    }
    let next = Position::new(log.len() as u64 + 1);
    assert_eq!(store.record(&another()).expect("an event is recorded").position(), next);
    let more: Vec<Event> = (1..1_300).map(|n| use_of(4_000_000 + n, "Read", at(n as i64)).into()).collect();
    store.record_all(&more).expect("events are recorded and folded");
    store.verify_quietly().expect("the store verifies");
    store.rebuild_quietly().expect("the store is rebuilt");
    assert_eq!(store.verify_quietly().expect("the store verifies").events, next.get() + 1_299);
}

fn selections() -> Vec<(&'static str, Selection)> {
    let all = Selection::all;
    let cut = events::window(at(DAY_MICROS * 3 + 17), at(DAY_MICROS * 40 + 5 * HOUR_MICROS + 1));
    vec![
        ("all", all()),
        ("tool", all().tool(events::tool(TOOLS[0]))),
        ("project", all().project(ProjectId::of_path(PATHS[0]))),
        ("no-project", Selection { project: Filter::Absent, ..all() }),
        ("session", all().session(events::session(SESSIONS[0]))),
        ("no-session", Selection { session: Filter::Absent, ..all() }),
        ("window", all().window(cut)),
        ("session-in-window", all().session(events::session(SESSIONS[1])).window(cut)),
        ("first-day", all().window(Window::until(instant(DAY_MICROS)))),
        ("end-of-time", all().window(Window::since(instant(Timestamp::MAX.as_micros() - MINUTE_MICROS)))),
    ]
}

fn groupings() -> Vec<(&'static str, GroupBy)> {
    let weeks = Spans::new((0..=9).map(|week| at(week * 7 * DAY_MICROS)).collect()).expect("weeks ascend");
    vec![
        ("total", GroupBy::Total),
        ("tool", GroupBy::Tool),
        ("project", GroupBy::Project),
        ("session", GroupBy::Session),
        ("week", GroupBy::Span(weeks)),
    ]
}

/// Tools by number, then tool, session and project of each call before the session's, then how many it has.
fn trail_line(trail: &Trail) -> String {
    let tools: Vec<&str> = trail.tools.iter().map(ToolName::as_str).collect();
    let step = |step: &Step| format!("{}/{}/{}", step.tool, step.session, step.project);
    let before: Vec<String> = trail.before.iter().map(step).collect();
    format!("{}\t{}\t{}", tools.join(", "), before.join(" "), trail.session.len())
}

/// Fields between tabs, which no name holds; empty where absent, which no name is.
fn event_line(recorded: &Recorded) -> String {
    let call = match &recorded.event {
        Event::ToolUse(call) => call,
        other => return registry_line(recorded.position, other),
    };
    let project = call.project.as_ref();
    let fields = [
        recorded.position.to_string(),
        call.id.to_string(),
        call.tool.to_string(),
        text(call.session.as_ref()),
        text(project.map(|project| &project.id)),
        text(project.and_then(|project| project.path.as_ref())),
        text(call.agent.as_ref()),
        text(call.subagent.as_ref()),
        call.outcome.to_string(),
        call.source.to_string(),
        call.time.as_micros().to_string(),
        call.duration.map_or_else(String::new, |duration| duration.as_micros().to_string()),
    ];
    let attributes = call.attributes.iter().flat_map(|(key, value)| [key.to_owned(), value.to_owned()]);
    fields.into_iter().chain(attributes).collect::<Vec<_>>().join("\t")
}

/// A registry event has a word in front.
fn registry_line(position: Position, event: &Event) -> String {
    let project = event.project();
    let mut fields = vec![
        position.to_string(),
        event.id().to_string(),
        event.tool().to_string(),
        text(project.map(|project| &project.id)),
        text(project.and_then(|project| project.path.as_ref())),
        event.time().as_micros().to_string(),
    ];
    match event {
        Event::ToolDiscovered(found) => {
            fields.insert(0, "discovered".to_owned());
            fields.extend([text(found.agent.as_ref()), found.kind.to_string(), found.scope.to_string()]);
            fields.extend([found.source.to_string(), text(found.description.as_ref()), text(found.server.as_ref())]);
        }
        Event::ToolRemoved(removed) => {
            fields.insert(0, "removed".to_owned());
            fields.push(text(removed.agent.as_ref()));
        }
        _ => panic!("an event of another kind"),
    }
    fields.join("\t")
}

fn text<T: ToString>(name: Option<&T>) -> String {
    name.map_or_else(String::new, ToString::to_string)
}

fn registered_line(registered: &Registered) -> String {
    let removed = registered.removed.map(Timestamp::as_micros);
    let numbers = [
        registered.position.get().to_string(),
        text(removed.as_ref()),
        registered.first_discovered.as_micros().to_string(),
        registered.discoveries.to_string(),
    ];
    let project = registered.discovered.project.as_ref();
    format!("{}\t{}\t{}", registered.discovered.tool, text(project.map(|p| &p.id)), numbers.join("\t"))
}

fn outcomes_line((tool, outcomes): &(ToolName, RecentOutcomes)) -> String {
    outcomes.iter().fold(tool.to_string(), |line, recent| line + &format!("\t{} {}", recent.position, recent.outcome))
}

fn row_line(row: &UsageRow) -> String {
    let key = match &row.key {
        GroupKey::Project(Some(project)) => format!("{} {}", project.id, text(project.path.as_ref())),
        GroupKey::Span(span) => span.from().map_or_else(String::new, |from| from.as_micros().to_string()),
        other => other.name().to_owned(),
    };
    let (usage, mut line) = (&row.usage, key);
    for outcome in Outcome::ALL {
        let _ = write!(line, "\t{}", usage.count(outcome));
    }
    let times = [usage.first_used(), usage.last_used()].map(|time| time.map_or(0, Timestamp::as_micros));
    let durations = usage.durations();
    let _ = write!(line, "\t{}\t{}\t{}\t{}", times[0], times[1], durations.measured(), durations.sum_micros());
    for micros in
        [0.0, 0.5, 0.95, 1.0].map(|q| durations.quantile_micros(q)).into_iter().chain([durations.max_micros()])
    {
        let _ = write!(line, "\t{}", micros.unwrap_or(0));
    }
    line
}
