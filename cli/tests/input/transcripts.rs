//! Transcripts: calls matched with their results.

use serde_json::{Value, json};
use tooltally::{AgentName, EventId, Outcome, Project, SessionId, Source, ToolDuration};

use crate::{import_paths, import_text, skipped};

/// A line of an assistant that calls `Bash` with this call id.
fn call(id: &str, seconds: u32) -> Value {
    json!({"type": "assistant", "sessionId": "s1", "cwd": "/home/dev/app", "isSidechain": false,
        "timestamp": format!("2026-05-01T10:00:{seconds:02}.250Z"),
        "message": {"model": "claude-x", "content": [{"type": "tool_use", "id": id, "name": "Bash", "input": {}}]}})
}

/// A line with a call's result.
fn result(id: &str, seconds: u32) -> Value {
    json!({"type": "user", "sessionId": "s1", "cwd": "/home/dev/app/below", "isSidechain": false,
        "timestamp": format!("2026-05-01T10:00:{seconds:02}.500Z"),
        "message": {"content": [{"type": "tool_result", "tool_use_id": id, "content": "done"}]}})
}

fn with(mut line: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    line.pointer_mut(parent).unwrap()[key] = value;
    line
}

fn lines(lines: &[Value]) -> String {
    lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n") + "\n"
}

const RESULT: &str = "/message/content/0";

#[test]
fn a_finished_call_becomes_an_event() {
    let (events, summary) = import_text(lines(&[call("toolu_1", 1), result("toolu_1", 3)]));
    let [event] = events.as_slice() else { panic!("{events:?}") };
    let agent = AgentName::claude_code();
    assert_eq!(event.id, EventId::global(&agent, "toolu_1"));
    assert_eq!(event.tool.as_str(), "Bash");
    assert_eq!(event.outcome, Outcome::Success);
    assert_eq!(event.time.to_string(), "2026-05-01T10:00:03.5Z");
    assert_eq!(event.session, Some(SessionId::new("s1").unwrap()));
    assert_eq!(event.project, Some(Project::from_path("/home/dev/app").unwrap()));
    assert_eq!(event.agent, Some(agent));
    assert_eq!(event.subagent, None);
    assert_eq!(event.duration, None);
    assert_eq!(event.source, Source::Transcript);
    assert_eq!(event.attributes.iter().collect::<Vec<_>>(), [("model", "claude-x")]);
    assert_eq!((summary.files, summary.events, summary.pending), (1, 1, 0));
    assert!(summary.skipped.is_empty() && summary.notes.is_empty());
}

#[test]
fn results_are_classified() {
    for (is_error, content, expected) in [
        (json!(null), json!("x"), Outcome::Success),
        (json!(false), json!("<tool_use_error>"), Outcome::Success),
        (json!(true), json!("Exit code 1"), Outcome::Failure),
        (json!(true), json!([]), Outcome::Failure),
        (json!(true), json!("<tool_use_error>no such tool"), Outcome::Invalid),
        (json!(true), json!([{"type": "text", "text": "[Request interrupted by user"}]), Outcome::Interrupted),
        (json!(true), json!([{"text": "Permission to"}, {"image": 1}, {"text": "use Bash"}]), Outcome::Rejected),
        (json!(true), json!({"text": "<tool_use_error>"}), Outcome::Failure),
    ] {
        let line = with(result("toolu_1", 2), &format!("{RESULT}/is_error"), is_error);
        let line = with(line, &format!("{RESULT}/content"), content.clone());
        let (events, _) = import_text(lines(&[call("toolu_1", 1), line]));
        assert_eq!(events[0].outcome, expected, "{content}");
    }
}

#[test]
fn only_the_tools_own_time_is_a_duration() {
    for (tool_use_result, expected) in [
        (json!({"durationMs": 12}), Some(12_000)),
        (json!({"totalDurationMs": 7.5}), Some(7_500)),
        (json!({"durationMs": 1, "totalDurationMs": 2}), Some(1_000)),
        (json!({"durationMs": -1, "totalDurationMs": 2}), Some(2_000)),
        (json!({"durationMs": "soon"}), None),
        (json!("text"), None),
        (json!([{"durationMs": 1}]), None),
    ] {
        let line = with(result("toolu_1", 2), "/toolUseResult", tool_use_result.clone());
        let (events, _) = import_text(lines(&[call("toolu_1", 1), line]));
        assert_eq!(events[0].duration.map(ToolDuration::as_micros), expected, "{tool_use_result}");
    }
    // Two results share a line: the duration is of one of them, unknown which.
    let both =
        json!([{"type": "tool_result", "tool_use_id": "toolu_1"}, {"type": "tool_result", "tool_use_id": "toolu_2"}]);
    let line = with(with(result("", 3), "/message/content", both), "/toolUseResult", json!({"durationMs": 5}));
    let (events, _) = import_text(lines(&[call("toolu_1", 1), call("toolu_2", 2), line]));
    assert_eq!(events.iter().map(|e| e.duration).collect::<Vec<_>>(), [None, None]);
}

