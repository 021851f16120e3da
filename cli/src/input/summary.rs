//! What an import did, and what it passed over.

use std::collections::BTreeMap;

/// The most examples that are kept.
const MAX_EXAMPLES: usize = 20;

/// What was read from all sources together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The files of a known kind, and empty ones.
    pub files: u64,
    /// The events found, copies of the same call included.
    pub events: u64,
    /// The calls that never finished in anything that was read, each counted once.
    pub pending: u64,
    /// What was passed over, by reason: files, lines, entries, rows and calls. A reason never holds a value.
    pub skipped: BTreeMap<String, u64>,
    /// What was recorded without one of its optional fields, by reason.
    pub notes: BTreeMap<String, u64>,
    /// The first of what was passed over, each as `file:line: reason`.
    pub examples: Vec<String>,
    /// The bytes read.
    pub bytes: u64,
}

impl Summary {
    /// All that was passed over.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// Counts something passed over.
    pub(super) fn skip(&mut self, place: &str, reason: &str) {
        self.skip_many(place, reason, 1);
    }

    /// Counts several things passed over for the same reason.
    pub(super) fn skip_many(&mut self, place: &str, reason: &str, count: u64) {
        if count == 0 {
            return;
        }
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(format!("{place}: {reason}"));
        }
        add(&mut self.skipped, reason, count);
    }

    /// Counts something recorded without one of its fields.
    pub(super) fn note(&mut self, reason: &str) {
        add(&mut self.notes, reason, 1);
    }
}

fn add(counts: &mut BTreeMap<String, u64>, reason: &str, count: u64) {
    match counts.get_mut(reason) {
        Some(sum) => *sum += count,
        None => {
            counts.insert(reason.to_owned(), count);
        }
    }
}
