//! A store over many rounds, and what became of every call.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tooltally::{EventId, OpenOptions, Position};

use super::call::Call;
use super::place::Place;
use super::run::{Ended, Life, run};
use super::spool::{Spooled, grow_old};
use super::tally::Tally;
use crate::kill::finding;
use crate::{Backend, Random, Result};

/// As many waiting events one hook takes in, beside its own.
const TAKEN_IN: usize = 64;
/// So many hooks in a row may come to their deadline though nobody disturbs them.
const MOST_STARVED: u64 = 50;
/// A process that nobody kills, at once.
pub(super) const UNDISTURBED: Life = Life { offset: std::time::Duration::ZERO, kill: None };

/// One store with its spool.
pub(super) struct Site<'a> {
    pub(super) place: Place<'a>,
    /// Another store, which nobody keeps from anyone: how long its hooks take is the machine's doing alone.
    pub(super) free: Place<'a>,
    /// The number of the next call.
    pub(super) next: u64,
    /// The calls that anybody has begun to report.
    pub(super) begun: HashMap<EventId, Call>,
    /// The calls of whom somebody who was not killed has reported success.
    pub(super) promised: BTreeSet<Call>,
    /// How many rounds it has seen.
    pub(super) rounds: u64,
}

/// What a look found.
pub(super) struct Found {
    /// The events that wait, and in how many files each.
    pub(super) waiting: BTreeMap<Call, u64>,
    /// The events in the store.
    pub(super) recorded: BTreeSet<Call>,
    /// All files of the spool.
    pub(super) spooled: Spooled,
}

impl<'a> Site<'a> {
    /// A new store with a history of so many calls.
    pub(super) fn new(backend: Backend, program: &'a Path, history: u64) -> Result<Self> {
        let (place, free) = (Place::new(backend, program)?, Place::new(backend, program)?);
        let mut site = Self { place, free, next: 1, begun: HashMap::new(), promised: BTreeSet::new(), rounds: 0 };
        let calls: Vec<Call> = (1..=history).map(Call).collect();
        site.next += history;
        site.begin(&calls);
        site.import(&calls)?;
        site.promised.extend(&calls);
        site.look()?;
        Ok(site)
    }

    /// Keeps the folder, to be looked at; where it is.
    pub(super) fn keep(self) -> PathBuf {
        self.place.keep()
    }

    /// From now on, these may be found.
    pub(super) fn begin(&mut self, calls: &[Call]) {
        self.begun.extend(calls.iter().map(|call| (call.id(), *call)));
    }

    /// What waits and what is recorded: all that was promised, and nothing twice that is recorded.
    pub(super) fn look(&mut self) -> Result<Found> {
        // Whoever takes events in records them before they wait no more: so first what waits.
        let spooled = Spooled::look(&self.place)?;
        let waiting = spooled.events(|id| self.begun.get(&id).copied())?;
        if let Some(event) = spooled.set_aside_events().next() {
            return finding(format!("an event was set aside as unreadable: {}", event.display()));
        }
        let store = self.place.open(&OpenOptions::new().create(false))?;
        let mut recorded = BTreeSet::new();
        for event in store.read(Position::START, usize::MAX)? {
            match self.begun.get(&event.event.id()) {
                Some(call) if call.is_told_by(&event.event) => {
                    if !recorded.insert(*call) {
                        return finding(format!("call {} is recorded twice, last at {}", call.0, event.position));
                    }
                }
                call => {
                    return finding(format!("position {} holds {:?}, said of {call:?}", event.position, event.event));
                }
            }
        }
        let lost = self.promised.iter().find(|call| !recorded.contains(call) && !waiting.contains_key(call));
        if let Some(call) = lost {
            return finding(format!("call {} was taken, and is neither recorded nor waits", call.0));
        }
        Ok(Found { waiting, recorded, spooled })
    }

    /// Whether a call's event waits or is recorded; `None` where the store can't be asked now.
    pub(super) fn is_somewhere(&self, call: Call, may_ask_store: bool) -> Result<Option<bool>> {
        let waits = Spooled::look(&self.place)?.events(|id| self.begun.get(&id).copied())?.contains_key(&call);
        if waits || !may_ask_store {
            return Ok(Some(waits));
        }
        let store = self.place.open(&OpenOptions::new().create(false));
        let log = store.and_then(|store| store.read(Position::START, usize::MAX));
        match log {
            Err(error) if error.is_busy() => Ok(None),
            log => Ok(Some(log?.iter().any(|recorded| recorded.event.id() == call.id()))),
        }
    }

