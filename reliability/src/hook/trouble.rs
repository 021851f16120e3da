//! What hooks meet with.

use clap::ValueEnum;

/// What is wrong while hooks and imports run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Trouble {
    /// nothing but kills: what waits is taken in
    Calm,
    /// another process holds the store locked for longer than a hook waits
    Locked,
    /// another holds it so that not even its head can be read (redb: or read, and not written)
    Still,
    /// another was stopped in the middle of an append, and is killed or goes on afterwards
    Stopped,
    /// another rebuilds
    Rebuild,
    /// another compacts
    Compact,
    /// the store's folder is a file, or not there
    Blocked,
    /// no file may grow past a seeded size, as on a disk that is nearly full
    NoRoom,
    /// no more than a seeded number of files can be open
    NoFiles,
    /// the store and its folder are read-only
    Closed,
}

impl Trouble {
    /// Every kind, in the order in which they take turns. One of migrations will come with the first migration.
    pub const ALL: [Self; 10] = [
        Self::Locked,
        Self::Calm,
        Self::Blocked,
        Self::Stopped,
        Self::NoRoom,
        Self::Rebuild,
        Self::Still,
        Self::Compact,
        Self::NoFiles,
        Self::Closed,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Locked => "locked",
            Self::Still => "still",
            Self::Stopped => "stopped",
            Self::Rebuild => "rebuild",
            Self::Compact => "compact",
            Self::Blocked => "blocked",
            Self::NoRoom => "no-room",
            Self::NoFiles => "no-files",
            Self::Closed => "closed",
        }
    }

    /// Whether it keeps even a patient writer from recording.
    pub(super) const fn fails_imports(self) -> bool {
        matches!(self, Self::Blocked | Self::NoRoom | Self::NoFiles | Self::Closed)
    }

    /// The command that another process runs again and again.
    pub(super) const fn maintenance(self) -> Option<&'static str> {
        match self {
            Self::Rebuild => Some("rebuild"),
            Self::Compact => Some("compact"),
            _ => None,
        }
    }
}
