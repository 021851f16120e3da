//! The policies: names, status, relevance, suggestion, and how they are evaluated.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "all of this is tests, also what stands outside of test functions"
)]

mod demotion;
mod histories;
mod kind;
mod rank;
mod replay;
mod status;
mod suggest;
mod tools;
