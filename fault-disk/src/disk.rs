//! The disk: counts what is done to it, decides what fails, and records.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fault::{Fault, Kind, Way};
use crate::sqlite;
use crate::step::{FileNumber, Step};

/// A disk: the files of one folder, as an engine uses them. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    counts: BTreeMap<Kind, u64>,
    fault: Option<Fault>,
    /// By how many bytes files may still grow.
    room: Option<u64>,
    fired: u64,
    names: BTreeMap<String, FileNumber>,
    files: FileNumber,
    trace: Option<Vec<Step>>,
    is_careless: bool,
}

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is done.
    Do,
    /// It fails in this way, and nothing is done.
    Fail(Way),
    /// So many bytes of it are written; then there is no room.
    Part(usize),
}

/// As long as it lives, a folder's files are on the disk, as far as SQLite goes.
#[derive(Debug)]
pub struct Watch(u64);

impl Drop for Watch {
    fn drop(&mut self) {
        sqlite::forget(self.0);
    }
}

impl Disk {
    /// A disk that does as it is told, and records nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts this disk beneath every SQLite database that is opened from now on in a folder.
    ///
    /// # Errors
    /// The operating system's where there is no such folder; and SQLite's where it does not take the file system.
    pub fn watch(&self, folder: &Path) -> std::io::Result<Watch> {
        sqlite::watch(&folder.canonicalize()?, self).map(Watch)
    }

    /// Records from now on. The folder must still be empty.
    pub fn record(&self) {
        self.state().trace = Some(Vec::new());
    }

    /// What was recorded; no more is from now on.
    pub fn take_trace(&self) -> Vec<Step> {
        self.state().trace.take().unwrap_or_default()
    }

    /// How many steps were recorded.
    pub fn recorded(&self) -> usize {
        self.state().trace.as_ref().map_or(0, Vec::len)
    }

    /// Notes that events up to this number are about to be recorded.
    pub fn note_sent(&self, number: u64) {
        self.state().note(|| Step::Sent(number));
    }

    /// Notes that the store says that events up to this number are recorded.
    pub fn note_acked(&self, number: u64) {
        self.state().note(|| Step::Acked(number));
    }

    /// Makes an operation fail. Counting begins anew.
    pub fn fail(&self, fault: Fault) {
        let mut state = self.state();
        state.counts.clear();
        state.fired = 0;
        state.fault = Some(fault);
    }

    /// Lets files grow by so many bytes together; then the disk is full.
    pub fn limit_growth(&self, bytes: u64) {
        let mut state = self.state();
        state.fired = 0;
        state.room = Some(bytes);
    }

    /// Ends all faults.
    pub fn heal(&self) {
        let mut state = self.state();
        state.fault = None;
        state.room = None;
    }

    /// How many operations have failed since the fault was set.
    pub fn fired(&self) -> u64 {
        self.state().fired
    }

    /// How many operations of a kind there were since the fault was set.
    pub fn count(&self, kind: Kind) -> u64 {
        self.state().counts.get(&kind).copied().unwrap_or(0)
    }

    /// Has syncs do nothing: for looking at many files whose survival is of no interest.
    pub fn skip_syncs(&self) {
        self.state().is_careless = true;
    }

    pub(crate) fn is_careless(&self) -> bool {
        self.state().is_careless
    }

    /// Counts an operation other than a write, and decides.
    pub(crate) fn decide(&self, kind: Kind) -> Verdict {
        self.state().decide(kind).map_or(Verdict::Do, |way| {
            Verdict::Fail(match way {
                Way::Short => Way::Error,
                way => way,
            })
        })
    }

    /// Counts a write, and decides. The length is the file's before.
    pub(crate) fn decide_write(&self, offset: u64, bytes: usize, length: impl FnOnce() -> u64) -> Verdict {
        let mut state = self.state();
        match state.decide(Kind::Write) {
            Some(Way::Short) if bytes > 1 => return Verdict::Part(bytes / 2),
            Some(way) => return Verdict::Fail(way),
            None => {}
        }
        let Some(room) = state.room else { return Verdict::Do };
        let growth = (offset + bytes as u64).saturating_sub(length().max(offset));
        if growth <= room {
            state.room = Some(room - growth);
            return Verdict::Do;
        }
        state.room = Some(0);
        state.fired += 1;
        let missing = usize::try_from(growth - room).unwrap_or(bytes);
        match bytes.saturating_sub(missing) {
            0 => Verdict::Fail(Way::Full),
            part => Verdict::Part(part),
        }
    }

