//! Imports by the real program: what it reads, and what it makes of that when nobody kills it.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tooltally::{Event, OpenOptions, Position, ToolUse};
use tooltally_conformance::events::{id, numbered};

use crate::{Backend, Random, Result};

/// How many events the program records in one append.
pub(super) const BATCH: u64 = 2048;

/// A history to import.
pub(super) struct Import {
    /// Its file or folder.
    path: PathBuf,
    /// The events of it, in order.
    pub(super) events: Vec<Event>,
    /// How long the program took for it.
    pub(super) duration: Duration,
}

impl Import {
    /// Writes a history of the events with these numbers, as event lines or transcripts, and has the program import it
    /// into a store that is made for that alone.
    pub(super) fn make(
        program: &Path,
        backend: Backend,
        folder: &Path,
        numbers: Range<u64>,
        random: &mut Random,
    ) -> Result<Self> {
        let (first, count) = (numbers.start, numbers.end - numbers.start);
        let path = folder.join("history");
        let events: Vec<Event> = numbers.clone().map(numbered).collect();
        let is_lines = random.below(2) == 0;
        if is_lines {
            write_lines(&path, &events)?;
        } else {
            write_transcripts(&path, first, &events)?;
        }
        let import = Self { path, events: Vec::new(), duration: Duration::ZERO };
        let undisturbed = folder.join("undisturbed");
        fs::create_dir(&undisturbed)?;
        let started = Instant::now();
        let (new, duplicates) = import.run(program, backend, &undisturbed)?;
        let duration = started.elapsed();
        let log = backend.open(&undisturbed, &OpenOptions::new())?.read(Position::START, usize::MAX)?;
        fs::remove_dir_all(&undisturbed)?;
        let read: Vec<Event> = log.into_iter().map(|recorded| recorded.event).collect();
        let is_right = if is_lines { read == events } else { read.iter().map(Event::id).eq(numbers.map(id)) };
        if !is_right || (new, duplicates) != (count, 0) {
            return Err(
                format!("finding: an import of {count} events gives {} others, {new} of them new", read.len()).into()
            );
        }
        Ok(Self { events: read, duration, ..import })
    }

    /// The program, importing into the store of a folder.
    pub(super) fn command(&self, program: &Path, backend: Backend, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(["--json", "--db"]).arg(backend.url(folder).to_string()).arg("import").arg(&self.path);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Imports to the end: how many events were new, and how many were known.
    pub(super) fn run(&self, program: &Path, backend: Backend, folder: &Path) -> Result<(u64, u64)> {
        let output = self.command(program, backend, folder).output()?;
        if !output.status.success() {
            return Err(format!("finding: an import fails: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let answer: Value = serde_json::from_slice(&output.stdout)?;
        let number = |name: &str| answer.get(name).and_then(Value::as_u64).ok_or("the import's answer has no counts");
        Ok((number("new")?, number("duplicates")?))
    }
}

fn write_lines(path: &Path, events: &[Event]) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for event in events {
        writeln!(file, "{}", line(event)?)?;
    }
    Ok(file.flush()?)
}

fn tool_use(event: &Event) -> Result<&ToolUse> {
    match event {
        Event::ToolUse(tool_use) => Ok(tool_use),
        _ => Err("a made event is of another kind".into()),
    }
}

fn line(event: &Event) -> Result<Value> {
    let ToolUse { id, tool, session, project, agent, subagent, outcome, time, duration, source, attributes, .. } =
        tool_use(event)?;
    #[expect(clippy::cast_precision_loss, reason = "made durations are below 2^40 microseconds")]
    let millis = duration.map(|duration| duration.as_micros() as f64 / 1000.0);
    let path = project.as_ref().and_then(|project| project.path.as_ref());
    Ok(json!({
        "v": 1, "id": id.to_string(), "tool": tool.as_str(), "session": session.as_ref().map(AsRef::<str>::as_ref),
        "project": project.as_ref().map(|project| project.id.to_string()), "path": path.map(AsRef::<str>::as_ref),
        "agent": agent.as_ref().map(AsRef::<str>::as_ref), "subagent": subagent.as_ref().map(AsRef::<str>::as_ref),
        "outcome": outcome.as_str(), "time": time.to_string(), "duration_ms": millis, "source": source.as_str(),
        "attributes": attributes.iter().collect::<std::collections::BTreeMap<_, _>>(),
    }))
}

/// How many calls one transcript holds.
const CALLS: usize = 1_500;

/// Transcripts in Claude Code's shape, in a folder, of events with numbers from a first one on.
fn write_transcripts(folder: &Path, first: u64, events: &[Event]) -> Result<()> {
    fs::create_dir(folder)?;
    let numbered: Vec<(u64, &Event)> = (first..).zip(events).collect();
    for (file, events) in numbered.chunks(CALLS).enumerate() {
        let mut file = BufWriter::new(File::create(folder.join(format!("{file:04}.jsonl")))?);
        for (number, event) in events {
            for line in call(*number, event)? {
                writeln!(file, "{line}")?;
            }
        }
        file.flush()?;
    }
    Ok(())
}

/// The two lines of a call. Its id is the one that makes the event with this number.
fn call(number: u64, event: &Event) -> Result<[Value; 2]> {
    let ToolUse { tool, session, time, .. } = tool_use(event)?;
    let session = session.as_ref().map_or("none", AsRef::<str>::as_ref);
    let line = |kind: &str, message: Value| {
        json!({
            "parentUuid": null, "isSidechain": false, "userType": "external", "cwd": "/nowhere/app",
            "sessionId": session, "version": "2.1.139", "type": kind, "timestamp": time.to_string(), "message": message,
        })
    };
    let call = format!("toolu_{number}");
    let used = json!({"type": "tool_use", "id": call, "name": tool.as_str(), "input": {"command": "true"}});
    let result = json!({"type": "tool_result", "tool_use_id": call, "content": "done"});
    Ok([
        line("assistant", json!({"role": "assistant", "type": "message", "content": [used]})),
        line("user", json!({"role": "user", "content": [result]})),
    ])
}
