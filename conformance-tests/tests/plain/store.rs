//! A complete backend in one file, for those who write another: an append-only file of text lines, queries
//! answered by core's fold over `read`. Slow, and right: it passes the whole suite.
//!
//! The file begins with a line of fixed length that names the format and how many bytes are recorded; then
//! an event a line, its fields between tabs (no name can hold one), each line with its checksum in front.
//! An append writes its lines past the recorded length, makes them durable, then writes the new length:
//! until that one small write, the batch is not there. A file lock keeps processes and handles apart.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tooltally_core::{
    Appended, Condition, Error, Event, EventId, Filter, GroupBy, Log, Maintenance, OpenOptions, Position, Progress,
    ProjectId, Queries, RecentOutcomes, Recorded, Registered, Result, Selection, SessionId, ToolName, Trail, UsageRow,
    Verified, fold,
};

use crate::line::{checksum, event_of, line_of};

pub(crate) const FORMAT: u32 = 1;
const MAGIC: &str = "tooltally-plain";
const HEADER_BYTES: usize = 65;

/// The store: a file, and what this handle has read of it.
pub(crate) struct PlainStore {
    file: File,
    path: String,
    wait: Duration,
    state: Mutex<State>,
}

struct State {
    /// How much of the file the two below hold.
    length: u64,
    log: Vec<Recorded>,
    ids: HashMap<EventId, Position>,
}

impl PlainStore {
    /// Opens the store at a path, as the options say.
    pub(crate) fn open_with(path: &Path, options: &OpenOptions) -> Result<Self> {
        let (name, wait) = (path.display().to_string(), options.longest_wait());
        let mut how = File::options();
        how.read(true).write(true).create(options.creates());
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
        let file = match how.open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !options.creates() => {
                return Err(Error::Missing { path: name });
            }
            Err(e) => return Err(engine("open the file")(e)),
        };
        let state = State { length: HEADER_BYTES as u64, log: Vec::new(), ids: HashMap::new() };
        let store = Self { file, path: name, wait, state: Mutex::new(state) };
        store.begin()?;
        store.locked(|_| Ok(()))?;
        Ok(store)
    }

    /// A new file gets its first line.
    fn begin(&self) -> Result<()> {
        let _lock = Lock::new(&self.file, self.wait)?;
        let is_new = self.file.metadata().map_err(engine("look at the file"))?.len() == 0;
        if is_new { write_at(&self.file, 0, header(FORMAT, HEADER_BYTES as u64).as_bytes()) } else { Ok(()) }
    }

    /// Takes in what others have recorded, then works while they are kept out.
    fn locked<T>(&self, work: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let _lock = Lock::new(&self.file, self.wait)?;
        let length = recorded_length(&self.file, &self.path)?;
        for event in read_lines(&self.file, state.length, length)? {
            state.take_in(event)?;
        }
        state.length = length;
        work(&mut state)
    }
}

impl State {
    fn head(&self) -> Position {
        Position::new(self.log.len() as u64)
    }

    fn take_in(&mut self, event: Event) -> Result<()> {
        let position = self.head().next();
        if self.ids.insert(event.id(), position).is_some() {
            return Err(Error::corrupt(format!("position {position}"), "its id is there already"));
        }
        self.log.push(Recorded { position, event });
        Ok(())
    }
}

impl Log for PlainStore {
    fn append(&self, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        self.locked(|state| {
            condition.check(state.head())?;
            let (mut lines, mut new, mut fresh) = (String::new(), Vec::new(), HashMap::new());
            let mut answers = Vec::new();
            for event in events {
                let next = Position::new((state.log.len() + new.len()) as u64 + 1);
                let known = state.ids.get(&event.id()).or_else(|| fresh.get(&event.id())).copied();
                answers.push(known.map_or(Appended::New(next), Appended::Duplicate));
                if known.is_none() {
                    lines.push_str(&line_of(event)?);
                    fresh.insert(event.id(), next);
                    new.push(event.clone());
                }
            }
            if !new.is_empty() {
                write_at(&self.file, state.length, lines.as_bytes())?;
                let length = state.length + lines.len() as u64;
                write_at(&self.file, 0, header(FORMAT, length).as_bytes())?;
                state.length = length;
                new.into_iter().try_for_each(|event| state.take_in(event))?;
            }
            Ok(answers)
        })
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>> {
        let skip = usize::try_from(after.get()).unwrap_or(usize::MAX);
        self.locked(|state| Ok(state.log.iter().skip(skip).take(limit).cloned().collect()))
    }

    fn head(&self) -> Result<Position> {
        self.locked(|state| Ok(state.head()))
    }
}

impl Queries for PlainStore {
    fn usage(&self, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        fold::usage_by_reading(self, selection, group_by)
    }

