//! `events`: the log as JSON Lines.

use std::io::Write;
use std::process::ExitCode;

use tooltally::{Position, Selection, Store};

use super::Context;
use crate::args::EventsArguments;
use crate::diagnostics::{Failure, remark};
use crate::input::event_line;
use crate::output::sanitize;

/// How many events are in memory at once.
const PAGE: usize = 1024;

/// Prints the selected events, oldest position first.
///
/// # Errors
/// A failure with a hint.
pub fn run(context: &Context, arguments: &EventsArguments) -> Result<ExitCode, Failure> {
    // Also where the store cannot be opened: then above all.
    context.remark_on_spool();
    let store = context.open_existing()?;
    let selection = context.selection(&arguments.filter, store.as_deref())?;
    let printed = match &store {
        Some(store) => print_events(context, store.as_ref(), &selection)?,
        None => 0,
    };
    if printed == 0 {
        remark(&format!("no events in {}", context.url));
    }
    Ok(ExitCode::SUCCESS)
}

fn print_events(context: &Context, store: &dyn Store, selection: &Selection) -> Result<u64, Failure> {
    let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
    // Up to the head as it is now: an answer ends, while others record.
    let head = store.head().map_err(context.failed("read"))?;
    let (mut after, mut printed) = (Position::START, 0);
    while after < head {
        let left = usize::try_from(head.get() - after.get()).unwrap_or(usize::MAX);
        let page = store.read(after, left.min(PAGE)).map_err(context.failed("read"))?;
        let Some(last) = page.last() else { break };
        after = last.position;
        for recorded in page.iter().filter(|recorded| selection.matches(&recorded.event)) {
            writeln!(stdout, "{}", sanitize::json(&event_line(recorded))).map_err(Failure::output)?;
            printed += 1;
        }
    }
    stdout.flush().map_err(Failure::output)?;
    Ok(printed)
}
