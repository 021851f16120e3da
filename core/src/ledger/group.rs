//! Group commit: appends that wait at the same time share one durable commit.
//!
//! The first thread to come leads: it begins the write transaction, takes every ticket inside it, answers all
//! after the commit, and hands the lead on. Those that come while it waits for the lock, or while a commit is made
//! durable, leave a ticket and sleep, each by itself: it wakes when it is answered, or to lead.
//!
//! Threads that are answered together tend to come again together, soon. So a leader may wait for others to gather
//! before it begins: for as many as came soon the last time, and for no longer than half of what the last commit
//! took. Where nobody came soon, as after a thread that is alone, it begins at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{Appended, Condition, Error, Event, Result};

/// Larger batches commit alone: copying them for the leader would cost more than it saves.
pub(super) const LARGEST_SHARED: usize = 64;

/// A leader never waits longer than this for others, however slow the last commit was.
const LONGEST_GATHERING: Duration = Duration::from_millis(2);

type Answer = Result<Vec<Appended>>;

/// A batch that waits for a leader.
pub(super) struct Ticket {
    arrived: Instant,
    pub(super) events: Vec<Event>,
    pub(super) condition: Condition,
    call: Mutex<Call>,
    called: Condvar,
}

/// What a sleeping thread wakes for.
enum Call {
    None,
    Lead,
    Answer(Answer),
}

impl Ticket {
    fn new(events: &[Event], condition: Condition) -> Self {
        let arrived = Instant::now();
        Self { arrived, events: events.to_vec(), condition, call: Mutex::new(Call::None), called: Condvar::new() }
    }

    fn call(&self, call: Call) {
        *lock(&self.call) = call;
        self.called.notify_one();
    }

    /// Sleeps until it is called; the answer, or none to lead.
    fn wait(&self) -> Option<Answer> {
        let mut call = lock(&self.call);
        loop {
            match std::mem::replace(&mut *call, Call::None) {
                Call::None => call = self.called.wait(call).unwrap_or_else(PoisonError::into_inner),
                Call::Lead => return None,
                Call::Answer(answer) => return Some(answer),
            }
        }
    }
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Arc<Ticket>>,
    has_leader: bool,
    gathering: Gathering,
}

/// For whom the next leader waits.
#[derive(Default)]
struct Gathering {
    expected: usize,
    until: Option<Instant>,
}

impl Gathering {
    /// After a commit that took so long, with its tickets and those that came meanwhile.
    fn follow<'a>(&mut self, took: Duration, tickets: impl Iterator<Item = &'a Arc<Ticket>>) {
        self.expected = tickets.filter(|ticket| self.until.is_none_or(|until| ticket.arrived <= until)).count();
        self.until = Some(Instant::now() + (took / 2).min(LONGEST_GATHERING));
    }

    fn left(&self) -> Duration {
        self.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}

