//! Proofs: log, names, ids and projections against each other. Nothing is changed; memory is bounded.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use super::cells::Cells;
use super::fold::{Fold, stored_cells};
use super::ids::probe;
use super::keys::{self, PostingKey, RollupKey, Scope, recent_key};
use super::names::{Interned, first_path, first_path_keys};
use super::positions::{Positions, block_of};
use super::recents;
use super::row::LogRow;
use super::state::State;
use super::tables::{Direction, NameKind, Snapshot, Tree};
use super::tail::gap;
use crate::bucket::Width;
use crate::recent::RecentOutcomes;
use crate::usage::Aggregate;
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
    let projections = Projections { snapshot, state: &state, expected: [0; 3] }.verify(&shape, &mut steps)?;
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
        if row.kind != LogRow::TOOL_USE {
            return damage("holds an unknown kind of event".to_owned());
        }
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
}

impl Shape {
    fn read(snapshot: &dyn Snapshot, state: &State, head: Position, steps: &mut Steps<'_>) -> Result<Self> {
        let mut shape = Self { head, block_days: BTreeMap::new(), days: BTreeMap::new(), first_paths: HashMap::new() };
        let limits = NameLimits::read(snapshot)?;
        let mut next = Position::START.next();
        snapshot.rows(next, head, &mut |position, row| {
            if position != next {
                return Err(gap(next));
            }
            next = next.next();
            limits.check(position, &row)?;
            if row.project != 0 && row.path != 0 {
                shape.first_paths.entry(row.project).or_insert(row.path);
            }
            if position <= state.folded_to() {
                let day = Width::Day.bucket_of(row.time);
                *shape.days.entry(day).or_default() += 1;
                let (first, last) = shape.block_days.entry(block_of(position)).or_insert((day, day));
                (*first, *last) = ((*first).min(day), (*last).max(day));
            }
            steps.step();
            Ok(())
        })?;
        if next <= head { Err(gap(next)) } else { Ok(shape) }
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
    let mut seen = probe(snapshot, &state.ids, ids.iter().map(|(id, _)| *id))?;
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
    /// How many rows there must be: rollups, postings, recents.
    expected: [u64; 3],
}

impl Projections<'_> {
    fn verify(mut self, shape: &Shape, steps: &mut Steps<'_>) -> Result<u64> {
        let mut wide: BTreeMap<RollupKey, Cells> = BTreeMap::new();
        let mut recents: BTreeMap<(Scope, u32), RecentOutcomes> = BTreeMap::new();
        for days in shape.day_ranges() {
            let mut fold = self.fold_days(shape, days, steps)?;
            self.check_postings(fold.postings())?;
            fold.take_buckets(&mut |key, cells| match key {
                RollupKey::Bucket { width, .. } if width > Width::Day => {
                    wide.entry(key).or_default().merge(cells);
                    Ok(())
                }
                _ => self.check_rollup(key, &cells),
            })?;
            fold.take_sessions(&mut |key, cells| self.check_rollup(key, &cells))?;
            for (key, latest) in fold.recents() {
                recents.entry(*key).or_default().merge(latest);
            }
        }
        for (key, cells) in &wide {
            self.check_rollup(*key, cells)?;
        }
        self.check_recents(&recents)?;
        let trees = [Tree::Rollups, Tree::Postings, Tree::Recents];
        for (tree, expected) in trees.into_iter().zip(self.expected) {
            self.check_count(tree, expected)?;
        }
        Ok(self.expected.iter().sum())
    }

    fn fold_days(&self, shape: &Shape, days: (u32, u32), steps: &mut Steps<'_>) -> Result<Fold> {
        let mut fold = Fold::default();
        for (block, (first_day, last_day)) in &shape.block_days {
            if *first_day > days.1 || *last_day < days.0 {
                continue;
            }
            let (first, last) = super::positions::block_range(*block);
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

    fn check_rollup(&mut self, key: RollupKey, expected: &Cells) -> Result<()> {
        self.expected[0] += 1;
        if stored_cells(self.snapshot, self.state.generation, key)?.as_ref() == Some(expected) {
            return Ok(());
        }
        Err(differs(Tree::Rollups, &key.to_bytes(self.state.generation)))
    }

    fn check_postings(&mut self, rows: &BTreeMap<PostingKey, Positions>) -> Result<()> {
        self.expected[1] += rows.len() as u64;
        for (key, expected) in rows {
            let bytes = key.to_bytes(self.state.generation);
            let stored = self.snapshot.get(Tree::Postings, &bytes)?;
            let stored = stored.map(|sealed| Positions::from_bytes(&bytes, key.block(), &sealed)).transpose()?;
            if stored.as_ref() != Some(expected) {
                return Err(differs(Tree::Postings, &bytes));
            }
        }
        Ok(())
    }

    fn check_recents(&mut self, rows: &BTreeMap<(Scope, u32), RecentOutcomes>) -> Result<()> {
        self.expected[2] += rows.len() as u64;
        for ((scope, tool), expected) in rows {
            let bytes = recent_key(self.state.generation, *scope, *tool);
            let stored = self.snapshot.get(Tree::Recents, &bytes)?;
            let stored = stored.map(|sealed| recents::from_bytes(&bytes, &sealed)).transpose()?;
            if stored.as_ref() != Some(expected) {
                return Err(differs(Tree::Recents, &bytes));
            }
        }
        Ok(())
    }

    /// There is no row more than those that were compared.
    fn check_count(&self, tree: Tree, expected: u64) -> Result<()> {
        let (first, last) = keys::generation_range(self.state.generation);
        let mut count = 0;
        self.snapshot.scan(tree, &first, &last, Direction::Forward, &mut |_, _| {
            count += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        if count == expected {
            return Ok(());
        }
        Err(Error::corrupt(tree.as_str(), format!("has {count} rows where the log gives {expected}")))
    }
}

fn differs(tree: Tree, key: &[u8]) -> Error {
    Error::corrupt(keys::show(tree, key), "differs from the log's fold")
}
