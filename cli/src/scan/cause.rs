//! Why something in the settings was not taken.

use std::fmt;
use std::io;

use crate::output::humanize::{bytes, count};
use crate::output::sanitize::one_line;

/// Why. Never holds what stands in a file: that may be private.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The system does not let it be read.
    Unreadable(io::ErrorKind),
    /// It is larger than this, in bytes.
    TooLarge(u64),
    /// So many entries, in the folders of one place together, are not looked through.
    TooMany(usize),
    /// A link leads out of the folder that settings are read from.
    LeadsOut,
    /// Neither a file nor a link to one.
    NotAFile,
    /// A link to nowhere.
    LeadsNowhere,
    NotUnicode,
    /// No JSON from this line and column on.
    NotJson(usize, usize),
    /// Something in it has another shape than the agent documents: where, what is there, what should be.
    Shape(String, &'static str, &'static str),
    /// A server that is something else than an object.
    Server(String, &'static str),
    /// Front matter that cannot be read; why.
    FrontMatter(&'static str),
    /// It cannot be a tool's name, or a server's; why.
    Name(String),
    /// Another one that counts more has the same name.
    Shadowed(String),
    /// The folder that a plugin was installed to is not there.
    NotInstalled,
}

impl Cause {
    pub(super) fn shape(place: impl Into<String>, found: &'static str, expected: &'static str) -> Self {
        Self::Shape(place.into(), found, expected)
    }

    /// Whether the agent does without it just as well: then what was found there before is gone.
    pub(super) const fn is_settled(&self) -> bool {
        matches!(self, Self::Name(_) | Self::Server(..) | Self::Shadowed(_) | Self::NotInstalled | Self::FrontMatter(_))
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.kind())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(kind) => write!(f, "cannot be read: {kind}"),
            Self::TooLarge(limit) => write!(f, "is larger than {}", bytes(*limit)),
            Self::TooMany(limit) => write!(f, "more than {} entries", count(*limit as u64)),
            Self::LeadsOut => f.write_str("a link leads out of the folder"),
            Self::NotAFile => f.write_str("is no file"),
            Self::LeadsNowhere => f.write_str("a link leads nowhere"),
            Self::NotUnicode => f.write_str("is not UTF-8"),
            Self::NotJson(line, column) => write!(f, "is not valid JSON (line {line}, column {column})"),
            Self::Shape(place, found, expected) => write!(f, "{place} is {found}, not {expected}"),
            Self::Server(name, found) => write!(f, "the server {} is {found}, not an object", one_line(name)),
            Self::FrontMatter(why) => write!(f, "taken without its description: its front matter {why}"),
            Self::Name(why) => write!(f, "its name {why}"),
            Self::Shadowed(name) => write!(f, "another {} counts more", one_line(name)),
            Self::NotInstalled => f.write_str("the folder that it was installed to is not there"),
        }
    }
}
