//! Takes sources in, one after another: the files of folders, standard input, any reader.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tooltally::{AgentName, Clock, Event, Timestamp};

use super::calls::Calls;
use super::context::{Context, Stop};
use super::source;
use super::summary::Summary;
use super::walk::{Found, walk};

/// What standard input is called in messages.
const STANDARD_INPUT: &str = "standard input";

/// One import, over any number of sources. Calls are matched within a file; which are pending is known at the end.
pub struct Importer<'a> {
    clock: &'a dyn Clock,
    agent: AgentName,
    summary: Summary,
    calls: Calls,
    on_progress: Option<Box<dyn FnMut(u64) + 'a>>,
    left_out: Vec<PathBuf>,
}

impl<'a> Importer<'a> {
    /// An import that has read nothing yet. `clock` gives the time of entries from a stream that have none.
    pub fn new(clock: &'a dyn Clock) -> Self {
        Self {
            clock,
            agent: AgentName::claude_code(),
            summary: Summary::default(),
            calls: Calls::default(),
            on_progress: None,
            left_out: Vec::new(),
        }
    }

    /// Has these files not be opened, by whichever name, also a hard link's: those of the store that is open. On Unix a
    /// process that closes a file loses its locks on it.
    pub fn leaving_out(mut self, files: impl IntoIterator<Item = PathBuf>) -> Self {
        self.left_out.extend(files);
        self
    }

    /// Has `on_progress` told, as reading goes on, how many bytes were read of all sources together.
    pub fn on_progress(mut self, on_progress: impl FnMut(u64) + 'a) -> Self {
        self.on_progress = Some(Box::new(on_progress));
        self
    }

    /// Reads the files at or below each path in order of path, then, where a path is `-`, standard input. Hands each
    /// event to `emit`. What cannot be read is counted in the summary and does not stop anything.
    ///
    /// # Errors
    /// The first error of `emit`; nothing is read after it.
    pub fn read_paths<E>(
        &mut self,
        paths: &[PathBuf],
        stdin: &mut dyn Read,
        emit: &mut dyn FnMut(Event) -> Result<(), E>,
    ) -> Result<(), E> {
        let is_stdin = |path: &&PathBuf| path.as_os_str() == "-";
        let mut named: Vec<&PathBuf> = paths.iter().filter(|path| !is_stdin(path)).collect();
        named.sort_unstable();
        named.dedup();
        for path in named {
            self.read_path(path, emit)?;
        }
        if paths.iter().any(|path| is_stdin(&path)) {
            let now = self.clock.now();
            self.read_stream(STANDARD_INPUT, stdin, now, emit)?;
        }
        Ok(())
    }

    /// Reads a file, or all files below a folder in order of path.
    ///
    /// # Errors
    /// The first error of `emit`.
    pub fn read_path<E>(&mut self, path: &Path, emit: &mut dyn FnMut(Event) -> Result<(), E>) -> Result<(), E> {
        walk(path, &mut |found| match found {
            Found::File(path) => self.read_file(path, emit),
            Found::Skipped(path, reason) => {
                self.summary.skip(&shown(path), &reason);
                Ok(())
            }
        })
    }

    /// Reads a stream that is called `name` in messages. `time` is the time of entries that have none.
    ///
    /// # Errors
    /// The first error of `emit`.
    pub fn read_stream<E>(
        &mut self,
        name: &str,
        reader: &mut dyn Read,
        time: Timestamp,
        emit: &mut dyn FnMut(Event) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read(name, reader, None, time, emit)
    }

    /// What was read: to be asked for at the end, when it is known which calls never finished.
    pub fn finish(mut self) -> Summary {
        self.summary.pending = self.calls.pending();
        self.summary
    }

    fn read_file<E>(&mut self, path: &Path, emit: &mut dyn FnMut(Event) -> Result<(), E>) -> Result<(), E> {
        let name = shown(path);
        // Looked up now, not once for all: some of them come and go while the store is open.
        let file = file_id(path).filter(|_| !self.left_out.is_empty());
        if file.is_some() && self.left_out.iter().any(|left_out| file_id(left_out) == file) {
            self.summary.skip(&name, "the store that is imported into");
            return Ok(());
        }
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, mut file) = match opened {
            Ok(opened) => opened,
            Err(e) => {
                self.summary.skip(&name, &source::unreadable(&e));
                return Ok(());
            }
        };
        let written = metadata.modified().ok().and_then(timestamp).unwrap_or_else(|| self.clock.now());
        let path = if metadata.is_file() { Some(path) } else { None };
        self.read(&name, &mut file, path, written, emit)
    }

    fn read<E>(
        &mut self,
        name: &str,
        reader: &mut dyn Read,
        path: Option<&Path>,
        time: Timestamp,
        emit: &mut dyn FnMut(Event) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut refused = None;
        let mut emit = |event| {
            emit(event).map_err(|e| {
                refused = Some(e);
                Stop
            })
        };
        let mut bytes = self.summary.bytes;
        let on_progress = &mut self.on_progress;
        let mut on_read = |count| {
            bytes += count;
            if let Some(on_progress) = on_progress {
                on_progress(bytes);
            }
        };
        let mut context = Context {
            name,
            time,
            summary: &mut self.summary,
            calls: &mut self.calls,
            agent: &self.agent,
            emit: &mut emit,
        };
        // A receiver that wants no more has said why.
        let _stopped = source::read(reader, path, &mut on_read, &mut context);
        self.summary.bytes = bytes;
        refused.map_or(Ok(()), Err)
    }
}

/// The size of all files at or below the paths, in bytes: what there is to read, for a progress bar. Standard input
/// counts nothing.
pub fn total_bytes(paths: &[PathBuf]) -> u64 {
    let mut total = 0_u64;
    for path in paths.iter().filter(|path| path.as_os_str() != "-") {
        let _: Result<(), std::convert::Infallible> = walk(path, &mut |found| {
            if let Found::File(path) = found {
                total = total.saturating_add(std::fs::metadata(path).map_or(0, |found| found.len()));
            }
            Ok(())
        });
    }
    total
}

/// A path as messages show it: without what would move a terminal's cursor.
fn shown(path: &Path) -> String {
    path.to_string_lossy().chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    Timestamp::from_jiff(jiff::Timestamp::try_from(time).ok()?).ok()
}

/// The file that a name leads to, whatever its other names; `None` where there is none.
#[cfg(unix)]
fn file_id(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Elsewhere locks belong to the handle, and hard links do no harm.
#[cfg(not(unix))]
fn file_id(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok()
}
