//! Follow the log: read from a position on, while others append.
//!
//! Positions have no gaps and are never reused, so one number is all that a follower must remember. Kept where
//! the follower keeps its own results, it makes them exactly-once too.
//!
//! ```text
//! cargo run -p tooltally --example follow_the_log
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::mpsc;
use std::thread;

use tooltally::{Clock, Condition, Event, EventId, LogExt, Outcome, Position, Store, SystemClock, ToolName, ToolUse};

const WRITERS: u64 = 3;
const CALLS: u64 = 40;
const PAGE: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("usage.db").display());
    let store = tooltally::open(&url)?;

    // Writers with a store of their own each, as other processes have it.
    let (appended, news) = mpsc::channel();
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let (url, appended) = (url.clone(), appended.clone());
            thread::spawn(move || write(&url, number, &appended))
        })
        .collect();
    drop(appended);

    // The follower: a position, and what it has made of the log so far.
    let mut after = Position::START;
    let mut by_tool: BTreeMap<String, u64> = BTreeMap::new();
    loop {
        // A follower in another process would look again every second or so; here the writers say when.
        let is_more_to_come = news.recv().is_ok();
        after = catch_up(store.as_ref(), after, &mut by_tool)?;
        if !is_more_to_come {
            break;
        }
    }
    for writer in writers {
        writer.join().map_err(|_| "a writer panicked")??;
    }

    println!("followed {after} events");
    for (tool, uses) in &by_tool {
        println!("{tool}: {uses}");
    }
    assert_eq!(by_tool.values().sum::<u64>(), WRITERS * CALLS);

    // The same number guards a decision: record only if nobody has appended since it was read.
    let event = call(99, 0)?;
    match store.append(std::slice::from_ref(&event), Condition::HeadIs(after)) {
        Ok(answers) => answers.iter().for_each(|answer| println!("recorded at {}", answer.position())),
        Err(error) if error.is_condition_not_met() => println!("somebody was faster: {error}"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Takes in all that stands after a position, page by page; where it got to.
fn catch_up(
    store: &dyn Store,
    mut after: Position,
    by_tool: &mut BTreeMap<String, u64>,
) -> tooltally::Result<Position> {
    loop {
        let page = store.read(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(after) };
        after = last.position;
        for recorded in &page {
            // More kinds of events will come: a follower passes over those that it does not know.
            if let Event::ToolUse(tool_use) = &recorded.event {
                *by_tool.entry(tool_use.tool.to_string()).or_default() += 1;
            }
        }
    }
}

fn write(url: &str, number: u64, appended: &mpsc::Sender<()>) -> tooltally::Result<()> {
    let store = tooltally::open(url)?;
    for call_number in 0..CALLS {
        store.record(&call(number, call_number)?)?;
        // The follower may be done with waiting.
        let _ = appended.send(());
    }
    Ok(())
}

fn call(writer: u64, number: u64) -> tooltally::Result<Event> {
    let tool = ToolName::new(format!("tool-{writer}"))?;
    let id = EventId::derived(&[writer.to_le_bytes(), number.to_le_bytes()]);
    Ok(ToolUse::new(id, tool, Outcome::Success, SystemClock.now()).into())
}
