//! What people would use instead: the predecessor's schema, and the bare engines.

mod raw;
mod seed;

pub(crate) use raw::{RawRedb, RawSqlite};
pub(crate) use seed::{Seed, text_time};