    /// Counts the setting of a length, and decides. A file that grows needs room.
    pub(crate) fn decide_length(&self, from: u64, to: u64) -> Verdict {
        let mut state = self.state();
        if let Some(way) = state.decide(Kind::Truncate) {
            return Verdict::Fail(if way == Way::Short { Way::Error } else { way });
        }
        match state.room {
            Some(room) if to > from && to - from > room => {
                state.fired += 1;
                Verdict::Fail(Way::Full)
            }
            Some(room) => {
                state.room = Some(room - to.saturating_sub(from));
                Verdict::Do
            }
            None => Verdict::Do,
        }
    }

    /// The file of a name, which was opened just now; made if the name is new.
    pub(crate) fn opened(&self, name: &str, durable: bool) -> FileNumber {
        let mut state = self.state();
        if let Some(file) = state.names.get(name) {
            return *file;
        }
        let file = state.files;
        state.files += 1;
        state.names.insert(name.to_owned(), file);
        state.note(|| Step::Create { name: name.to_owned(), file, durable });
        file
    }

    pub(crate) fn wrote(&self, file: FileNumber, offset: u64, data: &[u8]) {
        self.state().note(|| Step::Write { file, offset, data: data.to_vec() });
    }

    pub(crate) fn set_length(&self, file: FileNumber, length: u64) {
        self.state().note(|| Step::SetLength { file, length });
    }

    pub(crate) fn synced(&self, file: FileNumber, names_too: bool) {
        self.state().note(|| Step::Sync { file, names_too });
    }

    pub(crate) fn deleted(&self, name: &str, durable: bool) {
        let mut state = self.state();
        if state.names.remove(name).is_some() {
            state.note(|| Step::Delete { name: name.to_owned(), durable });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, step: impl FnOnce() -> Step) {
        if let Some(trace) = &mut self.trace {
            trace.push(step());
        }
    }

    fn decide(&mut self, kind: Kind) -> Option<Way> {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let fault = self.fault.filter(|fault| fault.kind == kind)?;
        let fails = *count == fault.nth || fault.lasting && *count > fault.nth;
        self.fired += u64::from(fails);
        fails.then_some(fault.way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_of_a_kind_fails_once_or_from_then_on() {
        let disk = Disk::new();
        let fails = |kind| disk.decide(kind) != Verdict::Do;
        disk.fail(Fault { kind: Kind::Sync, nth: 2, lasting: false, way: Way::Error });
        let syncs: Vec<bool> = (0..4).map(|_| fails(Kind::Sync)).collect();
        assert_eq!((syncs, fails(Kind::Read), disk.fired()), (vec![false, true, false, false], false, 1));
        disk.fail(Fault { kind: Kind::Sync, nth: 2, lasting: true, way: Way::Full });
        let syncs: Vec<bool> = (0..4).map(|_| fails(Kind::Sync)).collect();
        assert_eq!((syncs, disk.fired(), disk.count(Kind::Sync)), (vec![false, true, true, true], 3, 4));
        disk.heal();
        assert!(!fails(Kind::Sync));
    }

    #[test]
    fn a_disk_takes_what_it_has_room_for() {
        let disk = Disk::new();
        disk.limit_growth(10);
        assert_eq!(disk.decide_write(0, 50, || 100), Verdict::Do);
        assert_eq!(disk.decide_write(100, 6, || 100), Verdict::Do);
        assert_eq!(disk.decide_write(106, 6, || 106), Verdict::Part(4));
        assert_eq!(disk.decide_write(106, 6, || 110), Verdict::Part(4), "those bytes are there already");
        assert_eq!(disk.decide_write(110, 6, || 110), Verdict::Fail(Way::Full));
        assert_eq!(disk.decide_length(110, 111), Verdict::Fail(Way::Full));
        assert_eq!(disk.decide_length(110, 20), Verdict::Do);
    }
}
