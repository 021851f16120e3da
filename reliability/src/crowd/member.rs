//! One process of the crowd: threads that record and ask until its stdin is closed.

use std::io::{BufRead as _, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clap::Args;
use tooltally::{OpenOptions, Store};

use super::actor::{Actor, Done};
use super::marked::Mark;
use super::served::{Served, Waits};
use crate::{Backend, Result};

/// What a member is told.
#[derive(Debug, Args)]
pub struct MemberArguments {
    /// The backend
    #[arg(long, value_enum)]
    pub(super) backend: Backend,
    /// The store's folder, in which the witnesses are too
    #[arg(long)]
    pub(super) folder: PathBuf,
    /// Its number
    #[arg(long)]
    pub(super) process: u64,
    /// How many there are
    #[arg(long)]
    pub(super) processes: u64,
    /// Threads of each
    #[arg(long)]
    pub(super) threads: u64,
    /// The seed
    #[arg(long)]
    pub(super) seed: u64,
    /// Processes of this number that were killed before
    #[arg(long)]
    pub(super) killed: u64,
}

/// Says `ready`, begins at a line on stdin, ends with stdin, and says how it was served.
///
/// # Errors
/// The first finding, and whatever the store fails with but `Busy`.
pub fn member(arguments: &MemberArguments) -> Result<()> {
    // Where many open at once, one may have to come again.
    let store = loop {
        match arguments.backend.open(&arguments.folder, &OpenOptions::new()) {
            Err(error) if error.is_busy() => {}
            store => break store?,
        }
    };
    say("ready")?;
    std::io::stdin().lock().read_line(&mut String::new())?;
    let done = run(arguments, store.as_ref())?;
    say(&serde_json::to_string(&served(arguments, done))?)
}

fn run(arguments: &MemberArguments, store: &dyn Store) -> Result<Vec<Done>> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let actors: Vec<_> = (0..arguments.threads)
            .map(|thread| {
                let is_over = &is_over;
                scope.spawn(move || {
                    let acted = act(arguments, store, thread, is_over);
                    // One finding ends the process.
                    if acted.is_err() {
                        is_over.store(true, Ordering::Relaxed);
                    }
                    acted
                })
            })
            .collect();
        let is_over = &is_over;
        let _listener = scope.spawn(move || {
            let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
            is_over.store(true, Ordering::Relaxed);
        });
        actors.into_iter().map(|actor| actor.join().unwrap_or_else(|_| Err("a thread panicked".into()))).collect()
    })
}

fn act(arguments: &MemberArguments, store: &dyn Store, thread: u64, is_over: &AtomicBool) -> Result<Done> {
    let mark = Mark { process: arguments.process, thread };
    let seed = arguments.seed.wrapping_add(arguments.killed);
    let crowd = (arguments.processes, arguments.threads);
    let mut actor = Actor::new(store, &arguments.folder, mark, crowd, seed)?;
    while !is_over.load(Ordering::Relaxed) {
        actor.act()?;
    }
    Ok(actor.done)
}

fn served(arguments: &MemberArguments, threads: Vec<Done>) -> Served {
    let mut served = Served { process: arguments.process, is_first: arguments.killed == 0, ..Served::default() };
    served.least_thread = threads.iter().map(|done| done.appends.len() as u64).min().unwrap_or(0);
    let (mut appends, mut queries) = (Vec::new(), Vec::new());
    for done in threads {
        served.busy += done.busy;
        served.events += done.events;
        served.longest_call = served.longest_call.max(done.longest_call);
        appends.extend(done.appends);
        queries.extend(done.queries);
    }
    (served.appends, served.queries) = (Waits::of(appends), Waits::of(queries));
    served
}

/// A line for whoever started this process.
pub(crate) fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(Into::into)
}
