//! `hook`: records one call, whatever happens, and never in the agent's way.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tooltally::{Clock, Condition, Error, Event, OpenOptions, StoreUrl, SystemClock, open_with};

use crate::diagnostics::Failure;
use crate::input::{HookOutcome, read_hook};
use crate::place::{self, beside, make_folder, owner_only_file};
use crate::spool::Spool;

/// How long the store is waited for, to open and once more to append.
const WAIT: Duration = Duration::from_millis(400);
/// How many waiting events one hook takes in beside its own.
const TAKEN_IN: usize = 64;
/// The log of troubles starts anew past this size, in bytes.
const LOG_BYTES: u64 = 64 * 1024;

/// Records the payload on stdin. Nobody is told of troubles but stderr and a log beside the store.
pub fn run(db: Option<&OsStr>) {
    // A panic would end with a code that is shown to the person; and what it kept from being recorded waits.
    if catch_unwind(AssertUnwindSafe(|| record(db))).is_err() {
        tell(None, "the hook failed in an unexpected way; the call was not recorded");
    }
}

fn record(db: Option<&OsStr>) {
    let project = std::env::var("CLAUDE_PROJECT_DIR").ok();
    let reading = read_hook(&mut io::stdin().lock(), project.as_deref(), &SystemClock);
    let url = match place::store_url(db) {
        Ok(url) => url,
        Err(failure) => return tell(None, &failure.to_string()),
    };
    for warning in &reading.warnings {
        tracing::warn!("{warning}");
    }
    let event = match reading.outcome {
        HookOutcome::Event(event) => event,
        HookOutcome::Nothing(reason) => return tracing::debug!(reason, "nothing to record"),
        HookOutcome::Bad(reason) => return tell(Some(&url), &reason),
    };
    let spool = Spool::of(&url);
    let recorded = catch_unwind(AssertUnwindSafe(|| append(&url, &spool, &event)));
    let failure = match recorded {
        Ok(Ok(())) => return,
        Ok(Err(failure)) => failure.to_string(),
        Err(_) => "the storage engine panicked".to_owned(),
    };
    match spool.put(&event) {
        Ok(()) => tell(Some(&url), &format!("{failure}\n  the call waits in {}", spool.folder().display())),
        Err(error) => tell(
            Some(&url),
            &format!("{failure}\n  the call is lost: it cannot wait in {}: {error}", spool.folder().display()),
        ),
    }
}

/// Appends the event, and in the same commit some that wait.
fn append(url: &StoreUrl, spool: &Spool, event: &Event) -> Result<(), Failure> {
    make_folder(url)?;
    // Whoever reads the store next tidies up: a hook is in the agent's way.
    let options = OpenOptions::new().wait(WAIT).migrate(false).tidy_close(false);
    let store = open_with(url, &options).map_err(|e| Failure::store("open", url, e))?;
    let failed = |error: Error| Failure::store("record in", url, error);
    let waiting = spool.oldest(TAKEN_IN);
    if waiting.is_empty() {
        return store.append(std::slice::from_ref(event), Condition::None).map(drop).map_err(failed);
    }
    let mut events: Vec<Event> = waiting.iter().map(|w| w.event.clone()).collect();
    events.push(event.clone());
    store.append(&events, Condition::None).map_err(failed)?;
    spool.remove(&waiting);
    Ok(())
}

/// Tells a trouble on stderr and, where the store is known, in the log beside it: an agent does not show
/// what a hook says that ended with 0.
fn tell(url: Option<&StoreUrl>, text: &str) {
    let text = crate::output::sanitize::visible(text);
    let _ = writeln!(io::stderr().lock(), "tooltally hook: {text}");
    let Some(url) = url else { return };
    let path = beside(url, ".hook.log");
    let is_long = std::fs::metadata(&path).is_ok_and(|data| data.len() > LOG_BYTES);
    let file = owner_only_file().create(true).write(true).append(!is_long).truncate(is_long).open(path);
    if let Ok(mut file) = file {
        let _ = file.write_all(format!("{} {text}\n", SystemClock.now()).as_bytes());
    }
}
