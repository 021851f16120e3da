//! Event lines: written and read back.

use std::convert::Infallible;

use proptest::collection::btree_map;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use tooltally::policy::kind::{Kind, Scope};
use tooltally::{
    AgentName, Attributes, Description, Event, EventId, Outcome, Position, Project, ProjectId, Recorded, ServerName,
    SessionId, SettingsSource, Source, SubagentName, SystemClock, Timestamp, ToolDiscovered, ToolDuration, ToolName,
    ToolRemoved, ToolUse,
};
use tooltally_cli::input::{Importer, event_line, read_event_line, unrecorded_event_line};

use crate::{import_text, skipped, tool_use};

fn line() -> Value {
    json!({"v": 1, "tool": "Bash", "outcome": "failure", "time": "2026-05-01T12:00:00.000001+02:00"})
}

fn with(key: &str, value: Value) -> String {
    let mut line = line();
    line[key] = value;
    format!("{line}\n")
}

#[test]
fn four_fields_are_enough() {
    let event = tool_use(read_event_line(line().to_string().as_bytes()).unwrap());
    assert_eq!((event.tool.as_str(), event.outcome, event.source), ("Bash", Outcome::Failure, Source::Import));
    assert_eq!(event.time.to_string(), "2026-05-01T10:00:00.000001Z");
    assert_eq!((event.session, event.project, event.agent, event.duration), (None, None, None, None));
}

#[test]
fn the_line_has_every_field_of_the_contract() {
    let event = ToolUse::new(
        "000102030405060708090a0b0c0d0e0f".parse().unwrap(),
        ToolName::new("mcp__a__\"b\"").unwrap(),
        Outcome::Success,
        "2026-05-01T12:00:00.25Z".parse().unwrap(),
    );
    let recorded = Recorded { position: Position::new(7), event: event.into() };
    assert_eq!(
        event_line(&recorded),
        r#"{"v":1,"position":7,"id":"000102030405060708090a0b0c0d0e0f","tool":"mcp__a__\"b\"","session":null,"#
            .to_owned()
            + r#""project":null,"path":null,"agent":null,"subagent":null,"outcome":"success","#
            + r#""time":"2026-05-01T12:00:00.25Z","duration_ms":null,"source":"library","attributes":{}}"#
    );
}

