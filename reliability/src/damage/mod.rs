//! Damage: flipped bits, cut files, swapped and blank pages, in the database and in what lies beside it.
//!
//! A query of a damaged store answers as the undamaged one does, or says `Corrupt`. `verify` finds every damage
//! that changes an answer; `rebuild` refuses a damaged log, or leaves a store that answers as the undamaged one.
//! Nothing panics, hangs or takes memory without bounds: children do the work, with bounded memory, and are
//! watched.
//!
//! | file | subject |
//! |---|---|
//! | `sound` | the undamaged stores: closed, or as a killed writer leaves them |
//! | `harm` | ways to damage a file |
//! | `questions` | what is asked, and what the reference store answers |
//! | `check` | one image |
//! | `child` | the process that works, and the one that watches |

mod check;
mod child;
mod harm;
mod questions;
mod sound;

use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;

use crate::{Backend, Result};

pub use child::{ChildArguments, run_child};

/// `damage`.
#[derive(Debug, Args)]
pub struct DamageArguments {
    /// Which store; each of them in turn where none is named
    #[arg(long)]
    backend: Option<Backend>,
    /// How many damaged stores
    #[arg(long, default_value_t = 1_000)]
    files: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// From which they follow
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Damages stores, and prints what came of it.
///
/// # Errors
/// Findings, and what kept it from looking.
pub fn run(arguments: &DamageArguments) -> Result<()> {
    let program = std::env::current_exe()?;
    let backends = arguments.backend.map_or(Backend::ALL.to_vec(), |backend| vec![backend]);
    let mut found = Vec::new();
    for backend in backends {
        let bar = ProgressBar::new(arguments.files);
        let report = look(&program, backend, arguments.seed, arguments.first, arguments.files, &mut || bar.inc(1))?;
        bar.finish_and_clear();
        println!("{} (seed {}):", backend.name(), arguments.seed);
        for (what, count) in &report.counts {
            println!("{count:8}  {what}");
        }
        for finding in &report.findings {
            println!("FOUND {finding}");
        }
        found.extend(report.findings);
    }
    if found.is_empty() { Ok(()) } else { Err(format!("{} findings", found.len()).into()) }
}

/// What came of damaged stores.
#[derive(Debug)]
pub struct Report {
    /// What was counted, in words.
    pub counts: std::collections::BTreeMap<String, u64>,
    /// What must not be; empty where all is well.
    pub findings: Vec<String>,
}

/// Damages so many stores, from the image `first` on. `program` is the harness's own, to be started again.
///
/// # Errors
/// What kept it from looking.
pub fn look(
    program: &std::path::Path,
    backend: Backend,
    seed: u64,
    first: u64,
    files: u64,
    progress: &mut dyn FnMut(),
) -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let (sounds, work): (PathBuf, PathBuf) = (folder.path().join("sound"), folder.path().join("work"));
    std::fs::create_dir_all(&sounds)?;
    std::fs::create_dir_all(&work)?;
    sound::Sound::make_all(backend, &sounds)?;
    let mut all = check::Outcome::default();
    let watch = child::Watch { program, backend, seed, sounds: &sounds, folder: &work };
    watch.run(first, first + files, &mut |_, outcome| {
        all.add(outcome);
        progress();
    })?;
    Ok(Report { counts: all.counts, findings: all.findings })
}
