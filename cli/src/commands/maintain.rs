//! `verify`, `rebuild`, `compact`: the care of a store.

use std::process::ExitCode;

use serde_json::json;
use tooltally::{Error, Progress, Store};

use super::Context;
use crate::diagnostics::Failure;
use crate::output::humanize::{bytes, counted};
use crate::output::sanitize::visible;
use crate::output::{json, print, progress};
use crate::place::beside;

/// Proves the store sound, or says where it is not.
///
/// # Errors
/// A failure that names the first difference.
pub fn verify(context: &Context) -> Result<ExitCode, Failure> {
    let store = open(context)?;
    let answer = with_progress("verifying", |progress| store.verify(progress));
    if context.json
        && let Err(Error::Corrupt { place, detail, .. }) = &answer
    {
        print(&json::line(&json!({"ok": false, "place": place, "detail": detail})))?;
    }
    let verified = answer.map_err(context.failed("verify"))?;
    let text = if context.json {
        json::line(&json!({"ok": true, "events": verified.events, "projections": verified.projections}))
    } else {
        format!(
            "{} is sound: {} and {} agree.\n",
            context.url,
            counted(verified.events, "event"),
            counted(verified.projections, "row").replace(" row", " projected row")
        )
    };
    print(&visible(&text))?;
    Ok(ExitCode::SUCCESS)
}

/// Folds the projections anew.
///
/// # Errors
/// A failure with a hint.
pub fn rebuild(context: &Context) -> Result<ExitCode, Failure> {
    let store = open(context)?;
    with_progress("rebuilding", |progress| store.rebuild(progress)).map_err(context.failed("rebuild"))?;
    let events = store.head().map_err(context.failed("read"))?.get();
    print(&if context.json {
        json::line(&json!({"rebuilt": true, "events": events}))
    } else {
        format!("Rebuilt the projections of {} from {}.\n", visible(&context.url.to_string()), counted(events, "event"))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Makes the file smaller, where it can be.
///
/// # Errors
/// A failure with a hint.
pub fn compact(context: &Context) -> Result<ExitCode, Failure> {
    let store = open(context)?;
    let before = size(context);
    store.compact().map_err(context.failed("compact"))?;
    let after = size(context);
    print(&if context.json {
        json::line(&json!({"bytes_before": before, "bytes_after": after}))
    } else {
        format!("Compacted {}: {} before, {} now.\n", visible(&context.url.to_string()), bytes(before), bytes(after))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn open(context: &Context) -> Result<Box<dyn Store>, Failure> {
    let missing = || {
        let path = context.url.path().display().to_string();
        Failure::store("open", &context.url, Error::Missing { path })
    };
    context.open_existing()?.ok_or_else(missing)
}

/// What the store takes on disk, with SQLite's journal.
fn size(context: &Context) -> u64 {
    let files = ["", "-wal"].map(|suffix| beside(&context.url, suffix));
    files.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|data| data.len()).sum()
}

fn with_progress<T>(doing: &'static str, work: impl FnOnce(&mut dyn FnMut(Progress)) -> T) -> T {
    let bar = progress::of_events(doing);
    let answer = work(&mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    answer
}
