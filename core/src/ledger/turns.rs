//! The writers of one process stand in line: first come, first served, each with its own deadline.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::wait::Patience;
use crate::Result;

/// The line.
#[derive(Debug, Default)]
pub struct Turns {
    line: Mutex<Line>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Line {
    next_ticket: u64,
    /// The tickets in order of arrival; the first one's turn it is.
    tickets: VecDeque<u64>,
}

impl Turns {
    /// Waits for this thread's turn.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) when it does not come in time.
    pub fn take(&self, patience: &Patience) -> Result<Turn<'_>> {
        let mut line = self.line();
        let ticket = line.next_ticket;
        line.next_ticket += 1;
        line.tickets.push_back(ticket);
        while line.tickets.front() != Some(&ticket) {
            let left = patience.left();
            if left.is_zero() {
                line.tickets.retain(|waiting| *waiting != ticket);
                return Err(patience.busy());
            }
            line = self.moved.wait_timeout(line, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(Turn { turns: self })
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn; dropping it calls the next in line.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.line().tickets.pop_front();
        self.turns.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn turns_come_in_order_of_arrival() {
        let turns = Turns::default();
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let first = turns.take(&Patience::new(Duration::ZERO)).unwrap();
            for number in 0..4 {
                let (turns, order) = (&turns, &order);
                scope.spawn(move || {
                    let _turn = turns.take(&Patience::new(Duration::MAX)).unwrap();
                    order.lock().unwrap().push(number);
                });
                while turns.line().tickets.len() < number + 2 {
                    thread::yield_now();
                }
            }
            drop(first);
        });
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_turn_that_does_not_come_is_busy_and_leaves_the_line() {
        let turns = Turns::default();
        let held = turns.take(&Patience::new(Duration::ZERO)).unwrap();
        assert!(turns.take(&Patience::new(Duration::from_millis(2))).is_err_and(|error| error.is_busy()));
        drop(held);
        assert!(turns.take(&Patience::new(Duration::ZERO)).is_ok());
    }
}
