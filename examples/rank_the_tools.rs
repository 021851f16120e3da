//! Which tools matter now: rank those of a project, with every term of each score, and gather those of MCP servers.
//!
//! ```text
//! cargo run -p tooltally --example rank_the_tools
//! ```

use std::error::Error;

use tooltally::policy::rank::{Weights, rank_servers};
use tooltally::policy::status::Rule;
use tooltally::{Clock, EventId, LogExt, ManualClock, Outcome, PoliciesExt, Project, Timestamp, ToolName, ToolUse};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let scratch = format!("sqlite:{}", folder.path().join("usage.db").display());
    let store = tooltally::open(&std::env::args().nth(1).unwrap_or(scratch))?;
    let project = Project::from_path("/home/dev/app")?;
    let clock = ManualClock::new(Timestamp::from_micros(1_767_225_600_000_000)?);

    // A morning's calls: much reading, some searches through an MCP server, and edits that fail.
    for number in 0..120_u64 {
        let (tool, outcome) = match number % 6 {
            0 => ("mcp__github__search", Outcome::Success),
            1 => ("mcp__github__get_issue", Outcome::Success),
            2 => ("Edit", Outcome::Failure),
            _ => ("Read", Outcome::Success),
        };
        let id = EventId::derived(&[number.to_le_bytes()]);
        store.record(&ToolUse::new(id, ToolName::new(tool)?, outcome, clock.now()).project(project.clone()).into())?;
    }

    // Rule and weights are values: change what a failure or a rest means, or what counts how much.
    let ranked = store.rank(Some(project.id), &Rule::default(), &Weights::default(), clock.now())?;
    for tool in &ranked {
        println!("{:<24} {}", tool.facts.tool, tool.score);
    }
    for server in rank_servers(&ranked, &Weights::default()) {
        println!("{:<24} {} ({} tools)", server.name, server.score, server.tools.len());
    }
    Ok(())
}
