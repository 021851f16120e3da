//! The file beneath redb: its own backend, with bounded waits and without needless writes.
//!
//! Byte positions and flags are those of redb's `docs/design.md` ("File format", "Lock bytes").

use std::collections::BTreeSet;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use redb::{BackendError, StorageBackend};

use crate::error::{self, EndlessWork, LockTimeout};
use crate::pages::{self, MAGIC};
use crate::schema::FIRST_FORMAT;
use crate::site::{Site, Unconfirmed};
use tooltally_core::ledger::Patience;

/// The flags stand after the magic number.
const FLAGS_AT: u64 = MAGIC.len() as u64;
/// Of the flags: no writer has closed the file since its last commit.
const RECOVERY_REQUIRED: u8 = 1 << 1;
/// Of the flags: the primary slot was committed in two phases, so it is sound whatever happened since.
const TWO_PHASE: u8 = 1 << 2;
/// Of the flags: the primary slot is not known to be on the disk yet.
pub(crate) const PRIMARY_UNFLUSHED: u8 = 1 << 3;
/// The length of redb's header with its two commit slots.
const HEADER_LENGTH: usize = 320;

/// The first lock byte that stands for no byte of the file.
const LOCK_BASE: u64 = 1 << 62;
/// Locked by a live writer to whom an unclean file is in order.
const CONSISTENT_BYTE: u64 = LOCK_BASE + 4;
/// Locked by the process that is the next to write, of all that wait. redb leaves the bytes from here on to its
/// backends.
const NEXT_BYTE: u64 = LOCK_BASE + 896;

/// The header's lock is held for microseconds, except while another process compacts. A caller with no
/// patience for writers still waits this long for it.
const SHORTEST_HEADER_WAIT: Duration = Duration::from_secs(1);

