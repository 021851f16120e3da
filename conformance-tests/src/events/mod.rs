//! Events for tests and benches: numbered ones, varied ones, and strategies for proptest.

mod registry;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use tooltally_core::{
    AgentName, Attributes, Event, EventId, Filter, GroupBy, Outcome, Project, ProjectId, Selection, SessionId, Source,
    Spans, SubagentName, Timestamp, ToolDuration, ToolName, ToolUse, Window,
};

pub use registry::{OFFERED, discovered, mixed, mixed_all, odd, offered_call, registry_event, removed};

/// 2026-01-01T00:00:00Z in microseconds: where the made events begin.
pub const EPOCH_MICROS: i64 = 1_767_225_600_000_000;

/// A minute, an hour and a day in microseconds.
pub const MINUTE_MICROS: i64 = 60_000_000;
/// An hour in microseconds.
pub const HOUR_MICROS: i64 = 60 * MINUTE_MICROS;
/// A day of 24 hours in microseconds.
pub const DAY_MICROS: i64 = 24 * HOUR_MICROS;

/// The instant this many microseconds after [`EPOCH_MICROS`] (before it, if negative).
///
/// # Panics
/// If that lies before 1970 or after the last instant.
pub fn at(micros: i64) -> Timestamp {
    instant(EPOCH_MICROS + micros)
}

/// The instant this many microseconds after 1970-01-01T00:00:00Z.
///
/// # Panics
/// If that lies before 1970 or after the last instant.
pub fn instant(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).expect("the instant is in range")
}

/// The window `[from, to)`.
///
/// # Panics
/// If `from` lies after `to`.
pub fn window(from: Timestamp, to: Timestamp) -> Window {
    Window::new(Some(from), Some(to)).expect("the window's ends are in order")
}

/// The tool of this name.
///
/// # Panics
/// If it is no valid name.
pub fn tool(name: &str) -> ToolName {
    ToolName::new(name).expect("the tool's name is valid")
}

/// The session of this name.
///
/// # Panics
/// If it is no valid name.
pub fn session(name: &str) -> SessionId {
    SessionId::new(name).expect("the session's name is valid")
}

/// The project in this folder.
///
/// # Panics
/// If it is no valid path.
pub fn project(path: &str) -> Project {
    Project::from_path(path).expect("the project's path is valid")
}

/// The id of the numbered event.
pub fn id(number: u64) -> EventId {
    EventId::global(&AgentName::claude_code(), &format!("toolu_{number}"))
}

/// A plain successful use with the id of this number.
pub fn use_of(number: u64, tool_name: &str, time: Timestamp) -> ToolUse {
    ToolUse::new(id(number), tool(tool_name), Outcome::Success, time)
}

/// The event of this number: always the same, in any process; its fields vary with the number.
pub fn numbered(number: u64) -> Event {
    varied(number, &mut Mixer(number))
}

/// The numbered events of a range, in order.
pub fn numbered_all(numbers: std::ops::Range<u64>) -> Vec<Event> {
    numbers.map(numbered).collect()
}

/// A small generator of bits (splitmix64 by Sebastiano Vigna, public domain): the same on every machine.
#[derive(Clone, Debug)]
pub struct Mixer(u64);

impl Mixer {
    /// A generator that always begins so.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_bits().checked_rem(bound).unwrap_or(0)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let at = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        from[at].clone()
    }
}

/// The tools that made events use.
pub const TOOLS: [&str; 8] =
    ["Bash", "Read", "Edit", "Grep", "Write", "bash", "mcp__github__get_issue", "mcp__werkzeug__prüfe_größe"];
/// The sessions that made events stand in.
pub const SESSIONS: [&str; 6] = ["5f0c", "5f0C", "a-session", "sitzung 2", "Bash", "9"];
/// The paths of the projects that made events stand in.
pub const PATHS: [&str; 4] = ["/home/dev/app", "/home/dev/app ", "/srv/日本語", "C:\\work\\tool"];

/// Event times gather here, so that equal times, hours and days are common: microseconds from the epoch.
fn varied_micros(mixer: &mut Mixer) -> i64 {
    let day = mixer.below(60) as i64 * DAY_MICROS;
    let hour = mixer.below(24) as i64 * HOUR_MICROS;
    let within = match mixer.below(4) {
        0 => 0,
        1 => mixer.below(60) as i64 * MINUTE_MICROS,
        2 => HOUR_MICROS - 1,
        _ => mixer.below(HOUR_MICROS as u64) as i64,
    };
    day + hour + within
}

fn varied_project(mixer: &mut Mixer) -> Option<Project> {
    match mixer.below(6) {
        0 => None,
        1 => Some(Project::from_id(ProjectId::of_path(PATHS[0]))),
        _ => Some(project(mixer.pick(&PATHS))),
    }
}

