//! Hooks: many at once record calls while they and imports are killed, the store is locked, rebuilt and compacted, and
//! its folder, its room and its files are taken away. Every call that a hook has taken is recorded or waits, and in
//! the end it is recorded once.
//!
//! | module | subject |
//! |---|---|
//! | `trouble`, `hold`, `holder` | what is wrong; how it is made and lifted; a process that keeps the store to itself |
//! | `call` | a call, as a hook and a transcript tell it |
//! | `place` | a store, a home and a folder for temporary files |
//! | `plan`, `run` | what a round does; one process of it |
//! | `round` | a round, and what its processes promised |
//! | `site` | a store over many rounds, and what became of every call |
//! | `spool` | what waits, and what others put there |
//! | `tally` | the figures |

mod call;
mod hold;
mod holder;
mod place;
mod plan;
mod round;
mod run;
mod site;
mod spool;
mod tally;
mod trouble;

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

use site::Site;
use tally::Tally;

pub use holder::{HolderArguments, hold};
pub use trouble::Trouble;

use crate::{Backend, Random, Result, tooltally_program};

/// Rounds on one store; then the next one is begun.
const ROUNDS_OF_A_STORE: u64 = 20;

/// What a run is told.
#[derive(Debug, Args)]
pub struct HookArguments {
    /// The backend; the program shares redb with other processes
    #[arg(long, value_enum)]
    backend: Backend,
    /// How many kills at least; every trouble gets its turn
    #[arg(long, default_value_t = 1000)]
    kills: u64,
    /// The seed of calls, troubles and moments; the machine has its say in what a moment meets
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this trouble; all of them in turn without it
    #[arg(long, value_enum)]
    trouble: Option<Trouble>,
    /// As many calls a store has from the start, and one append of a process that is stopped
    #[arg(long, default_value_t = 10_000)]
    history: u64,
    /// The `tooltally` program; built if not given
    #[arg(long)]
    program: Option<PathBuf>,
    /// Figures as one line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs rounds until there were as many kills as it was told, and says what came of it.
///
/// # Errors
/// The first finding, with the number of its round and where the store is kept.
pub fn run(arguments: &HookArguments) -> Result<()> {
    if arguments.backend == Backend::RedbExclusive {
        return Err("a hook shares redb with other processes".into());
    }
    let program = tooltally_program::find(arguments.program.as_deref())?;
    let binds = permissions_bind()?;
    let all = || Trouble::ALL.into_iter().filter(|trouble| binds || *trouble != Trouble::Closed).collect();
    let troubles: Vec<Trouble> = arguments.trouble.map_or_else(all, |trouble| vec![trouble]);
    let mut tallies: BTreeMap<Trouble, Tally> = BTreeMap::new();
    let bar = ProgressBar::new(arguments.kills);
    let new_site = || Site::new(arguments.backend, &program, arguments.history.max(2));
    let mut site = new_site()?;
    for (number, trouble) in (0_u64..).zip(troubles.iter().cycle()) {
        let mut random = Random::for_round(arguments.seed, number);
        let tally = tallies.entry(*trouble).or_default();
        let mut done = round::round(&mut site, *trouble, arguments.history, &mut random, tally);
        let kills: u64 = tallies.values().map(Tally::kills).sum();
        let is_last = kills >= arguments.kills && (number + 1).is_multiple_of(troubles.len() as u64);
        let is_over = is_last || site.rounds == ROUNDS_OF_A_STORE;
        if done.is_ok() && is_over {
            done = site.settle(&mut random, tallies.entry(*trouble).or_default());
        }
        if let Err(failure) = done {
            let (seed, trouble) = (arguments.seed, trouble.name());
            let place = site.keep();
            return Err(format!("round {number} of seed {seed} ({trouble}), in {}: {failure}", place.display()).into());
        }
        bar.set_position(kills);
        if is_last {
            break;
        }
        if is_over {
            site = new_site()?;
        }
    }
    bar.finish_and_clear();
    report(arguments, &tallies);
    Ok(())
}

fn report(arguments: &HookArguments, tallies: &BTreeMap<Trouble, Tally>) {
    let mut all = Tally::default();
    for tally in tallies.values() {
        all.add(tally);
    }
    let (backend, seed) = (arguments.backend.name(), arguments.seed);
    if arguments.json {
        let troubles: BTreeMap<_, _> = tallies.iter().map(|(trouble, tally)| (trouble.name(), tally.json())).collect();
        println!("{}", json!({"backend": backend, "seed": seed, "all": all.json(), "troubles": troubles}));
    } else {
        println!("{backend}, seed {seed}: {all}");
        for (trouble, tally) in tallies {
            println!("  {}: {tally}", trouble.name());
        }
    }
}

/// Whether permissions bind this user.
fn permissions_bind() -> Result<bool> {
    let file = tempfile::Builder::new().permissions(Permissions::from_mode(0o000)).tempfile()?;
    Ok(std::fs::File::open(file.path()).is_err())
}
