//! Which fingerprints a run may hold, in memory: what a process that appends much keeps of the runs.
//!
//! Almost every id that is appended is new, and to see that it is new costs a read of a chunk in each run. A
//! run never changes, so a process may keep a digest of it: its fingerprints without the bits that their
//! order gives. A digest never misses what its run holds; what it holds wrongly costs a read.
//!
//! A digest is made when a process has read about as many chunks of a run as it has, so it at most doubles
//! what is read, and a process that appends one event makes none.

use std::collections::HashMap;

use super::super::tables::Snapshot;
use super::chunk::{CHUNK_ENTRIES, entries_of_run};
use super::{Directory, Run};
use crate::Result;

/// About how many fingerprints share their leading bits: between this and twice as many.
const SHARED: u64 = 8;
/// The most memory that a process spends on digests: enough for the ids of 14 million events. The runs
/// beyond are read.
const MOST_BYTES: usize = 32 << 20;

/// A digest of a run's fingerprints.
pub(super) struct Filter {
    /// How many leading bits choose the group.
    leading: u32,
    /// Where each group's marks begin; one more than there are groups.
    starts: Vec<u32>,
    /// The 16 bits after the leading ones, ascending in each group.
    marks: Vec<u16>,
}

impl Filter {
    fn read(snapshot: &dyn Snapshot, run: &Run) -> Result<Self> {
        let leading = (run.entries / SHARED).max(1).ilog2();
        let groups = 1_usize << leading;
        let mut filter = Self { leading, starts: Vec::with_capacity(groups + 1), marks: Vec::new() };
        filter.marks.reserve_exact(usize::try_from(run.entries).unwrap_or(0));
        entries_of_run(snapshot, run, &mut |(fingerprint, _)| {
            let (group, mark) = filter.place(fingerprint);
            let start = u32::try_from(filter.marks.len()).unwrap_or(u32::MAX);
            if filter.starts.len() <= group {
                filter.starts.resize(group + 1, start);
            }
            filter.marks.push(mark);
            Ok(())
        })?;
        let end = u32::try_from(filter.marks.len()).unwrap_or(u32::MAX);
        filter.starts.resize(groups + 1, end);
        Ok(filter)
    }

    /// The group of a fingerprint, and its mark there.
    #[expect(clippy::cast_possible_truncation, reason = "the bits above are those of the group")]
    const fn place(&self, fingerprint: u32) -> (usize, u16) {
        let wide = (fingerprint as u64) << self.leading;
        ((wide >> 32) as usize, (wide as u32 >> 16) as u16)
    }

    /// Whether the run may hold a fingerprint; `false` is certain.
    pub(super) fn may_hold(&self, fingerprint: u32) -> bool {
        let (group, mark) = self.place(fingerprint);
        let (Some(start), Some(end)) = (self.starts.get(group), self.starts.get(group + 1)) else { return true };
        self.marks.get(*start as usize..*end as usize).is_none_or(|marks| marks.contains(&mark))
    }

    /// The memory that a digest of so many entries takes.
    fn bytes(entries: u64) -> usize {
        usize::try_from(entries.saturating_mul(2).saturating_add(entries / 2)).unwrap_or(usize::MAX)
    }
}

/// What a process knows of a run.
enum Known {
    /// So many of its chunks were read.
    Read(u64),
    Filter(Filter),
}

/// The digests that a process has made.
#[derive(Default)]
pub(crate) struct Filters {
    /// By generation and number of the run: a pair that never names another run.
    of_run: HashMap<(u32, u32), Known>,
    bytes: usize,
}

impl Filters {
    pub(super) fn of(&self, run: &Run) -> Option<&Filter> {
        match self.of_run.get(&(run.generation, run.number)) {
            Some(Known::Filter(filter)) => Some(filter),
            _ => None,
        }
    }

    /// Notes that chunks of a run were read, and makes its digest when that has become the cheaper way.
    pub(super) fn note(&mut self, snapshot: &dyn Snapshot, run: &Run, chunks: u64) -> Result<()> {
        let known = self.of_run.entry((run.generation, run.number)).or_insert(Known::Read(0));
        let Known::Read(read) = known else { return Ok(()) };
        *read += chunks;
        let bytes = Filter::bytes(run.entries);
        if *read > run.entries / CHUNK_ENTRIES as u64 && self.bytes.saturating_add(bytes) <= MOST_BYTES {
            *known = Known::Filter(Filter::read(snapshot, run)?);
            self.bytes += bytes;
        }
        Ok(())
    }

    /// Forgets the runs that are no more.
    pub(super) fn keep(&mut self, directory: &Directory) {
        if self.of_run.len() <= directory.runs().count() {
            return;
        }
        let live: HashMap<(u32, u32), u64> =
            directory.runs().map(|run| ((run.generation, run.number), run.entries)).collect();
        self.of_run.retain(|run, _| live.contains_key(run));
        let filters = self.of_run.iter().filter(|(_, known)| matches!(known, Known::Filter(_)));
        self.bytes = filters.filter_map(|(run, _)| live.get(run)).map(|entries| Filter::bytes(*entries)).sum();
    }
}