/// The meeting place of appending threads.
#[derive(Default)]
pub(super) struct Group {
    queue: Mutex<Queue>,
    /// As many have come as the leader waits for.
    gathered: Condvar,
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
        if !self.join(&ticket)
            && let Some(answer) = ticket.wait()
        {
            return answer;
        }
        let leader = Leader { group: self, own: Arc::clone(&ticket), taken: Mutex::default() };
        self.gather();
        let answers = commit(&|| leader.take_tickets());
        leader.answer(answers);
        drop(leader);
        ticket.wait().unwrap_or_else(|| Err(unanswered()))
    }

    /// Stands in line; whether to lead.
    fn join(&self, ticket: &Arc<Ticket>) -> bool {
        let mut queue = lock(&self.queue);
        queue.waiting.push(Arc::clone(ticket));
        if queue.waiting.len() == queue.gathering.expected {
            self.gathered.notify_one();
        }
        !std::mem::replace(&mut queue.has_leader, true)
    }

    fn gather(&self) {
        let mut queue = lock(&self.queue);
        while queue.waiting.len() < queue.gathering.expected {
            let left = queue.gathering.left();
            if left.is_zero() {
                break;
            }
            queue = self.gathered.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The right to commit for the group, handed on when dropped, by a panic too.
struct Leader<'a> {
    group: &'a Group,
    own: Arc<Ticket>,
    taken: Mutex<Taken>,
}

/// What a leader answers for.
#[derive(Default)]
struct Taken {
    since: Option<Instant>,
    tickets: Vec<Arc<Ticket>>,
    answers: Vec<Answer>,
}

impl Leader<'_> {
    fn take_tickets(&self) -> Vec<Arc<Ticket>> {
        self.take_tickets_that(|_| true)
    }

    fn take_tickets_that(&self, is_wanted: impl Fn(&Arc<Ticket>) -> bool) -> Vec<Arc<Ticket>> {
        let tickets: Vec<Arc<Ticket>> =
            lock(&self.group.queue).waiting.extract_if(.., |ticket| is_wanted(ticket)).collect();
        let mut taken = lock(&self.taken);
        taken.since = Some(Instant::now());
        taken.tickets.extend(tickets.iter().cloned());
        tickets
    }

    fn answer(&self, answers: Result<Vec<Answer>>) {
        // An error before any ticket was taken speaks for all who wait; a lock not given only for those who
        // have waited as long: the others may still get it in their time.
        if let Err(error) = &answers
            && lock(&self.taken).tickets.is_empty()
        {
            self.take_tickets_that(|ticket| match error {
                Error::Busy { waited } => Arc::ptr_eq(ticket, &self.own) || ticket.arrived.elapsed() >= *waited,
                _ => true,
            });
        }
        let mut taken = lock(&self.taken);
        taken.answers = match answers {
            Ok(answers) => answers,
            Err(error) => taken.tickets.iter().map(|_| Err(error.clone())).collect(),
        };
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        let Taken { since, mut tickets, answers } = std::mem::take(&mut *lock(&self.taken));
        let mut queue = lock(&self.group.queue);
        let Queue { waiting, gathering, .. } = &mut *queue;
        // A panic before the tickets were taken: nobody may record this one any more.
        tickets.extend(waiting.extract_if(.., |ticket| Arc::ptr_eq(ticket, &self.own)));
        gathering.follow(since.map_or(Duration::ZERO, |since| since.elapsed()), tickets.iter().chain(&*waiting));
        let next = waiting.first().cloned();
        queue.has_leader = next.is_some();
        drop(queue);
        if let Some(next) = next {
            next.call(Call::Lead);
        }
        // Whoever has no answer was given up by a panic.
        let answers = answers.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        for (ticket, answer) in tickets.iter().zip(answers) {
            ticket.call(Call::Answer(answer.unwrap_or_else(|| Err(unanswered()))));
        }
    }
}

