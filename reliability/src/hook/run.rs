//! One process of the real program, from its start to its end or its kill.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::kill::finding;
use crate::{Random, Result};

/// The signal that no process can keep.
const SIGKILL: i32 = 9;
/// The end of a hook is where it writes to the spool: so long before its usual end, and after.
const NEAR_END: Duration = Duration::from_millis(6);
const AFTER_END: Duration = Duration::from_millis(2);

/// When a process starts, from the begin of the round, and whether it is killed: so long after its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub(super) offset: Duration,
    pub(super) kill: Option<Duration>,
}

impl Life {
    /// A life in a round in which such processes usually take so long. One in two is killed: anywhere, or near its
    /// usual end.
    pub(super) fn draw(random: &mut Random, usual: Duration) -> Self {
        let offset = below(random, usual.min(Duration::from_millis(30)));
        let anywhere = below(random, usual);
        let near_end = usual.saturating_sub(NEAR_END) + below(random, NEAR_END + AFTER_END);
        let kill = match random.below(4) {
            0 => Some(anywhere),
            1 => Some(near_end),
            _ => None,
        };
        Self { offset, kill }
    }
}

/// A time below another.
pub(super) fn below(random: &mut Random, longest: Duration) -> Duration {
    Duration::from_nanos(random.below(u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX)))
}

/// How a process ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Whether the kill came in time.
    pub(super) is_killed: bool,
    /// From before its start.
    pub(super) took: Duration,
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a process and kills it, if that is its life. One that ends by a signal that nobody sent is a finding.
pub(super) fn run(command: &mut Command, life: Life) -> Result<Ended> {
    // Neither is a wait for something: both are moments of the plan.
    thread::sleep(life.offset);
    let started = Instant::now();
    let mut child = command.spawn()?;
    if let Some(kill) = life.kill {
        thread::sleep(kill.saturating_sub(started.elapsed()));
        child.kill()?;
    }
    let output = child.wait_with_output()?;
    let took = started.elapsed();
    let is_killed = life.kill.is_some() && output.status.signal() == Some(SIGKILL);
    let (stdout, stderr) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr).into_owned());
    if !is_killed && output.status.code().is_none() {
        return finding(format!("a process ends with {}: {stderr}", output.status));
    }
    Ok(Ended { is_killed, took, code: output.status.code(), stdout, stderr })
}