#[test]
fn subagents_are_told_by_type_else_as_sidechains() {
    let sidechain = |line| with(line, "/isSidechain", json!(true));
    let typed = |line, name: &str| with(sidechain(line), "/agentType", json!(name));
    let subagents = |all: &[Value]| -> Vec<Option<String>> {
        import_text(lines(all)).0.iter().map(|e| e.subagent.as_ref().map(ToString::to_string)).collect()
    };
    let some = |name: &str| Some(name.to_owned());
    assert_eq!(subagents(&[sidechain(call("toolu_1", 1)), sidechain(result("toolu_1", 2))]), [some("sidechain")]);
    assert_eq!(subagents(&[typed(call("toolu_1", 1), "Explore"), sidechain(result("toolu_1", 2))]), [some("Explore")]);
    // The type that one line of the file gives is the file's.
    let all = [typed(call("toolu_0", 1), "Explore"), sidechain(call("toolu_1", 2)), sidechain(result("toolu_1", 3))];
    assert_eq!(subagents(&all), [some("Explore")]);
    // The agent's own calls, beside those of a subagent.
    let all = [typed(call("toolu_0", 1), "Explore"), call("toolu_1", 2), result("toolu_1", 3)];
    assert_eq!(subagents(&all), [None]);
}

#[test]
fn a_result_may_stand_before_its_call() {
    let (events, summary) = import_text(lines(&[result("toolu_1", 3), call("toolu_1", 1)]));
    assert_eq!((events.len(), summary.pending), (1, 0));
    assert_eq!(events[0].time.to_string(), "2026-05-01T10:00:03.5Z");
    assert!(summary.skipped.is_empty());
}

#[test]
fn without_a_time_of_its_own_a_result_takes_its_calls() {
    let untimed = with(result("toolu_1", 3), "/timestamp", json!(null));
    let (events, _) = import_text(lines(&[call("toolu_1", 1), untimed.clone()]));
    assert_eq!(events[0].time.to_string(), "2026-05-01T10:00:01.25Z");
    let wrong = with(result("toolu_1", 3), "/timestamp", json!("1969-12-31T23:59:59Z"));
    let (events, _) = import_text(lines(&[call("toolu_1", 1), wrong.clone()]));
    assert_eq!(events[0].time.to_string(), "2026-05-01T10:00:01.25Z");

    let untimed_call = with(call("toolu_1", 1), "/timestamp", json!(null));
    let (events, summary) = import_text(lines(&[untimed_call.clone(), untimed]));
    assert!(events.is_empty());
    assert_eq!(skipped(&summary), [("timestamp is missing", 1)]);
    let (events, summary) = import_text(lines(&[untimed_call, wrong]));
    assert!(events.is_empty());
    assert_eq!(skipped(&summary), [("timestamp lies before 1970 or after 9999-12-30T22:00:00.999999Z", 1)]);
}

#[test]
fn a_call_that_never_finished_is_pending_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // `toolu_1` is open in a and finished in b; `toolu_2` is open in both; `toolu_3` finished in a, open in its copy.
    let a = [call("toolu_1", 1), call("toolu_2", 2), call("toolu_3", 3), result("toolu_3", 4)];
    let b = [call("toolu_1", 1), result("toolu_1", 2), call("toolu_2", 2), call("toolu_3", 3)];
    std::fs::write(path("a.jsonl"), lines(&a)).unwrap();
    std::fs::write(path("b.jsonl"), lines(&b)).unwrap();
    let (events, summary) = import_paths(&[folder.path().to_owned()]);
    assert_eq!((events.len(), summary.files, summary.pending), (2, 2, 1));
    assert!(summary.skipped.is_empty());
}

#[test]
fn history_that_stands_twice_gives_the_same_ids_and_nothing_pending() {
    let all =
        [call("toolu_1", 1), result("toolu_1", 2), call("toolu_1", 1), result("toolu_1", 2), result("toolu_1", 2)];
    let (events, summary) = import_text(lines(&all));
    assert_eq!(events.len(), 2);
    assert_eq!(events[0], events[1]);
    assert_eq!(summary.pending, 0);
    assert!(summary.skipped.is_empty(), "{:?}", summary.skipped);
}

#[test]
fn a_result_without_its_call_is_counted() {
    let (events, summary) = import_text(lines(&[result("toolu_1", 1), result("toolu_2", 1)]));
    assert!(events.is_empty());
    assert_eq!(skipped(&summary), [("a result without its call", 2)]);
    assert_eq!(summary.examples[0], "test:1: a result without its call");
}

