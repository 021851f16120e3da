//! Numbers, durations and instants as people say them.

use tooltally::Timestamp;

/// A count with its thousands apart: `1,204`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and what is counted: `1 event`, `1,204 events`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A share in percent with one digit, `100 %` and `0 %` only where they are exact.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    // In whole tenths, so that 9,999 of 10,000 is not shown as all.
    let tenths = (u128::from(part) * 2000 + u128::from(whole)) / (2 * u128::from(whole));
    match tenths {
        _ if part == whole => "100 %".to_owned(),
        _ if part == 0 => "0 %".to_owned(),
        0 => "< 0.1 %".to_owned(),
        1000.. => "> 99.9 %".to_owned(),
        _ => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

/// A duration of so many microseconds: `412 µs`, `8.3 ms`, `1.2 s`, `2 min 5 s`, `3 h 20 min`.
pub fn duration(micros: u64) -> String {
    const SECOND: u64 = 1_000_000;
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..99_950 => one_digit(micros, 1_000, "ms"),
        99_950..999_500 => format!("{} ms", (micros + 500) / 1_000),
        999_500..59_950_000 => one_digit(micros, SECOND, "s"),
        59_950_000..3_599_500_000 => pair((micros + SECOND / 2) / SECOND, "min", "s"),
        3_599_500_000..86_370_000_000 => pair((micros + 30 * SECOND) / (60 * SECOND), "h", "min"),
        _ => {
            let hours = micros.saturating_add(1_800 * SECOND) / (3_600 * SECOND);
            if hours < 24 { format!("{hours} h") } else { format!("{} d {} h", hours / 24, hours % 24) }
        }
    }
}

fn one_digit(micros: u64, unit: u64, name: &str) -> String {
    let tenths = (micros + unit / 20) / (unit / 10);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// A number of the smaller unit as sixties and the rest.
fn pair(small: u64, large_name: &str, small_name: &str) -> String {
    match (small / 60, small % 60) {
        (large, 0) => format!("{large} {large_name}"),
        (large, rest) => format!("{large} {large_name} {rest} {small_name}"),
    }
}

/// A size of so many bytes: `712 bytes`, `4.1 KiB`, `2.0 GiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut unit, mut rest, mut name) = (1_u64, bytes, None);
    for next in UNITS {
        if rest < 1024 {
            break;
        }
        (unit, rest, name) = (unit << 10, rest >> 10, Some(next));
    }
    match name {
        Some(name) => {
            let tenths = u128::from(bytes) * 10 / u128::from(unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => counted(bytes, "byte"),
    }
}

/// How long ago an instant was: `just now`, `3 hours ago`, `in 2 days`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_micros() - then.as_micros()) / 1_000_000;
    let (number, unit) = match seconds.unsigned_abs() {
        0..45 => return "just now".to_owned(),
        s @ 45..3_570 => ((s + 30) / 60, "minute"),
        s @ 3_570..84_600 => ((s + 1_800) / 3_600, "hour"),
        s @ 84_600..5_184_000 => ((s + 43_200) / 86_400, "day"),
        // A mean month and a mean year of the Gregorian calendar, in seconds.
        s @ 5_184_000..31_556_952 => ((s / 2_629_746), "month"),
        s => ((s / 31_556_952), "year"),
    };
    let span = counted(number.max(1), unit);
    if seconds < 0 { format!("in {span}") } else { format!("{span} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_thousands_apart() {
        let shown: Vec<String> = [0, 999, 1_000, 1_234_567].into_iter().map(count).collect();
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((counted(1, "event"), counted(2, "event")), ("1 event".into(), "2 events".into()));
    }

    #[test]
    fn all_and_none_are_shown_only_where_exact() {
        let shown = [(0, 7), (7, 7), (2, 3), (99_999, 100_000), (1, 100_000), (0, 0)].map(|(p, w)| percent(p, w));
        assert_eq!(shown, ["0 %", "100 %", "66.7 %", "> 99.9 %", "< 0.1 %", "-"]);
    }

    #[test]
    fn durations_change_units_without_a_seam() {
        let micros = [0, 999, 1_000, 99_949, 99_950, 999_499, 999_500, 59_949_999, 59_950_000, 125_000_000];
        let shown = micros.map(duration);
        assert_eq!(
            shown,
            ["0 µs", "999 µs", "1.0 ms", "99.9 ms", "100 ms", "999 ms", "1.0 s", "59.9 s", "1 min", "2 min 5 s"]
        );
        assert_eq!(duration(3_599_499_999), "59 min 59 s");
        assert_eq!(duration(3_599_500_000), "1 h");
        assert_eq!(duration(12_000_000_000), "3 h 20 min");
        assert_eq!(duration(90_000_000_000), "1 d 1 h");
        assert!(duration(u64::MAX).ends_with('h'));
    }

    #[test]
    fn sizes_have_their_unit() {
        let shown = [1, 712, 1_024, 4_300, 2 << 30, u64::MAX].map(bytes);
        assert_eq!(shown, ["1 byte", "712 bytes", "1.0 KiB", "4.1 KiB", "2.0 GiB", "15.9 EiB"]);
    }

    #[test]
    fn instants_are_told_from_now() {
        let now: Timestamp = "2026-03-08T12:00:00Z".parse().unwrap();
        let told = |text: &str| ago(text.parse().unwrap(), now);
        assert_eq!(told("2026-03-08T11:59:30Z"), "just now");
        assert_eq!(told("2026-03-08T11:59:00Z"), "1 minute ago");
        assert_eq!(told("2026-03-08T09:00:00Z"), "3 hours ago");
        assert_eq!(told("2026-03-07T12:00:00Z"), "1 day ago");
        assert_eq!(told("2025-12-01T12:00:00Z"), "3 months ago");
        assert_eq!(told("2020-01-01T00:00:00Z"), "6 years ago");
        assert_eq!(told("2026-03-10T12:00:00Z"), "in 2 days");
    }
}
