//! What is asked of a store that came from outside, and what is done to it.

use tooltally::{
    Appended, Condition, Error, Event, Filter, GroupBy, Log, MaintenanceExt, MemoryStore, Position, ProjectId, Queries,
    RecentOutcomes, Recorded, Registered, Selection, SessionId, Spans, Store, Timestamp, ToolName, Trail, UsageRow,
    Window,
};
use tooltally_conformance::events::{DAY_MICROS, HOUR_MICROS, PATHS, SESSIONS, TOOLS, at, numbered_all};

use super::claim::{holds, same};
use crate::Result;

/// How many events a page of the log holds.
const PAGE: usize = 4096;
/// More events than any input can hold.
const MOST_EVENTS: usize = 1 << 16;

/// An answer, of whichever kind.
#[derive(Debug, PartialEq)]
enum Answer {
    Usage(Vec<UsageRow>),
    Recent(Vec<Recorded>),
    Registered(Vec<Registered>),
    Outcomes(Vec<(ToolName, RecentOutcomes)>),
    Trail(Option<Trail>),
}

/// A question.
enum Question {
    Usage(Selection, GroupBy),
    Recent(Selection, usize),
    Registered(Filter<ProjectId>),
    Outcomes(Filter<ProjectId>),
    Trail(SessionId, u64),
}

impl Question {
    fn ask(&self, store: &dyn Queries) -> tooltally::Result<Answer> {
        match self {
            Self::Usage(selection, group_by) => store.usage(selection, group_by).map(Answer::Usage),
            Self::Recent(selection, limit) => store.recent(selection, *limit).map(Answer::Recent),
            Self::Registered(project) => store.registered(project).map(Answer::Registered),
            Self::Outcomes(project) => store.latest_outcomes(project).map(Answer::Outcomes),
            Self::Trail(session, look_back) => store.trail(session, *look_back).map(Answer::Trail),
        }
    }
}

/// Questions that reach every kind of row.
fn questions() -> Result<Vec<Question>> {
    let [tool, ..] = TOOLS;
    let [path, ..] = PATHS;
    let [session, ..] = SESSIONS;
    let days: Vec<Timestamp> = (0..8).map(|day| at(day * 8 * DAY_MICROS + 7)).collect();
    let windows = [Window::ALL, Window::new(Some(at(3 * HOUR_MICROS - 1)), Some(at(41 * DAY_MICROS + 7)))?];
    let mut all = vec![Question::Usage(Selection::all(), GroupBy::Span(Spans::new(days)?))];
    for window in windows {
        let selection = || Selection::all().window(window);
        let narrow = selection().project(ProjectId::of_path(path));
        all.push(Question::Usage(selection(), GroupBy::Tool));
        all.push(Question::Usage(narrow.clone(), GroupBy::Tool));
        all.push(Question::Usage(selection(), GroupBy::Project));
        all.push(Question::Usage(selection(), GroupBy::Session));
        all.push(Question::Usage(selection().tool(ToolName::new(tool)?), GroupBy::Total));
        all.push(Question::Usage(selection().session(SessionId::new(session)?), GroupBy::Tool));
        all.push(Question::Recent(selection(), 20));
        all.push(Question::Recent(narrow.tool(ToolName::new(tool)?), 20));
        all.push(Question::Recent(selection().session(SessionId::new(session)?), 20));
    }
    for project in [Filter::Any, Filter::Absent, Filter::Is(ProjectId::of_path(path))] {
        all.push(Question::Registered(project.clone()));
        all.push(Question::Outcomes(project));
    }
    all.push(Question::Trail(SessionId::new(session)?, 500));
    Ok(all)
}

/// Fails unless an error says that something is damaged.
pub(super) fn says_damage(what: &str, error: &Error) -> Result<()> {
    holds(error.is_corrupt(), || format!("{what} fails unclearly: {}", chain(error)))
}

/// The whole log.
fn log(store: &dyn Store) -> tooltally::Result<Vec<Recorded>> {
    let mut all = Vec::new();
    while all.len() < MOST_EVENTS {
        let page = store.read(all.last().map_or(Position::START, |last: &Recorded| last.position), PAGE)?;
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    Ok(all)
}

/// The reference store with this log.
fn model_of(log: &[Recorded]) -> Result<MemoryStore> {
    let model = MemoryStore::new();
    let events: Vec<Event> = log.iter().map(|recorded| recorded.event.clone()).collect();
    let answers = model.append(&events, Condition::None)?;
    holds(answers.iter().all(|answer| answer.is_new()), || "an id is in the log twice, and nobody says so".to_owned())?;
    same("the log of a sound store", &model.read(Position::START, usize::MAX)?, &log.to_vec())?;
    Ok(model)
}

/// Every question is answered, or said to meet damage; of a store that is proved to be sound, every answer is the
/// one of a fold over its log.
///
/// # Errors
/// What does not hold.
pub(super) fn answers(store: &dyn Store, is_sound: bool) -> Result<()> {
    let model = match log(store) {
        Ok(log) if is_sound => Some(model_of(&log)?),
        Ok(_) => None,
        Err(error) if is_sound => return Err(format!("verify finds nothing, but: {}", chain(&error)).into()),
        Err(error) => return says_damage("read", &error),
    };
    for question in questions()? {
        match (question.ask(store), &model) {
            (Ok(answer), Some(model)) => same("verify finds nothing, but an answer", &answer, &question.ask(model)?)?,
            (Ok(_), None) => {}
            (Err(error), None) => says_damage("a question", &error)?,
            (Err(error), Some(_)) => return Err(format!("verify finds nothing, but: {}", chain(&error)).into()),
        }
    }
    Ok(())
}

/// Whether `verify` finds nothing.
///
/// # Errors
/// An error that does not say damage.
pub(super) fn verifies(store: &dyn Store) -> Result<bool> {
    match store.verify_quietly() {
        Ok(_) => Ok(true),
        Err(error) => says_damage("verify", &error).map(|()| false),
    }
}

/// Records events, some of which the log may have. A sound store takes them and stays sound.
///
/// # Errors
/// What does not hold.
pub(super) fn record(store: &dyn Store, is_sound: bool) -> Result<()> {
    let events = [numbered_all(5..9), numbered_all(1_000_000..1_000_003)].concat();
    match store.append(&events, Condition::None) {
        Ok(given) if is_sound => {
            let again = store.append(&events, Condition::None)?;
            let expected: Vec<Appended> = given.iter().map(|a| Appended::Duplicate(a.position())).collect();
            same("the same events once more", &again, &expected)?;
            holds(verifies(store)?, || "verify fails after events were recorded in a sound store".to_owned())?;
            answers(store, true)
        }
        Ok(_) => Ok(()),
        Err(error) if is_sound => Err(format!("a sound store takes no events: {}", chain(&error)).into()),
        Err(error) => says_damage("append", &error),
    }
}

/// Folds the projections anew. What was sound stays so.
///
/// # Errors
/// What does not hold.
pub(super) fn rebuild(store: &dyn Store, is_sound: bool) -> Result<()> {
    match store.rebuild_quietly() {
        Ok(()) => {
            let verifies = verifies(store)?;
            holds(verifies || !is_sound, || "verify fails after a sound store was rebuilt".to_owned())?;
            answers(store, verifies)
        }
        Err(error) if is_sound => Err(format!("a sound store cannot be rebuilt: {}", chain(&error)).into()),
        Err(error) => says_damage("rebuild", &error),
    }
}

/// An error and what led to it.
pub(super) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
