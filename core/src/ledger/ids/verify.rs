//! The proof of the id index: each folded event stands in it once, and no id stands in the log twice.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::super::keys::{chunks_range, run_of, show};
use super::super::tables::{Direction, Snapshot, Tree};
use super::super::verify::same_id;
use super::chunk::{Entry, entries_of_run};
use super::{Directory, Run, fingerprint, sort_stretches};
use crate::{Error, EventId, Position, Result};

/// How many positions are proved at once: bounds the memory.
const PIECE: u64 = 1 << 20;
/// About how many fingerprints are compared at once.
const COMPARED: u64 = 1 << 17;

impl Directory {
    /// Proves the index against the log up to where it is folded.
    pub(crate) fn verify(&self, snapshot: &dyn Snapshot, folded_to: Position) -> Result<()> {
        if self.entries() != folded_to.get() {
            let entries = self.entries();
            return Err(Error::corrupt("id index", format!("counts {entries} ids for {folded_to} folded events")));
        }
        self.verify_counts(snapshot)?;
        let mut first = 1;
        while first <= folded_to.get() {
            let last = (first + PIECE - 1).min(folded_to.get());
            self.verify_positions(snapshot, first, last)?;
            first = last + 1;
        }
        self.verify_fingerprints(snapshot)
    }

    /// Each run has as many entries as it counts, and no chunk belongs to none of the runs.
    fn verify_counts(&self, snapshot: &dyn Snapshot) -> Result<()> {
        for run in self.runs().chain(self.merges.iter().map(|merge| &merge.output)) {
            let mut entries = 0;
            entries_of_run(snapshot, run, &mut |_| {
                entries += 1;
                Ok(())
            })?;
            if entries != run.entries {
                let detail = format!("run {} counts {} entries and has {entries}", run.number, run.entries);
                return Err(Error::corrupt("id index", detail));
            }
        }
        let (first, last) = chunks_range(self.generation);
        let outputs = self.merges.iter().map(|merge| &merge.output);
        let known: HashSet<u32> = self.runs().chain(outputs).chain(&self.garbage).map(|run| run.number).collect();
        snapshot.scan(Tree::IdRuns, &first, &last, Direction::Forward, &mut |key, _| match run_of(key) {
            Some(number) if known.contains(&number) => Ok(ControlFlow::Continue(())),
            _ => Err(Error::corrupt(show(Tree::IdRuns, key), "belongs to no run")),
        })
    }

    /// Every position of the piece stands in the runs once, under its row's fingerprint.
    fn verify_positions(&self, snapshot: &dyn Snapshot, first: u64, last: u64) -> Result<()> {
        let mut expected: Vec<Option<u32>> = Vec::new();
        snapshot.rows(Position::new(first), Position::new(last), &mut |_, row| {
            expected.push(Some(fingerprint(row.id)));
            Ok(())
        })?;
        for run in self.runs() {
            entries_of_run(snapshot, run, &mut |(fingerprint, position)| {
                if !(first..=last).contains(&position) {
                    return Ok(());
                }
                let index = usize::try_from(position - first).unwrap_or(usize::MAX);
                match expected.get_mut(index).and_then(Option::take) {
                    Some(of_row) if of_row == fingerprint => Ok(()),
                    Some(_) => {
                        Err(Error::corrupt("id index", format!("has another fingerprint for position {position}")))
                    }
                    None => Err(Error::corrupt("id index", format!("names position {position} twice"))),
                }
            })?;
        }
        match expected.iter().position(Option::is_some) {
            Some(missing) => {
                Err(Error::corrupt("id index", format!("lacks the id of position {}", first + missing as u64)))
            }
            None => Ok(()),
        }
    }

    /// Equal fingerprints belong to different ids, and half-done merges hold what they should.
    fn verify_fingerprints(&self, snapshot: &dyn Snapshot) -> Result<()> {
        for (from, to) in self.ranges() {
            refuse_equal_ids(snapshot, &sorted_entries(snapshot, self.runs(), from, to)?)?;
            for merge in &self.merges {
                let inputs = self.levels.get(merge.level).into_iter().flatten().take(merge.inputs);
                let mut expected = sorted_entries(snapshot, inputs, from, to)?;
                expected.retain(|(fingerprint, _)| *fingerprint < merge.resume);
                if merge.output.entries_between(snapshot, from, to)? != expected {
                    return Err(Error::corrupt("id index", "a merge under way differs from its inputs"));
                }
            }
        }
        Ok(())
    }

    /// Refuses an id that stands in the log twice; one of some parts of the fingerprints.
    pub(crate) fn refuse_equal_ids(&self, snapshot: &dyn Snapshot, part: usize, parts: usize) -> Result<()> {
        let mut ranges = self.ranges().skip(part).step_by(parts);
        ranges.try_for_each(|(from, to)| refuse_equal_ids(snapshot, &sorted_entries(snapshot, self.runs(), from, to)?))
    }

    /// All fingerprints as ranges, both ends included, each of about [`COMPARED`] entries.
    fn ranges(&self) -> impl Iterator<Item = (u32, u32)> {
        let pieces = self.entries() / COMPARED + 1;
        let width = u64::from(u32::MAX) / pieces + 1;
        let end = |at: u64| u32::try_from(at).unwrap_or(u32::MAX);
        (0..pieces).map(move |piece| (end(piece * width), end((piece + 1) * width - 1)))
    }
}

fn sorted_entries<'a>(
    snapshot: &dyn Snapshot,
    runs: impl Iterator<Item = &'a Run>,
    from: u32,
    to: u32,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for run in runs {
        entries.extend(run.entries_between(snapshot, from, to)?);
    }
    sort_stretches(&mut entries);
    Ok(entries)
}

fn refuse_equal_ids(snapshot: &dyn Snapshot, entries: &[Entry]) -> Result<()> {
    for equal in entries.chunk_by(|a, b| a.0 == b.0).filter(|equal| equal.len() > 1) {
        let mut seen: HashMap<EventId, Position> = HashMap::new();
        for (_, position) in equal {
            let position = Position::new(*position);
            let mut id = None;
            snapshot.rows(position, position, &mut |_, row| {
                id = Some(row.id);
                Ok(())
            })?;
            if let Some(first) = id.and_then(|id| seen.insert(id, position)) {
                return Err(same_id(first, position));
            }
        }
    }
    Ok(())
}
