//! A canary stands wherever an input has what is private, in sound inputs and in damaged ones; then every byte that
//! was written anywhere is searched for it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Answer, ENGINES, Place, answer, feed, files_below};

const CANARY: &str = "cAnArY";

/// Something private in every shape that JSON has, its keys too.
fn private() -> Value {
    json!({CANARY: CANARY, "command": format!("echo {CANARY}"), "list": [CANARY, {"deep": CANARY}], "number": 7})
}

/// Adds fields that nobody knows.
fn with_unknown(mut value: Value) -> Value {
    let object = value.as_object_mut().unwrap();
    object.insert(format!("{CANARY}-key"), private());
    object.insert("unknown".to_owned(), json!(CANARY));
    value
}

/// A payload of every event that an agent sends.
fn hook_payloads() -> Vec<Value> {
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
fn transcript_lines() -> Vec<Value> {
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
fn event_lines() -> Vec<Value> {
    let line = json!({"v": 1, "tool": "Bash", "outcome": "success", "time": "2026-03-01T10:00:00Z",
        "tool_input": private(), "tool_response": CANARY, "error": CANARY});
    vec![with_unknown(line)]
}

/// The same objects with each field in turn of another type or value, all of them private.
fn with_wrong_fields(value: &Value) -> Vec<Value> {
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
fn damaged(text: &str) -> Vec<Vec<u8>> {
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

#[track_caller]
fn search(place: &Place, answers: &[Answer]) {
    for file in files_below(&place.path("home")) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
        assert!(!found && !file.to_string_lossy().contains(CANARY), "{} holds what is private", file.display());
    }
    for answer in answers {
        assert!(!answer.stdout.contains(CANARY), "on stdout: {}", answer.stdout);
        assert!(!answer.stderr.contains(CANARY), "on stderr: {}", answer.stderr);
        assert!(!answer.stderr.contains("panicked"), "{}", answer.stderr);
    }
}

/// Runs the program with every diagnostic on.
fn loud(place: &Place, arguments: &[&str], stdin: &[u8]) -> Answer {
    answer(feed(place.command(arguments).env("TOOLTALLY_LOG", "trace"), stdin))
}

/// What every question answers.
fn ask(place: &Place, db: &str) -> Vec<Answer> {
    let questions: [&[&str]; 5] =
        [&["stats"], &["--json", "stats", "--by", "session"], &["stats", "--by", "project"], &["events"], &["verify"]];
    let ask = |question: &[&str]| loud(place, &[&["--db", db], question].concat(), b"");
    questions.into_iter().map(ask).collect()
}

#[test]
fn nothing_private_stays_of_a_hooks_payload() {
    let place = Place::new();
    let sound = hook_payloads();
    let mut inputs: Vec<Vec<u8>> = sound.iter().map(|payload| payload.to_string().into_bytes()).collect();
    inputs.extend(with_wrong_fields(&sound[1]).iter().map(|payload| payload.to_string().into_bytes()));
    inputs.extend(damaged(&sound[1].to_string()));
    inputs.push(json!(CANARY).to_string().into_bytes());
    inputs.push(json!([private()]).to_string().into_bytes());
    for engine in ENGINES {
        let db = format!("usage.{engine}");
        // The same into a store that does not take them: into the spool and the log.
        let blocked = place.path(&format!("home/blocked-{engine}"));
        std::fs::write(&blocked, "").unwrap();
        let spooled = blocked.join(&db);
        let mut answers = Vec::new();
        for (number, input) in inputs.iter().enumerate() {
            // Both for some, since each is a process.
            let db = if number % 3 == 0 { spooled.to_str().unwrap() } else { &db };
            answers.push(loud(&place, &["--db", db, "hook"], input));
        }
        assert!(answers.iter().all(|answer| answer.code == Some(0)));
        search(&place, &answers);
        std::fs::remove_file(&blocked).unwrap();
        let taken_in = loud(&place, &["--db", spooled.to_str().unwrap(), "import", "-"], b"");
        assert!(taken_in.stderr.contains("took in"), "{}", taken_in.stderr);
        answers.push(taken_in);
        answers.extend(ask(&place, &db));
        assert!(place.uses(&db) > 0 && place.uses(spooled.to_str().unwrap()) > 0);
        search(&place, &answers);
    }
}

/// Writes each input as a file of its own, outside of what is searched.
fn files(place: &Place, inputs: &[Vec<u8>]) -> PathBuf {
    let folder = place.path("inputs");
    std::fs::create_dir_all(&folder).unwrap();
    for (number, input) in inputs.iter().enumerate() {
        std::fs::write(folder.join(format!("{number:04}.jsonl")), input).unwrap();
    }
    folder
}

fn lines(values: &[Value]) -> Vec<u8> {
    values.iter().flat_map(|value| [value.to_string(), "\n".to_owned()]).collect::<String>().into_bytes()
}

fn import(place: &Place, folder: &Path) {
    for engine in ENGINES {
        let db = format!("usage.{engine}");
        let mut answers = vec![
            loud(place, &["--db", &db, "import", folder.to_str().unwrap()], b""),
            loud(place, &["--db", &db, "--json", "import", folder.to_str().unwrap()], b""),
        ];
        assert!(answers.iter().all(|answer| answer.code == Some(0)), "{answers:?}");
        answers.extend(ask(place, &db));
        assert!(place.uses(&db) > 0);
        search(place, &answers);
    }
}

#[test]
fn nothing_private_stays_of_transcripts_logs_and_lines() {
    let place = Place::new();
    let mut inputs = Vec::new();
    for values in [hook_payloads(), transcript_lines(), event_lines()] {
        inputs.push(lines(&values));
        inputs.push(json!(values).to_string().into_bytes());
        let wrong: Vec<Value> = values.iter().flat_map(with_wrong_fields).collect();
        inputs.push([lines(&values), lines(&wrong)].concat());
        for value in &values {
            for damaged in damaged(&value.to_string()) {
                inputs.push([lines(&values), damaged].concat());
            }
        }
        inputs.extend(damaged(&json!(values).to_string()));
    }
    // What is no known format at all.
    inputs.push(format!("{CANARY}\n").repeat(100).into_bytes());
    inputs.push(lines(&[private(), json!(CANARY)]));
    import(&place, &files(&place, &inputs));
}

#[test]
fn nothing_private_stays_of_a_predecessors_database() {
    let place = Place::new();
    let folder = files(&place, &[]);
    let database = folder.join("predecessor.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .execute_batch(&format!(
            "CREATE TABLE tool_usage_events (id INTEGER PRIMARY KEY AUTOINCREMENT, tool_name TEXT NOT NULL,
                session_id TEXT, project_hash TEXT, success INTEGER NOT NULL DEFAULT 1,
                created_at TEXT NOT NULL DEFAULT (datetime('now')), tool_input TEXT DEFAULT '{CANARY}',
                {CANARY} TEXT DEFAULT '{CANARY}');
             CREATE TABLE secrets (text TEXT);
             INSERT INTO secrets VALUES ('{CANARY}');
             INSERT INTO tool_usage_events (tool_name, session_id, project_hash, success, created_at) VALUES
                ('Bash', 's1', '0123456789abcdef', 1, '2026-05-01 12:00:00'),
                ('Bash', 's1', '{CANARY}', 1, '2026-05-01 12:00:00'),
                ('Bash', 's1', NULL, '{CANARY}', '2026-05-01 12:00:00'),
                ('Bash', 's1', NULL, 1, '{CANARY}'),
                ('Bash', '{CANARY}' || char(7), NULL, 1, '2026-05-01 12:00:00'),
                ('{CANARY}' || char(27), 's1', NULL, 1, '2026-05-01 12:00:00'),
                (x'{hex}', 's1', NULL, 1, '2026-05-01 12:00:00');",
            hex = "63416e417259"
        ))
        .unwrap();
    drop(connection);
    let bytes = std::fs::read(&database).unwrap();
    // Damaged ones: cut, and with a schema of other bytes.
    std::fs::write(folder.join("cut.db"), &bytes[..bytes.len() / 2]).unwrap();
    let mut other = bytes.clone();
    other[100..140].fill(0xa5);
    std::fs::write(folder.join("other.db"), other).unwrap();
    std::fs::write(folder.join("with-journal.db"), &bytes).unwrap();
    std::fs::write(folder.join("with-journal.db-wal"), CANARY.repeat(1000)).unwrap();
    import(&place, &folder);
}

#[test]
fn nothing_private_stays_of_an_agents_settings() {
    let place = Place::new();
    let path = place.path("home/.claude/settings.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    for text in [format!("{{\"env\": {{\"KEY\": \"{CANARY}\"}}, "), format!("{{\"hooks\": \"{CANARY}\"}}")] {
        std::fs::write(&path, &text).unwrap();
        let answers = ["install", "uninstall"].map(|command| loud(&place, &[command, "claude-code"], b""));
        std::fs::remove_file(&path).unwrap();
        search(&place, &answers);
    }
}
