//! Event time: microseconds, UTC; and the clock that the present comes in through.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::{Error, Result};

/// An instant in UTC, in whole microseconds, from 1970-01-01 to 9999-12-30T22:00:00.999999Z, the last
/// that can be shown in every time zone.
///
/// Reads and shows RFC 3339.
///
/// ```
/// # use tooltally_core::Timestamp;
/// let t: Timestamp = "2026-03-01T12:00:00.5+01:00".parse()?;
/// assert_eq!(t.to_string(), "2026-03-01T11:00:00.5Z");
/// # Ok::<(), tooltally_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);
    /// 9999-12-30T22:00:00.999999Z.
    pub const MAX: Self = Self(253_402_207_200_999_999);

    /// From microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an instant before [`MIN`](Self::MIN) or after [`MAX`](Self::MAX).
    pub fn from_micros(micros: i64) -> Result<Self> {
        if micros < Self::MIN.0 {
            return Err(Error::invalid("time", "lies before 1970"));
        }
        if micros > Self::MAX.0 {
            return Err(too_late());
        }
        Ok(Self(micros))
    }

    /// Microseconds since 1970-01-01T00:00:00Z: never negative.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The next microsecond, or `None` at the end of time.
    pub fn next(self) -> Option<Self> {
        Self::from_micros(self.0 + 1).ok()
    }

    /// From jiff's timestamp; what is finer than a microsecond is cut off.
    ///
    /// # Errors
    /// As [`from_micros`](Self::from_micros).
    pub fn from_jiff(timestamp: jiff::Timestamp) -> Result<Self> {
        Self::from_micros(timestamp.as_nanosecond().div_euclid(1000).try_into().unwrap_or(i64::MAX))
    }

    /// As jiff's timestamp.
    pub fn to_jiff(self) -> jiff::Timestamp {
        let nanoseconds = i32::try_from(self.0.rem_euclid(1_000_000) * 1000).unwrap_or(0);
        jiff::Timestamp::new(self.0.div_euclid(1_000_000), nanoseconds).unwrap_or(jiff::Timestamp::MAX)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Reads an RFC 3339 instant.
    fn from_str(text: &str) -> Result<Self> {
        match text.parse::<jiff::Timestamp>() {
            Ok(parsed) => Self::from_jiff(parsed),
            Err(_) if is_beyond_jiff(text) => Err(too_late()),
            Err(e) => Err(Error::invalid("time", format!("is not an RFC 3339 instant: {e}"))),
        }
    }
}

/// An instant after the last one.
pub(crate) fn too_late() -> Error {
    Error::invalid("time", format!("lies after {}, the last instant of all", Timestamp::MAX))
}

/// Whether a text that jiff does not read as an instant is one all the same, in the last hours of 9999: jiff goes no
/// further than every time zone can show.
pub(crate) fn is_beyond_jiff(text: &str) -> bool {
    let pieces = jiff::fmt::temporal::Pieces::parse(text);
    pieces.is_ok_and(|found| found.date().year() == 9999 && found.time().is_some() && found.offset().is_some())
}

/// How long a tool ran, in whole microseconds: its own time, without any wait for permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToolDuration(u64);

impl ToolDuration {
    /// The longest duration: what a signed 64-bit column holds.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// From microseconds.
    ///
    /// # Errors
    /// [`Error::Invalid`] above [`MAX`](Self::MAX).
    pub fn from_micros(micros: u64) -> Result<Self> {
        if micros > Self::MAX.0 {
            return Err(Error::invalid("duration", "is longer than a store can hold"));
        }
        Ok(Self(micros))
    }

    /// From milliseconds, as agents measure; a fraction is kept to the microsecond.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a negative, endless or unknown (NaN) number, or one above [`MAX`](Self::MAX).
    pub fn from_millis(millis: f64) -> Result<Self> {
        let micros = (millis * 1000.0).round();
        // 2^63 is the first f64 that is too large.
        if !(0.0..9_223_372_036_854_775_808.0).contains(&micros) {
            return Err(Error::invalid("duration", "is not a number of milliseconds from 0 up"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was just checked")]
        Self::from_micros(micros as u64)
    }

    /// In microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }
}

/// Where the present comes from, so that tests and replays can set it.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// The system's time; the nearest end of [`Timestamp`]'s range where that lies outside.
    fn now(&self) -> Timestamp {
        let now = jiff::Timestamp::now();
        Timestamp::from_jiff(now).unwrap_or(if now < jiff::Timestamp::UNIX_EPOCH {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }
}

/// A clock that stands where it was set.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `now`.
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Sets it.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}
