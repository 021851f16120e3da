//! Placeholder until the engine is written.
use std::path::Path;
use tooltally_core::{Error, MemoryStore, OpenOptions, Result};

/// Placeholder.
pub struct SqliteStore;
impl SqliteStore {
    /// Placeholder.
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<MemoryStore> {
        let _ = (path, options);
        Err(Error::invalid("db", "not written yet"))
    }
}
