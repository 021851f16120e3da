//! Hostile input: what must hold of any bytes whatever, wherever the program takes bytes in.
//!
//! Each function takes bytes, does with them what the program does, and fails where something does not hold. The
//! fuzz targets in `fuzz/` call them, a target each; `tests/hostile.rs` replays the committed corpora, and seeded
//! changes of them, on any toolchain. That none panics, hangs or takes memory without bounds is for the caller to
//! see.
//!
//! | file | subject |
//! |---|---|
//! | `claim` | what a check says when something does not hold |
//! | `history` | hook payloads, transcripts, hook logs, event lines |
//! | `predecessor` | the predecessor's database |
//! | `words` | spans, instants, time zones, store addresses |
//! | `codec` | a log row's bytes; events written and read back |
//! | `generate` | events and names out of bytes |
//! | `engine`, `projections` | an engine in memory; its projections changed, and sealed again |
//! | `ask` | what is asked of a store, and what is done to it |
//! | `stored` | any events in the real stores |
//! | `files`, `pages`, `rows` | a store's file: any bytes, changed pages, changed rows |

mod ask;
mod claim;
mod codec;
mod files;
mod generate;
mod history;
mod pages;
mod predecessor;
mod projections;
mod rows;
mod stored;
mod words;

pub use codec::{events, log_row};
pub use files::{redb_file, sqlite_file};
pub use history::{event_lines, hook_log, hook_payload, transcript};
pub use pages::{redb_pages, sqlite_pages};
pub use predecessor::{predecessor_file, predecessor_rows};
pub use projections::projections;
pub use rows::sqlite_rows;
pub use stored::stored_events;
pub use words::{instant, store_url};

use crate::Result;

/// A check and the name of its fuzz target and corpus.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// The check.
    pub check: fn(&[u8]) -> Result<()>,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "hook_payload", check: hook_payload },
    Target { name: "transcript", check: transcript },
    Target { name: "hook_log", check: hook_log },
    Target { name: "event_lines", check: event_lines },
    Target { name: "instant", check: instant },
    Target { name: "store_url", check: store_url },
    Target { name: "log_row", check: log_row },
    Target { name: "events", check: events },
    Target { name: "stored_events", check: stored_events },
    Target { name: "predecessor_file", check: predecessor_file },
    Target { name: "predecessor_rows", check: predecessor_rows },
    Target { name: "projections", check: projections },
    Target { name: "sqlite_file", check: sqlite_file },
    Target { name: "sqlite_pages", check: sqlite_pages },
    Target { name: "sqlite_rows", check: sqlite_rows },
    Target { name: "redb_file", check: redb_file },
    Target { name: "redb_pages", check: redb_pages },
];
