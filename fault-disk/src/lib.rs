//! A disk for tests: it records what a store does to it, and fails where it is told to.
//!
//! It stands between a real engine and real files. A [`Disk`] is handed to redb as a layer over its file
//! ([`redb_layer`]), and to SQLite as a virtual file system that looks up the disk by folder ([`Disk::watch`]).
//! Neither engine is changed, and neither is the backend above it.
//!
//! - **Traces**: after [`Disk::record`] every change is kept as a [`Step`], in the order in which the engine made
//!   it, with the syncs between. From that a test makes what a power cut could have left.
//! - **Faults**: [`Disk::fail`] makes the n-th operation of a kind fail, [`Disk::limit_growth`] fills the disk.
//!
//! | module | subject |
//! |---|---|
//! | `disk` | the disk: counts, decides, records |
//! | `fault` | what can fail, and how |
//! | `step` | what is recorded |
//! | `redb` | beneath redb |
//! | `sqlite` | beneath SQLite: the one place of the workspace with `unsafe` |

mod disk;
mod fault;
mod redb;
mod sqlite;
mod step;

pub use disk::{Disk, Watch};
pub use fault::{Fault, Kind, Way};
pub use redb::layer as redb_layer;
pub use step::{FileNumber, Step};
