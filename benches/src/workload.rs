//! The benchmark workload: 24 tools and 20 projects, both skewed; 8 sessions at once, 200 calls each; one
//! call in three repeats its session's last tool; 1 % of the events come up to 10 minutes late; call ids are
//! random; half of the durations are measured, 1 ms to 17 s.
//!
//! Everything follows from the event's number by `SplitMix64`'s output function, so that another program
//! can make the same events. A test holds their digests.

use tooltally::policy::kind::{Identity, Scope};
use tooltally::{
    AgentName, Description, Error, Event, EventId, Outcome, Project, Result, SessionId, SettingsSource, Source,
    Timestamp, ToolDiscovered, ToolDuration, ToolName, ToolRemoved, ToolUse,
};

const SEED: u64 = 0x746F_6F6C_7461_6C6C;
/// 2026-01-01T00:00:00Z in microseconds.
const BASE: u64 = 1_767_225_600_000_000;
const DAY: u64 = 86_400_000_000;
/// Sessions at once, and the calls of each.
const LANES: usize = 8;
const CALLS: u64 = 200;
const TOOLS: [&str; 24] = [
    "Bash",
    "Read",
    "Edit",
    "Grep",
    "Glob",
    "Write",
    "TodoWrite",
    "Task",
    "WebFetch",
    "WebSearch",
    "NotebookEdit",
    "BashOutput",
    "KillShell",
    "Skill",
    "mcp__playwright__browser_click",
    "mcp__playwright__browser_snapshot",
    "mcp__github__get_issue",
    "mcp__github__create_pull_request",
    "mcp__context7__resolve_library_id",
    "mcp__plugin_notes_notes__search",
    "mcp__plugin_notes_notes__save",
    "mcp__linear_app__list_issues",
    "mcp__sentry__find_errors",
    "mcp__db_tools__run_query",
];
/// What settings have besides commands: of every project, and of each one.
const FOR_ALL: [&str; 7] = [
    "mcp__playwright",
    "mcp__github",
    "mcp__context7",
    "notes@market",
    "mcp__plugin_notes_notes",
    "mcp__linear_app",
    "mcp__sentry",
];
const OWN: &str = "mcp__db_tools";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// One call, in plain values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadEvent {
    /// The tool's index in [`Workload::tools`].
    pub tool: usize,
    /// The session's number.
    pub session: u64,
    /// The project's number.
    pub project: u64,
    /// How the call ended.
    pub outcome: Outcome,
    /// Microseconds since 1970, UTC.
    pub time_micros: u64,
    /// Microseconds, where measured.
    pub duration_micros: Option<u64>,
    /// The call's number, which its call id is made of.
    pub number: u64,
}

/// The generator: an iterator over the calls, in the order in which they are recorded.
#[derive(Clone, Debug)]
pub struct Workload {
    events: u64,
    step: u64,
    next: u64,
    last_tools: [usize; LANES],
    names: Names,
}

/// Names that are made once.
#[derive(Clone, Debug)]
struct Names {
    agent: AgentName,
    tools: Vec<ToolName>,
    projects: Vec<Project>,
}

impl Workload {
    /// How many projects there are.
    pub const PROJECTS: u64 = 20;

    /// How many registry events there are: the settings of every project, of each one, and a removal.
    pub const REGISTRY: u64 = 20 + 20 * 10 + 1;

    /// `events` calls, spread evenly over `days` days.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a name of the workload is not valid, which would be a mistake in this file.
    pub fn new(events: u64, days: u64) -> Result<Self> {
        let names = Names {
            agent: AgentName::claude_code(),
            tools: TOOLS.into_iter().map(ToolName::new).collect::<Result<_>>()?,
            projects: (0..Self::PROJECTS).map(|p| Project::from_path(project_path(p))).collect::<Result<_>>()?,
        };
        Ok(Self { events, step: days * DAY / events.max(1), next: 0, last_tools: [0; LANES], names })
    }

