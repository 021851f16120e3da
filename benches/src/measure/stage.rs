//! What every measure works with: the stores, and the workload that goes on.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::measures::Measure;
use crate::options::Options;
use crate::progress::Progress;
use crate::subject::{Kind, Subject};
use crate::workload::{Workload, WorkloadEvent};
use crate::{Failure, Result};

/// The stores, and the workload that goes on.
pub(super) struct Stage<'a> {
    pub(super) options: &'a Options,
    pub(super) progress: &'a Progress,
    pub(super) folder: PathBuf,
    /// At the first call that no store has.
    pub(super) workload: Workload,
    open: BTreeMap<Kind, Box<dyn Subject>>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(options: &'a Options, progress: &'a Progress, folder: PathBuf) -> Result<Self> {
        let workload = Workload::new(options.events, options.days)?;
        Ok(Self { options, progress, folder, workload, open: BTreeMap::new() })
    }

    /// When the first `events` calls were all, in whole seconds.
    pub(super) const fn now_seconds(&self, events: u64) -> u64 {
        self.workload.end_micros(events) / 1_000_000
    }

    /// Who takes part.
    pub(super) fn kinds(&self) -> Vec<Kind> {
        let mut kinds = self.options.kinds();
        let wants = |measures: &[Measure]| measures.iter().any(|measure| self.options.wants(*measure));
        let against_seed = [Measure::BatchAppend, Measure::BytesPerEvent];
        if self.options.series
            || wants(&against_seed)
            || Measure::QUERIES.into_iter().any(|m| !m.is_policy() && self.options.wants(m))
        {
            kinds.push(Kind::Seed);
        }
        if self.options.series || wants(&[Measure::SingleAppend, Measure::ThreadsAppend, Measure::Hook]) {
            let raws: Vec<Kind> = kinds.iter().filter(|kind| **kind != Kind::Seed).map(|kind| kind.raw()).collect();
            kinds.extend(raws);
        }
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// The store of a kind, opened if it is not.
    pub(super) fn subject(&mut self, kind: Kind) -> Result<&dyn Subject> {
        self.open_all(&[kind])?;
        self.opened(kind)
    }

    /// Opens these.
    pub(super) fn open_all(&mut self, kinds: &[Kind]) -> Result<()> {
        for kind in kinds {
            if !self.open.contains_key(kind) {
                self.open.insert(*kind, kind.open(&self.folder, &self.workload)?);
            }
        }
        Ok(())
    }

    /// The store of a kind that is open.
    pub(super) fn opened(&self, kind: Kind) -> Result<&dyn Subject> {
        let subject = self.open.get(&kind).ok_or_else(|| Failure::from(format!("{} is not open", kind.name())))?;
        Ok(subject.as_ref())
    }

    /// Closes all.
    pub(super) fn close_all(&mut self) {
        self.open.clear();
    }

    /// Calls that no store has, in order.
    pub(super) fn fresh(&mut self, count: usize) -> Vec<WorkloadEvent> {
        self.workload = self.workload.clone().extended(count as u64);
        self.workload.by_ref().take(count).collect()
    }
}
