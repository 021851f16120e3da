//! [`RedbEngine`]: snapshots, transactions and care of one redb file.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::Duration;

use redb::{ReadableDatabase, WriteTransaction};
use tooltally_core::ledger::{Engine, Snapshot, Transaction};
use tooltally_core::{OpenOptions, Result};

use crate::error::{self, CHECK, COMMIT, COMPACT, READ, WRITE};
use crate::guard::Guard;
use crate::migration::Migrations;
use crate::opening::{self, Handle, Opened};
use crate::site::{Layer, Site};
use crate::tables::Tables;
use tooltally_core::ledger::Patience;
use tooltally_core::ledger::Turns;

/// How long one attempt to compact waits for another process's transaction.
const LONGEST_ATTEMPT: Duration = Duration::from_millis(50);

/// One redb file as the engine of a [`Ledger`](tooltally_core::ledger).
///
/// After an I/O failure (a full disk, say) the file is opened anew for the next operation. After redb has
/// panicked on a damaged file, every operation answers [`Error::Corrupt`](tooltally_core::Error::Corrupt),
/// and the file's locks are free for others.
pub struct RedbEngine {
    site: Site,
    options: OpenOptions,
    migrations: Migrations,
    guard: Guard,
    turns: Turns,
    /// `None` while it could not be opened anew. Shared by transactions, alone for compaction and checks.
    handle: RwLock<Option<Handle>>,
}

type Shared<'a> = RwLockReadGuard<'a, Option<Handle>>;
type Alone<'a> = RwLockWriteGuard<'a, Option<Handle>>;

impl RedbEngine {
    /// Opens the file at a path as the options say.
    ///
    /// # Errors
    /// As [`RedbStore::open_with`](crate::RedbStore::open_with).
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        Self::open_migrating(path, options, Migrations::OURS, None)
    }

    /// As [`open_with`](Self::open_with), with a layer over each opening of the file. For tests.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    #[doc(hidden)]
    pub fn open_beneath(path: impl AsRef<Path>, options: &OpenOptions, layer: Layer) -> Result<Self> {
        Self::open_migrating(path, options, Migrations::OURS, Some(layer))
    }

    /// As [`open_with`](Self::open_with), by a program of another format. For tests.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    #[doc(hidden)]
    pub fn open_migrating(
        path: impl AsRef<Path>,
        options: &OpenOptions,
        migrations: Migrations,
        layer: Option<Layer>,
    ) -> Result<Self> {
        let site = Site::new(path.as_ref(), layer);
        let guard = Guard::default();
        let site = site.exclusive(options.is_exclusive());
        let handle = RwLock::new(Some(opening::open(&site, options, migrations, &guard)?));
        Ok(Self { site, options: options.clone(), migrations, guard, turns: Turns::default(), handle })
    }

    fn patience(&self) -> Patience {
        Patience::new(self.options.longest_wait())
    }

    /// The handle, beside the other transactions of this process.
    fn shared(&self, patience: &mut Patience) -> Result<Shared<'_>> {
        loop {
            self.guard.check()?;
            match self.handle.try_read() {
                Ok(handle) if handle.is_some() && !self.guard.is_stale() => return Ok(handle),
                Ok(handle) => {
                    drop(handle);
                    self.reopen(patience)?;
                }
                Err(TryLockError::Poisoned(_)) => self.handle.clear_poison(),
                Err(TryLockError::WouldBlock) => patience.pause()?,
            }
        }
    }

    /// The handle, with no transaction of this process beside.
    fn alone(&self, patience: &mut Patience) -> Result<Alone<'_>> {
        loop {
            match self.handle.try_write() {
                Ok(handle) => return Ok(handle),
                Err(TryLockError::Poisoned(_)) => self.handle.clear_poison(),
                Err(TryLockError::WouldBlock) => patience.pause()?,
            }
        }
    }

    fn reopen(&self, patience: &mut Patience) -> Result<()> {
        let mut slot = self.alone(patience)?;
        if slot.is_some() && !self.guard.is_stale() {
            return Ok(());
        }
        if let Some(handle) = slot.take() {
            // Its failure is known; what matters is whether the file opens anew.
            let _ = opening::close(handle, &self.guard);
        }
        // A store that was there is not made a second time.
        let options = self.options.clone().create(false).wait(patience.left());
        let handle = opening::open(&self.site, &options, self.migrations, &self.guard)?;
        handle.file.opened(self.options.longest_wait());
        *slot = Some(handle);
        self.guard.mark_fresh();
        Ok(())
    }

    fn write_on<R>(
        &self,
        handle: &Handle,
        patience: &mut Patience,
        body: impl FnOnce(&mut dyn Transaction) -> Result<R>,
    ) -> Result<R> {
        let transaction = opening::begin(handle, &self.guard, patience)?;
        // A panic of the body is not redb's: it goes on once the transaction is undone.
        let outcome = match Tables::new(&self.guard, &transaction, self.migrations) {
            Err(failure) => Ok(Err(failure)),
            Ok(mut tables) => {
                let outcome = catch_unwind(AssertUnwindSafe(|| body(&mut tables)));
                match (outcome, tables.close()) {
                    (Ok(Ok(_)), Err(failure)) => Ok(Err(failure)),
                    (outcome, _) => outcome,
                }
            }
        };
        if self.guard.is_broken() {
            self.guard.release(transaction);
            return match outcome {
                Ok(Err(failure)) => Err(failure),
                Ok(Ok(_)) => Err(error::broken()),
                Err(payload) => resume_unwind(payload),
            };
        }
        match outcome {
            Ok(Ok(answer)) => {
                // After a commit that failed, redb begins no other one on this handle.
                let committed = self.guard.call(COMMIT, || transaction.commit());
                committed.inspect_err(|_| self.guard.mark_stale()).map(|()| answer)
            }
            Ok(Err(failure)) => {
                // The failure that matters is the first one; redb refuses to undo after an I/O failure.
                self.undo(transaction);
                Err(failure)
            }
            Err(payload) => {
                // Whatever comes of undoing it: nothing was committed, and the panic is the news.
                self.undo(transaction);
                resume_unwind(payload)
            }
        }
    }

    /// Undoes a transaction. A handle that cannot is opened anew: nothing was committed in any case.
    fn undo(&self, transaction: WriteTransaction) {
        if self.guard.call(WRITE, || transaction.abort()).is_err() {
            self.guard.mark_stale();
        }
    }

    fn read_on<R>(&self, handle: &Handle, body: impl FnOnce(&dyn Snapshot) -> Result<R>) -> Result<R> {
        let transaction = self.guard.call(READ, || match &handle.opened {
            Opened::Writable(database) => database.begin_read(),
            Opened::ReadOnly(database) => database.begin_read(),
        })?;
        let outcome = Tables::new(&self.guard, &transaction, self.migrations).and_then(|tables| {
            let outcome = body(&tables);
            let closed = tables.close();
            outcome.and_then(|answer| closed.map(|()| answer))
        });
        self.guard.release(transaction);
        outcome
    }

    fn try_compact(&self, patience: &mut Patience) -> Result<()> {
        drop(self.shared(patience)?);
        let mut slot = self.alone(patience)?;
        self.expect_newest(slot.as_ref())?;
        let outcome = match slot.as_mut().map(|handle| (&mut handle.opened, &handle.file)) {
            Some((Opened::Writable(database), file)) => {
                // Readers of this process wait as long: between two attempts they have their turn.
                file.set_wait(patience.left().min(LONGEST_ATTEMPT));
                let compacted = self.guard.call(COMPACT, || file.in_bounds(|| database.compact())).map(drop);
                file.set_wait(self.options.longest_wait());
                compacted
            }
            Some((Opened::ReadOnly(_), _)) => Err(error::read_only()),
            None => Err(error::broken()),
        };
        self.abandon_if_broken(slot.as_ref());
        outcome
    }

    /// Refuses a file that a newer program has migrated since it was opened: compaction and redb's check write to it.
    fn expect_newest(&self, handle: Option<&Handle>) -> Result<()> {
        let looked = handle.map_or(Ok(()), |handle| self.read_on(handle, |_| Ok(())));
        self.abandon_if_broken(handle);
        looked
    }

    /// Frees the locks of a file on which redb has just panicked.
    fn abandon_if_broken(&self, handle: Option<&Handle>) {
        if let Some(handle) = handle.filter(|_| self.guard.is_broken()) {
            handle.file.abandon();
        }
    }
}

