//! `scan`: what the agent's settings offer, compared with what is registered; the differences are recorded.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tooltally::policy::kind::Scope;
use tooltally::{Condition, Error, Filter, Project, Store, ToolDiscovered, ToolName};

use super::Context;
use crate::args::ScanArguments;
use crate::diagnostics::{Failure, remark};
use crate::output::humanize::count;
use crate::output::sanitize::one_line;
use crate::output::table::{Column, Grid};
use crate::output::{json, print};
use crate::project;
use crate::scan::{Differences, Discovery, Places, Scan, compare, scan};

/// How long others may be faster, before a scan gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Scans, records what has come and gone, and prints it.
///
/// # Errors
/// A failure with a hint.
pub fn run(context: &Context, arguments: &ScanArguments) -> Result<ExitCode, Failure> {
    let places = Places::of_project(arguments.project.as_deref().unwrap_or(Path::new(".")))?;
    let (scan, differences) = if arguments.dry_run {
        let scan = scan(&places);
        let differences = differ(context, context.open_existing()?.as_deref(), &places, &scan)?;
        (scan, differences)
    } else {
        record(context, &places)?
    };
    let outcome = Outcome { project: places.project(), scan: &scan, differences: &differences };
    if context.json {
        print(&outcome.as_json())?;
    } else {
        print(&outcome.as_text(context, arguments.dry_run))?;
        outcome.tell_skipped();
    }
    Ok(ExitCode::SUCCESS)
}

fn differ(context: &Context, store: Option<&dyn Store>, places: &Places, scan: &Scan) -> Result<Differences, Failure> {
    let mut registered = Vec::new();
    if let Some(store) = store {
        for project in [Filter::Absent, Filter::Is(places.project().id)] {
            registered.extend(store.registered(&project).map_err(context.failed("read"))?);
        }
    }
    compare(scan, &registered, places, context.now).map_err(context.failed("record in"))
}

/// Records the differences, once: they hold for the log as it was before the settings were read. Where somebody else
/// has recorded something meanwhile, all of it is looked at anew.
fn record(context: &Context, places: &Places) -> Result<(Scan, Differences), Failure> {
    let mut store = context.open_existing()?;
    let begun = Instant::now();
    loop {
        let head = store.as_ref().map(|store| store.head()).transpose().map_err(context.failed("read"))?;
        let scan = scan(places);
        let differences = differ(context, store.as_deref(), places, &scan)?;
        if differences.is_empty() {
            return Ok((scan, differences));
        }
        let Some((open, head)) = store.as_ref().zip(head) else {
            // Only now there is something to make a store for. Somebody may have been faster.
            store = Some(context.open_or_make()?);
            continue;
        };
        match open.append(&differences.events(), Condition::HeadIs(head)) {
            Ok(_) => return Ok((scan, differences)),
            Err(Error::ConditionNotMet { .. }) if begun.elapsed() < PATIENCE => {}
            Err(error @ Error::ConditionNotMet { .. }) => {
                return Err(context.failed("record in")(error).hint("others record all the time; try again"));
            }
            Err(error) => return Err(context.failed("record in")(error)),
        }
    }
}

struct Outcome<'a> {
    project: &'a Project,
    scan: &'a Scan,
    differences: &'a Differences,
}

impl Outcome<'_> {
    fn as_json(&self) -> String {
        let skipped: Vec<Value> =
            self.scan.skipped.iter().map(|skipped| json!({"path": skipped.path, "reason": skipped.reason})).collect();
        let discovered = |discovery: &Discovery| tool(&discovery.event, &[("changed", json!(discovery.is_change))]);
        json::line(&json!({
            "project": self.project.id.to_string(),
            "path": self.project.path.as_ref().map(AsRef::as_ref),
            "discovered": self.differences.discovered.iter().map(discovered).collect::<Vec<_>>(),
            "removed": self.differences.removed.iter().map(|(known, _)| tool(known, &[])).collect::<Vec<_>>(),
            "unchanged": self.differences.unchanged,
            "skipped": skipped,
        }))
    }

    fn as_text(&self, context: &Context, is_dry_run: bool) -> String {
        let told = self.told();
        let number = |words: &[&str]| count(told.iter().filter(|(_, what)| words.contains(what)).count() as u64);
        let mut heading = format!(
            "{} came, {} changed, {} went, {} as before: every project and {}",
            number(&["came", "turned on"]),
            number(&["changed"]),
            number(&["went", "turned off"]),
            count(self.differences.unchanged),
            project::shown(self.project)
        );
        if is_dry_run {
            heading.push_str("\nNothing was recorded.");
        }
        if self.differences.is_empty() {
            return format!("{heading}\n");
        }
        let mut grid = Grid::new(vec![
            Column::name("Tool"),
            Column::text("", 0),
            Column::text("Kind", 1),
            Column::text("Scope", 2),
            Column::text("Found in", 3),
        ]);
        for (tool, what) in told {
            grid.row(vec![
                tool.tool.to_string(),
                what.to_owned(),
                crate::output::tools_table::kind(tool.kind).to_owned(),
                crate::output::tools_table::scope(tool.scope),
                tool.source.to_string(),
            ]);
        }
        format!("{}\n\n{}", context.surface.bold(&heading), grid.render(context.surface))
    }

    /// What has become of each tool, in a word or two.
    fn told(&self) -> Vec<(&ToolDiscovered, &'static str)> {
        let Differences { discovered, removed, .. } = self.differences;
        let is_gone = |tool: &ToolName| removed.iter().any(|(known, _)| known.project.is_none() && known.tool == *tool);
        let went =
            |known: &ToolDiscovered| if is_switch(known) && !is_gone(&known.tool) { "turned on" } else { "went" };
        let discovered = discovered.iter().map(|discovery| (&discovery.event, became(discovery)));
        discovered.chain(removed.iter().map(|(known, _)| (known, went(known)))).collect()
    }

    fn tell_skipped(&self) {
        let skipped = &self.scan.skipped;
        if skipped.is_empty() {
            return;
        }
        remark("not taken:");
        for skipped in skipped {
            remark(&format!("  {}: {}", one_line(&skipped.path), one_line(&skipped.reason)));
        }
    }
}

/// Whether it is every project's, and off in this one: then its discovery takes it away, and its removal brings it back.
fn is_switch(tool: &ToolDiscovered) -> bool {
    tool.scope == Scope::TurnedOff
}

fn became(discovery: &Discovery) -> &'static str {
    match discovery {
        _ if is_switch(&discovery.event) => "turned off",
        Discovery { is_change: true, .. } => "changed",
        _ => "came",
    }
}

fn tool(tool: &ToolDiscovered, more: &[(&str, Value)]) -> Value {
    let mut object = json!({
        "tool": tool.tool.as_str(),
        "kind": tool.kind.as_str(),
        "scope": tool.scope.as_str(),
        "project": tool.project.as_ref().map(|project| project.id.to_string()),
        "source": tool.source.as_str(),
        "description": tool.description.as_ref().map(AsRef::<str>::as_ref),
        "server": tool.server.as_ref().map(AsRef::<str>::as_ref),
    });
    if let Some(object) = object.as_object_mut() {
        object.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    }
    object
}
