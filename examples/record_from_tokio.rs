//! Record from an async program: the traits are synchronous, so calls go to tokio's blocking threads.
//!
//! An append waits for the disk. On an executor's own thread that would hold up every other task.
//!
//! ```text
//! cargo run -p tooltally --example record_from_tokio
//! ```

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::{JoinSet, spawn_blocking};
use tooltally::{
    Appended, Clock, Event, EventId, LogExt, Outcome, QueriesExt, Store, SystemClock, ToolDuration, ToolName, ToolUse,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("usage.db").display());
    let store: Arc<dyn Store> = Arc::from(spawn_blocking(move || tooltally::open(&url)).await??);

    // Many tasks at once. Those that wait for the disk at the same time share a commit.
    let mut tasks = JoinSet::new();
    for number in 0..100_u32 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let started = Instant::now();
            tokio::task::yield_now().await; // the tool's work
            let tool = ToolName::new(if number.is_multiple_of(4) { "fetch" } else { "search" })?;
            let event = ToolUse::new(EventId::random()?, tool, Outcome::Success, SystemClock.now())
                .duration(ToolDuration::from_millis(started.elapsed().as_secs_f64() * 1000.0)?);
            record(store, event.into()).await
        });
    }
    while let Some(recorded) = tasks.join_next().await {
        recorded??;
    }

    let rows = spawn_blocking(move || store.usage_since(None, None)).await??;
    for row in rows {
        println!("{:<8} {:>3} uses", row.key.name(), row.usage.uses());
    }
    Ok(())
}

/// Records one event without holding up the executor.
async fn record(store: Arc<dyn Store>, event: Event) -> tooltally::Result<Appended> {
    match spawn_blocking(move || store.record(&event)).await {
        Ok(recorded) => recorded,
        // The runtime is shutting down, or the closure panicked.
        Err(failure) => {
            Err(tooltally::Error::Engine { operation: "reach the blocking threads", source: Arc::new(failure) })
        }
    }
}
