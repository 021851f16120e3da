//! Faults of the answers, and of the care of a store.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, Ordering};

use tooltally_core::{
    Filter, GroupBy, GroupKey, Position, Progress, Recorded, Result, Selection, SessionId, Spans, Store, Timestamp,
    ToolName, Trail, Usage, UsageRow, Verified, Window, fold,
};

use crate::with::Fault;

fn by(time: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_micros(time.as_micros() + micros).unwrap_or(time)
}

fn with_end(selection: &Selection, move_by: i64) -> Selection {
    let window = selection.window;
    let to = window.to().map(|to| by(to, move_by));
    // An empty window stays one.
    let window = Window::new(window.from(), to).unwrap_or(window);
    selection.clone().window(window)
}

/// The log, for faults that answer in a way of their own.
fn whole_log(store: &dyn Store) -> Result<Vec<Recorded>> {
    store.read(Position::START, usize::MAX)
}

#[derive(Default)]
pub(crate) struct CutsShort;

impl Fault for CutsShort {
    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        store.usage(&with_end(selection, -1), group_by)
    }
}

#[derive(Default)]
pub(crate) struct CountsTheEnd;

impl Fault for CountsTheEnd {
    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        store.usage(&with_end(selection, 1), group_by)
    }
}

/// A session's latest call is left out of its trail.
#[derive(Default)]
pub(crate) struct MissesTheLatest;

impl Fault for MissesTheLatest {
    fn trail(&self, store: &dyn Store, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
        Ok(store.trail(session, look_back)?.map(|mut trail| {
            trail.session.pop();
            trail
        }))
    }
}

/// A trail goes one event farther back.
#[derive(Default)]
pub(crate) struct LooksTooFar;

impl Fault for LooksTooFar {
    fn trail(&self, store: &dyn Store, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
        store.trail(session, look_back.saturating_add(1))
    }
}

/// Of a project nothing is known but what it has among the last events.
#[derive(Default)]
pub(crate) struct LooksAtTheLatestAlone;

impl Fault for LooksAtTheLatestAlone {
    fn trail(&self, store: &dyn Store, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
        let log = whole_log(store)?;
        let back = usize::try_from(look_back).unwrap_or(usize::MAX);
        let start = first_of(&log, session).saturating_sub(back);
        Ok(fold::trail(&log[start..], session, look_back))
    }
}

/// What is older than the last events is looked for among what is folded, in folds of some size.
#[derive(Default)]
pub(crate) struct PassesOverTheTail;

impl Fault for PassesOverTheTail {
    fn trail(&self, store: &dyn Store, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
        let mut log = whole_log(store)?;
        let back = usize::try_from(look_back).unwrap_or(usize::MAX);
        let start = first_of(&log, session).saturating_sub(back);
        let folded = log.len() / 1_024 * 1_024;
        log.drain(folded.min(start)..start);
        Ok(fold::trail(&log, session, look_back))
    }
}

/// How many events stand before a session's first call.
fn first_of(log: &[Recorded], session: &SessionId) -> usize {
    let is_of =
        |recorded: &Recorded| recorded.event.as_tool_use().is_some_and(|call| call.session.as_ref() == Some(session));
    log.iter().position(is_of).unwrap_or(log.len())
}

/// A trail's calls stand in order of time.
#[derive(Default)]
pub(crate) struct OrdersTrailsByTime;

impl Fault for OrdersTrailsByTime {
    fn trail(&self, store: &dyn Store, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
        let mut log = store.read(Position::START, usize::MAX)?;
        log.sort_by_key(|recorded| recorded.event.time());
        Ok(fold::trail(&log, session, look_back))
    }
}

/// Past a few hundred events, one that is earlier than all before goes uncounted.
#[derive(Default)]
pub(crate) struct DropsLate;

impl Fault for DropsLate {
    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        let mut log = whole_log(store)?;
        let first = log.iter().take(512).map(|r| r.event.time()).min();
        log.retain(|r| r.position.get() <= 512 || Some(r.event.time()) >= first);
        Ok(fold::usage(&log, selection, group_by))
    }
}

#[derive(Default)]
pub(crate) struct AbsentIsAny;

