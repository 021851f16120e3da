//! Answers as JSON, for scripts. From 0.1.0 on fields are only added.

use jiff::tz::TimeZone;
use serde_json::{Map, Number, Value, json};
use tooltally::{Durations, GroupKey, Outcome, Timestamp, Usage, UsageRow, Window};

use crate::calendar::{Unit, label};

/// A row of `stats --json`. Spans are named in the calendar of `zone`.
pub fn usage_row(row: &UsageRow, unit: Unit, zone: &TimeZone) -> Value {
    let mut object = Map::new();
    name(&mut object, &row.key, unit, zone);
    usage(&mut object, &row.usage);
    Value::Object(object)
}

fn name(object: &mut Map<String, Value>, key: &GroupKey, unit: Unit, zone: &TimeZone) {
    let mut set = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    match key {
        GroupKey::Total => {}
        GroupKey::Tool(tool) => set("tool", json!(tool.as_str())),
        GroupKey::Project(project) => {
            set("project", json!(project.as_ref().map(|p| p.id.to_string())));
            set("path", json!(project.as_ref().and_then(|p| p.path.as_ref()).map(AsRef::as_ref)));
        }
        GroupKey::Session { session, project } => {
            set("session", json!(session.as_ref().map(AsRef::as_ref)));
            set("project", json!(project.as_ref().map(|p| p.id.to_string())));
            set("path", json!(project.as_ref().and_then(|p| p.path.as_ref()).map(AsRef::as_ref)));
        }
        GroupKey::Span(span) => set(unit.as_str(), json!(span.from().map(|from| label(from, unit, zone)))),
    }
}

fn usage(object: &mut Map<String, Value>, usage: &Usage) {
    object.insert("uses".to_owned(), json!(usage.uses()));
    for outcome in Outcome::ALL {
        object.insert(outcome.as_str().to_owned(), json!(usage.count(outcome)));
    }
    object.insert("first_used".to_owned(), instant(usage.first_used()));
    object.insert("last_used".to_owned(), instant(usage.last_used()));
    object.insert("duration_ms".to_owned(), durations(usage.durations()));
}

/// An instant as RFC 3339 UTC; `null` for none.
pub fn instant(time: Option<Timestamp>) -> Value {
    json!(time.map(|t| t.to_string()))
}

/// The ends of a window, `null` where open.
pub fn window(window: Window) -> (Value, Value) {
    (instant(window.from()), instant(window.to()))
}

fn durations(durations: &Durations) -> Value {
    json!({
        "measured": durations.measured(),
        "mean": millis(mean_micros(durations)),
        "p50": millis(durations.quantile_micros(0.5)),
        "p95": millis(durations.quantile_micros(0.95)),
        "max": millis(durations.max_micros()),
    })
}

/// The mean to the nearest microsecond; `None` where nothing was measured.
pub fn mean_micros(durations: &Durations) -> Option<u64> {
    let measured = u128::from(durations.measured());
    let rounded = (durations.sum_micros() + measured / 2).checked_div(measured)?;
    u64::try_from(rounded).ok()
}

/// Microseconds as a number of milliseconds with up to three digits; `null` for what was not measured.
fn millis(micros: Option<u64>) -> Value {
    let Some(micros) = micros else { return Value::Null };
    if micros.is_multiple_of(1000) {
        return json!(micros / 1000);
    }
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 microseconds, which is 285 years")]
    let millis = micros as f64 / 1000.0;
    Number::from_f64(millis).map_or(Value::Null, Value::Number)
}

/// One JSON object on one line, with its line end.
pub fn line(value: &Value) -> String {
    format!("{}\n", super::sanitize::json(&value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tooltally::{EventId, GroupBy, LogExt, MemoryStore, Queries, Selection, ToolDuration, ToolName, ToolUse};

    #[test]
    fn a_row_says_null_for_what_was_not_measured() {
        let store = MemoryStore::new();
        let time = "2026-03-01T12:00:00Z".parse().unwrap();
        let bash = ToolUse::new(EventId::derived(&["1"]), ToolName::new("Bash").unwrap(), Outcome::Failure, time);
        store.record(&bash.clone().into()).unwrap();
        let row = |store: &MemoryStore| {
            let rows = store.usage(&Selection::all(), &GroupBy::Tool).unwrap();
            usage_row(&rows[0], Unit::Day, &TimeZone::UTC).to_string()
        };
        assert_eq!(
            row(&store),
            r#"{"tool":"Bash","uses":1,"success":0,"failure":1,"interrupted":0,"rejected":0,"invalid":0,"first_used":"2026-03-01T12:00:00Z","last_used":"2026-03-01T12:00:00Z","duration_ms":{"measured":0,"mean":null,"p50":null,"p95":null,"max":null}}"#
        );
        let mut measured = bash;
        measured.id = EventId::derived(&["2"]);
        store.record(&measured.duration(ToolDuration::from_micros(1_001).unwrap()).into()).unwrap();
        assert!(
            row(&store).contains(r#""duration_ms":{"measured":1,"mean":1.001,"p50":1.001,"p95":1.001,"max":1.001}"#)
        );
    }

    #[test]
    fn milliseconds_keep_their_microseconds() {
        let shown = [Some(0), Some(1), Some(12_000), Some(12_345), None].map(|micros| millis(micros).to_string());
        assert_eq!(shown, ["0", "0.001", "12", "12.345", "null"]);
    }
}