#[test]
fn what_a_block_lacks_is_named() {
    for (line, reason) in [
        (with(call("x", 1), "/message/content/0/id", json!(null)), "tool_use id is missing"),
        (with(call("x", 1), "/message/content/0/id", json!(5)), "tool_use id is not a string"),
        (with(call("x", 1), "/message/content/0/name", json!(["secret"])), "tool_use name is not a string"),
        (with(call("x", 1), "/message/content/0/name", json!("")), "tool_use name is empty"),
        (with(call("x", 1), "/message/content/0/name", json!("a\u{7}b")), "tool_use name holds a control character"),
        (with(call("x", 1), "/message/content/0/name", json!("n".repeat(600))), "tool_use name is too long"),
        (with(call("x", 1), "/message/content/0/name", json!("n".repeat(1 << 20))), "tool_use name is too long"),
        (with(result("x", 1), &format!("{RESULT}/tool_use_id"), json!(null)), "tool_result tool_use_id is missing"),
    ] {
        let (events, summary) = import_text(lines(&[call("toolu_1", 1), result("toolu_1", 1), line]));
        assert_eq!(events.len(), 1);
        assert_eq!(skipped(&summary), [(reason, 1)]);
        assert_eq!(summary.examples, [format!("test:3: {reason}")]);
    }
}

#[test]
fn call_ids_that_repeat_are_told_apart_by_session() {
    let in_session = |session: &str| {
        let line = with(result("call_1", 2), "/sessionId", json!(session));
        import_text(lines(&[call("call_1", 1), line])).0[0].id
    };
    let session = SessionId::new("s2").unwrap();
    assert_eq!(in_session("s2"), EventId::in_session(&AgentName::claude_code(), &session, "call_1"));
    assert_ne!(in_session("s2"), in_session("s3"));
}

#[test]
fn the_project_is_the_files_first_folder_wherever_it_stands() {
    let bare = |line| with(line, "/cwd", json!(null));
    let all = [bare(call("toolu_1", 1)), bare(result("toolu_1", 2)), call("toolu_2", 3), result("toolu_2", 4)];
    let (events, _) = import_text(lines(&all));
    let project = Some(Project::from_path("/home/dev/app").unwrap());
    assert_eq!(events.iter().map(|e| e.project.clone()).collect::<Vec<_>>(), [project.clone(), project]);
    let (events, _) = import_text(lines(&[bare(call("toolu_1", 1)), bare(result("toolu_1", 2))]));
    assert_eq!(events[0].project, None);
    let windows = with(call("toolu_1", 1), "/cwd", json!("C:\\work\\app"));
    let (events, _) = import_text(lines(&[windows, result("toolu_1", 2)]));
    assert_eq!(events[0].project, Some(Project::from_path("C:\\work\\app").unwrap()));
}

#[test]
fn only_the_lines_own_message_counts() {
    // A subagent's progress repeats its messages inside another line.
    let progress = json!({"type": "progress", "uuid": "u", "data": {"message": call("toolu_9", 1)}});
    let plain = json!({"type": "user", "uuid": "u", "message": {"content": "plain text"}});
    let summary_line = json!({"type": "summary", "summary": "tool_use", "leafUuid": "u"});
    let unknown = json!({"type": "from-the-future", "uuid": "u", "message": 7});
    let (events, summary) =
        import_text(lines(&[summary_line, progress, plain, unknown, call("toolu_1", 1), result("toolu_1", 2)]));
    assert_eq!((events.len(), summary.pending), (1, 0));
    assert!(summary.skipped.is_empty(), "{:?}", summary.skipped);
}

#[test]
fn half_a_surrogate_pair_spoils_nothing() {
    let line = result("toolu_1", 2).to_string().replace("\"done\"", r#""cut \ud83d""#);
    let (events, summary) = import_text(format!("{}\n{line}\n", call("toolu_1", 1)));
    assert_eq!(events.len(), 1);
    assert!(summary.skipped.is_empty());
}

#[test]
fn wrong_optional_fields_are_left_out_and_noted() {
    let line = with(with(result("toolu_1", 2), "/sessionId", json!(5)), "/isSidechain", json!("yes"));
    let call = with(call("toolu_1", 1), "/message/model", json!("m".repeat(200)));
    let (events, summary) = import_text(lines(&[call, line]));
    assert_eq!(events[0].session, None);
    assert!(events[0].attributes.is_empty());
    let notes: Vec<_> = summary.notes.keys().map(String::as_str).collect();
    assert_eq!(
        notes,
        ["isSidechain is not true or false", "model does not fit an attribute", "sessionId is not a string"]
    );
}

#[test]
fn bad_lines_are_counted_and_passed_over() {
    let good = lines(&[call("toolu_1", 1), result("toolu_1", 2)]);
    let mut text = good.into_bytes();
    text.extend_from_slice(b"{\"type\": oops}\n\n\"text\"\n\0\0\0\n");
    text.extend_from_slice(b"{\"type\": \"user\", \"uuid\": \"\xff\"}\r\n");
    text.extend_from_slice(lines(&[call("toolu_2", 1), result("toolu_2", 2)]).as_bytes());
    text.extend_from_slice(br#"{"type": "user", "mess"#);
    let (events, summary) = import_text(text);
    assert_eq!(events.len(), 2);
    let expected = [("cut-off last line", 1), ("not a JSON object", 1), ("not valid JSON", 2), ("not valid UTF-8", 1)];
    assert_eq!(skipped(&summary), expected);
    assert_eq!(
        summary.examples,
        [
            "test:3: not valid JSON",
            "test:5: not a JSON object",
            "test:6: not valid JSON",
            "test:7: not valid UTF-8",
            "test:10: cut-off last line",
        ]
    );
}
