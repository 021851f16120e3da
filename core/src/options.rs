//! How a store is opened: one set of choices for every embedded backend.

use std::time::Duration;

/// What an append promises when it returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// The events survive power loss.
    #[default]
    Full,
    /// The events survive a kill of the process; power loss may take the newest commits, never soundness.
    /// A backend may treat this as [`Full`](Durability::Full), as redb's does.
    Relaxed,
}

/// How to open a store.
///
/// ```
/// # use std::time::Duration;
/// # use tooltally_core::OpenOptions;
/// let patient = OpenOptions::new().wait(Duration::from_secs(30));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "choices that do not depend on one another")]
pub struct OpenOptions {
    create: bool,
    migrate: bool,
    exclusive: bool,
    durability: Durability,
    wait: Duration,
    tidy_close: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            create: true,
            migrate: true,
            exclusive: false,
            durability: Durability::Full,
            wait: Duration::from_secs(5),
            tidy_close: true,
        }
    }
}

impl OpenOptions {
    /// Makes a missing store, migrates an old one, shares it with other processes, durability `Full`, and
    /// waits up to 5 seconds for other writers, and tidies up when it closes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to make a store where there is none. If not: [`Error::Missing`](crate::Error::Missing).
    pub const fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Whether to migrate an older file format. If not:
    /// [`Error::UnsupportedFormat`](crate::Error::UnsupportedFormat).
    pub const fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// Whether to keep every other process out: faster on redb; SQLite has no use for it and shares anyway.
    pub const fn exclusive(mut self, exclusive: bool) -> Self {
        self.exclusive = exclusive;
        self
    }

    /// What an append promises.
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long to wait for other writers before [`Error::Busy`](crate::Error::Busy).
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Whether closing tidies up, for the next process to open fast and for the store to be one file again. A
    /// process that records an event and ends may leave that to a later one, and is done in a fraction of the
    /// time: SQLite then keeps a small write-ahead log beside the file, part of the store as any log is. Nothing
    /// that was recorded depends on it. redb's close has nothing to tidy.
    pub const fn tidy_close(mut self, tidy_close: bool) -> Self {
        self.tidy_close = tidy_close;
        self
    }

    /// For backends: see [`create`](Self::create).
    pub const fn creates(&self) -> bool {
        self.create
    }

    /// For backends: see [`migrate`](Self::migrate).
    pub const fn migrates(&self) -> bool {
        self.migrate
    }

    /// For backends: see [`exclusive`](Self::exclusive).
    pub const fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// For backends: see [`durability`](Self::durability).
    pub const fn durability_wanted(&self) -> Durability {
        self.durability
    }

    /// For backends: see [`wait`](Self::wait).
    pub const fn longest_wait(&self) -> Duration {
        self.wait
    }

    /// For backends: see [`tidy_close`](Self::tidy_close).
    pub const fn tidies_on_close(&self) -> bool {
        self.tidy_close
    }
}