#[test]
fn registry_events_have_lines_of_their_own() {
    let id: EventId = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
    let time: Timestamp = "2026-05-01T12:00:00.25Z".parse().unwrap();
    let source = SettingsSource::new(".mcp.json").unwrap();
    let name = ToolName::new("mcp__github").unwrap();
    let found = ToolDiscovered::new(id, name.clone(), Kind::McpServer, Scope::Project, source, time)
        .description(Description::new("issues \"and\" more").unwrap())
        .server(ServerName::new("git hub").unwrap())
        .agent(AgentName::claude_code())
        .project(Project::from_path("/a").unwrap());
    let recorded = Recorded { position: Position::new(7), event: found.clone().into() };
    let id_of_project = ProjectId::of_path("/a");
    let line = event_line(&recorded);
    assert_eq!(
        line,
        r#"{"v":1,"position":7,"id":"000102030405060708090a0b0c0d0e0f","event":"tool_discovered","#.to_owned()
            + r#""tool":"mcp__github","kind":"mcp_server","scope":"project","#
            + &format!(r#""project":"{id_of_project}","path":"/a","source":".mcp.json","#)
            + r#""description":"issues \"and\" more","server":"git hub","agent":"claude-code","#
            + r#""time":"2026-05-01T12:00:00.25Z"}"#
    );
    assert_eq!(read_event_line(line.as_bytes()), Ok(found.clone().into()));
    let gone: Event = ToolRemoved::new(id, name, time).into();
    let line = unrecorded_event_line(&gone);
    assert_eq!(
        line,
        r#"{"v":1,"position":null,"id":"000102030405060708090a0b0c0d0e0f","event":"tool_removed","#.to_owned()
            + r#""tool":"mcp__github","project":null,"path":null,"agent":null,"time":"2026-05-01T12:00:00.25Z"}"#
    );
    assert_eq!(read_event_line(line.as_bytes()), Ok(gone.clone()));
    // They are imported with calls.
    let text = format!("{}\n{line}\n{}", event_line(&recorded), with("event", json!("tool_used")));
    let mut events = Vec::new();
    let mut importer = Importer::new(&SystemClock);
    let Ok(()) = importer.read_stream::<Infallible>("test", &mut text.as_bytes(), time, &mut |event| {
        events.push(event);
        Ok(())
    });
    assert_eq!(importer.finish().skipped_total(), 0);
    assert_eq!(events[..2], [found.into(), gone]);
    assert!(matches!(events[2], Event::ToolUse(_)));
}

#[test]
fn registry_events_need_their_fields() {
    let line = |key: &str, value: Value| {
        let mut line = json!({
            "v": 1, "event": "tool_discovered", "tool": "/a", "kind": "skill", "scope": "user", "source": "x",
            "time": "2026-05-01T12:00:00Z",
        });
        line[key] = value;
        read_event_line(line.to_string().as_bytes())
    };
    assert!(line("agent", json!(null)).is_ok());
    for (key, value, reason) in [
        ("event", json!("tool_renamed"), "event is of a kind that this program does not know"),
        ("event", json!(1), "event is not a string"),
        ("kind", json!(null), "kind is missing"),
        ("kind", json!("thing"), "kind is not a known kind"),
        ("scope", json!(null), "scope is missing"),
        ("scope", json!("world"), "scope is not a known scope"),
        ("source", json!(null), "source is missing"),
        ("source", json!("x".repeat(513)), "source is too long"),
        ("description", json!("a\nb"), "description holds a control character"),
        ("description", json!("x".repeat(1025)), "description is too long"),
        ("server", json!(""), "server is empty"),
        ("time", json!(null), "time is missing"),
    ] {
        assert_eq!(line(key, value), Err(reason.to_owned()));
    }
}

#[test]
fn a_path_alone_makes_the_project() {
    let project = |text: &str| tool_use(read_event_line(text.as_bytes()).unwrap()).project.unwrap();
    assert_eq!(project(&with("path", json!("/a"))), Project::from_path("/a").unwrap());
    let id = ProjectId::of_path("/a");
    assert_eq!(project(&with("project", json!(id.to_string()))), Project::from_id(id));
}

#[test]
fn wrong_lines_name_the_field() {
    for (key, value, reason) in [
        ("v", json!(2), "v is a version that this program does not read"),
        ("v", json!("1"), "v is not a number"),
        ("v", json!(null), "v is missing"),
        ("tool", json!(7), "tool is not a string"),
        ("outcome", json!(null), "outcome is missing"),
        ("outcome", json!("great"), "outcome is not a known outcome"),
        ("time", json!(null), "time is missing"),
        ("time", json!(1_777_777), "time is not a string"),
        ("time", json!("yesterday"), "time is not an RFC 3339 instant from 1970 to 9999-12-30T22:00:00.999999Z"),
        ("time", json!("1969-12-31T23:59:59Z"), "time lies before 1970 or after 9999-12-30T22:00:00.999999Z"),
        (
            "time",
            json!("10000-01-01T00:00:00Z"),
            "time is not an RFC 3339 instant from 1970 to 9999-12-30T22:00:00.999999Z",
        ),
        ("id", json!("abc"), "id is not 32 hexadecimal digits"),
        ("session", json!({}), "session is not a string"),
        ("project", json!("/a"), "project is not 16 hexadecimal digits"),
        ("path", json!([1]), "path is not a string"),
        ("agent", json!(""), "agent is empty"),
        ("subagent", json!(1), "subagent is not a string"),
        ("duration_ms", json!("1"), "duration_ms is not a number"),
        ("duration_ms", json!(-0.5), "duration_ms is not a duration from 0 up"),
        ("source", json!("me"), "source is not a known source"),
        ("attributes", json!([]), "attributes is not an object"),
        ("attributes", json!({"cost": 1}), "attributes holds a value that is not a string of allowed length"),
        ("attributes", json!({"": "x"}), "attributes holds a pair too many, or one that is not allowed"),
    ] {
        let text = with(key, value);
        assert_eq!(read_event_line(text.trim_end().as_bytes()), Err(reason.to_owned()));
        let (events, summary) = import_text(format!("{}{text}", with("extra", json!({"x": [1]}))));
        assert_eq!(events.len(), 1);
        assert_eq!(skipped(&summary), [(reason, 1)]);
        assert_eq!(summary.examples, [format!("test:2: {reason}")]);
    }
    assert_eq!(read_event_line(b"{"), Err("the line is not valid JSON".to_owned()));
}

#[test]
fn lines_without_ids_are_told_apart_by_occurrence() {
    let ids = |text: &str| import_text(text).0.iter().map(|event| event.id).collect::<Vec<_>>();
    let (a, b) = (with("session", json!("a")), with("session", json!("b")));
    let first = ids(&format!("{a}{b}{a}"));
    assert_eq!(first.iter().collect::<std::collections::HashSet<_>>().len(), 3);
    assert_eq!(ids(&format!("{a}{b}{a}{a}"))[..3], first);
    assert_eq!(ids(&format!("{a}{b}{a}").replace('\n', "\r\n")), first);
    assert_eq!(tool_use(read_event_line(a.trim_end().as_bytes()).unwrap()).id, first[0]);
}

#[test]
fn the_longest_durations_come_back_to_the_microsecond() {
    let durations = [(1 << 50) - 1, 1 << 50, (1 << 50) + 1, (1 << 53) + 1, 1 << 53, u64::MAX / 2 - 1, u64::MAX / 2];
    for micros in durations {
        let mut event = tool_use(read_event_line(with("duration_ms", json!(null)).trim_end().as_bytes()).unwrap());
        event.duration = Some(ToolDuration::from_micros(micros).unwrap());
        let line = unrecorded_event_line(&event.clone().into());
        assert_eq!(read_event_line(line.as_bytes()), Ok(event.into()), "{line}");
    }
    for (given, reason) in [
        (json!(-1), "duration_us is not a whole number from 0 up"),
        (json!(0.5), "duration_us is not a whole number from 0 up"),
        (json!("1"), "duration_us is not a number"),
        (json!(u64::MAX), "duration_us is longer than a store can hold"),
    ] {
        assert_eq!(read_event_line(with("duration_us", given).trim_end().as_bytes()), Err(reason.to_owned()));
    }
}

fn name(max: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex("[^\\p{Cc}]{1,30}")
        .unwrap()
        .prop_map(move |text| text[..text.floor_char_boundary(max)].to_owned())
}

prop_compose! {
    fn any_event()(
        id in any::<[u8; 16]>(),
        names in (name(512), option::of(name(256)), option::of(name(128)), option::of(name(256))),
        project in option::of((any::<[u8; 8]>(), option::of(name(4096)))),
        outcome in proptest::sample::select(Outcome::ALL.to_vec()),
        time in 0..=Timestamp::MAX.as_micros(),
        duration in option::of(prop_oneof![0..1_u64 << 50, 0..=ToolDuration::MAX.as_micros()]),
        source in proptest::sample::select(Source::ALL.to_vec()),
        pairs in btree_map(name(32), name(128), 0..=8),
    ) -> ToolUse {
        let (tool, session, agent, subagent) = names;
        let time = Timestamp::from_micros(time).unwrap();
        let mut event =
            ToolUse::new(EventId::from_bytes(id), ToolName::new(tool).unwrap(), outcome, time).source(source);
        event.session = session.map(|text| SessionId::new(text).unwrap());
        event.agent = agent.map(|text| AgentName::new(text).unwrap());
        event.subagent = subagent.map(|text| SubagentName::new(text).unwrap());
        event.project = project.map(|(id, path)| Project {
            id: ProjectId::from_bytes(id),
            path: path.map(|text| text.parse().unwrap()),
        });
        event.duration = duration.map(|micros| ToolDuration::from_micros(micros).unwrap());
        let mut attributes = Attributes::new();
        for (key, value) in pairs {
            attributes.set(&key, &value).unwrap();
        }
        event.attributes(attributes)
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(event in any_event(), position in any::<u64>()) {
        let event = Event::from(event);
        prop_assert_eq!(read_event_line(unrecorded_event_line(&event).as_bytes()), Ok(event.clone()));
        let line = event_line(&Recorded { position: Position::new(position), event: event.clone() });
        prop_assert!(!line.contains('\n'));
        let (events, summary) = import_text(&line);
        prop_assert_eq!(summary.skipped.len(), 0);
        prop_assert_eq!(events.into_iter().map(Event::from).collect::<Vec<_>>(), vec![event]);
    }
}
