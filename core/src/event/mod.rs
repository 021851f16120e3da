//! Events: immutable facts, and their place in the log.

mod registry;
mod tool_use;

use std::fmt;

pub use registry::{ToolDiscovered, ToolRemoved};
pub use tool_use::ToolUse;

use crate::id::EventId;
use crate::name::ToolName;
use crate::project::Project;
use crate::time::Timestamp;

/// An immutable fact. More kinds will come.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A tool was used, and the call has ended.
    ToolUse(ToolUse),
    /// A tool was found in an agent's settings.
    ToolDiscovered(ToolDiscovered),
    /// A tool that was found in settings is in them no longer.
    ToolRemoved(ToolRemoved),
}

impl Event {
    /// Its identity.
    pub const fn id(&self) -> EventId {
        match self {
            Self::ToolUse(u) => u.id,
            Self::ToolDiscovered(discovered) => discovered.id,
            Self::ToolRemoved(removed) => removed.id,
        }
    }

    /// The call, if it is one.
    pub const fn as_tool_use(&self) -> Option<&ToolUse> {
        match self {
            Self::ToolUse(u) => Some(u),
            Self::ToolDiscovered(_) | Self::ToolRemoved(_) => None,
        }
    }

    /// The tool that it is about.
    pub const fn tool(&self) -> &ToolName {
        match self {
            Self::ToolUse(u) => &u.tool,
            Self::ToolDiscovered(discovered) => &discovered.tool,
            Self::ToolRemoved(removed) => &removed.tool,
        }
    }

    /// The project that it belongs to.
    pub const fn project(&self) -> Option<&Project> {
        match self {
            Self::ToolUse(u) => u.project.as_ref(),
            Self::ToolDiscovered(discovered) => discovered.project.as_ref(),
            Self::ToolRemoved(removed) => removed.project.as_ref(),
        }
    }

    /// When it happened.
    pub const fn time(&self) -> Timestamp {
        match self {
            Self::ToolUse(u) => u.time,
            Self::ToolDiscovered(discovered) => discovered.time,
            Self::ToolRemoved(removed) => removed.time,
        }
    }
}

impl From<ToolUse> for Event {
    fn from(tool_use: ToolUse) -> Self {
        Self::ToolUse(tool_use)
    }
}

impl From<ToolDiscovered> for Event {
    fn from(discovered: ToolDiscovered) -> Self {
        Self::ToolDiscovered(discovered)
    }
}

impl From<ToolRemoved> for Event {
    fn from(removed: ToolRemoved) -> Self {
        Self::ToolRemoved(removed)
    }
}

/// An event's place in the log: 1, 2, 3, … without gaps, never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Before the first event: where reading starts, and the head of an empty log.
    pub const START: Self = Self(0);

    /// The position with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The place after this one.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recorded {
    /// Its place.
    pub position: Position,
    /// The fact.
    pub event: Event,
}

impl Recorded {
    /// The event's identity.
    pub const fn id(&self) -> EventId {
        self.event.id()
    }
}

/// What appending answers for one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Appended {
    /// It is recorded now, here.
    New(Position),
    /// Its id was in the log already, here; nothing was stored.
    Duplicate(Position),
}

impl Appended {
    /// Where the log has the event.
    pub const fn position(self) -> Position {
        match self {
            Self::New(p) | Self::Duplicate(p) => p,
        }
    }

    /// Whether this append recorded it.
    pub const fn is_new(self) -> bool {
        matches!(self, Self::New(_))
    }
}
