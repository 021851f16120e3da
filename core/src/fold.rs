//! Every query as a fold over the log: slow, and plainly right.
//!
//! A plain backend may answer with these functions alone; the reference store does, and the suite
//! compares every other answer with theirs.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::Result;
use crate::event::{Event, Position, Recorded, ToolUse};
use crate::name::{ProjectPath, SessionId, ToolName};
use crate::project::{Project, ProjectId};
use crate::recent::RecentOutcomes;
use crate::registered::Registered;
use crate::selection::{Filter, GroupBy, GroupKey, Selection, UsageRow};
use crate::store::Log;
use crate::trail::Trail;
use crate::usage::{Aggregate, Usage};

/// How many events one read of the log takes in.
const PAGE: usize = 4096;

/// Answers [`Queries::usage`](crate::Queries::usage) from recorded events, which must be the whole log up
/// to some position, in order.
pub fn usage(log: &[Recorded], selection: &Selection, group_by: &GroupBy) -> Vec<UsageRow> {
    let mut fold = UsageFold::new(selection, group_by);
    for recorded in log {
        fold.apply(recorded);
    }
    fold.finish()
}

/// Answers [`Queries::recent`](crate::Queries::recent) from recorded events.
pub fn recent(log: &[Recorded], selection: &Selection, limit: usize) -> Vec<Recorded> {
    let mut selected: Vec<&Recorded> = log.iter().filter(|r| selection.matches(&r.event)).collect();
    selected.sort_by_key(|r| std::cmp::Reverse((r.event.time(), r.position)));
    selected.into_iter().take(limit).cloned().collect()
}

/// Answers [`Queries::usage`](crate::Queries::usage) by reading a store's log, page by page, up to the
/// head that it has at the start.
///
/// # Errors
/// As [`Log::read`].
pub fn usage_by_reading<L: Log + ?Sized>(log: &L, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
    let mut fold = UsageFold::new(selection, group_by);
    each_recorded(log, &mut |recorded| fold.apply(recorded))?;
    Ok(fold.finish())
}

/// Answers [`Queries::recent`](crate::Queries::recent) by reading a store's log, as
/// [`usage_by_reading`] does.
///
/// # Errors
/// As [`Log::read`].
pub fn recent_by_reading<L: Log + ?Sized>(log: &L, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
    let mut kept = Vec::new();
    each_recorded(log, &mut |recorded| {
        if selection.matches(&recorded.event) {
            kept.push(recorded.clone());
        }
        if kept.len() >= limit.saturating_add(PAGE) {
            kept = recent(&kept, selection, limit);
        }
    })?;
    Ok(recent(&kept, selection, limit))
}

/// Answers [`Queries::registered`](crate::Queries::registered) from recorded events, in order of position.
pub fn registered(log: &[Recorded], project: &Filter<ProjectId>) -> Vec<Registered> {
    let mut settings: BTreeMap<(Option<ProjectId>, &ToolName), Vec<&Recorded>> = BTreeMap::new();
    for recorded in log.iter().filter(|recorded| is_registry_event(recorded)) {
        let of = recorded.event.project().map(|project| project.id);
        if project.matches(of.as_ref()) {
            settings.entry((of, recorded.event.tool())).or_default().push(recorded);
        }
    }
    settings.into_values().filter_map(Registered::from_events).collect()
}

/// Answers [`Queries::latest_outcomes`](crate::Queries::latest_outcomes) from recorded events.
pub fn latest_outcomes(log: &[Recorded], project: &Filter<ProjectId>) -> Vec<(ToolName, RecentOutcomes)> {
    let mut latest = BTreeMap::new();
    for recorded in log {
        add_outcome(&mut latest, recorded, project);
    }
    latest.into_iter().collect()
}

/// Answers [`Queries::trail`](crate::Queries::trail) from recorded events, which must be the whole log up to some
/// position, in order.
pub fn trail(log: &[Recorded], session: &SessionId, look_back: u64) -> Option<Trail> {
    let mut fold = TrailFold::new(session, look_back);
    for recorded in log {
        fold.apply(recorded);
    }
    fold.finish()
}

