//! What is asked of a damaged store, and what the undamaged one answers.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use tooltally::{
    Condition, Error, Event, Filter, GroupBy, Log, MemoryStore, Position, ProjectId, Queries, Recorded, Selection,
    SessionId, Spans, Timestamp, ToolName, Window,
};
use tooltally_conformance::events::{PATHS, SESSIONS, TOOLS, at, mixed_all};

/// Days over which the made events are spread, and a bit more.
const DAYS: i64 = 61;
const DAY_MICROS: i64 = 86_400_000_000;
const PAGE: u64 = 256;

/// A question's name, and its answer as a digest; or why there is none.
pub(super) struct Answer {
    pub(super) question: String,
    pub(super) digest: Result<u64, Error>,
}

/// The question of what the public view shows.
pub(super) const VIEW: &str = "the view";

/// A store's answers to every question.
pub(super) struct Answers {
    pub(super) all: Vec<Answer>,
    /// How many events there are, where that was answered.
    pub(super) head: Option<u64>,
}

/// The answers of an undamaged store whose log has so many events.
pub(super) struct State {
    pub(super) head: u64,
    digests: Vec<u64>,
}

impl State {
    /// What the reference store answers that was given the first `head` events.
    ///
    /// # Errors
    /// The reference store's.
    pub(super) fn of(head: u64, questions: &Questions, with_view: bool) -> tooltally::Result<Self> {
        let model = MemoryStore::new();
        model.append(&mixed_all(0..head), Condition::None)?;
        let mut digests = Vec::new();
        for answer in questions.ask(&model, &model).all {
            digests.push(answer.digest?);
        }
        if with_view {
            let rows = model.read(Position::START, usize::MAX)?;
            digests.push(digest(&rows.iter().filter_map(view_row).collect::<Vec<_>>()));
        }
        Ok(Self { head, digests })
    }

    /// The questions that are answered, and answered in another way than here.
    pub(super) fn differing<'a>(&self, answers: &'a Answers) -> Vec<&'a str> {
        let differs = |(answer, digest): &(&Answer, &u64)| answer.digest.as_ref().is_ok_and(|found| found != *digest);
        let both = answers.all.iter().zip(&self.digests);
        both.filter(differs).map(|(answer, _)| answer.question.as_str()).collect()
    }
}

/// Every question, made once.
pub(super) struct Questions {
    usage: Vec<(Selection, GroupBy)>,
    recent: Vec<(Selection, usize)>,
    sessions: Vec<SessionId>,
    projects: [Filter<ProjectId>; 2],
    most: u64,
}

impl Questions {
    /// Questions about a log of at most so many events.
    ///
    /// # Errors
    /// None in truth: all names are valid.
    pub(super) fn new(most: u64) -> tooltally::Result<Self> {
        let day = |n: i64| at(n * DAY_MICROS);
        let windows = [
            Window::ALL,
            Window::since(day(30)),
            Window::new(Some(at(3 * 3_600_000_000 - 1)), Some(at(41 * DAY_MICROS + 7)))?,
            Window::new(Some(day(12)), Some(at(12 * DAY_MICROS + 5 * 3_600_000_000)))?,
        ];
        let [tool, ..] = TOOLS;
        let [path, ..] = PATHS;
        let [session, ..] = SESSIONS;
        let selections = [
            Selection::all(),
            Selection::all().tool(ToolName::new(tool)?),
            Selection::all().project(ProjectId::of_path(path)),
            Selection::all().session(SessionId::new(session)?),
        ];
        let days: Vec<Timestamp> = (0..=DAYS).map(day).collect();
        let mut usage = vec![(Selection::all(), GroupBy::Span(Spans::new(days)?))];
        let mut recent = Vec::new();
        for window in windows {
            for selection in &selections {
                let selection = selection.clone().window(window);
                for group_by in [GroupBy::Total, GroupBy::Tool, GroupBy::Project, GroupBy::Session] {
                    usage.push((selection.clone(), group_by));
                }
                recent.push((selection, 20));
            }
        }
        let sessions = SESSIONS.into_iter().take(2).map(SessionId::new).collect::<tooltally::Result<_>>()?;
        let projects = [Filter::Any, Filter::Is(ProjectId::of_path(path))];
        Ok(Self { usage, recent, sessions, projects, most })
    }

