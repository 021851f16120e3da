//! Instants as people write them.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use jiff::tz::TimeZone;
use proptest::prelude::*;
use tooltally_core::{Edge, Timestamp, parse_instant};

fn now() -> Timestamp {
    "2026-03-30T12:00:00Z".parse().unwrap()
}

fn read(text: &str, zone: &TimeZone, edge: Edge) -> Result<String, String> {
    parse_instant(text, now(), zone, edge).map(|t| t.to_string()).map_err(|e| e.to_string())
}

#[test]
fn every_way_to_write_a_week_is_the_same() {
    for text in ["7d", "7 days", "-7 days", "1 week", "1w", "P7D", "-P7D", "7 days ago", "168h", " 7d "] {
        assert_eq!(read(text, &TimeZone::UTC, Edge::From).unwrap(), "2026-03-23T12:00:00Z", "{text}");
    }
    assert_eq!(read("2 weeks", &TimeZone::UTC, Edge::From).unwrap(), "2026-03-16T12:00:00Z");
    assert_eq!(read("1h30m", &TimeZone::UTC, Edge::To).unwrap(), "2026-03-30T10:30:00Z");
    assert_eq!(read("-1 month", &TimeZone::UTC, Edge::From).unwrap(), "2026-02-28T12:00:00Z");
}

#[test]
fn days_are_calendar_days_of_the_zone() {
    // Clocks in Berlin went forward on 2026-03-29: that day had 23 hours.
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    assert_eq!(read("2d", &berlin, Edge::From).unwrap(), "2026-03-28T13:00:00Z");
    assert_eq!(read("2026-03-29", &berlin, Edge::From).unwrap(), "2026-03-28T23:00:00Z");
    assert_eq!(read("2026-03-29", &berlin, Edge::To).unwrap(), "2026-03-29T22:00:00Z");
}

#[test]
fn instants_are_read_to_the_microsecond() {
    let text = "2026-03-01T12:00:00.1234567+01:00";
    assert_eq!(read(text, &TimeZone::UTC, Edge::From).unwrap(), "2026-03-01T11:00:00.123456Z");
}

#[test]
fn what_is_no_instant_is_refused_with_the_ways_to_write_one() {
    for text in ["", "yesterday-ish", "7", "d7", "2026-13-01", "2026-02-30", "--7d", "7d 7d 7", "١ day", "\0"] {
        let error = read(text, &TimeZone::UTC, Edge::From).unwrap_err();
        assert!(error.contains("7d"), "{text:?}: {error}");
    }
    for text in ["1969-12-31T23:59:59Z", "1969-12-31", "-3000 years", "99999999999d"] {
        assert!(read(text, &TimeZone::UTC, Edge::From).is_err(), "{text}");
    }
    for text in ["9999-12-30", "9999-12-31", "9999-12-31T12:00:00Z", "9999-12-30T22:00:01Z"] {
        let refused = read(text, &TimeZone::UTC, Edge::To).unwrap_err();
        assert_eq!(refused, "time: lies after 9999-12-30T22:00:00.999999Z, the last instant of all", "{text}");
    }
    for text in ["-9999-01-01", "-3000 years", "-19998 years"] {
        assert!(!read(text, &TimeZone::UTC, Edge::From).unwrap_err().contains("parameter"), "{text}");
    }
}

proptest! {
    #[test]
    fn hours_minutes_and_seconds_are_exact(h in 0..400_i64, m in 0..5000_i64, s in 0..100_000_i64) {
        let expected = now().as_micros() - (h * 3600 + m * 60 + s) * 1_000_000;
        let found = parse_instant(&format!("{h}h {m}m {s}s"), now(), &TimeZone::UTC, Edge::From).unwrap();
        prop_assert_eq!(found.as_micros(), expected);
    }

    #[test]
    fn shown_instants_are_read_back(micros in 0..=Timestamp::MAX.as_micros()) {
        let instant = Timestamp::from_micros(micros).unwrap();
        prop_assert_eq!(parse_instant(&instant.to_string(), now(), &TimeZone::UTC, Edge::From).unwrap(), instant);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,40}") {
        let _ = parse_instant(&text, now(), &TimeZone::UTC, Edge::To);
    }
}
