//! Power loss: a store works on a disk that records every write and every sync. From that record are made the
//! states in which a power cut could have left the files, and each is opened by a store of its own.
//!
//! Whatever was not synced may be on the disk or not: each write by itself, in any order, and of a torn write some
//! sectors of 512 bytes; a new length without its bytes, a new or a deleted name without the other. What was
//! synced is there. Just before a sync ends, the most is on the way, and the most was acknowledged; a cut at any
//! earlier point since the sync before leaves nothing that a cut there could not leave. So the cuts are made there,
//! at each acknowledgement, and at the end.

mod check;
mod history;
mod replay;

use std::fmt;
use std::path::Path;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use tooltally_fault_disk::Step;

use crate::on_disk::Site;
use crate::{Backend, Random, Result};
use check::check;
use history::{History, work};
use replay::{Cut, Part, Replay};

/// How many images are made of one history.
const IMAGES_A_ROUND: u64 = 2500;

/// What is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// Nothing acknowledged is lost
    Full,
    /// The latest events may be lost, soundness not
    Relaxed,
}

impl From<Durability> for tooltally::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Full => Self::Full,
            Durability::Relaxed => Self::Relaxed,
        }
    }
}

/// What to cut, and how often.
#[derive(Clone, Copy, Debug, Args)]
pub struct Options {
    /// The store under test
    #[arg(long)]
    pub backend: Backend,
    /// How it is opened
    #[arg(long, default_value = "full")]
    pub durability: Durability,
    /// How many images of its files are made and looked at
    #[arg(long, default_value_t = 20_000)]
    pub images: u64,
    /// At least so many events in each history
    #[arg(long, default_value_t = 1500)]
    pub events: usize,
    /// Cut while the program of a newer format takes the store over: migrates it, and records a little
    #[arg(long)]
    pub migrating: bool,
    /// Everything follows from it
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Images that were opened and found as promised.
    pub images: u64,
    /// Points at which the power was cut.
    pub points: u64,
    /// Images in which every event that had been sent was there.
    pub whole: u64,
    /// Images in which events were missing that had been acknowledged: at `Relaxed` on SQLite alone.
    pub lost: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { images, points, whole, lost } = self;
        write!(f, "{images} images at {points} points, {whole} with all that was sent, {lost} with a lost suffix")
    }
}

/// Runs the long form and prints what was looked at.
///
/// # Errors
/// As [`run`].
pub fn report(options: &Options) -> Result<()> {
    let bar = ProgressBar::new(options.images);
    let outcome = run(options, &|done| bar.set_position(done))?;
    bar.finish_and_clear();
    let migrating = if options.migrating { " migrating" } else { "" };
    println!("power {} {:?}{migrating} seed {}: {outcome}", options.backend.name(), options.durability, options.seed);
    Ok(())
}

/// Makes histories, cuts them, and looks.
///
/// # Errors
/// The first image that breaks the promise, with what it needs to be had again; its files are kept.
pub fn run(options: &Options, progress: &dyn Fn(u64)) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut round = 0;
    while outcome.images < options.images {
        let images = (options.images - outcome.images).min(IMAGES_A_ROUND);
        let mut random = Random::for_round(options.seed, round);
        cut_history(options, images, &mut random, &mut outcome, progress)
            .map_err(|failure| format!("round {round} of seed {}: {failure}", options.seed))?;
        round += 1;
    }
    Ok(outcome)
}

