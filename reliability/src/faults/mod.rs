//! A faulty disk: the n-th operation of each kind fails, once or from then on, for every n that the work reaches;
//! a disk that fills, before or in the middle of a write.
//!
//! Whatever is being done, the caller gets an error that says what the matter is, and no panic; what was
//! acknowledged is there, whole batches only; the store goes on once the disk does, on the same handle or on one
//! opened anew.

mod case;
mod watchdog;
mod work;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use clap::Args;
use tooltally::OpenOptions;
use tooltally_fault_disk::{Fault, Kind, Way};

use crate::{Backend, Random, Result};
use case::{CaseOutcome, Trouble};
use watchdog::Watchdog;
use work::Work;

/// What fails, and how far the sweep goes.
#[derive(Clone, Copy, Debug, Args)]
pub struct Options {
    /// The store under test
    #[arg(long)]
    pub backend: Backend,
    /// Every operation up to this one fails in its turn; of those after it, some
    #[arg(long, default_value_t = 1000)]
    pub sweep: u64,
    /// Which ones, and where the disk is full, follow from it
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Cases in which the disk failed.
    pub cases: u64,
    /// Of those, the work answered with an error.
    pub failed: u64,
    /// Of those, the same handle went on once the disk was whole again.
    pub usable: u64,
    /// Of those, the work was recorded although it was answered with an error.
    pub recorded_after_all: u64,
    /// The highest n of an n-th operation that failed: a sweep that goes so far passes over none.
    pub furthest: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cases, failed, usable, recorded_after_all, furthest } = self;
        write!(
            f,
            "{cases} cases in which the disk failed, {failed} answered with an error, {usable} usable on the same \
             handle, {recorded_after_all} recorded after all; the furthest operation that failed was number {furthest}"
        )
    }
}

impl Outcome {
    fn add(&mut self, trouble: Trouble, case: CaseOutcome) {
        self.cases += u64::from(case.fired);
        self.failed += u64::from(case.failed);
        self.usable += u64::from(case.fired && case.usable);
        self.recorded_after_all += u64::from(case.recorded_after_all);
        if let Trouble::Fault(fault) = trouble
            && case.fired
        {
            self.furthest = self.furthest.max(fault.nth);
        }
    }

    fn add_all(&mut self, more: Self) {
        self.cases += more.cases;
        self.failed += more.failed;
        self.usable += more.usable;
        self.recorded_after_all += more.recorded_after_all;
        self.furthest = self.furthest.max(more.furthest);
    }
}

/// Runs the long form and prints what was seen.
///
/// # Errors
/// As [`run`].
pub fn report(options: &Options) -> Result<()> {
    let outcome = run(options, &mut |line| println!("{line}"))?;
    println!("faults {} sweep {} seed {}: {outcome}", options.backend.name(), options.sweep, options.seed);
    Ok(())
}

/// Sweeps all kinds of work and of operations, some at a time; a line for each kind of work.
///
/// # Errors
/// The first case that breaks a promise, with what it needs to be had again.
pub fn run(options: &Options, tell: &mut (dyn FnMut(String) + Send)) -> Result<Outcome> {
    let template = tempfile::tempdir()?;
    let open = OpenOptions::new().wait(Duration::from_millis(500));
    work::template(options.backend, template.path(), &open)?;
    let sweep = Sweep { options, open: &open, template: template.path() };
    let parts = Work::ALL.into_iter().flat_map(Part::of);
    let queue = Mutex::new((0..).zip(parts));
    let (progress, is_over) = (Mutex::new(Progress { tell, works: Vec::new() }), AtomicBool::new(false));
    let sweep_parts = || {
        let watchdog = Watchdog::new();
        while !is_over.load(Ordering::Relaxed) {
            let next = lock(&queue).next();
            let Some((number, part)) = next else { break };
            let mut random = Random::for_round(options.seed, number);
            match sweep.run(part, &mut random, &watchdog) {
                Ok(outcome) => lock(&progress).done(part.work, outcome),
                Err(failure) => {
                    is_over.store(true, Ordering::Relaxed);
                    return Err(failure);
                }
            }
        }
        Ok(())
    };
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(sweep_parts)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Result<()>>| {
            thread.join().unwrap_or_else(|_| Err("a thread panicked".into()))
        };
        threads.into_iter().try_for_each(join)
    })?;
    let mut all = Outcome::default();
    lock(&progress).works.iter().for_each(|(_, _, outcome)| all.add_all(*outcome));
    Ok(all)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was seen of each kind of work so far, with how many of its parts are done.
