//! What is compared: a small trait, so that each operation is defined once for all.

use std::path::Path;
use std::sync::Arc;

use tooltally::policy::rank::Ranked;
use tooltally::policy::status::Status;
use tooltally::policy::suggest::Suggestion;
use tooltally::policy::tools::Tool;
use tooltally::{RecentOutcome, Recorded, Store, Trail, Usage, UsageRow};

use crate::Result;
use crate::baselines::{RawRedb, RawSqlite, Seed};
use crate::question::Question;
use crate::store::TooltallyStore;
use crate::workload::{Workload, WorkloadEvent};

/// An append whose values are made already: running it is what the clock sees.
pub(crate) type Append<'a> = Box<dyn FnOnce() -> Result<()> + Send + 'a>;

/// A question whose values are made already.
pub(crate) type Ask<'a> = Box<dyn Fn() -> Result<Answer> + 'a>;

/// An open store: one of ours, or what people would use instead.
pub(crate) trait Subject: Send + Sync {
    /// Makes ready to record these calls in one durable transaction.
    fn append<'a>(&'a self, calls: &[WorkloadEvent]) -> Result<Append<'a>>;

    /// Records what comes before the first call, if it has a place for that.
    fn begin(&self) -> Result<()> {
        Ok(())
    }

    /// Makes ready to ask; `None` if it answers no questions.
    fn ask<'a>(&'a self, question: &Question) -> Result<Option<Ask<'a>>>;

    /// Folds the projections anew, if it has any.
    fn rebuild(&self) -> Result<()>;

    /// Gives unused space back, if it can.
    fn compact(&self) -> Result<()>;

    /// The store itself, if it is one of ours.
    fn store(&self) -> Option<Arc<dyn Store>> {
        None
    }
}

/// What a subject answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Rows of a store of ours.
    Rows(Vec<UsageRow>),
    /// One sum of a store of ours.
    Total(Usage),
    /// The latest events of a store of ours.
    Recent(Vec<Recorded>),
    /// The latest outcomes of a store of ours.
    Outcomes(Vec<RecentOutcome>),
    /// The tools of a project in a store of ours.
    Tools(Vec<Tool>),
    /// Their rank.
    Ranked(Vec<Ranked>),
    /// The status of a tool.
    Status(Status),
    /// A session's trail, and what to suggest in it.
    Suggestion(Trail, Option<Suggestion>),
    /// The seed's rows: tool, uses, time of the last use.
    Counts(Vec<(String, u64, String)>),
    /// The seed's latest events: their times.
    Times(Vec<String>),
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The predecessor's schema.
    Seed,
    /// SQLite's own limit.
    RawSqlite,
    /// redb's own limit, in its exclusive mode.
    RawRedb,
    /// Ours on SQLite.
    Sqlite,
    /// Ours on redb, shared with other processes: the default.
    Redb,
    /// Ours on redb, no other process let in.
    RedbExclusive,
}

impl Kind {
    /// The stores of ours.
    pub(crate) const OURS: [Self; 3] = [Self::Sqlite, Self::Redb, Self::RedbExclusive];

    /// Its name in tables and JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::RawSqlite => "raw-sqlite",
            Self::RawRedb => "raw-redb",
            Self::Sqlite => "sqlite",
            Self::Redb => "redb",
            Self::RedbExclusive => "redb-exclusive",
        }
    }

    /// The name of its file.
    pub(crate) const fn file_name(self) -> &'static str {
        match self {
            Self::Seed => "seed.db",
            Self::RawSqlite => "raw.db",
            Self::RawRedb => "raw.redb",
            Self::Sqlite => "usage.db",
            Self::Redb => "usage.redb",
            Self::RedbExclusive => "exclusive.redb",
        }
    }

    /// The raw engine beneath it.
    pub(crate) const fn raw(self) -> Self {
        match self {
            Self::Seed | Self::RawSqlite | Self::Sqlite => Self::RawSqlite,
            Self::RawRedb | Self::Redb | Self::RedbExclusive => Self::RawRedb,
        }
    }

    /// Opens its file in a folder, made if missing.
    pub(crate) fn open(self, folder: &Path, workload: &Workload) -> Result<Box<dyn Subject>> {
        let path = folder.join(self.file_name());
        Ok(match self {
            Self::Seed => Box::new(Seed::open(&path)?),
            Self::RawSqlite => Box::new(RawSqlite::open(&path)?),
            Self::RawRedb => Box::new(RawRedb::open(&path)?),
            Self::Sqlite | Self::Redb | Self::RedbExclusive => {
                Box::new(TooltallyStore::open(self, &path, workload.clone())?)
            }
        })
    }

    /// The bytes of its files in a folder, everything beside the main file included.
    pub(crate) fn bytes(self, folder: &Path) -> Result<u64> {
        let mut sum = 0;
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(self.file_name()) {
                sum += entry.metadata()?.len();
            }
        }
        Ok(sum)
    }
}