    /// The tools' names.
    pub const fn tools() -> [&'static str; 24] {
        TOOLS
    }

    /// The end of the workload's span of time: "now" for its queries.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it lies outside of time.
    pub fn now(&self) -> Result<Timestamp> {
        timestamp(self.end_micros(self.events))
    }

    /// The end of the first `events` calls, in microseconds since 1970: what "now" was when they were all.
    pub const fn end_micros(&self, events: u64) -> u64 {
        BASE + events * self.step
    }

    /// The same calls, and then `more` that come after the end, as dense as the others.
    pub const fn extended(mut self, more: u64) -> Self {
        self.events += more;
        self
    }

    /// When the registry events happened, in microseconds since 1970.
    pub const FIRST_MICROS: u64 = BASE;

    /// What the settings of every project have: servers, a plugin, and commands that nobody uses.
    pub fn registered_for_all() -> Vec<String> {
        let commands = (0..13).map(|n| format!("/global-{n:02}"));
        FOR_ALL.into_iter().map(str::to_owned).chain(commands).collect()
    }

    /// What the settings of every project and those of one have.
    pub fn registered(project: u64) -> Vec<String> {
        let mut names = Self::registered_for_all();
        names.push(OWN.to_owned());
        names.extend((0..9).map(|n| format!("/task-{project:02}-{n}")));
        names
    }

    /// Whether the settings have it no longer.
    pub fn is_removed(name: &str) -> bool {
        name == "/global-12"
    }

    /// The registry events, which stand before the first call: [`REGISTRY`](Self::REGISTRY) of them.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub fn registry(&self) -> Result<Vec<Event>> {
        let time = timestamp(Self::FIRST_MICROS)?;
        let source = SettingsSource::new("~/.claude.json")?;
        let description = Description::new("as long as what a tool says of itself is now and then")?;
        let id = |number: usize| EventId::derived(&[b"registry".as_slice(), &number.to_le_bytes()]);
        let for_all = Self::registered_for_all();
        let own = (0..Self::PROJECTS).flat_map(|project| {
            let names = Self::registered(project).into_iter().skip(for_all.len());
            names.map(move |name| (name, Some(project)))
        });
        let mut events: Vec<Event> = Vec::new();
        for (name, project) in for_all.iter().map(|name| (name.clone(), None)).chain(own) {
            let tool = ToolName::new(&name)?;
            let kind = Identity::of(&tool).kind;
            let scope = if project.is_some() { Scope::Project } else { Scope::User };
            let mut found = ToolDiscovered::new(id(events.len()), tool, kind, scope, source.clone(), time);
            found.project = project.and_then(|p| self.names.projects.get(usize::try_from(p).ok()?).cloned());
            events.push(found.description(description.clone()).into());
        }
        for name in for_all.iter().filter(|name| Self::is_removed(name)) {
            events.push(ToolRemoved::new(id(events.len()), ToolName::new(name)?, time).into());
        }
        Ok(events)
    }

    /// The tool of this index.
    pub fn tool_name(tool: usize) -> &'static str {
        TOOLS.get(tool).copied().unwrap_or_default()
    }

    /// The session of this number, as text.
    pub fn session_name(session: u64) -> String {
        session_id(session)
    }

    /// The path of the project of this number.
    pub fn project_path(project: u64) -> String {
        project_path(project)
    }

    /// The session that holds the call of this number.
    pub const fn session_of(number: u64) -> u64 {
        let lanes = LANES as u64;
        (number / lanes / CALLS) * lanes + number % lanes
    }

    /// The call as an event.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a value of the workload is not valid, which would be a mistake in this file.
    pub fn event(&self, call: &WorkloadEvent) -> Result<Event> {
        let missing = || Error::invalid("workload", "has an index outside its names");
        let tool = self.names.tools.get(call.tool).cloned().ok_or_else(missing)?;
        let project = usize::try_from(call.project).ok().and_then(|p| self.names.projects.get(p)).cloned();
        let id = EventId::global(&self.names.agent, &call_id(call.number));
        let mut event = ToolUse::new(id, tool, call.outcome, timestamp(call.time_micros)?)
            .agent(self.names.agent.clone())
            .session(SessionId::new(session_id(call.session))?)
            .project(project.ok_or_else(missing)?)
            .source(Source::Hook);
        event.duration = call.duration_micros.map(ToolDuration::from_micros).transpose()?;
        Ok(event.into())
    }

    /// The next calls as events, at most `count`; empty at the end.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub fn next_batch(&mut self, count: usize) -> Result<Vec<Event>> {
        let calls: Vec<WorkloadEvent> = self.by_ref().take(count).collect();
        calls.iter().map(|call| self.event(call)).collect()
    }
}

