//! One piece of work on one failing disk, and what is left of the store.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tooltally::{Condition, Error, MaintenanceExt as _, OpenOptions, Position, Store};
use tooltally_conformance::events;
use tooltally_fault_disk::{Disk, Fault, Kind, Way};

use super::work::Work;
use crate::on_disk::Site;
use crate::{Backend, Result};

/// Numbers of events that are appended to see whether the store goes on.
const DURING: u64 = 1 << 40;
const AFTER: u64 = 1 << 41;

/// What is wrong with the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// An operation fails.
    Fault(Fault),
    /// There is room for so many bytes more.
    Room(u64),
}

impl Trouble {
    fn begin(self, disk: &Disk) {
        match self {
            Self::Fault(fault) => disk.fail(fault),
            Self::Room(bytes) => disk.limit_growth(bytes),
        }
    }

    /// Whether nothing is wrong but that there is no room.
    const fn is_lack_of_room(self) -> bool {
        match self {
            Self::Room(_) => true,
            Self::Fault(fault) => matches!((fault.kind, fault.way), (Kind::Write, Way::Full | Way::Short)),
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four things that are so or not, each by itself")]
pub(crate) struct CaseOutcome {
    /// Whether the disk failed at all.
    pub(crate) fired: bool,
    /// Whether the work answered with an error.
    pub(crate) failed: bool,
    /// Whether the same handle worked again once the disk did.
    pub(crate) usable: bool,
    /// Whether events that were answered with an error are recorded after all.
    pub(crate) recorded_after_all: bool,
}

/// Copies the template, works on it while the disk fails, heals the disk, and looks: at the same handle, then at
/// the store opened anew.
pub(crate) fn run(
    backend: Backend,
    work: Work,
    trouble: Trouble,
    template: &Path,
    options: &OpenOptions,
) -> Result<CaseOutcome> {
    let folder = tempfile::tempdir()?;
    if work != Work::Create {
        for entry in fs::read_dir(template)? {
            let entry = entry?;
            fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
        }
    }
    let site = Site::new(backend, folder.path())?;
    site.disk.skip_syncs();
    let mut outcome = CaseOutcome::default();
    let mut told = work.before();
    let mut tried = Vec::new();
    let store = do_work(&site, work, trouble, options, &mut outcome)?;
    if work.appends() > 0 {
        if outcome.failed { tried.push(work.appends()) } else { told += work.appends() }
    }
    let mut extra = Vec::new();
    if let Some(store) = &store {
        if trouble_lasts(trouble) {
            // The disk is as broken as it was: an answer, whichever, and no other one than the truth.
            append_one(store.as_ref(), DURING, &mut extra, trouble)?;
        }
        site.disk.heal();
        outcome.usable = append_one(store.as_ref(), AFTER, &mut extra, Trouble::Room(0))?;
    }
    site.disk.heal();
    drop(store);
    let store = site.open(options).map_err(|e| format!("it does not open on the healthy disk: {e} ({e:?})"))?;
    outcome.recorded_after_all = look(store.as_ref(), work, told, &tried, &extra)?;
    Ok(outcome)
}

const fn trouble_lasts(trouble: Trouble) -> bool {
    match trouble {
        Trouble::Fault(fault) => fault.lasting,
        Trouble::Room(_) => true,
    }
}

fn do_work(
    site: &Site<'_>,
    work: Work,
    trouble: Trouble,
    options: &OpenOptions,
    outcome: &mut CaseOutcome,
) -> Result<Option<Box<dyn Store>>> {
    let opened = if work.opens() {
        None
    } else {
        let store = site.open(options)?;
        if work == Work::Close {
            store.append(&[events::mixed(1)], Condition::None)?;
        }
        Some(store)
    };
    trouble.begin(&site.disk);
    let done = catch_unwind(AssertUnwindSafe(|| match opened {
        Some(store) => work.run(store),
        None => match site.open(options) {
            Ok(store) => (Ok(()), Some(store)),
            Err(failure) => (Err(failure), None),
        },
    }));
    let (answer, store) = done.map_err(|_| "it panicked")?;
    outcome.fired = site.disk.fired() > 0;
    if let Err(failure) = answer {
        outcome.failed = true;
        if !outcome.fired {
            return Err(format!("it failed on a disk that had not: {failure:?}").into());
        }
        expect_kind(&failure, trouble)?;
    }
    Ok(store)
}

/// Whether an error says what the matter is. A disk that fails is no damage, and none of the caller's mistakes.
fn expect_kind(failure: &Error, trouble: Trouble) -> Result<()> {
    let fits = match failure {
        Error::Full { .. } => true,
        Error::Engine { .. } | Error::Busy { .. } => !trouble.is_lack_of_room(),
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("the error does not fit: {failure} ({failure:?})").into()) }
}

fn append_one(store: &dyn Store, number: u64, extra: &mut Vec<(u64, bool)>, trouble: Trouble) -> Result<bool> {
    let event = [events::mixed(number)];
    let appended = catch_unwind(AssertUnwindSafe(|| store.append(&event, Condition::None)));
    let appended = appended.map_err(|_| "it panicked at the next append")?;
    let is_there = appended.is_ok();
    extra.push((number, is_there));
    if let Err(failure) = appended {
        // Once the disk is whole, a store that still fails says so, in whichever words fit.
        if number == DURING {
            expect_kind(&failure, trouble)?;
        } else if !matches!(failure, Error::Engine { .. } | Error::Full { .. } | Error::Busy { .. }) {
            return Err(format!("on the healthy disk: {failure} ({failure:?})").into());
        }
    }
    Ok(is_there)
}

/// Whether the store has all that it said it has, in order, nothing but what it was given, and goes on. Answers
/// whether something is there that it said it had not recorded.
fn look(store: &dyn Store, work: Work, told: u64, tried: &[u64], extra: &[(u64, bool)]) -> Result<bool> {
    let recorded = store.read(Position::START, usize::MAX).map_err(|e| format!("its log cannot be read: {e:?}"))?;
    let mut found = recorded.iter().enumerate().peekable();
    let mut is_next = |number: u64| {
        let event = events::mixed(number);
        let there = |(index, recorded): &(usize, &tooltally::Recorded)| {
            recorded.event == event && recorded.position == Position::new(*index as u64 + 1)
        };
        found.next_if(there).is_some()
    };
    for number in 1..=told {
        if !is_next(number) {
            return Err(format!("event {number} of {told} that were acknowledged is not in its place").into());
        }
    }
    let mut after_all = false;
    for count in tried {
        let first = work.before() + 1;
        if is_next(first) {
            after_all = true;
            for number in first + 1..first + count {
                if !is_next(number) {
                    return Err("a part of a batch is there".into());
                }
            }
        }
    }
    for (number, acknowledged) in extra {
        let there = is_next(*number);
        if *acknowledged && !there {
            return Err(format!("event {number}, which was acknowledged, is not in its place").into());
        }
        after_all |= there && !acknowledged;
    }
    if let Some((index, more)) = found.next() {
        return Err(format!("position {} holds what was not given then: {more:?}", index + 1).into());
    }
    store.verify_quietly().map_err(|e| format!("it is not sound: {e} ({e:?})"))?;
    let more = [events::mixed(AFTER + 1)];
    store.append(&more, Condition::None).map_err(|e| format!("it takes no more: {e:?}"))?;
    Ok(after_all)
}
