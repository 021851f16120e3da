//! Where events wait that a hook could not record: a folder beside the store, one file of one line an event.
//!
//! No lock is needed. Each process writes a file of its own, syncs it, and only then gives it the name of a
//! waiting event: what waits is whole. Whoever takes events in appends them to the store first and removes
//! their files afterwards; killed in between, the next one appends them again, and their ids make that a
//! duplicate: every event is taken in exactly once, however many processes try at the same time. What a killed
//! writer left is removed after a minute. A line of a newer program is left to that program.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;
use tooltally::{Condition, Event, Log, StoreUrl};

use crate::input::{is_newer_event_line, read_event_line, unrecorded_event_line};
use crate::place::{beside, owner_only_folder};

/// How the files of waiting events end.
const WAITING: &str = "jsonl";
/// How files end that are being written.
const PART: &str = "part";
/// How the files of events that cannot be read end: they are kept for a person to see.
const UNREADABLE: &str = "unreadable";
/// More than any event's line has, in bytes.
const MOST_BYTES: u64 = 1 << 20;
/// A file that nobody wrote to for so long has no writer any more.
const ABANDONED: Duration = Duration::from_mins(1);
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
        let name = format!("{:020}-{}", event.time().as_micros(), event.id());
        let path = self.folder.join(&name).with_extension(WAITING);
        let mut attempts = 0;
        // Whoever takes the last event in may remove the folder at any moment: before the file is in it, and also
        // while the folder is being made, when the system says that it is there and then finds none.
        while let Err(error) = self.write_part(&name, &line).and_then(|part| Ok(part.persist(&path)?)) {
            attempts += 1;
            if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) || attempts > 1000 {
                return Err(error);
            }
        }
        self.sync_folders()
    }

    /// Makes the folder, and in it the whole file under a name that does not wait yet. The file is its owner's
    /// alone; dropped, it is removed.
    fn write_part(&self, name: &str, line: &str) -> io::Result<NamedTempFile> {
        owner_only_folder(&self.folder)?;
        let (prefix, suffix) = (format!("{name}."), format!(".{PART}"));
        let mut part = tempfile::Builder::new().prefix(&prefix).suffix(&suffix).tempfile_in(&self.folder)?;
        part.write_all(line.as_bytes())?;
        part.as_file().sync_all()?;
        Ok(part)
    }

    /// Makes the names in the folder, and its own, survive power loss, where the platform can.
    fn sync_folders(&self) -> io::Result<()> {
        #[cfg(unix)]
        {
            // Another process may have made the folder, and not have come to sync its name: so it is always done.
            let parent = self.folder.parent().filter(|parent| !parent.as_os_str().is_empty());
            for folder in [&self.folder, parent.unwrap_or(Path::new("."))] {
                match fs::File::open(folder) {
                    // Taken in and removed already; or a folder to write to, not to list.
                    Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {}
                    folder => folder?.sync_all()?,
                }
            }
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

    /// The files of waiting events, oldest first.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = self.files_that_end(WAITING);
        files.sort_unstable();
        files
    }

    /// A folder that cannot be read has none to give.
    fn files_that_end(&self, extension: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
        paths.filter(|path| path.extension() == Some(OsStr::new(extension))).collect()
    }

    /// The oldest events that wait, at most `limit`. What is no event is set aside, with a remark; what a killed
    /// writer left is removed.
    pub fn oldest(&self, limit: usize) -> Vec<Waiting> {
        self.sweep();
        self.files().into_iter().filter_map(Self::read).take(limit).collect()
    }

    /// Removes what killed writers left.
    fn sweep(&self) {
        let mut parts = self.files_that_end(PART);
        parts.retain(|part| fs::metadata(part).is_ok_and(|data| is_abandoned(&data)));
        if !parts.is_empty() {
            for part in parts {
                let _ = fs::remove_file(part);
            }
            self.remove_folder();
        }
    }

    fn read(file: PathBuf) -> Option<Waiting> {
        let data = fs::metadata(&file).ok().filter(fs::Metadata::is_file)?;
        let bytes = if data.len() <= MOST_BYTES { fs::read(&file).ok()? } else { Vec::new() };
        let event = match bytes.strip_suffix(b"\n") {
            Some(line) if is_newer_event_line(line) => return None,
            Some(line) => read_event_line(line),
            // Earlier programs wrote under this name: it may be whole in a moment.
            None if !is_abandoned(&data) => return None,
            None => Err("it is no whole line".to_owned()),
        };
        match event {
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
        self.remove_folder();
    }

    /// Removes the folder if it is empty: the system refuses while anything is in it.
    fn remove_folder(&self) {
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

/// Whether nobody wrote to a file for a while. A time to come, of a clock that was set, says nothing.
fn is_abandoned(data: &fs::Metadata) -> bool {
    data.modified().ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age >= ABANDONED)
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
    fn what_is_no_event_is_set_aside() {
        let (_place, spool) = place();
        spool.put(&event(1)).unwrap();
        for (name, line) in
            [("0-wrong", "{\"v\":1}\n"), ("0-old", "{\"v\":0}\n"), ("0-none", "{}\n"), ("0-text", "v\n")]
        {
            fs::write(spool.folder().join(name).with_extension(WAITING), line).unwrap();
        }
        assert_eq!(spool.take_in(&MemoryStore::new()).unwrap(), 1);
        for name in ["0-wrong", "0-old", "0-none", "0-text"] {
            assert!(spool.folder().join(format!("{name}.jsonl.unreadable")).exists(), "{name}");
        }
        assert!(spool.is_empty());
    }

    #[test]
    fn a_cut_line_is_left_to_its_writer_for_a_minute_and_then_set_aside() {
        let (_place, spool) = place();
        spool.put(&event(1)).unwrap();
        let [young, old] = ["0-young.jsonl", "0-old.jsonl"].map(|name| spool.folder().join(name));
        for path in [&young, &old] {
            fs::write(path, "{\"v\":1,\"tool\":").unwrap();
        }
        grow_old(&old);
        assert_eq!(spool.take_in(&MemoryStore::new()).unwrap(), 1);
        assert!(young.exists());
        assert!(!old.exists());
        assert!(spool.folder().join("0-old.jsonl.unreadable").exists());
        assert_eq!(spool.len(), 1);
    }

    #[test]
    fn the_line_of_a_newer_program_waits_for_it_untouched() {
        let (_place, spool) = place();
        spool.put(&event(1)).unwrap();
        let newer = spool.folder().join("0-newer.jsonl");
        let line = "{\"v\":2,\"tool\":{\"name\":\"Bash\"},\"time\":7}\n";
        fs::write(&newer, line).unwrap();
        grow_old(&newer);
        let store = MemoryStore::new();
        assert_eq!(spool.take_in(&store).unwrap(), 1, "it keeps no other from being taken in");
        assert_eq!(spool.take_in(&store).unwrap(), 0);
        assert_eq!(fs::read_to_string(&newer).unwrap(), line);
    }

    #[test]
    fn what_a_killed_writer_left_does_not_wait_and_is_removed_after_a_minute() {
        let (_place, spool) = place();
        let (_file, part) = spool.write_part("0-killed", "{\"v\":1,\"tool\":").unwrap().keep().unwrap();
        assert_eq!(part.extension(), Some(OsStr::new(PART)));
        let store = MemoryStore::new();
        assert_eq!(spool.take_in(&store).unwrap(), 0);
        assert!(spool.is_empty());
        assert!(part.exists(), "its writer may still be at it");
        spool.put(&event(1)).unwrap();
        grow_old(&part);
        assert_eq!(spool.len(), 1);
        assert_eq!(spool.take_in(&store).unwrap(), 1);
        assert!(!spool.folder().exists(), "neither it nor its folder stays");
    }

    #[test]
    fn a_writer_that_fails_leaves_nothing() {
        let (_place, spool) = place();
        // A folder of the event's name is in the way.
        let name = format!("{:020}-{}.jsonl", event(1).time().as_micros(), event(1).id());
        fs::create_dir_all(spool.folder().join(&name).join("full")).unwrap();
        spool.put(&event(1)).unwrap_err();
        let left: Vec<_> = fs::read_dir(spool.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [OsStr::new(&name)]);
    }

    /// As if the file had been written two minutes ago.
    fn grow_old(path: &Path) {
        let then = std::time::SystemTime::now() - std::time::Duration::from_mins(2);
        fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
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
