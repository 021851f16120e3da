//! The measures by name, and the bars that they are held to.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::question::Question;
use crate::subject::Kind;
use crate::workload::Workload;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[value(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the words of the table, and `about` says what each is")]
pub enum Measure {
    BatchAppend,
    SingleAppend,
    ThreadsAppend,
    Recorder,
    #[value(name = "window_90d")]
    #[serde(rename = "window_90d")]
    Window90d,
    #[value(name = "tool_90d")]
    #[serde(rename = "tool_90d")]
    Tool90d,
    #[value(name = "window_7d")]
    #[serde(rename = "window_7d")]
    Window7d,
    #[value(name = "tool_7d")]
    #[serde(rename = "tool_7d")]
    Tool7d,
    #[value(name = "all_projects_90d")]
    #[serde(rename = "all_projects_90d")]
    AllProjects90d,
    Session,
    #[value(name = "recent_200")]
    #[serde(rename = "recent_200")]
    Recent200,
    #[value(name = "last_5")]
    #[serde(rename = "last_5")]
    Last5,
    ToolsFor,
    Rank,
    Status,
    Suggest,
    Growth,
    BytesPerEvent,
    Rebuild,
    Memory,
    Hook,
    Import,
}

/// Which side of a limit is good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bar {
    /// The ratio is to be this or more.
    AtLeast(f64),
    /// The ratio is to be this or less.
    AtMost(f64),
    /// The value itself is to be this or more.
    ValueAtLeast(f64),
    /// The value itself is to be this or less.
    ValueAtMost(f64),
}

impl Bar {
    /// Whether it is met; `None` where the ratio is unknown.
    pub(crate) fn is_met(self, value: f64, ratio: Option<f64>) -> Option<bool> {
        match self {
            Self::AtLeast(limit) => ratio.map(|ratio| ratio >= limit),
            Self::AtMost(limit) => ratio.map(|ratio| ratio <= limit),
            Self::ValueAtLeast(limit) => Some(value >= limit),
            Self::ValueAtMost(limit) => Some(value <= limit),
        }
    }
}

/// A quick form of `window_90d` and `tool_90d` has a lower bar, a small one none.
const QUICK_EVENTS: u64 = 1_000_000;
const FULL_EVENTS: u64 = 10_000_000;

impl Measure {
    /// The queries.
    pub(crate) const QUERIES: [Self; 12] = [
        Self::Window90d,
        Self::Tool90d,
        Self::Window7d,
        Self::Tool7d,
        Self::AllProjects90d,
        Self::Session,
        Self::Recent200,
        Self::Last5,
        Self::ToolsFor,
        Self::Rank,
        Self::Status,
        Self::Suggest,
    ];

    /// The queries whose cost must not grow with the history.
    pub(crate) const STEADY: [Self; 9] = [
        Self::Window7d,
        Self::Tool7d,
        Self::Session,
        Self::Recent200,
        Self::Last5,
        Self::ToolsFor,
        Self::Rank,
        Self::Status,
        Self::Suggest,
    ];

    /// Whether the seed has nothing like it.
    pub(crate) const fn is_policy(self) -> bool {
        matches!(self, Self::ToolsFor | Self::Rank | Self::Status | Self::Suggest)
    }

    /// All, in the order of the table.
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// Its name in tables and JSON.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What it is, in a line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::BatchAppend => "batches of 10,000 events, durable, ids checked, all projections; against the seed",
            Self::SingleAppend => "one durable event, warm store; against the bare engine",
            Self::ThreadsAppend => "32 threads, one durable event each at a time; against the bare engine's one thread",
            Self::Recorder => "events through a Recorder from 1 and 8 threads; against their own durable appends",
            Self::Window90d => "tools of a project in the last 90 days; against the seed",
            Self::Tool90d => "uses of a tool in all projects in the last 90 days; against the seed",
            Self::Window7d => "tools of a project in the last 7 days; against the seed",
            Self::Tool7d => "uses of a tool in all projects in the last 7 days; against the seed",
            Self::AllProjects90d => "tools of all projects in the last 90 days; against the seed",
            Self::Session => "tools of a session; against the seed",
            Self::Recent200 => "the latest 200 events of a project; against the seed",
            Self::Last5 => "the last 5 outcomes of a tool in a project; against the seed",
            Self::ToolsFor => "the tools of a project, with their status; settings of 20 projects beside it",
            Self::Rank => "the tools of a project by how much they matter now",
            Self::Status => "whether a tool is active, stale or demoted",
            Self::Suggest => "what usually comes next in a session of 200 calls, silent throughout",
            Self::Growth => "7-day and unwindowed queries, a history ten times as long; against themselves",
            Self::BytesPerEvent => "bytes of the files per event, redb after compact; against the seed",
            Self::Rebuild => "folding all projections anew",
            Self::Memory => "peak memory of a fresh process: every query of this table; `rebuild`",
            Self::Hook => "`tooltally hook`, whole process; against the sqlite3 shell's raw insert",
            Self::Import => "`tooltally import` of transcripts already known, from renamed and touched copies",
        }
    }

    /// What a backend is held to, with this many events; `None` where nothing was promised.
    pub(crate) fn bar(self, kind: Kind, events: u64) -> Option<Bar> {
        let is_sqlite = kind == Kind::Sqlite;
        // Where redb is held to a bar in its exclusive mode, the shared one is reported beside it.
        let exclusive = |bar| (kind == Kind::RedbExclusive).then_some(bar);
        match self {
            Self::BatchAppend if is_sqlite => Some(Bar::AtLeast(3.0)),
            Self::BatchAppend => exclusive(Bar::AtLeast(2.0)),
            Self::SingleAppend if is_sqlite => Some(Bar::AtMost(2.0)),
            Self::SingleAppend => exclusive(Bar::AtMost(1.6)),
            Self::ThreadsAppend if is_sqlite => Some(Bar::AtLeast(5.0)),
            Self::ThreadsAppend => exclusive(Bar::AtLeast(5.0)),
            Self::Window90d | Self::Tool90d if events >= FULL_EVENTS => Some(Bar::AtLeast(100.0)),
            Self::Window90d | Self::Tool90d if events >= QUICK_EVENTS => Some(Bar::AtLeast(20.0)),
            Self::Recorder | Self::Window90d | Self::Tool90d => None,
            Self::Window7d | Self::Tool7d => Some(Bar::AtLeast(20.0)),
            Self::AllProjects90d | Self::Session | Self::Recent200 | Self::Last5 => Some(Bar::AtLeast(1.0)),
            Self::ToolsFor | Self::Rank | Self::Status | Self::Suggest => Some(Bar::ValueAtMost(1_000.0)),
            Self::Growth => Some(Bar::AtMost(1.5)),
            Self::BytesPerEvent => Some(Bar::AtMost(if is_sqlite { 0.33 } else { 0.5 })),
            Self::Rebuild => Some(Bar::ValueAtLeast(1e6)),
            Self::Memory => Some(Bar::ValueAtMost(64.0)),
            Self::Hook => Some(Bar::AtMost(if is_sqlite { 1.0 } else { 1.5 })),
            Self::Import => Some(Bar::ValueAtLeast(400.0)),
        }
    }

    /// The questions of a query, a few of a kind: asked at different times of the day, or about different
    /// projects, tools and sessions, so that no answer is the only one. `now` is in seconds.
    pub(crate) fn questions(self, events: u64, now_seconds: u64) -> Vec<Question> {
        (0..VARIANTS).filter_map(|variant| self.question(variant, events, now_seconds)).collect()
    }

    fn question(self, variant: u64, events: u64, now_seconds: u64) -> Option<Question> {
        // Odd steps: no edge falls on an hour's or a day's.
        let since = |days: u64| now_seconds.saturating_sub(days * 86_400 + 3_607 + variant * 10_007);
        let project = (PROJECT + variant) % Workload::PROJECTS;
        Some(match self {
            Self::Window90d => Question::Tools { project: Some(PROJECT), since_seconds: Some(since(90)) },
            Self::Window7d => Question::Tools { project: Some(PROJECT), since_seconds: Some(since(7)) },
            Self::Tool90d => Question::Tool { tool: BASH, since_seconds: since(90) },
            Self::Tool7d => Question::Tool { tool: BASH, since_seconds: since(7) },
            Self::AllProjects90d => Question::Tools { project: None, since_seconds: Some(since(90)) },
            Self::Session => Question::Session { session: session_at(variant, events) },
            Self::Suggest => Question::Suggest { session: session_at(variant, events) },
            Self::Recent200 => Question::Recent { project, limit: 200 },
            Self::Last5 => Question::Outcomes { tool: usize::try_from(variant).ok()?, project, limit: 5 },
            Self::ToolsFor => Question::ToolsOf { project, now_seconds },
            Self::Rank => Question::Rank { project, now_seconds },
            Self::Status => Question::Status { tool: usize::try_from(3 * variant).ok()?, now_seconds },
            _ => return None,
        })
    }
}

/// A session from somewhere in the history.
fn session_at(variant: u64, events: u64) -> u64 {
    Workload::session_of(events * (2 * variant + 1) / (2 * VARIANTS))
}

/// How many questions of a kind.
const VARIANTS: u64 = 8;
/// A project of middle size: one event in twelve.
const PROJECT: u64 = 3;
/// The tool used most.
const BASH: usize = 0;
