//! Days and hours as the calendar of a time zone has them: a day may have 23 or 25 hours.

use jiff::tz::{Offset, TimeZone};
use tooltally::{
    Aggregate, Error, GroupBy, GroupKey, Queries, Result, Selection, Spans, Timestamp, Usage, UsageRow, Window,
};

/// More spans than this are not asked for at once; first it is asked which longer spans hold anything.
const MOST_SPANS: i64 = 20_000;

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A year; only to find out where to look closer.
    Year,
    /// A day.
    Day,
    /// An hour.
    Hour,
}

impl Unit {
    /// Its name, as JSON and the command line write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }

    const fn seconds(self) -> i64 {
        match self {
            Self::Year => 365 * 86_400,
            Self::Day => 86_400,
            Self::Hour => 3_600,
        }
    }

    /// The unit to ask for first where there are too many of this one.
    const fn coarser(self) -> Option<Self> {
        match self {
            Self::Year => None,
            Self::Day => Some(Self::Year),
            Self::Hour => Some(Self::Day),
        }
    }
}

/// Opens the zone with this IANA name; without one the system's, or UTC where the system does not say.
///
/// # Errors
/// [`Error::Invalid`] for a name that no time zone has.
pub fn zone(name: Option<&str>) -> Result<TimeZone> {
    match name {
        Some(name) => TimeZone::get(name)
            .map_err(|_| Error::invalid("timezone", "is no time zone: write a name such as Europe/Berlin or UTC")),
        None => Ok(TimeZone::try_system().unwrap_or(TimeZone::UTC)),
    }
}

/// The zone's name, for people and scripts.
pub fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

/// What a day or an hour that begins at an instant is called: `2026-03-01`, `2026-03-01T13:00:00+01:00`.
pub fn label(start: Timestamp, unit: Unit, zone: &TimeZone) -> String {
    let start = start.to_jiff().to_zoned(zone.clone());
    let text = match unit {
        Unit::Year => start.strftime("%Y"),
        Unit::Day => start.strftime("%Y-%m-%d"),
        Unit::Hour if start.offset() == Offset::UTC => start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        Unit::Hour => start.strftime("%Y-%m-%dT%H:%M:%S%:z"),
    };
    text.to_string()
}

/// The start of the unit that holds an instant, in a zone; the first instant of all where it lies before that.
fn start_of(time: Timestamp, unit: Unit, zone: &TimeZone) -> Timestamp {
    let local = time.to_jiff().to_zoned(zone.clone());
    let start = match unit {
        Unit::Year => local.first_of_year().and_then(|z| z.start_of_day()).map(|z| z.timestamp()),
        Unit::Day => local.start_of_day().map(|z| z.timestamp()),
        Unit::Hour => {
            let past = i64::from(local.minute()) * 60 + i64::from(local.second());
            local.timestamp().checked_sub(jiff::SignedDuration::from_secs(past)).map(floor_to_second)
        }
    };
    // A zone's first day of 1970 may begin in 1969.
    start.ok().and_then(|start| Timestamp::from_jiff(start).ok()).unwrap_or(Timestamp::MIN)
}

