//! The store: whether it is there, opens, can be written to, and answers.

use std::fs;
use std::io::{self, Read};
use std::mem;
use std::path::Path;
use std::time::Duration;

use tooltally::ledger::Patience;
use tooltally::{
    Backend, Condition, Error, Filter, GroupBy, OpenOptions, Position, Selection, Store, StoreUrl, Timestamp, open_with,
};

use super::held::is_held;
use super::words::{chain, on_store};
use super::{Case, Check, Finding, Level, NamedBy};
use crate::diagnostics::hint_for;
use crate::output::humanize::{ago, counted};
use crate::own::is_writable;
use crate::place::beside;

/// How long the store is waited for: as long as a hook waits.
const WAIT: Duration = Duration::from_millis(400);

/// What is known of the store afterwards.
#[derive(Clone, Debug)]
pub struct SeenStore {
    /// Its address.
    pub url: StoreUrl,
    /// Who named it.
    pub named_by: NamedBy,
    /// Whether something is at its path.
    pub exists: bool,
    /// Its size in bytes, with SQLite's journal; `None` where nothing is there or may be known.
    pub bytes: Option<u64>,
    /// How many events it holds; `None` where it could not be asked.
    pub events: Option<u64>,
    /// When its latest call happened.
    pub last: Option<Timestamp>,
}

/// Looks at the store without changing it.
pub(super) fn examine(url: &StoreUrl, case: &Case, findings: &mut Vec<Finding>) -> SeenStore {
    let mut seen = SeenStore {
        url: url.clone(),
        named_by: case.named_by,
        exists: fs::symlink_metadata(url.path()).is_ok(),
        bytes: size(url),
        events: None,
        last: None,
    };
    match why_not_to_open(url, &seen) {
        Some(finding) => findings.push(finding),
        None if url.backend() == Backend::Sqlite && is_read_only(url.path()) => findings.push(not_writable(url)),
        None => look_inside(url, case, &mut seen, findings),
    }
    seen
}

/// Whether a file may be read and not written. SQLite could open it, and would leave an empty write-ahead log.
fn is_read_only(path: &Path) -> bool {
    path.is_file() && fs::File::open(path).is_ok() && !is_writable(path)
}

fn not_writable(url: &StoreUrl) -> Finding {
    finding(Level::Error, "store-not-writable", "this user may not write to the store", url)
        .remedy("give yourself the right to write, or name another store; until then calls wait in the spool")
        .command(super::words::on_path("chmod u+w", url.path()))
}

fn finding(level: Level, code: &'static str, message: impl Into<String>, url: &StoreUrl) -> Finding {
    Finding::new(Check::Store, level, code, message).at(url.path())
}

/// What the store takes on disk.
fn size(url: &StoreUrl) -> Option<u64> {
    let store = fs::metadata(url.path()).ok()?.len();
    Some(store + fs::metadata(beside(url, "-wal")).map_or(0, |data| data.len()))
}

/// Where there is nothing to open yet, or where opening it would change it.
fn why_not_to_open(url: &StoreUrl, seen: &SeenStore) -> Option<Finding> {
    let data = match fs::metadata(url.path()) {
        Ok(data) => data,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !seen.exists => return Some(missing(url, seen)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message = "a symbolic link stands there that leads nowhere";
            return Some(
                finding(Level::Error, "store-not-a-store", message, url)
                    .remedy("see where it is to lead (a disk that is not mounted?), or choose another path with --db"),
            );
        }
        // The engine has the words for it.
        Err(_) => return None,
    };
    if data.is_file() && data.len() == 0 {
        let message = "the file is empty: nothing is recorded in it yet";
        return Some(finding(Level::Note, "store-empty", message, url).remedy(
            "nothing need be done: the first call makes a store of it. If it held calls before, restore a backup",
        ));
    }
    if data.is_file() { why_unfinished(url) } else { None }
}

/// Whether a store is between two states, and who is to bring it out of there: a live writer, for whom it is waited, or
/// the next one.
fn why_unfinished(url: &StoreUrl) -> Option<Finding> {
    let mut patience = Patience::new(WAIT);
    while is_unfinished(url) {
        // Looked at once more: a writer that is through has let go of it too.
        if !is_held(url.path(), url.backend()) && is_unfinished(url) {
            let message = "whoever wrote last was killed, or the power failed: the next one to write mends that";
            return Some(
                finding(Level::Note, "store-unfinished", message, url)
                    .remedy("have it mended now, and look again")
                    .command(on_store(url, "stats")),
            );
        }
        if let Err(busy) = patience.pause() {
            return Some(refused(url, &busy));
        }
    }
    None
}

fn missing(url: &StoreUrl, seen: &SeenStore) -> Finding {
    // Whoever named it expects it to be there.
    let level = if seen.named_by == NamedBy::Default { Level::Note } else { Level::Warning };
    finding(level, "store-missing", "there is no store yet: no call was recorded here", url)
        .remedy("the first call makes it; fill it with what the agent has kept, or mind the name of the store")
        .command(on_store(url, "import"))
}

/// Whether opening the file would mend it, which is not ours to do, unless its writer is still at it.
fn is_unfinished(url: &StoreUrl) -> bool {
    match url.backend() {
        // A rollback journal: a store has none but while it is made.
        Backend::Sqlite => fs::symlink_metadata(beside(url, "-journal")).is_ok_and(|data| data.len() > 0),
        _ => is_left_by_an_exclusive_writer(url.path()),
    }
}

