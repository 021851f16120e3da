//! What a worker has sent to a store and what the store has acknowledged, kept where no trouble of the store reaches.
//!
//! A witness is a file of lines, each written in one piece and only added to:
//!
//! ```text
//! sent FIRST COUNT
//! acked FIRST COUNT POSITION
//! begun WORK
//! done WORK
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;

use crate::Result;

/// Events that are appended together: those of neighbouring numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The first number.
    pub(crate) first: u64,
    /// How many.
    pub(crate) count: u64,
}

impl Batch {
    /// Its numbers.
    pub(crate) fn numbers(self) -> Range<u64> {
        self.first..self.first + self.count
    }

    /// The last number.
    pub(crate) fn last(self) -> u64 {
        self.first + self.count - 1
    }
}

/// The writing side. Threads share it by reference.
#[derive(Debug)]
pub(crate) struct Witness {
    file: File,
    is_synced: bool,
}

impl Witness {
    /// Opens the file at a path, made if missing. Unless synced, it outlives a kill, but no power loss.
    pub(crate) fn open(path: &Path, is_synced: bool) -> Result<Self> {
        Ok(Self { file: OpenOptions::new().create(true).append(true).open(path)?, is_synced })
    }

    /// The batch is about to be appended.
    pub(crate) fn sent(&self, batch: Batch) -> Result<()> {
        self.line(&format!("sent {} {}", batch.first, batch.count))
    }

    /// The store has answered for the batch: its first event stands at this position.
    pub(crate) fn acked(&self, batch: Batch, position: u64) -> Result<()> {
        self.line(&format!("acked {} {} {position}", batch.first, batch.count))
    }

    /// Work without events is about to begin.
    pub(crate) fn begun(&self, work: &str) -> Result<()> {
        self.line(&format!("begun {work}"))
    }

    /// That work was done.
    pub(crate) fn done(&self, work: &str) -> Result<()> {
        self.line(&format!("done {work}"))
    }

    fn line(&self, line: &str) -> Result<()> {
        (&self.file).write_all(format!("{line}\n").as_bytes())?;
        if self.is_synced {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

/// A batch that was sent, and where the store said its first event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) batch: Batch,
    pub(crate) answered: Option<u64>,
}

/// What a witness tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// The batches in order of sending; only the last one may be unanswered.
    pub(crate) batches: Vec<Sent>,
    /// Work that was begun and not done.
    pub(crate) interrupted: Vec<String>,
}

impl Account {
    /// Reads a witness; a missing one tells nothing. A line without its end was never finished, so what it says did
    /// not happen.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let mut account = Self::default();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            account.take(line).ok_or_else(|| format!("the witness says “{line}”"))?;
        }
        Ok(account)
    }

    /// The batch without an answer.
    pub(crate) fn pending(&self) -> Option<Batch> {
        self.batches.last().filter(|sent| sent.answered.is_none()).map(|sent| sent.batch)
    }

    /// The last number that was sent.
    pub(crate) fn sent_to(&self) -> Option<u64> {
        self.batches.last().map(|sent| sent.batch.last())
    }

    /// The last number that was acknowledged.
    pub(crate) fn acked_to(&self) -> Option<u64> {
        self.batches.iter().rev().find(|sent| sent.answered.is_some()).map(|sent| sent.batch.last())
    }

    /// `None` where a line makes no sense.
    fn take(&mut self, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ')?;
        match word {
            "begun" => self.interrupted.push(rest.to_owned()),
            "done" => self.interrupted.retain(|work| work != rest),
            "sent" | "acked" => {
                let mut numbers = rest.split(' ').map(str::parse::<u64>);
                let batch = Batch { first: numbers.next()?.ok()?, count: numbers.next()?.ok()? };
                if word == "acked" {
                    let last = self.batches.last_mut().filter(|sent| sent.batch == batch && sent.answered.is_none())?;
                    last.answered = Some(numbers.next()?.ok()?);
                } else if self.pending() != Some(batch) {
                    self.pending().is_none().then_some(())?;
                    self.batches.push(Sent { batch, answered: None });
                }
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_tells_what_is_acknowledged_and_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("witness");
        assert_eq!(Account::read(&path).unwrap(), Account::default());
        let witness = Witness::open(&path, true).unwrap();
        let (first, second) = (Batch { first: 1, count: 5 }, Batch { first: 6, count: 1 });
        witness.sent(first).unwrap();
        witness.acked(first, 1).unwrap();
        witness.begun("rebuild").unwrap();
        witness.sent(second).unwrap();
        // Sent again after a kill.
        witness.sent(second).unwrap();
        (&witness.file).write_all(b"acked 6 1 6").unwrap();
        let account = Account::read(&path).unwrap();
        assert_eq!((account.pending(), account.acked_to(), account.sent_to()), (Some(second), Some(5), Some(6)));
        assert_eq!(account.interrupted, ["rebuild"]);
        (&witness.file).write_all(b"\ndone rebuild\n").unwrap();
        let account = Account::read(&path).unwrap();
        assert_eq!((account.pending(), account.acked_to()), (None, Some(6)));
        assert!(account.interrupted.is_empty());
        witness.acked(first, 1).unwrap();
        assert!(Account::read(&path).is_err());
    }
}