fn floor_to_second(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The start of the next unit; `None` at the end of time.
fn next_start(start: Timestamp, unit: Unit, zone: &TimeZone) -> Option<Timestamp> {
    let local = start.to_jiff().to_zoned(zone.clone());
    let next = match unit {
        Unit::Year => local.last_of_year().and_then(|z| z.tomorrow()).and_then(|z| z.start_of_day()).ok()?.timestamp(),
        Unit::Day => local.tomorrow().and_then(|z| z.start_of_day()).ok()?.timestamp(),
        Unit::Hour => {
            let past = i64::from(local.minute()) * 60 + i64::from(local.second());
            start.to_jiff().checked_add(jiff::SignedDuration::from_secs(3_600 - past)).ok()?
        }
    };
    Timestamp::from_jiff(next).ok().filter(|next| *next > start)
}

/// The edges of the units that cover `[first, last]`.
fn edges(first: Timestamp, last: Timestamp, unit: Unit, zone: &TimeZone) -> Vec<Timestamp> {
    let mut edge = start_of(first, unit, zone);
    let mut edges = vec![edge];
    while edge <= last {
        match next_start(edge, unit, zone) {
            Some(next) => edge = next,
            None if edge < Timestamp::MAX => edge = Timestamp::MAX,
            None => break,
        }
        edges.push(edge);
    }
    edges
}

/// How the selected events were used, by day or hour: a row for each that has a use, in order of time.
///
/// # Errors
/// As [`Queries::usage`].
pub fn usage_by<Q: Queries + ?Sized>(
    store: &Q,
    selection: &Selection,
    unit: Unit,
    zone: &TimeZone,
) -> Result<Vec<UsageRow>> {
    let mut unopened = store.usage(selection, &GroupBy::Total)?;
    let last = unopened.iter().filter_map(|row| row.usage.last_used()).max();
    let mut edges = vec![Timestamp::MIN, Timestamp::MAX];
    let mut rows = Vec::new();
    // The spans leave nothing out: an event that was recorded since its surroundings were looked at is in a span that
    // is longer than a unit, which is opened in its turn. So the last answer is that of one moment.
    loop {
        let known = edges.len();
        for row in &unopened {
            edges.extend(edges_within(store, selection, &row.usage, unit, zone)?);
        }
        edges.sort_unstable();
        edges.dedup();
        if edges.len() == known {
            break;
        }
        rows = store.usage(selection, &GroupBy::Span(Spans::new(edges.clone())?))?;
        unopened = rows.iter().filter(|row| is_longer(&row.key, unit, zone)).cloned().collect();
    }
    if last == Some(Timestamp::MAX) {
        let end = edges.iter().rev().nth(1).copied();
        add_last_instant(store, selection, end, &mut rows)?;
    }
    Ok(rows)
}

/// The edges of the units that cover some uses, or, where those are too many, of those in longer units that hold any.
fn edges_within<Q: Queries + ?Sized>(
    store: &Q,
    selection: &Selection,
    usage: &Usage,
    unit: Unit,
    zone: &TimeZone,
) -> Result<Vec<Timestamp>> {
    let Some((first, last)) = usage.first_used().zip(usage.last_used()) else { return Ok(Vec::new()) };
    let seconds = (last.as_micros() - first.as_micros()) / 1_000_000;
    match unit.coarser() {
        Some(coarser) if seconds / unit.seconds() > MOST_SPANS => {
            let filled = usage_by(store, selection, coarser, zone)?;
            let bounds = filled.iter().filter_map(|row| row.usage.first_used().zip(row.usage.last_used()));
            Ok(bounds.flat_map(|(first, last)| edges(first, last, unit, zone)).collect())
        }
        _ => Ok(edges(first, last, unit, zone)),
    }
}

/// Whether a row's span is longer than the unit that begins with it.
fn is_longer(key: &GroupKey, unit: Unit, zone: &TimeZone) -> bool {
    let bounds = span_of(key).and_then(|span| span.from().zip(span.to()));
    bounds.is_some_and(|(from, to)| next_start(from, unit, zone).is_some_and(|next| next < to))
}

/// Adds the uses at the last instant of all to the row of the unit that begins at `start`: the span that would hold
/// them has no end.
fn add_last_instant<Q: Queries + ?Sized>(
    store: &Q,
    selection: &Selection,
    start: Option<Timestamp>,
    rows: &mut Vec<UsageRow>,
) -> Result<()> {
    let span = Window::new(start, Some(Timestamp::MAX))?;
    let at_the_end = selection.clone().window(Window::since(Timestamp::MAX));
    for UsageRow { usage, .. } in store.usage(&at_the_end, &GroupBy::Total)? {
        match rows.last_mut().filter(|row| span_of(&row.key) == Some(span)) {
            Some(row) => row.usage.merge(&usage),
            None => rows.push(UsageRow { key: GroupKey::Span(span), usage }),
        }
    }
    Ok(())
}

/// The span of a row, where it is one.
pub fn span_of(key: &GroupKey) -> Option<Window> {
    match key {
        GroupKey::Span(window) => Some(*window),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tooltally::{
        Condition, Event, EventId, Filter, Log, LogExt, MemoryStore, Outcome, Position, ProjectId, RecentOutcomes,
        Recorded, Registered, SessionId, ToolName, ToolUse, Trail,
    };

    fn store(times: &[&str]) -> MemoryStore {
        let store = MemoryStore::new();
        for (index, time) in times.iter().enumerate() {
            let id = EventId::derived(&[index.to_string()]);
            let used = ToolUse::new(id, ToolName::new("Bash").unwrap(), Outcome::Success, time.parse().unwrap());
            store.record(&used.into()).unwrap();
        }
        store
    }

    fn rows(times: &[&str], unit: Unit, zone: &str) -> Vec<(String, u64)> {
        let zone = super::zone(Some(zone)).unwrap();
        let rows = usage_by(&store(times), &Selection::all(), unit, &zone).unwrap();
        let name = |row: &UsageRow| label(span_of(&row.key).unwrap().from().unwrap(), unit, &zone);
        rows.iter().map(|row| (name(row), row.usage.uses())).collect()
    }

    fn owned(rows: &[(&str, u64)]) -> Vec<(String, u64)> {
        rows.iter().map(|(name, uses)| ((*name).to_owned(), *uses)).collect()
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let times = ["2026-03-01T22:59:59.999999Z", "2026-03-01T23:00:00Z", "2026-03-02T22:59:59Z"];
        assert_eq!(rows(&times, Unit::Day, "Europe/Berlin"), owned(&[("2026-03-01", 1), ("2026-03-02", 2)]));
        assert_eq!(rows(&times, Unit::Day, "UTC"), owned(&[("2026-03-01", 2), ("2026-03-02", 1)]));
    }

    #[test]
    fn the_hour_that_comes_twice_is_two_hours() {
        // Berlin puts its clocks back at 01:00 UTC: 02:30 comes twice.
        let times = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"];
        let expected = owned(&[("2026-10-25T02:00:00+02:00", 1), ("2026-10-25T02:00:00+01:00", 1)]);
        assert_eq!(rows(&times, Unit::Hour, "Europe/Berlin"), expected);
        // The day has 25 hours, and all of them are its own.
        let times = ["2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"];
        assert_eq!(rows(&times, Unit::Day, "Europe/Berlin"), owned(&[("2026-10-25", 2), ("2026-10-26", 1)]));
    }

    #[test]
    fn hours_start_where_the_zone_starts_them() {
        let times = ["2026-03-01T12:29:59Z", "2026-03-01T12:30:00Z"];
        let expected = owned(&[("2026-03-01T17:00:00+05:30", 1), ("2026-03-01T18:00:00+05:30", 1)]);
        assert_eq!(rows(&times, Unit::Hour, "Asia/Kolkata"), expected);
    }

    #[test]
    fn centuries_between_two_events_cost_no_span_each() {
        let times = ["1970-01-01T00:00:00Z", "2026-03-01T12:00:00.000001Z", "9999-12-29T12:59:59.999999Z"];
        let expected = owned(&[("1970-01-01T00:00:00Z", 1), ("2026-03-01T12:00:00Z", 1), ("9999-12-29T12:00:00Z", 1)]);
        assert_eq!(rows(&times, Unit::Hour, "UTC"), expected);
    }

    #[test]
    fn the_ends_of_time_are_in_a_day() {
        let times = ["1970-01-01T00:00:00Z", "9999-12-30T22:00:00Z"];
        assert_eq!(rows(&times, Unit::Day, "America/New_York").len(), 2);
        assert_eq!(rows(&times, Unit::Day, "Pacific/Kiritimati").len(), 2);
    }

    #[test]
    fn the_last_instant_of_all_is_in_a_day_and_in_an_hour() {
        let last = "9999-12-30T22:00:00.999999Z";
        assert_eq!(Timestamp::MAX.to_string(), last);
        for (times, uses) in [(&[last][..], 1), (&["9999-12-30T22:00:00.5Z", last], 2)] {
            assert_eq!(rows(times, Unit::Day, "UTC"), owned(&[("9999-12-30", uses)]));
            assert_eq!(rows(times, Unit::Hour, "UTC"), owned(&[("9999-12-30T22:00:00Z", uses)]));
            assert_eq!(rows(times, Unit::Day, "Pacific/Kiritimati"), owned(&[("9999-12-31", uses)]));
        }
        let times = ["1970-01-01T00:00:00Z", "9999-12-29T00:00:00Z", last];
        assert_eq!(rows(&times, Unit::Day, "UTC").iter().map(|row| row.1).sum::<u64>(), 3);
        assert_eq!(rows(&times, Unit::Hour, "America/New_York").iter().map(|row| row.1).sum::<u64>(), 3);
    }

    /// A store in which a batch is recorded once it has been asked so often.
    struct Moving {
        store: MemoryStore,
        asked: AtomicUsize,
        batch_after: usize,
        batch: Vec<Event>,
    }

    impl Queries for Moving {
        fn usage(&self, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
            let rows = self.store.usage(selection, group_by)?;
            if self.asked.fetch_add(1, Ordering::Relaxed) == self.batch_after {
                self.store.append(&self.batch, Condition::None)?;
            }
            Ok(rows)
        }

        fn recent(&self, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
            self.store.recent(selection, limit)
        }

        fn registered(&self, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
            self.store.registered(project)
        }

        fn latest_outcomes(&self, project: &Filter<ProjectId>) -> Result<Vec<(ToolName, RecentOutcomes)>> {
            self.store.latest_outcomes(project)
        }

        fn trail(&self, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
            self.store.trail(session, look_back)
        }
    }

    #[test]
    fn a_batch_that_comes_meanwhile_is_counted_whole_or_not_at_all() {
        let utc = super::zone(Some("UTC")).unwrap();
        let by = |store: &dyn Queries, unit| usage_by(store, &Selection::all(), unit, &utc).unwrap();
        for (known, unit) in [
            // A few days; and years, of which only the hours of days with an event are asked for.
            (["2026-03-01T12:00:00Z", "2026-03-03T12:00:00Z"], Unit::Day),
            (["2020-03-01T12:00:00Z", "2026-03-03T12:00:00Z"], Unit::Hour),
        ] {
            let more = ["2019-01-01T12:30:00Z", "2026-03-02T12:00:00Z", "2026-03-03T12:30:00Z", "2027-01-01T12:00:00Z"];
            let all = store(&[&known[..], &more[..]].concat());
            let events = all.read(Position::START, 99).unwrap().into_iter().map(|recorded| recorded.event);
            let batch: Vec<Event> = events.skip(known.len()).collect();
            for batch_after in 0..6 {
                let (store, asked) = (store(&known), AtomicUsize::new(0));
                let moving = Moving { store, asked, batch_after, batch: batch.clone() };
                let counted = by(&moving, unit);
                let before = by(&super::tests::store(&known), unit);
                assert!(counted == by(&all, unit) || counted == before, "{batch_after}, {unit:?}: {counted:?}");
            }
        }
    }

    #[test]
    fn an_unknown_zone_is_named() {
        assert!(zone(Some("Europe/Atlantis")).unwrap_err().is_invalid());
    }
}
