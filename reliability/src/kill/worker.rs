//! The process that is killed: it works on a store, and tells a witness what it sends and what is acknowledged.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clap::Args;
use tooltally::{Appended, Condition, Event, MaintenanceExt as _, OpenOptions, Store};
use tooltally_conformance::events::mixed;

use crate::kill::Work;
use crate::witness::{Account, Batch, Witness};
use crate::{Backend, Random, Result, newer};

/// Operations after which it ends if nobody has killed it.
const OPERATIONS: u64 = 200;
/// As many events are not folded yet, at most; the next one folds them all.
const TAIL: u64 = 1023;
/// Maintenance of fewer events would be over at once, or nearly so.
const WORTH_MAINTENANCE: u64 = 2_000;
const HARDLY_WORTH_MAINTENANCE: u64 = 600;

/// What a worker is told.
#[derive(Debug, Args)]
pub struct WorkerArguments {
    /// The backend
    #[arg(long, value_enum)]
    pub(super) backend: Backend,
    /// The store's folder
    #[arg(long)]
    pub(super) folder: PathBuf,
    /// The witness's file
    #[arg(long)]
    pub(super) witness: PathBuf,
    /// What to do
    #[arg(long, value_enum)]
    pub(super) work: Work,
    /// The seed of batches
    #[arg(long)]
    pub(super) seed: u64,
    /// The number of the next event that nobody has sent yet
    #[arg(long)]
    pub(super) next: u64,
    /// Small batches
    #[arg(long)]
    pub(super) small: bool,
}

/// Works until it is killed, or for so long that nobody will.
///
/// # Errors
/// Whatever the store fails with: there is no error that it may give here. A wrong answer.
pub fn work(arguments: &WorkerArguments) -> Result<()> {
    if arguments.work == Work::Migration {
        mark()?;
        newer::open(arguments.backend, &arguments.folder, &OpenOptions::new(), None)?;
        return Ok(());
    }
    let pending = Account::read(&arguments.witness)?.pending();
    let worker = Worker {
        store: arguments.backend.open(&arguments.folder, &OpenOptions::new())?,
        witness: Witness::open(&arguments.witness, true)?,
    };
    let (random, is_small) = (Random::new(arguments.seed), arguments.small);
    let mut sender = Sender { worker: &worker, random, next: arguments.next, is_small };
    if let Some(batch) = pending {
        worker.append(batch, &[])?;
    }
    match arguments.work {
        Work::Single => sender.singles(),
        Work::Batch => (0..OPERATIONS).try_for_each(|_| sender.batch()),
        Work::Rebuild => sender.rebuilds(),
        Work::Compact => sender.compactions(),
        Work::Import | Work::Migration => Err("no store of this program's is opened for that".into()),
    }
}

struct Worker {
    store: Box<dyn Store>,
    witness: Witness,
}

impl Worker {
    /// Appends a batch, mixed with events that are recorded already. Event n stands at position n, for ever.
    fn append(&self, batch: Batch, recorded: &[u64]) -> Result<()> {
        let numbers: Vec<u64> = recorded.iter().copied().chain(batch.numbers()).collect();
        let events: Vec<Event> = numbers.iter().map(|number| mixed(*number)).collect();
        self.witness.sent(batch)?;
        mark()?;
        let answers = self.store.append(&events, Condition::None)?;
        for (answer, number) in answers.iter().zip(&numbers) {
            let may_be_new = *number >= batch.first;
            if answer.position().get() != *number || (answer.is_new() && !may_be_new) {
                return Err(format!("finding: event {number} is answered for with {answer:?}").into());
            }
        }
        let new = answers.iter().filter(|answer| matches!(answer, Appended::New(_))).count() as u64;
        if answers.len() != numbers.len() || (new != 0 && new != batch.count) {
            return Err(format!("finding: of a batch of {}, {new} were new", batch.count).into());
        }
        self.witness.acked(batch, batch.first)
    }

    /// Runs work without events.
    fn maintain(&self, work: &str, run: impl FnOnce(&dyn Store) -> tooltally::Result<()>) -> Result<()> {
        self.witness.begun(work)?;
        mark()?;
        run(self.store.as_ref())?;
        self.witness.done(work)
    }

    /// Rebuilds, with a mark at each transaction that it tells of.
    fn rebuild(&self) -> Result<()> {
        let mut marked = Ok(());
        self.maintain("rebuild", |store| {
            store.rebuild(&mut |_| {
                if marked.is_ok() {
                    marked = mark();
                }
            })
        })?;
        marked
    }
}

/// The one thread that sends new events.
struct Sender<'a> {
    worker: &'a Worker,
    random: Random,
    next: u64,
    is_small: bool,
}

impl Sender<'_> {
    fn send(&mut self, count: u64) -> Result<()> {
        let batch = Batch { first: self.next, count };
        self.next += count;
        let with_recorded = batch.first > 1 && self.random.below(4) == 0;
        let recorded = if with_recorded { 1 + self.random.below(5) } else { 0 };
        let recorded: Vec<u64> = (0..recorded).map(|_| 1 + self.random.below(batch.first - 1)).collect();
        self.worker.append(batch, &recorded)
    }

    /// Events one by one; half the times the tail is full after a few of them, and folded.
    fn singles(&mut self) -> Result<()> {
        if self.random.below(2) == 0 {
            self.send(TAIL + 1)?;
            let until_fold = 1 + self.random.below(8);
            self.send(TAIL - until_fold)?;
        }
        (0..OPERATIONS).try_for_each(|_| self.send(1))
    }

    /// A batch that shares its commit, one that goes alone, or one that is folded at once and has runs merged.
    fn batch(&mut self) -> Result<()> {
        let count = match self.random.below(3) {
            0 => 2 + self.random.below(63),
            1 => 65 + self.random.below(500),
            _ => {
                let powers = if self.is_small { 1 } else { 4 };
                let most = 1 << (9 + self.random.below(powers));
                512 + self.random.below(most)
            }
        };
        self.send(count)
    }

    fn enough_to_maintain(&mut self) -> Result<()> {
        let enough = if self.is_small { HARDLY_WORTH_MAINTENANCE } else { WORTH_MAINTENANCE };
        if self.next <= enough { self.send(enough) } else { Ok(()) }
    }

    /// Rebuilds again and again; half the times another thread records meanwhile.
    fn rebuilds(&mut self) -> Result<()> {
        self.enough_to_maintain()?;
        let worker = self.worker;
        let is_over = AtomicBool::new(self.random.below(2) == 0);
        thread::scope(|scope| {
            let beside = scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let count = 1 + self.random.below(100);
                    self.send(count)?;
                }
                Ok(())
            });
            let rebuilt = (0..OPERATIONS / 40).try_for_each(|_| worker.rebuild());
            is_over.store(true, Ordering::Relaxed);
            let recorded = beside.join().unwrap_or_else(|_| Err("the recording thread panicked".into()));
            rebuilt.and(recorded)
        })
    }

    /// Compactions of a store in which something was freed.
    fn compactions(&mut self) -> Result<()> {
        self.enough_to_maintain()?;
        for _ in 0..OPERATIONS / 20 {
            let count = 600 + self.random.below(900);
            self.send(count)?;
            if self.random.below(2) == 0 {
                self.worker.maintain("rebuild", |store| store.rebuild_quietly())?;
            }
            self.worker.maintain("compact", |store| store.compact())?;
        }
        Ok(())
    }
}

/// Tells whoever will kill this process that an operation begins. Fails when nobody is there any more.
fn mark() -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(b".").and_then(|()| out.flush()).map_err(Into::into)
}
