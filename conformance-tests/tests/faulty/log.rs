//! Faults of the log: what is recorded, answered for and read.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tooltally_core::{
    Appended, Condition, Error, Event, EventId, GroupBy, Position, Recorded, Result, Selection, Store, ToolDuration,
    UsageRow,
};

use crate::with::Fault;

/// The tool use in an event, to be changed.
fn changed(event: &Event, change: impl FnOnce(&mut tooltally_core::ToolUse)) -> Event {
    let Event::ToolUse(tool_use) = event else { panic!("a new kind of event") };
    let mut tool_use = tool_use.clone();
    change(&mut tool_use);
    tool_use.into()
}

/// Waits for what another thread does, but not for long: a fault that stays hidden fails its test.
fn wait_for(happened: impl Fn() -> bool) {
    let begun = Instant::now();
    while !happened() && begun.elapsed() < Duration::from_millis(20) {
        std::thread::yield_now();
    }
}

#[derive(Default)]
pub(crate) struct LosesTheLast;

impl Fault for LosesTheLast {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        match events {
            [first @ .., _] if !first.is_empty() => {
                let mut answers = store.append(first, condition)?;
                answers.push(Appended::New(store.head()?.next()));
                Ok(answers)
            }
            _ => store.append(events, condition),
        }
    }
}

#[derive(Default)]
pub(crate) struct RecordsPart;

impl Fault for RecordsPart {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let answer = store.append(events, condition);
        if answer.is_err() {
            store.append(&events[..events.len() / 2], Condition::None)?;
        }
        answer
    }
}

#[derive(Default)]
pub(crate) struct LosesZero;

impl Fault for LosesZero {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let zero = ToolDuration::from_micros(0).unwrap();
        let lose = |event| changed(event, |u| u.duration = u.duration.filter(|d| *d != zero));
        store.append(&events.iter().map(lose).collect::<Vec<_>>(), condition)
    }
}

#[derive(Default)]
pub(crate) struct ReadsFrom;

impl Fault for ReadsFrom {
    fn read(&self, store: &dyn Store, after: Position, limit: usize) -> Result<Vec<Recorded>> {
        store.read(Position::new(after.get().saturating_sub(1)), limit)
    }
}

#[derive(Default)]
pub(crate) struct GivesAPositionTwice;

impl Fault for GivesAPositionTwice {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let mut answers = store.append(events, condition)?;
        if let [.., before, last] = &mut answers[..] {
            *last = *before;
        }
        Ok(answers)
    }
}

#[derive(Default)]
pub(crate) struct CountsADuplicate;

/// Records the events again under other ids.
fn record_anew(store: &dyn Store, event: &Event) -> Result<Appended> {
    let other = changed(event, |u| u.id = EventId::random().unwrap());
    Ok(store.append(&[other], Condition::None)?[0])
}

impl Fault for CountsADuplicate {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let answers = store.append(events, condition)?;
        let again = |(answer, event): (Appended, &Event)| {
            if answer.is_new() { Ok(answer) } else { record_anew(store, event) }
        };
        answers.into_iter().zip(events).map(again).collect()
    }
}

#[derive(Default)]
pub(crate) struct ForgetsFarBack;

impl Fault for ForgetsFarBack {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let answers = store.append(events, condition)?;
        let head = store.head()?.get();
        let again = |(answer, event): (Appended, &Event)| match answer {
            Appended::Duplicate(first) if head - first.get() > 10_000 => record_anew(store, event),
            _ => Ok(answer),
        };
        answers.into_iter().zip(events).map(again).collect()
    }
}

/// Half of an id stands for the whole, with nobody to ask the log.
#[derive(Default)]
pub(crate) struct TrustsFingerprints(Mutex<HashMap<[u8; 8], EventId>>);

impl Fault for TrustsFingerprints {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let mut known = self.0.lock().unwrap();
        let mut first_like = |event: &Event| {
            let fingerprint = event.id().as_bytes()[..8].try_into().unwrap();
            let first = *known.entry(fingerprint).or_insert(event.id());
            changed(event, |u| u.id = first)
        };
        let alike: Vec<Event> = events.iter().map(&mut first_like).collect();
        store.append(&alike, condition)
    }
}

#[derive(Default)]
pub(crate) struct LastWins(Mutex<HashMap<EventId, Event>>);

impl Fault for LastWins {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let answers = store.append(events, condition)?;
        self.0.lock().unwrap().extend(events.iter().map(|event| (event.id(), event.clone())));
        Ok(answers)
    }

    fn read(&self, store: &dyn Store, after: Position, limit: usize) -> Result<Vec<Recorded>> {
        let latest = self.0.lock().unwrap();
        let replace = |r: Recorded| Recorded { event: latest[&r.id()].clone(), ..r };
        Ok(store.read(after, limit)?.into_iter().map(replace).collect())
    }
}

#[derive(Default)]
pub(crate) struct IgnoresCondition;

impl Fault for IgnoresCondition {
    fn append(&self, store: &dyn Store, events: &[Event], _condition: Condition) -> Result<Vec<Appended>> {
        store.append(events, Condition::None)
    }
}

#[derive(Default)]
pub(crate) struct DecidesEarly(AtomicUsize);

impl Fault for DecidesEarly {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        condition.check(store.head()?)?;
        // Another may come in between: let it.
        let turn = self.0.fetch_add(1, Ordering::SeqCst);
        wait_for(|| self.0.load(Ordering::SeqCst) > turn + 1);
        store.append(events, Condition::None)
    }
}

#[derive(Default)]
pub(crate) struct ForgivesDuplicates;

impl Fault for ForgivesDuplicates {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let answer = store.append(events, condition);
        let Err(Error::ConditionNotMet { .. }) = answer else { return answer };
        let log = store.read(Position::START, usize::MAX)?;
        let known = |event: &Event| log.iter().any(|r| r.id() == event.id());
        if !events.is_empty() && events.iter().all(known) { store.append(events, Condition::None) } else { answer }
    }
}

#[derive(Default)]
pub(crate) struct ExposesHalf {
    questions: AtomicU64,
}

impl Fault for ExposesHalf {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let (first, second) = events.split_at(events.len() / 2);
        let mut answers = store.append(first, condition)?;
        let asked = self.questions.load(Ordering::SeqCst);
        wait_for(|| self.questions.load(Ordering::SeqCst) > asked);
        answers.extend(store.append(second, Condition::None)?);
        Ok(answers)
    }

    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        let rows = store.usage(selection, group_by);
        self.questions.fetch_add(1, Ordering::SeqCst);
        rows
    }
}

/// Two that append at once both write at the place that they saw: one is overwritten.
#[derive(Default)]
pub(crate) struct LosesARace {
    inside: AtomicUsize,
}

impl Fault for LosesARace {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let others = self.inside.fetch_add(1, Ordering::SeqCst);
        let answers = if others == 0 {
            wait_for(|| self.inside.load(Ordering::SeqCst) > 1);
            store.append(events, condition)
        } else {
            let next = store.head()?.get() + 1;
            Ok((next..).take(events.len()).map(|n| Appended::New(Position::new(n))).collect())
        };
        self.inside.fetch_sub(1, Ordering::SeqCst);
        answers
    }
}

#[derive(Default)]
pub(crate) struct AddsItsOwn;

impl Fault for AddsItsOwn {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let add = |event| changed(event, |u| u.attributes.set("user", "dev").unwrap());
        store.append(&events.iter().map(add).collect::<Vec<_>>(), condition)
    }
}
