//! `hook`: records one call, whatever happens, and never in the agent's way.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tooltally::ledger::Patience;
use tooltally::{Clock, Condition, Error, Event, OpenOptions, StoreUrl, SystemClock, open_with};

use crate::deadline;
use crate::diagnostics::Failure;
use crate::input::{HookOutcome, read_hook};
use crate::own::append_to_own_file;
use crate::place::{self, beside, make_folder};
use crate::spool::Spool;

/// How long the store is waited for, to open and once more to append.
const WAIT: Duration = Duration::from_millis(400);
/// How long the store may take in all. A little more than its two waits: what stands still longer (a lock that is
/// awaited without a limit, a disk that does not answer) is left, and the call waits in the spool.
const DEADLINE: Duration = Duration::from_millis(850);
/// What the name of the log of troubles has after the store's.
pub const LOG_SUFFIX: &str = ".hook.log";
/// How many waiting events one hook takes in beside its own.
const TAKEN_IN: usize = 64;
/// The log of troubles starts anew past this size, in bytes.
const LOG_BYTES: u64 = 64 * 1024;
/// How long a hook waits for its turn with the log: a turn takes microseconds.
const LOG_WAIT: Duration = Duration::from_millis(30);

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
    let url = match named_or_usual(db) {
        Ok(url) => url,
        Err(failure) => return wait_for_nobody(reading.outcome, &failure),
    };
    for warning in &reading.warnings {
        tracing::warn!("{warning}");
    }
    let event = match reading.outcome {
        HookOutcome::Event(event) => event,
        HookOutcome::Nothing(reason) => return tracing::debug!(reason, "nothing to record"),
        HookOutcome::Bad(reason) => return tell(Some(&url), &reason),
    };
    let settled = watch(&url, &event);
    let appended = catch_unwind(AssertUnwindSafe(|| append(&url, &event).map_err(|failure| failure.to_string())));
    if !settled.is_mine() {
        // The watch has taken the call over, and ends the process.
        loop {
            thread::park();
        }
    }
    if let Err(failure) = appended.unwrap_or_else(|_| Err(PANICKED.to_owned())) {
        let_wait(&url, &event, &failure);
    }
}

/// The store that is named; where the name is none, the store of who names none: a call there is not lost.
fn named_or_usual(db: Option<&OsStr>) -> Result<StoreUrl, Failure> {
    place::store_url(db).or_else(|failure| {
        let Ok(usual) = place::default_url() else { return Err(failure) };
        tell(Some(&usual), &format!("{failure}\n  the call is recorded in {usual}"));
        Ok(usual)
    })
}

/// Has a call wait that belongs to no store: none is named, and there is no home folder.
fn wait_for_nobody(outcome: HookOutcome, failure: &Failure) {
    let told = match outcome {
        HookOutcome::Event(event) => match Spool::of_nobody().put(&event) {
            Ok(folder) => format!("{failure}\n  the call waits in {}", folder.display()),
            Err(no_place) => format!("{failure}\n  the call is lost, it can wait nowhere: {no_place}"),
        },
        HookOutcome::Nothing(_) | HookOutcome::Bad(_) => failure.to_string(),
    };
    tell(None, &told);
}

/// Leaves the call in the spool, and tells why.
fn let_wait(url: &StoreUrl, event: &Event, failure: &str) {
    match Spool::of(url).put(event) {
        Ok(folder) => tell(Some(url), &format!("{failure}\n  the call waits in {}", folder.display())),
        Err(no_place) => tell(Some(url), &format!("{failure}\n  the call is lost, it can wait nowhere: {no_place}")),
    }
}

/// Who settles what becomes of the call: whoever asks first. Until then some files are held back for the spool.
#[derive(Clone)]
struct Settled(Arc<Mutex<Option<Reserve>>>);

impl Settled {
    fn is_mine(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }
}

