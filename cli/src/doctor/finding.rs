//! One thing that was looked at, what was seen, and what to do about it.

use std::path::PathBuf;

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The store: where it is, whether it opens, what it holds.
    Store,
    /// Files and folders: whose they are, who may read them, what room there is.
    Files,
    /// Calls that wait because no hook could record them.
    Spool,
    /// What hooks said of their troubles.
    Log,
    /// The agent's settings, and the program that they name.
    Agent,
}

impl Check {
    /// Every check, in the order in which they are told.
    pub const ALL: [Self; 5] = [Self::Store, Self::Files, Self::Spool, Self::Log, Self::Agent];

    /// Its name, as JSON writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Files => "files",
            Self::Spool => "spool",
            Self::Log => "log",
            Self::Agent => "agent",
        }
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Good to know; nothing need be done.
    Note,
    /// Calls are late, or may be missing, or others may see them.
    Warning,
    /// Calls are not recorded, or the record cannot be read.
    Error,
}

impl Level {
    /// Every level, the best first.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Note, Self::Warning, Self::Error];

    /// Its name, as JSON writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What was seen, and what to do.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How bad it is.
    pub level: Level,
    /// Which finding it is, for scripts: its meaning never changes.
    pub code: &'static str,
    /// What was seen.
    pub message: String,
    /// The file or folder that it is about.
    pub path: Option<PathBuf>,
    /// What to do, in words.
    pub remedy: Option<String>,
    /// A command that does it, where there is one.
    pub command: Option<String>,
}

impl Finding {
    /// A finding that asks for nothing.
    pub fn new(check: Check, level: Level, code: &'static str, message: impl Into<String>) -> Self {
        Self { check, level, code, message: message.into(), path: None, remedy: None, command: None }
    }

    /// Says which file or folder it is about.
    pub fn at(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Says what to do.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds the command that does it.
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }
}
