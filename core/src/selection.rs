//! What a query is about, and by what its answer is grouped.

use crate::name::{SessionId, ToolName};
use crate::project::{Project, ProjectId};
use crate::time::Timestamp;
use crate::usage::Usage;
use crate::window::Window;
use crate::{Error, Event, Result};

/// A condition on one field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Filter<T> {
    /// Whatever it holds, or nothing.
    #[default]
    Any,
    /// Only events without it.
    Absent,
    /// Only events where it is this.
    Is(T),
}

impl<T: PartialEq> Filter<T> {
    /// Whether a field that holds `value` passes.
    pub fn matches(&self, value: Option<&T>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => value.is_none(),
            Self::Is(wanted) => value == Some(wanted),
        }
    }
}

/// Which tool uses a query counts: all four conditions hold.
///
/// ```
/// # use tooltally_core::{Selection, Timestamp, ToolName, Window};
/// let since = Timestamp::from_micros(1_767_225_600_000_000)?;
/// let bash_this_year = Selection::all().tool(ToolName::new("Bash")?).window(Window::since(since));
/// # Ok::<(), tooltally_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// The tool. Every tool use has one, so `Absent` selects nothing.
    pub tool: Filter<ToolName>,
    /// The project, by its id.
    pub project: Filter<ProjectId>,
    /// The session.
    pub session: Filter<SessionId>,
    /// The event time.
    pub window: Window,
}

impl Selection {
    /// Every tool use.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only this tool.
    pub fn tool(mut self, tool: ToolName) -> Self {
        self.tool = Filter::Is(tool);
        self
    }

    /// Only this project.
    pub fn project(mut self, project: ProjectId) -> Self {
        self.project = Filter::Is(project);
        self
    }

    /// Only this session.
    pub fn session(mut self, session: SessionId) -> Self {
        self.session = Filter::Is(session);
        self
    }

    /// Only this window.
    pub fn window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// Whether it selects this event. Only tool uses are selected.
    pub fn matches(&self, event: &Event) -> bool {
        event.as_tool_use().is_some() && self.includes(event)
    }

    /// Whether its conditions hold of an event of whichever kind. A registry event has no session.
    pub fn includes(&self, event: &Event) -> bool {
        let session = event.as_tool_use().and_then(|u| u.session.as_ref());
        self.tool.matches(Some(event.tool()))
            && self.project.matches(event.project().map(|p| &p.id))
            && self.session.matches(session)
            && self.window.contains(event.time())
    }
}

/// By what the uses that a query counts are grouped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GroupBy {
    /// All in one row.
    Total,
    /// A row per tool.
    Tool,
    /// A row per project, and one for events without a project.
    Project,
    /// A row per session, and one for events without a session.
    Session,
    /// A row per span: calendar days, hours, or any other cut of time.
    Span(Spans),
}

/// Adjoining half-open spans: n + 1 strictly ascending instants cut n spans.
///
/// Events outside all of them are not counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spans(Vec<Timestamp>);

impl Spans {
    /// From the instants where one span ends and the next begins.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless they ascend strictly.
    pub fn new(edges: Vec<Timestamp>) -> Result<Self> {
        if edges.is_sorted_by(|a, b| a < b) { Ok(Self(edges)) } else { Err(Error::invalid("spans", "do not ascend")) }
    }

    /// The instants.
    pub fn edges(&self) -> &[Timestamp] {
        &self.0
    }

    /// Which span holds this instant, counted from 0.
    pub fn index_of(&self, time: Timestamp) -> Option<usize> {
        let after = self.0.partition_point(|edge| *edge <= time);
        (after > 0 && after < self.0.len()).then(|| after - 1)
    }

    /// The span of this index.
    pub fn get(&self, index: usize) -> Option<Window> {
        let (from, to) = (self.0.get(index)?, self.0.get(index + 1)?);
        Window::new(Some(*from), Some(*to)).ok()
    }

    /// The spans, in order of time.
    pub fn iter(&self) -> impl Iterator<Item = Window> {
        (0..).map_while(|index| self.get(index))
    }
}

/// What a row of an answer is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GroupKey {
    /// Everything selected.
    Total,
    /// One tool.
    Tool(ToolName),
    /// One project, with the first path that the log has for it; `None`: events without one.
    Project(Option<Project>),
    /// One session.
    Session {
        /// The session; `None`: events without one.
        session: Option<SessionId>,
        /// The project of most of its selected uses; of several, the one whose id comes first, and none last.
        project: Option<Project>,
    },
    /// One span of time.
    Span(Window),
}

impl GroupKey {
    /// What ties are broken by: the name that people read. Nothing comes before any name.
    pub fn name(&self) -> &str {
        match self {
            Self::Tool(tool) => tool.as_str(),
            Self::Session { session: Some(session), .. } => session.as_str(),
            Self::Project(Some(Project { path: Some(path), .. })) => path.as_str(),
            Self::Total | Self::Project(_) | Self::Session { .. } | Self::Span(_) => "",
        }
    }
}

/// A row of an answer: never one without a use.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageRow {
    /// What it is about.
    pub key: GroupKey,
    /// How it was used.
    pub usage: Usage,
}

impl UsageRow {
    /// Puts rows in the order that every query promises: spans by time; all others by use, most used
    /// first, then by [`name`](GroupKey::name), then by project id.
    pub fn sort(rows: &mut [Self]) {
        rows.sort_by(|a, b| match (&a.key, &b.key) {
            (GroupKey::Span(x), GroupKey::Span(y)) => x.from().cmp(&y.from()),
            (GroupKey::Project(x), GroupKey::Project(y)) => {
                let by_id = x.as_ref().map(|p| p.id).cmp(&y.as_ref().map(|p| p.id));
                Self::by_use_then_name(a, b).then(by_id)
            }
            _ => Self::by_use_then_name(a, b),
        });
    }

    fn by_use_then_name(a: &Self, b: &Self) -> std::cmp::Ordering {
        b.usage.uses().cmp(&a.usage.uses()).then_with(|| a.key.name().cmp(b.key.name()))
    }
}
