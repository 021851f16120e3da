//! Where events wait that a hook could not record: a folder beside the store, one file of one line an event.
//!
//! No lock is needed. Each process writes a file of its own, in one piece, and syncs it. Whoever takes events
//! in appends them to the store first and removes their files afterwards; killed in between, the next one
//! appends them again, and their ids make that a duplicate: every event is taken in exactly once, however
//! many processes try at the same time. A file whose line is not whole is still being written, or its writer
//! was killed: it is left alone.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tooltally::{Condition, Event, Log, StoreUrl};

use crate::input::{read_event_line, unrecorded_event_line};
use crate::place::{beside, owner_only_file, owner_only_folder};

/// How the files of waiting events end.
const WAITING: &str = "jsonl";
/// How the files of events that cannot be read end: they are kept for a person to see.
const UNREADABLE: &str = "unreadable";
/// More than any event's line has, in bytes.
const MOST_BYTES: u64 = 1 << 20;
/// How many events are taken in by one append.
const BATCH: usize = 1024;

/// The events that wait beside one store.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

/// An event that waits, and the file that it waits in.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The event.
    pub event: Event,
    file: PathBuf,
}

impl Spool {
    /// The spool of a store: `usage.db.spool` beside `usage.db`.
    pub fn of(url: &StoreUrl) -> Self {
        Self { folder: beside(url, ".spool") }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts an event to wait; it survives power loss when this returns.
    ///
    /// # Errors
    /// The system's.
    pub fn put(&self, event: &Event) -> io::Result<()> {
        let mut line = unrecorded_event_line(event);
        line.push('\n');
        // In order of time, so that events are taken in as they came; the id tells two of one instant apart.
        let name = format!("{:020}-{}.{WAITING}", event.time().as_micros(), event.id());
        let path = self.folder.join(name);
        let mut file = self.create(&path)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        self.sync_folder()
    }

    /// Makes the file, and the folder, which whoever takes the last event in may remove at any moment: between
    /// the two, and also while the folder is being made, when the system says that it is there and then finds
    /// none.
    fn create(&self, path: &Path) -> io::Result<fs::File> {
        let mut attempts = 0;
        loop {
            let file = owner_only_folder(&self.folder)
                .and_then(|()| owner_only_file().write(true).create(true).truncate(true).open(path));
            match file {
                Err(e)
                    if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists)
                        && attempts < 1000 =>
                {
                    attempts += 1;
                }
                result => return result,
            }
        }
    }

    /// Makes the names in the folder survive power loss, where the platform can.
    fn sync_folder(&self) -> io::Result<()> {
        #[cfg(unix)]
        match fs::File::open(&self.folder) {
            // Taken in and removed already.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            folder => folder?.sync_all()?,
        }
        Ok(())
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.files().len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.files().is_empty()
    }

