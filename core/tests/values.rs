//! Validated values and event ids.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;
use tooltally_core::{
    AgentName, Attributes, Error, EventId, Filter, GroupBy, LogExt, MemoryStore, Outcome, Project, ProjectId, Queries,
    Selection, SessionId, Spans, Timestamp, ToolDuration, ToolName, ToolUse, Window,
};

fn field<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    let error = result.unwrap_err();
    let Error::Invalid { field, .. } = error else { unreachable!("invalid input gave {error}") };
    field
}

#[test]
fn names_are_refused_with_their_field() {
    assert_eq!(field(ToolName::new("")), "tool");
    assert_eq!(field(ToolName::new("a\u{1b}[31m")), "tool");
    assert_eq!(field(SessionId::new("x".repeat(257))), "session");
    assert_eq!(field(Project::from_path("a\nb")), "path");
    assert_eq!(field("123".parse::<ProjectId>()), "project");
    assert_eq!(field("+123456789abcdef".parse::<ProjectId>()), "project");
    assert_eq!(field("xyz".parse::<EventId>()), "id");
    assert_eq!(field("maybe".parse::<Outcome>()), "outcome");
    assert_eq!(field(Timestamp::from_micros(-1)), "time");
    assert_eq!(field(Timestamp::from_micros(i64::MAX)), "time");
    assert_eq!(field(ToolDuration::from_millis(-0.5)), "duration");
    assert_eq!(field(ToolDuration::from_millis(f64::NAN)), "duration");
    assert_eq!(field(ToolDuration::from_millis(f64::INFINITY)), "duration");
    assert!(ToolName::new("é".repeat(256)).is_ok());
}

#[test]
fn a_message_says_what_is_wrong_without_repeating_the_value() {
    let error = ToolName::new("x".repeat(1_000_000)).unwrap_err().to_string();
    assert_eq!(error, "tool: is 1000000 bytes long; at most 512 are allowed");
    let error = ToolName::new("a\u{7}").unwrap_err().to_string();
    assert_eq!(error, "tool: holds the control character U+0007");
}

#[test]
fn attributes_hold_eight_pairs_each_key_once() {
    let mut attributes = Attributes::new();
    for n in 0..8 {
        attributes.set(&format!("k{n}"), "v").unwrap();
    }
    assert_eq!(field(attributes.set("one too many", "v")), "attributes");
    attributes.set("k3", "new").unwrap();
    assert_eq!((attributes.len(), attributes.get("k3")), (8, Some("new")));
    assert_eq!(field(attributes.set("k1", &"v".repeat(129))), "attributes (value)");
    assert_eq!(field(attributes.set(&"k".repeat(33), "v")), "attributes (key)");
}

#[test]
fn durations_in_milliseconds_keep_their_microseconds() {
    assert_eq!(ToolDuration::from_millis(12.3456).unwrap().as_micros(), 12_346);
    assert_eq!(ToolDuration::from_millis(0.0).unwrap().as_micros(), 0);
}

/// Golden: ids are stored for ever, so their making may never change. The digests were made by another
/// program, from the description in `EventId`'s documentation.
#[test]
fn ids_are_made_as_they_always_were() {
    let (agent, session) = (AgentName::claude_code(), SessionId::new("s").unwrap());
    assert_eq!(EventId::global(&agent, "toolu_01A").to_string(), "811754982d2f26b289713fa0951722e9");
    assert_eq!(EventId::in_session(&agent, &session, "7").to_string(), "945b37f0ddfeaba99bf9e6d08b88d9d6");
    assert_eq!(EventId::derived(&["a", "b"]).to_string(), "ab0211f12791a49344707e8c3e67517f");
    assert_eq!(ProjectId::of_path("/home/dev/app").to_string(), "720d8948da0bcc78");
}

