//! Reads one source: tells what it is, cuts it into objects, and gives each to the reader of its kind.

use std::io::Read;
use std::path::Path;

use tooltally::{Event, EventId};

use super::BYTE_ORDER_MARK;
use super::calls::key;
use super::context::{Context, Place, Stop};
use super::detect::{Detected, PEEK_BYTES, detect};
use super::event_line;
use super::field::Problem;
use super::frames::{Frames, Framing};
use super::hook_log::HookLog;
use super::item::{Item, Kind};
use super::parse::{RawText, parse_frame};
use super::predecessor;
use super::tally::Tally;
use super::transcript::Transcript;
use super::window::Window;

/// A source of which so many frames from the first on are not JSON is something else.
const MAX_BAD_AT_START: usize = 20;

/// Reads a source from its start. `path` is where it lies, if it is a file.
pub(super) fn read(
    reader: &mut dyn Read,
    path: Option<&Path>,
    on_read: &mut dyn FnMut(u64),
    context: &mut Context<'_>,
) -> Result<(), Stop> {
    let mut window = Window::new(reader, on_read);
    window.fill_to(PEEK_BYTES);
    let detected = detect(window.bytes());
    if detected == Detected::Empty
        && let Some(e) = window.take_error()
    {
        context.skip_source(&unreadable(&e));
        return Ok(());
    }
    match (detected, path) {
        (Detected::Empty, _) if window.is_at_end() => {
            context.summary.files += 1;
            Ok(())
        }
        (Detected::Empty, _) => read_json(window, Framing::Lines, context),
        (Detected::Json(framing), _) => read_json(window, framing, context),
        (Detected::Sqlite, Some(path)) => predecessor::read(path, context),
        (Detected::Sqlite, None) => {
            context.skip_source("an SQLite database cannot be read from a stream: name its file");
            Ok(())
        }
        (Detected::Redb, _) => {
            context.skip_source("a redb database: a tooltally store is named with --db");
            Ok(())
        }
        (Detected::Unknown, _) => {
            context.skip_source("not a known format");
            Ok(())
        }
    }
}

/// Why a source could not be read; the kind alone, so that equal causes are counted together.
pub(super) fn unreadable(error: &std::io::Error) -> String {
    format!("not readable: {}", error.kind())
}

fn read_json(mut window: Window<'_>, framing: Framing, context: &mut Context<'_>) -> Result<(), Stop> {
    if window.bytes().starts_with(BYTE_ORDER_MARK) {
        window.consume(BYTE_ORDER_MARK.len());
    }
    let mut frames = Frames::new(window, framing);
    let unit = frames.unit();
    let mut readers = Readers::default();
    while let Some((number, frame)) = frames.next() {
        let place = Place { unit, number };
        match parse_frame(frame, |item, raw| readers.take(&item, raw, place, context)) {
            Ok(taken) => taken?,
            Err(bad) => readers.bad.push((place, bad.reason(unit))),
        }
        if readers.is_hopeless() {
            context.skip_source("not a known format");
            return Ok(());
        }
        readers.report_bad(context);
    }
    if let Some(e) = frames.take_error() {
        context.skip_source(&unreadable(&e));
    }
    if framing == Framing::Array && readers.has_only_bad() {
        // A bracket begins many a text.
        context.skip_source("not a known format");
        return Ok(());
    }
    if frames.is_cut_off() {
        context.skip_source("a JSON array without its end");
    }
    if frames.has_more_after_array() {
        context.skip_source("text after the end of a JSON array");
    }
    readers.finish(context)
}

/// The readers of every kind, for one source: an object goes to the one whose kind it is.
#[derive(Default)]
struct Readers {
    transcript: Transcript,
    hook_log: HookLog,
    lines_without_id: Tally,
    /// Objects of a known kind.
    known: u64,
    /// Objects of none, and the first of them.
    unknown: Option<(Place, u64)>,
    /// What is no object and was not counted yet: nothing before the first object or enough of them.
    bad: Vec<(Place, String)>,
}

impl Readers {
    fn take(
        &mut self,
        item: &Item<'_>,
        raw: &RawText<'_>,
        place: Place,
        context: &mut Context<'_>,
    ) -> Result<(), Stop> {
        let kind = item.kind();
        if kind != Kind::Unknown {
            self.known += 1;
        }
        match kind {
            Kind::Transcript => self.transcript.take(item, place, context),
            Kind::Hook => self.hook_log.take(item, raw, place, context),
            Kind::EventLine => match self.event_line(item, raw) {
                Ok(event) => context.event(event),
                Err(problem) => {
                    context.skip(place, &problem.to_string());
                    Ok(())
                }
            },
            Kind::Unknown => {
                // A transcript has lines of many types, and new ones come.
                if !item.is_typed() || self.known == 0 {
                    let (first, count) = self.unknown.unwrap_or((place, 0));
                    self.unknown = Some((first, count + 1));
                }
                Ok(())
            }
        }
    }

    fn event_line(&mut self, item: &Item<'_>, raw: &RawText<'_>) -> Result<Event, Problem> {
        let occurrences = &mut self.lines_without_id;
        let make_id = || {
            let digest = raw.digest();
            let text = EventId::derived(&[digest]);
            event_line::id_of_text(&digest, u64::from(occurrences.count(key(text))) + 1)
        };
        event_line::read(item, make_id)
    }

    /// Whether nothing of what came was JSON.
    fn is_hopeless(&self) -> bool {
        self.has_only_bad() && self.bad.len() >= MAX_BAD_AT_START
    }

    fn has_only_bad(&self) -> bool {
        self.known == 0 && self.unknown.is_none() && !self.bad.is_empty()
    }

    /// Counts what is no object, once the source has shown that it holds objects.
    fn report_bad(&mut self, context: &mut Context<'_>) {
        if self.known > 0 || self.unknown.is_some() {
            for (place, reason) in self.bad.drain(..) {
                context.skip(place, &reason);
            }
        }
    }

    fn finish(mut self, context: &mut Context<'_>) -> Result<(), Stop> {
        if self.known == 0 && self.unknown.is_some() {
            context.skip_source("not a known format");
        } else {
            context.summary.files += 1;
            if let Some((first, count)) = self.unknown {
                context.skip_many(first, "neither an event, a hook's payload nor a transcript's line", count);
            }
        }
        for (place, reason) in self.bad.drain(..) {
            context.skip(place, &reason);
        }
        self.transcript.finish(context)
    }
}
