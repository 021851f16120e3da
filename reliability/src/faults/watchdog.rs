//! Ends the program where a case does not end.

use std::process;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Far more than any case takes: its waits end after two seconds each. Counted in looks, a second apart, so that a
/// machine that stands still does not count.
const LONGEST_LOOKS: u32 = 120;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

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
    let (mut current, mut looks) = (String::new(), 0);
    loop {
        match cases.recv_timeout(BETWEEN_LOOKS) {
            Ok(case) => (current, looks) = (case, 0),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) if looks < LONGEST_LOOKS => looks += 1,
            Err(RecvTimeoutError::Timeout) => {
                eprintln!("error: it hangs: {current}");
                process::exit(1);
            }
        }
    }
}
