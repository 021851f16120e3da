//! Who reported an event.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Where the record of a call came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An agent's hook, live.
    Hook,
    /// An agent's transcript.
    Transcript,
    /// Another file: a hook log, the predecessor's database, event lines.
    Import,
    /// A program that embeds the library.
    Library,
}

impl Source {
    /// Every source, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::Hook, Self::Transcript, Self::Import, Self::Library];

    /// Its name, as JSON writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::Transcript => "transcript",
            Self::Import => "import",
            Self::Library => "library",
        }
    }

    /// Its number in stored rows; never changes.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The source with this number, if there is one.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| Error::invalid("source", "is none of hook, transcript, import and library"))
    }
}
