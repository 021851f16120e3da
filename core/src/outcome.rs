//! How a tool call ended.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How a call ended. Only [`Failure`](Outcome::Failure) speaks against the tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The tool ran and answered.
    Success,
    /// The tool ran and reported an error.
    Failure,
    /// The person stopped it.
    Interrupted,
    /// The person or a rule refused it; it never ran.
    Rejected,
    /// The call itself was wrong; it never ran.
    Invalid,
}

impl Outcome {
    /// Every outcome, in the order of their codes.
    pub const ALL: [Self; 5] = [Self::Success, Self::Failure, Self::Interrupted, Self::Rejected, Self::Invalid];

    /// Whether the call succeeded: the predecessor's `success` flag.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Success)
    }

    /// Its name, as JSON and the command line write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Interrupted => "interrupted",
            Self::Rejected => "rejected",
            Self::Invalid => "invalid",
        }
    }

    /// Its number in stored rows; never changes.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The outcome with this number, if there is one.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|o| o.as_str() == text)
            .ok_or_else(|| Error::invalid("outcome", "is none of success, failure, interrupted, rejected and invalid"))
    }
}
