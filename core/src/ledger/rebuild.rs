//! Projections made anew from the log, in bounded transactions beside the live ones, then a switch.
//!
//! Every key of a projection begins with a generation. A rebuild folds the log into the next generation
//! while the live one goes on answering and folding; when it has caught up, one transaction makes it the
//! live one; then the old one's rows are deleted. What an interrupted rebuild leaves behind belongs to no
//! live generation, and the next rebuild deletes it first.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::fold::Fold;
use super::fold_write::Prepared;
use super::ids::{Entry, Filters, probe, sort_stretches};
use super::keys::ranges_without;
use super::names::first_path_key;
use super::state::{LIVE, REBUILT, State};
use super::tables::{Direction, Engine, Snapshot, Transaction, Tree};
use super::tail::{FOLD_AT, gap};
use super::verify;
use crate::{Error, EventId, Position, Progress, Result, codec};

/// How many events one transaction folds: bounds the memory, and how long others wait to write.
const PIECE: u64 = 16_384;
/// How many threads read and fold pieces: that takes about as long as to write them, so with two cores both are
/// busy to the end.
const READERS: usize = 2;
/// How many ids are gathered before they are written as a run: bounds the memory, and every run is one more to
/// look an id up in.
const RUN: usize = 1 << 19;
/// How many rows of dead generations one transaction deletes.
const DELETED: usize = 4096;

pub(super) fn rebuild<E: Engine>(engine: &E, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    engine.read(verify::every_name)?;
    let generation = engine.write(begin)?;
    delete_dead(engine, Some(generation))?;
    let mut work = Work { generation, first_paths: HashMap::new(), ids: Vec::new(), filters: Filters::default() };
    write_pieces(engine, &mut work, progress)?;
    prove_ids(engine, &mut work)?;
    loop {
        let step = engine.write(|transaction| work.advance(transaction))?;
        progress(step.progress);
        if step.is_last {
            break;
        }
    }
    delete_dead(engine, None)
}

/// Writes the pieces that other threads read and fold meanwhile: rows of the log never change, so a snapshot of
/// its own shows each thread the same ones.
fn write_pieces<E: Engine>(engine: &E, work: &mut Work, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    thread::scope(|scope| {
        // A piece of each waits, so that readers go on while the writer waits for the disk.
        let start = |reader| {
            let (sender, pieces) = mpsc::sync_channel::<Result<Piece>>(1);
            scope.spawn(move || read_pieces(engine, reader, &sender));
            pieces
        };
        let readers: Vec<_> = (0..READERS).map(start).collect();
        for pieces in readers.iter().cycle() {
            let Ok(piece) = pieces.recv() else { break };
            let piece = piece?;
            let is_whole = piece.is_whole();
            let mut piece = Some(piece);
            progress(engine.write_lazily(|transaction| match piece.take() {
                Some(piece) => work.write(transaction, piece),
                None => Err(Error::Busy { waited: Duration::ZERO }),
            })?);
            // What was appended since begins in its midst, where no reader begins.
            if !is_whole {
                break;
            }
        }
        Ok(())
    })
}

/// Reads one piece of [`READERS`], as long as there is more than a tail to fold, or until nobody wants them.
fn read_pieces<E: Engine>(engine: &E, reader: usize, sender: &mpsc::SyncSender<Result<Piece>>) {
    for number in (reader..).step_by(READERS) {
        let after = Position::new((number as u64).saturating_mul(PIECE));
        let piece = engine.read(|snapshot| {
            let last = Position::new(after.get().saturating_add(PIECE)).min(snapshot.head()?);
            let is_due = last.get().saturating_sub(after.get()) >= FOLD_AT as u64;
            is_due.then(|| Piece::read(snapshot, after.next(), last)).transpose()
        });
        let Some(piece) = piece.transpose() else { return };
        let failed = piece.is_err();
        if sender.send(piece).is_err() || failed {
            return;
        }
    }
}

