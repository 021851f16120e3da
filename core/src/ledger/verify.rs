//! Proofs: log, names, ids and projections against each other. Nothing is changed; memory is bounded.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use super::calls::{self, Call};
use super::cells::{Cells, Place};
use super::fold::{Fold, Level, days_of, merge_level, widened};
use super::ids::{Filters, probe};
use super::keys::{self, CallsKey, PostingKey, RegistryKey, RollupKey, Scope, SessionKey, TrailKey, recents_key};
use super::names::{Interned, first_path, first_path_keys};
use super::positions::{Positions, block_of, block_range};
use super::recents::Recents;
use super::registry::Registry;
use super::row::LogRow;
use super::state::State;
use super::tables::{Direction, NameKind, Snapshot, Tree};
use super::tail::gap;
use super::trails::Trails;
use crate::bucket::Width;
use crate::{
    AgentName, Error, EventId, Position, Progress, ProjectId, ProjectPath, Result, SessionId, SubagentName, ToolName,
    Verified,
};

/// About how many events are folded at once.
const PIECE: u64 = 50_000;
/// How many events lie between two calls of `progress`.
const STEP: u64 = 50_000;
/// Proves everything; the error is the first difference.
pub(super) fn verify(snapshot: &dyn Snapshot, progress: &mut dyn FnMut(Progress)) -> Result<Verified> {
    let head = snapshot.head()?;
    let state = State::live(snapshot, head)?;
    let mut steps = Steps { progress, done: 0, total: head.get().saturating_mul(2) };
    every_name(snapshot)?;
    let shape = Shape::read(snapshot, &state, head, &mut steps)?;
    shape.check_first_paths(snapshot)?;
    state.ids.verify(snapshot, state.folded_to())?;
    tail_ids(snapshot, &state, head)?;
    let compared = BTreeMap::from([(Tree::Trails, shape.trails)]);
    let projections = Projections { snapshot, state: &state, compared }.verify(&shape, &mut steps)?;
    Ok(Verified { events: head.get(), projections })
}

/// Reports how far the work is, now and then.
struct Steps<'a> {
    progress: &'a mut dyn FnMut(Progress),
    done: u64,
    total: u64,
}

impl Steps<'_> {
    fn step(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(STEP) || self.done == self.total {
            (self.progress)(Progress { done: self.done.min(self.total), total: self.total });
        }
    }
}

/// Every name is readable, valid, and found again under its number.
pub(super) fn every_name(snapshot: &dyn Snapshot) -> Result<()> {
    names_of::<ToolName>(snapshot)?;
    names_of::<SessionId>(snapshot)?;
    names_of::<ProjectId>(snapshot)?;
    names_of::<ProjectPath>(snapshot)?;
    names_of::<AgentName>(snapshot)?;
    names_of::<SubagentName>(snapshot)
}

fn names_of<T: Interned>(snapshot: &dyn Snapshot) -> Result<()> {
    for number in 1..=snapshot.last_name(T::KIND)? {
        let place = || format!("{} name {number}", T::KIND.as_str());
        let text =
            snapshot.name_text(T::KIND, number)?.ok_or_else(|| Error::corrupt(place(), "the name is missing"))?;
        T::parse(&text).map_err(|e| Error::corrupt(place(), e.to_string()))?;
        if snapshot.name_number(T::KIND, &text)? != Some(number) {
            return Err(Error::corrupt(place(), "its text leads to another number"));
        }
    }
    Ok(())
}

/// The highest number of each kind of name: no row may name a higher one.
pub(super) struct NameLimits(BTreeMap<NameKind, u32>);

impl NameLimits {
    pub(super) fn read(snapshot: &dyn Snapshot) -> Result<Self> {
        NameKind::ALL.into_iter().map(|kind| Ok((kind, snapshot.last_name(kind)?))).collect::<Result<_>>().map(Self)
    }

    pub(super) fn check(&self, position: Position, row: &LogRow) -> Result<()> {
        let damage = |detail: String| Err(Error::corrupt(format!("log position {position}"), detail));
        row.check(position)?;
        if row.tool == 0 {
            return damage("names no tool".to_owned());
        }
        let named = [
            (NameKind::Tool, row.tool),
            (NameKind::Session, row.session),
            (NameKind::Project, row.project),
            (NameKind::Path, row.path),
            (NameKind::Agent, row.agent),
            (NameKind::Subagent, row.subagent),
        ];
        for (kind, number) in named {
            if self.0.get(&kind).is_none_or(|last| number > *last) {
                return damage(format!("names {} {number}, which is not interned", kind.as_str()));
            }
        }
        Ok(())
    }
}

