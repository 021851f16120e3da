//! Hook payloads, transcripts, hook logs, event lines: texts from outside.

use std::convert::Infallible;
use std::io::{self, Read};

use tooltally::{Event, EventId, ManualClock, Timestamp};
use tooltally_cli::input::{
    HookOutcome, HookReading, Importer, Summary, is_newer_event_line, read_event_line, read_hook, unrecorded_event_line,
};

use super::claim::{holds, may_be_told, same};
use crate::Result;

/// The time of entries that have none.
const NOW: Timestamp = Timestamp::MIN;
/// The shortest text of an event, in bytes: no more events than that can come of one text.
const LEAST_BYTES: usize = 16;
/// Up to so many bytes are read of every source, whatever it is.
const PEEK_BYTES: usize = 64 << 10;

/// A text given in small pieces: where a stream is cut into reads must make no difference.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (mut now, later) = self.0.split_at(self.1.min(self.0.len()).min(into.len()));
        self.0 = later;
        now.read(into)
    }
}

/// A hook's payload.
///
/// # Errors
/// What does not hold.
pub fn hook_payload(bytes: &[u8]) -> Result<()> {
    let clock = ManualClock::new(NOW);
    let reading = read_hook(&mut &*bytes, None, &clock);
    let slow = read_hook(&mut Slow(bytes, 1 + bytes.len() % 7), None, &clock);
    same_reading("in small pieces it is something else", &reading, slow)?;
    let text = String::from_utf8_lossy(bytes);
    same_reading("without its stray bytes", &reading, read_hook(&mut text.as_bytes(), None, &clock))?;
    reading.warnings.iter().try_for_each(|warning| may_be_told(warning))?;
    match &reading.outcome {
        HookOutcome::Event(event) => comes_back(event),
        HookOutcome::Nothing(reason) => may_be_told(reason),
        HookOutcome::Bad(reason) => may_be_told(reason),
    }
}

/// The same but for the ids of calls that have none, which are random.
fn same_reading(what: &str, one: &HookReading, mut other: HookReading) -> Result<()> {
    if let (HookOutcome::Event(Event::ToolUse(one)), HookOutcome::Event(Event::ToolUse(other))) =
        (&one.outcome, &mut other.outcome)
    {
        other.id = one.id;
    }
    same(what, one, &other)
}

/// A transcript.
///
/// # Errors
/// What does not hold.
pub fn transcript(bytes: &[u8]) -> Result<()> {
    history(bytes).map(drop)
}

/// A log of hook payloads.
///
/// # Errors
/// What does not hold.
pub fn hook_log(bytes: &[u8]) -> Result<()> {
    let events = history(bytes)?;
    // Each line alone is a payload that the hook itself takes; where it tells an event, so did the log.
    let clock = ManualClock::new(NOW);
    for line in bytes.split(|byte| *byte == b'\n') {
        if let HookOutcome::Event(event) = read_hook(&mut &*line, None, &clock).outcome {
            comes_back(&event)?;
        }
    }
    events.iter().try_for_each(comes_back)
}

/// Our own event lines.
///
/// # Errors
/// What does not hold.
pub fn event_lines(bytes: &[u8]) -> Result<()> {
    let events = history(bytes)?;
    events.iter().try_for_each(comes_back)?;
    for line in bytes.split(|byte| *byte == b'\n') {
        let is_newer = is_newer_event_line(line);
        match read_event_line(line) {
            Ok(event) => {
                holds(!is_newer, || "a line is read that is called a newer program's".to_owned())?;
                comes_back(&event)?;
            }
            Err(reason) => may_be_told(&reason)?,
        }
    }
    Ok(())
}

/// An event is the same after it was written as a line and read back.
pub(super) fn comes_back(event: &Event) -> Result<()> {
    let line = unrecorded_event_line(event);
    let back = read_event_line(line.as_bytes()).map_err(|reason| format!("{reason}, of {line}"))?;
    same("a line's event", event, &back)?;
    holds(!line.contains('\n'), || format!("a line has an end within: {line:?}"))
}

/// Reads a source of any kind; the events that it tells.
pub(super) fn history(bytes: &[u8]) -> Result<Vec<Event>> {
    let read = import(&[bytes], usize::MAX);
    same("in small pieces it is something else", &import(&[bytes], 1 + bytes.len() % 7), &read)?;
    let (events, summary) = read;
    holds(summary.bytes == bytes.len() as u64 || bytes.len() > PEEK_BYTES, || format!("{} bytes read", summary.bytes))?;
    same("events counted", &summary.events, &(events.len() as u64))?;
    holds(events.len() <= bytes.len() / LEAST_BYTES, || format!("{} events", events.len()))?;
    summary
        .skipped
        .keys()
        .chain(summary.notes.keys())
        .chain(&summary.examples)
        .try_for_each(|text| may_be_told(text))?;
    twice(bytes, &events, &summary)?;
    lines_come_back(&events)?;
    Ok(events)
}

fn import(sources: &[&[u8]], step: usize) -> (Vec<Event>, Summary) {
    let clock = ManualClock::new(NOW);
    let mut importer = Importer::new(&clock);
    let mut events = Vec::new();
    for source in sources {
        let Ok(()) = importer.read_stream("test", &mut Slow(source, step), NOW, &mut |event| {
            events.push(event);
            Ok::<(), Infallible>(())
        });
    }
    (events, importer.finish())
}

/// The same source once more tells the same events: a second import finds nothing new.
fn twice(bytes: &[u8], events: &[Event], summary: &Summary) -> Result<()> {
    let (both, of_both) = import(&[bytes, bytes], usize::MAX);
    let ids = |events: &[Event]| events.iter().map(Event::id).collect::<Vec<EventId>>();
    let expected = ids(events);
    same("the ids of two readings", &ids(&both), &[expected.as_slice(), &expected].concat())?;
    same("calls pending in both", &of_both.pending, &summary.pending)
}

/// All events, written as lines, are the same events when they are imported.
pub(super) fn lines_come_back(events: &[Event]) -> Result<()> {
    let text: String = events.iter().map(|event| unrecorded_event_line(event) + "\n").collect();
    let (back, summary) = import(&[text.as_bytes()], usize::MAX);
    same("events after they were lines", events, back.as_slice())?;
    holds(summary.skipped.is_empty(), || format!("our own lines are passed over: {:?}", summary.skipped))
}
