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
//! | `crowd` | many processes of many threads on one file |
//! | `kill` | processes killed in the middle of their work |
//! | `random` | numbers that follow from a seed, so that a finding can be had again |

mod backend;
pub mod crowd;
mod failure;
pub mod kill;
mod random;
mod witness;

pub use backend::Backend;
pub use failure::{Failure, Result};
pub use random::Random;
