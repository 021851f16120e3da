//! Ends the program where a case does not end.

use std::process;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Far more than any case takes: its waits end after two seconds each.
const LONGEST: Duration = Duration::from_mins(2);

/// Told of each case before it begins.
pub(crate) struct Watchdog(Sender<String>);

impl Watchdog {
    pub(crate) fn new() -> Self {
        let (sender, cases) = channel();
        thread::spawn(move || watch(&cases));
        Self(sender)
    }

    pub(crate) fn begin(&self, case: String) {
        // It ends only with the program, or with this.
        let _ = self.0.send(case);
    }
}

fn watch(cases: &Receiver<String>) {
    let mut current = String::new();
    loop {
        match cases.recv_timeout(LONGEST) {
            Ok(case) => current = case,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                eprintln!("error: it hangs: {current}");
                process::exit(1);
            }
        }
    }
}
