//! The readers of everything that comes from outside, through the library's public functions.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, not tests themselves: a panic is how they fail"
)]

mod detection;
mod event_lines;
mod hooks;
mod predecessor;
mod properties;
mod real_data;
mod transcripts;

use std::convert::Infallible;
use std::io::{Read, empty};
use std::path::{Path, PathBuf};

use tooltally::{Event, ManualClock, SystemClock, Timestamp, ToolUse};
use tooltally_cli::input::{Importer, Summary};

/// The time of entries that have none.
const NOW: &str = "2026-05-01T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn clock() -> ManualClock {
    ManualClock::new(now())
}

fn tool_use(event: Event) -> ToolUse {
    match event {
        Event::ToolUse(tool_use) => tool_use,
        other => panic!("{other:?}"),
    }
}

fn run(
    read: impl FnOnce(&mut Importer<'_>, &mut dyn FnMut(Event) -> Result<(), Infallible>) -> Result<(), Infallible>,
) -> (Vec<ToolUse>, Summary) {
    let mut events = Vec::new();
    let mut importer = Importer::new(&SystemClock);
    let result = read(&mut importer, &mut |event| {
        events.push(tool_use(event));
        Ok(())
    });
    result.unwrap();
    (events, importer.finish())
}

/// What a stream with this text comes to.
fn import_text(text: impl AsRef<[u8]>) -> (Vec<ToolUse>, Summary) {
    import_reader(&mut text.as_ref())
}

fn import_reader(reader: &mut dyn Read) -> (Vec<ToolUse>, Summary) {
    run(|importer, emit| importer.read_stream("test", reader, now(), emit))
}

/// What files and folders come to.
fn import_paths(paths: &[PathBuf]) -> (Vec<ToolUse>, Summary) {
    run(|importer, emit| importer.read_paths(paths, &mut empty(), emit))
}

fn import_path(path: &Path) -> (Vec<ToolUse>, Summary) {
    import_paths(&[path.to_owned()])
}

/// The reasons and counts of what was passed over.
fn skipped(summary: &Summary) -> Vec<(&str, u64)> {
    summary.skipped.iter().map(|(reason, count)| (reason.as_str(), *count)).collect()
}
