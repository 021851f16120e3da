//! Events in order, kept in the batches that they will be appended in: taking one moves no event.

use std::collections::VecDeque;

use crate::Event;

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// None is empty.
    batches: VecDeque<Vec<Event>>,
    /// An empty batch with room that was allocated before.
    spare: Vec<Event>,
}

impl Queue {
    pub(super) fn push(&mut self, event: Event, largest_batch: usize) {
        match self.batches.back_mut() {
            Some(last) if last.len() < largest_batch => last.push(event),
            _ => {
                let mut batch = std::mem::take(&mut self.spare);
                batch.push(event);
                self.batches.push_back(batch);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The oldest events.
    pub(super) fn take(&mut self) -> Option<Vec<Event>> {
        self.batches.pop_front()
    }

    /// Events that were taken are the oldest again.
    pub(super) fn put_back(&mut self, batch: Vec<Event>) {
        self.batches.push_front(batch);
    }

    /// Keeps an empty batch for later events.
    pub(super) fn keep_spare(&mut self, spare: Vec<Event>) {
        self.spare = spare;
    }

    /// All events, oldest first.
    pub(super) fn drain(&mut self) -> Vec<Event> {
        self.batches.drain(..).flatten().collect()
    }
}