/// The flags in the header of a redb file, after its magic number; the file format is fixed.
fn is_left_by_an_exclusive_writer(path: &Path) -> bool {
    const MAGIC: &[u8] = b"ttdb\x1a\x0a\xa9\x0d\x0a";
    const RECOVERY_REQUIRED: u8 = 1 << 1;
    const TWO_PHASE: u8 = 1 << 2;
    let mut header = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(10).read_to_end(&mut header));
    let flags = read.ok().and_then(|_| header.strip_prefix(MAGIC)).and_then(|rest| rest.first());
    flags.is_some_and(|flags| flags & (RECOVERY_REQUIRED | TWO_PHASE) == RECOVERY_REQUIRED)
}

fn look_inside(url: &StoreUrl, case: &Case, seen: &mut SeenStore, findings: &mut Vec<Finding>) {
    // Whoever closes SQLite last moves the write-ahead log into the database. Where one is there already, that is
    // left to those who write: this process ends with the store open, as a killed one does.
    let is_left_open = fs::symlink_metadata(beside(url, "-wal")).is_ok();
    let options = OpenOptions::new().create(false).migrate(false).wait(WAIT);
    match open_with(url, &options) {
        Ok(store) => {
            ask(url, case, store.as_ref(), seen, findings);
            if is_left_open {
                mem::forget(store);
            }
        }
        Err(error) => findings.push(refused(url, &error)),
    }
}

fn ask(url: &StoreUrl, case: &Case, store: &dyn Store, seen: &mut SeenStore, findings: &mut Vec<Finding>) {
    match contents(store) {
        Ok((events, last)) => {
            (seen.events, seen.last) = (Some(events), last);
            findings.push(opened(url, case, events, last));
        }
        Err(error) => findings.push(refused(url, &error)),
    }
    if !is_writable(url.path()) {
        findings.push(not_writable(url));
    } else if let Some(error) = why_not_writable(url, store) {
        findings.push(refused(url, &error));
    }
    if case.is_proven {
        findings.push(match store.verify(&mut |_| {}) {
            Ok(verified) => {
                let message = format!(
                    "proven: the log, {}, and everything folded from it agree",
                    counted(verified.events, "event")
                );
                finding(Level::Ok, "store-proven", message, url)
            }
            Err(error) => refused(url, &error),
        });
    }
}

/// How many events there are and when the latest one happened; damage that is met on the way is an error.
fn contents(store: &dyn Store) -> tooltally::Result<(u64, Option<Timestamp>)> {
    let head = store.head()?;
    let last = store.recent(&Selection::all(), 1)?.first().map(|recorded| recorded.event.time());
    let rows = store.usage(&Selection::all(), &GroupBy::Tool)?;
    let counted: u64 = rows.iter().map(|row| row.usage.uses()).sum();
    // Registry events are no calls, and nothing says how many there are. Another process may have recorded more
    // between the looks.
    if counted < head.get() && store.registered(&Filter::Any)?.is_empty() {
        let detail = format!("{counted} of {} events are counted", head.get());
        return Err(Error::Corrupt { place: "the projections".to_owned(), detail, source: None });
    }
    Ok((head.get(), last))
}

fn opened(url: &StoreUrl, case: &Case, events: u64, last: Option<Timestamp>) -> Finding {
    let Some(last) = last else {
        return finding(Level::Note, "store-without-events", "the store opens, and holds no call yet", url)
            .remedy("fill it with what the agent has kept, and have its calls recorded from now on")
            .command(on_store(url, "import"));
    };
    let message = format!("opens: {}, the latest {}", counted(events, "event"), ago(last, case.now));
    finding(Level::Ok, "store-opens", message, url)
}

/// Why a hook could not write. An append whose condition cannot hold takes the lock and changes nothing; redb
/// writes even then, so there it is not tried.
fn why_not_writable(url: &StoreUrl, store: &dyn Store) -> Option<Error> {
    if url.backend() != Backend::Sqlite {
        return None;
    }
    match store.append(&[], Condition::HeadIs(Position::new(u64::MAX))) {
        Ok(_) | Err(Error::ConditionNotMet { .. }) => None,
        Err(error) => Some(error),
    }
}

/// What an error of the store means.
fn refused(url: &StoreUrl, error: &Error) -> Finding {
    let (level, code) = match error {
        Error::Busy { .. } => (Level::Warning, "store-busy"),
        Error::Missing { .. } => (Level::Note, "store-unfinished"),
        Error::NotAStore { .. } => (Level::Error, "store-not-a-store"),
        Error::UnsupportedFormat { found, supported } if found > supported => (Level::Error, "store-newer-format"),
        Error::UnsupportedFormat { .. } => (Level::Error, "store-older-format"),
        Error::Corrupt { .. } => (Level::Error, "store-damaged"),
        Error::Denied { .. } if fs::File::open(url.path()).is_ok() => (Level::Error, "store-not-writable"),
        Error::Denied { .. } => (Level::Error, "store-not-readable"),
        Error::Full { .. } => (Level::Error, "disk-full"),
        _ => (Level::Error, "store-not-opened"),
    };
    let found = finding(level, code, chain(error), url);
    let hint = hint_for(error, url)
        .unwrap_or_else(|| "see to the files that are named here, then look again; calls wait in the spool".to_owned());
    match error {
        Error::Corrupt { .. } => found.remedy(hint).command(on_store(url, "verify")),
        _ => found.remedy(hint),
    }
}
