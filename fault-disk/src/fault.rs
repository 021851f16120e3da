//! What can fail, and how.

/// The operations that are counted, each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Opening a file, or making it.
    Open,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Setting a file's length.
    Truncate,
    /// Waiting until the disk has what was written.
    Sync,
    /// Deleting a file.
    Delete,
    /// Asking for a file's length, or whether it is there.
    Look,
    /// Taking a lock.
    Lock,
    /// Mapping the memory that processes share (SQLite alone).
    SharedMemory,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Open,
        Self::Read,
        Self::Write,
        Self::Truncate,
        Self::Sync,
        Self::Delete,
        Self::Look,
        Self::Lock,
        Self::SharedMemory,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Truncate => "truncate",
            Self::Sync => "sync",
            Self::Delete => "delete",
            Self::Look => "look",
            Self::Lock => "lock",
            Self::SharedMemory => "shared-memory",
        }
    }
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// The disk answers with an error, and nothing was done.
    Error,
    /// There is no room, and nothing was done.
    Full,
    /// Half of a write is done, then there is no room. Other operations fail as by [`Error`](Way::Error).
    Short,
}

/// Which operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// Of this kind,
    pub kind: Kind,
    /// the one with this number, from 1, counted from when the fault was set,
    pub nth: u64,
    /// and every one of the kind after it,
    pub lasting: bool,
    /// in this way.
    pub way: Way,
}