impl Engine for RedbEngine {
    fn read<R>(&self, body: impl FnOnce(&dyn Snapshot) -> Result<R>) -> Result<R> {
        let shared = self.shared(&mut self.patience())?;
        let outcome = match shared.as_ref() {
            Some(handle) => self.read_on(handle, body),
            None => Err(error::broken()),
        };
        self.abandon_if_broken(shared.as_ref());
        outcome
    }

    fn write<R>(&self, body: impl FnOnce(&mut dyn Transaction) -> Result<R>) -> Result<R> {
        let mut patience = self.patience();
        let _turn = self.turns.take(&patience)?;
        let shared = self.shared(&mut patience)?;
        let outcome = match shared.as_ref() {
            Some(handle) => self.write_on(handle, &mut patience, body),
            None => Err(error::broken()),
        };
        self.abandon_if_broken(shared.as_ref());
        outcome
    }

    /// Waits for those that read: redb compacts nothing beneath them.
    fn compact(&self) -> Result<()> {
        let mut patience = self.patience();
        loop {
            match self.try_compact(&mut patience) {
                Err(failure) if failure.is_busy() => patience.pause()?,
                outcome => return outcome,
            }
        }
    }

    /// A file opened for reading alone is not checked: redb's check may mend the record of free space.
    fn check(&self) -> Result<()> {
        let mut patience = self.patience();
        drop(self.shared(&mut patience)?);
        let mut slot = self.alone(&mut patience)?;
        self.expect_newest(slot.as_ref())?;
        let outcome = match slot.as_mut().map(|handle| &mut handle.opened) {
            // `false` means that the record of free space had to be rebuilt, as after a killed writer; every
            // checksum of the data was right.
            Some(Opened::Writable(database)) => {
                let checked = self.guard.call(CHECK, || database.check_integrity());
                checked.map(drop).inspect_err(|_| self.guard.mark_stale())
            }
            Some(Opened::ReadOnly(_)) => Ok(()),
            None => Err(error::broken()),
        };
        self.abandon_if_broken(slot.as_ref());
        outcome
    }
}

impl Drop for RedbEngine {
    fn drop(&mut self) {
        let slot = self.handle.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = slot.take() {
            // All that was promised is committed; there is nobody to tell.
            let _ = opening::close(handle, &self.guard);
        }
    }
}
