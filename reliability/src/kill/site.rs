//! A store on which process after process is killed, and what it must hold.

use std::fs;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;
use tooltally::{Condition, Error, Event, LogExt as _, MaintenanceExt as _, MemoryStore, OpenOptions, Store};
use tooltally_conformance::events::mixed;

use super::check::{answers_are, are_known, finding, is_sound, log_is};
use super::import::{self, Import};
use super::moment::Moment;
use super::tally::Tally;
use super::{Backend, Work};
use crate::witness::Account;
use crate::{Random, Result, newer};

/// A migration of fewer events would be over at once.
const WORTH_MIGRATING: u64 = 2_000;
/// The signal that no process can keep.
const SIGKILL: i32 = 9;

/// One store and its witness, in a folder of their own.
///
/// Event n stands at position n: every worker goes on with the number after the last one sent, and sends again first
/// what was not acknowledged.
pub(super) struct Site<'a> {
    backend: Backend,
    program: &'a Path,
    is_small: bool,
    folder: TempDir,
    /// What the log held when it was last looked through.
    events: Vec<Event>,
    model: MemoryStore,
    /// Kills since then.
    unchecked: u64,
    /// Kills in all.
    pub(super) kills: u64,
}

impl<'a> Site<'a> {
    /// A new folder, without a store yet.
    pub(super) fn new(backend: Backend, program: &'a Path, is_small: bool) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tooltally-kill-").tempdir()?;
        fs::create_dir(folder.path().join("store"))?;
        let (events, model) = (Vec::new(), MemoryStore::new());
        Ok(Self { backend, program, is_small, folder, events, model, unchecked: 0, kills: 0 })
    }

    /// How many events it held when it was last looked through.
    pub(super) fn len(&self) -> u64 {
        self.events.len() as u64
    }