#[test]
fn ids_of_different_makings_never_meet() {
    let (agent, other) = (AgentName::claude_code(), AgentName::new("other").unwrap());
    let (s, t) = (SessionId::new("s").unwrap(), SessionId::new("t").unwrap());
    let ids = [
        EventId::global(&agent, "1"),
        EventId::global(&other, "1"),
        EventId::global(&agent, "2"),
        EventId::in_session(&agent, &s, "1"),
        EventId::in_session(&agent, &t, "1"),
        EventId::derived(&["1"]),
        EventId::derived(&["claude-code", "", "1"]),
        EventId::derived(&["1", ""]),
        EventId::derived(&["", "1"]),
        EventId::derived(&["ab", "c"]),
        EventId::derived(&["a", "bc"]),
        EventId::random().unwrap(),
        EventId::random().unwrap(),
    ];
    let distinct: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
}

#[test]
fn windows_and_spans_must_ascend() {
    let at = |micros| Timestamp::from_micros(micros).unwrap();
    assert_eq!(field(Window::new(Some(at(2)), Some(at(1)))), "window");
    assert_eq!(field(Spans::new(vec![at(1), at(1)])), "spans");
    let spans = Spans::new(vec![at(10), at(20), at(40)]).unwrap();
    assert_eq!(
        [9, 10, 19, 20, 39, 40].map(|t| spans.index_of(at(t))),
        [None, Some(0), Some(0), Some(1), Some(1), None]
    );
    assert_eq!(spans.iter().count(), 2);
    assert_eq!(Spans::new(Vec::new()).unwrap().iter().count(), 0);
}

#[test]
fn every_tool_use_has_a_tool() {
    let store = MemoryStore::new();
    let id = EventId::random().unwrap();
    store.record(&ToolUse::new(id, ToolName::new("Bash").unwrap(), Outcome::Success, Timestamp::MIN).into()).unwrap();
    let selection = Selection { tool: Filter::Absent, ..Selection::all() };
    assert!(store.usage(&selection, &GroupBy::Total).unwrap().is_empty());
}

proptest! {
    #[test]
    fn ids_are_read_back(bytes: [u8; 16], project: [u8; 8]) {
        let id = EventId::from_bytes(bytes);
        prop_assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
        let project = ProjectId::from_bytes(project);
        prop_assert_eq!(project.to_string().parse::<ProjectId>().unwrap(), project);
    }

    #[test]
    fn any_text_is_a_name_or_an_error(text in "\\PC{0,600}|.{0,40}") {
        if let Ok(name) = ToolName::new(&text) {
            prop_assert_eq!(name.as_str(), text);
        }
    }
}

#[test]
fn times_end_where_every_zone_can_show_them() {
    for micros in [0, 1, Timestamp::MAX.as_micros() - 1, Timestamp::MAX.as_micros()] {
        assert_eq!(Timestamp::from_micros(micros).unwrap().as_micros(), micros);
    }
    for micros in [-1, i64::MIN, Timestamp::MAX.as_micros() + 1, i64::MAX] {
        let refusal = Timestamp::from_micros(micros).unwrap_err();
        assert!(matches!(refusal, Error::Invalid { field: "time", .. }), "{micros}: {refusal:?}");
    }
    for text in ["1969-12-31T23:59:59.999999Z", "9999-12-30T22:00:01Z", "-000001-01-01T00:00:00Z"] {
        assert!(matches!(text.parse::<Timestamp>(), Err(Error::Invalid { field: "time", .. })), "{text}");
    }
    assert_eq!("9999-12-30T22:00:00.999999Z".parse::<Timestamp>().unwrap(), Timestamp::MAX);
    for text in ["9999-12-30T22:00:01Z", "9999-12-31T23:59:59.999999Z"] {
        let refused = text.parse::<Timestamp>().unwrap_err().to_string();
        assert_eq!(refused, "time: lies after 9999-12-30T22:00:00.999999Z, the last instant of all");
    }
    assert_eq!(Timestamp::MAX.next(), None);
}