/// What one pass over the log leaves in memory: enough to go through it by days.
struct Shape {
    head: Position,
    /// The first and last day of each block of the log that is folded.
    block_days: BTreeMap<u32, (u32, u32)>,
    /// Folded events by day.
    days: BTreeMap<u32, u64>,
    first_paths: HashMap<u32, u32>,
    /// How many rows of trails were compared: they follow positions, as the pass does.
    trails: u64,
}

impl Shape {
    fn read(snapshot: &dyn Snapshot, state: &State, head: Position, steps: &mut Steps<'_>) -> Result<Self> {
        let (block_days, days, first_paths) = (BTreeMap::new(), BTreeMap::new(), HashMap::new());
        let mut shape = Self { head, block_days, days, first_paths, trails: 0 };
        let limits = NameLimits::read(snapshot)?;
        let mut next = Position::START.next();
        while next <= head {
            let (_, last) = block_range(block_of(next));
            let last = last.max(next).min(head);
            let mut trails: BTreeMap<TrailKey, Trails> = BTreeMap::new();
            snapshot.rows(next, last, &mut |position, row| {
                if position != next {
                    return Err(gap(next));
                }
                next = next.next();
                limits.check(position, &row)?;
                shape.add(state, position, &row, &mut trails);
                steps.step();
                Ok(())
            })?;
            if next <= last {
                return Err(gap(next));
            }
            shape.check_trails(snapshot, state, &trails)?;
        }
        Ok(shape)
    }

    fn add(&mut self, state: &State, position: Position, row: &LogRow, trails: &mut BTreeMap<TrailKey, Trails>) {
        if row.project != 0 && row.path != 0 {
            self.first_paths.entry(row.project).or_insert(row.path);
        }
        if position > state.folded_to() {
            return;
        }
        let (day, block) = (Width::Day.bucket_of(row.time), block_of(position));
        *self.days.entry(day).or_default() += 1;
        let (first, last) = self.block_days.entry(block).or_insert((day, day));
        (*first, *last) = ((*first).min(day), (*last).max(day));
        if Trails::take(row) {
            trails.entry(TrailKey { project: row.project, block }).or_default().push(position, row);
        }
    }

    /// The trails of a block are those of its calls.
    fn check_trails(
        &mut self,
        snapshot: &dyn Snapshot,
        state: &State,
        expected: &BTreeMap<TrailKey, Trails>,
    ) -> Result<()> {
        for (key, expected) in expected {
            let bytes = key.to_bytes(state.generation);
            check_row(snapshot, Tree::Trails, &bytes, expected, |sealed| Trails::from_bytes(&bytes, sealed))?;
            self.trails += 1;
        }
        Ok(())
    }

    fn check_first_paths(&self, snapshot: &dyn Snapshot) -> Result<()> {
        for project in self.first_paths.keys() {
            if first_path(snapshot, *project)? != self.first_paths.get(project).copied() {
                return Err(Error::corrupt(format!("first path of project {project}"), "differs from the log's"));
            }
        }
        let stored = first_path_keys(snapshot)?.len();
        if stored == self.first_paths.len() {
            return Ok(());
        }
        Err(Error::corrupt("first paths", format!("are {stored}, where the log gives {}", self.first_paths.len())))
    }

    /// Adjoining days, first and last included, with about a piece's events in each range.
    fn day_ranges(&self) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut events = 0;
        for (day, count) in &self.days {
            match ranges.last_mut() {
                Some((_, last)) if events + count <= PIECE => *last = *day,
                _ => {
                    ranges.push((*day, *day));
                    events = 0;
                }
            }
            events += count;
        }
        ranges
    }
}

/// No id of the tail stands twice.
fn tail_ids(snapshot: &dyn Snapshot, state: &State, head: Position) -> Result<()> {
    let mut ids: Vec<(EventId, Position)> = Vec::new();
    snapshot.rows(state.folded_to().next(), head, &mut |position, row| {
        ids.push((row.id, position));
        Ok(())
    })?;
    let mut seen = probe(snapshot, &state.ids, &mut Filters::default(), ids.iter().map(|(id, _)| *id))?.found;
    for (id, position) in ids {
        if let Some(first) = seen.insert(id, position) {
            return Err(same_id(first, position));
        }
    }
    Ok(())
}

/// The error for two events of one id.
pub(super) fn same_id(first: Position, second: Position) -> Error {
    Error::corrupt(format!("log position {second}"), format!("has the id of position {first}"))
}