/// Answers [`Queries::trail`](crate::Queries::trail) by reading a store's log, as [`usage_by_reading`] does.
///
/// # Errors
/// As [`Log::read`].
pub fn trail_by_reading<L: Log + ?Sized>(log: &L, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
    let mut fold = TrailFold::new(session, look_back);
    each_recorded(log, &mut |recorded| fold.apply(recorded))?;
    Ok(fold.finish())
}

/// Answers [`Queries::registered`](crate::Queries::registered) by reading a store's log, as [`usage_by_reading`] does.
///
/// # Errors
/// As [`Log::read`].
pub fn registered_by_reading<L: Log + ?Sized>(log: &L, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
    let mut kept = Vec::new();
    each_recorded(log, &mut |recorded| {
        if is_registry_event(recorded) {
            kept.push(recorded.clone());
        }
    })?;
    Ok(registered(&kept, project))
}

/// Answers [`Queries::latest_outcomes`](crate::Queries::latest_outcomes) by reading a store's log, as
/// [`usage_by_reading`] does.
///
/// # Errors
/// As [`Log::read`].
pub fn latest_outcomes_by_reading<L: Log + ?Sized>(
    log: &L,
    project: &Filter<ProjectId>,
) -> Result<Vec<(ToolName, RecentOutcomes)>> {
    let mut latest = BTreeMap::new();
    each_recorded(log, &mut |recorded| add_outcome(&mut latest, recorded, project))?;
    Ok(latest.into_iter().collect())
}

const fn is_registry_event(recorded: &Recorded) -> bool {
    matches!(recorded.event, Event::ToolDiscovered(_) | Event::ToolRemoved(_))
}

fn add_outcome(latest: &mut BTreeMap<ToolName, RecentOutcomes>, recorded: &Recorded, project: &Filter<ProjectId>) {
    if let Event::ToolUse(u) = &recorded.event
        && project.matches(u.project.as_ref().map(|project| &project.id))
    {
        latest.entry(u.tool.clone()).or_default().apply(recorded);
    }
}

fn each_recorded<L: Log + ?Sized>(log: &L, visit: &mut dyn FnMut(&Recorded)) -> Result<()> {
    let head = log.head()?;
    let mut after = Position::START;
    while after < head {
        let left = usize::try_from(head.get() - after.get()).unwrap_or(usize::MAX);
        let page = log.read(after, left.min(PAGE))?;
        let Some(last) = page.last() else { break };
        after = last.position;
        page.iter().for_each(&mut *visit);
    }
    Ok(())
}

/// The state of a trail query while events are folded into it, in order of position.
struct TrailFold<'a> {
    session: &'a SessionId,
    look_back: u64,
    /// How many events came before the session's first call.
    passed: u64,
    /// The last of those, by how many came before them; `None` for what is no call.
    latest: VecDeque<(u64, Option<ToolUse>)>,
    /// The last calls of each project's sessions, likewise.
    by_project: HashMap<ProjectId, VecDeque<(u64, ToolUse)>>,
    own: Vec<ToolUse>,
}

impl<'a> TrailFold<'a> {
    fn new(session: &'a SessionId, look_back: u64) -> Self {
        let (latest, by_project) = (VecDeque::new(), HashMap::new());
        Self { session, look_back, passed: 0, latest, by_project, own: Vec::new() }
    }

    fn apply(&mut self, recorded: &Recorded) {
        let call = recorded.event.as_tool_use();
        if let Some(call) = call.filter(|call| call.session.as_ref() == Some(self.session)) {
            self.own.push(call.clone());
        } else if self.own.is_empty() {
            self.pass(call);
        }
    }

    /// An event before the session's first call.
    fn pass(&mut self, call: Option<&ToolUse>) {
        push_latest(&mut self.latest, (self.passed, call.cloned()), self.look_back);
        if let Some(call) = call.filter(|call| call.session.is_some())
            && let Some(project) = &call.project
        {
            let of_project = self.by_project.entry(project.id).or_default();
            push_latest(of_project, (self.passed, call.clone()), self.look_back);
        }
        self.passed += 1;
    }

