//! Which fingerprints a run may hold, in memory: what a process that appends much keeps of the runs.
//!
//! Almost every id that is appended is new, and to see that it is new costs a read of a chunk in each run. A
//! run never changes, so a process may keep a digest of it: its fingerprints without the bits that their
//! order gives. A digest never misses what its run holds; what it holds wrongly costs a read.
//!
//! A run's digest is made region by region, each when it is first asked for: a region is some fifteen chunks
//! that stand together, so no append waits for a large run to be read. A process that appends few events
//! makes none.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::super::tables::Snapshot;
use super::{Directory, Run};
use crate::Result;

/// About how many fingerprints share a region: between this and twice as many.
const IN_REGION: u64 = 1024;
/// About how many fingerprints of a region share a group: between this and twice as many.
const IN_GROUP: u64 = 4;
/// So many marks are compared at once, which takes few instructions and no guess where a group ends. Most groups have
/// fewer; the marks behind are the next group's, and seldom equal.
const AT_ONCE: usize = 16;
/// So many ids are looked up by reading chunks before a process makes digests.
const FEW: usize = 64;
/// The most memory that a process spends on digests: enough for the ids of 14 million events. The runs
/// beyond are read.
const MOST_BYTES: usize = 32 << 20;

/// A digest of the fingerprints of a region, in one piece of memory.
struct Region {
    /// First where each group's marks begin, one more than there are groups; then the marks: of each fingerprint the
    /// 16 bits after those that choose region and group, ascending in each group. Behind them [`AT_ONCE`] zeros.
    ///
    /// Empty where a region has so many fingerprints that their places need more bits.
    numbers: Box<[u16]>,
}

/// How a run's fingerprints are divided, by their leading bits.
#[derive(Clone, Copy)]
struct Shape {
    region_bits: u32,
    group_bits: u32,
}

impl Shape {
    fn of(run: &Run) -> Self {
        let region_bits = (run.entries / IN_REGION).max(1).ilog2();
        let group_bits = ((run.entries >> region_bits) / IN_GROUP).max(1).ilog2();
        Self { region_bits, group_bits }
    }

    fn region_of(self, fingerprint: u32) -> usize {
        usize::try_from(u64::from(fingerprint) << self.region_bits >> 32).unwrap_or(usize::MAX)
    }

    /// The first and last fingerprint of the region that one belongs to.
    const fn range(self, fingerprint: u32) -> (u32, u32) {
        let inside = match u32::MAX.checked_shr(self.region_bits) {
            Some(inside) => inside,
            None => 0,
        };
        (fingerprint & !inside, fingerprint | inside)
    }

    /// The group of a fingerprint within its region, and its mark there.
    #[expect(clippy::cast_possible_truncation, reason = "the bits above are those of region and group")]
    const fn place(self, fingerprint: u32) -> (usize, u16) {
        let inside = ((fingerprint as u64) << self.region_bits) as u32;
        let wide = (inside as u64) << self.group_bits;
        ((wide >> 32) as usize, (wide as u32 >> 16) as u16)
    }
}

impl Region {
    fn read(snapshot: &dyn Snapshot, run: &Run, shape: Shape, (first, last): (u32, u32)) -> Result<Self> {
        let entries = run.entries_between(snapshot, first, last)?;
        Ok(Self::of(shape, entries.iter().map(|(fingerprint, _)| *fingerprint)).unwrap_or(Self { numbers: [].into() }))
    }

    /// The digest of ascending fingerprints; `None` if there are too many.
    fn of(shape: Shape, fingerprints: impl ExactSizeIterator<Item = u32>) -> Option<Self> {
        let groups = 1_usize << shape.group_bits;
        let mut numbers = Vec::with_capacity(groups + 1 + fingerprints.len() + AT_ONCE);
        numbers.resize(groups + 1, 0);
        let mut begun = 0;
        for fingerprint in fingerprints {
            let (group, mark) = shape.place(fingerprint);
            let end = u16::try_from(numbers.len()).ok()?;
            numbers.get_mut(begun..=group)?.fill(end);
            begun = begun.max(group + 1);
            numbers.push(mark);
        }
        let end = u16::try_from(numbers.len()).ok()?;
        numbers.get_mut(begun..=groups)?.fill(end);
        numbers.resize(numbers.len() + AT_ONCE, 0);
        Some(Self { numbers: numbers.into() })
    }

    /// Whether the run may hold a fingerprint of this region; `false` is certain.
    fn may_hold(&self, shape: Shape, fingerprint: u32) -> bool {
        let (group, mark) = shape.place(fingerprint);
        let (Some(start), Some(end)) = (self.numbers.get(group), self.numbers.get(group + 1)) else { return true };
        let (mut start, end) = (usize::from(*start), usize::from(*end));
        while start < end {
            let Some(marks) = self.numbers.get(start..).and_then(<[u16]>::first_chunk::<AT_ONCE>) else { return true };
            if marks.iter().fold(0, |found, each| found | u16::from(*each == mark)) != 0 {
                return true;
            }
            start += AT_ONCE;
        }
        false
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.numbers) + size_of::<Self>()
    }
}

/// What a process knows of a run.
pub(super) struct Filter {
    shape: Shape,
    regions: Vec<Option<Region>>,
    bytes: usize,
}

impl Filter {
    /// An empty one, if there is room for it.
    fn of(run: &Run, room: usize) -> Option<Self> {
        let shape = Shape::of(run);
        let bytes = 1_usize.checked_shl(shape.region_bits)?.checked_mul(size_of::<Option<Region>>())?;
        (bytes <= room).then(|| Self {
            shape,
            regions: (0..1_usize << shape.region_bits).map(|_| None).collect(),
            bytes,
        })
    }

