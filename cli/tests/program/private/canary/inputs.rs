//! Inputs of every format, with a canary wherever they hold what is private; sound, with wrong fields, and damaged.

use serde_json::{Value, json};

use super::{CANARY, private, with_unknown};

/// A payload of every event that an agent sends.
pub(super) fn hook_payloads() -> Vec<Value> {
    let base = json!({"session_id": "s1", "transcript_path": format!("/{CANARY}.jsonl"), "cwd": "/nowhere/app",
        "permission_mode": CANARY, "prompt_id": CANARY, "effort": CANARY, "agent_id": CANARY});
    let events = [
        ("PreToolUse", json!({"tool_name": "Bash", "tool_input": private(), "tool_use_id": "toolu_1"})),
        (
            "PostToolUse",
            json!({"tool_name": "Bash", "tool_input": private(), "tool_response": private(),
            "tool_use_id": "toolu_1", "duration_ms": 12}),
        ),
        ("PostToolUse", json!({"tool_name": "Read", "tool_input": CANARY, "tool_response": CANARY})),
        ("PostToolUse", json!({"tool_name": "Read", "tool_input": {}, "tool_response": [CANARY, private()]})),
        (
            "PostToolUseFailure",
            json!({"tool_name": "Bash", "tool_input": private(), "tool_use_id": "toolu_2",
            "error": CANARY, "is_interrupt": false}),
        ),
        ("PermissionDenied", json!({"tool_name": "Bash", "tool_input": private(), "reason": CANARY})),
        ("UserPromptSubmit", json!({"prompt": CANARY})),
        ("Notification", json!({"message": CANARY, "title": CANARY})),
        ("SessionStart", json!({"source": CANARY})),
        ("SessionEnd", json!({"reason": CANARY})),
        ("Stop", json!({"last_assistant_message": CANARY})),
        ("SomethingNew", json!({"content": private()})),
    ];
    let mut payloads = Vec::new();
    for (event, fields) in events {
        let mut payload = base.clone();
        let object = payload.as_object_mut().unwrap();
        object.insert("hook_event_name".to_owned(), json!(event));
        object.extend(fields.as_object().unwrap().clone());
        payloads.push(with_unknown(payload));
    }
    payloads
}

/// Transcript lines with a canary in everything that is said, given and answered.
pub(super) fn transcript_lines() -> Vec<Value> {
    let base = json!({"sessionId": "s1", "cwd": "/nowhere/app", "timestamp": "2026-03-01T10:00:00Z", "uuid": "u"});
    let mut lines = vec![json!({"type": "summary", "summary": CANARY}), json!({"type": CANARY, "content": private()})];
    for (kind, content, more) in [
        ("user", json!(CANARY), json!({})),
        (
            "assistant",
            json!([{"type": "thinking", "thinking": CANARY}, {"type": "text", "text": CANARY},
            {"type": "tool_use", "id": "toolu_3", "name": "Bash", "input": private()},
            {"type": "tool_use", "id": "toolu_4", "name": "Read", "input": CANARY},
            {"type": CANARY, "data": private()}]),
            json!({}),
        ),
        (
            "user",
            json!([{"type": "tool_result", "tool_use_id": "toolu_3", "content": CANARY, "is_error": true}]),
            json!({"toolUseResult": CANARY}),
        ),
        (
            "user",
            json!([{"type": "tool_result", "tool_use_id": "toolu_4",
            "content": [{"type": "text", "text": CANARY}, private()]}]),
            json!({"toolUseResult": private()}),
        ),
        ("user", json!([{"type": "tool_result", "content": CANARY}]), json!({})),
    ] {
        let mut line = base.clone();
        let object = line.as_object_mut().unwrap();
        object.insert("type".to_owned(), json!(kind));
        object.insert("message".to_owned(), with_unknown(json!({"id": "m", "model": "opus", "content": content})));
        object.extend(more.as_object().unwrap().clone());
        lines.push(with_unknown(line));
    }
    lines
}

/// Our own lines with fields that nobody knows.
pub(super) fn event_lines() -> Vec<Value> {
    let line = json!({"v": 1, "tool": "Bash", "outcome": "success", "time": "2026-03-01T10:00:00Z",
        "tool_input": private(), "tool_response": CANARY, "error": CANARY});
    vec![with_unknown(line)]
}

/// The same objects with each field in turn of another type or value, all of them private.
pub(super) fn with_wrong_fields(value: &Value) -> Vec<Value> {
    let mut wrong = Vec::new();
    for key in value.as_object().unwrap().keys() {
        for bad in [private(), json!([CANARY]), json!(CANARY), json!(format!("{CANARY}\u{7}\u{1b}[31m")), json!(null)] {
            // What is text by its nature is stored as such: there a sound text is no canary.
            let is_kept = matches!(key.as_str(), "session_id" | "sessionId" | "cwd" | "tool_name" | "tool" | "path");
            if is_kept && bad == json!(CANARY) {
                continue;
            }
            let mut changed = value.clone();
            changed[key] = bad;
            wrong.push(changed);
        }
    }
    wrong
}

/// The text cut, with bytes that are no UTF-8, with a brace too few, and with something long.
pub(super) fn damaged(text: &str) -> Vec<Vec<u8>> {
    let mut damaged: Vec<Vec<u8>> = (1..12).map(|part| text.as_bytes()[..text.len() * part / 12].to_vec()).collect();
    damaged.push(text.replacen('}', "", 1).into_bytes());
    damaged.push(text.replacen(CANARY, &format!("{CANARY}\u{0}"), 1).into_bytes());
    damaged.push(text.replacen(':', CANARY, 1).into_bytes());
    let mut bytes = text.as_bytes().to_vec();
    if let Some(at) = text.find(CANARY) {
        bytes.splice(at..at, [0xff, 0xfe]);
    }
    damaged.push(bytes);
    damaged.push(text.replacen(CANARY, &CANARY.repeat(400_000), 1).into_bytes());
    damaged
}