/// A store's file, as the backend of a redb database: its pages carry checksums, so that redb alone does not
/// open it. For tools and tests that look into a store with redb itself:
///
/// ```
/// # let folder = tempfile::TempDir::new().map_err(|_| tooltally_core::Error::invalid("folder", "none"))?;
/// # let path = folder.path().join("usage.redb");
/// use redb::ReadableDatabase;
/// use tooltally_redb::{RedbStore, StoreFile};
///
/// drop(RedbStore::open(&path)?);
/// let database = redb::Builder::new().create_with_backend(StoreFile::open(&path)?)?;
/// assert!(database.begin_read()?.list_tables()?.count() > 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
// Clones share it, so that the engine can close it beneath a redb that panicked.
#[derive(Clone, Debug)]
pub struct StoreFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None` once abandoned.
    backend: RwLock<Option<Box<dyn StorageBackend>>>,
    wait_nanos: AtomicU64,
    /// What the header is to name as the store's format: what it has named, until there is another one.
    format: AtomicU8,
    opening: AtomicBool,
    mending: AtomicBool,
    unsynced: AtomicBool,
    leaving: AtomicBool,
    /// How often the disk may still be waited for.
    syncs_left: AtomicU64,
    /// What was written since the disk has last confirmed everything.
    unconfirmed: Option<Unconfirmed>,
}

impl StoreFile {
    /// Opens the file of a store that exists, for reading and writing. Locks are awaited for 5 seconds.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Site::new(path.as_ref(), None).open(true, Duration::from_secs(5)).map_err(io::Error::other)
    }

    /// Takes a file that is about to be opened as a database, with locks awaited for this long.
    pub(crate) fn new(backend: Box<dyn StorageBackend>, wait: Duration, unconfirmed: Option<Unconfirmed>) -> Self {
        let inner = Inner {
            backend: RwLock::new(Some(backend)),
            wait_nanos: AtomicU64::new(0),
            format: AtomicU8::new(low_byte(FIRST_FORMAT)),
            opening: AtomicBool::new(true),
            mending: AtomicBool::new(false),
            unsynced: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            syncs_left: AtomicU64::new(u64::MAX),
            unconfirmed,
        };
        let file = Self(Arc::new(inner));
        file.set_wait(wait);
        file
    }

    /// Ends the opening: from now on locks are awaited for this long.
    pub(crate) fn opened(&self, wait: Duration) {
        self.0.opening.store(false, Ordering::Release);
        self.0.mending.store(false, Ordering::Release);
        self.set_wait(wait);
    }

    /// Has the close that follows write nothing.
    ///
    /// redb ends a handle with a commit of its own, which costs more than the append of a short process. Where
    /// many processes write, every commit records what the next one needs, and redb itself does without that
    /// last commit when a writer is busy; so it is told that one is.
    pub(crate) fn leave_quietly(&self) {
        self.0.leaving.store(true, Ordering::Release);
    }

    /// Does work that may be endless where the file is damaged: with more waits for the disk than any sound file of its
    /// length asks for, it fails.
    ///
    /// redb compacts until no page is left to be freed or moved. What a damaged record of free pages names may never
    /// be free. Each of redb's commits frees or moves a page at least, and waits for the disk twice.
    pub(crate) fn in_bounds<T>(&self, work: impl FnOnce() -> T) -> T {
        const ALWAYS: u64 = 256;
        let pages = self.len().unwrap_or(0) / pages::PAGE;
        self.0.syncs_left.store(ALWAYS.saturating_add(pages.saturating_mul(2)), Ordering::Release);
        let done = work();
        self.0.syncs_left.store(u64::MAX, Ordering::Release);
        done
    }

    fn count_sync(&self) -> io::Result<()> {
        let counted = self.0.syncs_left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| match left {
            u64::MAX => Some(left),
            left => left.checked_sub(1),
        });
        counted.map(drop).map_err(|_| io::Error::other(EndlessWork))
    }

    /// Becomes the next to write, unless another process is.
    pub(crate) fn try_be_next(&self) -> Result<bool, BackendError> {
        self.with(Self::try_lock_next)
    }

    /// Lets another be the next.
    pub(crate) fn be_next_no_more(&self) -> Result<(), BackendError> {
        self.with(Self::unlock_next)
    }

    fn try_lock_next(backend: &dyn StorageBackend) -> Result<bool, BackendError> {
        backend.try_lock_range(Bound::Included(NEXT_BYTE), Bound::Included(NEXT_BYTE))
    }

    fn unlock_next(backend: &dyn StorageBackend) -> Result<(), BackendError> {
        backend.unlock_range(Bound::Included(NEXT_BYTE), Bound::Included(NEXT_BYTE))
    }

    /// Has the header name this format from its next writing on.
    pub(crate) fn name_format(&self, format: u32) {
        self.0.format.store(low_byte(format), Ordering::Release);
    }

    /// Closes the file, whatever redb still holds: its locks are free, and every later access fails.
    pub(crate) fn abandon(&self) {
        drop(self.0.backend.write().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// How long writers are waited for from now on.
    pub(crate) fn set_wait(&self, wait: Duration) {
        self.0.wait_nanos.store(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX), Ordering::Release);
    }

    fn wait(&self) -> Duration {
        Duration::from_nanos(self.0.wait_nanos.load(Ordering::Acquire))
    }

    fn is_opening(&self) -> bool {
        self.0.opening.load(Ordering::Acquire)
    }

    fn backend(&self) -> RwLockReadGuard<'_, Option<Box<dyn StorageBackend>>> {
        self.0.backend.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T, E: From<io::Error>>(&self, access: impl FnOnce(&dyn StorageBackend) -> Result<T, E>) -> Result<T, E> {
        match self.backend().as_deref() {
            Some(backend) => access(backend),
            None => Err(io::Error::other("the file was closed because of damage").into()),
        }
    }

    fn try_until(wait: Duration, mut attempt: impl FnMut() -> Result<bool, BackendError>) -> Result<(), BackendError> {
        let started = Instant::now();
        let mut patience = Patience::new(wait);
        while !attempt()? {
            if patience.pause().is_err() {
                let timeout = LockTimeout { waited: started.elapsed() };
                return Err(BackendError::Io(io::Error::new(io::ErrorKind::WouldBlock, timeout)));
            }
        }
        Ok(())
    }

    /// Waits for a lock of writers. An opening becomes the next to write meanwhile, if nobody else is: one that writes
    /// all the time gives way to it, as to a transaction ([`begin`](crate::opening::begin)).
    fn lock_in_turn(
        &self,
        backend: &dyn StorageBackend,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<(), BackendError> {
        let mut is_next = false;
        let locked = Self::try_until(self.wait(), || {
            if backend.try_lock_range(start, end)? {
                return Ok(true);
            }
            if self.is_opening() && !is_next {
                is_next = Self::try_lock_next(backend)?;
            }
            Ok(false)
        });
        if is_next {
            // The lock goes with the file in any case, and others do not give way for long.
            let _ = Self::unlock_next(backend);
        }
        locked
    }

    fn unconfirmed(&self) -> Option<MutexGuard<'_, BTreeSet<u64>>> {
        self.0.unconfirmed.as_ref().map(|pages| pages.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for the disk. Where it fails, what was written stays unconfirmed.
    fn confirm(&self, backend: &dyn StorageBackend) -> io::Result<()> {
        let written = self.unconfirmed().map(|mut pages| std::mem::take(&mut *pages));
        backend.sync_data().inspect_err(|_| {
            if let (Some(mut pages), Some(written)) = (self.unconfirmed(), written) {
                pages.extend(written);
            }
        })
    }

    /// Writes once more what an opening before this one has written and the disk has not confirmed. A disk that failed
    /// to take some pages may have dropped them, while they can still be read; and it says so once: a later
    /// confirmation is not one of theirs.
    fn write_again(&self, backend: &dyn StorageBackend) -> io::Result<()> {
        let pages: Vec<u64> = self.unconfirmed().map(|pages| pages.iter().copied().collect()).unwrap_or_default();
        if pages.is_empty() {
            return Ok(());
        }
        pages.iter().try_for_each(|page| pages::write_again(backend, *page))?;
        self.confirm(backend)
    }

    fn flags(backend: &dyn StorageBackend) -> io::Result<u8> {
        let mut flags = [0];
        backend.read(FLAGS_AT, &mut flags)?;
        Ok(flags[0])
    }

    fn note_flags(&self, flags: u8) {
        let is_unclean = is_left_unclean(flags);
        self.0.mending.store(is_unclean, Ordering::Release);
        // What a killed writer left unflushed must reach the disk before redb publishes it.
        if is_unclean || flags & PRIMARY_UNFLUSHED != 0 {
            self.0.unsynced.store(true, Ordering::Release);
        }
    }

    /// While opening, redb writes its header back, mostly as it was.
    fn stands_already(backend: &dyn StorageBackend, offset: u64, data: &[u8]) -> bool {
        let mut there = [0; HEADER_LENGTH];
        offset == 0 && data.len() == HEADER_LENGTH && pages::read(backend, 0, &mut there).is_ok() && there == data
    }
}

/// Whether a file with these flags was left by a writer that commits in one phase, and did not close it: redb has
/// to find its last whole commit before anything else.
pub(crate) const fn is_left_unclean(flags: u8) -> bool {
    flags & (RECOVERY_REQUIRED | TWO_PHASE) == RECOVERY_REQUIRED
}

/// A header that redb writes while it mends a file, marked as one that is not whole yet.
///
/// When the last commit is torn, redb goes back to the one before, and says that the file is whole; but the torn one
/// still stands in the header, as the newer of the two, until the next commit takes its place. Who opened the file in
/// between would believe it. So the mark stays until the opening is done.
fn still_unclean(header: &[u8]) -> Vec<u8> {
    let mut header = header.to_vec();
    if let Some(flags) = usize::try_from(FLAGS_AT).ok().and_then(|at| header.get_mut(at)) {
        *flags |= RECOVERY_REQUIRED;
    }
    header
}

/// Whether what a file with these flags shows to readers is whole, with no writer alive.
///
/// Where the primary slot is marked as unflushed, readers are shown the commit before. A writer takes the mark away
/// without waiting for the disk, and its next transaction uses the pages that only the commit before had. When the
/// power fails then, those pages may be on the disk, and the mark may be back.
const fn vouches_for_itself(flags: u8) -> bool {
    flags & (TWO_PHASE | PRIMARY_UNFLUSHED) == TWO_PHASE
}

/// Whether a file with these flags must be mended before anyone reads it, unless its writer is alive.
pub(crate) const fn is_left_unflushed(flags: u8) -> bool {
    flags & RECOVERY_REQUIRED != 0 && !vouches_for_itself(flags)
}

/// A format as the header has it. There are fewer than 256 as long as nobody makes one a week.
const fn low_byte(format: u32) -> u8 {
    let [low, ..] = format.to_le_bytes();
    low
}

/// Whether pages could not be read because they were not written, or not in full.
fn is_torn(failure: &io::Error) -> bool {
    failure.kind() == io::ErrorKind::UnexpectedEof || error::is_damaged_page(failure)
}

/// Whether this is a file of which nothing but its making was begun: empty, or zeros where redb had not yet
/// written its magic number when it was killed, or when the power failed: then the header may be all that there is.
pub(crate) fn is_blank(length: u64, read: impl Fn(u64, &mut [u8]) -> io::Result<()>) -> io::Result<bool> {
    const LONGEST_BEGINNING: u64 = 1 << 22;
    const PAGE: usize = 4096;
    const PAGE_SIZE_AT: usize = 12;
    if length == 0 {
        return Ok(true);
    }
    let is_header_alone = length == HEADER_LENGTH as u64;
    if length > LONGEST_BEGINNING || !(is_header_alone || length.is_multiple_of(PAGE as u64)) {
        return Ok(false);
    }
    let mut page = [0; PAGE];
    let (beginning, _) = page.split_at_mut(if is_header_alone { HEADER_LENGTH } else { PAGE });
    read(0, beginning)?;
    let (header, rest) = page.split_at(HEADER_LENGTH);
    let begun = header.get(PAGE_SIZE_AT..PAGE_SIZE_AT + 4) == Some(&4096_u32.to_le_bytes());
    let magic_missing = header.starts_with(&[0; MAGIC.len()]);
    if !magic_missing || !(begun || header.iter().all(|byte| *byte == 0)) || rest.iter().any(|byte| *byte != 0) {
        return Ok(false);
    }
    for offset in (PAGE as u64..length).step_by(PAGE) {
        read(offset, &mut page)?;
        if page.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl StorageBackend for StoreFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|backend| {
            let length = backend.len()?;
            // redb asks under its locks, so nobody else is just making the file.
            if self.is_opening() && is_blank(length, |offset, out| backend.read(offset, out))? {
                return Ok(0);
            }
            Ok(pages::redb_length(length))
        })
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|backend| {
            if self.is_opening() && offset == 0 {
                // redb reads the header first, and has its locks then.
                self.write_again(backend)?;
            }
            match pages::read(backend, offset, out) {
                // What a commit in one phase leaves behind when the power fails: redb looks for it now, and goes
                // back to the commit before. A page of zeros is none that it could take for whole.
                Err(failure) if self.0.mending.load(Ordering::Acquire) && is_torn(&failure) => out.fill(0),
                read => read?,
            }
            if self.is_opening() && offset == 0 {
                self.note_flags(out.get(MAGIC.len()).copied().unwrap_or_default());
                if let Some(format) = pages::format(backend)? {
                    self.name_format(u32::from(format));
                }
            }
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.unsynced.store(true, Ordering::Release);
        self.with(|backend| backend.set_len(pages::file_length(len)))
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.is_opening() && !self.0.unsynced.load(Ordering::Acquire) {
            return Ok(());
        }
        self.count_sync()?;
        self.with(|backend| self.confirm(backend))?;
        self.0.unsynced.store(false, Ordering::Release);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let unmended = (offset == 0 && self.0.mending.load(Ordering::Acquire)).then(|| still_unclean(data));
        let data = unmended.as_deref().unwrap_or(data);
        self.with(|backend| {
            if self.is_opening() && Self::stands_already(backend, offset, data) {
                return Ok(());
            }
            self.0.unsynced.store(true, Ordering::Release);
            if let Some(mut pages) = self.unconfirmed() {
                pages.extend(offset / pages::PAGE..(offset + data.len() as u64).div_ceil(pages::PAGE));
            }
            pages::write(backend, offset, data, self.0.format.load(Ordering::Acquire))
        })
    }

    fn close(&self) -> io::Result<()> {
        match self.backend().as_ref() {
            Some(backend) => backend.close(),
            None => Ok(()),
        }
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        if self.0.leaving.load(Ordering::Acquire) {
            return Ok(false);
        }
        self.with(|backend| backend.try_lock_range(start, end))
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.with(|backend| backend.try_lock_shared_range(start, end))
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.with(|backend| match start {
            Bound::Included(first) if first >= LOCK_BASE => self.lock_in_turn(backend, start, end),
            // The header: a writer takes it, with the writer's lock in hand, and others hold it for
            // microseconds. A commit must not fail for that.
            _ => backend.lock_range(start, end),
        })
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        let wait = self.wait().max(SHORTEST_HEADER_WAIT);
        self.with(|backend| Self::try_until(wait, || backend.try_lock_shared_range(start, end)))
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.with(|backend| backend.unlock_range(start, end))
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.with(|backend| {
            let locked = backend.query_lock_range(start, end)?;
            // A reader asks whether a live writer vouches for the file. After a two-phase commit the file
            // vouches for itself: what is published is whole, whoever was killed since.
            let is_asked = !locked && start == Bound::Included(CONSISTENT_BYTE);
            Ok(locked || (is_asked && vouches_for_itself(Self::flags(backend)?)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_without_an_end_is_given_up_and_what_follows_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.redb");
        std::fs::write(&path, [0; 3 * 4096]).unwrap();
        let file = StoreFile::open(&path).unwrap();
        file.0.unsynced.store(true, Ordering::Release);
        let commits = || (0..100_000).find_map(|_| file.set_len(4096).and_then(|()| file.sync_data()).err());
        let failure = file.in_bounds(commits).unwrap();
        assert!(error::from_io(error::COMPACT, failure).is_corrupt());
        file.set_len(4096).unwrap();
        file.sync_data().unwrap();
    }
}
