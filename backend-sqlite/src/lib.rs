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
//! | file | subject |
//! |---|---|
//! | `store.rs` | the store: a thin implementation of the core's traits |
//! | `engine.rs` | the connections: reads, writes, care of the file |
//! | `opening.rs` | from a path to an open connection |
//! | `transaction.rs` | one transaction of a connection |
//! | `tables.rs` | the core's tables in SQL |
//! | `rows.rs`, `packed.rs`, `places.rs` | the log's rows as columns; what their numbers stand for |
//! | `statements.rs` | prepared statements, kept at hand |
//! | `schema.rs` | the tables, the view, the format's number |
//! | `in_use.rs` | which files this process has open |
//! | `making.rs` | the file and the folders of a new store |
//! | `migration.rs` | which formats are taken, and what becomes of the others |
//! | `line.rs` | the writers of several processes in line |
//! | `header.rs`, `wal.rs` | what a file says of itself, read without SQLite |
//! | `wait.rs` | what is left of a wait, as SQLite takes it |
//! | `error.rs` | SQLite's errors as the core's |

mod engine;
mod error;
mod header;
mod in_use;
mod line;
mod making;
mod migration;
mod opening;
mod packed;
mod places;
mod rows;
mod schema;
mod statements;
mod store;
mod tables;
mod transaction;
mod wait;
mod wal;

#[doc(hidden)]
pub use migration::{Migrations, Step};
pub use store::SqliteStore;
