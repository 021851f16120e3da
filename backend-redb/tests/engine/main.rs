//! The engine beneath the store: transactions, files, processes, damage.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how it fails"
)]

mod common;
mod damage;
mod dropped;
mod files;
mod mending;
mod power;
mod processes;
mod transactions;
