//! Live hooks and logs of them.

use serde_json::{Value, json};
use tooltally::{AgentName, Event, EventId, Outcome, Project, SessionId, Source, ToolDuration, ToolUse};
use tooltally_cli::input::{HookOutcome, HookReading, read_hook};

use crate::{clock, import_text, now, skipped};

fn payload(event: &str) -> Value {
    json!({"session_id": "s1", "cwd": "/nowhere/app", "hook_event_name": event, "tool_name": "Bash",
        "tool_input": {"command": "secret"}, "tool_response": ["secret"], "tool_use_id": "toolu_1"})
}

fn with(mut payload: Value, key: &str, value: Value) -> Value {
    payload[key] = value;
    payload
}

fn read(text: impl AsRef<[u8]>) -> HookReading {
    read_hook(&mut text.as_ref(), None, &clock())
}

fn recorded(payload: &Value) -> (ToolUse, Vec<String>) {
    let reading = read(payload.to_string());
    match reading.outcome {
        HookOutcome::Event(Event::ToolUse(event)) => (event, reading.warnings),
        other => panic!("{other:?}"),
    }
}

fn bad(text: impl AsRef<[u8]>) -> String {
    match read(text).outcome {
        HookOutcome::Bad(message) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_finished_call_is_stamped_on_receipt() {
    let (event, warnings) = recorded(&with(payload("PostToolUse"), "duration_ms", json!(12.5)));
    let agent = AgentName::claude_code();
    assert_eq!(event.id, EventId::global(&agent, "toolu_1"));
    assert_eq!((event.outcome, event.time, event.source), (Outcome::Success, now(), Source::Hook));
    assert_eq!(event.session, Some(SessionId::new("s1").unwrap()));
    assert_eq!(event.agent, Some(agent));
    assert_eq!(event.duration.map(ToolDuration::as_micros), Some(12_500));
    assert_eq!(event.project, Some(Project::from_path("/nowhere/app").unwrap()));
    assert!(warnings.is_empty());
}

/// A parser gives up at a number that it cannot hold, wherever it stands: the call is none the worse.
#[test]
fn a_number_out_of_range_costs_its_own_field_alone() {
    let many = format!("{}.5", "7".repeat(400));
    for number in ["1e999", "-1e999", "1e-999", "[1e999]", "{\"a\":[-2E+400]}", &many] {
        for key in ["tool_response", "is_interrupt", "agent_type", "duration_ms"] {
            let mut text = with(payload("PostToolUse"), key, json!("HERE")).to_string();
            text = text.replace("\"HERE\"", number);
            for long in [String::new(), "x".repeat(3 << 20)] {
                let text = text.replace("secret", &format!("secret{long}"));
                let HookOutcome::Event(Event::ToolUse(event)) = read(&text).outcome else { panic!("{key}: {number}") };
                assert_eq!(event.id, EventId::global(&AgentName::claude_code(), "toolu_1"));
                let is_nothing = key == "duration_ms" && number == "1e-999";
                assert_eq!(event.duration.map(ToolDuration::as_micros), is_nothing.then_some(0), "{key}: {number}");
            }
        }
    }
}

#[test]
fn outcomes_follow_the_event() {
    assert_eq!(recorded(&payload("PostToolUseFailure")).0.outcome, Outcome::Failure);
    let interrupted = with(payload("PostToolUseFailure"), "is_interrupt", json!(true));
    assert_eq!(recorded(&interrupted).0.outcome, Outcome::Interrupted);
    assert_eq!(recorded(&payload("PermissionDenied")).0.outcome, Outcome::Rejected);
    for event in ["PreToolUse", "SessionStart", "Stop", "FromTheFuture", ""] {
        let outcome = read(payload(event).to_string()).outcome;
        assert!(matches!(outcome, HookOutcome::Nothing(_)), "{event}: {outcome:?}");
    }
}

#[test]
fn a_call_id_is_used_where_it_tells_the_call_apart() {
    let agent = AgentName::claude_code();
    let id = |payload: &Value| recorded(payload).0.id;
    let repeating = with(payload("PostToolUse"), "tool_use_id", json!("7"));
    let session = SessionId::new("s1").unwrap();
    assert_eq!(id(&repeating), EventId::in_session(&agent, &session, "7"));
    let alone = with(repeating, "session_id", json!(null));
    assert_ne!(id(&alone), id(&alone));
    let none = with(payload("PermissionDenied"), "tool_use_id", json!(null));
    assert_ne!(id(&none), id(&none));
}

#[test]
fn the_project_is_where_links_lead() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real");
    std::fs::create_dir(&real).unwrap();
    let canonical = dunce::canonicalize(&real).unwrap();
    let expected = Some(Project::from_path(canonical.to_str().unwrap()).unwrap());
    let project = |project_dir: Option<&str>, cwd: &str| {
        let text = with(payload("PostToolUse"), "cwd", json!(cwd)).to_string();
        match read_hook(&mut text.as_bytes(), project_dir, &clock()).outcome {
            HookOutcome::Event(Event::ToolUse(event)) => event.project,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(project(None, real.to_str().unwrap()), expected);
    assert_eq!(project(real.to_str(), "/elsewhere"), expected);
    assert_eq!(project(Some(""), real.to_str().unwrap()), expected);
    assert_eq!(project(Some("/gone/away"), "/elsewhere"), Some(Project::from_path("/gone/away").unwrap()));
    assert_eq!(project(None, ""), None);
    #[cfg(unix)]
    {
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(project(link.to_str(), "/elsewhere"), expected);
    }
}

#[test]
fn wrong_optional_fields_are_left_out_with_a_warning() {
    for (key, value, warning) in [
        ("session_id", json!(12345), "session_id is not a string"),
        ("session_id", json!("a\u{1b}[31m"), "session_id holds a control character"),
        ("cwd", json!({}), "cwd is not a string"),
        ("tool_use_id", json!(true), "tool_use_id is not a string"),
        ("duration_ms", json!("12"), "duration_ms is not a number"),
        ("duration_ms", json!(-1), "duration_ms is not a duration from 0 up"),
        ("agent_type", json!("x".repeat(1 << 20)), "agent_type is too long"),
        ("is_interrupt", json!("yes"), "is_interrupt is not true or false"),
    ] {
        let (event, warnings) = recorded(&with(payload("PostToolUse"), key, value));
        assert_eq!(event.tool.as_str(), "Bash");
        assert_eq!(warnings, [warning]);
    }
    let (event, warnings) = recorded(&with(payload("PostToolUse"), "agent_type", json!("Explore")));
    assert_eq!(event.subagent.map(|name| name.to_string()), Some("Explore".to_owned()));
    assert!(warnings.is_empty());
}

#[test]
fn what_is_no_payload_names_the_field() {
    for (key, value, message) in [
        ("tool_name", json!(null), "tool_name is missing"),
        ("tool_name", json!(["secret"]), "tool_name is not a string"),
        ("tool_name", json!(""), "tool_name is empty"),
        ("tool_name", json!("x".repeat(1 << 20)), "tool_name is too long"),
        ("tool_name", json!("x".repeat(3 << 20)), "tool_name is too long"),
        ("tool_name", json!("a\nb"), "tool_name holds a control character"),
        ("hook_event_name", json!(null), "hook_event_name is missing"),
        ("hook_event_name", json!(1), "hook_event_name is not a string"),
    ] {
        assert_eq!(bad(with(payload("PostToolUse"), key, value).to_string()), message);
    }
    assert_eq!(bad("[1, 2]"), "the payload is not a JSON object");
    assert_eq!(bad("{\"a\": 1"), "the payload is cut off");
    assert_eq!(bad("\u{1}\u{2}binary "), "the payload is not valid JSON");
    // A stray byte is no reason to lose a call, nor to call the payload anything else than it is.
    assert_eq!(bad(b"{\"tool_name\": \"\xff\"}"), "hook_event_name is missing");
    assert!(matches!(read("").outcome, HookOutcome::Nothing(_)));
    assert!(matches!(read(" \r\n").outcome, HookOutcome::Nothing(_)));
}

#[test]
fn a_payload_may_be_large_deep_or_oddly_written() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let text = payload("PostToolUse").to_string().replace(r#"["secret"]"#, &deep);
    assert!(matches!(read(text).outcome, HookOutcome::Event(_)));
    let (_, warnings) = recorded(&with(payload("PostToolUse"), "tool_response", json!("x".repeat(5 << 20))));
    assert!(warnings.is_empty());
    let text = format!("\u{feff}{:#}\r\n", payload("PostToolUse"));
    assert!(matches!(read(text).outcome, HookOutcome::Event(_)));
    let text = format!("{0}\n{0}", payload("PostToolUse"));
    assert_eq!(read(text).warnings, ["more text follows the payload; it was not read"]);
}

#[test]
fn logs_are_read_as_arrays_lines_and_single_payloads() {
    let second = with(payload("PostToolUseFailure"), "tool_use_id", json!("toolu_2"));
    let quiet = payload("PreToolUse");
    let array = json!([payload("PostToolUse"), quiet, second]);
    let as_lines = format!("{}\n{quiet}\n{second}", payload("PostToolUse"));
    let pretty_values = format!("{:#}\n{quiet:#}\n{second:#}\n", payload("PostToolUse"));
    for text in [array.to_string(), format!("{array:#}"), as_lines, pretty_values] {
        let (events, summary) = import_text(&text);
        assert_eq!(events.len(), 2, "{text}");
        assert_eq!((events[0].outcome, events[1].outcome), (Outcome::Success, Outcome::Failure));
        assert_eq!((events[0].time, events[0].source), (now(), Source::Import));
        assert_eq!(events[0].id, EventId::global(&AgentName::claude_code(), "toolu_1"));
        assert!(summary.skipped.is_empty(), "{:?}", summary.skipped);
    }
    assert_eq!(import_text(format!("{:#}", payload("PostToolUse"))).0.len(), 1);
}

#[test]
fn entries_without_call_ids_are_told_apart_by_occurrence() {
    let entry = with(payload("PostToolUse"), "tool_use_id", json!(null));
    let other = with(entry.clone(), "tool_name", json!("Read"));
    let ids = |log: &Value| import_text(log.to_string()).0.iter().map(|event| event.id).collect::<Vec<_>>();
    let first = ids(&json!([entry, other, entry]));
    assert_eq!(first.iter().collect::<std::collections::HashSet<_>>().len(), 3);
    // The same log, grown meanwhile: what was there keeps its ids.
    assert_eq!(ids(&json!([entry, other, entry, entry]))[..3], first);
    let elsewhere = with(entry, "session_id", json!("s2"));
    assert_ne!(ids(&json!([elsewhere]))[0], first[0]);
}

#[test]
fn a_sessions_first_folder_is_its_project() {
    let at = |session: &str, cwd: &str, event: &str| {
        with(with(payload(event), "cwd", json!(cwd)), "session_id", json!(session))
    };
    let log = json!([
        at("s1", "/a", "SessionStart"),
        at("s1", "/a/below", "PostToolUse"),
        at("s2", "/b", "PostToolUse"),
        at("s1", "/c", "PostToolUse"),
    ]);
    let paths: Vec<_> = import_text(log.to_string())
        .0
        .into_iter()
        .map(|event| event.project.and_then(|p| p.path).map(|p| p.to_string()).unwrap())
        .collect();
    assert_eq!(paths, ["/a", "/b", "/a"]);
}

#[test]
fn bad_entries_are_counted_and_passed_over() {
    let nameless = with(payload("PostToolUse"), "tool_name", json!(5));
    let text = format!("[{}, 7, {nameless}, {{\"oops\": }}, {}", payload("PostToolUse"), payload("PermissionDenied"));
    let (events, summary) = import_text(&text);
    assert_eq!(events.len(), 2);
    let expected = [
        ("a JSON array without its end", 1),
        ("not a JSON object", 1),
        ("not valid JSON", 1),
        ("tool_name is not a string", 1),
    ];
    assert_eq!(skipped(&summary), expected);
    assert_eq!(summary.examples[0], "test, entry 2: not a JSON object");
    let (_, summary) = import_text(format!("[{}] trailing", payload("PostToolUse")));
    assert_eq!(skipped(&summary), [("text after the end of a JSON array", 1)]);
    let (_, summary) = import_text(format!("[{}, {{\"hook_ev", payload("PostToolUse")));
    assert_eq!(skipped(&summary), [("a JSON array without its end", 1), ("cut-off last entry", 1)]);
}
