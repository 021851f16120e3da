//! The SQLite backend of [tooltally](tooltally_core).
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("usage.db");
//! use tooltally_core::{EventId, LogExt, Outcome, QueriesExt, Timestamp, ToolName, ToolUse};
//! use tooltally_sqlite::SqliteStore;
//!
//! let store = SqliteStore::open(&path)?;
//! let bash = ToolName::new("Bash")?;
//! let time = Timestamp::from_micros(1_767_225_600_000_000)?;
//! store.record(&ToolUse::new(EventId::random()?, bash.clone(), Outcome::Success, time).into())?;
//! assert_eq!(store.usage_for_tool(&bash, None, None)?.uses(), 1);
//! # Ok::<(), tooltally_core::Error>(())
//! ```
//!
//! A store is one SQLite database in WAL mode, so it has a `-wal` and a `-shm` file beside it. Any number of
//! threads and processes may read and record at once. Other programs may read it too, best by its public
//! view `tool_usage_events`; they must not write.
//!
//! # Damage
//!
//! SQLite has no checksums of its pages. Here rows and names carry their own, and each row of a projection and each name
//! knows the one before it: what a query reads is sound and complete, or the answer is
//! [`Corrupt`](tooltally_core::Error::Corrupt). Three things are beyond that:
//!
//! - The view is read by SQLite alone, which checks nothing: of a damaged file it may show rows less or others.
//!   `verify` says whether there is damage.
//! - Nothing in the file says how many events there are but the events themselves. Damage to the log's last page can
//!   take some of the newest ones, fewer than 1,024; `verify` finds it.
//! - SQLite takes a damaged frame of the write-ahead log for its end: after a kill, the commits behind it are gone, and
//!   nothing tells them from what the power cut, so nothing can be said of it. [`SqliteStore::salvage`] reads them, as
//!   long as nobody has opened the store.
//!
//! | file | subject |
//! |---|---|
//! | `store.rs` | the store: a thin implementation of the core's traits |
//! | `engine.rs` | the connections: reads, writes, care of the file |
//! | `opening.rs` | from a path to an open connection |
//! | `transaction.rs` | one transaction of a connection |
//! | `tables.rs` | the core's tables in SQL |
//! | `trees.rs`, `links.rs` | the trees; by what a missing row of one is noticed |
//! | `names.rs` | the names |
//! | `rows.rs`, `packed.rs`, `places.rs` | the log's rows as columns; what their numbers stand for |
//! | `keys.rs` | keys of the trees in SQL |
//! | `statements.rs` | prepared statements, kept at hand |
//! | `schema.rs` | the tables, the view, the format's number |
//! | `in_use.rs` | which files this process has open |
//! | `making.rs` | the file and the folders of a new store |
//! | `migration.rs` | which formats are taken, and what becomes of the others |
//! | `line.rs` | the writers of several processes in line |
//! | `header.rs`, `wal.rs` | what a file says of itself, read without SQLite |
//! | `salvage.rs`, `cells.rs`, `frames.rs` | the events of a damaged file; rows and frames as bytes |
//! | `wait.rs` | what is left of a wait, as SQLite takes it |
//! | `error.rs` | SQLite's errors as the core's |

mod cells;
mod engine;
mod error;
mod frames;
mod header;
mod in_use;
mod keys;
mod line;
mod links;
mod making;
mod migration;
mod names;
mod opening;
mod packed;
mod places;
mod rows;
mod salvage;
mod schema;
mod statements;
mod store;
mod tables;
mod transaction;
mod trees;
mod wait;
mod wal;

#[doc(hidden)]
pub use migration::{Migrations, Step};
pub use store::SqliteStore;
