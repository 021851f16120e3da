//! The machinery that an embedded backend builds on: how the log is indexed, folded and asked.
//!
//! A backend supplies an [`Engine`]: snapshots and transactions over a log table, a table of interned names
//! and a few ordered trees of bytes. [`Ledger`] does the rest, the same on every engine: exactly-once
//! appends, rollups, windowed queries, proofs and rebuilds. Nothing here does I/O of its own, and nothing
//! here is part of the contract: a store that implements the traits in another way is as good.

mod row;
mod tables;

pub use row::LogRow;
pub use tables::{Direction, Engine, NameKind, Snapshot, Transaction, Tree};