/// The comparison of stored projections with a fold of the log.
struct Projections<'a> {
    snapshot: &'a dyn Snapshot,
    state: &'a State,
    /// How many rows of each tree were compared.
    compared: BTreeMap<Tree, u64>,
}

impl Projections<'_> {
    fn verify(mut self, shape: &Shape, steps: &mut Steps<'_>) -> Result<u64> {
        let mut wide = Wide::default();
        let mut recents: BTreeMap<(Scope, u32), Recents> = BTreeMap::new();
        let mut registry: BTreeMap<RegistryKey, Registry> = BTreeMap::new();
        for days in shape.day_ranges() {
            let mut fold = self.fold_days(shape, days, steps)?;
            self.check_calls(&fold.take_calls())?;
            let sessions = fold.sessions_by_day();
            let narrowest = fold.take_narrowest();
            for ((bucket, scope), cells) in &narrowest {
                self.check_rollup(Width::ThreeHours, *bucket, *scope, cells, None)?;
            }
            let days = days_of(&narrowest, sessions);
            self.check_days(&days, &mut wide)?;
            wide.add(&days);
            self.check_sessions(&fold.take_sessions())?;
            self.check_postings(&fold.take_postings())?;
            for (key, latest) in fold.take_recents() {
                recents.entry(key).or_default().merge(&latest);
            }
            for (key, facts) in fold.take_registry() {
                registry.entry(key).or_default().merge(&facts);
            }
        }
        wide.check(&mut self)?;
        self.check_recents(&recents)?;
        self.check_registry(&registry)?;
        for tree in Tree::PROJECTIONS.into_iter().filter(|tree| *tree != Tree::IdRuns) {
            self.check_count(tree)?;
        }
        Ok(self.compared.values().sum())
    }

    fn count(&mut self, tree: Tree) {
        *self.compared.entry(tree).or_default() += 1;
    }

    fn fold_days(&self, shape: &Shape, days: (u32, u32), steps: &mut Steps<'_>) -> Result<Fold> {
        let mut fold = Fold::default();
        for (block, (first_day, last_day)) in &shape.block_days {
            if *first_day > days.1 || *last_day < days.0 {
                continue;
            }
            let (first, last) = block_range(*block);
            let last = last.min(self.state.folded_to()).min(shape.head);
            self.snapshot.rows(first, last, &mut |position, row| {
                if (days.0..=days.1).contains(&Width::Day.bucket_of(row.time)) {
                    fold.apply(position, &row);
                    steps.step();
                }
                Ok(())
            })?;
        }
        Ok(fold)
    }

    fn check_calls(&mut self, all: &[(CallsKey, Call)]) -> Result<()> {
        for of_key in all.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((key, _)) = of_key.first() else { continue };
            let bytes = key.to_bytes(self.state.generation);
            let stored = self.snapshot.get(Tree::Calls, &bytes)?;
            let stored = stored.map(|sealed| calls::from_bytes(&bytes, *key, &sealed)).transpose()?;
            if stored.is_none_or(|stored| !stored.iter().eq(of_key.iter().map(|(_, call)| call))) {
                return Err(differs(Tree::Calls, &bytes));
            }
            self.count(Tree::Calls);
        }
        Ok(())
    }

    /// A stored rollup row, counted as compared.
    fn rollup(&mut self, key: RollupKey) -> Result<Option<Cells>> {
        let bytes = key.to_bytes(self.state.generation);
        let Some(sealed) = self.snapshot.get(Tree::Rollups, &bytes)? else { return Ok(None) };
        self.count(Tree::Rollups);
        Cells::from_bytes(&Place::of_rollup(key, &bytes), &sealed).map(Some)
    }

    /// A bucket's row and what is pending in it are together what is expected.
    fn check_rollup(
        &mut self,
        width: Width,
        bucket: u32,
        scope: Scope,
        expected: &Cells,
        pending: Option<&Cells>,
    ) -> Result<()> {
        let key = RollupKey::Bucket { width, bucket, scope };
        let mut sum = self.rollup(key)?.unwrap_or_default();
        if let Some(pending) = pending {
            sum.merge(pending);
        }
        if sum == *expected { Ok(()) } else { Err(differs(Tree::Rollups, &key.to_bytes(self.state.generation))) }
    }

    fn check_days(&mut self, days: &Level, wide: &mut Wide) -> Result<()> {
        for ((day, scope), expected) in days {
            let is_pending = self.state.pending().contains(day);
            let pending = if is_pending { self.rollup(RollupKey::Pending { day: *day, scope: *scope })? } else { None };
            self.check_rollup(Width::Day, *day, *scope, expected, pending.as_ref())?;
            if let Some(pending) = pending {
                wide.pending.insert((*day, *scope), pending);
            }
        }
        Ok(())
    }

    /// The same as the function, counted as compared.
    fn check_row<R: PartialEq>(
        &mut self,
        tree: Tree,
        key: &[u8],
        expected: &R,
        read: impl FnOnce(&[u8]) -> Result<R>,
    ) -> Result<()> {
        check_row(self.snapshot, tree, key, expected, read)?;
        self.count(tree);
        Ok(())
    }

    fn check_sessions(&mut self, rows: &BTreeMap<SessionKey, Cells>) -> Result<()> {
        for (key, expected) in rows {
            let bytes = key.to_bytes(self.state.generation);
            let place = Place::of_session(*key, &bytes);
            self.check_row(Tree::Sessions, &bytes, expected, |sealed| Cells::from_bytes(&place, sealed))?;
        }
        Ok(())
    }

    fn check_postings(&mut self, rows: &BTreeMap<PostingKey, Positions>) -> Result<()> {
        for (key, expected) in rows {
            let bytes = key.to_bytes(self.state.generation);
            self.check_row(Tree::Postings, &bytes, expected, |sealed| {
                Positions::from_bytes(&bytes, key.block, sealed)
            })?;
        }
        Ok(())
    }

    fn check_recents(&mut self, rows: &BTreeMap<(Scope, u32), Recents>) -> Result<()> {
        for ((scope, number), expected) in rows {
            let bytes = recents_key(self.state.generation, *scope, *number);
            self.check_row(Tree::Recents, &bytes, expected, |sealed| Recents::from_bytes(&bytes, *number, sealed))?;
        }
        Ok(())
    }

    fn check_registry(&mut self, rows: &BTreeMap<RegistryKey, Registry>) -> Result<()> {
        for (key, expected) in rows {
            let bytes = key.to_bytes(self.state.generation);
            self.check_row(Tree::Registry, &bytes, expected, |sealed| Registry::from_bytes(&bytes, key.tools, sealed))?;
        }
        Ok(())
    }

    /// There is no row more than those that were compared.
    fn check_count(&self, tree: Tree) -> Result<()> {
        let (first, last) = keys::generation_range(self.state.generation);
        let mut count = 0;
        self.snapshot.scan(tree, &first, &last, Direction::Forward, &mut |_, _| {
            count += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        let expected = self.compared.get(&tree).copied().unwrap_or(0);
        if count == expected {
            return Ok(());
        }
        Err(Error::corrupt(tree.as_str(), format!("has {count} rows where the log gives {expected}")))
    }
}

/// What is expected of the buckets wider than a day, and what of it is pending.
#[derive(Default)]
struct Wide {
    levels: BTreeMap<Width, Level>,
    pending: Level,
}

/// The widths that pending days are carried to, after their own.
const WIDER: [Width; 3] = [Width::EightDays, Width::SixtyFourDays, Width::Forever];

impl Wide {
    fn add(&mut self, days: &Level) {
        let (mut narrower, mut width) = (None, Width::Day);
        for wider in WIDER {
            let level = widened(narrower.as_ref().unwrap_or(days), width, wider);
            merge_level(self.levels.entry(wider).or_default(), level.clone());
            (narrower, width) = (Some(level), wider);
        }
    }

    fn check(self, projections: &mut Projections<'_>) -> Result<()> {
        for (width, level) in &self.levels {
            let pending = widened(&self.pending, Width::Day, *width);
            for ((bucket, scope), expected) in level {
                projections.check_rollup(*width, *bucket, *scope, expected, pending.get(&(*bucket, *scope)))?;
            }
        }
        Ok(())
    }
}

/// A row is there, and is what is expected.
fn check_row<R: PartialEq>(
    snapshot: &dyn Snapshot,
    tree: Tree,
    key: &[u8],
    expected: &R,
    read: impl FnOnce(&[u8]) -> Result<R>,
) -> Result<()> {
    let stored = snapshot.get(tree, key)?.map(|sealed| read(&sealed)).transpose()?;
    if stored.as_ref() == Some(expected) { Ok(()) } else { Err(differs(tree, key)) }
}

fn differs(tree: Tree, key: &[u8]) -> Error {
    Error::corrupt(keys::show(tree, key), "differs from the log's fold")
}
