//! The one place where redb's panics end.
//!
//! redb trusts its file and panics on some damaged ones. Every call into it goes through a [`Guard`]. What a
//! panic leaves behind is not to be touched again: not even dropped, since that may panic once more while
//! unwinding, which would end the program. So the guard then refuses all further calls, and the engine
//! forgets the handle and closes its file beneath it.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tooltally_core::{Error, Result};

use crate::error::{self, Operation};

/// Guards the calls on one handle.
#[derive(Default)]
pub(crate) struct Guard {
    broken: AtomicBool,
    stale: AtomicBool,
    /// Why the handle is of no more use: redb tells whom it meets first, and all later ones only that there was a reason.
    reason: Mutex<Option<Error>>,
}

impl Guard {
    /// Runs a call into redb.
    ///
    /// # Errors
    /// redb's own, in core's words, and [`Error::Corrupt`](tooltally_core::Error::Corrupt) where it panics
    /// or did so before.
    pub(crate) fn call<T, E: Into<redb::Error>>(
        &self,
        operation: Operation,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Result<T> {
        self.check()?;
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(failure)) => {
                let failure = failure.into();
                let (is_last, refers_back) = (error::wants_reopening(&failure), error::refers_back(&failure));
                let failure = error::from_redb(operation, failure);
                if !is_last {
                    return Err(failure);
                }
                self.mark_stale();
                let mut reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
                match &*reason {
                    Some(reason) if refers_back => Err(reason.clone()),
                    _ => Err(reason.insert(failure).clone()),
                }
            }
            Err(payload) => {
                self.broken.store(true, Ordering::Release);
                Err(error::from_panic(operation, payload.as_ref()))
            }
        }
    }

    /// Drops something of redb's, which may write or panic; or forgets it, where redb has panicked.
    pub(crate) fn release<T>(&self, thing: T) {
        if self.is_broken() {
            mem::forget(thing);
            return;
        }
        // A panic is noted, for the next call to answer.
        let _ = self.call(error::CLOSE, || {
            drop(thing);
            Ok::<_, redb::Error>(())
        });
    }

    /// Whether redb has panicked.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Answers for a redb that has panicked.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_broken() { Err(error::broken()) } else { Ok(()) }
    }

    /// Notes that the handle is of no more use and the file is to be opened anew.
    pub(crate) fn mark_stale(&self) {
        self.stale.store(true, Ordering::Release);
    }

    /// Whether the file is to be opened anew.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire)
    }

    /// Notes that the file was opened anew.
    pub(crate) fn mark_fresh(&self) {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.stale.store(false, Ordering::Release);
    }
}
