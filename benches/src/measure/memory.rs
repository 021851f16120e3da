//! `memory`: what a fresh process takes to answer every query, and to rebuild.

use std::path::{Path, PathBuf};

use super::fill::Filled;
use super::stage::Stage;
use crate::Result;
use crate::measures::Measure;
use crate::probe::{Job, Work, digest};
use crate::report::{Part, Row};
use crate::statistics::float;
use crate::subject::Kind;

/// A row for each store, where the system tells a process's memory: the queries' peak, with the rebuild's beside it.
pub(super) fn rows(stage: &mut Stage<'_>, filled: &Filled) -> Result<Vec<Row>> {
    let program = match &stage.options.prober {
        Some(program) => program.clone(),
        None => std::env::current_exe()?,
    };
    let kinds = stage.options.kinds();
    let mut phase = stage.progress.phase("memory", kinds.len() as u64);
    let mut rows = Vec::new();
    for kind in kinds {
        let right = right_answers(stage, filled, kind)?;
        stage.close_all();
        let (queries, answers) = probe(stage, kind, Work::Queries, &program)?;
        if answers != right {
            return Err(format!("{} answers otherwise in a process of its own", kind.name()).into());
        }
        let (rebuild, _) = probe(stage, kind, Work::Rebuild, &program)?;
        phase.set(rows.len() as u64 + 1);
        let Some((queries, rebuild)) = queries.zip(rebuild) else { continue };
        let mut row = Row::new(Measure::Memory, kind, queries, "MiB");
        row.parts =
            vec![Part::alone(Work::Queries.name(), queries, "MiB"), Part::alone(Work::Rebuild.name(), rebuild, "MiB")];
        rows.push(row.held_to(Measure::Memory.bar(kind, stage.options.events)));
    }
    if rows.is_empty() {
        stage.progress.tell("memory: this system does not tell");
    }
    Ok(rows)
}

/// The answers of the open store, each checked.
fn right_answers(stage: &mut Stage<'_>, filled: &Filled, kind: Kind) -> Result<Vec<u64>> {
    stage.open_all(&[kind])?;
    let subject = stage.opened(kind)?;
    let mut digests = Vec::new();
    for poll in Measure::QUERIES.into_iter().filter_map(|m| filled.polls.iter().find(|p| p.measure == Some(m))) {
        for expectation in &poll.expectations {
            let ask = subject.ask(&expectation.question)?.ok_or("a store of ours answers every question")?;
            let answer = ask()?;
            expectation.check(&stage.workload, &answer)?;
            digests.push(digest(&answer));
        }
    }
    Ok(digests)
}

/// The peak in MiB, where the system tells, and the answers.
fn probe(stage: &Stage<'_>, kind: Kind, work: Work, program: &Path) -> Result<(Option<f64>, Vec<u64>)> {
    let folder: PathBuf = stage.folder.canonicalize()?;
    let (events, days) = (stage.options.events, stage.options.days);
    let probed = Job { kind: kind.name().to_owned(), folder, events, days, work }.start(program)?;
    Ok((probed.peak_memory_bytes.map(|bytes| float(bytes) / f64::from(1 << 20)), probed.answers))
}