impl Iterator for Workload {
    type Item = WorkloadEvent;

    fn next(&mut self) -> Option<WorkloadEvent> {
        let i = self.next;
        if i >= self.events {
            return None;
        }
        self.next += 1;
        let lanes = LANES as u64;
        let (lane, j) = (i % lanes, i / lanes);
        let session = Self::session_of(i);
        let last = self.last_tools.get_mut(usize::try_from(lane).ok()?)?;
        if !h(i, 3).is_multiple_of(3) || j.is_multiple_of(CALLS) {
            *last = usize::try_from((h(i, 1) % 24).min(h(i, 2) % 24)).ok()?;
        }
        let mut time_micros = BASE + i * self.step + h(i, 5) % self.step;
        if h(i, 6).is_multiple_of(100) {
            time_micros = BASE.max(time_micros - h(i, 7) % 600_000_000);
        }
        Some(WorkloadEvent {
            tool: *last,
            session,
            project: (h(session, 0) % Self::PROJECTS).min(h(session, 15) % Self::PROJECTS),
            outcome: outcome(i),
            time_micros,
            duration_micros: h(i, 8).is_multiple_of(2).then(|| (1000 << (h(i, 9) % 15)) + h(i, 10) % 1000),
            number: i,
        })
    }
}

impl WorkloadEvent {
    /// The call's id.
    pub fn call_id(&self) -> String {
        call_id(self.number)
    }

    /// The call as a line of tab-separated text, which the digests are of.
    pub fn line(&self) -> String {
        let tool = Workload::tool_name(self.tool);
        let duration = self.duration_micros.map_or_else(|| "-".to_owned(), |d| d.to_string());
        let (session, project, call) = (session_id(self.session), project_path(self.project), call_id(self.number));
        format!("{tool}\t{session}\t{project}\t{}\t{}\t{duration}\t{call}\n", self.outcome, self.time_micros)
    }
}

fn timestamp(micros: u64) -> Result<Timestamp> {
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

fn outcome(i: u64) -> Outcome {
    match h(i, 4) % 1000 {
        0..900 => Outcome::Success,
        900..960 => Outcome::Failure,
        960..980 => Outcome::Rejected,
        980..990 => Outcome::Interrupted,
        _ => Outcome::Invalid,
    }
}

fn project_path(project: u64) -> String {
    format!("/home/dev/project-{project:02}")
}

fn session_id(session: u64) -> String {
    let hex = format!("{:016x}{:016x}", h(session, 13), h(session, 14));
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn call_id(i: u64) -> String {
    let mut n = (u128::from(h(i, 11)) << 64) | u128::from(h(i, 12));
    let mut id = String::from("toolu_01");
    for _ in 0..22 {
        let digit = usize::try_from(n % 62).unwrap_or(0);
        id.push(BASE62.get(digit).map_or('0', |byte| char::from(*byte)));
        n /= 62;
    }
    id
}

/// `SplitMix64`'s output function (Steele, Lea and Flood, OOPSLA 2014).
const fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The k-th random number of event `i`.
const fn h(i: u64, k: u64) -> u64 {
    mix(SEED ^ (i.wrapping_mul(16).wrapping_add(k)))
}
