//! A histogram of durations with cells of a fixed ratio: small, exact to merge, the same on every machine.
//!
//! Cell `i` holds the values from `BOUNDS[i]` up to, not including, `BOUNDS[i + 1]`, where
//! `BOUNDS[i + 1] = BOUNDS[i] + max(1, BOUNDS[i] / 32)` in whole numbers. So the cells up to 64 hold one
//! value each, and above them the ratio is 33/32. A cell answers with its middle: off by at most half of
//! its width less one, 1/64 of its lower bound, which is 1.6 %. The idea is `DDSketch`'s (Masson, Rim, Lee:
//! "`DDSketch`: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019);
//! whole-number bounds stand in for its logarithm, so that no rounding differs between machines, and
//! cells never collapse, so that the order of merging cannot be told.

/// How many cells cover every duration, 0 to `i64::MAX` microseconds.
const CELLS: usize = count_cells();

/// More than any log holds; sums of so many cells and rows stay within 64 bits. A higher count is damage.
pub(crate) const MOST_COUNTED: u64 = 1 << 44;

/// The lower bounds of the cells.
static BOUNDS: [u64; CELLS] = bounds();

const fn next_bound(bound: u64) -> u64 {
    let step = bound / 32;
    bound.saturating_add(if step == 0 { 1 } else { step })
}

const fn count_cells() -> usize {
    let (mut bound, mut cells) = (0, 0);
    while bound <= i64::MAX as u64 {
        bound = next_bound(bound);
        cells += 1;
    }
    cells
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses an index out of range")]
const fn bounds() -> [u64; CELLS] {
    let (mut table, mut bound, mut cell) = ([0; CELLS], 0, 0);
    while cell < CELLS {
        table[cell] = bound;
        bound = next_bound(bound);
        cell += 1;
    }
    table
}

/// For each length of a number in bits, the first cell that such a number may lie in.
static FIRST_CELLS: [usize; 66] = first_cells();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses an index out of range")]
const fn first_cells() -> [usize; 66] {
    const TABLE: [u64; CELLS] = bounds();
    let (mut firsts, mut bits, mut cell) = ([CELLS - 1; 66], 0, 0);
    while bits < 65 {
        let least = if bits == 0 { 0 } else { 1 << (bits - 1) };
        while cell + 1 < CELLS && TABLE[cell + 1] <= least {
            cell += 1;
        }
        firsts[bits] = cell;
        bits += 1;
    }
    firsts
}

/// The cell that holds this value.
fn cell_of(value: u64) -> u16 {
    let bits = usize::try_from(u64::BITS - value.leading_zeros()).unwrap_or(0);
    let first = FIRST_CELLS.get(bits).copied().unwrap_or(0);
    let after = FIRST_CELLS.get(bits + 1).map_or(CELLS, |last| (last + 1).min(CELLS));
    let above = BOUNDS.get(first..after).unwrap_or_default().partition_point(|bound| *bound <= value);
    u16::try_from((first + above).saturating_sub(1)).unwrap_or(u16::MAX)
}

/// The value that a cell answers with: its middle, rounded down.
fn middle_of(cell: u16) -> u64 {
    let lower = BOUNDS.get(usize::from(cell)).copied().unwrap_or(u64::MAX);
    let width = next_bound(lower) - lower;
    lower + (width - 1) / 2
}

/// Counts of values by cell; a commutative monoid under [`merge`](Sketch::merge), the empty one its identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// (cell, count), ascending by cell, no count 0: equal content is equal bytes.
    cells: Vec<(u16, u64)>,
}

impl Sketch {
    /// Counts a value.
    pub fn record(&mut self, value: u64) {
        let cell = cell_of(value);
        match self.cells.binary_search_by_key(&cell, |(c, _)| *c) {
            Ok(at) => {
                if let Some((_, count)) = self.cells.get_mut(at) {
                    *count = count.saturating_add(1);
                }
            }
            Err(at) => self.cells.insert(at, (cell, 1)),
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        if self.cells.is_empty() {
            self.cells.clone_from(&other.cells);
            return;
        }
        let mut merged = Vec::with_capacity(self.cells.len() + other.cells.len());
        let (mut a, mut b) = (self.cells.iter().copied().peekable(), other.cells.iter().copied().peekable());
        while let (Some(&(x, m)), Some(&(y, n))) = (a.peek(), b.peek()) {
            if x <= y {
                a.next();
            }
            if y <= x {
                b.next();
            }
            merged.push(match x.cmp(&y) {
                std::cmp::Ordering::Less => (x, m),
                std::cmp::Ordering::Greater => (y, n),
                std::cmp::Ordering::Equal => (x, m.saturating_add(n)),
            });
        }
        merged.extend(a);
        merged.extend(b);
        self.cells = merged;
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.cells.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The value of nearest rank: the middle of the cell that holds the `ceil(q × n)`-th smallest value,
    /// within 1.6 % of that value. `None` when empty; `q` outside 0 to 1 counts as the nearer end.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        #[expect(clippy::cast_precision_loss, reason = "a rank off by one in 2^53 values is within the promise")]
        let rank = (q.clamp(0.0, 1.0) * self.count() as f64).ceil().max(1.0);
        let mut seen = 0_u64;
        self.cells.iter().find_map(|&(cell, count)| {
            seen = seen.saturating_add(count);
            #[expect(clippy::cast_precision_loss, reason = "as above")]
            let reached = seen as f64 >= rank;
            reached.then(|| middle_of(cell))
        })
    }

    pub(crate) fn cells(&self) -> &[(u16, u64)] {
        &self.cells
    }

    /// From stored cells; `None` unless they are as this code writes them.
    pub(crate) fn from_cells(cells: Vec<(u16, u64)>) -> Option<Self> {
        let is_sound = cells.is_sorted_by(|a, b| a.0 < b.0)
            && cells.iter().all(|&(cell, count)| usize::from(cell) < CELLS && (1..=MOST_COUNTED).contains(&count));
        is_sound.then_some(Self { cells })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_between_the_bounds_of_its_cell() {
        let around = |bound: u64| [bound.saturating_sub(1), bound, bound.saturating_add(1)];
        for value in BOUNDS.iter().copied().chain((0..64).map(|bit| 1 << bit)).flat_map(around).chain([u64::MAX]) {
            let plainly = BOUNDS.partition_point(|bound| *bound <= value) - 1;
            assert_eq!(usize::from(cell_of(value)), plainly, "{value}");
        }
    }
}
