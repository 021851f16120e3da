//! How a recorder works, and what it says of its work.

use std::time::Duration;

use crate::Error;

/// What a recorder does with an event while its queue is full.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WhenFull {
    /// [`record`](crate::Recorder::record) waits for room, no longer than [`RecorderOptions::record_wait`].
    #[default]
    Block,
    /// The event is dropped, and counted.
    Drop,
}

/// How a recorder works.
///
/// ```
/// # use std::time::Duration;
/// # use tooltally_core::{RecorderOptions, WhenFull};
/// // Never holds its callers up, whatever the disk does.
/// let careless = RecorderOptions::new().when_full(WhenFull::Drop).capacity(50_000);
/// // Holds them up for a quarter of a second at most, then refuses the event.
/// let careful = RecorderOptions::new().record_wait(Duration::from_millis(250));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecorderOptions {
    pub(super) capacity: usize,
    pub(super) batch: usize,
    pub(super) when_full: WhenFull,
    pub(super) record_wait: Duration,
    pub(super) flush_wait: Duration,
}

impl Default for RecorderOptions {
    fn default() -> Self {
        Self {
            capacity: 16_384,
            batch: 4_096,
            when_full: WhenFull::Block,
            record_wait: Duration::from_secs(5),
            flush_wait: Duration::from_secs(30),
        }
    }
}

impl RecorderOptions {
    /// Holds up to 16,384 events, appends up to 4,096 of them at once, blocks up to 5 seconds when full,
    /// and flushes within 30 seconds.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many events the recorder holds at most: those that wait and those of the append under way. 0 means
    /// 1. An event takes less than 200 bytes, besides names that it alone holds.
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events.max(1);
        self
    }

    /// How many events go into one append, and so into one durable commit, at most. 0 means 1. Larger ones
    /// cost less per event, and keep other writers out for longer.
    pub fn batch(mut self, events: usize) -> Self {
        self.batch = events.max(1);
        self
    }

    /// What to do with an event while the queue is full.
    pub const fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// How long `record` waits for room in a full queue at most, with [`WhenFull::Block`].
    pub const fn record_wait(mut self, wait: Duration) -> Self {
        self.record_wait = wait;
        self
    }

    /// How long `flush`, `close` and dropping wait at most until what is queued is durable. Let it be longer than
    /// the store's own wait for other writers ([`OpenOptions::wait`](crate::OpenOptions::wait), 5 seconds).
    pub const fn flush_wait(mut self, wait: Duration) -> Self {
        self.flush_wait = wait;
        self
    }
}

/// What became of an event that was given to a recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offered {
    /// It is in the queue: it will be recorded, unless `flush`, `close` or the counts say otherwise.
    Queued,
    /// The queue was full, and [`WhenFull::Drop`] chosen: it is counted, and gone.
    Dropped,
}

impl Offered {
    /// Whether it is in the queue.
    pub const fn is_queued(self) -> bool {
        matches!(self, Self::Queued)
    }
}

/// How many events a recorder was given, by what became of them. The sum is the number of calls of `record`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RecorderCounts {
    /// Recorded by this recorder, durably.
    pub recorded: u64,
    /// In the log already: nothing was stored.
    pub duplicates: u64,
    /// In the queue, or in the append under way.
    pub pending: u64,
    /// Never taken in, since the queue was full or the recorder closed. `record` has said so for each.
    pub dropped: u64,
    /// Taken in and not recorded when the recorder ended, since the store failed. `close` has said so.
    pub failed: u64,
}

/// Events that were given to a recorder are not recorded. The cause stands in `error`, and in
/// [`source`](std::error::Error::source).
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
#[error("{events} queued events are not recorded")]
pub struct Unrecorded {
    /// How many.
    pub events: u64,
    /// Why: the store's error, or [`Busy`](Error::Busy) when the wait was over before the store was done.
    #[source]
    pub error: Error,
}
