//! `stats`: how tools were used.

use std::process::ExitCode;

use serde_json::json;
use tooltally::{GroupBy, Project, Selection, Store, UsageRow};

use super::Context;
use crate::args::{By, StatsArguments};
use crate::calendar::{self, Unit};
use crate::diagnostics::{Failure, remark};
use crate::output::humanize::counted;
use crate::output::sanitize::visible;
use crate::output::usage_table::{self, Titles};
use crate::output::{json, print};
use crate::project::{self, Names};
use crate::spool::Spool;

/// Prints the usage of the selected events.
///
/// # Errors
/// A failure with a hint.
pub fn run(context: &Context, arguments: &StatsArguments) -> Result<ExitCode, Failure> {
    // Also where the store cannot be opened: then above all.
    context.remark_on_spool();
    let store = context.open_existing()?;
    let selection = context.selection(&arguments.filter, store.as_deref())?;
    let rows = match &store {
        Some(store) => usage(context, store.as_ref(), &selection, arguments.by)?,
        None => Vec::new(),
    };
    if context.json {
        if rows.is_empty() {
            remark(&format!("no events in {} match; fill it with\n{}", context.url, context.how_to_fill().trim_end()));
        }
        print(&as_json(context, &selection, &rows, arguments.by))?;
    } else if rows.is_empty() {
        print(&visible(&empty(context, store.as_deref())?))?;
    } else {
        print(&as_table(context, store.as_deref(), &selection, &rows, arguments.by)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the usage of every tool: what an import ends with.
///
/// # Errors
/// A failure with a hint.
pub fn print_all(context: &Context, store: &dyn Store) -> Result<(), Failure> {
    let rows = usage(context, store, &Selection::all(), By::Tool)?;
    if rows.is_empty() {
        return Ok(());
    }
    print(&format!("\n{}", as_table(context, Some(store), &Selection::all(), &rows, By::Tool)?))
}

fn usage(context: &Context, store: &dyn Store, selection: &Selection, by: By) -> Result<Vec<UsageRow>, Failure> {
    let rows = match group_by(by) {
        Grouping::Store(group_by) => store.usage(selection, &group_by),
        Grouping::Calendar(unit) => calendar::usage_by(store, selection, unit, &context.zone),
    };
    rows.map_err(context.failed("read"))
}

enum Grouping {
    Store(GroupBy),
    Calendar(Unit),
}

const fn group_by(by: By) -> Grouping {
    match by {
        By::Tool => Grouping::Store(GroupBy::Tool),
        By::Session => Grouping::Store(GroupBy::Session),
        By::Project => Grouping::Store(GroupBy::Project),
        By::Day => Grouping::Calendar(Unit::Day),
        By::Hour => Grouping::Calendar(Unit::Hour),
    }
}

const fn unit(by: By) -> Unit {
    match by {
        By::Hour => Unit::Hour,
        _ => Unit::Day,
    }
}

fn as_json(context: &Context, selection: &Selection, rows: &[UsageRow], by: By) -> String {
    let (from, to) = json::window(selection.window);
    let events: u64 = rows.iter().map(|row| row.usage.uses()).sum();
    let rows: Vec<_> = rows.iter().map(|row| json::usage_row(row, unit(by), &context.zone)).collect();
    json::line(&json!({
        "from": from,
        "to": to,
        "timezone": calendar::zone_name(&context.zone),
        "events": events,
        "rows": rows,
        "spool": {"waiting": Spool::of(&context.url).measure()},
    }))
}

fn as_table(
    context: &Context,
    store: Option<&dyn Store>,
    selection: &Selection,
    rows: &[UsageRow],
    by: By,
) -> Result<String, Failure> {
    let known: Vec<Project> = match (by, store) {
        (By::Project | By::Session, Some(store)) => project::known(store).map_err(context.failed("read"))?,
        _ => Vec::new(),
    };
    let names = Names::of(&known);
    let titles = Titles { names: &names, unit: unit(by), zone: &context.zone, now: context.now };
    Ok(usage_table::render(rows, selection.window, &titles, context.surface))
}

fn empty(context: &Context, store: Option<&dyn Store>) -> Result<String, Failure> {
    let recorded = match store {
        Some(store) => store.head().map_err(context.failed("read"))?.get(),
        None => 0,
    };
    Ok(match recorded {
        0 => format!("Nothing is recorded yet in {}. Fill it with\n\n{}", context.url, context.how_to_fill()),
        n => format!("None of the {} in {} match.\n", counted(n, "event"), context.url),
    })
}