    /// Keeps the folder, to be looked at; where it is.
    pub(super) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    fn store_folder(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn witness(&self) -> PathBuf {
        self.folder.path().join("witness")
    }

    /// Has a process do a kind of work and kills it; looks then, or leaves that to be done after the next kill.
    pub(super) fn kill_one(&mut self, work: Work, random: &mut Random, tally: &mut Tally) -> Result<()> {
        self.kills += 1;
        tally.kills += 1;
        tally.chained += u64::from(self.unchecked > 0);
        if work == Work::Import {
            if self.unchecked > 0 {
                self.check(random, tally)?;
            }
            return self.kill_import(random, tally);
        }
        if work == Work::Migration {
            if self.unchecked > 0 {
                self.check(random, tally)?;
            }
            return self.kill_migration(random, tally);
        }
        let moment = Moment::draw(random, work);
        let before = Account::read(&self.witness())?;
        let next = before.sent_to().unwrap_or(0).max(self.len()) + 1;
        let child = self.worker(work, &self.store_folder(), next, random.next_number()).spawn()?;
        let is_late = kill(child, moment)?;
        let account = Account::read(&self.witness())?;
        tally.too_late += u64::from(is_late);
        tally.before_work += u64::from(account == before);
        tally.within_append += u64::from(account.pending().is_some() && account != before);
        let is_within = account.pending().is_some() || !account.interrupted.is_empty();
        tally.within_work += u64::from(is_within && account != before);
        self.unchecked += 1;
        if random.below(4) == 0 { Ok(()) } else { self.check(random, tally) }
    }

    fn worker(&self, work: Work, folder: &Path, next: u64, seed: u64) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap_or_default());
        command.args(["kill-worker", "--backend", self.backend.name(), "--work", work.name()]);
        command.arg("--folder").arg(folder).arg("--witness").arg(self.witness());
        command.args(["--next", &next.to_string(), "--seed", &seed.to_string()]);
        if self.is_small {
            command.arg("--small");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Looks through the store after the latest kills, and has what they interrupted done.
    pub(super) fn check(&mut self, random: &mut Random, tally: &mut Tally) -> Result<()> {
        let account = Account::read(&self.witness())?;
        let acked = account.acked_to().unwrap_or(0).max(self.len());
        let sent = account.sent_to().unwrap_or(0).max(acked);
        let store = self.open(tally)?;
        let found = store.head()?.get();
        if found != acked && found != sent {
            return finding(format!(
                "the log holds {found} events: {acked} were acknowledged, {sent} sent, {:?} is not acknowledged",
                account.pending()
            ));
        }
        if account.pending().is_some() && self.unchecked == 1 {
            tally.whole += u64::from(found == sent);
            tally.absent += u64::from(found == acked);
        }
        self.expect((self.len() + 1..=found).map(mixed).collect())?;
        self.look_through(store.as_ref(), random)?;
        if let Some(batch) = account.pending() {
            self.send_again(store.as_ref(), batch.numbers().map(mixed).collect(), found == sent)?;
        }
        for work in &account.interrupted {
            if work == "compact" {
                store.compact()?;
            } else {
                store.rebuild_quietly()?;
            }
            tally.finished += 1;
        }
        if account.pending().is_some() || !account.interrupted.is_empty() {
            self.look_through(store.as_ref(), random)?;
        }
        self.checked()
    }

    /// A batch that was not acknowledged: all of it is there, or nothing.
    fn send_again(&mut self, store: &dyn Store, events: Vec<Event>, is_there: bool) -> Result<()> {
        let answers = store.append(&events, Condition::None)?;
        if answers.iter().any(|answer| answer.is_new() == is_there) {
            return finding(format!("of a batch that is {is_there:?} there, some events are answered for otherwise"));
        }
        if is_there { Ok(()) } else { self.expect(events) }
    }

    /// From now on the log holds these too.
    fn expect(&mut self, more: Vec<Event>) -> Result<()> {
        self.model.record_all(&more)?;
        self.events.extend(more);
        Ok(())
    }

    fn open(&self, tally: &mut Tally) -> Result<Box<dyn Store>> {
        let started = Instant::now();
        let store = self.backend.open(&self.store_folder(), &OpenOptions::new())?;
        tally.opened_in(started.elapsed());
        tally.checks += 1;
        Ok(store)
    }

    fn look_through(&self, store: &dyn Store, random: &mut Random) -> Result<()> {
        log_is(store, &self.events)?;
        answers_are(store, &self.model)?;
        is_sound(store, self.len())?;
        // The newest ones, and some of all the others.
        let newest = self.len().saturating_sub(600) + 1..=self.len();
        let others = (0..self.len().min(200)).map(|_| 1 + random.below(self.len()));
        are_known(store, &self.events, &newest.chain(others).collect::<Vec<_>>())?;
        if store.head()?.get() == self.len() {
            Ok(())
        } else {
            finding("events that were known are recorded once more")
        }
    }

    fn checked(&mut self) -> Result<()> {
        self.unchecked = 0;
        match fs::remove_file(self.witness()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Kills the program while it imports, looks, and has it import the same again.
    fn kill_import(&mut self, random: &mut Random, tally: &mut Tally) -> Result<()> {
        let before = self.len();
        let scratch = tempfile::tempdir_in(self.folder.path())?;
        let least = if self.is_small { import::BATCH } else { import::BATCH / 2 };
        let most = if self.is_small { import::BATCH / 4 } else { 5 * import::BATCH / 2 };
        let numbers = before + 1..before + 1 + least + random.below(most);
        let import = Import::make(self.program, self.backend, scratch.path(), numbers, random)?;
        let moment = Moment::within(random, import.duration);
        let child = import.command(self.program, self.backend, &self.store_folder()).spawn()?;
        let is_late = kill(child, moment)?;
        let store = self.open(tally)?;
        let (found, all) = (store.head()?.get().saturating_sub(before), import.events.len() as u64);
        if found != all && (is_late || !found.is_multiple_of(import::BATCH)) {
            return finding(format!("an import of {all} events that was killed has left {found}"));
        }
        tally.too_late += u64::from(is_late);
        tally.within_work += u64::from(!is_late);
        let mut left = import.events.iter().cloned();
        self.expect(left.by_ref().take(usize::try_from(found)?).collect())?;
        self.look_through(store.as_ref(), random)?;
        drop(store);
        let counts = import.run(self.program, self.backend, &self.store_folder())?;
        if counts != (all - found, found) {
            return finding(format!("an import of {all} events, {found} of them known, counts {counts:?}"));
        }
        tally.finished += u64::from(!is_late);
        self.expect(left.collect())?;
        self.look_through(self.open(tally)?.as_ref(), random)?;
        self.checked()
    }
}

impl Site<'_> {
    /// Kills a newer program while it migrates a copy of the store: the old program finds it as it was, or refuses it
    /// as migrated; and the newer one finishes what was begun.
    fn kill_migration(&mut self, random: &mut Random, tally: &mut Tally) -> Result<()> {
        if self.len() < WORTH_MIGRATING {
            let events: Vec<Event> = (self.len() + 1..=WORTH_MIGRATING).map(mixed).collect();
            self.open(tally)?.record_all(&events)?;
            self.expect(events)?;
        }
        let copy = tempfile::tempdir_in(self.folder.path())?;
        copy_files(&self.store_folder(), copy.path())?;
        let moment = Moment::draw(random, Work::Migration);
        let is_late = kill(self.worker(Work::Migration, copy.path(), 1, 1).spawn()?, moment)?;
        tally.too_late += u64::from(is_late);
        tally.within_work += u64::from(!is_late);
        // Half the times it is the newer program that comes first.
        if random.below(2) == 0 {
            match self.backend.open(copy.path(), &OpenOptions::new()) {
                Ok(_) if is_late => {
                    return finding("a program that has migrated a store and ended has not migrated it");
                }
                Ok(store) => {
                    tally.absent += 1;
                    self.look_through(store.as_ref(), random)?;
                }
                Err(Error::UnsupportedFormat { found: 2, supported: 1 }) => tally.whole += 1,
                Err(error) => return finding(format!("a store whose migration was killed is refused: {error:?}")),
            }
        }
        let migrated = newer::open(self.backend, copy.path(), &OpenOptions::new(), None)?;
        self.look_through(migrated.as_ref(), random)?;
        drop(migrated);
        tally.finished += u64::from(!is_late);
        match self.backend.open(copy.path(), &OpenOptions::new()) {
            Err(Error::UnsupportedFormat { found: 2, supported: 1 }) => Ok(()),
            Err(error) => finding(format!("the old program refuses a migrated store as {error:?}")),
            Ok(_) => finding("the old program opens a migrated store"),
        }
    }
}

/// Copies a store that nobody has open.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Kills a process at a moment; whether it had ended before. One that failed is a finding.
fn kill(mut child: Child, moment: Moment) -> Result<bool> {
    let mut marks = child.stdout.take().ok_or("a process without its output")?;
    moment.wait(&mut marks)?;
    child.kill()?;
    let status = child.wait()?;
    if status.signal() == Some(SIGKILL) {
        return Ok(false);
    }
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said)?;
    }
    if status.success() { Ok(true) } else { finding(format!("a process ends with {status}: {}", said.trim())) }
}
