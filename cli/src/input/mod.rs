//! Bytes from outside, turned into events: hook payloads, transcripts, logs, databases, event lines.
//!
//! - [`read_hook`] reads the one payload of a live hook.
//! - [`Importer`] reads files, folders and streams of any known kind, told by content.
//! - [`event_line`] writes an event as a line that [`Importer`] and [`read_event_line`] read back.
//!
//! A source is read through a window of 1 MiB ([`window`]) and cut into lines or array elements ([`frames`]). Each is
//! read as one JSON object of which only the wanted keys are kept ([`item`]), a long one as a stream with its strings
//! shortened ([`shorten`]); then the reader of its kind takes it ([`transcript`], [`hook_log`], [`event_line`]).
//! Memory does not grow with a file, a line or a string.
//!
//! Messages and reasons name files, lines and fields, never the values: those are private.

mod calls;
mod context;
mod copied;
mod detect;
mod event_line;
mod field;
mod frames;
mod hook;
mod hook_log;
mod import;
mod item;
mod lossy;
mod outcome;
mod parse;
mod payload;
mod predecessor;
mod shorten;
mod source;
mod summary;
mod tally;
mod transcript;
mod values;
mod walk;
mod window;

pub use event_line::{event_line, is_newer_event_line, read_event_line, unrecorded_event_line};
pub use hook::{HookOutcome, HookReading, read_hook};
pub use import::{Importer, total_bytes};
pub use summary::Summary;

/// UTF-8's byte order mark, which some programs begin a file with.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
