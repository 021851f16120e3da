//! The usage of one key: counts by outcome, first and last use, durations. Commutative monoids.

use crate::event::Recorded;
use crate::outcome::Outcome;
use crate::sketch::{MOST_COUNTED, Sketch};
use crate::time::{Timestamp, ToolDuration};

/// State folded from recorded events. The identity is `default()`.
///
/// The laws, which the property tests hold every implementor to: `merge` is associative and commutative,
/// merging the identity changes nothing, and folding a sequence equals merging the folds of any split of
/// it, in any order.
pub trait Aggregate: Default {
    /// Folds one event in.
    fn apply(&mut self, recorded: &Recorded);
    /// Adds what another folded.
    fn merge(&mut self, other: &Self);
}

/// How something was used. Counts stop at the highest number that there is; no log comes near it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    outcomes: [u64; Outcome::ALL.len()],
    span: Option<(Timestamp, Timestamp)>,
    durations: Durations,
}

impl Usage {
    /// How many calls there were.
    pub fn uses(&self) -> u64 {
        self.outcomes.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How many calls ended so.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(usize::from(outcome.code())).copied().unwrap_or(0)
    }

    /// The earliest use.
    pub fn first_used(&self) -> Option<Timestamp> {
        self.span.map(|(first, _)| first)
    }

    /// The latest use.
    pub fn last_used(&self) -> Option<Timestamp> {
        self.span.map(|(_, last)| last)
    }

    /// The durations of the calls that were measured.
    pub const fn durations(&self) -> &Durations {
        &self.durations
    }

    /// Whether there was no call.
    pub fn is_empty(&self) -> bool {
        self.span.is_none()
    }

    /// Counts one call.
    pub fn record(&mut self, outcome: Outcome, time: Timestamp, duration: Option<ToolDuration>) {
        if let Some(count) = self.outcomes.get_mut(usize::from(outcome.code())) {
            *count = count.saturating_add(1);
        }
        self.widen(time, time);
        if let Some(duration) = duration {
            self.durations.record(duration);
        }
    }

    fn widen(&mut self, first: Timestamp, last: Timestamp) {
        self.span = Some(self.span.map_or((first, last), |(f, l)| (f.min(first), l.max(last))));
    }

    pub(crate) fn from_parts(
        outcomes: [u64; Outcome::ALL.len()],
        span: Option<(Timestamp, Timestamp)>,
        durations: Durations,
    ) -> Self {
        Self { outcomes, span, durations }
    }

    pub(crate) const fn outcomes(&self) -> &[u64; Outcome::ALL.len()] {
        &self.outcomes
    }
}

impl Aggregate for Usage {
    fn apply(&mut self, recorded: &Recorded) {
        if let Some(u) = recorded.event.as_tool_use() {
            self.record(u.outcome, u.time, u.duration);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.outcomes.iter_mut().zip(other.outcomes).for_each(|(sum, more)| *sum = sum.saturating_add(more));
        if let Some((first, last)) = other.span {
            self.widen(first, last);
        }
        self.durations.merge(&other.durations);
    }
}

/// The durations of some calls, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    sum: u128,
    max: u64,
    sketch: Sketch,
}

impl Durations {
    /// How many calls were measured.
    pub fn measured(&self) -> u64 {
        self.sketch.count()
    }

    /// Their sum, in microseconds.
    pub const fn sum_micros(&self) -> u128 {
        self.sum
    }

    /// Their mean, in microseconds; `None` when none was measured.
    pub fn mean_micros(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a mean is shown to a few digits")]
        (self.measured() > 0).then(|| self.sum as f64 / self.measured() as f64)
    }

    /// The longest, exact, in microseconds; `None` when none was measured.
    pub fn max_micros(&self) -> Option<u64> {
        (self.measured() > 0).then_some(self.max)
    }

    /// The duration of nearest rank `ceil(q × measured)`, in microseconds, within 2 % of the exact value and
    /// never above the longest; `None` when none was measured.
    pub fn quantile_micros(&self, q: f64) -> Option<u64> {
        self.sketch.quantile(q).map(|value| value.min(self.max))
    }

    fn record(&mut self, duration: ToolDuration) {
        self.sum = self.sum.saturating_add(u128::from(duration.as_micros()));
        self.max = self.max.max(duration.as_micros());
        self.sketch.record(duration.as_micros());
    }

    fn merge(&mut self, other: &Self) {
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
        self.sketch.merge(&other.sketch);
    }

    pub(crate) const fn sketch(&self) -> &Sketch {
        &self.sketch
    }

    /// From stored numbers; `None` unless they can be worked with.
    pub(crate) fn from_parts(sum: u128, max: u64, cells: Vec<(u16, u64)>) -> Option<Self> {
        let sketch = Sketch::from_cells(cells)?;
        (sum <= u128::from(u64::MAX) * u128::from(MOST_COUNTED)).then_some(Self { sum, max, sketch })
    }
}
