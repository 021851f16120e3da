//! Record from many threads at once: one store, shared by reference or in an `Arc`.
//!
//! Threads that append at the same time share a durable commit, so waiting for the disk is shared too.
//!
//! ```text
//! cargo run -p tooltally --example record_from_many_threads
//! ```

use std::error::Error;
use std::sync::Arc;
use std::thread;

use tooltally::{
    Clock, EventId, GroupBy, LogExt, MaintenanceExt, Outcome, QueriesExt, Selection, SessionId, Store, SystemClock,
    ToolName, ToolUse,
};

const THREADS: u32 = 8;
const CALLS: u32 = 50;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let store = tooltally::open(&format!("sqlite:{}", folder.path().join("usage.db").display()))?;
    let store: Arc<dyn Store> = Arc::from(store);

    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let store = Arc::clone(&store);
            thread::spawn(move || record_calls(store.as_ref(), number))
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")??;
    }

    // Nothing is lost, and no position is given twice.
    assert_eq!(store.head()?.get(), u64::from(THREADS * CALLS));
    println!("{THREADS} threads recorded {} events", store.head()?);
    for row in store.usage(&Selection::all(), &GroupBy::Session)?.iter().take(3) {
        println!("{}: {} uses", row.key.name(), row.usage.uses());
    }
    println!("uses of a tool: {}", store.usage_for_tool(&ToolName::new("tool-0")?, None, None)?.uses());
    println!("verified: {} events", store.verify_quietly()?.events);
    Ok(())
}

fn record_calls(store: &dyn Store, number: u32) -> tooltally::Result<()> {
    let session = SessionId::new(format!("session-{number}"))?;
    let tool = ToolName::new(format!("tool-{}", number % 3))?;
    for _ in 0..CALLS {
        // A live call that has no id of its own gets a random one.
        let event = ToolUse::new(EventId::random()?, tool.clone(), Outcome::Success, SystemClock.now());
        store.record(&event.session(session.clone()).into())?;
    }
    Ok(())
}
