//! The shared suite of tooltally's stores: what every backend must do, each case a named test.
//!
//! # Joining
//!
//! A backend takes this crate as a dev-dependency and writes one file, `tests/conformance.rs`: its harness,
//! which says how its stores are made and where, and one line.
//!
//! ```
//! use std::path::Path;
//! use tooltally_conformance::{FileBacked, Folder, Harness};
//! use tooltally_core::{OpenOptions, Result, Store};
//! # mod tooltally_example {
//! #     use tooltally_core::{MemoryStore, OpenOptions, Result};
//! #     pub struct ExampleStore;
//! #     impl ExampleStore {
//! #         pub fn open_with(_: &std::path::Path, _: &OpenOptions) -> Result<MemoryStore> { Ok(MemoryStore::new()) }
//! #     }
//! # }
//! # use tooltally_example::ExampleStore;
//!
//! struct OnDisk;
//!
//! impl Harness for OnDisk {
//!     type Place = Folder;
//!
//!     fn place() -> Folder {
//!         Folder::new()
//!     }
//!
//!     fn address(place: &Folder) -> String {
//!         place.file("usage.db")
//!     }
//!
//!     fn open(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
//!         Ok(Box::new(ExampleStore::open_with(address.as_ref(), options)?))
//!     }
//! }
//!
//! impl FileBacked for OnDisk {
//!     fn make_newer_format(file: &Path) -> u32 {
//!         // As the engine does it: `PRAGMA user_version = 99`, or a byte of the header.
//! #       let _ = file;
//!         99
//!     }
//! }
//!
//! tooltally_conformance::conformance_suite!(OnDisk);
//! ```
//!
//! `cargo test` then shows a test per case, in a module per group: `append::positions_grow_by_one`. Where one
//! test binary holds several suites, each stands in a module of its own: `on_disk::append::…`.
//!
//! The guard that [`Harness::place`] gives owns the clean-up: a temporary [`Folder`] here, a schema that is
//! dropped for a store on a server.
//!
//! # Capabilities
//!
//! No case is skipped. What a kind of store cannot do it refuses, and then other cases, by other names, assert
//! the answer that is documented for that:
//!
//! | capability | supported | refused |
//! |---|---|---|
//! | `persistent` | a store that is closed and opened again holds what it held | it is empty |
//! | `many_processes` | several handles, in one process or many, work on one store at once | a second handle is [`Busy`](tooltally_core::Error::Busy), or shares nothing |
//! | `file_backed` | the address is the path of the main file, alone with the store's other files in its folder; the cases look at formats, permissions and damage, and [`FileBacked`] is implemented | there is no file at the address |
//!
//! ```text
//! conformance_suite!(OnServer, persistent: supported, many_processes: supported, file_backed: refused);
//! ```
//!
//! The cases on processes start the test binary again, at the test `process_entry` that the macro writes. In an
//! ordinary run that test has nothing to do, and passes.
//!
//! # Reading on
//!
//! - [`run`] documents every case, a group for each thing that must hold.
//! - [`events`] makes the events, for other tests and benches too.
//! - The crate's own tests hold a whole plain backend in one file (`tests/plain/store.rs`), and stores with one
//!   fault each, which the suite must find (`tests/faulty`).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "the whole crate is tests: a panic is how a case says what does not hold"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "made numbers are small: any type holds them"
)]

mod brute;
mod cases;
mod check;
pub mod events;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod golden;
mod harness;
mod list;
mod process;
mod site;
mod suite;

pub use harness::{FileBacked, Folder, Harness, ProcessEntry};
pub use process::process_entry;
pub use suite::run;
// The list calls its readers by a path from the crate's root.
use suite::runners;
