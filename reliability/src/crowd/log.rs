//! The whole log against every witness.

use std::path::Path;

use tooltally::{Position, Recorded, Store};

use super::marked::Mark;
use crate::Result;
use crate::kill::finding;
use crate::witness::{Account, Batch};

/// Events that one read takes.
const PAGE: usize = 20_000;

/// What the log must hold: each answered batch at its place, each unanswered one whole or not at all, nothing else.
pub(super) struct Promised {
    /// Where each answered batch begins, in order.
    answered: Vec<(u64, Mark, Batch)>,
    /// Batches of killed processes that nobody answered for.
    unanswered: Vec<(Mark, Batch)>,
}

/// What the comparison came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) events: u64,
    pub(super) batches: u64,
    /// Unanswered batches that are in the log.
    pub(super) whole: u64,
    /// Unanswered batches that are not.
    pub(super) absent: u64,
}

impl Promised {
    /// What the witnesses of these marks tell.
    pub(super) fn read(folder: &Path, marks: impl Iterator<Item = Mark>) -> Result<Self> {
        let mut promised = Self { answered: Vec::new(), unanswered: Vec::new() };
        for mark in marks {
            for sent in Account::read(&folder.join(mark.witness()))?.batches {
                match sent.answered {
                    Some(position) => promised.answered.push((position, mark, sent.batch)),
                    None => promised.unanswered.push((mark, sent.batch)),
                }
            }
        }
        promised.answered.sort_unstable_by_key(|(position, ..)| *position);
        Ok(promised)
    }

    /// Reads the whole log, once.
    pub(super) fn compare(mut self, store: &dyn Store) -> Result<Compared> {
        let head = store.head()?.get();
        let mut compared = Compared { events: head, ..Compared::default() };
        let mut log = Reader { store, page: Vec::new().into_iter(), after: Position::START };
        let answered = std::mem::take(&mut self.answered);
        let mut next = 1;
        for (position, mark, batch) in answered {
            while next < position {
                next = self.take_unanswered(&mut log, next, &mut compared)?;
            }
            if next > position {
                return finding(format!(
                    "{batch:?} of {mark:?} was answered for at {position}, where another batch ends"
                ));
            }
            next = take(&mut log, mark, batch, None)?;
            compared.batches += 1;
        }
        while next <= head {
            next = self.take_unanswered(&mut log, next, &mut compared)?;
        }
        compared.absent = self.unanswered.len() as u64;
        Ok(compared)
    }

    /// What was not answered for: an event that begins one of those batches, and the rest of it.
    fn take_unanswered(&mut self, log: &mut Reader<'_>, position: u64, compared: &mut Compared) -> Result<u64> {
        let first = log.next()?;
        for (index, (mark, batch)) in self.unanswered.iter().enumerate() {
            if mark.events(Batch { count: 1, ..*batch })?.first() == Some(&first.event) {
                let next = take(log, *mark, *batch, Some(first))?;
                self.unanswered.swap_remove(index);
                compared.whole += 1;
                compared.batches += 1;
                return Ok(next);
            }
        }
        finding(format!("position {position} holds an event that nobody sent, or not so: {:?}", first.event))
    }
}

/// Takes a batch off the log, which must stand there; the position after it.
fn take(log: &mut Reader<'_>, mark: Mark, batch: Batch, first: Option<Recorded>) -> Result<u64> {
    let mut first = first;
    let mut position = 0;
    for event in mark.events(batch)? {
        let recorded = match first.take() {
            Some(recorded) => recorded,
            None => log.next()?,
        };
        position = recorded.position.get();
        if recorded.event != event {
            return finding(format!("position {position} does not hold its part of {batch:?} of {mark:?}"));
        }
    }
    Ok(position + 1)
}

/// The log, page by page, without gaps.
struct Reader<'a> {
    store: &'a dyn Store,
    page: std::vec::IntoIter<Recorded>,
    after: Position,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Recorded> {
        if self.page.len() == 0 {
            self.page = self.store.read(self.after, PAGE)?.into_iter();
        }
        match self.page.next() {
            Some(recorded) if recorded.position == self.after.next() => {
                self.after = recorded.position;
                Ok(recorded)
            }
            found => finding(format!("after position {} comes {:?}", self.after, found.map(|found| found.position))),
        }
    }
}