fn unanswered() -> Error {
    Error::Engine { operation: "commit", source: Arc::new(std::io::Error::other("the committing thread panicked")) }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    super::lock(mutex)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    use super::*;

    /// A commit that answers each ticket, and how many it took.
    fn commit(take_tickets: &dyn Fn() -> Vec<Arc<Ticket>>, sizes: &Mutex<Vec<usize>>) -> Vec<Answer> {
        let tickets = take_tickets();
        lock(sizes).push(tickets.len());
        tickets.iter().map(|_| Ok(Vec::new())).collect()
    }

    fn until(is_so: impl Fn() -> bool) {
        while !is_so() {
            thread::yield_now();
        }
    }

    /// Runs appends of which the first leads, and goes on when all others wait.
    fn beside_a_leader(
        group: &Group,
        others: usize,
        sizes: &Mutex<Vec<usize>>,
        lead: impl FnOnce(&dyn Fn() -> Vec<Arc<Ticket>>) -> Result<Vec<Answer>> + Send,
    ) -> Vec<Answer> {
        thread::scope(|scope| {
            let leader = scope.spawn(|| {
                group.append(&[], Condition::None, |take_tickets| {
                    let taken = take_tickets();
                    until(|| lock(&group.queue).waiting.len() == others);
                    lead(&|| taken.clone())
                })
            });
            until(|| lock(&group.queue).has_leader && lock(&group.queue).waiting.is_empty());
            let append = || group.append(&[], Condition::None, |take_tickets| Ok(commit(take_tickets, sizes)));
            let others: Vec<_> = (0..others).map(|_| scope.spawn(append)).collect();
            let _ = leader.join();
            others.into_iter().map(|other| other.join().unwrap()).collect()
        })
    }

    #[test]
    fn those_that_wait_share_the_next_commit() {
        let (group, sizes) = (Group::default(), Mutex::default());
        let answers = beside_a_leader(&group, 7, &sizes, |take_tickets| Ok(commit(take_tickets, &sizes)));
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(*lock(&sizes), [1, 7]);
        assert!(!lock(&group.queue).has_leader);
    }

    #[test]
    fn a_leader_that_panics_hands_the_lead_on() {
        let (group, sizes) = (Group::default(), Mutex::default());
        let answers = beside_a_leader(&group, 3, &sizes, |_| panic!("within the commit"));
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(*lock(&sizes), [3]);
        // Before it has taken its own ticket: nobody records that.
        let panicked = catch_unwind(AssertUnwindSafe(|| group.append(&[], Condition::None, |_| panic!("at once"))));
        assert!(panicked.is_err());
        group.append(&[], Condition::None, |take_tickets| Ok(commit(take_tickets, &sizes))).unwrap();
        assert_eq!(*lock(&sizes), [3, 1]);
    }

    #[test]
    fn who_is_taken_by_a_leader_that_panics_is_told() {
        let group = Group::default();
        let (own, other) = (Arc::new(Ticket::new(&[], Condition::None)), Arc::new(Ticket::new(&[], Condition::None)));
        assert!(group.join(&own) && !group.join(&other));
        let leader = Leader { group: &group, own: Arc::clone(&own), taken: Mutex::default() };
        leader.take_tickets();
        drop(leader);
        assert!(other.wait().is_some_and(|answer| answer.is_err()));
    }

    #[test]
    fn a_lock_not_given_is_busy_for_those_who_have_waited_as_long() {
        let (group, sizes) = (Group::default(), Mutex::default());
        let answer = thread::scope(|scope| {
            let leader = scope.spawn(|| {
                group.append(&[], Condition::None, |_| {
                    until(|| lock(&group.queue).waiting.len() == 2);
                    Err(Error::Busy { waited: Duration::from_hours(1) })
                })
            });
            until(|| lock(&group.queue).has_leader);
            let append = || group.append(&[], Condition::None, |take_tickets| Ok(commit(take_tickets, &sizes)));
            let other = scope.spawn(append);
            assert!(leader.join().unwrap().is_err_and(|error| error.is_busy()));
            other.join().unwrap()
        });
        assert!(answer.is_ok());
    }

    #[test]
    fn a_leader_waits_for_as_many_as_came_soon() {
        let ticket = |arrived| Arc::new(Ticket { arrived, ..Ticket::new(&[], Condition::None) });
        let now = Instant::now();
        let took = Duration::from_micros(500);
        let mut gathering = Gathering::default();
        assert!(gathering.left().is_zero());
        gathering.follow(took, [ticket(now), ticket(now), ticket(now)].iter());
        assert_eq!(gathering.expected, 3);
        assert!(gathering.left() <= took / 2);
        let late = now + Duration::from_secs(1);
        gathering.follow(took, [ticket(now), ticket(now), ticket(late)].iter());
        assert_eq!(gathering.expected, 2);
        gathering.follow(Duration::MAX, [ticket(late)].iter());
        assert_eq!(gathering.expected, 0);
        assert!(gathering.left() <= LONGEST_GATHERING);
    }

    #[test]
    fn a_thread_that_is_alone_waits_for_nobody() {
        let (group, sizes) = (Group::default(), Mutex::default());
        for _ in 0..3 {
            group.append(&[], Condition::None, |take_tickets| Ok(commit(take_tickets, &sizes))).unwrap();
            assert!(lock(&group.queue).gathering.expected <= 1);
        }
        assert_eq!(*lock(&sizes), [1, 1, 1]);
    }
}
