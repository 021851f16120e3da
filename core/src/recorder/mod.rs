//! Recording without waiting for the disk: a bounded queue before one writer that groups commits.

mod options;
mod queue;
mod state;
mod writer;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

pub use options::{Offered, RecorderCounts, RecorderOptions, Unrecorded, WhenFull};

use state::State;
use writer::Shared;

use crate::ledger::Patience;
use crate::{Error, Event, Log, Result};

/// Records events in the background: a bounded queue before one writer thread that groups commits.
///
/// [`Log::append`] returns when its events are on the disk, which takes longer than many a tool call may be held
/// up. [`record`](Self::record) puts an event into a queue and returns; the writer takes what has gathered there
/// and records it in one append, up to [`RecorderOptions::batch`] events in one durable commit. While a commit is
/// made durable the next batch gathers: the busier the program, the larger the batches. An event that comes alone
/// is not held back.
///
/// It works over any store, and is shared between threads by reference or in an [`Arc`].
///
/// ```
/// use std::sync::Arc;
/// use tooltally_core::{Clock, EventId, Log, MemoryStore, Outcome, Recorder, Store, SystemClock, ToolName, ToolUse};
///
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let recorder = Recorder::start(Arc::clone(&store))?;
/// for _ in 0..100 {
///     let tool = ToolName::new("search")?;
///     // Returns at once, unless the queue is full.
///     recorder.record(ToolUse::new(EventId::random()?, tool, Outcome::Success, SystemClock.now()))?;
/// }
/// // Now they are to be on the disk.
/// recorder.flush()?;
/// assert_eq!(store.head()?.get(), 100);
/// // At the end: says whether everything is recorded, which dropping cannot.
/// recorder.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What holds
///
/// - **Order**: events are recorded in the order in which they were queued, so each thread's in its own order.
/// - **Memory** is bounded: by [`RecorderOptions::capacity`] events. What a full queue does is chosen by
///   [`WhenFull`].
/// - **Time** is bounded too: `record` waits for [`RecorderOptions::record_wait`] at most; `flush`, `close` and
///   dropping wait for [`RecorderOptions::flush_wait`].
/// - **Durability**: what [`flush`](Self::flush) has answered for is as durable as the store's appends are. What
///   is queued is in memory alone. [`close`](Self::close), or dropping the recorder, records it;
///   [`std::process::exit`], a kill or a crash loses it, and so does a recorder in a `static`, which is never
///   dropped.
/// - **Nothing is lost in silence.** An append that fails keeps its events: the writer tries again, after pauses
///   of 1 millisecond to 1 second, for as long as the recorder lives. That is safe, since an event that was
///   recorded after all is known by its id. Meanwhile the queue fills. `flush` and `close` answer with the store's
///   error and the number of events; after `close`, [`take_unrecorded`](Self::take_unrecorded) gives them back.
///   [`counts`](Self::counts) has all of it in figures, [`trouble`](Self::trouble) the error of the moment.
/// - **Panics** of the store are its failures, as any other.
///
/// # Where it does not fit
///
/// An append on a [`Condition`](crate::Condition), or one whose answer matters, belongs to the store itself, which
/// stays usable beside the recorder. A process that forks makes its recorders after that: the writer's thread
/// does not live on in the child. In an async program `record` blocks only with [`WhenFull::Block`] and a full
/// queue; `flush` and `close` belong to the blocking threads.
pub struct Recorder {
    shared: Arc<Shared>,
    options: RecorderOptions,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    /// Starts the writer's thread, with [`RecorderOptions::new`].
    ///
    /// # Errors
    /// [`Error::Engine`] if the system starts no thread.
    pub fn start<S: Log + ?Sized + 'static>(store: Arc<S>) -> Result<Self> {
        Self::start_with(store, &RecorderOptions::new())
    }

    /// Starts the writer's thread, to work as the options say.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with<S: Log + ?Sized + 'static>(store: Arc<S>, options: &RecorderOptions) -> Result<Self> {
        let shared = Arc::new(Shared::new(State::new(options.clone())));
        let of_writer = Arc::clone(&shared);
        let writer = thread::Builder::new()
            .name("tooltally-recorder".to_owned())
            .spawn(move || of_writer.write(&*store))
            .map_err(|e| Error::Engine { operation: "start the recorder's thread", source: Arc::new(e) })?;
        Ok(Self { shared, options: options.clone(), writer: Mutex::new(Some(writer)) })
    }

    /// Queues an event, to be recorded soon.
    ///
    /// Takes well under a microsecond, but for a writer that has to be woken, or a full queue.
    ///
    /// # Errors
    /// The event was not taken in, and is counted as dropped: [`Error::Closed`] after [`close`](Self::close);
    /// with [`WhenFull::Block`] and a full queue [`Error::Busy`] when there was no room within the wait, or the
    /// store's own error, at once, when the store does not record for another reason than being busy.
    pub fn record(&self, event: impl Into<Event>) -> Result<Offered> {
        let event = event.into();
        let mut state = self.shared.state();
        let mut patience = None;
        loop {
            if let Err(error) = state.check_open() {
                state.count_dropped();
                return Err(error);
            }
            if !state.is_full() {
                break;
            }
            if self.options.when_full == WhenFull::Drop {
                state.count_dropped();
                return Ok(Offered::Dropped);
            }
            if let Some(error) = state.lasting_trouble().cloned() {
                state.count_dropped();
                return Err(error);
            }
            let patience = patience.get_or_insert_with(|| Patience::new(self.options.record_wait));
            let left = patience.left();
            if left.is_zero() {
                state.count_dropped();
                return Err(patience.busy());
            }
            state = self.shared.wait_for_news(state, left);
        }
        let is_to_be_woken = state.accept(event);
        drop(state);
        if is_to_be_woken {
            self.shared.call_writer();
        }
        Ok(Offered::Queued)
    }

    /// Waits until everything is durable that was queued before, by any thread.
    ///
    /// A busy store is waited for; any other failure ends the wait when the writer has met it. The events stay
    /// queued, and a later `flush` may find them recorded.
    ///
    /// # Errors
    /// How many events are not durable yet, and why: the store's error, or [`Error::Busy`] when
    /// [`RecorderOptions::flush_wait`] was over.
    pub fn flush(&self) -> Result<(), Unrecorded> {
        let patience = Patience::new(self.options.flush_wait);
        let mut state = self.shared.state();
        let accepted = state.accepted();
        let mut failures = state.failures();
        if state.settled() < accepted {
            state.hurry();
            self.shared.call_writer();
        }
        loop {
            let has_failed = state.failures() > failures && state.lasting_trouble().is_some();
            failures = state.failures();
            let left = patience.left();
            if state.settled() >= accepted || state.has_ended() || has_failed || left.is_zero() {
                return state.unrecorded(accepted, self.options.flush_wait).map_or(Ok(()), Err);
            }
            state = self.shared.wait_for_news(state, left);
        }
    }

    /// Takes no more events, records those that are queued, and ends the writer's thread, which lets go of the
    /// store. Closing again answers the same.
    ///
    /// A busy store is waited for; any other failure ends the work. What is not recorded then can be had back by
    /// [`take_unrecorded`](Self::take_unrecorded).
    ///
    /// # Errors
    /// How many events are not recorded, and why: the store's error, or [`Error::Busy`] when
    /// [`RecorderOptions::flush_wait`] was over. An append that is under way by then may still record its part.
    pub fn close(&self) -> Result<(), Unrecorded> {
        let mut state = self.shared.state();
        state.close();
        self.shared.call_writer();
        // Whoever waits for room waits in vain.
        self.shared.tell_news();
        let mut left = state.closing_left();
        while !state.has_ended() && !left.is_zero() {
            state = self.shared.wait_for_news(state, left);
            left = state.closing_left();
        }
        let unrecorded = state.unrecorded(state.accepted(), self.options.flush_wait);
        let is_over = state.has_ended() && !left.is_zero();
        drop(state);
        if is_over && let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It has told of its end, and of a panic.
            let _ = writer.join();
        }
        unrecorded.map_or(Ok(()), Err)
    }

    /// After [`close`](Self::close) has failed, gives the events back that are not recorded, in order, once: to
    /// keep them elsewhere and record them another time. Empty before, and while an append is under way that
    /// `close` did not wait for any longer.
    pub fn take_unrecorded(&self) -> Vec<Event> {
        self.shared.state().take_unrecorded()
    }

    /// What became of the events so far.
    pub fn counts(&self) -> RecorderCounts {
        self.shared.state().counts()
    }

    /// Why the latest append failed, while none has succeeded since: for a log, or an alarm.
    pub fn trouble(&self) -> Option<Error> {
        self.shared.state().trouble().cloned()
    }
}

/// Closes it, as far as that was not done. What is not recorded then is lost: [`close`](Recorder::close) says so.
impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("options", &self.options)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
