//! Projections made anew from the log, in bounded transactions beside the live ones, then a switch.
//!
//! Every key of a projection begins with a generation. A rebuild folds the log into the next generation
//! while the live one goes on answering and folding; when it has caught up, one transaction makes it the
//! live one; then the old one's rows are deleted. What an interrupted rebuild leaves behind belongs to no
//! live generation, and the next rebuild deletes it first.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use super::fold::Fold;
use super::ids::probe;
use super::names::first_path_key;
use super::state::{LIVE, REBUILT, State};
use super::tables::{Direction, Engine, Snapshot, Transaction, Tree};
use super::tail::{FOLD_AT, gap};
use super::verify;
use crate::{Error, Position, Progress, Result, codec};

/// How many events one transaction folds.
const PIECE: u64 = 8192;
/// How many rows of dead generations one transaction deletes.
const DELETED: usize = 4096;

pub(super) fn rebuild<E: Engine>(engine: &E, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    engine.read(verify::names)?;
    let generation = engine.write(begin)?;
    delete_dead(engine)?;
    let mut first_paths = HashMap::new();
    loop {
        let step = engine.write(|transaction| advance(transaction, generation, &mut first_paths))?;
        progress(step.progress);
        if step.is_last {
            break;
        }
    }
    delete_dead(engine)
}

/// Claims the next generation. A rebuild that was under way loses its claim.
fn begin(transaction: &mut dyn Transaction) -> Result<u32> {
    let live = State::live(transaction)?.generation;
    // A damaged record of an earlier attempt must not stand in the way of this one.
    let earlier = State::load(transaction, REBUILT).ok().flatten().map_or(0, |state| state.generation);
    let generation = live.max(earlier) + 1;
    State::new(generation).store(transaction, REBUILT)?;
    Ok(generation)
}

struct Step {
    progress: Progress,
    is_last: bool,
}

/// Folds the next piece; when what is left is no more than a tail, switches.
fn advance(transaction: &mut dyn Transaction, generation: u32, first_paths: &mut HashMap<u32, u32>) -> Result<Step> {
    let mut state = State::load(transaction, REBUILT)?
        .filter(|state| state.generation == generation)
        .ok_or(Error::Busy { waited: Duration::ZERO })?;
    let head = transaction.head()?;
    let first = state.folded_to().next();
    let last = Position::new(state.folded_to().get() + PIECE).min(head);
    let left = head.get() - state.folded_to().get();
    let is_last = left < FOLD_AT as u64;
    if is_last {
        read_piece(transaction, first, head, first_paths)?;
        for (project, path) in first_paths.iter() {
            let key = first_path_key(*project);
            transaction.put(Tree::Meta, &key, &codec::seal(&key, path)?)?;
        }
        state.store(transaction, LIVE)?;
        transaction.delete(Tree::Meta, REBUILT)?;
    } else {
        let fold = read_piece(transaction, first, last, first_paths)?;
        refuse_duplicates(transaction, &state, &fold)?;
        fold.write(transaction, &mut state)?;
        state.store(transaction, REBUILT)?;
    }
    Ok(Step { progress: Progress { done: last.get(), total: head.get() }, is_last })
}

fn read_piece(
    snapshot: &dyn Snapshot,
    first: Position,
    last: Position,
    first_paths: &mut HashMap<u32, u32>,
) -> Result<Fold> {
    let mut fold = Fold::default();
    let mut next = first;
    let limits = verify::NameLimits::read(snapshot)?;
    snapshot.rows(first, last, &mut |position, row| {
        if position != next {
            return Err(gap(next));
        }
        next = next.next();
        limits.check(position, &row)?;
        if row.project != 0 && row.path != 0 {
            first_paths.entry(row.project).or_insert(row.path);
        }
        fold.apply(position, &row);
        Ok(())
    })?;
    if next <= last { Err(gap(next)) } else { Ok(fold) }
}

/// Two events of one id are damage: a log with them is refused.
fn refuse_duplicates(snapshot: &dyn Snapshot, state: &State, fold: &Fold) -> Result<()> {
    let mut seen = probe(snapshot, &state.ids, fold.ids().iter().map(|(id, _)| *id))?;
    for (id, position) in fold.ids() {
        if let Some(first) = seen.insert(*id, *position) {
            return Err(verify::same_id(first, *position));
        }
    }
    Ok(())
}

/// Deletes the projections of every generation but the live one and the claimed one.
fn delete_dead<E: Engine>(engine: &E) -> Result<()> {
    while engine.write(delete_some)? {}
    Ok(())
}

/// Deletes some dead rows; whether there may be more.
fn delete_some(transaction: &mut dyn Transaction) -> Result<bool> {
    let live = State::live(transaction)?.generation;
    let claimed = State::load(transaction, REBUILT)?.map_or(live, |state| state.generation);
    for tree in [Tree::Rollups, Tree::Postings, Tree::Recents, Tree::IdRuns] {
        for (first, last) in dead_ranges(live, claimed) {
            let mut dead = Vec::new();
            transaction.scan(tree, &first, &last, Direction::Forward, &mut |key, _| {
                dead.push(key.to_vec());
                Ok(if dead.len() < DELETED { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
            for key in &dead {
                transaction.delete(tree, key)?;
            }
            if !dead.is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The ranges of keys around the generations that are in use.
fn dead_ranges(live: u32, claimed: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (low, high) = (live.min(claimed), live.max(claimed));
    let start = |generation: u32| generation.to_be_bytes().to_vec();
    let end = |generation: u32| super::keys::generation_range(generation).1;
    let mut ranges = Vec::new();
    if low > 0 {
        ranges.push((start(0), end(low - 1)));
    }
    if high > low + 1 {
        ranges.push((start(low + 1), end(high - 1)));
    }
    if high < u32::MAX {
        ranges.push((start(high + 1), end(u32::MAX)));
    }
    ranges
}
