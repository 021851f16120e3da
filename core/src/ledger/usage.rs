//! The usage query: buckets of rollups, the exact events of the edges, and the tail.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use rustc_hash::FxHashMap;

use super::buckets::Scopes;
use super::cells::{Place, sessions_of, visit_cells};
use super::keys::{self, Scope, SessionKey};
use super::row::LogRow;
use super::tables::{Direction, Tree};
use super::view::{View, Want, Wanted};
use crate::bucket::{self, BucketRange, Width};
use crate::fold::main_project;
use crate::usage::{Aggregate, Usage};
use crate::{Error, GroupBy, GroupKey, Result, Selection, SessionId, Timestamp, UsageRow, Window};

/// A group in numbers. Sessions are told apart by project too, to find the main one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Group {
    Total,
    Tool(u32),
    Project(u32),
    Session(u32, u32),
    Span(usize),
}

/// A usage query under way.
struct Query<'a> {
    view: &'a View<'a>,
    wanted: Wanted,
    group_by: &'a GroupBy,
    groups: FxHashMap<Group, Usage>,
}

pub(super) fn usage(view: &View<'_>, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
    let Some(wanted) = view.wanted(selection)? else { return Ok(Vec::new()) };
    let mut query = Query { view, wanted, group_by, groups: FxHashMap::default() };
    if wanted.session != Want::Any || *group_by == GroupBy::Session {
        query.fold_sessions()?;
    } else {
        query.fold_buckets()?;
    }
    for (_, row) in view.tail_rows(wanted) {
        query.count(row);
    }
    query.finish()
}

