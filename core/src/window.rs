//! Windows: half-open spans of event time.

use crate::time::Timestamp;
use crate::{Error, Result};

/// A half-open span of event time, `[from, to)`; either end may be open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Window {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Window {
    /// All of time.
    pub const ALL: Self = Self { from: None, to: None };

    /// From `from` on, that instant included.
    pub const fn since(from: Timestamp) -> Self {
        Self { from: Some(from), to: None }
    }

    /// Up to `to`, that instant excluded.
    pub const fn until(to: Timestamp) -> Self {
        Self { from: None, to: Some(to) }
    }

    /// `[from, to)`. Equal ends hold nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `from` lies after `to`.
    pub fn new(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Self> {
        match (from, to) {
            (Some(f), Some(t)) if f > t => {
                Err(Error::invalid("window", format!("starts at {f}, after its end at {t}")))
            }
            _ => Ok(Self { from, to }),
        }
    }

    /// The first instant inside, unless open.
    pub const fn from(&self) -> Option<Timestamp> {
        self.from
    }

    /// The first instant past it, unless open.
    pub const fn to(&self) -> Option<Timestamp> {
        self.to
    }

    /// Whether it holds this instant.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|f| f <= time) && self.to.is_none_or(|t| time < t)
    }

    /// Whether it is all of time.
    pub const fn is_all(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }
}
