//! A process that writes all the time, and others beside it that each want one append now and then.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use tooltally::{Condition, OpenOptions, Store};

use super::marked::Mark;
use super::member::say;
use super::process::Process;
use super::served::Waits;
use crate::kill::finding;
use crate::witness::{Batch, Witness};
use crate::{Backend, Result};

/// The numbers of processes that nobody else has.
const GREEDY: u64 = 1_002;
const MODEST: u64 = 1_003;
/// So many events are looked up, and found, in each transaction: as an import does that comes again. The lock is free
/// between two of them for a thousandth of the time.
const AT_ONCE: u64 = 20_000;
/// How many others there are, and how often each of them appends.
const OTHERS: u64 = 3;
const APPENDS: u64 = 8;
/// How often a store is opened that is busy.
const OPENINGS: usize = 10;

/// What the process that writes all the time is told.
#[derive(Debug, Args)]
pub struct GreedyArguments {
    /// The backend
    #[arg(long, value_enum)]
    backend: Backend,
    /// The store's folder
    #[arg(long)]
    folder: PathBuf,
}

/// Appends the same batch again and again until its stdin is closed.
///
/// # Errors
/// Whatever the store fails with.
pub fn write_all_the_time(arguments: &GreedyArguments) -> Result<()> {
    let store = arguments.backend.open(&arguments.folder, &OpenOptions::new().wait(Duration::from_mins(1)))?;
    let mark = Mark { process: GREEDY, thread: 0 };
    let batch = Batch { first: mark.first_number(), count: AT_ONCE };
    let events = mark.events(batch)?;
    let witness = Witness::open(&arguments.folder.join(mark.witness()), false)?;
    witness.sent(batch)?;
    let answers = store.append(&events, Condition::None)?;
    let first = answers.first().ok_or("an append without an answer")?;
    witness.acked(batch, first.position().get())?;
    say("ready")?;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Whatever comes, and the end of it.
            let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
            is_over.store(true, Ordering::Relaxed);
        });
        let mut batches = 0_u64;
        while !is_over.load(Ordering::Relaxed) {
            store.append(&events, Condition::None)?;
            batches += 1;
        }
        say(&format!("{batches}"))
    })
}

/// The marks of all that they append.
pub(super) fn marks() -> impl Iterator<Item = Mark> {
    let others = (0..OTHERS).map(|thread| Mark { process: MODEST, thread });
    [Mark { process: GREEDY, thread: 0 }].into_iter().chain(others)
}

/// Has one process write all the time, and answers how long others waited for their appends.
pub(super) fn meet(backend: Backend, folder: &Path) -> Result<Waits> {
    let folder_text = folder.display().to_string();
    let arguments = ["crowd-greedy", "--backend", backend.name(), "--folder", &folder_text];
    let mut greedy = Process::start(&arguments.map(str::to_owned))?;
    greedy.ready()?;
    let appended: Result<Vec<Vec<u64>>> = thread::scope(|scope| {
        let append = |thread| move || append(backend, folder, Mark { process: MODEST, thread });
        let others: Vec<_> = (0..OTHERS).map(|thread| scope.spawn(append(thread))).collect();
        others.into_iter().map(|other| other.join().unwrap_or_else(|_| Err("a thread panicked".into()))).collect()
    });
    let waits = Waits::of(appended?.concat());
    greedy.finish()?;
    Ok(waits)
}

/// Opens the store, again where that was busy: turns are for those that write, and an opening has none.
fn open(backend: Backend, folder: &Path) -> Result<Box<dyn Store>> {
    for _ in 1..OPENINGS {
        match backend.open(folder, &OpenOptions::new()) {
            Err(error) if error.is_busy() => {}
            answer => return Ok(answer?),
        }
    }
    Ok(backend.open(folder, &OpenOptions::new())?)
}

/// Appends some single events by a handle of its own, within the default wait each.
fn append(backend: Backend, folder: &Path, mark: Mark) -> Result<Vec<u64>> {
    let store = open(backend, folder)?;
    let witness = Witness::open(&folder.join(mark.witness()), false)?;
    let batches = (0..APPENDS).map(|n| Batch { first: mark.first_number() + n, count: 1 });
    batches
        .map(|batch| {
            let events = mark.events(batch)?;
            witness.sent(batch)?;
            let started = Instant::now();
            let answers = match store.append(&events, Condition::None) {
                Err(error) if error.is_busy() => {
                    return finding(format!("beside one that writes all the time, another starves: {error}"));
                }
                answers => answers?,
            };
            let took = started.elapsed();
            let first = answers.first().ok_or("an append without an answer")?;
            witness.acked(batch, first.position().get())?;
            Ok(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
        })
        .collect()
}