impl Query<'_> {
    /// The group of a call; `None` if it lies outside every span.
    fn group(&self, tool: u32, session: u32, project: u32, time: Timestamp) -> Option<Group> {
        Some(match self.group_by {
            GroupBy::Total => Group::Total,
            GroupBy::Tool => Group::Tool(tool),
            GroupBy::Project => Group::Project(project),
            GroupBy::Session => Group::Session(session, project),
            GroupBy::Span(spans) => Group::Span(spans.index_of(time)?),
        })
    }

    fn count(&mut self, row: &LogRow) {
        if let Some(group) = self.group(row.tool, row.session, row.project, row.time) {
            row.count_in(self.groups.entry(group).or_default());
        }
    }

    fn merge(&mut self, group: Group, usage: &Usage) {
        self.groups.entry(group).or_default().merge(usage);
    }

    /// Any session: rollups by time, of all projects or of each one wanted, and the calls of the edges.
    fn fold_buckets(&mut self) -> Result<()> {
        let scopes = match self.wanted.project {
            Want::Is(project) => Scopes::One(Scope::Project(project)),
            Want::Any if *self.group_by == GroupBy::Project => Scopes::EachProject,
            Want::Any => Scopes::One(Scope::All),
        };
        let windows: Vec<Window> = match self.group_by {
            GroupBy::Span(spans) => spans.iter().filter_map(|span| intersect(span, self.wanted.window)).collect(),
            _ => vec![self.wanted.window],
        };
        for window in windows {
            let split = bucket::split(window);
            for range in split.buckets {
                self.fold_range(scopes, range)?;
            }
            for edge in split.edges {
                self.fold_edge(edge)?;
            }
        }
        Ok(())
    }

    fn fold_range(&mut self, scopes: Scopes, range: BucketRange) -> Result<()> {
        let (view, wanted) = (self.view, self.wanted.tool);
        view.each_rollup(scopes, range, &mut |key, place, sealed| {
            let project = match key.scope() {
                Scope::All => 0,
                Scope::Project(project) => project,
            };
            visit_cells(place, sealed, wanted, &mut |tool, usage| {
                // A span holds its buckets whole, so any instant of the bucket names the span.
                let time = usage.first_used().unwrap_or(Timestamp::MIN);
                if let Some(group) = self.group(tool, 0, project, time) {
                    self.merge(group, &usage);
                }
                Ok(())
            })
        })
    }

    /// The calls of an edge.
    fn fold_edge(&mut self, edge: Window) -> Result<()> {
        let view = self.view;
        let wanted = Wanted { window: edge, ..self.wanted };
        view.each_call(wanted, Direction::Forward, &mut |call| {
            if let Some(group) = self.group(call.tool, 0, call.project, call.time) {
                self.groups.entry(group).or_default().record(call.outcome, call.time, call.duration);
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// One session, or each of those that may have events in the window.
    fn fold_sessions(&mut self) -> Result<()> {
        match self.wanted.session {
            Want::Is(session) => self.fold_session_rows(&self.session_range(session)),
            Want::Any if self.wanted.window.is_all() => {
                self.fold_session_rows(&keys::generation_range(self.view.state.generation))
            }
            Want::Any => {
                for session in self.sessions_in_window()? {
                    self.fold_session_rows(&self.session_range(session))?;
                }
                Ok(())
            }
        }
    }

    /// The sessions with events on a day that the window touches.
    fn sessions_in_window(&self) -> Result<BTreeSet<u32>> {
        let (first, last) = self.wanted.days();
        let range = BucketRange { width: Width::Day, first, end: last.saturating_add(1) };
        let mut sessions = BTreeSet::new();
        self.view.each_rollup(Scopes::One(Scope::All), range, &mut |_, place, sealed| {
            sessions.extend(sessions_of(place, sealed)?);
            Ok(())
        })?;
        Ok(sessions)
    }

    /// The keys of a session's rows on the days that the window touches.
    fn session_range(&self, session: u32) -> (Vec<u8>, Vec<u8>) {
        keys::session_range(self.view.state.generation, session, self.wanted.days())
    }

    fn fold_session_rows(&mut self, (first, last): &(Vec<u8>, Vec<u8>)) -> Result<()> {
        let mut partial: BTreeMap<SessionKey, BTreeSet<u32>> = BTreeMap::new();
        let view = self.view;
        view.snapshot.scan(Tree::Sessions, first, last, Direction::Forward, &mut |bytes, sealed| {
            let Some(key) = SessionKey::read(bytes) else {
                return Err(Error::corrupt(keys::show(Tree::Sessions, bytes), "its key is cut"));
            };
            if !self.wanted.project.matches(key.project) {
                return Ok(ControlFlow::Continue(()));
            }
            visit_cells(&Place::of_session(key, bytes), sealed, self.wanted.tool, &mut |tool, usage| {
                match self.whole_group(tool, key.session, key.project, &usage) {
                    Whole::Inside(group) => self.merge(group, &usage),
                    Whole::Outside => {}
                    Whole::Partly => {
                        partial.entry(key).or_default().insert(tool);
                    }
                }
                Ok(())
            })?;
            Ok(ControlFlow::Continue(()))
        })?;
        for (key, tools) in partial {
            for positions in view.postings(key)? {
                view.rows_at(&positions.iter().collect::<Vec<_>>(), &mut |_, row| {
                    if tools.contains(&row.tool) && self.wanted.window.contains(row.time) {
                        self.count(&row);
                    }
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// Whether a cell counts as a whole, and where.
    fn whole_group(&self, tool: u32, session: u32, project: u32, usage: &Usage) -> Whole {
        let (Some(first), Some(last)) = (usage.first_used(), usage.last_used()) else { return Whole::Outside };
        let window = self.wanted.window;
        if window.from().is_some_and(|from| last < from) || window.to().is_some_and(|to| first >= to) {
            return Whole::Outside;
        }
        let (of_first, of_last) = (self.group(tool, session, project, first), self.group(tool, session, project, last));
        match (of_first, of_last) {
            (Some(a), Some(b)) if a == b && window.contains(first) && window.contains(last) => Whole::Inside(a),
            _ => Whole::Partly,
        }
    }

    fn finish(self) -> Result<Vec<UsageRow>> {
        let view = self.view;
        let mut names = super::lock(view.names);
        let mut rows = Vec::with_capacity(self.groups.len());
        let mut sessions: BTreeMap<u32, Vec<(u32, Usage)>> = BTreeMap::new();
        for (group, usage) in self.groups {
            let key = match group {
                Group::Total => GroupKey::Total,
                Group::Tool(number) => {
                    let tool = names.tools.name(view.snapshot, number)?;
                    GroupKey::Tool(tool.ok_or_else(|| Error::corrupt("rollups", "a cell names no tool"))?)
                }
                Group::Project(number) => GroupKey::Project(names.project(view.snapshot, number)?),
                Group::Span(index) => match self.group_by {
                    GroupBy::Span(spans) => GroupKey::Span(spans.get(index).unwrap_or_default()),
                    _ => continue,
                },
                Group::Session(session, project) => {
                    sessions.entry(session).or_default().push((project, usage));
                    continue;
                }
            };
            rows.push(UsageRow { key, usage });
        }
        for (session, parts) in sessions {
            let session: Option<SessionId> = names.sessions.name(view.snapshot, session)?;
            let mut usage = Usage::default();
            let mut projects = Vec::with_capacity(parts.len());
            for (number, part) in &parts {
                usage.merge(part);
                projects.push((names.project(view.snapshot, *number)?, part.uses()));
            }
            let main = main_project(projects.iter().map(|(project, uses)| (project.as_ref().map(|p| p.id), *uses)));
            let project = projects.into_iter().find_map(|(p, _)| p.filter(|p| Some(p.id) == main));
            rows.push(UsageRow { key: GroupKey::Session { session, project }, usage });
        }
        UsageRow::sort(&mut rows);
        Ok(rows)
    }
}

/// How a cell lies to the window and the spans.
enum Whole {
    Inside(Group),
    Outside,
    Partly,
}

fn intersect(a: Window, b: Window) -> Option<Window> {
    let from = a.from().max(b.from());
    let to = match (a.to(), b.to()) {
        (Some(x), Some(y)) => Some(x.min(y)),
        (x, y) => x.or(y),
    };
    Window::new(from, to).ok().filter(|w| w.from().is_none() || w.from() != w.to())
}
