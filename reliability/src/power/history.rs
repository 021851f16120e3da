//! The work of a store that is recorded: its making, appends of many sizes by two handles, folds, questions,
//! rebuilds, compaction, checkpoints, closing and opening; and a program of a newer format that takes it over.

use std::collections::BTreeSet;
use std::time::Duration;

use tooltally::{Condition, Durability, Event, GroupBy, MaintenanceExt as _, OpenOptions, Position, Selection, Store};
use tooltally_conformance::events;

use crate::on_disk::Site;
use crate::{Backend, Random, Result};

/// What was done.
pub(crate) struct History {
    /// Every event that was sent, in order; the first has position 1.
    pub(crate) events: Vec<Event>,
    /// How many events there were after each batch, 0 among them.
    pub(crate) batches: BTreeSet<usize>,
    /// Cuts are made behind so many steps of the trace.
    pub(crate) cut_from: usize,
}

/// How stores are opened here.
pub(crate) fn options(durability: Durability) -> OpenOptions {
    OpenOptions::new().durability(durability).wait(Duration::from_secs(2))
}

struct Worker<'a> {
    site: &'a Site<'a>,
    backend: Backend,
    options: OpenOptions,
    history: History,
    handles: Vec<Box<dyn Store>>,
}

/// Works until so many events are recorded. Where it is to migrate, the program of a newer format then opens the store
/// and records a little; cuts are made from there on.
pub(crate) fn work(site: &Site<'_>, options: &super::Options, random: &mut Random) -> Result<History> {
    let how = self::options(options.durability.into());
    let history = History { events: Vec::new(), batches: BTreeSet::from([0]), cut_from: 0 };
    let mut worker = Worker { site, backend: options.backend, options: how, history, handles: Vec::new() };
    worker.open()?;
    let mut done = 0_u64;
    while worker.history.events.len() < options.events {
        done += 1;
        match random.below(100) {
            0..60 => worker.append(1 + random.below(3), random)?,
            60..82 => worker.append(4 + random.below(60), random)?,
            82..86 => worker.append(200 + random.below(400), random)?,
            86..89 => worker.rebuild(random)?,
            89..92 => worker.compact()?,
            92..96 => worker.ask(random)?,
            _ => worker.reopen()?,
        }
    }
    worker.rebuild(random)?;
    worker.append(1, random)?;
    worker.compact()?;
    worker.append(2, random)?;
    worker.reopen()?;
    worker.append(1 + done % 2, random)?;
    worker.handles.clear();
    if options.migrating {
        worker.migrate(random)?;
    }
    Ok(worker.history)
}

impl Worker<'_> {
    /// Opens the store, twice where it is shared.
    fn open(&mut self) -> Result<()> {
        for _ in 0..if self.backend == Backend::RedbExclusive { 1 } else { 2 } {
            self.handles.push(self.site.open(&self.options)?);
        }
        Ok(())
    }

    fn reopen(&mut self) -> Result<()> {
        self.handles.clear();
        self.open()
    }

    fn migrate(&mut self, random: &mut Random) -> Result<()> {
        self.history.cut_from = self.site.disk.recorded();
        self.handles.push(self.site.open_newer(&self.options)?);
        self.append(1, random)?;
        self.append(20, random)?;
        self.handles.clear();
        Ok(())
    }

    fn handle(&self, random: &mut Random) -> Result<&dyn Store> {
        let which = usize::try_from(random.below(self.handles.len() as u64))?;
        Ok(self.handles.get(which).ok_or("no handle is open")?.as_ref())
    }

    fn append(&mut self, count: u64, random: &mut Random) -> Result<()> {
        let first = self.history.events.len() as u64 + 1;
        let batch = events::mixed_all(first..first + count);
        let last = first + count - 1;
        self.site.disk.note_sent(last);
        let appended = self.handle(random)?.append(&batch, Condition::None)?;
        self.site.disk.note_acked(last);
        if appended.last().is_none_or(|answer| answer.position() != Position::new(last)) {
            return Err(format!("the batch up to {last} was answered with {:?}", appended.last()).into());
        }
        self.history.events.extend(batch);
        self.history.batches.insert(self.history.events.len());
        Ok(())
    }

    fn rebuild(&self, random: &mut Random) -> Result<()> {
        Ok(self.handle(random)?.rebuild_quietly()?)
    }

    /// redb compacts only what nobody else holds.
    fn compact(&mut self) -> Result<()> {
        self.handles.truncate(1);
        for handle in &self.handles {
            handle.compact()?;
        }
        self.reopen()
    }

    fn ask(&self, random: &mut Random) -> Result<()> {
        self.handle(random)?.usage(&Selection::all(), &GroupBy::Tool)?;
        self.handle(random)?.recent(&Selection::all(), 5)?;
        Ok(())
    }
}