    fn recent(&self, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        fold::recent_by_reading(self, selection, limit)
    }

    fn registered(&self, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
        fold::registered_by_reading(self, project)
    }

    fn latest_outcomes(&self, project: &Filter<ProjectId>) -> Result<Vec<(ToolName, RecentOutcomes)>> {
        fold::latest_outcomes_by_reading(self, project)
    }

    fn trail(&self, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
        fold::trail_by_reading(self, session, look_back)
    }
}

impl Maintenance for PlainStore {
    /// Reads the file anew: what this handle holds is compared with it.
    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified> {
        let events = self.locked(|state| {
            let events = read_lines(&self.file, HEADER_BYTES as u64, state.length)?;
            let differs = events.iter().zip(&state.log).position(|(event, held)| *event != held.event);
            match differs.or((events.len() != state.log.len()).then_some(events.len())) {
                Some(at) => Err(Error::corrupt(format!("position {}", at + 1), "differs from what was read before")),
                None => Ok(events.len() as u64),
            }
        })?;
        progress(Progress { done: events, total: events });
        Ok(Verified { events, projections: 0 })
    }

    /// There is no projection; a damaged log is refused all the same.
    fn rebuild(&self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        self.verify(progress).map(|_| ())
    }

    fn compact(&self) -> Result<()> {
        Ok(())
    }
}

/// The right to the file, given up on drop.
struct Lock<'a>(&'a File);

impl<'a> Lock<'a> {
    fn new(file: &'a File, wait: Duration) -> Result<Self> {
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(fs::TryLockError::Error(e)) => return Err(engine("lock the file")(e)),
                Err(fs::TryLockError::WouldBlock) if begun.elapsed() >= wait => {
                    return Err(Error::Busy { waited: begun.elapsed() });
                }
                Err(fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // Closing the file gives the lock up as well.
        let _ = self.0.unlock();
    }
}

fn engine(operation: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |e| Error::Engine { operation, source: Arc::new(e) }
}

fn write_at(mut file: &File, at: u64, bytes: &[u8]) -> Result<()> {
    file.seek(SeekFrom::Start(at)).map_err(engine("seek in the file"))?;
    file.write_all(bytes).and_then(|()| file.sync_data()).map_err(engine("write to the file"))
}

/// The first line: format, recorded bytes, checksum; always [`HEADER_BYTES`] long.
fn header(format: u32, length: u64) -> String {
    let text = format!("{MAGIC} {format:010} {length:020}");
    format!("{text} {:016x}\n", checksum(text.as_bytes()))
}

fn recorded_length(mut file: &File, path: &str) -> Result<u64> {
    let mut bytes = [0; HEADER_BYTES];
    let not_a_store =
        |reason: &str| Error::NotAStore { path: path.to_owned(), reason: reason.to_owned(), source: None };
    file.seek(SeekFrom::Start(0)).map_err(engine("seek in the file"))?;
    file.read_exact(&mut bytes).map_err(|_| not_a_store("it is too short"))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| not_a_store("it is not text"))?;
    let words: Vec<&str> = text.split(' ').collect();
    let [MAGIC, format, length, _] = words[..] else { return Err(not_a_store("its first line is another")) };
    let damaged = || Error::corrupt("the first line", "its checksum differs");
    let (format, length) = (format.parse().map_err(|_| damaged())?, length.parse().map_err(|_| damaged())?);
    if header(format, length) != text {
        return Err(damaged());
    }
    if format > FORMAT {
        return Err(Error::UnsupportedFormat { found: format, supported: FORMAT });
    }
    Ok(length)
}

fn read_lines(mut file: &File, from: u64, to: u64) -> Result<Vec<Event>> {
    let damaged = |detail: &str| Error::corrupt(format!("bytes {from} to {to}"), detail);
    let length = to.checked_sub(from).ok_or_else(|| damaged("the log has become shorter"))?;
    let mut text = String::new();
    file.seek(SeekFrom::Start(from)).map_err(engine("seek in the file"))?;
    let read = file.take(length).read_to_string(&mut text).map_err(|_| damaged("they are not text"))?;
    if read as u64 != length {
        return Err(damaged("the file ends before"));
    }
    text.split_inclusive('\n').map(|line| event_of(line).map_err(|e| damaged(&e.to_string()))).collect()
}

/// Writes another format's number into a file: how tests make one of a newer version.
pub(crate) fn set_format(file: &Path, format: u32) -> std::io::Result<()> {
    let text = fs::read_to_string(file)?;
    let lines = text.split_once('\n').map_or("", |(_, lines)| lines);
    fs::write(file, header(format, text.len() as u64) + lines)
}
