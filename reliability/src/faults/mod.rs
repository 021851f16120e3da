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
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cases, failed, usable, recorded_after_all } = self;
        write!(
            f,
            "{cases} cases in which the disk failed, {failed} answered with an error, {usable} usable on the same \
             handle, {recorded_after_all} recorded after all"
        )
    }
}

impl Outcome {
    fn add(&mut self, case: CaseOutcome) {
        self.cases += u64::from(case.fired);
        self.failed += u64::from(case.failed);
        self.usable += u64::from(case.fired && case.usable);
        self.recorded_after_all += u64::from(case.recorded_after_all);
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

/// Sweeps all kinds of work and of operations; a line for each kind of work.
///
/// # Errors
/// The first case that breaks a promise, with what it needs to be had again.
pub fn run(options: &Options, tell: &mut dyn FnMut(String)) -> Result<Outcome> {
    let template = tempfile::tempdir()?;
    let open = OpenOptions::new().wait(Duration::from_millis(500));
    work::template(options.backend, template.path(), &open)?;
    let watchdog = Watchdog::new();
    let mut all = Outcome::default();
    for (number, work) in (0..).zip(Work::ALL) {
        let mut random = Random::for_round(options.seed, number);
        let sweep = Sweep { options, open: &open, template: template.path(), watchdog: &watchdog, work };
        let outcome = sweep.run(&mut random)?;
        tell(format!("{work:?}: {outcome}"));
        all.cases += outcome.cases;
        all.failed += outcome.failed;
        all.usable += outcome.usable;
        all.recorded_after_all += outcome.recorded_after_all;
    }
    Ok(all)
}

struct Sweep<'a> {
    options: &'a Options,
    open: &'a OpenOptions,
    template: &'a Path,
    watchdog: &'a Watchdog,
    work: Work,
}

impl Sweep<'_> {
    fn run(&self, random: &mut Random) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        for kind in Kind::ALL {
            let ways: &[Way] = match kind {
                Kind::Write => &[Way::Error, Way::Full, Way::Short],
                _ => &[Way::Error],
            };
            for way in ways {
                for lasting in [false, true] {
                    self.operations(Fault { kind, nth: 1, lasting, way: *way }, random, &mut outcome)?;
                }
            }
        }
        self.filling(random, &mut outcome)?;
        Ok(outcome)
    }

    /// Every n until nothing fails any more; beyond the sweep's end with growing steps.
    fn operations(&self, first: Fault, random: &mut Random, outcome: &mut Outcome) -> Result<()> {
        let mut nth = 1;
        while self.case(Trouble::Fault(Fault { nth, ..first }), outcome)? {
            nth += if nth < self.options.sweep { 1 } else { 1 + random.below(2 * nth) };
        }
        Ok(())
    }

    /// A disk with room for nothing, for a little, for more, until it is enough.
    fn filling(&self, random: &mut Random, outcome: &mut Outcome) -> Result<()> {
        let mut room = 0;
        let step = (1 << 22) / self.options.sweep.clamp(4, 1 << 12);
        while self.case(Trouble::Room(room), outcome)? {
            room += 1 + random.below(step);
        }
        Ok(())
    }

    fn case(&self, trouble: Trouble, outcome: &mut Outcome) -> Result<bool> {
        let name = || format!("{} {:?} {trouble:?}", self.options.backend.name(), self.work);
        self.watchdog.begin(name());
        let case = case::run(self.options.backend, self.work, trouble, self.template, self.open)
            .map_err(|failure| format!("{}: {failure}", name()))?;
        outcome.add(case);
        Ok(case.fired)
    }
}
