//! The [redb](https://www.redb.org) backend of tooltally: one file, pure Rust, no C compiler, shared by many
//! threads and processes.
//!
//! ```
//! use tooltally_core::{EventId, LogExt, Outcome, QueriesExt, Timestamp, ToolName, ToolUse};
//! use tooltally_redb::RedbStore;
//!
//! # let folder = tempfile::TempDir::new().map_err(|_| tooltally_core::Error::invalid("folder", "none"))?;
//! # let path = folder.path().join("usage.redb");
//! let store = RedbStore::open(&path)?;
//! let bash = ToolName::new("Bash")?;
//! let time = Timestamp::from_micros(1_767_225_600_000_000)?;
//! store.record(&ToolUse::new(EventId::random()?, bash.clone(), Outcome::Success, time).into())?;
//! assert_eq!(store.usage_for_tool(&bash, None, None)?.uses(), 1);
//! # Ok::<(), tooltally_core::Error>(())
//! ```
//!
//! # Sharing
//!
//! By default any number of processes read and write at once (redb's `MultiWriter` mode); a reader sees the
//! latest commit of any of them. One writes at a time; the others wait as long as the options say, then get
//! [`Busy`](tooltally_core::Error::Busy). [`exclusive`](tooltally_core::OpenOptions::exclusive) keeps other
//! processes out, and makes commits faster.
//!
//! A commit to a shared file is in two phases and records redb's free space, so that opening after a crash takes
//! no longer than opening otherwise, however large the file. A commit to an exclusive one is in one phase: it waits
//! for the disk once instead of twice, and writes no record of free space, which grows with the file. It is as safe:
//! redb's checksums tell whether all of a commit has reached the disk, and if not, the commit before it holds. But
//! where the process was killed, the next opening reads the whole file once to see that, whoever opens it.
//!
//! # Damage
//!
//! redb trusts its file and panics on some damaged ones. So every page carries a checksum of its own, verified
//! before redb sees the page: damage is [`Corrupt`](tooltally_core::Error::Corrupt), with its place. What redb
//! still stumbles over (its header holds a few numbers without a checksum) ends in a guard: the panic becomes
//! `Corrupt`, and so does every later call on that store; open it anew to try again. The panic's message still
//! goes to the process's panic hook, by default to stderr.
//!
//! A store's file is no plain redb file, then; [`StoreFile`] lets redb open it.

mod bounds;
mod engine;
mod error;
mod file;
mod guard;
mod making;
mod migration;
mod opening;
mod pages;
mod salvage;
mod schema;
mod site;
mod store;
mod tables;

pub use engine::RedbEngine;
pub use file::StoreFile;
#[doc(hidden)]
pub use migration::{Migrations, Step};
#[doc(hidden)]
pub use site::Layer;
pub use store::RedbStore;
