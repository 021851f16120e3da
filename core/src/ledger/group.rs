//! Group commit: appends that wait at the same time share one durable commit.
//!
//! The first thread to come becomes the leader and begins the write transaction; those that come while it
//! waits for the lock, or while the commit before it is made durable, leave a ticket. Inside its
//! transaction the leader takes every ticket, answers all after the commit, and steps down.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::{Appended, Condition, Error, Event, Result};

/// Larger batches commit alone: copying them for the leader would cost more than it saves.
pub(super) const LARGEST_SHARED: usize = 64;

type Answer = Result<Vec<Appended>>;

/// A batch that waits for a leader.
pub(super) struct Ticket {
    arrived: Instant,
    pub(super) events: Vec<Event>,
    pub(super) condition: Condition,
    answer: Mutex<Option<Answer>>,
}

impl Ticket {
    fn new(events: &[Event], condition: Condition) -> Self {
        Self { arrived: Instant::now(), events: events.to_vec(), condition, answer: Mutex::new(None) }
    }

    fn take_answer(&self) -> Option<Answer> {
        lock(&self.answer).take()
    }
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Arc<Ticket>>,
    has_leader: bool,
}

/// The meeting place of appending threads.
#[derive(Default)]
pub(super) struct Group {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Group {
    /// Appends in a group. `commit` runs in the leader's thread alone: it takes the tickets inside its
    /// transaction by the function it is given, and answers one by one in the same order.
    pub(super) fn append(
        &self,
        events: &[Event],
        condition: Condition,
        commit: impl FnOnce(&dyn Fn() -> Vec<Arc<Ticket>>) -> Result<Vec<Answer>>,
    ) -> Answer {
        let ticket = Arc::new(Ticket::new(events, condition));
        let mut queue = lock(&self.queue);
        queue.waiting.push(Arc::clone(&ticket));
        loop {
            if let Some(answer) = ticket.take_answer() {
                return answer;
            }
            if !queue.has_leader {
                break;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.has_leader = true;
        drop(queue);
        let leader = Leader { group: self, own: Arc::clone(&ticket), taken: Mutex::new(Vec::new()) };
        let answers = commit(&|| leader.take_tickets());
        leader.answer(answers);
        drop(leader);
        ticket.take_answer().unwrap_or_else(|| Err(unanswered()))
    }
}

/// The right to commit for the group, given up when dropped, by a panic too.
struct Leader<'a> {
    group: &'a Group,
    own: Arc<Ticket>,
    taken: Mutex<Vec<Arc<Ticket>>>,
}

impl Leader<'_> {
    fn take_tickets(&self) -> Vec<Arc<Ticket>> {
        self.take_tickets_that(|_| true)
    }

    fn take_tickets_that(&self, is_wanted: impl Fn(&Arc<Ticket>) -> bool) -> Vec<Arc<Ticket>> {
        let tickets: Vec<Arc<Ticket>> =
            lock(&self.group.queue).waiting.extract_if(.., |ticket| is_wanted(ticket)).collect();
        lock(&self.taken).extend(tickets.iter().cloned());
        tickets
    }

    fn answer(&self, answers: Result<Vec<Answer>>) {
        // An error before any ticket was taken speaks for all who wait; a lock not given only for those who
        // have waited as long: the others may still get it in their time.
        if let Err(error) = &answers
            && lock(&self.taken).is_empty()
        {
            self.take_tickets_that(|ticket| match error {
                Error::Busy { waited } => Arc::ptr_eq(ticket, &self.own) || ticket.arrived.elapsed() >= *waited,
                _ => true,
            });
        }
        let taken = std::mem::take(&mut *lock(&self.taken));
        match answers {
            Ok(answers) => {
                for (ticket, answer) in taken.iter().zip(answers) {
                    *lock(&ticket.answer) = Some(answer);
                }
            }
            Err(error) => {
                for ticket in &taken {
                    *lock(&ticket.answer) = Some(Err(error.clone()));
                }
            }
        }
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        for ticket in lock(&self.taken).drain(..) {
            lock(&ticket.answer).get_or_insert_with(|| Err(unanswered()));
        }
        let mut queue = lock(&self.group.queue);
        // A panic before the tickets were taken: nobody may record this one any more.
        queue.waiting.retain(|ticket| !Arc::ptr_eq(ticket, &self.own));
        queue.has_leader = false;
        drop(queue);
        self.group.changed.notify_all();
    }
}

fn unanswered() -> Error {
    Error::Engine { operation: "commit", source: Arc::new(std::io::Error::other("the committing thread panicked")) }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    super::lock(mutex)
}
