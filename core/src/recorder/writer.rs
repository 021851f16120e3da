//! The thread that records.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::state::{State, Step, failed};
use crate::{Appended, Condition, Error, Event, Log, Result};

/// What recorder and writer share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// There is something to do for the writer.
    work: Condvar,
    /// There is news for those who wait: for room, for durability, for the end.
    news: Condvar,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), work: Condvar::new(), news: Condvar::new() }
    }

    /// A poisoned lock is taken as it is: what it guards is changed in single steps.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the writer.
    pub(super) fn call_writer(&self) {
        self.work.notify_one();
    }

    /// Wakes all who wait for news.
    pub(super) fn tell_news(&self) {
        self.news.notify_all();
    }

    /// Waits for news, but no longer than this.
    pub(super) fn wait_for_news<'a>(&self, state: MutexGuard<'a, State>, longest: Duration) -> MutexGuard<'a, State> {
        self.news.wait_timeout(state, longest).unwrap_or_else(PoisonError::into_inner).0
    }

    /// The next events to append; none when the work is at its end.
    fn next_batch(&self) -> Option<Vec<Event>> {
        let mut state = self.state();
        loop {
            match state.next_step() {
                Step::Append(batch) => return Some(batch),
                Step::End => return None,
                Step::Wait(Some(longest)) => {
                    state = self.work.wait_timeout(state, longest).unwrap_or_else(PoisonError::into_inner).0;
                }
                Step::Wait(None) => state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// The writer's whole life.
    pub(super) fn write<S: Log + ?Sized>(&self, store: &S) {
        let _end = End(self);
        while let Some(mut batch) = self.next_batch() {
            match append(store, &batch) {
                Ok(answers) => {
                    self.state().settle(&batch, &answers);
                    self.tell_news();
                    batch.clear();
                    self.state().keep_spare(batch);
                }
                Err(error) => {
                    self.state().put_back(batch, error);
                    self.tell_news();
                }
            }
        }
    }
}

/// Tells everybody that the writer has ended, even by a panic: nobody waits for it in vain.
struct End<'a>(&'a Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.state().end();
        self.0.tell_news();
    }
}

/// One append. A store that panics has failed, as far as others can know.
fn append<S: Log + ?Sized>(store: &S, batch: &[Event]) -> Result<Vec<Appended>> {
    let answers = catch_unwind(AssertUnwindSafe(|| store.append(batch, Condition::None))).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        failed(format!("the store panicked: {}", text.unwrap_or("it did not say why")))
    })??;
    if answers.len() == batch.len() {
        return Ok(answers);
    }
    let detail = format!("{} events were appended, {} answered for", batch.len(), answers.len());
    Err(Error::corrupt("append", detail))
}
