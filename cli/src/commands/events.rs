//! `events`: the log as JSON Lines.

use std::io::Write;
use std::process::ExitCode;

use tooltally::{Error, Position, Salvaged, Selection, Store};

use super::Context;
use crate::args::EventsArguments;
use crate::diagnostics::{Failure, remark};
use crate::input::event_line;
use crate::output::humanize::counted;
use crate::output::sanitize;
use crate::place::beside;

/// How many events are in memory at once.
const PAGE: usize = 1024;
/// How many stretches of lost events are named.
const MOST_RANGES: usize = 100;

/// Prints the selected events, oldest position first.
///
/// # Errors
/// A failure with a hint.
pub fn run(context: &Context, arguments: &EventsArguments) -> Result<ExitCode, Failure> {
    // Also where the store cannot be opened: then above all.
    context.remark_on_spool();
    if arguments.salvage {
        return salvage(context);
    }
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

/// Prints what can still be read of a damaged store, and says what cannot.
fn salvage(context: &Context) -> Result<ExitCode, Failure> {
    let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
    let mut unwritten = None;
    let salvaged = tooltally::salvage(&context.url, &mut |recorded| {
        writeln!(stdout, "{}", sanitize::json(&event_line(&recorded))).map_err(|failure| {
            unwritten = Some(failure);
            Error::Closed
        })
    });
    if let Some(failure) = unwritten {
        return Err(Failure::output(failure));
    }
    stdout.flush().map_err(Failure::output)?;
    let salvaged = salvaged.map_err(context.failed("salvage"))?;
    remark(&format!("read {} out of {}", counted(salvaged.events, "event"), context.url));
    if salvaged.is_whole() && salvaged.events > 0 {
        return Ok(ExitCode::SUCCESS);
    }
    // Where there is nothing, a store that is sound says so itself. It is not opened where a write-ahead log stands
    // beside it: what is in a damaged one, SQLite would throw away.
    if salvaged.last == Position::START
        && std::fs::metadata(beside(&context.url, "-wal")).map_or(0, |log| log.len()) == 0
        && let Ok(Some(store)) = context.open_existing()
        && store.head().is_ok_and(|head| head == Position::START)
    {
        return Ok(ExitCode::SUCCESS);
    }
    tell_lost(&salvaged);
    Ok(ExitCode::FAILURE)
}

fn tell_lost(salvaged: &Salvaged) {
    if salvaged.events == 0 {
        remark("nothing was found that is an event of a store");
    }
    for (first, last) in salvaged.lost.iter().take(MOST_RANGES) {
        remark(&if first == last {
            format!("lost: the event at position {first}")
        } else {
            format!("lost: the events at positions {first} to {last}")
        });
    }
    let more = salvaged.lost.len().saturating_sub(MOST_RANGES);
    if more > 0 {
        remark(&format!("lost: {more} more stretches like these"));
    }
    let lost = format!("lost in all: {}", counted(salvaged.lost_events(), "event"));
    remark(&if salvaged.is_end_known {
        lost
    } else {
        format!(
            "{lost} at least: the log's end is damaged, and what may have stood behind position {} left no trace",
            salvaged.last
        )
    });
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
        for recorded in page.iter().filter(|recorded| selection.includes(&recorded.event)) {
            writeln!(stdout, "{}", sanitize::json(&event_line(recorded))).map_err(Failure::output)?;
            printed += 1;
        }
    }
    stdout.flush().map_err(Failure::output)?;
    Ok(printed)
}
