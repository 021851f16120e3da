//! The writers of several processes in line.
//!
//! SQLite's write lock is tried for again and again, and between two commits of a process that writes all the time it
//! is free for microseconds. So of all that wait one is the next, and who has just written gives way to it.
//!
//! The next has the store's folder locked. That lock ends with its process and leaves nothing behind. It is on none of
//! SQLite's files: closing one of those would take away the locks that SQLite has on it. Where folders cannot be
//! locked, waiting is as good as trying often makes it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tooltally_core::Result;
use tooltally_core::ledger::Patience;

/// Who has not written for so long has let the next one in, who tries much more often.
const LONG_PAUSE: Duration = Duration::from_millis(2);

/// Who has just written gives way for so long: enough for the next one to wake up, and not for ever, should it have
/// been stopped.
const LONGEST_YIELDING: Duration = Duration::from_millis(50);

/// Who gave way in vain does not do so again for this long: a process that was stopped costs little.
const DISTRUST: Duration = Duration::from_secs(1);

/// The place of one store's writer among those of other processes. Used by one thread at a time.
pub(crate) struct Line {
    path: PathBuf,
    /// None where it cannot be opened. Not opened before it is needed: a short process alone never does.
    folder: OnceLock<Option<File>>,
    past: Mutex<Past>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Past {
    /// When this writer last had the lock.
    wrote: Option<Instant>,
    /// When it last gave way in vain.
    yielded_in_vain: Option<Instant>,
}

impl Line {
    /// For the store at a path.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), folder: OnceLock::new(), past: Mutex::default() }
    }

    /// Tries until it is not busy any more, in line with other processes.
    ///
    /// # Errors
    /// [`Error::Busy`](tooltally_core::Error::Busy) when the wait runs out, and what trying fails with.
    pub(crate) fn wait<T>(&self, patience: &mut Patience, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        let mut next = Next { line: self, is_ours: false };
        let in_vain = self.has_just_written() && !next.give_way(patience);
        let mut attempt = || match attempt() {
            Err(error) if error.is_busy() => Ok(None),
            answer => answer.map(Some),
        };
        let mut answer = attempt()?;
        if in_vain && answer.is_some() {
            self.past().yielded_in_vain = Some(Instant::now());
        }
        loop {
            if let Some(answer) = answer {
                return Ok(answer);
            }
            if next.is_another() {
                patience.pause_in_line()?;
            } else {
                patience.pause_briefly()?;
            }
            answer = attempt()?;
        }
    }

    /// Notes, when it is dropped, that the lock was free again only then.
    pub(crate) const fn writing(&self) -> Writing<'_> {
        Writing { line: self }
    }

    fn has_just_written(&self) -> bool {
        let is_recent = |moment: Option<Instant>, for_so_long| moment.is_some_and(|m| m.elapsed() < for_so_long);
        let Past { wrote, yielded_in_vain } = *self.past();
        is_recent(wrote, LONG_PAUSE) && !is_recent(yielded_in_vain, DISTRUST)
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder in which the file is: others may come to it by a link.
    fn folder(&self) -> Option<&File> {
        let open = || File::open(fs::canonicalize(&self.path).ok()?.parent()?).ok();
        self.folder.get_or_init(open).as_ref()
    }
}

/// The place in front of all that wait, given up when dropped.
struct Next<'a> {
    line: &'a Line,
    is_ours: bool,
}

impl Next<'_> {
    /// Waits until nobody else is the next; whether that came to be.
    fn give_way(&mut self, patience: &mut Patience) -> bool {
        let since = Instant::now();
        while self.is_another() {
            if since.elapsed() >= LONGEST_YIELDING || patience.pause_in_line().is_err() {
                return false;
            }
        }
        true
    }

    /// Whether another process is the next. If none is, this one is from now on.
    fn is_another(&mut self) -> bool {
        if !self.is_ours
            && let Some(folder) = self.line.folder()
        {
            match folder.try_lock() {
                Ok(()) => self.is_ours = true,
                Err(TryLockError::WouldBlock) => return true,
                // A file system without such locks.
                Err(TryLockError::Error(_)) => {}
            }
        }
        false
    }
}

impl Drop for Next<'_> {
    fn drop(&mut self) {
        if self.is_ours
            && let Some(folder) = self.line.folder()
        {
            // Should that fail, the lock goes with the store, and others do not give way for long.
            let _ = folder.unlock();
        }
    }
}

/// A writer that has, or is about to have, the lock.
pub(crate) struct Writing<'a> {
    line: &'a Line,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.line.past().wrote = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.db");
        fs::write(&path, "").unwrap();
        (folder, path)
    }

    fn patience() -> Patience {
        Patience::new(Duration::from_mins(1))
    }

    #[test]
    fn who_comes_once_and_finds_nobody_looks_at_no_folder() {
        let (_folder, path) = place();
        let line = Line::new(&path);
        line.wait(&mut patience(), || Ok(())).unwrap();
        assert!(line.folder.get().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn who_waits_is_the_next_until_it_writes() {
        let (folder, path) = place();
        let line = Line::new(&path);
        let other = File::open(folder.path()).unwrap();
        let mut tries = 0;
        let attempt = || {
            tries += 1;
            assert_eq!(other.try_lock().is_ok(), tries == 1, "try {tries}");
            other.unlock().unwrap();
            if tries < 4 { Err(patience().busy()) } else { Ok(tries) }
        };
        assert_eq!(line.wait(&mut patience(), attempt).unwrap(), 4);
        other.try_lock().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn who_has_just_written_gives_way_to_the_next_but_not_to_one_that_never_comes() {
        let (folder, path) = place();
        let line = Line::new(&path);
        let stopped = File::open(folder.path()).unwrap();
        stopped.lock().unwrap();
        // However long this thread is kept from running: a moment that has not come is recent.
        let recently = Instant::now() + Duration::from_mins(1);
        drop(line.writing());
        assert!(line.past().wrote.is_some());
        line.past().wrote = Some(recently);
        let since = Instant::now();
        line.wait(&mut patience(), || Ok(())).unwrap();
        assert!(since.elapsed() >= LONGEST_YIELDING);
        assert!(line.past().yielded_in_vain.is_some());
        line.past().yielded_in_vain = Some(recently);
        assert!(!line.has_just_written(), "it would give way in vain again");
        line.past().yielded_in_vain = None;
        assert!(line.has_just_written());
        stopped.unlock().unwrap();
        line.wait(&mut patience(), || Ok(())).unwrap();
        assert!(line.past().yielded_in_vain.is_none(), "there was nobody to give way to");
    }

    #[test]
    fn a_wait_that_runs_out_is_busy() {
        let (_folder, path) = place();
        let line = Line::new(&path);
        for wait in [Duration::ZERO, Duration::from_millis(3)] {
            let mut tries = 0;
            let attempt = || -> Result<()> {
                tries += 1;
                Err(patience().busy())
            };
            let answer = line.wait(&mut Patience::new(wait), attempt);
            assert!(answer.is_err_and(|error| error.is_busy()) && tries > 0);
        }
    }
}
