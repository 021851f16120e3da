//! The recent query: from the latest day down, by rollups to skip and postings to find.

use std::ops::ControlFlow;

use super::cells::Cells;
use super::keys::{self, PostingKey, RollupKey, Scope, recent_key};
use super::positions::Positions;
use super::recents;
use super::row::LogRow;
use super::tables::{Direction, Tree};
use super::usage::postings;
use super::view::{View, Want, Wanted};
use crate::bucket::Width;
use crate::recent::RecentOutcomes;
use crate::{Error, Position, Recorded, Result, Selection, Timestamp};

/// The latest rows found so far. The tail's are all there from the start; the folded ones come bucket by
/// bucket, from the latest down.
struct Latest {
    rows: Vec<(Position, LogRow)>,
    limit: usize,
    /// The times of the tail's rows, latest first.
    tail_times: Vec<Timestamp>,
    /// How many folded rows have come, those cut off since included.
    folded: usize,
}

impl Latest {
    fn new(limit: usize, tail: Vec<(Position, LogRow)>) -> Self {
        let mut tail_times: Vec<Timestamp> = tail.iter().map(|(_, row)| row.time).collect();
        tail_times.sort_unstable_by_key(|time| std::cmp::Reverse(*time));
        Self { rows: tail, limit, tail_times, folded: 0 }
    }

    fn push(&mut self, position: Position, row: LogRow) {
        self.rows.push((position, row));
        self.folded += 1;
        if self.rows.len() >= self.limit.saturating_mul(2).saturating_add(1024) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.rows.sort_unstable_by_key(|(position, row)| std::cmp::Reverse((row.time, *position)));
        self.rows.truncate(self.limit);
    }

    /// Whether no event before `time` can be among the latest, when every folded one from there on has come.
    fn is_full_at(&self, time: Timestamp) -> bool {
        self.folded + self.tail_times.partition_point(|t| *t >= time) >= self.limit
    }
}

pub(super) fn recent(view: &View<'_>, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
    let Some(wanted) = view.wanted(selection)?.filter(|_| limit > 0) else { return Ok(Vec::new()) };
    let tail = view.tail_rows(wanted).map(|(position, row)| (position, row.clone())).collect();
    let mut latest = Latest::new(limit, tail);
    match (wanted.tool, wanted.session) {
        (_, Want::Is(session)) => from_session(view, wanted, session, &mut latest)?,
        (Want::Is(tool), Want::Any) if wanted.window.is_all() && limit <= RecentOutcomes::KEPT => {
            from_recents(view, wanted, tool, &mut latest)?;
        }
        _ => from_days(view, wanted, &mut latest)?,
    }
    latest.cut();
    let mut names = super::lock(view.names);
    latest.rows.into_iter().map(|(position, row)| names.event(view.snapshot, position, &row)).collect()
}

fn scope_of(wanted: Wanted) -> Scope {
    match wanted.project {
        Want::Any => Scope::All,
        Want::Is(project) => Scope::Project(project),
    }
}

/// A few of one tool: the projection has their positions.
fn from_recents(view: &View<'_>, wanted: Wanted, tool: u32, latest: &mut Latest) -> Result<()> {
    let key = recent_key(view.state.generation, scope_of(wanted), tool);
    let Some(sealed) = view.snapshot.get(Tree::Recents, &key)? else { return Ok(()) };
    let mut positions: Vec<Position> = recents::from_bytes(&key, &sealed)?.iter().map(|r| r.position).collect();
    positions.sort_unstable();
    view.rows_at(&positions.into_iter().collect::<Positions>(), &mut |position, row| {
        if !wanted.matches(&row) {
            return Err(Error::corrupt(keys::show(Tree::Recents, &key), format!("names position {position} wrongly")));
        }
        latest.push(position, row);
        Ok(())
    })
}

/// One session, its days from the latest down.
fn from_session(view: &View<'_>, wanted: Wanted, session: u32, latest: &mut Latest) -> Result<()> {
    let (first, last) = keys::session_range(view.state.generation, session, wanted.days());
    let mut day_before = None;
    view.snapshot.scan(Tree::Rollups, &first, &last, Direction::Backward, &mut |bytes, _| {
        let Some((session, day, project, _)) = keys::read_session_key(bytes) else {
            return Err(Error::corrupt(keys::show(Tree::Rollups, bytes), "its key is cut"));
        };
        // A day has a row per project: only a new day says that the one above has come whole.
        if day_before.replace(day) != Some(day) && latest.is_full_at(Width::Day.start_of(day.saturating_add(1))) {
            return Ok(ControlFlow::Break(()));
        }
        if wanted.project.matches(project) && touches(wanted, Width::Day, day) {
            let key = |block| PostingKey::Session { session, day, project, block };
            collect(view, wanted, key(0), key(u32::MAX), latest)?;
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// All sessions: days from the latest down, then the quarters of each.
fn from_days(view: &View<'_>, wanted: Wanted, latest: &mut Latest) -> Result<()> {
    each_bucket_down(view, wanted, Width::Day, wanted.days(), &mut |day| {
        if latest.is_full_at(Width::Day.start_of(day.saturating_add(1))) {
            return Ok(ControlFlow::Break(()));
        }
        let quarters = Width::Day.quarters().unwrap_or(1);
        each_bucket_down(view, wanted, Width::Quarter, (day * quarters, (day + 1) * quarters - 1), &mut |quarter| {
            if latest.is_full_at(Width::Quarter.start_of(quarter.saturating_add(1))) {
                return Ok(ControlFlow::Break(()));
            }
            let key = |block| PostingKey::Quarter { scope: scope_of(wanted), quarter, block };
            collect(view, wanted, key(0), key(u32::MAX), latest)?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(ControlFlow::Continue(()))
    })
}

/// Visits the buckets between two, both included, that hold a wanted tool, from the latest down.
fn each_bucket_down(
    view: &View<'_>,
    wanted: Wanted,
    width: Width,
    (first, last): (u32, u32),
    visit: &mut dyn FnMut(u32) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let key = |bucket| RollupKey::Bucket { scope: scope_of(wanted), width, bucket };
    let generation = view.state.generation;
    let (first, last) = (key(first).to_bytes(generation), key(last).to_bytes(generation));
    view.snapshot.scan(Tree::Rollups, &first, &last, Direction::Backward, &mut |bytes, sealed| {
        let bucket = keys::last_number(bytes).unwrap_or(0);
        let holds_tool = match wanted.tool {
            Want::Any => true,
            Want::Is(tool) => Cells::from_bytes(bytes, key(bucket).base(), sealed)?.holds(tool),
        };
        if holds_tool && touches(wanted, width, bucket) { visit(bucket) } else { Ok(ControlFlow::Continue(())) }
    })
}

fn touches(wanted: Wanted, width: Width, bucket: u32) -> bool {
    wanted.window.to().is_none_or(|to| width.start_of(bucket) < to)
        && wanted.window.from().is_none_or(|from| width.bucket_of(from) <= bucket)
}

fn collect(view: &View<'_>, wanted: Wanted, first: PostingKey, last: PostingKey, latest: &mut Latest) -> Result<()> {
    for positions in postings(view, first, last)? {
        view.rows_at(&positions, &mut |position, row| {
            if wanted.matches(&row) {
                latest.push(position, row);
            }
            Ok(())
        })?;
    }
    Ok(())
}
