//! Which tools a project has: keep a registry of what settings offer, and ask which of it, and of what was used, is
//! active, stale or demoted.
//!
//! ```text
//! cargo run -p tooltally --example know_the_tools
//! ```

use std::error::Error;

use tooltally::policy::kind::{Identity, Scope};
use tooltally::policy::status::Rule;
use tooltally::{
    Clock, Condition, Description, Event, EventId, Filter, LogExt, Outcome, PoliciesExt, Project, SettingsSource,
    Store, SystemClock, ToolDiscovered, ToolName, ToolRemoved, ToolUse,
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let scratch = format!("sqlite:{}", folder.path().join("usage.db").display());
    let store = tooltally::open(&std::env::args().nth(1).unwrap_or(scratch))?;
    let (app, other) = (Project::from_path("/home/dev/app")?, Project::from_path("/home/dev/other")?);

    // What a scan of the project's settings finds. Only differences are recorded.
    println!("recorded {}", record_differences(&*store, &app, &["mcp__github", "/deploy"])?);
    println!("recorded {}", record_differences(&*store, &app, &["mcp__github", "/deploy"])?);
    // A command has gone: that is an event too, and the tool is stale, not forgotten.
    println!("recorded {}", record_differences(&*store, &app, &["mcp__github"])?);

    // Calls. A tool that no settings have is known by its first use.
    let call = |tool: &str, project: &Project, outcome| -> tooltally::Result<Event> {
        let call = ToolUse::new(EventId::random()?, ToolName::new(tool)?, outcome, SystemClock.now());
        Ok(call.project(project.clone()).into())
    };
    for _ in 0..3 {
        store.record(&call("mcp__github__search", &app, Outcome::Success)?)?;
        store.record(&call("Edit", &app, Outcome::Failure)?)?;
    }
    store.record(&call("mcp__secret__ask", &other, Outcome::Success)?)?;

    // What the project has, best first: nothing of the other project is there.
    for tool in store.tools_for(Some(app.id), &Rule::default(), SystemClock.now())? {
        let (status, source) = (tool.status.standing(), tool.source().map_or("its use", SettingsSource::as_str));
        println!("{:<20} {:<13} {:<8} {} uses, known by {source}", tool.name, tool.kind, status, tool.uses);
    }
    Ok(())
}

/// Records what is there and was not, and what was there and is not, unless another scan is faster.
fn record_differences(store: &dyn Store, project: &Project, found: &[&str]) -> tooltally::Result<usize> {
    loop {
        let head = store.head()?;
        let known = store.registered(&Filter::Is(project.id))?;
        let is_known = |name: &str| known.iter().any(|k| k.removed.is_none() && k.discovered.tool.as_str() == name);
        let mut events: Vec<Event> = Vec::new();
        for name in found.iter().filter(|name| !is_known(name)) {
            let (tool, source) = (ToolName::new(name)?, SettingsSource::new(".mcp.json")?);
            let kind = Identity::of(&tool).kind;
            let found = ToolDiscovered::new(EventId::random()?, tool, kind, Scope::Project, source, SystemClock.now());
            events.push(found.description(Description::new("from the project")?).project(project.clone()).into());
        }
        for gone in known.iter().filter(|k| k.removed.is_none() && !found.contains(&k.discovered.tool.as_str())) {
            let removed = ToolRemoved::new(EventId::random()?, gone.discovered.tool.clone(), SystemClock.now());
            events.push(removed.project(project.clone()).into());
        }
        match store.append(&events, Condition::HeadIs(head)) {
            Ok(answers) => return Ok(answers.len()),
            Err(error) if error.is_condition_not_met() => {}
            Err(error) => return Err(error),
        }
    }
}
