//! One thread of the crowd: it appends its batches and asks questions, whose answers it looks at.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use tooltally::{Condition, GroupBy, GroupKey, Position, Recorded, Selection, Spans, Store, UsageRow};

use super::marked::{Mark, days};
use crate::kill::finding;
use crate::witness::{Account, Batch, Witness};
use crate::{Random, Result};

/// Events that one look at the end of the log reads, at most.
const LOOK: usize = 300;

/// What a thread keeps.
pub(super) struct Actor<'a> {
    store: &'a dyn Store,
    mark: Mark,
    processes: u64,
    threads: u64,
    random: Random,
    witness: Witness,
    pending: Option<Batch>,
    next: u64,
    /// Uses of each mark that it has seen already: they never become fewer.
    seen: HashMap<Mark, u64>,
    pub(super) done: Done,
}

/// What it has done.
#[derive(Default)]
pub(super) struct Done {
    pub(super) appends: Vec<u64>,
    pub(super) queries: Vec<u64>,
    pub(super) longest_call: u64,
    pub(super) busy: u64,
    pub(super) events: u64,
}

impl<'a> Actor<'a> {
    /// A thread that goes on where the last of its mark was killed, if one was.
    pub(super) fn new(
        store: &'a dyn Store,
        folder: &Path,
        mark: Mark,
        (processes, threads): (u64, u64),
        seed: u64,
    ) -> Result<Self> {
        let path = folder.join(mark.witness());
        let account = Account::read(&path)?;
        let own: u64 = account.batches.iter().filter(|sent| sent.answered.is_some()).map(|sent| sent.batch.count).sum();
        Ok(Self {
            store,
            mark,
            processes,
            threads,
            random: Random::for_round(seed, mark.first_number()),
            // Processes are killed here; the power stays on.
            witness: Witness::open(&path, false)?,
            pending: account.pending(),
            next: account.sent_to().map_or_else(|| mark.first_number(), |last| last + 1),
            seen: HashMap::from([(mark, own)]),
            done: Done::default(),
        })
    }

    /// Does one thing.
    pub(super) fn act(&mut self) -> Result<()> {
        match self.random.below(10) {
            0..6 => self.append(),
            6 => self.ask_about_all(),
            7..9 => self.ask_about_one(),
            _ => self.look_at_the_end(),
        }
    }

    /// Makes a call until it is not busy any more, and notes how long that took.
    fn patiently<T>(&mut self, call: impl Fn(&dyn Store) -> tooltally::Result<T>) -> Result<(T, Duration)> {
        let started = Instant::now();
        loop {
            let called = Instant::now();
            let answer = call(self.store);
            self.done.longest_call = self.done.longest_call.max(micros(called.elapsed()));
            match answer {
                Err(error) if error.is_busy() => self.done.busy += 1,
                answer => return Ok((answer?, started.elapsed())),
            }
        }
    }

    fn append(&mut self) -> Result<()> {
        let (batch, is_again) = match self.pending.take() {
            Some(batch) => (batch, true),
            None => (Batch { first: self.next, count: self.mark.size() }, false),
        };
        let events = self.mark.events(batch)?;
        self.witness.sent(batch)?;
        let (answers, took) = self.patiently(|store| store.append(&events, Condition::None))?;
        self.done.appends.push(micros(took));
        let first = answers.first().ok_or("an append without an answer")?;
        let is_new = first.is_new();
        // What was refused as busy was not recorded: then nothing of it is known when it comes again.
        let stand_together = answers
            .iter()
            .zip(first.position().get()..)
            .all(|(answer, position)| answer.position().get() == position && answer.is_new() == is_new);
        if !stand_together || answers.len() != events.len() || !(is_new || is_again) {
            return finding(format!(
                "{batch:?} of {:?}, sent again: {is_again}, is answered with {answers:?}",
                self.mark
            ));
        }
        self.witness.acked(batch, first.position().get())?;
        self.next = self.next.max(batch.last() + 1);
        self.done.events += batch.count;
        *self.seen.entry(self.mark).or_default() += batch.count;
        Ok(())
    }

    /// So many uses of a mark were seen: whole batches, and never fewer than before.
    fn see(&mut self, mark: Mark, uses: u64) -> Result<()> {
        let before = self.seen.insert(mark, uses).unwrap_or(0);
        if !uses.is_multiple_of(mark.size()) {
            return finding(format!("a query sees {uses} events of {mark:?}, which appends {} at once", mark.size()));
        }
        // One batch of its own may be there without an answer.
        let is_own = mark == self.mark;
        let most = if is_own { before + self.pending.map_or(0, |batch| batch.count) } else { u64::MAX };
        if uses < before || uses > most {
            return finding(format!("a query sees {uses} events of {mark:?}, after {before}"));
        }
        if is_own {
            self.seen.insert(mark, before);
        }
        Ok(())
    }

    fn ask(&mut self, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        let (rows, took) = self.patiently(|store| store.usage(selection, group_by))?;
        self.done.queries.push(micros(took));
        Ok(rows)
    }

    fn ask_about_all(&mut self) -> Result<()> {
        for row in self.ask(&Selection::all(), &GroupBy::Session)? {
            let GroupKey::Session { session: Some(session), .. } = &row.key else { continue };
            let Some(mark) = Mark::of(session) else { continue };
            self.see(mark, row.usage.uses())?;
        }
        Ok(())
    }

    fn ask_about_one(&mut self) -> Result<()> {
        let mark = Mark::any(&mut self.random, self.processes, self.threads);
        let group_by = match self.random.below(3) {
            0 => GroupBy::Total,
            1 => GroupBy::Tool,
            _ => GroupBy::Span(Spans::new(days())?),
        };
        let rows = self.ask(&Selection::all().session(mark.session()?), &group_by)?;
        self.see(mark, rows.iter().map(|row| row.usage.uses()).sum())
    }

    /// The end of the log, in one read: no gap, and no part of a batch.
    fn look_at_the_end(&mut self) -> Result<()> {
        let (head, _) = self.patiently(|store| store.head())?;
        let after = Position::new(head.get().saturating_sub(LOOK as u64 / 2));
        let (log, took) = self.patiently(|store| store.read(after, LOOK))?;
        self.done.queries.push(micros(took));
        if log.iter().zip(after.next().get()..).any(|(recorded, position)| recorded.position.get() != position) {
            return finding("a read has a gap");
        }
        if (log.len() as u64) < head.get() - after.get() {
            return finding("a read ends before a head that was seen");
        }
        if log.len() == LOOK { Ok(()) } else { ends_with_a_batch(&log) }
    }
}

/// Batches of the last mark stand whole at the end of what was read, as far as it reaches back.
fn ends_with_a_batch(log: &[Recorded]) -> Result<()> {
    let mark = |recorded: &Recorded| match &recorded.event {
        tooltally::Event::ToolUse(tool_use) => tool_use.session.as_ref().and_then(Mark::of),
        _ => None,
    };
    let Some(last) = log.last().and_then(mark) else { return Ok(()) };
    let run = log.iter().rev().take_while(|recorded| mark(recorded) == Some(last)).count();
    if run < log.len() && !(run as u64).is_multiple_of(last.size()) {
        return finding(format!("a read ends with {run} events of {last:?}, which appends {} at once", last.size()));
    }
    Ok(())
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