    /// The files of waiting events, oldest first. A folder that cannot be read has none to give.
    fn files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.extension() == Some(OsStr::new(WAITING)))
            .collect();
        files.sort_unstable();
        files
    }

    /// The oldest events that wait, at most `limit`. What is no event is set aside, with a remark.
    pub fn oldest(&self, limit: usize) -> Vec<Waiting> {
        self.files().into_iter().filter_map(Self::read).take(limit).collect()
    }

    fn read(file: PathBuf) -> Option<Waiting> {
        let is_sane = fs::metadata(&file).is_ok_and(|data| data.is_file() && data.len() <= MOST_BYTES);
        let bytes = if is_sane { fs::read(&file).ok()? } else { return None };
        let line = bytes.strip_suffix(b"\n")?;
        match read_event_line(line) {
            Ok(event) => Some(Waiting { event, file }),
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "a spooled event cannot be read: set aside");
                let mut aside = OsString::from(&file);
                aside.push(".");
                aside.push(UNREADABLE);
                let _ = fs::rename(&file, aside);
                None
            }
        }
    }

    /// Removes events that the store has now, and the folder with the last of them.
    pub fn remove(&self, recorded: &[Waiting]) {
        for waiting in recorded {
            // Another process may have been faster; what stays is a duplicate to the next one.
            let _ = fs::remove_file(&waiting.file);
        }
        // Refused by the system while anything is in it.
        let _ = fs::remove_dir(&self.folder);
    }

    /// Takes everything that waits into the store, and answers how many events were new to it.
    ///
    /// # Errors
    /// As [`Log::append`]; what was not taken in waits on.
    pub fn take_in<L: Log + ?Sized>(&self, store: &L) -> tooltally::Result<u64> {
        let mut new = 0;
        loop {
            let waiting = self.oldest(BATCH);
            if waiting.is_empty() {
                return Ok(new);
            }
            let events: Vec<Event> = waiting.iter().map(|w| w.event.clone()).collect();
            let answers = store.append(&events, Condition::None)?;
            new += answers.iter().filter(|answer| answer.is_new()).count() as u64;
            self.remove(&waiting);
            if waiting.iter().any(|w| w.file.exists()) {
                // Not to be removed (its folder may be read-only): trying again would never end.
                return Ok(new);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tooltally::{Backend, EventId, MemoryStore, Outcome, ToolName, ToolUse};

    fn place() -> (tempfile::TempDir, Spool) {
        let place = tempfile::tempdir().unwrap();
        let spool = Spool::of(&StoreUrl::new(Backend::Sqlite, place.path().join("usage.db")));
        (place, spool)
    }

    fn event(number: u32) -> Event {
        let time = tooltally::Timestamp::from_micros(1_767_225_600_000_000 + i64::from(number)).unwrap();
        let id = EventId::derived(&[number.to_le_bytes()]);
        ToolUse::new(id, ToolName::new("Bash").unwrap(), Outcome::Success, time).into()
    }

    #[test]
    fn events_are_taken_in_once_in_order_and_nothing_stays() {
        let (_place, spool) = place();
        assert!(spool.is_empty());
        for number in [3, 1, 2] {
            spool.put(&event(number)).unwrap();
        }
        assert_eq!(spool.len(), 3);
        let store = MemoryStore::new();
        assert_eq!(spool.take_in(&store).unwrap(), 3);
        let tools: Vec<Event> =
            store.read(tooltally::Position::START, 9).unwrap().into_iter().map(|r| r.event).collect();
        assert_eq!(tools, [event(1), event(2), event(3)]);
        assert!(!spool.folder().exists());
        assert_eq!(spool.take_in(&store).unwrap(), 0);
    }

    #[test]
    fn who_was_killed_after_the_append_does_no_harm() {
        let (_place, spool) = place();
        spool.put(&event(1)).unwrap();
        let store = MemoryStore::new();
        let waiting = spool.oldest(9);
        store.append(&[waiting[0].event.clone()], Condition::None).unwrap();
        assert_eq!(spool.take_in(&store).unwrap(), 0, "the event is recorded already");
        assert_eq!(store.head().unwrap().get(), 1);
        assert!(spool.is_empty());
    }

    #[test]
    fn what_is_cut_off_waits_and_what_is_no_event_is_set_aside() {
        let (_place, spool) = place();
        spool.put(&event(1)).unwrap();
        fs::write(spool.folder().join("0-cut.jsonl"), "{\"v\":1,\"tool\":").unwrap();
        fs::write(spool.folder().join("0-wrong.jsonl"), "{\"v\":1}\n").unwrap();
        let store = MemoryStore::new();
        assert_eq!(spool.take_in(&store).unwrap(), 1);
        assert!(spool.folder().join("0-cut.jsonl").exists());
        assert!(spool.folder().join("0-wrong.jsonl.unreadable").exists());
    }

    #[test]
    fn many_put_while_many_take_in() {
        let (_place, spool) = place();
        let spool = &spool;
        let store = MemoryStore::new();
        let all_are_put = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let put = |writer: u32| (0..200).try_for_each(|n| spool.put(&event(writer * 1000 + n)));
            let writers: Vec<_> = (0..4).map(|writer| scope.spawn(move || put(writer))).collect();
            for _ in 0..3 {
                scope.spawn(|| {
                    while !all_are_put.load(std::sync::atomic::Ordering::Relaxed) {
                        spool.take_in(&store).unwrap();
                    }
                });
            }
            let results: Vec<_> = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
            all_are_put.store(true, std::sync::atomic::Ordering::Relaxed);
            for result in results {
                result.unwrap().unwrap();
            }
        });
        spool.take_in(&store).unwrap();
        assert_eq!(store.head().unwrap().get(), 800);
        assert!(spool.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn the_spool_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_place, spool) = place();
        spool.put(&event(1)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(spool.folder()), 0o700);
        assert_eq!(mode(&spool.files()[0]), 0o600);
    }
}