    /// Asks all of them, whatever fails.
    pub(super) fn ask(&self, log: &dyn Log, queries: &dyn Queries) -> Answers {
        let found = log.head();
        let head = found.as_ref().ok().map(|head| head.get());
        let mut answers = vec![answer("head".to_owned(), found)];
        for after in (0..self.most).step_by(usize::try_from(PAGE).unwrap_or(usize::MAX)) {
            let page = log.read(Position::new(after), usize::try_from(PAGE).unwrap_or(usize::MAX));
            answers.push(answer(format!("read after {after}"), page));
        }
        for (selection, group_by) in &self.usage {
            let asked = || format!("usage of {selection:?} by {group_by:?}");
            answers.push(answer(asked(), queries.usage(selection, group_by)));
        }
        for (selection, limit) in &self.recent {
            answers.push(answer(format!("recent {limit} of {selection:?}"), queries.recent(selection, *limit)));
        }
        for session in &self.sessions {
            answers.push(answer(format!("the trail of {session}"), queries.trail(session, PAGE)));
        }
        for project in &self.projects {
            answers.push(answer(format!("what is registered in {project:?}"), queries.registered(project)));
            answers.push(answer(format!("the latest outcomes in {project:?}"), queries.latest_outcomes(project)));
        }
        Answers { all: answers, head }
    }
}

impl Answers {
    /// The first error.
    pub(super) fn first_error(&self) -> Option<(&str, &Error)> {
        self.all.iter().find_map(|answer| answer.digest.as_ref().err().map(|error| (answer.question.as_str(), error)))
    }

    /// Asks the public view, as another program does.
    pub(super) fn ask_view(&mut self, path: &Path) {
        let shown = view(path).map_err(|e| Error::corrupt("the view", e.to_string()));
        self.all.push(answer(VIEW.to_owned(), shown));
    }
}

fn answer(question: String, found: tooltally::Result<impl Debug>) -> Answer {
    Answer { question, digest: found.map(|found| digest(&found)) }
}

fn digest(value: &impl Debug) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{value:?}").hash(&mut hasher);
    hasher.finish()
}

const VIEW_SQL: &str =
    "SELECT id, tool_name, session_id, project_hash, project_path, agent, subagent, outcome, success,
    source, time_micros, duration_micros, attributes IS NULL, event_id FROM tool_usage_events ORDER BY id";

fn view(path: &Path) -> rusqlite::Result<Vec<String>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let mut statement = connection.prepare(VIEW_SQL)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let fields: rusqlite::Result<Vec<String>> = (0..columns)
            .map(|at| match row.get_ref(at)? {
                rusqlite::types::ValueRef::Null => Ok("-".to_owned()),
                rusqlite::types::ValueRef::Integer(number) => Ok(number.to_string()),
                other => Ok(other.as_str()?.to_owned()),
            })
            .collect();
        fields.map(|fields| fields.join("|"))
    })?;
    rows.collect()
}

/// The row of [`VIEW_SQL`] for a call; other events have none.
fn view_row(recorded: &Recorded) -> Option<String> {
    fn text(value: Option<impl ToString>) -> String {
        value.map_or_else(|| "-".to_owned(), |value| value.to_string())
    }
    let Event::ToolUse(call) = &recorded.event else { return None };
    let project = call.project.as_ref();
    let fields = [
        recorded.position.to_string(),
        call.tool.to_string(),
        text(call.session.as_ref()),
        text(project.map(|project| project.id)),
        text(project.and_then(|project| project.path.as_ref())),
        text(call.agent.as_ref()),
        text(call.subagent.as_ref()),
        call.outcome.as_str().to_owned(),
        u8::from(call.outcome.is_success()).to_string(),
        call.source.as_str().to_owned(),
        call.time.as_micros().to_string(),
        text(call.duration.map(tooltally::ToolDuration::as_micros)),
        u8::from(call.attributes.is_empty()).to_string(),
        call.id.to_string(),
    ];
    Some(fields.join("|"))
}
