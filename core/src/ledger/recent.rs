//! The recent query: from the latest buckets down, by rollups to skip and calls to find.

use std::ops::ControlFlow;

use super::keys::{self, Scope, SessionKey, recents_key};
use super::recents::Recents;
use super::row::LogRow;
use super::tables::{Direction, Tree};
use super::tool_rows::row_of;
use super::view::{View, Want, Wanted};
use crate::bucket::Width;
use crate::recent::RecentOutcomes;
use crate::{Error, Position, Recorded, Result, Selection, Timestamp, Window};

/// Where the latest calls found so far stand. The tail's are all there from the start; the folded ones come
/// bucket by bucket, from the latest down.
struct Latest {
    found: Vec<(Timestamp, Position)>,
    limit: usize,
    /// The times of the tail's calls, latest first.
    tail_times: Vec<Timestamp>,
    /// How many folded calls have come, those cut off since included.
    folded: usize,
}

impl Latest {
    fn new(limit: usize, tail: Vec<(Timestamp, Position)>) -> Self {
        let mut tail_times: Vec<Timestamp> = tail.iter().map(|(time, _)| *time).collect();
        tail_times.sort_unstable_by_key(|time| std::cmp::Reverse(*time));
        Self { found: tail, limit, tail_times, folded: 0 }
    }

    fn push(&mut self, time: Timestamp, position: Position) {
        self.found.push((time, position));
        self.folded += 1;
        if self.found.len() >= self.limit.saturating_mul(2).saturating_add(1024) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.found.sort_unstable_by(|a, b| b.cmp(a));
        self.found.truncate(self.limit);
    }

    /// Whether no call before `time` can be among the latest, when every folded one from there on has come.
    fn is_full_at(&self, time: Timestamp) -> bool {
        self.folded + self.tail_times.partition_point(|t| *t >= time) >= self.limit
    }
}

pub(super) fn recent(view: &View<'_>, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
    let Some(wanted) = view.wanted(selection)?.filter(|_| limit > 0) else { return Ok(Vec::new()) };
    let tail = view.tail_rows(wanted).map(|(position, row)| (row.time, position)).collect();
    let mut latest = Latest::new(limit, tail);
    match (wanted.tool, wanted.session) {
        (_, Want::Is(session)) => from_session(view, wanted, session, &mut latest)?,
        (Want::Is(tool), Want::Any) if wanted.window.is_all() && limit <= RecentOutcomes::KEPT => {
            from_recents(view, wanted, tool, &mut latest)?;
        }
        _ => from_buckets(view, wanted, &mut latest)?,
    }
    latest.cut();
    events(view, wanted, &latest.found)
}

/// The events at what was found, in that order.
fn events(view: &View<'_>, wanted: Wanted, found: &[(Timestamp, Position)]) -> Result<Vec<Recorded>> {
    let mut positions: Vec<Position> = found.iter().map(|(_, position)| *position).collect();
    positions.sort_unstable();
    let mut rows: Vec<(Position, LogRow)> = Vec::with_capacity(found.len());
    let folded = positions.partition_point(|position| *position <= view.state.folded_to());
    let (folded, _) = positions.split_at(folded);
    view.rows_at(folded, &mut |position, row| {
        rows.push((position, row));
        Ok(())
    })?;
    let mut names = super::lock(view.names);
    let mut events = Vec::with_capacity(found.len());
    for (time, position) in found {
        let row = match rows.binary_search_by_key(position, |(position, _)| *position) {
            Ok(at) => rows.get(at).map(|(_, row)| row),
            Err(_) => view.tail.row_at(*position),
        };
        match row {
            Some(row) if wanted.matches(row) && row.time == *time => {
                events.push(names.event(view.snapshot, *position, row)?);
            }
            _ => {
                let detail = "is not the call that a projection has there";
                return Err(Error::corrupt(format!("log position {position}"), detail));
            }
        }
    }
    Ok(events)
}

/// Whose rows have what is wanted.
pub(super) fn scope_of(wanted: Wanted) -> Scope {
    match wanted.project {
        Want::Any => Scope::All,
        Want::Is(project) => Scope::Project(project),
    }
}