fn varied(number: u64, mixer: &mut Mixer) -> Event {
    // Two draws, the lower wins: the first tools are used most.
    let rank = mixer.below(TOOLS.len() as u64).min(mixer.below(TOOLS.len() as u64));
    let mut event = use_of(number, TOOLS[usize::try_from(rank).unwrap_or(0)], at(varied_micros(mixer)));
    event.outcome = if mixer.once_in(3) { mixer.pick(&Outcome::ALL) } else { Outcome::Success };
    event.source = mixer.pick(&Source::ALL);
    event.project = varied_project(mixer);
    event.session = (!mixer.once_in(5)).then(|| session(mixer.pick(&SESSIONS)));
    event.agent = (!mixer.once_in(4)).then(AgentName::claude_code);
    event.subagent = mixer.once_in(6).then(|| SubagentName::new("general-purpose").expect("a valid name"));
    event.duration = (!mixer.once_in(3))
        .then(|| ToolDuration::from_micros(mixer.below(1 << (mixer.0 % 40))).expect("shorter than the longest"));
    if mixer.once_in(8) {
        event.attributes.set("model", "sonnet").expect("a valid pair");
        event.attributes.set("cost", &number.to_string()).expect("a valid pair");
    }
    event.into()
}

/// Times that meet each other and the edges of minutes, hours and days; the ends of time among them.
pub fn time() -> impl Strategy<Value = Timestamp> {
    let near = (0..4_i64, 0..3_i64, 0..3_i64, -2..=2_i64)
        .prop_map(|(d, h, m, micros)| at(d * DAY_MICROS + h * HOUR_MICROS + m * MINUTE_MICROS + micros));
    let anywhere = (0..=Timestamp::MAX.as_micros()).prop_map(instant);
    prop_oneof![12 => near, 2 => anywhere, 1 => Just(Timestamp::MIN), 1 => Just(Timestamp::MAX)]
}

/// Projects, with their path or without, of [`PATHS`].
pub fn any_project() -> impl Strategy<Value = Project> {
    (select(&PATHS[..]), any::<bool>())
        .prop_map(|(path, known)| if known { project(path) } else { Project::from_id(ProjectId::of_path(path)) })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    vec(("[a-z]{1,8}", "[^\\p{Cc}]{1,20}"), 0..3).prop_map(|pairs| {
        let mut attributes = Attributes::new();
        for (key, value) in pairs {
            attributes.set(&key, &value).expect("a valid pair");
        }
        attributes
    })
}

/// Durations from nothing to the longest.
pub fn duration() -> impl Strategy<Value = ToolDuration> {
    prop_oneof![4 => 0..100_000_u64, 1 => 0..=ToolDuration::MAX.as_micros()]
        .prop_map(|micros| ToolDuration::from_micros(micros).expect("not longer than the longest"))
}

/// Events from small pools of names, times and ids, so that they meet: repeated ids are common.
pub fn event() -> impl Strategy<Value = Event> {
    let who = (
        option::of(select(&SESSIONS[..]).prop_map(session)),
        option::of(any_project()),
        option::of(Just(AgentName::claude_code())),
        option::of(Just(SubagentName::new("general-purpose").expect("a valid name"))),
    );
    let how = (select(&Outcome::ALL[..]), time(), option::of(duration()), select(&Source::ALL[..]), attributes());
    (0..200_u64, select(&TOOLS[..]), who, how).prop_map(
        |(number, tool_name, (session, project, agent, subagent), (outcome, time, duration, source, attributes))| {
            let mut event = use_of(number, tool_name, time);
            (event.session, event.project, event.agent, event.subagent) = (session, project, agent, subagent);
            (event.outcome, event.duration, event.source, event.attributes) = (outcome, duration, source, attributes);
            event.into()
        },
    )
}

fn filter<T: Clone + std::fmt::Debug + 'static>(is: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Filter<T>> {
    prop_oneof![3 => Just(Filter::Any), 1 => Just(Filter::Absent), 2 => is.prop_map(Filter::Is)].boxed()
}

/// Filters by project, of [`PATHS`].
pub fn project_filter() -> impl Strategy<Value = Filter<ProjectId>> {
    filter(select(&PATHS[..]).prop_map(ProjectId::of_path))
}

/// Windows with edges where events are; open ends are common.
pub fn any_window() -> impl Strategy<Value = Window> {
    (option::of(time()), option::of(time())).prop_map(|(a, b)| match (a, b) {
        (Some(a), Some(b)) => window(a.min(b), a.max(b)),
        _ => Window::new(a, b).expect("one end is open"),
    })
}

/// Selections of what [`event`] makes.
pub fn selection() -> impl Strategy<Value = Selection> {
    (
        filter(select(&TOOLS[..]).prop_map(tool)),
        project_filter(),
        filter(select(&SESSIONS[..]).prop_map(session)),
        any_window(),
    )
        .prop_map(|(tool, project, session, window)| Selection { tool, project, session, window })
}

/// Every way of grouping; spans with edges where events are.
pub fn group_by() -> impl Strategy<Value = GroupBy> {
    let spans = vec(time(), 0..8).prop_map(|mut edges| {
        edges.sort();
        edges.dedup();
        GroupBy::Span(Spans::new(edges).expect("sorted, each once"))
    });
    prop_oneof![Just(GroupBy::Total), Just(GroupBy::Tool), Just(GroupBy::Project), Just(GroupBy::Session), spans]
}
