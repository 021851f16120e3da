//! The core of [tooltally]: an event-sourced record of tool use, without any I/O or storage engine.
//!
//! [tooltally]: https://github.com/tooltally/tooltally
//!
//! The log is the only truth; every aggregate is a fold of it. This crate holds what all backends share:
//!
//! - the facts: [`Event`], its validated parts, its [`EventId`] and [`Position`];
//! - the aggregates: [`Usage`], [`RecentOutcomes`], the duration [`Sketch`], all commutative monoids;
//! - the questions: [`Selection`], [`Window`], [`GroupBy`];
//! - the contract: [`Log`], [`Queries`], [`Maintenance`], together a [`Store`], with sugar in
//!   [`LogExt`], [`QueriesExt`], [`MaintenanceExt`] and [`PoliciesExt`];
//! - [`Recorder`], a bounded queue before one writer, for programs that cannot wait for the disk;
//! - [`MemoryStore`], the reference, and [`fold`], which can answer every query of any log;
//! - [`policy`]: what the log says about which tools to show, which to trust, and which comes next;
//! - [`ledger`], the machinery that an embedded backend may build on: rollups, id runs, the codec.
//!
//! ```
//! use tooltally_core::{EventId, LogExt, MemoryStore, Outcome, QueriesExt, Timestamp, ToolName, ToolUse};
//!
//! let store = MemoryStore::new();
//! let bash = ToolName::new("Bash")?;
//! let time = Timestamp::from_micros(1_767_225_600_000_000)?;
//! store.record(&ToolUse::new(EventId::random()?, bash.clone(), Outcome::Success, time).into())?;
//! assert_eq!(store.usage_for_tool(&bash, None, None)?.uses(), 1);
//! # Ok::<(), tooltally_core::Error>(())
//! ```

// An engine in memory is shared with the tests outside, which know this crate by its name.
#[cfg(test)]
extern crate self as tooltally_core;

mod attributes;
pub mod bucket;
mod codec;
mod error;
mod event;
mod ext;
pub mod fold;
mod id;
pub mod ledger;
mod memory;
mod name;
mod options;
mod outcome;
pub mod policy;
mod project;
mod recent;
mod recorder;
mod registered;
mod salvaged;
mod selection;
mod sketch;
mod source;
mod span;
mod store;
mod time;
mod trail;
mod usage;
mod window;

pub use attributes::Attributes;
pub use error::{Cause, Error, Result};
pub use event::{Appended, Event, Position, Recorded, ToolDiscovered, ToolRemoved, ToolUse};
pub use ext::{LogExt, MaintenanceExt, QueriesExt};
pub use id::EventId;
pub use memory::MemoryStore;
pub use name::{AgentName, Description, ProjectPath, ServerName, SessionId, SettingsSource, SubagentName, ToolName};
pub use options::{Durability, OpenOptions};
pub use outcome::Outcome;
pub use policy::PoliciesExt;
pub use project::{Project, ProjectId};
pub use recent::{RecentOutcome, RecentOutcomes};
pub use recorder::{Offered, Recorder, RecorderCounts, RecorderOptions, Unrecorded, WhenFull};
pub use registered::Registered;
pub use salvaged::Salvaged;
pub use selection::{Filter, GroupBy, GroupKey, Selection, Spans, UsageRow};
pub use sketch::Sketch;
pub use source::Source;
pub use span::{Edge, parse_instant};
pub use store::{Condition, Log, Maintenance, Progress, Queries, Store, Verified};
pub use time::{Clock, ManualClock, SystemClock, Timestamp, ToolDuration};
pub use trail::{Step, Trail};
pub use usage::{Aggregate, Durations, Usage};
pub use window::Window;
