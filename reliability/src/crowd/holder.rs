//! A process that holds the writers' lock and is killed, or stopped, while it does.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tooltally::{Condition, Error, GroupBy, OpenOptions, Position, Selection, Store};

use super::marked::Mark;
use super::member::say;
use super::process::Process;
use crate::kill::finding;
use crate::witness::{Batch, Witness};
use crate::{Backend, Result};

/// A batch of so many events keeps the lock for long enough to be met there.
const HELD_FOR: u64 = 60_000;
/// The numbers of processes that no member has.
const HOLDERS: u64 = 1_000;
const OTHERS: u64 = 1_001;
/// The wait of a writer beside a stopped one.
const SHORT_WAIT: Duration = Duration::from_millis(300);

/// What a holder is told.
#[derive(Debug, Args)]
pub struct HolderArguments {
    /// The backend
    #[arg(long, value_enum)]
    backend: Backend,
    /// The store's folder
    #[arg(long)]
    folder: PathBuf,
    /// Which holder it is
    #[arg(long)]
    number: u64,
}

/// Appends one huge batch.
///
/// # Errors
/// Whatever the store fails with.
pub fn hold(arguments: &HolderArguments) -> Result<()> {
    let store = arguments.backend.open(&arguments.folder, &OpenOptions::new())?;
    let mark = Mark { process: HOLDERS, thread: arguments.number };
    let batch = Batch { first: mark.first_number(), count: HELD_FOR };
    let events = mark.events(batch)?;
    let witness = Witness::open(&arguments.folder.join(mark.witness()), false)?;
    say("ready")?;
    std::io::stdin().read_line(&mut String::new())?;
    witness.sent(batch)?;
    let answers = store.append(&events, Condition::None)?;
    let first = answers.first().ok_or("an append without an answer")?;
    witness.acked(batch, first.position().get())?;
    say("done")
}

/// What becomes of the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// SIGKILL
    Killed,
    /// SIGSTOP, and SIGCONT after a while
    Stopped,
}

/// How the others fared.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Held {
    /// How long an append took that began right after a kill, in microseconds.
    pub(super) append_after_kill_micros: Option<u64>,
    /// How long an append beside a stopped holder waited before it was busy, in microseconds; none if the holder was
    /// done before the signal came.
    pub(super) busy_beside_stopped_micros: Option<u64>,
    /// Whether a query beside a stopped holder was answered.
    pub(super) is_answered_beside_stopped: Option<bool>,
}

/// The marks of all that holders and those beside them append.
pub(super) fn marks() -> impl Iterator<Item = Mark> {
    [HOLDERS, OTHERS].into_iter().flat_map(|process| (0..2).map(move |thread| Mark { process, thread }))
}

/// Has a process hold the lock, and end so.
pub(super) fn meet(backend: Backend, folder: &Path, end: End) -> Result<Held> {
    let number = u64::from(end == End::Stopped);
    let folder_text = folder.display().to_string();
    let arguments = ["crowd-holder", "--backend", backend.name(), "--folder", &folder_text, "--number"];
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).chain([number.to_string()]).collect();
    let mut holder = Process::start(&arguments)?;
    holder.ready()?;
    let mut beside = Beside::open(backend, folder, number)?;
    holder.go()?;
    while !beside.is_locked_out()? {
        if holder.has_ended()? {
            return Err("the holder was done before it was met".into());
        }
    }
    let mut held = Held::default();
    match end {
        End::Killed => {
            holder.kill()?;
            let answer = beside.append(Wait::Default)?;
            if answer.is_busy {
                return finding(format!("a killed holder of the lock keeps others out: busy after {:?}", answer.took));
            }
            held.append_after_kill_micros = Some(micros(answer.took));
        }
        End::Stopped => {
            holder.signal("STOP")?;
            let answer = beside.append(Wait::Short)?;
            held.busy_beside_stopped_micros = answer.is_busy.then(|| micros(answer.took));
            held.is_answered_beside_stopped = Some(beside.is_answered()?);
            holder.signal("CONT")?;
            holder.finish()?;
            if beside.append(Wait::Default)?.is_busy {
                return finding("a holder that went on and ended keeps others out");
            }
        }
    }
    Ok(held)
}

#[derive(Clone, Copy)]
enum Wait {
    Short,
    Default,
}

struct Answer {
    is_busy: bool,
    took: Duration,
}

/// A writer beside the holder, with handles of different patience.
struct Beside {
    stores: [Box<dyn Store>; 3],
    mark: Mark,
    witness: Witness,
    next: u64,
}

impl Beside {
    fn open(backend: Backend, folder: &Path, number: u64) -> Result<Self> {
        let mark = Mark { process: OTHERS, thread: number };
        let open = |options: OpenOptions| backend.open(folder, &options);
        let hasty = open(OpenOptions::new().wait(Duration::ZERO))?;
        let stores = [hasty, open(OpenOptions::new().wait(SHORT_WAIT))?, open(OpenOptions::new())?];
        let witness = Witness::open(&folder.join(mark.witness()), false)?;
        Ok(Self { stores, mark, witness, next: mark.first_number() })
    }

    /// Appends the next event; one that was refused is the next one again.
    fn append(&mut self, wait: Wait) -> Result<Answer> {
        let batch = Batch { first: self.next, count: 1 };
        let [_, short, patient] = &self.stores;
        let store = match wait {
            Wait::Short => short,
            Wait::Default => patient,
        };
        self.witness.sent(batch)?;
        let started = Instant::now();
        let answer = store.append(&self.mark.events(batch)?, Condition::None);
        let took = started.elapsed();
        match answer {
            Err(error) if error.is_busy() => Ok(Answer { is_busy: true, took }),
            answer => {
                let answers = answer?;
                let first = answers.first().ok_or("an append without an answer")?;
                if !first.is_new() {
                    return finding("an event that was refused as busy is recorded");
                }
                self.witness.acked(batch, first.position().get())?;
                self.next += 1;
                Ok(Answer { is_busy: false, took })
            }
        }
    }

    /// Whether another has the lock, as who waits for nobody sees it. It records nothing, so the lock is free again at
    /// once, and between two looks it stays free for as long as a question takes.
    fn is_locked_out(&self) -> Result<bool> {
        self.is_answered()?;
        let [hasty, ..] = &self.stores;
        match hasty.append(&[], Condition::HeadIs(Position::new(u64::MAX))) {
            Err(Error::Busy { .. }) => Ok(true),
            Err(Error::ConditionNotMet { .. }) => Ok(false),
            answer => finding(format!("an append on a condition that never holds is answered with {answer:?}")),
        }
    }

    fn is_answered(&self) -> Result<bool> {
        let [_, short, _] = &self.stores;
        match short.usage(&Selection::all(), &GroupBy::Tool) {
            Err(error) if error.is_busy() => Ok(false),
            answer => Ok(!answer?.is_empty()),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
