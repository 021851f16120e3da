//! Logs that do as they are told, over the reference store.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tooltally_core::{
    Appended, Condition, Error, Event, EventId, Log, MemoryStore, Outcome, Position, Recorded, RecorderOptions, Result,
    Timestamp, ToolName, ToolUse,
};

/// Waits that run out only where something hangs.
pub(crate) fn patient() -> RecorderOptions {
    RecorderOptions::new().record_wait(Duration::from_mins(1)).flush_wait(Duration::from_mins(1))
}

/// The event of this number: always the same.
pub(crate) fn numbered(number: u64) -> Event {
    let time = Timestamp::from_micros(1_767_225_600_000_000).unwrap();
    let id = EventId::derived(&[number.to_le_bytes()]);
    ToolUse::new(id, ToolName::new(number.to_string()).unwrap(), Outcome::Success, time).into()
}

/// The numbers of events, in their order.
pub(crate) fn numbers<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<u64> {
    let number = |event: &Event| match event {
        Event::ToolUse(tool_use) => tool_use.tool.as_str().parse().unwrap(),
        _ => unreachable!("a new kind of event"),
    };
    events.into_iter().map(number).collect()
}

/// How a log answers to one append.
pub(crate) enum Answer {
    /// As it should.
    Right,
    /// With an error, nothing recorded.
    Fails(Error),
    /// With an error, though everything is recorded.
    RecordsAndFails(Error),
    Panics,
    /// For one event less than it should.
    IsShort,
}

#[derive(Default)]
struct Gate {
    is_shut: bool,
    came: usize,
}

/// A log that answers as it is told, one answer an append, and rightly when all are used up. Its gate may be
/// shut: then appends wait before it.
#[derive(Default)]
pub(crate) struct Told {
    store: MemoryStore,
    answers: Mutex<VecDeque<Answer>>,
    batches: Mutex<Vec<usize>>,
    gate: Mutex<Gate>,
    moved: Condvar,
}

impl Told {
    pub(crate) fn to(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    pub(crate) fn right() -> Arc<Self> {
        Self::to([])
    }

    /// For longer than any test takes.
    pub(crate) fn always(answer: impl Fn() -> Answer) -> Arc<Self> {
        Self::to((0..100_000).map(|_| answer()))
    }

    /// From now on it answers rightly.
    pub(crate) fn mend(&self) {
        self.answers.lock().unwrap().clear();
    }

    pub(crate) fn shut(&self) {
        self.gate.lock().unwrap().is_shut = true;
    }

    pub(crate) fn open(&self) {
        self.gate.lock().unwrap().is_shut = false;
        self.moved.notify_all();
    }

    /// Waits until so many appends have come to the gate.
    pub(crate) fn wait_for_appends(&self, count: usize) {
        let gate = self.gate.lock().unwrap();
        drop(self.moved.wait_while(gate, |gate| gate.came < count).unwrap());
    }

    /// The numbers of the events that are recorded, in order of position.
    pub(crate) fn recorded(&self) -> Vec<u64> {
        numbers(self.read(Position::START, usize::MAX).unwrap().iter().map(|recorded| &recorded.event))
    }

    /// How many events each append had.
    pub(crate) fn batches(&self) -> Vec<usize> {
        self.batches.lock().unwrap().clone()
    }

    fn pass_gate(&self) {
        let mut gate = self.gate.lock().unwrap();
        gate.came += 1;
        self.moved.notify_all();
        drop(self.moved.wait_while(gate, |gate| gate.is_shut).unwrap());
    }
}

impl Log for Told {
    fn append(&self, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        self.batches.lock().unwrap().push(events.len());
        self.pass_gate();
        let answer = self.answers.lock().unwrap().pop_front();
        match answer.unwrap_or(Answer::Right) {
            Answer::Right => self.store.append(events, condition),
            Answer::Fails(error) => Err(error),
            Answer::RecordsAndFails(error) => {
                self.store.append(events, condition)?;
                Err(error)
            }
            Answer::Panics => panic!("as it was told"),
            Answer::IsShort => self.store.append(events, condition).map(|mut answers| {
                answers.pop();
                answers
            }),
        }
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>> {
        self.store.read(after, limit)
    }

    fn head(&self) -> Result<Position> {
        self.store.head()
    }
}

pub(crate) fn busy() -> Error {
    Error::Busy { waited: Duration::ZERO }
}

pub(crate) fn full() -> Error {
    Error::Full { operation: "append", source: Arc::new(std::io::Error::other("no room")) }
}
