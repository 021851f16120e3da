//! What redb and the file system say, in core's words. Nothing else in this crate maps their errors.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tooltally_core::{Cause, Error};

/// An operation, as errors name it: the object of "failed to".
pub(crate) type Operation = &'static str;

/// Opening the file.
pub(crate) const OPEN: Operation = "open the store";
/// Reading the catalog of tables.
pub(crate) const CATALOG: Operation = "read the store's catalog";
/// Beginning a transaction or reading in one.
pub(crate) const READ: Operation = "read the store";
/// Writing within a transaction.
pub(crate) const WRITE: Operation = "write to the store";
/// Committing.
pub(crate) const COMMIT: Operation = "commit to the store";
/// Taking a store to a newer format.
pub(crate) const MIGRATE: Operation = "migrate the store";
/// Compacting.
pub(crate) const COMPACT: Operation = "compact the store";
/// redb's integrity check.
pub(crate) const CHECK: Operation = "check the store";
/// Closing the file.
pub(crate) const CLOSE: Operation = "close the store";

/// The place of damage that redb itself met: it does not say where.
const REDB_FILE: &str = "redb file";

/// A lock that another process held for too long; the cause within an [`io::Error`].
#[derive(Debug)]
pub(crate) struct LockTimeout {
    /// How long the wait was.
    pub(crate) waited: Duration,
}

impl fmt::Display for LockTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "another process held a lock on the file for {:?}", self.waited)
    }
}

impl StdError for LockTimeout {}

/// A page whose checksum differs; the cause within an [`io::Error`].
#[derive(Debug)]
pub(crate) struct DamagedPage {
    /// Where it lies in the file.
    pub(crate) offset: u64,
}

impl fmt::Display for DamagedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the checksum of the page at byte {} of the file differs", self.offset)
    }
}

impl StdError for DamagedPage {}

/// The number of a page that is longer than the whole file; the cause within an [`io::Error`].
#[derive(Debug)]
pub(crate) struct EndlessPage;

impl fmt::Display for EndlessPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page is said to be longer than the whole file")
    }
}

impl StdError for EndlessPage {}

/// Work that waited for the disk more often than any sound file asks for; the cause within an [`io::Error`].
#[derive(Debug)]
pub(crate) struct EndlessWork;

impl fmt::Display for EndlessWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redb commits again and again, and comes to no end")
    }
}

impl StdError for EndlessWork {}

/// redb's error, in core's words.
pub(crate) fn from_redb(operation: Operation, error: redb::Error) -> Error {
    match error {
        redb::Error::Io(error) => from_io(operation, error),
        redb::Error::Corrupted(detail) => Error::corrupt(REDB_FILE, detail),
        // What is left by a commit in one phase is not opened for reading alone, and every commit is of redb's
        // present format: the flags are damaged.
        redb::Error::RepairAborted | redb::Error::UpgradeRequired(_) => Error::Corrupt {
            place: REDB_FILE.to_owned(),
            detail: "its header does not say what a store's says".to_owned(),
            source: Some(Arc::new(error)),
        },
        redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableIsNotMultimap(_)
        | redb::Error::TypeDefinitionChanged { .. }
        | redb::Error::TableDoesNotExist(_) => Error::Corrupt {
            place: REDB_FILE.to_owned(),
            detail: "a table is missing, or is not of its kind".to_owned(),
            source: Some(Arc::new(error)),
        },
        redb::Error::TransactionInProgress => Error::Busy { waited: Duration::ZERO },
        error => Error::Engine { operation, source: Arc::new(error) },
    }
}

/// The operating system's error, in core's words.
pub(crate) fn from_io(operation: Operation, error: io::Error) -> Error {
    if let Some(timeout) = lock_timeout(&error) {
        return Error::Busy { waited: timeout.waited };
    }
    if let Some(page) = inner::<DamagedPage>(&error) {
        return Error::corrupt(format!("byte {} of the file", page.offset), "the page's checksum differs");
    }
    if inner::<EndlessPage>(&error).is_some() {
        return Error::corrupt(REDB_FILE, EndlessPage.to_string());
    }
    if inner::<EndlessWork>(&error).is_some() {
        return Error::Corrupt {
            place: REDB_FILE.to_owned(),
            detail: format!("with what it says of its free pages it takes for ever to {operation}"),
            source: Some(Arc::new(error)),
        };
    }
    let kind = error.kind();
    let source: Cause = Arc::new(error);
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::Full { operation, source }
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Error::Denied { operation, source },
        ErrorKind::UnexpectedEof => Error::Corrupt {
            place: REDB_FILE.to_owned(),
            detail: "it is shorter than it says".to_owned(),
            source: Some(source),
        },
        ErrorKind::InvalidData => Error::Corrupt {
            place: REDB_FILE.to_owned(),
            detail: "it does not begin as a store".to_owned(),
            source: Some(source),
        },
        _ => Error::Engine { operation, source },
    }
}

/// Whether redb refuses further work on its handle after this error, so that the file is to be opened anew.
pub(crate) fn wants_reopening(error: &redb::Error) -> bool {
    match error {
        redb::Error::Io(error) => lock_timeout(error).is_none(),
        redb::Error::Backend(_)
        | redb::Error::PreviousIo
        | redb::Error::DatabaseClosed
        | redb::Error::LockPoisoned(_)
        | redb::Error::TransactionPoisoned => true,
        _ => false,
    }
}

/// Whether it says no more than that there was an error before.
pub(crate) const fn refers_back(error: &redb::Error) -> bool {
    matches!(error, redb::Error::PreviousIo | redb::Error::TransactionPoisoned | redb::Error::DatabaseClosed)
}

/// The answer where redb panicked on what it read.
pub(crate) fn from_panic(operation: Operation, payload: &(dyn Any + Send)) -> Error {
    let said = payload.downcast_ref::<&str>().copied();
    let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given");
    Error::corrupt(REDB_FILE, format!("redb gave up when it was to {operation}: {said}"))
}

/// The answer where the header does not say which format a store has.
pub(crate) fn no_format() -> Error {
    Error::corrupt(REDB_FILE, "its header names no format")
}

/// The answer of a handle on which redb panicked before.
pub(crate) fn broken() -> Error {
    Error::corrupt(REDB_FILE, "it was found damaged before; open the store anew")
}

/// Something else than a store of ours.
pub(crate) fn not_a_store(path: &Path, reason: &str) -> Error {
    Error::NotAStore { path: path.display().to_string(), reason: reason.to_owned(), source: None }
}

/// No store, and none to be made.
pub(crate) fn missing(path: &Path) -> Error {
    Error::Missing { path: path.display().to_string() }
}

/// A write to a store that was opened for reading alone.
pub(crate) fn read_only() -> Error {
    cannot(WRITE)
}

/// What would write to a file that may only be read.
pub(crate) fn cannot(operation: Operation) -> Error {
    Error::Denied {
        operation,
        source: Arc::new(io::Error::new(ErrorKind::PermissionDenied, "the store's file is read-only")),
    }
}

/// Whether a page's checksum differs.
pub(crate) fn is_damaged_page(error: &io::Error) -> bool {
    inner::<DamagedPage>(error).is_some()
}

fn lock_timeout(error: &io::Error) -> Option<&LockTimeout> {
    inner(error)
}

fn inner<T: StdError + 'static>(error: &io::Error) -> Option<&T> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}