struct Progress<'a> {
    tell: &'a mut (dyn FnMut(String) + Send),
    works: Vec<(Work, usize, Outcome)>,
}

impl Progress<'_> {
    fn done(&mut self, work: Work, outcome: Outcome) {
        if !self.works.iter().any(|(known, ..)| *known == work) {
            self.works.push((work, 0, Outcome::default()));
        }
        for (_, done, all) in self.works.iter_mut().filter(|(known, ..)| *known == work) {
            *done += 1;
            all.add_all(outcome);
            if *done == Part::of(work).count() {
                (self.tell)(format!("{work:?}: {all}"));
            }
        }
    }
}

/// A part of the sweep: a kind of work, and a kind of trouble.
#[derive(Clone, Copy, Debug)]
struct Part {
    work: Work,
    trouble: Trouble,
}

impl Part {
    /// The parts of a kind of work.
    fn of(work: Work) -> impl Iterator<Item = Self> {
        let ways = |kind| match kind {
            Kind::Write => &[Way::Error, Way::Full, Way::Short][..],
            _ => &[Way::Error],
        };
        let faults = Kind::ALL.into_iter().flat_map(move |kind| {
            ways(kind).iter().flat_map(move |way| {
                [false, true].map(|lasting| Trouble::Fault(Fault { kind, nth: 1, lasting, way: *way }))
            })
        });
        faults.chain([Trouble::Room(0)]).map(move |trouble| Self { work, trouble })
    }
}

struct Sweep<'a> {
    options: &'a Options,
    open: &'a OpenOptions,
    template: &'a Path,
}

impl Sweep<'_> {
    fn run(&self, part: Part, random: &mut Random, watchdog: &Watchdog) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut case = |trouble| self.case(part.work, trouble, watchdog, &mut outcome);
        match part.trouble {
            Trouble::Fault(fault) => self.operations(fault, random, &mut case)?,
            Trouble::Room(_) => self.filling(random, &mut case)?,
        }
        Ok(outcome)
    }

    /// Every n until nothing fails any more; beyond the sweep's end with growing steps.
    fn operations(
        &self,
        first: Fault,
        random: &mut Random,
        case: &mut dyn FnMut(Trouble) -> Result<bool>,
    ) -> Result<()> {
        let mut nth = 1;
        while case(Trouble::Fault(Fault { nth, ..first }))? {
            nth += if nth < self.options.sweep { 1 } else { 1 + random.below(4 * nth) };
        }
        Ok(())
    }

    /// A disk with room for nothing, for a little, for more, until it is enough.
    fn filling(&self, random: &mut Random, case: &mut dyn FnMut(Trouble) -> Result<bool>) -> Result<()> {
        let mut room = 0;
        let step = (1 << 22) / self.options.sweep.clamp(4, 1 << 12);
        while case(Trouble::Room(room))? {
            room += 1 + random.below(step);
        }
        Ok(())
    }

    fn case(&self, work: Work, trouble: Trouble, watchdog: &Watchdog, outcome: &mut Outcome) -> Result<bool> {
        let name = || format!("{} {work:?} {trouble:?}", self.options.backend.name());
        watchdog.begin(name());
        let case = case::run(self.options.backend, work, trouble, self.template, self.open)
            .map_err(|failure| format!("{}: {failure}", name()))?;
        outcome.add(trouble, case);
        Ok(case.fired)
    }
}
