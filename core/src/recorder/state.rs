//! What recorder and writer share: the queue, what became of events, and what the writer does next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::options::{RecorderCounts, RecorderOptions, Unrecorded};
use super::queue::Queue;
use crate::ledger::Patience;
use crate::{Appended, Error, Event};

/// The pause after an append that failed. The store itself may have waited already.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// Pauses double up to here.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What the writer does next.
pub(super) enum Step {
    Append(Vec<Event>),
    /// Sleep until there is something to do, or for this long.
    Wait(Option<Duration>),
    End,
}

/// What the writer does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    Awake,
    /// It sleeps, and nothing but an event or the end wakes it.
    Idle,
    Appending,
    /// It does nothing any more.
    Ended,
}

/// The store does not record.
#[derive(Debug)]
struct Trouble {
    error: Error,
    since: Instant,
    pause: Duration,
}

impl Trouble {
    fn left(&self) -> Duration {
        self.pause.saturating_sub(self.since.elapsed())
    }
}

/// No more events are taken in.
#[derive(Debug)]
struct Closing {
    patience: Patience,
    /// As many appends had failed before.
    failures: u64,
}

#[derive(Debug)]
pub(super) struct State {
    options: RecorderOptions,
    queue: Queue,
    accepted: u64,
    recorded: u64,
    duplicates: u64,
    dropped: u64,
    /// Appends that failed.
    failures: u64,
    trouble: Option<Trouble>,
    /// Somebody waits for durability: no pause before the next try.
    is_urgent: bool,
    writer: Writer,
    closing: Option<Closing>,
}

impl State {
    pub(super) fn new(options: RecorderOptions) -> Self {
        Self {
            options,
            queue: Queue::default(),
            accepted: 0,
            recorded: 0,
            duplicates: 0,
            dropped: 0,
            failures: 0,
            trouble: None,
            is_urgent: false,
            writer: Writer::Awake,
            closing: None,
        }
    }

    pub(super) const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many events the store has answered for: the first ones that were accepted.
    pub(super) const fn settled(&self) -> u64 {
        self.recorded + self.duplicates
    }

    pub(super) const fn failures(&self) -> u64 {
        self.failures
    }

    pub(super) fn is_full(&self) -> bool {
        self.accepted - self.settled() >= self.options.capacity as u64
    }

    pub(super) fn has_ended(&self) -> bool {
        self.writer == Writer::Ended
    }

    /// Why the latest append failed, if it did.
    pub(super) fn trouble(&self) -> Option<&Error> {
        self.trouble.as_ref().map(|trouble| &trouble.error)
    }

    /// The same, where waiting for other writers does not help.
    pub(super) fn lasting_trouble(&self) -> Option<&Error> {
        self.trouble().filter(|error| !error.is_busy())
    }