    /// Whether the run may hold a fingerprint; `false` is certain. Makes the digest of its region within the
    /// room that is left.
    pub(super) fn may_hold(
        &mut self,
        snapshot: &dyn Snapshot,
        run: &Run,
        fingerprint: u32,
        room: &mut usize,
    ) -> Result<bool> {
        let Some(region) = self.regions.get_mut(self.shape.region_of(fingerprint)) else { return Ok(true) };
        let region = match region {
            Some(region) => region,
            None if *room < 4 * usize::try_from(IN_REGION).unwrap_or(usize::MAX) => return Ok(true),
            None => {
                let read = Region::read(snapshot, run, self.shape, self.shape.range(fingerprint))?;
                *room = room.saturating_sub(read.bytes());
                self.bytes += read.bytes();
                region.insert(read)
            }
        };
        Ok(region.may_hold(self.shape, fingerprint))
    }
}

/// The digests that a process has made.
#[derive(Default)]
pub(crate) struct Filters {
    /// By generation and number of the run: a pair that never names another run.
    of_run: FxHashMap<(u32, u32), Filter>,
    /// How many ids were looked up.
    asked: usize,
}

impl Filters {
    /// Begins a look-up of so many ids: forgets the runs that are no more; the room that is left for digests.
    pub(super) fn begin(&mut self, directory: &Directory, ids: usize) -> usize {
        self.asked = self.asked.saturating_add(ids);
        if self.of_run.len() > directory.runs().count() {
            let live: Vec<(u32, u32)> = directory.runs().map(|run| (run.generation, run.number)).collect();
            self.of_run.retain(|run, _| live.contains(run));
        }
        MOST_BYTES.saturating_sub(self.of_run.values().map(|filter| filter.bytes).sum())
    }

    /// What is kept of a run; `None` while it isn't worth it, or where there is no room for it.
    pub(super) fn of(&mut self, run: &Run, room: &mut usize) -> Option<&mut Filter> {
        if self.asked <= FEW {
            return None;
        }
        match self.of_run.entry((run.generation, run.number)) {
            Entry::Occupied(kept) => Some(kept.into_mut()),
            Entry::Vacant(entry) => {
                let filter = Filter::of(run, *room)?;
                *room -= filter.bytes;
                Some(entry.insert(filter))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of so many entries would have more regions than there is memory for: it is read, not digested.
    #[test]
    fn a_run_beyond_the_room_has_no_digest() {
        let mut filters = Filters::default();
        let mut room = filters.begin(&Directory::default(), FEW + 1);
        let run = |number, entries| Run { generation: 0, number, entries, base: 1, last: entries };
        for entries in [1 << 33, 446_676_598_783, u64::MAX] {
            assert!(filters.of(&run(1, entries), &mut room).is_none(), "{entries}");
        }
        let large = run(2, 1 << 26);
        assert!(filters.of(&large, &mut room).is_some_and(|filter| filter.bytes <= MOST_BYTES));
        assert!(room < MOST_BYTES);
        let mut rooms = room;
        let made = (3..20).filter(|number| filters.of(&run(*number, 1 << 28), &mut rooms).is_some()).count();
        assert!(made < 10, "all of them together stay within the room: {made}");
        assert!(filters.of(&large, &mut 0).is_some(), "what is there stays");
    }

    /// Whatever fingerprints a region has, few or many, alike or not, it holds all of them, and few others.
    #[test]
    fn a_region_misses_none_of_its_fingerprints() {
        let spread = |count: u32| (0..count).map(|n| n * (u32::MAX / count)).collect::<Vec<_>>();
        let crowded = |count: u32| (0..count).map(|n| 7 + n / 3).collect::<Vec<_>>();
        for fingerprints in [spread(1), spread(9), spread(1500), spread(2048), crowded(1500), vec![u32::MAX; 100]] {
            let entries = fingerprints.len() as u64;
            let shape =
                Shape { region_bits: 0, ..Shape::of(&Run { generation: 0, number: 0, entries, base: 1, last: 1 }) };
            let region = Region::of(shape, fingerprints.iter().copied()).unwrap();
            assert!(fingerprints.iter().all(|each| region.may_hold(shape, *each)), "{entries}");
            let others = (0..10_000).map(|n| n * 429_391 + 3).filter(|each| !fingerprints.contains(each));
            let wrongly = others.filter(|each| region.may_hold(shape, *each)).count();
            assert!(wrongly < 20, "{entries}: {wrongly}");
        }
        let shape = Shape { region_bits: 0, group_bits: 8 };
        assert!(Region::of(shape, (0..70_000).collect::<Vec<_>>().into_iter()).is_none());
        assert!(Region { numbers: [].into() }.may_hold(shape, 5), "what has no digest may hold anything");
    }

    #[test]
    fn regions_divide_the_fingerprints() {
        for entries in [1, 9, 255, 1023, 4096, 5_000_000, 1 << 31] {
            let run = Run { generation: 0, number: 0, entries, base: 1, last: entries };
            let shape = Shape::of(&run);
            for fingerprint in [0, 1, 77, 1 << 20, (1 << 31) - 1, 1 << 31, u32::MAX - 1, u32::MAX] {
                let (first, last) = shape.range(fingerprint);
                assert!((first..=last).contains(&fingerprint), "{entries} {fingerprint}");
                let region = shape.region_of(fingerprint);
                assert_eq!((shape.region_of(first), shape.region_of(last)), (region, region));
                assert!(first == 0 || shape.region_of(first - 1) + 1 == region, "{entries} {fingerprint}");
                assert!(shape.place(fingerprint).0 < 1 << shape.group_bits);
                assert!(shape.place(first).0 == 0 && shape.place(last).0 + 1 == 1 << shape.group_bits);
            }
        }
    }
}
