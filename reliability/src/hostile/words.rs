//! Spans, instants, time zones and store addresses, as people write them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use jiff::tz::TimeZone;
use tooltally::{
    Edge, EventId, LogExt, MemoryStore, Outcome, Selection, StoreUrl, Timestamp, ToolName, ToolUse, parse_instant,
};
use tooltally_cli::calendar::{Unit, label, usage_by, zone};

use super::claim::{holds, same};
use crate::Result;

/// Zones with what zones can have: none, summer time, half hours, a day that was left out.
const ZONES: [&str; 6] =
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"];

/// A span, a date or an instant: eight bytes for the present, one for zone and edge, the rest is the text.
///
/// # Errors
/// What does not hold.
pub fn instant(bytes: &[u8]) -> Result<()> {
    let Some((present, rest)) = bytes.split_first_chunk() else { return Ok(()) };
    let Some((choice, text)) = rest.split_first() else { return Ok(()) };
    let text = String::from_utf8_lossy(text);
    let range = Timestamp::MAX.as_micros().unsigned_abs() + 1;
    let now = Timestamp::from_micros(i64::try_from(u64::from_le_bytes(*present) % range)?)?;
    let named = zone(Some(&text));
    // Thousands of years take their time: now and then is enough.
    let is_calendar = named.is_ok() || *choice >= 0xF0;
    let chosen = ZONES.get(usize::from(*choice) % ZONES.len()).copied().unwrap_or("UTC");
    let zone = named.unwrap_or(zone(Some(chosen))?);

    let from = parse_instant(&text, now, &zone, Edge::From);
    let to = parse_instant(&text, now, &zone, Edge::To);
    if let (Ok(from), Ok(to)) = (&from, &to) {
        holds(from <= to, || format!("{text:?} ends at {to}, before it begins at {from}"))?;
    }
    for parsed in [from, to].into_iter().flatten() {
        as_it_is_shown(parsed, now, &zone)?;
    }
    if let Ok(parsed) = text.parse::<Timestamp>() {
        as_it_is_shown(parsed, now, &zone)?;
    }
    if is_calendar { in_the_calendar(&[now, Timestamp::MIN, Timestamp::MAX], &zone) } else { Ok(()) }
}

/// An instant is itself again after it was shown.
fn as_it_is_shown(time: Timestamp, now: Timestamp, zone: &TimeZone) -> Result<()> {
    let shown = time.to_string();
    same("an instant as it is shown", &shown.parse::<Timestamp>()?, &time)?;
    same("and in a filter", &parse_instant(&shown, now, zone, Edge::To)?, &time)
}

/// Every use lies in one day and in one hour, and these have names.
fn in_the_calendar(times: &[Timestamp], zone: &TimeZone) -> Result<()> {
    let store = MemoryStore::new();
    for (number, time) in times.iter().enumerate() {
        let id = EventId::derived(&[number.to_le_bytes()]);
        store.record(&ToolUse::new(id, ToolName::new("Bash")?, Outcome::Success, *time).into())?;
    }
    for unit in [Unit::Day, Unit::Hour] {
        let rows = usage_by(&store, &Selection::all(), unit, zone)?;
        let uses: u64 = rows.iter().map(|row| row.usage.uses()).sum();
        same("uses in the calendar", &uses, &(times.len() as u64))?;
        holds(times.iter().all(|time| !label(*time, unit, zone).is_empty()), || "a day has no name".to_owned())?;
    }
    Ok(())
}

/// A store's address.
///
/// # Errors
/// What does not hold.
pub fn store_url(bytes: &[u8]) -> Result<()> {
    // As the program takes it, which need not be Unicode.
    let taken = tooltally_cli::place::store_url(Some(OsStr::from_bytes(bytes)));
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let Ok(url) = text.parse::<StoreUrl>() else {
        return holds(taken.is_err(), || format!("the program takes {text:?}, the library does not"));
    };
    same("as the program takes it", &taken.map_err(|failure| failure.to_string())?, &url)?;
    holds(!url.path().as_os_str().is_empty(), || format!("{text:?} names no path"))?;
    let shown = url.to_string();
    let back: StoreUrl = shown.parse().map_err(|error| format!("{error}, of {shown:?} from {text:?}"))?;
    same("an address as it is shown", &back, &url)?;
    same("its engine", &back.backend(), &url.backend())
}