    /// Whether events are taken in.
    pub(super) fn check_open(&self) -> Result<(), Error> {
        match self.trouble() {
            _ if self.closing.is_some() => Err(Error::Closed),
            Some(error) if self.has_ended() => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Queues an event; whether the writer has to be woken for it.
    pub(super) fn accept(&mut self, event: Event) -> bool {
        self.accepted += 1;
        self.queue.push(event, self.options.batch);
        let is_idle = self.writer == Writer::Idle;
        if is_idle {
            // One call is enough, whoever else comes before it is awake.
            self.writer = Writer::Awake;
        }
        is_idle
    }

    pub(super) fn count_dropped(&mut self) {
        self.dropped += 1;
    }

    pub(super) fn hurry(&mut self) {
        self.is_urgent = true;
    }

    /// What the writer does next.
    pub(super) fn next_step(&mut self) -> Step {
        if self.has_ended() || self.is_to_end() {
            return Step::End;
        }
        self.writer = Writer::Awake;
        let pause = self.trouble.as_ref().map_or(Duration::ZERO, Trouble::left);
        if !self.queue.is_empty() && !pause.is_zero() && !self.is_urgent {
            return Step::Wait(Some(self.closing.as_ref().map_or(pause, |closing| pause.min(closing.patience.left()))));
        }
        self.is_urgent = false;
        if let Some(batch) = self.queue.take() {
            self.writer = Writer::Appending;
            Step::Append(batch)
        } else {
            self.writer = Writer::Idle;
            Step::Wait(None)
        }
    }

    /// Closed, and everything is done, or no try is left.
    fn is_to_end(&self) -> bool {
        let Some(closing) = &self.closing else { return false };
        let has_failed = self.failures > closing.failures && self.lasting_trouble().is_some();
        self.queue.is_empty() || has_failed || closing.patience.left().is_zero()
    }

    pub(super) fn settle(&mut self, batch: &[Event], answers: &[Appended]) {
        let new = answers.iter().filter(|answer| answer.is_new()).count();
        self.recorded += new as u64;
        self.duplicates += (batch.len() - new) as u64;
        self.trouble = None;
        self.writer = Writer::Awake;
    }

    pub(super) fn keep_spare(&mut self, spare: Vec<Event>) {
        self.queue.keep_spare(spare);
    }

    /// Nothing of the batch is recorded: it is the oldest again. Even if the store has recorded it after all,
    /// another try does no harm: its ids are known then.
    pub(super) fn put_back(&mut self, batch: Vec<Event>, error: Error) {
        let pause = self.trouble.as_ref().map_or(FIRST_PAUSE, |trouble| (trouble.pause * 2).min(LONGEST_PAUSE));
        self.queue.put_back(batch);
        self.failures += 1;
        self.trouble = Some(Trouble { error, since: Instant::now(), pause });
        self.writer = Writer::Awake;
    }

    pub(super) fn close(&mut self) {
        if self.closing.is_none() {
            let patience = Patience::new(self.options.flush_wait);
            self.closing = Some(Closing { patience, failures: self.failures });
        }
        self.is_urgent = true;
    }

    /// How long closing waits yet. When that is over and no append is under way, the writer is not needed to
    /// end: it may be gone with a fork.
    pub(super) fn closing_left(&mut self) -> Duration {
        let left = self.closing.as_ref().map_or(Duration::ZERO, |closing| closing.patience.left());
        if left.is_zero() && self.writer != Writer::Appending {
            self.writer = Writer::Ended;
        }
        left
    }

    /// The writer has ended, whyever.
    pub(super) fn end(&mut self) {
        self.writer = Writer::Ended;
        if self.closing.is_none() && self.trouble.is_none() {
            let error = failed("the recorder's writer panicked");
            self.trouble = Some(Trouble { error, since: Instant::now(), pause: LONGEST_PAUSE });
        }
    }

    /// What is not recorded of the first events that were accepted.
    pub(super) fn unrecorded(&self, accepted: u64, waited: Duration) -> Option<Unrecorded> {
        let events = accepted.saturating_sub(self.settled());
        let error = || self.trouble().cloned().unwrap_or(Error::Busy { waited });
        (events > 0).then(|| Unrecorded { events, error: error() })
    }

    /// The events that nobody will record any more.
    pub(super) fn take_unrecorded(&mut self) -> Vec<Event> {
        if self.has_ended() { self.queue.drain() } else { Vec::new() }
    }

    pub(super) fn counts(&self) -> RecorderCounts {
        let unsettled = self.accepted - self.settled();
        let (pending, failed) = if self.has_ended() { (0, unsettled) } else { (unsettled, 0) };
        let (recorded, duplicates, dropped) = (self.recorded, self.duplicates, self.dropped);
        RecorderCounts { recorded, duplicates, pending, dropped, failed }
    }
}

/// A failure that no store has put into words.
pub(super) fn failed(what: impl Into<String>) -> Error {
    Error::Engine { operation: "record what was queued", source: Arc::new(std::io::Error::other(what.into())) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Error, RecorderOptions, State};
    use crate::{EventId, Outcome, Timestamp, ToolName, ToolUse};

    #[test]
    fn an_end_that_nobody_asked_for_is_an_error() {
        let mut state = State::new(RecorderOptions::new());
        let tool = ToolName::new("Bash").unwrap();
        state.accept(ToolUse::new(EventId::random().unwrap(), tool, Outcome::Success, Timestamp::MIN).into());
        state.end();
        assert!(matches!(state.check_open(), Err(Error::Engine { .. })));
        let unrecorded = state.unrecorded(1, Duration::ZERO).unwrap();
        assert!(unrecorded.events == 1 && matches!(unrecorded.error, Error::Engine { .. }), "{unrecorded:?}");
        assert_eq!((state.counts().failed, state.counts().pending), (1, 0));
    }
}
