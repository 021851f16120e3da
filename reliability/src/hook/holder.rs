//! A process that keeps a store to itself.

use std::ops::Bound;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use redb::StorageBackend as _;
use tooltally::{Condition, Event, OpenOptions};

use super::call::Call;
use crate::crowd::say;
use crate::{Backend, Result};

/// How long others may keep the store from the holder, before it keeps it from them.
const WAIT: Duration = Duration::from_mins(1);

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Held {
    /// the lock of writers (redb: the whole file, by an exclusive opening)
    Writing,
    /// all of it, from readers too (redb: its header)
    All,
    /// redb's header, as a reader: others can read it, and nobody write it (SQLite: all of it)
    Header,
    /// what an append holds, for as long as it takes
    Append,
}

impl Held {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::All => "all",
            Self::Header => "header",
            Self::Append => "append",
        }
    }
}

/// What a holder is told.
#[derive(Debug, Args)]
pub struct HolderArguments {
    /// The backend
    #[arg(long, value_enum)]
    backend: Backend,
    /// The store's folder
    #[arg(long)]
    folder: PathBuf,
    /// What to hold
    #[arg(long, value_enum)]
    held: Held,
    /// The first call to append
    #[arg(long)]
    first: u64,
    /// How many
    #[arg(long)]
    count: u64,
}

/// Says `ready` when it holds the store, and lets it go when its stdin ends. One that appends begins at a line.
///
/// # Errors
/// Whatever the store fails with.
pub fn hold(arguments: &HolderArguments) -> Result<()> {
    let HolderArguments { backend, folder, held, .. } = arguments;
    let path = backend.file(folder);
    match (backend, held) {
        (_, Held::Append) => append(arguments)?,
        (Backend::Sqlite, _) => {
            let connection = rusqlite::Connection::open(path)?;
            connection.busy_timeout(WAIT)?;
            let begin = "BEGIN IMMEDIATE;";
            let exclusively = "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE;";
            connection.execute_batch(if *held == Held::Writing { begin } else { exclusively })?;
            until_told()?;
        }
        (_, Held::Writing) => {
            let store = Backend::RedbExclusive.open(folder, &OpenOptions::new().wait(WAIT))?;
            until_told()?;
            drop(store);
        }
        (_, Held::All | Held::Header) => {
            let file = std::fs::File::options().read(true).write(true).open(path)?;
            let file = redb::backends::FileBackend::new(file)?;
            let header = (Bound::Included(0), Bound::Excluded(4096));
            if *held == Held::All {
                file.lock_range(header.0, header.1)?;
            } else {
                file.lock_shared_range(header.0, header.1)?;
            }
            until_told()?;
        }
    }
    say("done")
}

fn until_told() -> Result<()> {
    say("ready")?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

fn append(arguments: &HolderArguments) -> Result<()> {
    let store = arguments.backend.open(&arguments.folder, &OpenOptions::new().wait(WAIT))?;
    let calls = arguments.first..arguments.first + arguments.count;
    let events: Vec<Event> = calls.map(|number| Call(number).event()).collect();
    say("ready")?;
    std::io::stdin().read_line(&mut String::new())?;
    store.append(&events, Condition::None)?;
    Ok(())
}