    /// Takes in what waits, reports every call once more, and looks whether each is recorded once.
    pub(super) fn settle(&mut self, random: &mut Random, tally: &mut Tally) -> Result<()> {
        let before = self.look()?;
        if random.below(2) == 0 {
            self.import(&[])?;
        } else {
            // One more for what those leave that come to their deadline.
            for _ in 0..=before.spooled.waiting.len() / TAKEN_IN + 1 {
                self.record_for_sure()?;
            }
        }
        let after = self.look()?;
        if let Some(call) = after.waiting.keys().next() {
            return finding(format!("call {} waits still, though everything was taken in", call.0));
        }
        if let Some(call) = self.promised.difference(&after.recorded).next() {
            return finding(format!("call {} was taken, and is not recorded in the end", call.0));
        }
        let calls: Vec<Call> = self.begun.values().copied().collect();
        let (new, duplicates) = self.import(&calls)?;
        let recorded = after.recorded.len() as u64;
        if (new, duplicates) != (calls.len() as u64 - recorded, recorded) {
            return finding(format!(
                "of {} calls {recorded} are recorded, and an import counts {new} new",
                calls.len()
            ));
        }
        self.promised.extend(&calls);
        self.clear_spool(&after.spooled)?;
        let verified = self.must(&mut self.place.program("verify"))?;
        let found = self.look()?;
        if found.recorded.len() != self.begun.len() {
            return finding(format!(
                "{} calls, {} recorded; {}",
                self.begun.len(),
                found.recorded.len(),
                verified.stdout
            ));
        }
        tally.stores += 1;
        tally.events += found.recorded.len() as u64;
        Ok(())
    }

    /// What killed hooks left in the middle of writing is gone after a minute, and what is no event is set aside.
    fn clear_spool(&mut self, left: &Spooled) -> Result<()> {
        let planted: Vec<&PathBuf> = left.planted().collect();
        planted.iter().copied().chain(&left.parts).try_for_each(|path| grow_old(path))?;
        self.record_for_sure()?;
        let found = self.look()?;
        if let Some(part) = found.spooled.parts.first() {
            return finding(format!("{} is never removed", part.display()));
        }
        for path in found.spooled.planted() {
            if !std::fs::read_to_string(path)?.starts_with("{\"v\":2") {
                return finding(format!("{} is neither an event nor set aside", path.display()));
            }
        }
        Ok(())
    }

    /// Reports calls by hooks that nobody disturbs, until one of them records its own and takes in what waits: on a
    /// machine that has much else to do one may come to its deadline, and have its call wait.
    fn record_for_sure(&mut self) -> Result<()> {
        for _ in 0..MOST_STARVED {
            let call = Call(self.next);
            self.next += 1;
            self.begin(&[call]);
            let ended = run(&mut self.place.hook(call)?, UNDISTURBED)?;
            if ended.code != Some(0) || !ended.stdout.is_empty() {
                return finding(format!("an undisturbed hook ends with {:?}: {}", ended.code, ended.stderr));
            }
            self.promised.insert(call);
            if ended.stderr.is_empty() {
                return Ok(());
            }
        }
        finding("no undisturbed hook records its call")
    }

    /// Imports calls, undisturbed: how many were new, and how many known.
    fn import(&self, calls: &[Call]) -> Result<(u64, u64)> {
        counts(&self.must(&mut self.place.import(calls)?)?, calls.len())
    }

    fn must(&self, command: &mut Command) -> Result<Ended> {
        let ended = run(command, UNDISTURBED)?;
        if ended.code == Some(0) {
            return Ok(ended);
        }
        finding(format!(
            "{} {:?} ends with {:?}: {}",
            self.place.backend.name(),
            command.get_args(),
            ended.code,
            ended.stderr
        ))
    }
}

/// What an import says: how many events were new, and how many known; all of these calls together.
pub(super) fn counts(ended: &Ended, calls: usize) -> Result<(u64, u64)> {
    let answer: Value = serde_json::from_str(&ended.stdout)?;
    let number = |name: &str| answer.get(name).and_then(Value::as_u64).ok_or("an import's answer has no counts");
    let (new, duplicates) = (number("new")?, number("duplicates")?);
    if new + duplicates == calls as u64 {
        return Ok((new, duplicates));
    }
    finding(format!("an import of {calls} calls counts {answer}"))
}