fn cut_history(
    options: &Options,
    images: u64,
    random: &mut Random,
    outcome: &mut Outcome,
    progress: &dyn Fn(u64),
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let site = Site::new(options.backend, folder.path())?;
    site.disk.record();
    let history = work(&site, options, random)?;
    let trace = site.disk.take_trace();
    let image = tempfile::tempdir()?;
    let is_point = |index, step: &Step| index >= history.cut_from && is_point(step);
    let points = trace.iter().enumerate().filter(|(index, step)| is_point(*index, step)).count() as u64 + 1;
    let (mut replay, mut acked, mut point) = (Replay::default(), 0, 0);
    for (index, step) in trace.iter().map(Some).chain([None]).enumerate() {
        if step.is_none_or(|step| is_point(index, step)) {
            let share = images * (point + 1) / points - images * point / points;
            let looked = look_all(options, image.path(), &history, &replay, (share, acked), random, outcome);
            if let Err(failure) = looked {
                let kept = image.keep();
                return Err(format!("cut before step {index}: {failure}; see {}", kept.display()).into());
            }
            outcome.points += u64::from(share > 0);
            progress(outcome.images);
            point += 1;
        }
        match step {
            Some(Step::Acked(number)) => acked = usize::try_from(*number)?,
            Some(step) => replay.apply(step),
            None => {}
        }
    }
    Ok(())
}

const fn is_point(step: &Step) -> bool {
    matches!(step, Step::Sync { .. } | Step::Delete { durable: true, .. } | Step::Acked(_))
}

/// Makes this share of images at one point, and looks at each.
fn look_all(
    options: &Options,
    folder: &Path,
    history: &History,
    replay: &Replay,
    (share, acked): (u64, usize),
    random: &mut Random,
    outcome: &mut Outcome,
) -> Result<()> {
    // SQLite alone may lose events, and only where it was told that it may.
    let may_lose = options.backend == Backend::Sqlite && options.durability == Durability::Relaxed;
    for number in 0..share {
        let mut cut = choose(replay.pending(), number, share, random);
        // redb never lets a write lengthen its file: it sets the length first, and what that adds is zeros.
        cut.garbage &= options.backend == Backend::Sqlite;
        let mut image = replay.image(&cut);
        if options.backend == Backend::Sqlite && random.below(3) == 0 {
            // What is left of the memory that processes shared: SQLite must not believe it.
            let garbage = (0..32 << 10).map(|_| u8::try_from(random.below(256)).unwrap_or(0)).collect();
            image.insert("usage.db-shm".to_owned(), garbage);
        }
        check::write(&image, folder)?;
        let promised = if may_lose { 0 } else { acked };
        let older_first = options.migrating && random.below(2) == 0;
        let found = check(options, folder, history, promised, older_first).map_err(|failure| {
            // As it was before it was opened.
            let kept = check::write(&image, folder).err().map_or(String::new(), |e| e.to_string());
            format!("{failure} ({cut:?}) {kept}")
        })?;
        outcome.images += 1;
        outcome.whole += u64::from(found == history.events.len());
        outcome.lost += u64::from(found < acked);
    }
    Ok(())
}

/// The cut with this number at a point with so many changes on the way: every subset where that is few, else the
/// telling ones and then any.
fn choose(pending: usize, number: u64, share: u64, random: &mut Random) -> Cut {
    let seed = random.next_number();
    let whole = |is_there: &dyn Fn(usize) -> bool| -> Vec<Part> {
        (0..pending).map(|index| if is_there(index) { Part::All } else { Part::None }).collect()
    };
    let subsets = u32::try_from(pending).ok().and_then(|bits| 1_u64.checked_shl(bits));
    if subsets.is_some_and(|subsets| subsets <= share) {
        // Every subset, and torn ones with what is left of the share.
        if number < 1 << pending {
            return Cut { parts: whole(&|index| number >> index & 1 == 1), garbage: false, seed };
        }
    }
    let some = usize::try_from(random.below(pending as u64 + 1)).unwrap_or(0);
    let mut any = |odds: u64| -> Vec<Part> {
        let mut part = |_| match random.below(odds) {
            0 => Part::None,
            1 => Part::Torn,
            _ => Part::All,
        };
        (0..pending).map(&mut part).collect()
    };
    let parts = match seed % 8 {
        0 => whole(&|_| false),
        1 => whole(&|_| true),
        2 => whole(&|index| index < some),
        3 => whole(&|index| index != some),
        4 => whole(&|index| index == some || index + 1 == pending),
        5 => (0..pending).map(|index| if index < some { Part::All } else { Part::Torn }).collect(),
        6 => any(3),
        _ => any(12),
    };
    Cut { parts, garbage: seed >> 8 & 1 == 1, seed }
}
