//! Kills: a process works on a store and gets SIGKILL at any moment; whoever opens the store then finds what was
//! promised.
//!
//! | module | subject |
//! |---|---|
//! | `worker` | the process that is killed |
//! | `import` | the same with the real program |
//! | `moment` | when |
//! | `site` | a store over many kills |
//! | `check` | what it must hold and answer |
//! | `tally` | the figures |

mod check;
mod import;
mod moment;
mod site;
mod tally;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde_json::json;

use site::Site;
use tally::Tally;

pub use worker::{WorkerArguments, work};

pub(crate) use check::{finding, is_sound};

use crate::{Backend, Random, Result, tooltally_program};

/// Kills on one store; then the next one is begun.
const KILLS_OF_A_STORE: u64 = 40;

/// What the process is doing that is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Work {
    /// appending events one by one
    Single,
    /// appending batches of 2 to some thousand events
    Batch,
    /// importing with the real program
    Import,
    /// rebuilding, also while another thread appends
    Rebuild,
    /// compacting
    Compact,
    /// migrating a copy of the store to a newer format
    Migration,
}

impl Work {
    /// Every kind, in the order in which they take turns.
    pub const ALL: [Self; 6] = [Self::Single, Self::Batch, Self::Import, Self::Rebuild, Self::Compact, Self::Migration];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Batch => "batch",
            Self::Import => "import",
            Self::Rebuild => "rebuild",
            Self::Compact => "compact",
            Self::Migration => "migration",
        }
    }
}

/// What a run is told.
#[derive(Debug, Args)]
pub struct KillArguments {
    /// The backend
    #[arg(long, value_enum)]
    backend: Backend,
    /// How many kills
    #[arg(long, default_value_t = 1000)]
    kills: u64,
    /// The seed of work and moments; the machine has its say in what a moment meets
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this kind of work; all of them in turn without it
    #[arg(long, value_enum)]
    work: Option<Work>,
    /// A store with more events is left, and a new one begun
    #[arg(long, default_value_t = 24_000)]
    most_events: u64,
    /// Smaller batches and imports, and less to rebuild and to compact: for a quick look
    #[arg(long)]
    small: bool,
    /// The `tooltally` program that imports; built if not given
    #[arg(long)]
    program: Option<PathBuf>,
    /// Figures as one line of JSON
    #[arg(long)]
    json: bool,
}

/// Kills as often as it was told, and says what came of it.
///
/// # Errors
/// The first finding, with the number of its kill and where the store is kept.
pub fn run(arguments: &KillArguments) -> Result<()> {
    let program = match arguments.work {
        None | Some(Work::Import) => tooltally_program::find(arguments.program.as_deref())?,
        Some(_) => PathBuf::new(),
    };
    let works = arguments.work.map_or_else(|| Work::ALL.to_vec(), |work| vec![work]);
    let mut tallies: BTreeMap<Work, Tally> = BTreeMap::new();
    let mut all = Tally::default();
    let bar = ProgressBar::new(arguments.kills);
    let mut site = Site::new(arguments.backend, &program, arguments.small)?;
    for (kill, work) in (0..arguments.kills).zip(works.iter().cycle()) {
        let mut random = Random::for_round(arguments.seed, kill);
        let tally = tallies.entry(*work).or_default();
        let mut done = site.kill_one(*work, &mut random, tally);
        let is_last = kill + 1 == arguments.kills;
        let is_over = is_last || site.kills == KILLS_OF_A_STORE || site.len() > arguments.most_events;
        if done.is_ok() && is_over {
            done = site.check(&mut random, tally);
        }
        if let Err(failure) = done {
            let place = site.keep();
            let work = work.name();
            return Err(
                format!("kill {kill} of seed {} ({work}), in {}: {failure}", arguments.seed, place.display()).into()
            );
        }
        if is_over {
            all.stores += 1;
            all.events += site.len();
            site = Site::new(arguments.backend, &program, arguments.small)?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    for tally in tallies.values() {
        all.add(tally);
    }
    if arguments.json {
        let by_work: BTreeMap<_, _> = tallies.iter().map(|(work, tally)| (work.name(), tally)).collect();
        println!(
            "{}",
            json!({"backend": arguments.backend.name(), "seed": arguments.seed, "all": all, "works": by_work})
        );
    } else {
        println!("{}, seed {}: {all}", arguments.backend.name(), arguments.seed);
        for (work, tally) in &tallies {
            println!("  {}: {tally}", work.name());
        }
    }
    Ok(())
}
