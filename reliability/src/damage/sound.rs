//! The undamaged stores: closed, or as a killed writer leaves them.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use tooltally::{LogExt, OpenOptions, Store};
use tooltally_conformance::events::mixed_all;

use crate::{Backend, Result};

/// How many events a closed store has, and with which batches it was filled.
const EVENTS: u64 = 2_100;
const BATCH: u64 = 150;
/// What a writer that is killed has recorded since it opened the store: commits of so many events.
const LAST_COMMITS: [u64; 4] = [60, 1, 300, 2];

/// In which state a store's files are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Taken {
    /// Closed.
    Closed,
    /// While a writer has it open: what a kill leaves.
    Killed,
    /// The same, after a part of the write-ahead log was moved into the database.
    HalfMoved,
}

/// The files of an undamaged store.
pub(super) struct Sound {
    pub(super) taken: Taken,
    /// Names and contents.
    pub(super) files: Vec<(String, Vec<u8>)>,
    /// The heads of the log that it may show: a closed store one, the newest; a killed one also those of the
    /// commits before, ascending.
    pub(super) heads: Vec<u64>,
}

impl Sound {
    /// Makes every kind of undamaged store of a backend, below a folder.
    ///
    /// # Errors
    /// What kept it from making one.
    pub(super) fn make_all(backend: Backend, folder: &Path) -> Result<()> {
        let kinds: &[Taken] = match backend {
            Backend::Sqlite => &[Taken::Closed, Taken::Killed, Taken::HalfMoved],
            Backend::Redb | Backend::RedbExclusive => &[Taken::Closed, Taken::Killed],
        };
        for taken in kinds {
            let work = folder.join("work");
            fs::create_dir_all(&work)?;
            let heads = fill(backend, &work, *taken, &folder.join(format!("{taken:?}")))?;
            fs::write(folder.join(format!("{taken:?}.json")), serde_json::to_vec(&heads)?)?;
            fs::remove_dir_all(&work)?;
        }
        Ok(())
    }

    /// Reads what [`make_all`](Self::make_all) has made.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn read_all(folder: &Path) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for taken in [Taken::Closed, Taken::Killed, Taken::HalfMoved] {
            let heads = folder.join(format!("{taken:?}.json"));
            if !heads.exists() {
                continue;
            }
            let mut files = Vec::new();
            for entry in fs::read_dir(folder.join(format!("{taken:?}")))? {
                let path = entry?.path();
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
                files.push((name, fs::read(&path)?));
            }
            files.sort();
            all.push(Self { taken, files, heads: serde_json::from_slice(&fs::read(heads)?)? });
        }
        Ok(all)
    }
}

/// Fills a store and copies its files; the heads that they may show.
fn fill(backend: Backend, work: &Path, taken: Taken, to: &Path) -> Result<Vec<u64>> {
    let mut heads = vec![EVENTS];
    let store = backend.open(work, &OpenOptions::new())?;
    record(&*store, 0, EVENTS, BATCH)?;
    drop(store);
    if taken == Taken::Closed {
        copy_files(work, to)?;
        return Ok(heads);
    }
    let store = backend.open(work, &OpenOptions::new())?;
    let mut head = EVENTS;
    for (at, count) in LAST_COMMITS.into_iter().enumerate() {
        record(&*store, head, head + count, count)?;
        head += count;
        heads.push(head);
        if taken == Taken::HalfMoved && at == 1 {
            let other = Connection::open(backend.file(work))?;
            other.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
    }
    copy_files(work, to)?;
    Ok(heads)
}

fn record(store: &dyn Store, from: u64, to: u64, batch: u64) -> Result<()> {
    for first in (from..to).step_by(usize::try_from(batch)?) {
        store.record_all(&mixed_all(first..(first + batch).min(to)))?;
    }
    Ok(())
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let files: Vec<PathBuf> =
        fs::read_dir(from)?.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?;
    for file in files {
        if let Some(name) = file.file_name() {
            fs::copy(&file, to.join(name))?;
        }
    }
    Ok(())
}
