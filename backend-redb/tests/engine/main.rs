//! The engine beneath the store: transactions, files, processes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in a test, a panic is how it fails")]

mod common;
mod files;
mod processes;
mod transactions;
