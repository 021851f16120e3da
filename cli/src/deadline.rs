//! A deadline for a process that must not keep an agent waiting.

use std::thread;
use std::time::{Duration, Instant};

/// Has `over` run in a thread of its own once the time is over. Where no thread is to be had, there is no deadline.
pub fn watch(time: Duration, over: impl FnOnce() + Send + 'static) {
    let begun = Instant::now();
    let _ = thread::Builder::new().spawn(move || {
        while let Some(left) = time.checked_sub(begun.elapsed()) {
            thread::sleep(left);
        }
        over();
    });
}
