//! The recorder: order, room, durability, failures, the end. What it does on real files is in the shared suite.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "all of this is tests, also what stands outside of test functions"
)]

mod failures;
mod queue;
mod support;
