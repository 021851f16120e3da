//! Whether what a power cut left keeps the promise.

use std::fs;
use std::path::Path;

use tooltally::{Appended, Condition, Error, Event, GroupBy, MaintenanceExt as _, Position, Selection, Store};
use tooltally_conformance::events;

use super::Options;
use super::history::{self, History};
use super::replay::Image;
use crate::Result;
use crate::on_disk::Site;

/// The number of the events that are appended after a cut: none of the history has it.
const AFTER: u64 = 1 << 40;

/// Writes the files of an image into a folder, in place of what is there.
pub(crate) fn write(image: &Image, folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        fs::remove_file(entry?.path())?;
    }
    for (name, bytes) in image {
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

/// Opens what was left, and looks: all that was promised is there, in order and in whole batches; it is sound; it
/// goes on. Answers with the number of events found.
///
/// Where a program of a newer format was at work, it is the one that goes on; the older one may come first, and finds
/// all that it can read, or is refused.
pub(crate) fn check(
    options: &Options,
    folder: &Path,
    history: &History,
    acked: usize,
    older_first: bool,
) -> Result<usize> {
    let site = Site::new(options.backend, folder)?;
    site.disk.skip_syncs();
    let how = history::options(options.durability.into());
    if older_first {
        match site.open(&how) {
            Ok(store) => drop(is_whole(store.as_ref(), history, acked)?),
            Err(Error::UnsupportedFormat { found: 2, supported: 1 }) => {}
            Err(e) => return Err(explain("the older program does not open it", &e)),
        }
    }
    let open = || if options.migrating { site.open_newer(&how) } else { site.open(&how) };
    let store = open().map_err(|e| explain("it does not open", &e))?;
    let found = is_whole(store.as_ref(), history, acked)?;
    goes_on(store.as_ref(), history, found)?;
    drop(store);
    let store = open().map_err(|e| explain("it does not open again", &e))?;
    store.verify_quietly().map_err(|e| explain("it is not sound after another append", &e))?;
    let head = store.head().map_err(|e| explain("it has no head", &e))?;
    if head != Position::new(found as u64 + 2) {
        return Err(format!("it ends at {head} after two more than {found}").into());
    }
    Ok(found)
}

/// Everything promised is there, and fits together. Answers with the number of events found.
fn is_whole(store: &dyn Store, history: &History, acked: usize) -> Result<usize> {
    let found = log(store, history, acked)?;
    let verified = store.verify_quietly().map_err(|e| explain("it is not sound", &e))?;
    if verified.events != found as u64 {
        return Err(format!("it proves {} events of {found}", verified.events).into());
    }
    Ok(found)
}

fn explain(what: &str, error: &tooltally::Error) -> crate::Failure {
    format!("{what}: {error} ({error:?})").into()
}

fn log(store: &dyn Store, history: &History, acked: usize) -> Result<usize> {
    let recorded = store.read(Position::START, usize::MAX).map_err(|e| explain("its log cannot be read", &e))?;
    for (index, (recorded, sent)) in recorded.iter().zip(&history.events).enumerate() {
        if recorded.event != *sent || recorded.position != Position::new(index as u64 + 1) {
            return Err(format!("position {} is not what was sent: {recorded:?}", index + 1).into());
        }
    }
    let found = recorded.len();
    if found < acked {
        return Err(format!("{acked} events were acknowledged, {found} are there").into());
    }
    if !history.batches.contains(&found) {
        return Err(format!("{found} events are there: a part of a batch").into());
    }
    Ok(found)
}

/// Appends after what is there, sends the last event once more, and asks.
fn goes_on(store: &dyn Store, history: &History, found: usize) -> Result<()> {
    let next = Position::new(found as u64 + 1);
    let more = [events::mixed(AFTER), events::mixed(AFTER + 1)];
    let appended = store.append(&more, Condition::None).map_err(|e| explain("it takes no more", &e))?;
    if appended != [Appended::New(next), Appended::New(next.next())] {
        return Err(format!("two more events are answered with {appended:?}").into());
    }
    if let Some(last) = found.checked_sub(1).and_then(|index| history.events.get(index)) {
        let answer = store.append(std::slice::from_ref(last), Condition::None);
        let answer = answer.map_err(|e| explain("it takes no duplicate", &e))?;
        if answer != [Appended::Duplicate(Position::new(found as u64))] {
            return Err(format!("the last event once more is answered with {answer:?}").into());
        }
    }
    let rows = store.usage(&Selection::all(), &GroupBy::Tool).map_err(|e| explain("it answers nothing", &e))?;
    let uses: u64 = rows.iter().map(|row| row.usage.uses()).sum();
    let recorded = history.events.iter().take(found).chain(&more);
    let calls = recorded.filter(|event| matches!(event, Event::ToolUse(_))).count() as u64;
    if uses == calls { Ok(()) } else { Err(format!("it counts {uses} uses of {calls}").into()) }
}
