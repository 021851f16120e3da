//! Projections made anew from the log, in bounded transactions beside the live ones, then a switch.
//!
//! Every key of a projection begins with a generation. A rebuild folds the log into the next generation
//! while the live one goes on answering and folding; when it has caught up, one transaction makes it the
//! live one; then the old one's rows are deleted. What an interrupted rebuild leaves behind belongs to no
//! live generation, and the next rebuild deletes it first.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::fold::Fold;
use super::fold_write::Prepared;
use super::ids::{Filters, probe};
use super::names::{first_path_key, first_path_keys};
use super::state::{LIVE, REBUILT, State};
use super::tables::{Direction, Engine, Snapshot, Transaction, Tree};
use super::tail::{FOLD_AT, gap};
use super::verify;
use crate::{Error, EventId, Position, Progress, Result, codec};

/// How many events one transaction folds: bounds the memory, and how long others wait to write.
const PIECE: u64 = 32_768;
/// How many rows of dead generations one transaction deletes.
const DELETED: usize = 4096;

pub(super) fn rebuild<E: Engine>(engine: &E, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    engine.read(verify::every_name)?;
    let generation = engine.write(begin)?;
    delete_dead(engine, Some(generation))?;
    let mut work = Work { generation, first_paths: HashMap::new(), filters: Filters::default() };
    write_pieces(engine, &mut work, progress)?;
    loop {
        let step = engine.write(|transaction| work.advance(transaction))?;
        progress(step.progress);
        if step.is_last {
            break;
        }
    }
    delete_dead(engine, None)
}

/// Writes the pieces that another thread reads and folds meanwhile: rows of the log never change, so a
/// snapshot of its own shows it the same ones.
fn write_pieces<E: Engine>(engine: &E, work: &mut Work, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    thread::scope(|scope| {
        // No piece waits in between: one is read while one is written.
        let (sender, pieces) = mpsc::sync_channel::<Result<Piece>>(0);
        scope.spawn(move || read_pieces(engine, &sender));
        for piece in pieces {
            let mut piece = Some(piece?);
            progress(engine.write(|transaction| match piece.take() {
                Some(piece) => work.write(transaction, piece),
                None => Err(Error::Busy { waited: Duration::ZERO }),
            })?);
        }
        Ok(())
    })
}

/// Reads pieces as long as there is more than a tail to fold, or until nobody wants them.
fn read_pieces<E: Engine>(engine: &E, sender: &mpsc::SyncSender<Result<Piece>>) {
    let mut after = Position::START;
    loop {
        let piece = engine.read(|snapshot| {
            let last = Position::new(after.get() + PIECE).min(snapshot.head()?);
            let is_due = last.get() - after.get() >= FOLD_AT as u64;
            is_due.then(|| Piece::read(snapshot, after.next(), last)).transpose()
        });
        let Some(piece) = piece.transpose() else { return };
        after = piece.as_ref().map_or(after, |piece| piece.last);
        let failed = piece.is_err();
        if sender.send(piece).is_err() || failed {
            return;
        }
    }
}

/// Claims a generation. A rebuild that was under way loses its claim.
fn begin(transaction: &mut dyn Transaction) -> Result<u32> {
    let live = readable(State::load(transaction, LIVE))?;
    let head = transaction.head()?;
    if let Some(live) = live.as_ref().filter(|live| live.folded_to() > head) {
        let detail = format!("ends at position {head}, but {} was folded once: its end is lost", live.folded_to());
        return Err(Error::corrupt("log", detail));
    }
    let live = live.map_or(0, |state| state.generation);
    let earlier = readable(State::load(transaction, REBUILT))?.map(|state| state.generation);
    let next = live.wrapping_add(1);
    let generation = if earlier == Some(next) { live.wrapping_add(2) } else { next };
    State::new(generation).store(transaction, REBUILT)?;
    Ok(generation)
}

/// A damaged record counts as none: it is what a rebuild is for.
fn readable(state: Result<Option<State>>) -> Result<Option<State>> {
    match state {
        Err(error) if error.is_corrupt() => Ok(None),
        state => state,
    }
}

struct Step {
    progress: Progress,
    is_last: bool,
}

/// What a rebuild knows from piece to piece.
struct Work {
    generation: u32,
    first_paths: HashMap<u32, u32>,
    filters: Filters,
}

impl Work {
    /// The state of the projections that are made. Who lost the claim to a later rebuild ends.
    fn state(&self, snapshot: &dyn Snapshot) -> Result<State> {
        State::load(snapshot, REBUILT)?
            .filter(|state| state.generation == self.generation)
            .ok_or(Error::Busy { waited: Duration::ZERO })
    }

    /// Adds a piece that was read.
    fn write(&mut self, transaction: &mut dyn Transaction, piece: Piece) -> Result<Progress> {
        let mut state = self.state(transaction)?;
        let head = transaction.head()?;
        if piece.first != state.folded_to().next() || piece.last > head {
            return Err(gap(piece.first));
        }
        self.take_in(transaction, &state, &piece)?;
        if let Some(fold) = piece.fold {
            fold.write(transaction, &mut state)?;
        }
        state.store(transaction, REBUILT)?;
        Ok(Progress { done: piece.last.get(), total: head.get() })
    }

