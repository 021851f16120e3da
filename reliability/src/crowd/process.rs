//! A process of the crowd, as the one that started it has it in hand.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Result;
use crate::kill::finding;

/// A process that says `ready`, begins at a line, and ends when its stdin is closed. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts this very program with these arguments; it has not said anything yet.
    pub(crate) fn start(arguments: &[String]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let out = child.stdout.take().ok_or("a process without its output")?;
        Ok(Self { child, stdin, lines: BufReader::new(out).lines() })
    }

    /// Waits until it is ready.
    pub(crate) fn ready(&mut self) -> Result<()> {
        match self.lines.next().transpose()? {
            Some(line) if line == "ready" => Ok(()),
            _ => self.failed(),
        }
    }

    /// Lets it begin.
    pub(crate) fn go(&mut self) -> Result<()> {
        match &mut self.stdin {
            Some(stdin) => Ok(writeln!(stdin)?),
            None => self.failed(),
        }
    }

    /// Whether it has ended, though nobody told it to.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Kills it, whatever it is doing.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status()?;
        if sent.success() { Ok(()) } else { Err(format!("cannot send {name}").into()) }
    }

    /// Tells it to end.
    pub(crate) fn stop(&mut self) {
        self.stdin = None;
    }

    /// Waits for its end, and gives the last line that it said.
    pub(crate) fn finish(mut self) -> Result<String> {
        self.stop();
        let mut last = None;
        while let Some(line) = self.lines.next().transpose()? {
            last = Some(line);
        }
        let status = self.child.wait()?;
        match last {
            Some(line) if status.success() => Ok(line),
            _ => self.failed(),
        }
    }

    /// It said why on stderr, which is ours.
    fn failed<T>(&mut self) -> Result<T> {
        finding(format!("a process of the crowd ends with {}", self.child.wait()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
