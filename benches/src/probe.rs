//! A process of its own, to see what memory a piece of work takes: this program, started again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::machine::{field, kib};
use crate::measures::Measure;
use crate::subject::{Answer, Kind, Subject};
use crate::workload::Workload;
use crate::{Failure, Result};

/// The variable that carries a job. Without it there is nothing to do.
const JOB: &str = "TOOLTALLY_BENCHES_PROBE";

/// What is done in a process of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The store's kind, by name.
    pub(crate) kind: String,
    pub(crate) folder: PathBuf,
    pub(crate) events: u64,
    pub(crate) days: u64,
    pub(crate) work: Work,
}

/// The work whose memory is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Every question of the table, once.
    Queries,
    Rebuild,
}

/// What a probe tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Probed {
    /// `None` where the system does not tell.
    pub(crate) peak_memory_bytes: Option<u64>,
    /// A digest of each answer, in order.
    pub(crate) answers: Vec<u64>,
}

/// Whether a comparison has started this process for a piece of work.
pub(crate) fn is_wanted() -> bool {
    std::env::var_os(JOB).is_some()
}

/// Does the work for which a comparison has started this process; `None` if none has.
pub fn probe() -> Option<Result<()>> {
    let job = std::env::var(JOB).ok()?;
    Some(serde_json::from_str(&job).map_err(Failure::from).and_then(|job: Job| {
        println!("{}", serde_json::to_string(&job.run()?)?);
        Ok(())
    }))
}

impl Job {
    /// Has it done by a process of its own.
    pub(crate) fn start(&self, program: &Path) -> Result<Probed> {
        let output = Command::new(program)
            .env(JOB, serde_json::to_string(self)?)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        let told = serde_json::from_slice(&output.stdout);
        told.map_err(|e| format!("{} of {} in a process of its own: {e}", self.work.name(), self.kind).into())
    }

    fn run(&self) -> Result<Probed> {
        let workload = Workload::new(self.events, self.days)?;
        let kind = Kind::OURS.into_iter().find(|kind| kind.name() == self.kind);
        let kind = kind.ok_or_else(|| format!("there is no store {}", self.kind))?;
        let subject = kind.open(&self.folder, &workload)?;
        let answers = match self.work {
            Work::Queries => answers(subject.as_ref(), self.events, workload.end_micros(self.events) / 1_000_000)?,
            Work::Rebuild => {
                subject.rebuild()?;
                Vec::new()
            }
        };
        let peak = field("/proc/self/status", "VmHWM").and_then(|text| kib(&text));
        Ok(Probed { peak_memory_bytes: peak, answers })
    }
}

impl Work {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Queries => "queries",
            Self::Rebuild => "rebuild",
        }
    }
}

/// Asks every question of the table.
fn answers(subject: &dyn Subject, events: u64, now_seconds: u64) -> Result<Vec<u64>> {
    let mut digests = Vec::new();
    for question in Measure::QUERIES.into_iter().flat_map(|measure| measure.questions(events, now_seconds)) {
        let ask = subject.ask(&question)?.ok_or("a store of ours answers every question")?;
        digests.push(digest(&ask()?));
    }
    Ok(digests)
}

/// By which two processes know that they have the same answer.
pub(crate) fn digest(answer: &Answer) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{answer:?}").hash(&mut hasher);
    hasher.finish()
}
