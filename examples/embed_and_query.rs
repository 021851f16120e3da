//! Embed a store in a program: record some calls, then ask about them.
//!
//! ```text
//! cargo run -p tooltally --example embed_and_query
//! cargo run -p tooltally --example embed_and_query -- redb:usage.redb    (with --features redb)
//! ```

use std::error::Error;

use tooltally::{
    AgentName, Clock, Event, EventId, GroupBy, GroupKey, LogExt, Outcome, Project, QueriesExt, Selection, SessionId,
    SystemClock, Timestamp, ToolDuration, ToolName, ToolUse, Window,
};

fn main() -> Result<(), Box<dyn Error>> {
    // A store is named by a URL. Without an argument, one that is gone afterwards.
    let folder = tempfile::tempdir()?;
    let scratch = format!("sqlite:{}", folder.path().join("usage.db").display());
    let store = tooltally::open(&std::env::args().nth(1).unwrap_or(scratch))?;

    // What a program knows of a call. Each value is checked when it is made, so a store never meets a bad one.
    let agent = AgentName::new("my-agent")?;
    let session = SessionId::new("session-1")?;
    let project = Project::from_path("/home/dev/lantern")?;
    let now = SystemClock.now();
    let call = |number: u64, tool: &str, outcome: Outcome, millis: Option<f64>| -> tooltally::Result<Event> {
        // The id says which call this is. Reporting the same call again records nothing, so retries are safe.
        let id = EventId::in_session(&agent, &session, &number.to_string());
        let mut tool_use = ToolUse::new(id, ToolName::new(tool)?, outcome, now)
            .agent(agent.clone())
            .session(session.clone())
            .project(project.clone());
        // What was not measured stays unknown: it is never counted as 0.
        tool_use.duration = millis.map(ToolDuration::from_millis).transpose()?;
        Ok(tool_use.into())
    };

    // A batch is recorded whole or not at all; when this returns, it is on the disk.
    let batch = [
        call(1, "search", Outcome::Success, Some(41.5))?,
        call(2, "search", Outcome::Success, Some(38.0))?,
        call(3, "run_tests", Outcome::Failure, Some(9_120.0))?,
        call(4, "edit", Outcome::Rejected, None)?,
        call(5, "run_tests", Outcome::Success, Some(8_760.0))?,
    ];
    let answers = store.record_all(&batch)?;
    println!("recorded {} of {}", answers.iter().filter(|answer| answer.is_new()).count(), batch.len());

    // The same once more: nothing is new.
    let answers = store.record_all(&batch)?;
    println!("recorded {} of {}", answers.iter().filter(|answer| answer.is_new()).count(), batch.len());

    // How often, how well, how long: one tool, in all projects, ever.
    let tests = store.usage_for_tool(&ToolName::new("run_tests")?, None, None)?;
    println!(
        "run_tests: {} calls, {} failed, slowest {} ms",
        tests.uses(),
        tests.count(Outcome::Failure),
        tests.durations().max_micros().unwrap_or(0) / 1000,
    );

    // Any selection, in groups: this project in the last hour, a row per tool, most used first.
    let hour_ago = Timestamp::from_micros(now.as_micros() - 3_600_000_000)?;
    let selection = Selection::all().project(project.id).window(Window::since(hour_ago));
    for row in store.usage(&selection, &GroupBy::Tool)? {
        if let GroupKey::Tool(tool) = &row.key {
            println!("{tool:<10} {:>3} uses, last at {}", row.usage.uses(), show(row.usage.last_used()));
        }
    }

    // Was it good lately? The latest outcomes of a tool, the latest first.
    for recent in store.recent_outcomes(&ToolName::new("run_tests")?, Some(project.id), 5)? {
        println!("run_tests at position {}: {}", recent.position, recent.outcome);
    }
    Ok(())
}

fn show(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "never".to_owned(), |time| time.to_string())
}