    /// Looks at a piece's ids, and learns its paths.
    fn take_in(&mut self, snapshot: &dyn Snapshot, state: &State, piece: &Piece) -> Result<()> {
        if let Some(fold) = &piece.fold {
            refuse_duplicates(snapshot, state, &mut self.filters, fold.ids())?;
        }
        for (project, path) in &piece.first_paths {
            self.first_paths.entry(*project).or_insert(*path);
        }
        Ok(())
    }

    /// Folds what is left; when that is no more than a tail, switches.
    fn advance(&mut self, transaction: &mut dyn Transaction) -> Result<Step> {
        let mut state = self.state(transaction)?;
        let head = transaction.head()?;
        let last = Position::new(state.folded_to().get() + PIECE).min(head);
        let left = head.get() - state.folded_to().get();
        let is_last = left < FOLD_AT as u64;
        let piece = Piece::read(transaction, state.folded_to().next(), last)?;
        self.take_in(transaction, &state, &piece)?;
        if is_last {
            replace_first_paths(transaction, &self.first_paths)?;
            state.store(transaction, LIVE)?;
            transaction.delete(Tree::Meta, REBUILT)?;
        } else {
            if let Some(fold) = piece.fold {
                fold.write(transaction, &mut state)?;
            }
            state.store(transaction, REBUILT)?;
        }
        Ok(Step { progress: Progress { done: last.get(), total: head.get() }, is_last })
    }
}

/// A stretch of the log, folded.
struct Piece {
    first: Position,
    last: Position,
    /// `None` of no events.
    fold: Option<Prepared>,
    /// The first path that it has for each project.
    first_paths: HashMap<u32, u32>,
}

impl Piece {
    fn read(snapshot: &dyn Snapshot, first: Position, last: Position) -> Result<Self> {
        let (mut fold, mut first_paths) = (Fold::default(), HashMap::new());
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
        if next <= last { Err(gap(next)) } else { Ok(Self { first, last, fold: fold.prepare(), first_paths }) }
    }
}

/// Two events of one id are damage: a log with them is refused.
fn refuse_duplicates(
    snapshot: &dyn Snapshot,
    state: &State,
    filters: &mut Filters,
    ids: &[(EventId, Position)],
) -> Result<()> {
    let mut seen = probe(snapshot, &state.ids, filters, ids.iter().map(|(id, _)| *id))?;
    for (id, position) in ids {
        if let Some(first) = seen.insert(*id, *position) {
            return Err(verify::same_id(first, *position));
        }
    }
    Ok(())
}

/// Stores the first paths that the log gives, and no others.
fn replace_first_paths(transaction: &mut dyn Transaction, first_paths: &HashMap<u32, u32>) -> Result<()> {
    for key in first_path_keys(transaction)? {
        transaction.delete(Tree::Meta, &key)?;
    }
    for (project, path) in first_paths {
        let key = first_path_key(*project);
        transaction.put(Tree::Meta, &key, &codec::seal(&key, path)?)?;
    }
    Ok(())
}

/// Deletes the projections of every generation but the live one, and, without a claim of one's own, that of
/// a rebuild that another process has under way.
fn delete_dead<E: Engine>(engine: &E, claimed: Option<u32>) -> Result<()> {
    while engine.write(|transaction| delete_some(transaction, claimed))? {}
    Ok(())
}

/// Deletes some dead rows; whether there may be more.
fn delete_some(transaction: &mut dyn Transaction, claimed: Option<u32>) -> Result<bool> {
    let live = readable(State::load(transaction, LIVE).map(|state| Some(state.unwrap_or_default())))?;
    let under_way = readable(State::load(transaction, REBUILT))?.map(|state| state.generation);
    if claimed.is_some() && claimed != under_way {
        return Err(Error::Busy { waited: Duration::ZERO });
    }
    let mut kept: Vec<u32> = live.map(|state| state.generation).into_iter().collect();
    kept.extend(under_way.filter(|_| claimed.is_none()));
    for tree in Tree::PROJECTIONS {
        for (first, last) in ranges_between(kept.clone()) {
            let (mut dead, mut last_dead) = (0, None);
            transaction.scan(tree, &first, &last, Direction::Forward, &mut |key, _| {
                dead += 1;
                if dead < DELETED {
                    return Ok(ControlFlow::Continue(()));
                }
                last_dead = Some(key.to_vec());
                Ok(ControlFlow::Break(()))
            })?;
            if dead > 0 {
                transaction.delete_range(tree, &first, &last_dead.unwrap_or(last))?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The ranges of keys around the generations that are kept.
fn ranges_between(mut kept: Vec<u32>) -> Vec<(Vec<u8>, Vec<u8>)> {
    kept.sort_unstable();
    let (mut ranges, mut next) = (Vec::new(), Some(0_u32));
    let mut push = |first: u32, last: u32| {
        if first <= last {
            ranges.push((first.to_be_bytes().to_vec(), super::keys::generation_range(last).1));
        }
    };
    for generation in kept {
        if let (Some(first), Some(last)) = (next, generation.checked_sub(1)) {
            push(first, last);
        }
        next = generation.checked_add(1);
    }
    if let Some(first) = next {
        push(first, u32::MAX);
    }
    ranges
}
