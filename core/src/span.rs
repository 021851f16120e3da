//! Instants as people write them: `7d`, `2 weeks`, `-7 days`, a date, an RFC 3339 instant.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use crate::time::{Timestamp, is_beyond_jiff, too_late};
use crate::{Error, Result};

/// Which end of a window an instant is read for: it decides what a bare date means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edge {
    /// A date starts that day.
    From,
    /// A date includes that day: the instant is the start of the next.
    To,
}

/// Reads an instant: a span of time before `now` (`7d`, `2 weeks`, `1h30m`, `P7D`; a minus sign, as in the
/// predecessor's `-7 days`, and `ago` change nothing), an RFC 3339 instant, or a calendar date in `zone`.
///
/// Spans of days and more are calendar ones: `7d` is the same time of day, seven days before, in `zone`.
///
/// ```
/// # use tooltally_core::{parse_instant, Edge, Timestamp};
/// let now: Timestamp = "2026-03-08T12:00:00Z".parse()?;
/// let week_ago = parse_instant("7d", now, &jiff::tz::TimeZone::UTC, Edge::From)?;
/// assert_eq!(week_ago.to_string(), "2026-03-01T12:00:00Z");
/// # Ok::<(), tooltally_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] for anything else, and for what lies outside [`Timestamp`]'s range.
pub fn parse_instant(text: &str, now: Timestamp, zone: &TimeZone, edge: Edge) -> Result<Timestamp> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Timestamp::from_jiff(instant);
    }
    if is_beyond_jiff(text) {
        return Err(too_late());
    }
    if text.len() == "2026-03-01".len()
        && let Ok(date) = text.parse::<Date>()
    {
        return day_edge(date, zone, edge);
    }
    match text.strip_suffix("ago").unwrap_or(text).trim_end().parse::<Span>() {
        Ok(span) => before(now, span.abs(), zone),
        Err(_) => Err(Error::invalid(
            "time",
            "is neither a span (7d, 2 weeks, 1h30m), a date (2026-03-01) nor an RFC 3339 instant (2026-03-01T12:00:00Z)",
        )),
    }
}

fn day_edge(date: Date, zone: &TimeZone, edge: Edge) -> Result<Timestamp> {
    let day = match edge {
        Edge::From => Ok(date),
        Edge::To => date.tomorrow(),
    };
    match day.and_then(|day| day.to_zoned(zone.clone())) {
        Ok(start) => Timestamp::from_jiff(start.timestamp()),
        Err(_) if date.year() > 0 => Err(too_late()),
        Err(_) => Timestamp::from_micros(i64::MIN),
    }
}

fn before(now: Timestamp, span: Span, zone: &TimeZone) -> Result<Timestamp> {
    let now = Zoned::new(now.to_jiff(), zone.clone());
    match now.checked_sub(span) {
        Ok(then) => Timestamp::from_jiff(then.timestamp()),
        // Before all years that jiff knows.
        Err(_) => Timestamp::from_micros(i64::MIN),
    }
}