/// A few of one tool: a projection has them.
fn from_recents(view: &View<'_>, wanted: Wanted, tool: u32, latest: &mut Latest) -> Result<()> {
    let key = recents_key(view.state.generation, scope_of(wanted), row_of(tool));
    let Some(sealed) = view.snapshot.get(Tree::Recents, &key)? else { return Ok(()) };
    let recents = Recents::from_bytes(&key, row_of(tool), &sealed)?;
    recents.of_tool(tool).for_each(|recent| latest.push(recent.time, recent.position));
    Ok(())
}

/// One session, its days from the latest down.
fn from_session(view: &View<'_>, wanted: Wanted, session: u32, latest: &mut Latest) -> Result<()> {
    let (first, last) = keys::session_range(view.state.generation, session, wanted.days());
    let mut day_before = None;
    view.snapshot.scan(Tree::Sessions, &first, &last, Direction::Backward, &mut |bytes, _| {
        let Some(of) = SessionKey::read(bytes) else {
            return Err(Error::corrupt(keys::show(Tree::Sessions, bytes), "its key is cut"));
        };
        // A day has a row per project: only a new day says that the one above has come whole.
        if day_before.replace(of.day) != Some(of.day)
            && latest.is_full_at(Width::Day.start_of(of.day.saturating_add(1)))
        {
            return Ok(ControlFlow::Break(()));
        }
        if wanted.project.matches(of.project) && touches(wanted.window, Width::Day, of.day) {
            for positions in view.postings(of)? {
                view.rows_at(&positions.iter().collect::<Vec<_>>(), &mut |position, row| {
                    if wanted.matches(&row) {
                        latest.push(row.time, position);
                    }
                    Ok(())
                })?;
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// All sessions: the widest buckets from the latest down, in each the next narrower ones, and so on.
fn from_buckets(view: &View<'_>, wanted: Wanted, latest: &mut Latest) -> Result<()> {
    let width = Width::SixtyFourDays;
    let bucket = |time: Option<Timestamp>, open| width.bucket_of(time.unwrap_or(open));
    let range = (bucket(wanted.window.from(), Timestamp::MIN), bucket(wanted.window.to(), Timestamp::MAX));
    descend(view, wanted, width, range, latest)
}

/// Goes down the buckets of a width between two, both included.
fn descend(view: &View<'_>, wanted: Wanted, width: Width, range: (u32, u32), latest: &mut Latest) -> Result<()> {
    let (first, mut last) = range;
    while let Some(bucket) = view.highest_bucket(width, (first, last))? {
        let (start, end) = (width.start_of(bucket), width.start_of(bucket.saturating_add(1)));
        if latest.is_full_at(end) {
            return Ok(());
        }
        if touches(wanted.window, width, bucket) && view.bucket_holds(scope_of(wanted), width, bucket, wanted.tool)? {
            match width.narrower() {
                Some(narrower) => {
                    let children =
                        width.narrowest().zip(narrower.narrowest()).map_or(1, |(wide, narrow)| wide / narrow);
                    let from = bucket.saturating_mul(children);
                    descend(view, wanted, narrower, (from, from.saturating_add(children - 1)), latest)?;
                }
                None => from_calls(view, wanted, (start, end), latest)?,
            }
        }
        if bucket <= first {
            return Ok(());
        }
        last = bucket - 1;
    }
    Ok(())
}

/// The calls of one narrowest bucket, its quarters of an hour from the latest down.
fn from_calls(
    view: &View<'_>,
    wanted: Wanted,
    (start, end): (Timestamp, Timestamp),
    latest: &mut Latest,
) -> Result<()> {
    let from = wanted.window.from().map_or(start, |from| from.max(start));
    let to =
        if end == Timestamp::MAX { wanted.window.to() } else { Some(wanted.window.to().map_or(end, |to| to.min(end))) };
    let Ok(window) = Window::new(Some(from), to) else { return Ok(()) };
    let mut quarter_before = None;
    view.each_call(Wanted { window, ..wanted }, Direction::Backward, &mut |call| {
        // Only a new quarter says that those above have come whole.
        let end = call.quarter_end();
        if quarter_before.replace(end) != Some(end) && latest.is_full_at(end) {
            return Ok(ControlFlow::Break(()));
        }
        latest.push(call.time, call.position);
        Ok(ControlFlow::Continue(()))
    })
}

fn touches(window: Window, width: Width, bucket: u32) -> bool {
    window.to().is_none_or(|to| width.start_of(bucket) < to)
        && window.from().is_none_or(|from| width.bucket_of(from) <= bucket)
}