/// Two places among the files that a process may have open: a store that does not come back keeps what it has opened,
/// and may have taken the last one.
#[cfg(unix)]
type Reserve = [Option<std::os::fd::OwnedFd>; 2];
/// Windows knows no such limit.
#[cfg(not(unix))]
type Reserve = ();

fn files_for_the_spool() -> Reserve {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        // Where there are not so many, the store will see to that first.
        [(); 2].map(|()| io::stdin().as_fd().try_clone_to_owned().ok())
    }
}

/// Watches over the deadline, so that no lock and no disk can keep the agent waiting: once it is over, the call goes into
/// the spool and the process ends, with whatever the store was doing, as if it were killed. Should the event have been
/// recorded just then, the one in the spool is a duplicate.
///
/// The store is used on the main thread: another one's memory costs some hundred calls of the system more.
fn watch(url: &StoreUrl, event: &Event) -> Settled {
    let settled = Settled(Arc::new(Mutex::new(Some(files_for_the_spool()))));
    let (url, event, seen) = (url.clone(), event.clone(), settled.clone());
    deadline::watch(DEADLINE, move || {
        if seen.is_mine() {
            let _ = catch_unwind(AssertUnwindSafe(|| {
                let_wait(&url, &event, &format!("error: {url} did not answer within {DEADLINE:?}"));
            }));
            std::process::exit(0);
        }
    });
    settled
}

/// What is said where the engine did not fail but fall.
const PANICKED: &str = "error: the storage engine panicked";

/// Appends the event, and in the same commit some that wait.
fn append(url: &StoreUrl, event: &Event) -> Result<(), Failure> {
    make_folder(url)?;
    // Whoever reads the store next tidies up: a hook is in the agent's way.
    let options = OpenOptions::new().wait(WAIT).migrate(false).tidy_close(false);
    let store = open_with(url, &options).map_err(|e| Failure::store("open", url, e))?;
    let failed = |error: Error| Failure::store("record in", url, error);
    let spool = Spool::of(url);
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
    if let Ok(mut log) = append_to_own_file(&beside(url, LOG_SUFFIX)) {
        let _ = write_to(&mut log, &format!("{} {text}\n", SystemClock.now()), LOG_WAIT);
    }
}

/// Adds a line to the log of troubles, which starts anew where it has grown too long. Hooks take turns until they close
/// it: else one would throw away what another has just written.
fn write_to(log: &mut File, line: &str, wait: Duration) -> io::Result<()> {
    // Who does not get its turn in time only adds, and so does who may not cut it.
    if has_its_turn(log, wait) && log.metadata().is_ok_and(|data| data.len() > LOG_BYTES) {
        let _ = log.set_len(0);
    }
    log.write_all(line.as_bytes())
}

/// Waits for its turn with the log, and not for long: a process that was stopped may have it.
fn has_its_turn(log: &File, wait: Duration) -> bool {
    let mut patience = Patience::new(wait);
    loop {
        match log.try_lock() {
            Err(TryLockError::WouldBlock) if patience.pause().is_ok() => {}
            Err(TryLockError::WouldBlock) => return false,
            // Where there are no locks, it must not grow for ever all the same.
            Ok(()) | Err(TryLockError::Error(_)) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn a_log_that_starts_anew_keeps_the_line_of_each_hook() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("usage.db.hook.log");
        for _ in 0..50 {
            std::fs::write(&path, "old\n".repeat(20_000)).unwrap();
            let all_are_there = Barrier::new(4);
            thread::scope(|scope| {
                for hook in 0..4 {
                    let mut log = append_to_own_file(&path).unwrap();
                    let all_are_there = &all_are_there;
                    scope.spawn(move || {
                        all_are_there.wait();
                        write_to(&mut log, &format!("{hook}\n"), Duration::from_mins(1)).unwrap();
                    });
                }
            });
            let text = std::fs::read_to_string(&path).unwrap();
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_unstable();
            assert_eq!(lines, ["0", "1", "2", "3"]);
        }
    }
}
