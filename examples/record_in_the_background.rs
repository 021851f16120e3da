//! Record without waiting for the disk: a `Recorder` queues, one thread writes, many events share a commit.
//!
//! ```text
//! cargo run -p tooltally --example record_in_the_background
//! ```

use std::error::Error;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tooltally::{
    Clock, EventId, Outcome, QueriesExt, Recorder, RecorderOptions, SessionId, Store, SystemClock, ToolName, ToolUse,
    WhenFull,
};

const THREADS: u32 = 8;
const CALLS: u32 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let store = tooltally::open(&format!("sqlite:{}", folder.path().join("usage.db").display()))?;
    let store: Arc<dyn Store> = Arc::from(store);

    // Tools are not held up whatever happens: what finds the queue full is dropped and counted.
    let options = RecorderOptions::new().when_full(WhenFull::Drop).capacity(20_000).flush_wait(Duration::from_secs(10));
    let recorder = Arc::new(Recorder::start_with(Arc::clone(&store), &options)?);

    let started = Instant::now();
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let recorder = Arc::clone(&recorder);
            thread::spawn(move || call_tools(&recorder, number))
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")??;
    }
    println!("{} calls queued after {:?}", THREADS * CALLS, started.elapsed());

    // Before a report, say: everything so far is to be on the disk.
    recorder.flush()?;
    println!("on the disk after {:?}", started.elapsed());
    for row in store.usage_since(None, None)? {
        println!("{:<8} {:>5} uses", row.key.name(), row.usage.uses());
    }

    // At the end. Dropping the recorder would record the rest, too, but could not say so.
    match recorder.close() {
        Ok(()) => println!("{:?}", recorder.counts()),
        Err(unrecorded) => {
            // The store has failed to the last. The events can be kept elsewhere: their ids make a later try safe.
            let left = recorder.take_unrecorded();
            eprintln!("{unrecorded} ({}); {} can be kept", unrecorded.error, left.len());
        }
    }
    Ok(())
}

fn call_tools(recorder: &Recorder, number: u32) -> tooltally::Result<()> {
    let session = SessionId::new(format!("session-{number}"))?;
    let tools = [ToolName::new("search")?, ToolName::new("fetch")?, ToolName::new("edit")?];
    for tool in tools.iter().cycle().take(CALLS as usize) {
        let call = ToolUse::new(EventId::random()?, tool.clone(), Outcome::Success, SystemClock.now());
        recorder.record(call.session(session.clone()))?;
    }
    Ok(())
}
