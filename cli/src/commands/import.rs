//! `import`: takes in an agent's history.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::ProgressBar;
use serde_json::json;
use tooltally::{Appended, Condition, Event, Store, SystemClock};

use super::{Context, stats};
use crate::args::ImportArguments;
use crate::diagnostics::{Failure, remark};
use crate::input::{Importer, Summary, total_bytes};
use crate::output::humanize::{count, counted};
use crate::output::sanitize::one_line;
use crate::output::{json, print, progress};
use crate::place::{beside, claude_folder};
use crate::spool::Spool;

/// How many events one append records: all of them or none, also when the program is stopped.
const BATCH: usize = 2048;

/// Takes in the files, and says what came of it.
///
/// # Errors
/// A failure where a path does not exist, nothing could be read, or the store failed.
pub fn run(context: &Context, arguments: &ImportArguments) -> Result<ExitCode, Failure> {
    let paths = paths(arguments)?;
    let store = context.open_or_make()?;
    take_in_spool(context, store.as_ref());
    let bar = progress::of_bytes(known_size(&paths));
    let mut batch = Batch::new(store.as_ref(), &bar);
    let own = ["", "-wal", "-shm", "-journal"].map(|suffix| beside(&context.url, suffix));
    let importer = Importer::new(&SystemClock).leaving_out(own);
    let mut importer = importer.on_progress(|bytes| bar.set_position(bytes));
    let read = importer
        .read_paths(&paths, &mut io::stdin().lock(), &mut |event| batch.push(event))
        .and_then(|()| batch.flush())
        .map_err(context.failed("record in"));
    let (new, duplicates) = (batch.new, batch.duplicates);
    let summary = importer.finish();
    bar.finish_and_clear();
    tell_skipped(&summary);
    if let Err(failure) = read {
        remark(&format!("{} were recorded before the failure; importing again adds what is missing", count(new)));
        return Err(failure);
    }
    if context.json {
        print(&as_json(&summary, new, duplicates))?;
    } else {
        print(&as_text(&summary, new, duplicates))?;
        stats::print_all(context, store.as_ref())?;
    }
    if summary.files == 0 && summary.skipped_total() > 0 {
        return Err(nothing_read());
    }
    Ok(ExitCode::SUCCESS)
}

/// What to read; every path is there.
fn paths(arguments: &ImportArguments) -> Result<Vec<PathBuf>, Failure> {
    if arguments.paths.is_empty() {
        let history = claude_folder()?.join("projects");
        if history.is_dir() {
            return Ok(vec![history]);
        }
        return Err(Failure::new(format!("there is no history of Claude Code at {}", history.display()))
            .hint("name the files or folders to import, or their folder in CLAUDE_CONFIG_DIR"));
    }
    for path in arguments.paths.iter().filter(|path| path.as_os_str() != "-") {
        if let Err(error) = std::fs::metadata(path) {
            return Err(Failure::new(format!("cannot import {}", path.display())).because(error));
        }
    }
    Ok(arguments.paths.clone())
}

/// The size of what is read; `None` with stdin, which does not tell.
fn known_size(paths: &[PathBuf]) -> Option<u64> {
    if paths.iter().any(|path| path.as_os_str() == "-") { None } else { Some(total_bytes(paths)) }
}

fn take_in_spool(context: &Context, store: &dyn Store) {
    match Spool::of(&context.url).take_in(store) {
        Ok(0) => {}
        Ok(taken) => remark(&format!("took in {} that waited in the spool", counted(taken, "event"))),
        // They wait on: no reason not to import.
        Err(error) => remark(&format!("warning: what waits in the spool was not taken in: {error}")),
    }
}

/// Events on their way into the store.
struct Batch<'a> {
    store: &'a dyn Store,
    bar: &'a ProgressBar,
    events: Vec<Event>,
    new: u64,
    duplicates: u64,
}

impl<'a> Batch<'a> {
    fn new(store: &'a dyn Store, bar: &'a ProgressBar) -> Self {
        Self { store, bar, events: Vec::with_capacity(BATCH), new: 0, duplicates: 0 }
    }

    fn push(&mut self, event: Event) -> tooltally::Result<()> {
        self.events.push(event);
        if self.events.len() < BATCH { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> tooltally::Result<()> {
        let answers = self.store.append(&self.events, Condition::None)?;
        self.events.clear();
        let new = answers.iter().filter(|answer| matches!(answer, Appended::New(_))).count() as u64;
        self.new += new;
        self.duplicates += answers.len() as u64 - new;
        self.bar.set_message(format!("{} new", count(self.new)));
        Ok(())
    }
}

/// No source was of a known kind.
pub(super) fn nothing_read() -> Failure {
    Failure::new("nothing of it could be read").hint("`tooltally import --help` names the known formats")
}

/// What was passed over, with examples: the summary on stdout only counts.
pub(super) fn tell_skipped(summary: &Summary) {
    if summary.skipped.is_empty() && summary.notes.is_empty() {
        return;
    }
    let mut lines: Vec<String> = summary.examples.iter().map(|example| format!("skipped {example}")).collect();
    let more = summary.skipped_total().saturating_sub(summary.examples.len() as u64);
    if more > 0 {
        lines.push(format!("… and {} more", count(more)));
    }
    for (reason, number) in &summary.notes {
        lines.push(format!("note: {} without a field: {reason}", counted(*number, "event")));
    }
    remark(&lines.join("\n"));
}

fn as_json(summary: &Summary, new: u64, duplicates: u64) -> String {
    json::line(&json!({
        "files": summary.files,
        "events": summary.events,
        "new": new,
        "duplicates": duplicates,
        "pending": summary.pending,
        "skipped": summary.skipped,
    }))
}

fn as_text(summary: &Summary, new: u64, duplicates: u64) -> String {
    let mut lines = vec![format!(
        "Read {} in {}: {} new, {} known already.",
        counted(summary.events, "event"),
        counted(summary.files, "file"),
        count(new),
        count(duplicates)
    )];
    if summary.pending > 0 {
        lines.push(format!("Pending: {} never finished.", counted(summary.pending, "call")));
    }
    for (reason, number) in &summary.skipped {
        lines.push(format!("Skipped: {} {}", count(*number), one_line(reason)));
    }
    lines.join("\n") + "\n"
}
