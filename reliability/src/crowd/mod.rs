//! Crowds: many processes of many threads on one file, of which some are killed.
//!
//! | module | subject |
//! |---|---|
//! | `member`, `actor` | a process of the crowd; a thread of it |
//! | `marked` | batches whose members share a mark |
//! | `process` | a member, as this process has it in hand |
//! | `holder` | a process that holds the lock, and is killed or stopped |
//! | `greedy` | a process that writes all the time |
//! | `log` | the whole log against what was promised |
//! | `served` | figures |

mod actor;
mod greedy;
mod holder;
mod log;
mod marked;
mod member;
mod process;
mod served;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tooltally::OpenOptions;

use holder::{End, Held};
use log::{Compared, Promised};
use marked::Mark;
use served::{Served, Waits};

pub use greedy::{GreedyArguments, write_all_the_time};
pub use holder::{HolderArguments, hold};
pub use member::{MemberArguments, member};

pub(crate) use member::say;
pub(crate) use process::Process;

use crate::kill::{finding, is_sound};
use crate::{Backend, Random, Result};

/// The members' wait, and as much again and more for a machine that has other things to do.
const LONGEST_CALL: Duration = Duration::from_secs(5 + 30);
/// The least that a process must get done of what it would be if all got the same; of a run that is no mere trial.
const LEAST_SHARE: f64 = 0.1;
const TRIAL: u64 = 10;

/// What a run is told.
#[derive(Debug, Args)]
pub struct CrowdArguments {
    /// The backend
    #[arg(long, value_enum)]
    backend: Backend,
    /// How many processes; all their threads are in one where the backend lets no other in
    #[arg(long, default_value_t = 16)]
    processes: u64,
    /// Threads of each
    #[arg(long, default_value_t = 8)]
    threads: u64,
    /// How long they record and ask
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many processes are killed meanwhile, each followed by another
    #[arg(long)]
    kills: Option<u64>,
    /// The seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Figures as one line of JSON
    #[arg(long)]
    json: bool,
}

/// What came of a run.
#[derive(Debug, Serialize)]
struct Report {
    backend: &'static str,
    seed: u64,
    processes: u64,
    threads: u64,
    kills: u64,
    events: u64,
    batches: u64,
    /// Batches without an answer, of killed processes that had no successor: in the log, or not.
    unanswered_whole: u64,
    unanswered_absent: u64,
    busy: u64,
    /// What the least served process got done, of those that ran all the time, by their mean.
    least_share: Option<f64>,
    killed_holder: Option<Held>,
    stopped_holder: Option<Held>,
    /// How long others waited for an append beside a process that writes all the time.
    beside_greedy: Option<Waits>,
    /// Of all processes the longest waits for an append, and for an answer.
    appends: Longest,
    queries: Longest,
    members: Vec<Served>,
}

/// The longest of the waits of which processes had few longer ones, in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Longest {
    p95: u64,
    p999: u64,
    worst: u64,
}

impl Longest {
    fn of(waits: impl Iterator<Item = Waits>) -> Self {
        waits.fold(Self::default(), |longest, waits| Self {
            p95: longest.p95.max(waits.p95),
            p999: longest.p999.max(waits.p999),
            worst: longest.worst.max(waits.worst),
        })
    }
}

/// Lets a crowd work on one file, and looks at all that it leaves.
///
/// # Errors
/// The first finding.
pub fn run(arguments: &CrowdArguments) -> Result<()> {
    let is_shared = arguments.backend != Backend::RedbExclusive;
    let (processes, threads) =
        if is_shared { (arguments.processes, arguments.threads) } else { (1, arguments.processes * arguments.threads) };
    let folder = tempfile::Builder::new().prefix("tooltally-crowd-").tempdir()?;
    let crowd = Crowd { arguments, processes, threads, folder: folder.path() };
    match crowd.work().and_then(|members| crowd.look(members)) {
        Ok(report) => {
            if arguments.json {
                println!("{}", serde_json::to_string(&report)?);
            } else {
                print(&report);
            }
            Ok(())
        }
        Err(failure) => Err(format!("seed {}, in {}: {failure}", arguments.seed, folder.keep().display()).into()),
    }
}

struct Crowd<'a> {
    arguments: &'a CrowdArguments,
    processes: u64,
    threads: u64,
    folder: &'a Path,
}

