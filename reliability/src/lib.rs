//! Harnesses that break tooltally's stores on purpose, each a real program over real files with the real engines.
//!
//! Every harness has a quick form, a test in `tests/`, and a long form, a subcommand of the program `reliability`
//! with a seed and a count:
//!
//! ```console
//! $ cargo run --release -p tooltally-reliability -- --help
//! ```
//!
//! What is promised, and which harness would find the promise broken, stands in `RELIABILITY.md`. They need the
//! signals and files of Unix; elsewhere this package is empty.
//!
//! | module | subject |
//! |---|---|
//! | `program` | the long forms, a subcommand each |
//! | `backend` | which store is under test, and how it is opened |
//! | `crowd` | many processes of many threads on one file |
//! | `damage` | bits, pages and ends of files that are not what they were |
//! | `faults` | a disk that fails at the n-th operation, or fills |
//! | `hook` | hooks killed, locked out and let down: each call's event is in the store or waits |
//! | `hostile` | hostile input: what the fuzz targets in `fuzz/` run |
//! | `kill` | processes killed in the middle of their work |
//! | `newer` | the program of a newer format, which migrates what it opens |
//! | `on_disk` | a store on a disk that records and fails |
//! | `power` | power loss: what a cut could have left, from a trace of writes and syncs |
//! | `random` | numbers that follow from a seed, so that a finding can be had again |
//! | `tooltally_program` | the program that people run, found or built |
//! | `witness` | what was sent and what was acknowledged |
#![cfg(unix)]

mod backend;
pub mod crowd;
pub mod damage;
mod failure;
pub mod faults;
pub mod hook;
pub mod hostile;
pub mod kill;
mod newer;
mod on_disk;
pub mod power;
pub mod program;
mod random;
mod tooltally_program;
mod witness;

pub use backend::Backend;
pub use failure::{Failure, Result};
pub use random::Random;