/// Writes the ids that are left, and sees that no two of all are the same.
fn prove_ids<E: Engine>(engine: &E, work: &mut Work) -> Result<()> {
    engine.write_lazily(|transaction| work.change(transaction, |ids, state, t| write_ids(ids, state, t)))?;
    let prove = |part| engine.read(|snapshot| work.state(snapshot)?.ids.refuse_equal_ids(snapshot, part, READERS));
    let prove = &prove;
    thread::scope(|scope| {
        let parts: Vec<_> = (0..READERS).map(|part| scope.spawn(move || prove(part))).collect();
        parts.into_iter().try_for_each(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Writes ids that were gathered as one run.
fn write_ids(ids: &mut Vec<Entry>, state: &mut State, transaction: &mut dyn Transaction) -> Result<()> {
    sort_stretches(ids);
    state.ids.add_run(transaction, ids)?;
    ids.clear();
    Ok(())
}

/// Claims a generation. A rebuild that was under way loses its claim.
fn begin(transaction: &mut dyn Transaction) -> Result<u32> {
    let live = readable(State::load(transaction, LIVE));
    if matches!(live, Ok(None)) {
        clear_records(transaction)?;
    }
    let live = live?;
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

/// Where there is no record of the live projections, or a damaged one, whatever stands around it is cleared away: what
/// is left of a record must not be in the way of a new one. First paths stay until there are others.
fn clear_records(transaction: &mut dyn Transaction) -> Result<()> {
    let (paths, behind_paths) = (first_path_key(0), [first_path_key(u32::MAX), vec![0]].concat());
    transaction.delete_range(Tree::Meta, &[], paths.get(..paths.len() - 1).unwrap_or_default())?;
    transaction.delete_range(Tree::Meta, &behind_paths, &[0xFF; 8])
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
    /// Of pieces that are written, but not yet in a run.
    ids: Vec<Entry>,
    filters: Filters,
}

impl Work {
    /// The state of the projections that are made. Who lost the claim to a later rebuild ends.
    fn state(&self, snapshot: &dyn Snapshot) -> Result<State> {
        State::load(snapshot, REBUILT)?
            .filter(|state| state.generation == self.generation)
            .ok_or(Error::Busy { waited: Duration::ZERO })
    }

    /// Changes the state, and keeps it.
    fn change(
        &mut self,
        transaction: &mut dyn Transaction,
        change: impl FnOnce(&mut Vec<Entry>, &mut State, &mut dyn Transaction) -> Result<()>,
    ) -> Result<()> {
        let mut state = self.state(transaction)?;
        change(&mut self.ids, &mut state, transaction)?;
        state.store(transaction, REBUILT)
    }

    /// Adds a piece that was read. Whether its ids stand in the log before shows when all are there.
    fn write(&mut self, transaction: &mut dyn Transaction, piece: Piece) -> Result<Progress> {
        self.learn_paths(&piece);
        let (first, last) = (piece.first, piece.last);
        let head = transaction.head()?;
        self.change(transaction, |ids, state, transaction| {
            if first != state.folded_to().next() || last > head {
                return Err(gap(first));
            }
            if let Some(fold) = piece.fold {
                ids.extend(fold.write_all_but_ids(transaction, state)?);
            }
            if ids.len() < RUN { Ok(()) } else { write_ids(ids, state, transaction) }
        })?;
        Ok(Progress { done: last.get(), total: head.get() })
    }

    fn learn_paths(&mut self, piece: &Piece) {
        for (project, path) in &piece.first_paths {
            self.first_paths.entry(*project).or_insert(*path);
        }
    }

    /// Folds what is left; when that is no more than a tail, switches.
    fn advance(&mut self, transaction: &mut dyn Transaction) -> Result<Step> {
        let mut state = self.state(transaction)?;
        let head = transaction.head()?;
        let last = Position::new(state.folded_to().get() + PIECE).min(head);
        let left = head.get() - state.folded_to().get();
        let is_last = left < FOLD_AT as u64;
        let piece = Piece::read(transaction, state.folded_to().next(), last)?;
        if let Some(fold) = &piece.fold {
            refuse_duplicates(transaction, &state, &mut self.filters, fold.ids())?;
        }
        self.learn_paths(&piece);
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
    /// Whether it is as long as a piece may be: the log may go on.
    const fn is_whole(&self) -> bool {
        self.last.get() - self.first.get() + 1 == PIECE
    }

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
    let mut seen = probe(snapshot, &state.ids, filters, ids.iter().map(|(id, _)| *id))?.found;
    for (id, position) in ids {
        if let Some(first) = seen.insert(*id, *position) {
            return Err(verify::same_id(first, *position));
        }
    }
    Ok(())
}

/// Stores the first paths that the log gives, and no others.
fn replace_first_paths(transaction: &mut dyn Transaction, first_paths: &HashMap<u32, u32>) -> Result<()> {
    transaction.delete_range(Tree::Meta, &first_path_key(0), &first_path_key(u32::MAX))?;
    for (project, path) in first_paths {
        let key = first_path_key(*project);
        transaction.put(Tree::Meta, &key, &codec::seal(&key, path)?)?;
    }
    Ok(())
}

/// Deletes the projections of every generation but the live one, and, without a claim of one's own, that of
/// a rebuild that another process has under way.
fn delete_dead<E: Engine>(engine: &E, claimed: Option<u32>) -> Result<()> {
    while engine.write_lazily(|transaction| delete_some(transaction, claimed))? {}
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
        for (first, last) in ranges_without(tree, &kept) {
            let (mut dead, mut last_dead) = (0, None);
            let counted = transaction.scan(tree, &first, &last, Direction::Forward, &mut |key, _| {
                dead += 1;
                if dead < DELETED {
                    return Ok(ControlFlow::Continue(()));
                }
                last_dead = Some(key.to_vec());
                Ok(ControlFlow::Break(()))
            });
            if counted.as_ref().is_err_and(Error::is_corrupt) {
                // Dead rows that are damaged are mended by being deleted, however many they are.
                transaction.delete_range(tree, &first, &last)?;
                transaction.scan(tree, &first, &last, Direction::Forward, &mut |_, _| Ok(ControlFlow::Break(())))?;
                return Ok(true);
            }
            counted?;
            if dead > 0 {
                transaction.delete_range(tree, &first, &last_dead.unwrap_or(last))?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}