impl Crowd<'_> {
    /// All begin at once on a file that is not there yet; some are killed.
    fn work(&self) -> Result<Vec<Served>> {
        let mut members = (0..self.processes).map(|process| self.start(process, 0)).collect::<Result<Vec<_>>>()?;
        members.iter_mut().try_for_each(Process::ready)?;
        members.iter_mut().try_for_each(Process::go)?;
        self.is_kept_from_others()?;
        self.kill_some(&mut members)?;
        members.iter_mut().for_each(Process::stop);
        members.into_iter().map(|member| Ok(serde_json::from_str(&member.finish()?)?)).collect()
    }

    fn start(&self, process: u64, killed: u64) -> Result<Process> {
        let number = |name: &str, value: u64| [format!("--{name}"), value.to_string()];
        let mut arguments = vec!["crowd-member".to_owned()];
        arguments.extend(["--backend".to_owned(), self.arguments.backend.name().to_owned()]);
        arguments.extend(["--folder".to_owned(), self.folder.display().to_string()]);
        arguments.extend(number("process", process));
        arguments.extend(number("processes", self.processes));
        arguments.extend(number("threads", self.threads));
        arguments.extend(number("seed", self.arguments.seed));
        arguments.extend(number("killed", killed));
        Process::start(&arguments)
    }

    fn kills(&self) -> u64 {
        self.arguments.kills.unwrap_or(self.arguments.seconds / 4)
    }

    /// Kills a process at a seeded moment of each equal part of the time, and has another one take its place.
    fn kill_some(&self, members: &mut [Process]) -> Result<()> {
        let mut random = Random::new(self.arguments.seed);
        let (started, kills) = (Instant::now(), self.kills());
        let millis = self.arguments.seconds * 1000;
        // The figures of a killed process are lost: one that is alone has the rest of the time to itself.
        let killing = if self.processes > 1 { millis } else { millis / 2 };
        let mut killed = vec![0; members.len()];
        // The run lasts as long as it was told to.
        let until = |moment: u64| thread::sleep(Duration::from_millis(moment).saturating_sub(started.elapsed()));
        for kill in 0..kills {
            until((kill * killing + random.below(killing)) / kills);
            for member in &mut *members {
                if member.has_ended()? {
                    return finding("a process ends before it is told to");
                }
            }
            // The last one is never killed, so that one at least runs all the time.
            let victim = usize::try_from(random.below(self.processes.saturating_sub(1)))?;
            if let (Some(member), Some(killed)) = (members.get_mut(victim), killed.get_mut(victim)) {
                member.kill()?;
                *killed += 1;
                *member = self.start(victim as u64, *killed)?;
                member.ready()?;
                member.go()?;
            }
        }
        until(millis);
        Ok(())
    }

    /// A backend that lets no other in says so.
    fn is_kept_from_others(&self) -> Result<()> {
        if self.arguments.backend != Backend::RedbExclusive {
            return Ok(());
        }
        match self.arguments.backend.open(self.folder, &OpenOptions::new().wait(Duration::from_millis(20))) {
            Err(error) if error.is_busy() => Ok(()),
            Err(error) => {
                finding(format!("a store that another process has is refused otherwise than as busy: {error:?}"))
            }
            Ok(_) => finding("two processes have opened a store exclusively"),
        }
    }

    /// Looks at what everyone has left.
    fn look(&self, members: Vec<Served>) -> Result<Report> {
        let Self { arguments, processes, threads, folder } = self;
        let is_shared = arguments.backend != Backend::RedbExclusive;
        let meet = |end| is_shared.then(|| holder::meet(arguments.backend, folder, end)).transpose();
        let (killed_holder, stopped_holder) = (meet(End::Killed)?, meet(End::Stopped)?);
        let beside_greedy = is_shared.then(|| greedy::meet(arguments.backend, folder)).transpose()?;
        let store = arguments.backend.open(folder, &OpenOptions::new())?;
        let marks = (0..*processes).flat_map(|process| (0..*threads).map(move |thread| Mark { process, thread }));
        let Compared { events, batches, whole, absent } =
            Promised::read(folder, marks.chain(holder::marks()).chain(greedy::marks()))?.compare(store.as_ref())?;
        is_sound(store.as_ref(), events)?;
        let report = Report {
            backend: arguments.backend.name(),
            seed: arguments.seed,
            processes: *processes,
            threads: *threads,
            kills: self.kills(),
            events,
            batches,
            unanswered_whole: whole,
            unanswered_absent: absent,
            busy: members.iter().map(|member| member.busy).sum(),
            least_share: least_share(&members),
            killed_holder,
            stopped_holder,
            beside_greedy,
            appends: Longest::of(members.iter().map(|member| member.appends)),
            queries: Longest::of(members.iter().map(|member| member.queries)),
            members,
        };
        self.nobody_starves(&report)?;
        Ok(report)
    }

    fn nobody_starves(&self, report: &Report) -> Result<()> {
        for member in &report.members {
            if u128::from(member.longest_call) > LONGEST_CALL.as_micros() {
                return finding(format!("a call of process {} takes {} µs", member.process, member.longest_call));
            }
        }
        if self.arguments.seconds >= TRIAL && report.least_share.is_some_and(|share| share < LEAST_SHARE) {
            return finding(format!("a process starves: {:#?}", report.members));
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share is shown to a few digits")]
fn least_share(members: &[Served]) -> Option<f64> {
    let appends = || members.iter().filter(|member| member.is_first).map(|member| member.appends.count);
    let (sum, count, least) = (appends().sum::<u64>(), appends().count(), appends().min()?);
    (sum > 0).then(|| least as f64 * count as f64 / sum as f64)
}

fn print(report: &Report) {
    println!(
        "{}, seed {}: {} processes of {} threads, {} kills: {} events in {} batches, of which {} whole and {} absent \
         without an answer; busy {} times; the least served process has {:.2?} of the mean",
        report.backend,
        report.seed,
        report.processes,
        report.threads,
        report.kills,
        report.events,
        report.batches,
        report.unanswered_whole,
        report.unanswered_absent,
        report.busy,
        report.least_share
    );
    println!("  killed holder: {:?}\n  stopped holder: {:?}", report.killed_holder, report.stopped_holder);
    println!("  beside a process that writes all the time: {:?}", report.beside_greedy);
    println!("  longest waits in µs of any process: appends {:?}, queries {:?}", report.appends, report.queries);
    println!("  waits in µs: 50 %, 95 %, 99.9 %, worst");
    for Served { process, is_first, appends, queries, longest_call, busy, least_thread, .. } in &report.members {
        let since = if *is_first { "" } else { " (since its last kill)" };
        let [appends, queries] = [appends, queries]
            .map(|waits| format!("{} ({} {} {} {})", waits.count, waits.p50, waits.p95, waits.p999, waits.worst));
        println!(
            "  process {process}{since}: appends {appends}, queries {queries}, longest call {longest_call}, \
             busy {busy}, least thread {least_thread} appends"
        );
    }
}
