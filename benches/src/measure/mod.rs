//! How each measure is taken.

mod append;
mod fill;
mod hook;
mod import;
mod memory;
mod program;
mod queries;
mod recorder;
mod size;
mod stage;
mod transcripts;

use crate::machine::{self, Machine};
use crate::measures::Measure;
use crate::options::Options;
use crate::probe;
use crate::progress::Progress;
use crate::report::{Comparison, Row};
use crate::{Failure, Result};
use stage::Stage;

/// Compares our stores with what people would use instead, in one run.
///
/// # Errors
/// Whatever a store reports, and the first answer that is not right: a wrong store has no speed.
pub fn compare(options: &Options, progress: &Progress) -> Result<Comparison> {
    if probe::is_wanted() {
        // Else each process would start the next.
        return Err("a program that compares begins with `probe`".into());
    }
    if options.kinds().is_empty() || options.wanted().is_empty() {
        return Err("nothing is wanted".into());
    }
    let mut machine = Machine::this();
    let temporary = tempfile::Builder::new().prefix("tooltally-compare-").tempdir()?;
    let folder = match &options.folder {
        Some(folder) => new_folder(folder)?,
        None => temporary.path().to_owned(),
    };
    machine.file_system = machine::file_system(&folder);
    let mut comparison = Comparison {
        date: Some(jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        command: None,
        machine: machine.clone(),
        versions: machine::versions(),
        events: options.events,
        days: options.days,
        rows: Vec::new(),
        series: Vec::new(),
    };
    if machine.file_system.as_deref() == Some("tmpfs") {
        progress.tell("warning: the stores stand in memory, so durable commits look free: name a --folder on a disk");
    }
    let mut stage = Stage::new(options, progress, folder)?;
    run(&mut stage, &mut comparison)?;
    progress.finish();
    machine.load_after = machine::load();
    comparison.machine = machine;
    comparison.rows.sort_by_key(|row| row.measure);
    Ok(comparison)
}

/// The order matters: queries are checked against the workload, so what records more comes after them.
fn run(stage: &mut Stage<'_>, comparison: &mut Comparison) -> Result<()> {
    let options = stage.options;
    let rows = &mut comparison.rows;
    let program = program::find(options, stage.progress)?;
    let filled = fill::run(stage)?;
    if options.wants(Measure::BatchAppend) {
        rows.extend(filled.rows(stage));
    }
    comparison.series.extend(filled.series(stage));
    for measure in Measure::QUERIES.into_iter().filter(|measure| options.wants(*measure)) {
        rows.extend(queries::rows(stage, &filled, measure)?);
    }
    if options.wants(Measure::Growth) {
        rows.extend(queries::growth(stage, &filled)?);
    }
    if options.wants(Measure::BytesPerEvent) {
        rows.extend(size::bytes_per_event(stage)?);
    }
    if options.wants(Measure::Memory) {
        rows.extend(memory::rows(stage, &filled)?);
    }
    if options.wants(Measure::Rebuild) {
        rows.extend(size::rebuild(stage)?);
    }
    if options.wants(Measure::SingleAppend) {
        rows.extend(append::single(stage)?);
    }
    if options.wants(Measure::ThreadsAppend) {
        rows.extend(append::threads(stage)?);
    }
    if options.wants(Measure::Recorder) {
        rows.extend(recorder::rows(stage)?);
    }
    if options.series {
        comparison.series.extend(append::by_batch_size(stage)?);
        comparison.series.extend(append::by_threads(stage)?);
    }
    if let Some(program) = program {
        rows.extend(processes(stage, &program)?);
    }
    Ok(())
}

fn processes(stage: &mut Stage<'_>, program: &std::path::Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    if stage.options.wants(Measure::Hook) {
        rows.extend(hook::rows(stage, program)?);
    }
    if stage.options.wants(Measure::Import) {
        rows.extend(import::rows(stage, program)?);
    }
    Ok(rows)
}

/// A folder that is made for this run: what is there already is not written over.
fn new_folder(folder: &std::path::Path) -> Result<std::path::PathBuf> {
    std::fs::create_dir_all(folder)?;
    if std::fs::read_dir(folder)?.next().is_some() {
        return Err(Failure::from(format!("the folder {} is not empty: name a new one", folder.display())));
    }
    Ok(folder.to_owned())
}