    fn finish(self) -> Option<Trail> {
        let project = self.own.first()?.project.as_ref().map(|project| project.id);
        let of_project = project.and_then(|id| self.by_project.get(&id));
        let latest = self.latest.iter().filter_map(|(number, call)| Some((*number, call.as_ref()?)));
        let mut before: BTreeMap<u64, &ToolUse> = latest.collect();
        before.extend(of_project.into_iter().flatten().map(|(number, call)| (*number, call)));
        Some(Trail::of(before.into_values(), &self.own))
    }
}

/// Adds to the latest, of which so many are kept.
fn push_latest<T>(latest: &mut VecDeque<T>, next: T, most: u64) {
    latest.push_back(next);
    if latest.len() as u64 > most {
        latest.pop_front();
    }
}

/// The state of a usage query while events are folded into it, in order of position.
struct UsageFold<'a> {
    selection: &'a Selection,
    group_by: &'a GroupBy,
    /// The first path that the log has for each project, selected or not.
    paths: HashMap<ProjectId, ProjectPath>,
    groups: BTreeMap<Group, Usage>,
}

/// A group before names are looked up. Sessions are told apart by project too, to find the main one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Total,
    Tool(ToolName),
    Project(Option<ProjectId>),
    Session(Option<SessionId>, Option<ProjectId>),
    Span(usize),
}

impl<'a> UsageFold<'a> {
    fn new(selection: &'a Selection, group_by: &'a GroupBy) -> Self {
        Self { selection, group_by, paths: HashMap::new(), groups: BTreeMap::new() }
    }

    fn apply(&mut self, recorded: &Recorded) {
        if let Some(Project { id, path: Some(path) }) = recorded.event.project() {
            self.paths.entry(*id).or_insert_with(|| path.clone());
        }
        let Event::ToolUse(u) = &recorded.event else { return };
        if !self.selection.matches(&recorded.event) {
            return;
        }
        let project = u.project.as_ref().map(|p| p.id);
        let group = match self.group_by {
            GroupBy::Total => Group::Total,
            GroupBy::Tool => Group::Tool(u.tool.clone()),
            GroupBy::Project => Group::Project(project),
            GroupBy::Session => Group::Session(u.session.clone(), project),
            GroupBy::Span(spans) => match spans.index_of(u.time) {
                Some(index) => Group::Span(index),
                None => return,
            },
        };
        self.groups.entry(group).or_default().apply(recorded);
    }

    fn finish(self) -> Vec<UsageRow> {
        let project = |id: ProjectId| Project { id, path: self.paths.get(&id).cloned() };
        let mut rows = Vec::new();
        let mut sessions: BTreeMap<Option<SessionId>, Vec<(Option<ProjectId>, Usage)>> = BTreeMap::new();
        for (group, usage) in self.groups {
            let key = match group {
                Group::Total => GroupKey::Total,
                Group::Tool(tool) => GroupKey::Tool(tool),
                Group::Project(id) => GroupKey::Project(id.map(project)),
                Group::Span(index) => match self.group_by {
                    GroupBy::Span(spans) => GroupKey::Span(spans.get(index).unwrap_or_default()),
                    _ => continue,
                },
                Group::Session(session, id) => {
                    sessions.entry(session).or_default().push((id, usage));
                    continue;
                }
            };
            rows.push(UsageRow { key, usage });
        }
        for (session, parts) in sessions {
            let main = main_project(parts.iter().map(|(id, usage)| (*id, usage.uses())));
            let mut usage = Usage::default();
            for (_, part) in &parts {
                usage.merge(part);
            }
            rows.push(UsageRow { key: GroupKey::Session { session, project: main.map(project) }, usage });
        }
        UsageRow::sort(&mut rows);
        rows
    }
}

/// The project of most uses; of several, the one whose id comes first; none comes last.
pub(crate) fn main_project(uses: impl Iterator<Item = (Option<ProjectId>, u64)>) -> Option<ProjectId> {
    uses.max_by_key(|(id, uses)| (*uses, id.map(std::cmp::Reverse))).and_then(|(id, _)| id)
}
