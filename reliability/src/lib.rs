//! Harnesses that break tooltally's stores on purpose, each a real program over real files with the real engines.
//!
//! Every harness has a quick form, a test in `tests/`, and a long form, a subcommand of the program `reliability`
//! with a seed and a count:
//!
//! ```console
//! $ cargo run --release -p tooltally-reliability -- --help
//! ```
//!
//! What is promised, and which harness would find the promise broken, stands in `RELIABILITY.md`.
//!
//! | module | subject |
//! |---|---|
//! | `backend` | which store is under test, and how it is opened |
//! | `power` | power loss: what a cut could have left, from a trace of writes and syncs |
//! | `faults` | a disk that fails at the n-th operation, or fills |
//! | `on_disk` | a store on a disk that records and fails |
//! | `random` | numbers that follow from a seed, so that a finding can be had again |

mod backend;
mod failure;
pub mod faults;
mod on_disk;
pub mod power;
mod random;

pub use backend::Backend;
pub use failure::{Failure, Result};
pub use random::Random;
