//! What a store must hold and answer, beside what it does.

use tooltally::{
    Event, Filter, GroupBy, LogExt as _, MaintenanceExt as _, MemoryStore, Position, Queries as _, Selection, Spans,
    Store, Window,
};
use tooltally_conformance::events::{self, DAY_MICROS, at};

use crate::Result;

/// Says what does not hold.
pub(crate) fn finding<T>(what: impl std::fmt::Display) -> Result<T> {
    Err(format!("finding: {what}").into())
}

/// The log holds these events in this order, at positions 1, 2, 3, …
pub(super) fn log_is(store: &dyn Store, expected: &[Event]) -> Result<()> {
    let log = store.read(Position::START, usize::MAX)?;
    for ((recorded, event), position) in log.iter().zip(expected).zip(1..) {
        if recorded.position.get() != position {
            return finding(format!("position {position} of the log is {}", recorded.position));
        }
        if recorded.event != *event {
            return finding(format!("position {position} holds {:?}, not {event:?}", recorded.event));
        }
    }
    if log.len() != expected.len() {
        return finding(format!("the log holds {} events, not {}", log.len(), expected.len()));
    }
    Ok(())
}

/// Every answer is the one of the reference store.
pub(super) fn answers_are(store: &dyn Store, model: &MemoryStore) -> Result<()> {
    for (selection, group_by) in questions()? {
        if store.usage(&selection, &group_by)? != model.usage(&selection, &group_by)? {
            return finding(format!("usage of {selection:?} by {group_by:?} is no fold of the log"));
        }
    }
    for selection in [Selection::all(), Selection::all().tool(events::tool(events::TOOLS[0]))] {
        if store.recent(&selection, 50)? != model.recent(&selection, 50)? {
            return finding(format!("the recent uses of {selection:?} are no fold of the log"));
        }
    }
    for project in [Filter::Any, Filter::Is(events::project(events::PATHS[0]).id)] {
        if store.registered(&project)? != model.registered(&project)? {
            return finding(format!("what is registered in {project:?} is no fold of the log"));
        }
        if store.latest_outcomes(&project)? != model.latest_outcomes(&project)? {
            return finding(format!("the latest outcomes in {project:?} are no fold of the log"));
        }
    }
    let session = events::session(events::SESSIONS[1]);
    if store.trail(&session, 500)? != model.trail(&session, 500)? {
        return finding(format!("the trail of {session} is no fold of the log"));
    }
    Ok(())
}

fn questions() -> Result<Vec<(Selection, GroupBy)>> {
    let day = |day: i64| at(day * DAY_MICROS);
    let window = Window::new(Some(at(9 * DAY_MICROS + 12_345)), Some(at(41 * DAY_MICROS + 7)))?;
    Ok(vec![
        (Selection::all(), GroupBy::Tool),
        (Selection::all(), GroupBy::Project),
        (Selection::all(), GroupBy::Session),
        (Selection::all(), GroupBy::Span(Spans::new((0..=60).map(day).collect())?)),
        (Selection::all().window(window), GroupBy::Tool),
        (Selection::all().session(events::session(events::SESSIONS[0])).window(window), GroupBy::Tool),
        (Selection::all().project(events::project(events::PATHS[0]).id), GroupBy::Session),
    ])
}

/// Log, ids and projections agree.
pub(crate) fn is_sound(store: &dyn Store, events: u64) -> Result<()> {
    match store.verify_quietly() {
        Ok(verified) if verified.events == events => Ok(()),
        Ok(verified) => finding(format!("verify goes through {} events of {events}", verified.events)),
        Err(error) => finding(format!("the store does not verify: {error:?}")),
    }
}

/// Events that are in the log are found there when they come once more, each at its position.
pub(super) fn are_known(store: &dyn Store, expected: &[Event], numbers: &[u64]) -> Result<()> {
    let events: Vec<Event> =
        numbers.iter().filter_map(|number| expected.get(usize::try_from(*number - 1).ok()?)).cloned().collect();
    let answers = store.record_all(&events)?;
    for (answer, number) in answers.iter().zip(numbers) {
        if answer.is_new() || answer.position().get() != *number {
            return finding(format!("event {number} is in the log, and recorded once more: {answer:?}"));
        }
    }
    Ok(())
}
