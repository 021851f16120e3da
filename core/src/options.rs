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
pub struct OpenOptions {
    create: bool,
    migrate: bool,
    exclusive: bool,
    durability: Durability,
    wait: Duration,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            create: true,
            migrate: true,
            exclusive: false,
            durability: Durability::Full,
            wait: Duration::from_secs(5),
        }
    }
}

impl OpenOptions {
    /// Makes a missing store, migrates an old one, shares it with other processes, durability `Full`, and
    /// waits up to 5 seconds for other writers.
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
}
