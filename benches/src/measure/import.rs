//! `import`: transcripts whose calls are all known, from copies under other names.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::program::{answer, peak_memory, url};
use super::stage::Stage;
use super::transcripts;
use crate::Result;
use crate::measures::Measure;
use crate::report::Row;
use crate::statistics::{Samples, float};
use crate::subject::Kind;

/// What the process may take at its peak.
const MEMORY_BYTES: u64 = 64 << 20;
const RUNS: usize = 5;
/// Bytes of transcripts for each event in the store, within bounds.
const BYTES_PER_EVENT: u64 = 64;
const LEAST_BYTES: u64 = 4 << 20;
const MOST_BYTES: u64 = 256 << 20;

/// A row for each backend that the program opens.
pub(super) fn rows(stage: &mut Stage<'_>, program: &Path) -> Result<Vec<Row>> {
    stage.close_all();
    let kinds: Vec<Kind> = stage.options.kinds().into_iter().filter(|kind| *kind != Kind::RedbExclusive).collect();
    let mut phase = stage.progress.phase("import", kinds.len() as u64 + 1);
    let wanted = (stage.options.events * BYTES_PER_EVENT).clamp(LEAST_BYTES, MOST_BYTES);
    let first = stage.folder.join("transcripts");
    let calls = stage.fresh(transcripts::calls_for(wanted));
    let files = transcripts::write(&first, &calls)?;
    let bytes: u64 = files.iter().map(|file| Ok(fs::metadata(file)?.len())).sum::<Result<_>>()?;
    let copies = stage.folder.join("copies");
    copy(&files, &copies)?;
    let mut rows = Vec::new();
    for kind in kinds {
        phase.set(rows.len() as u64 + 1);
        let import = |folder: &Path| {
            let mut command = Command::new(program);
            command.arg("--db").arg(url(kind, &stage.folder)).args(["--json", "import"]).arg(folder);
            command
        };
        expect(&answer(&mut import(&first))?.0, "new", calls.len())?;
        let mut times = Samples::default();
        for _ in 0..RUNS {
            let (answer, time) = answer(&mut import(&copies))?;
            expect(&answer, "duplicates", calls.len())?;
            times.push_micros(time);
        }
        // Apart, since looking at a process disturbs it.
        let peak = peak_memory(&mut import(&copies))?;
        // Bytes per microsecond are megabytes per second.
        let mut row = Row::new(Measure::Import, kind, float(bytes) / times.median(), "MB/s")
            .spread(times.spread("µs"), None)
            .held_to(Measure::Import.bar(kind, stage.options.events));
        row.peak_memory_bytes = peak;
        rows.push(row.and("memory < 64 MiB", peak.is_none_or(|peak| peak < MEMORY_BYTES)));
    }
    Ok(rows)
}

/// Copies as a resumed session or a moved folder leaves them: other names, other times.
fn copy(files: &[PathBuf], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (number, file) in files.iter().rev().enumerate() {
        let copied = folder.join(format!("copy-{number:04}.jsonl"));
        fs::copy(file, &copied)?;
        let touched = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000 + 61 * number as u64);
        File::options().write(true).open(copied)?.set_modified(touched)?;
    }
    Ok(())
}

/// Whether the import has found what it should: every call, and all of them new or all of them known.
fn expect(answer: &str, all_are: &str, calls: usize) -> Result<()> {
    let summary: Value = serde_json::from_str(answer)?;
    let number = |name: &str| summary.get(name).and_then(Value::as_u64);
    if number("events") == Some(calls as u64) && number(all_are) == Some(calls as u64) {
        return Ok(());
    }
    Err(format!("an import of {calls} calls, all of them {all_are}, answered {}", answer.trim()).into())
}