impl Fault for AbsentIsAny {
    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        let mut selection = selection.clone();
        if selection.session == Filter::Absent {
            selection.session = Filter::Any;
        }
        store.usage(&selection, group_by)
    }
}

#[derive(Default)]
pub(crate) struct IgnoresCase;

impl Fault for IgnoresCase {
    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        let Filter::Is(tool) = &selection.tool else { return store.usage(selection, group_by) };
        let known = store.usage(&Selection::all(), &GroupBy::Tool)?;
        let alike = known.iter().find(|row| row.key.name().eq_ignore_ascii_case(tool.as_str()));
        let name = alike.map_or(tool.as_str(), |row| row.key.name());
        store.usage(&selection.clone().tool(ToolName::new(name)?), group_by)
    }
}

#[derive(Default)]
pub(crate) struct DaysOf24Hours;

impl Fault for DaysOf24Hours {
    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        const DAY_MICROS: i64 = 86_400_000_000;
        let GroupBy::Span(spans) = group_by else { return store.usage(selection, group_by) };
        let edges = spans.edges();
        let days = edges.iter().zip(0..).map(|(_, n)| by(edges[0], n * DAY_MICROS));
        store.usage(selection, &GroupBy::Span(Spans::new(days.collect())?))
    }
}

#[derive(Default)]
pub(crate) struct ShowsEmptyRows;

impl Fault for ShowsEmptyRows {
    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        let mut rows = store.usage(selection, group_by)?;
        if let GroupBy::Span(spans) = group_by {
            for span in spans.iter().map(GroupKey::Span) {
                if rows.iter().all(|row| row.key != span) {
                    rows.push(UsageRow { key: span, usage: Usage::default() });
                }
            }
        }
        UsageRow::sort(&mut rows);
        Ok(rows)
    }
}

#[derive(Default)]
pub(crate) struct LowerPositionFirst;

impl Fault for LowerPositionFirst {
    fn recent(&self, store: &dyn Store, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        let mut recent = store.recent(selection, usize::MAX)?;
        recent.sort_by_key(|r| (Reverse(r.event.time()), r.position));
        recent.truncate(limit);
        Ok(recent)
    }
}

#[derive(Default)]
pub(crate) struct TiesBackwards;

impl Fault for TiesBackwards {
    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        let mut rows = store.usage(selection, group_by)?;
        rows.sort_by_key(|row| Reverse((row.usage.uses(), row.key.name().to_owned())));
        Ok(rows)
    }
}

#[derive(Default)]
pub(crate) struct LeavesTheTailOut;

impl Fault for LeavesTheTailOut {
    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        let log = whole_log(store)?;
        Ok(fold::usage(&log[..log.len() / 64 * 64], selection, group_by))
    }
}

#[derive(Default)]
pub(crate) struct RebuildDrops {
    rebuilt: AtomicBool,
}

impl Fault for RebuildDrops {
    fn rebuild(&self, store: &dyn Store, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        self.rebuilt.store(true, Ordering::SeqCst);
        store.rebuild(progress)
    }

    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        let mut log = whole_log(store)?;
        if self.rebuilt.load(Ordering::SeqCst) {
            log.pop();
        }
        Ok(fold::usage(&log, selection, group_by))
    }
}

#[derive(Default)]
pub(crate) struct VerifiesNothing;

impl Fault for VerifiesNothing {
    fn verify(&self, _store: &dyn Store, progress: &mut dyn FnMut(Progress)) -> Result<Verified> {
        progress(Progress::default());
        Ok(Verified::default())
    }
}

#[derive(Default)]
pub(crate) struct Overflows;

impl Fault for Overflows {
    fn recent(&self, store: &dyn Store, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        // One more than is wanted, to see whether there are more.
        let mut recent = store.recent(selection, limit.checked_add(1).expect("no such limit"))?;
        recent.truncate(limit);
        Ok(recent)
    }
}

/// Wrong only where a session is asked for, without a window, and more than seven uses are there.
#[derive(Default)]
pub(crate) struct OneTooMany;

impl Fault for OneTooMany {
    fn recent(&self, store: &dyn Store, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        let rare = matches!(selection.session, Filter::Is(_)) && limit > 7;
        store.recent(selection, if rare { limit + 1 } else { limit })
    }
}
