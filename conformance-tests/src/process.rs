//! Real processes: a case starts the test binary again at the entry test, with a job in a variable.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use tooltally_core::{Appended, Condition, Error, Event, MaintenanceExt, Position, Recorder, Store};

use crate::events;
use crate::harness::ProcessEntry;
use crate::site::open_at;

/// The variables that carry a job; without the first, the entry test has nothing to do.
const JOB: &str = "TOOLTALLY_CONFORMANCE_JOB";
const ADDRESS: &str = "TOOLTALLY_CONFORMANCE_ADDRESS";

/// In front of each line between the processes: test output stands on the same stream.
const MARK: &str = "@tooltally ";

/// What a started process does with the store at its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Records numbered events in batches, and says `recorded N` with the numbers done after each.
    Record { from: u64, count: u64, batch: u64 },
    /// Records numbered events through a recorder, and says `flushed N` with the numbers done after each flush.
    Queue { count: u64, flush_each: u64 },
    /// Appends one event on the condition that the head is `head`, and says `won` or `lost`.
    Race { number: u64, head: u64 },
    /// Rebuilds again and again, and says `rebuilding` when the first has begun.
    Rebuild,
}

impl Job {
    fn to_text(self) -> String {
        match self {
            Self::Record { from, count, batch } => format!("record {from} {count} {batch}"),
            Self::Queue { count, flush_each } => format!("queue {count} {flush_each}"),
            Self::Race { number, head } => format!("race {number} {head}"),
            Self::Rebuild => "rebuild".to_owned(),
        }
    }

    fn from_text(text: &str) -> Self {
        let words: Vec<&str> = text.split(' ').collect();
        let number = |word: &str| word.parse().expect("a job's numbers are numbers");
        match words[..] {
            ["record", from, count, batch] => {
                Self::Record { from: number(from), count: number(count), batch: number(batch) }
            }
            ["queue", count, flush_each] => Self::Queue { count: number(count), flush_each: number(flush_each) },
            ["race", event, head] => Self::Race { number: number(event), head: number(head) },
            ["rebuild"] => Self::Rebuild,
            _ => panic!("there is no job {text}"),
        }
    }

    fn run(self, store: &Arc<dyn Store>) {
        match self {
            Self::Record { from, count, batch } => {
                for start in (from..from + count).step_by(usize::try_from(batch).expect("a batch fits memory")) {
                    let end = (start + batch).min(from + count);
                    record_patiently(&**store, &events::numbered_all(start..end));
                    say(&format!("recorded {end}"));
                }
            }
            Self::Queue { count, flush_each } => {
                let recorder = Recorder::start(Arc::clone(store)).expect("a recorder starts");
                for number in 0..count {
                    recorder.record(events::numbered(number)).expect("there will be room");
                    if (number + 1) % flush_each == 0 {
                        recorder.flush().expect("a sound store records");
                        say(&format!("flushed {}", number + 1));
                    }
                }
            }
            Self::Race { number, head } => {
                let condition = Condition::HeadIs(Position::new(head));
                match store.append(&[events::numbered(number)], condition) {
                    Ok(_) => say("won"),
                    Err(Error::ConditionNotMet { .. }) => say("lost"),
                    Err(e) => panic!("a conditional append fails otherwise: {e:?}"),
                }
            }
            Self::Rebuild => {
                let mut begun = false;
                loop {
                    store
                        .rebuild(&mut |_| {
                            if !begun {
                                say("rebuilding");
                                begun = true;
                            }
                        })
                        .expect("a sound store is rebuilt");
                }
            }
        }
    }
}

/// Records a batch; a busy store, which has recorded nothing, is asked again.
pub(crate) fn record_patiently(store: &dyn Store, batch: &[Event]) -> Vec<Appended> {
    loop {
        match store.append(batch, Condition::None) {
            Ok(answers) => return answers,
            Err(e) if e.is_busy() => {}
            Err(e) => panic!("a batch of {} is not recorded: {e:?}", batch.len()),
        }
    }
}

/// What the entry test does: the job in the variables, where there is one. For
/// [`conformance_suite!`](crate::conformance_suite).
#[doc(hidden)]
pub fn process_entry<H: ProcessEntry>() {
    let Ok(job) = std::env::var(JOB) else { return };
    let address = std::env::var(ADDRESS).expect("a job comes with an address");
    let store = Arc::from(open_at::<H>(&address));
    say("ready");
    let mut go = String::new();
    std::io::stdin().read_line(&mut go).expect("the starting process says when to begin");
    Job::from_text(&job).run(&store);
    drop(store);
    say("done");
}

/// Writes past the test harness, which would keep it until the test has ended.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{MARK}{line}").and_then(|()| out.flush()).expect("the starting process listens");
}

/// A process at work on a store. Dropping it kills it.
pub(crate) struct Worker {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts a process; when this returns, it has opened the store and waits for [`go`](Self::go).
    pub(crate) fn start<H: ProcessEntry>(address: &str, job: Job) -> Self {
        let (_, test) = H::ENTRY.split_once("::").expect("the entry's path begins with its crate");
        let mut child = Command::new(std::env::current_exe().expect("the test binary has a path"))
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(JOB, job.to_text())
            .env(ADDRESS, address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test binary starts again");
        let stdin = child.stdin.take();
        let out = child.stdout.take().expect("its output was asked for");
        let mut worker = Self { child, stdin, lines: BufReader::new(out).lines() };
        assert_eq!(worker.listen().as_deref(), Some("ready"), "a started process does not open the store");
        worker
    }

    /// Starts a process on each job, and lets them all go at once.
    pub(crate) fn start_all<H: ProcessEntry>(address: &str, jobs: impl IntoIterator<Item = Job>) -> Vec<Self> {
        let mut workers: Vec<_> = jobs.into_iter().map(|job| Self::start::<H>(address, job)).collect();
        workers.iter_mut().for_each(Self::go);
        workers
    }

    /// Lets it begin.
    pub(crate) fn go(&mut self) {
        let mut stdin = self.stdin.take().expect("a process begins once");
        writeln!(stdin).expect("the process listens");
    }

    /// The next line that it says; none once it has ended.
    pub(crate) fn listen(&mut self) -> Option<String> {
        self.lines
            .by_ref()
            .map(|line| line.expect("a process speaks Unicode"))
            .find_map(|line| line.split_once(MARK).map(|(_, said)| said.to_owned()))
    }

    /// Waits until it is done, and gives what it said.
    pub(crate) fn finish(mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(line) = self.listen() {
            said.push(line);
        }
        assert_eq!(said.pop().as_deref(), Some("done"), "a process ends before its job is done");
        assert!(self.child.wait().expect("a process can be waited for").success(), "a process fails");
        said
    }

    /// Kills it at once, and gives what it had said by then.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("a process can be killed");
        self.child.wait().expect("a process can be waited for");
        let mut said = Vec::new();
        while let Some(line) = self.listen() {
            said.push(line);
        }
        said
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a worker said last of this kind: `recorded 7` gives 7.
pub(crate) fn last_number(said: &[String], word: &str) -> Option<u64> {
    said.iter().rev().find_map(|line| line.strip_prefix(word)?.trim().parse().ok())
}

/// Verifies a store that others may hold: a busy one is asked again.
pub(crate) fn verify_patiently(store: &dyn Store) {
    loop {
        match store.verify_quietly() {
            Ok(_) => return,
            Err(e) if e.is_busy() => {}
            Err(e) => panic!("the store does not verify: {e:?}"),
        }
    }
}
