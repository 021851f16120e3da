//! A canary stands wherever an input has what is private, in sound inputs and in damaged ones; then every byte that
//! was written anywhere is searched for it: stores and their write-ahead logs, spools, the log of hooks' troubles,
//! what was told, and every diagnostic.

mod imports;
mod inputs;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Answer, ENGINES, Place, answer, feed, files_below};
use inputs::{damaged, hook_payloads, with_wrong_fields};

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

/// Searches everything below the home and every answer. The files that are named by their ends must be among what is
/// searched, and hold something: else the search would prove nothing of them.
#[track_caller]
fn search(place: &Place, answers: &[Answer], expected: &[&str]) {
    let files: Vec<PathBuf> = files_below(&place.path("home"));
    for end in expected {
        let is_there = |file: &PathBuf| file.to_string_lossy().ends_with(end) && file.metadata().unwrap().len() > 0;
        assert!(files.iter().any(is_there), "no {end} was there to be searched: {files:?}");
    }
    for file in files {
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
    let questions: [&[&str]; 7] = [
        &["stats"],
        &["--json", "stats", "--by", "session"],
        &["stats", "--by", "project"],
        &["events"],
        &["verify"],
        &["doctor"],
        &["--json", "doctor", "--verify"],
    ];
    let ask = |question: &[&str]| loud(place, &[&["--db", db], question].concat(), b"");
    questions.into_iter().map(ask).collect()
}

/// Whether a diagnostic was told by any of them.
fn told(answers: &[Answer], diagnostic: &str) -> bool {
    answers.iter().any(|answer| answer.stderr.contains(diagnostic))
}

#[test]
fn nothing_private_stays_of_a_hooks_payload() {
    let sound = hook_payloads();
    let mut inputs: Vec<Vec<u8>> = sound.iter().map(|payload| payload.to_string().into_bytes()).collect();
    inputs.extend(with_wrong_fields(&sound[1]).iter().map(|payload| payload.to_string().into_bytes()));
    inputs.extend(damaged(&sound[1].to_string()));
    inputs.push(json!(CANARY).to_string().into_bytes());
    inputs.push(json!([private()]).to_string().into_bytes());
    for engine in ENGINES {
        let place = Place::new();
        let open = place.path(&format!("home/usage.{engine}"));
        // The same into two stores that do not take them: one whose calls and log stand beside it, since a folder is
        // in its place, and one whose folder cannot be made.
        let closed = place.path(&format!("home/closed.{engine}"));
        std::fs::create_dir(&closed).unwrap();
        let blocked = place.path("home/blocked");
        std::fs::write(&blocked, "").unwrap();
        let far = blocked.join(format!("usage.{engine}"));
        let stores = [&open, &closed, &far].map(|db| db.to_str().unwrap());
        let mut answers = Vec::new();
        for db in stores {
            answers.extend(inputs.iter().map(|input| loud(&place, &["--db", db, "hook"], input)));
        }
        assert!(answers.iter().all(|answer| answer.code == Some(0) && answer.stdout.is_empty()));
        // The diagnostics that could tell something private are there to be searched.
        for diagnostic in ["nothing to record", "session_id is", "the call waits in", "the payload is cut off"] {
            assert!(told(&answers, diagnostic), "{diagnostic}");
        }
        let wal: &[&str] = if engine == "db" { &["usage.db-wal"] } else { &[] };
        search(&place, &answers, &[&[".hook.log", ".jsonl", &format!("usage.{engine}")], wal].concat());
        std::fs::remove_dir(&closed).unwrap();
        std::fs::remove_file(&blocked).unwrap();
        for db in stores {
            let taken_in = loud(&place, &["--db", db, "import", "-"], b"");
            assert_eq!(taken_in.stderr.contains("took in"), db != stores[0], "{}", taken_in.stderr);
            answers.push(taken_in);
            // Each of the three holds the same calls: those with an id once, those without as often as they came.
            assert_eq!(place.uses(db), HOOK_CALLS, "{db}");
            answers.extend(ask(&place, db));
        }
        search(&place, &answers, &[]);
    }
}

/// The calls in the hooks' payloads: two with an id and three without among the sound ones, and five more of the first
/// one whose id is another, or none.
const HOOK_CALLS: u64 = 10;

/// Wherever a scan reads, beside what it takes.
fn furnish_privately(place: &Place) {
    let write = |name: &str, text: &str| {
        let path = place.path(&format!("furniture/{name}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let server = json!({"type": "stdio", "command": CANARY, "args": [CANARY], "env": {"TOKEN": CANARY},
        "headers": {"Authorization": CANARY}, "url": format!("https://{CANARY}"), CANARY: private()});
    let servers = |name: &str| json!({name: server, format!("{name}-odd"): CANARY});
    write("work/.mcp.json", &json!({"mcpServers": servers("github"), "other": private()}).to_string());
    let work = place.path("furniture/work");
    let of_project = json!({"mcpServers": servers("local"), "history": [CANARY], "allowedTools": [CANARY]});
    write(
        "state.json",
        &json!({"mcpServers": servers("sentry"), "oauthAccount": private(),
            "projects": {format!("/{CANARY}"): {"mcpServers": servers(CANARY)}, work.to_str().unwrap(): of_project}})
        .to_string(),
    );
    let markdown = |description: &str| format!("---\nmodel: {CANARY}\n{description}\n---\n{CANARY}\n");
    write("work/.claude/commands/go.md", &markdown("description: Goes"));
    write("work/.claude/commands/quote.md", &markdown(&format!("description: \"{CANARY}")));
    write("work/.claude/commands/list.md", &markdown(&format!("description: [{CANARY}]")));
    write("work/.claude/commands/open.md", &format!("---\ndescription: {CANARY}"));
    write("work/.claude/skills/review/SKILL.md", &markdown("name: review"));
    write(
        "work/.claude/settings.local.json",
        &format!("{{\"env\": {{\"KEY\": \"{CANARY}\"}}, \"enabledPlugins\": \"{CANARY}\"}}"),
    );
    let plugin = place.path("furniture/plugin");
    write(
        "plugin/.claude-plugin/plugin.json",
        &json!({"name": "tools", "author": private(), "mcpServers": servers("inline")}).to_string(),
    );
    write("plugin/.mcp.json", &servers("bare").to_string());
    write("plugin/commands/plug.md", &markdown("description: Plugs"));
    write(
        "claude/plugins/installed_plugins.json",
        &json!({"plugins": {"tools@team": [{"scope": "user", "installPath": plugin, "gitCommitSha": CANARY}]}})
            .to_string(),
    );
    write("claude/settings.json", &json!({"apiKeyHelper": CANARY, "enabledPlugins": {"tools@team": true}}).to_string());
    std::fs::rename(place.path("furniture/state.json"), place.path("furniture/claude/.claude.json")).unwrap();
}

#[test]
fn nothing_private_stays_of_what_a_scan_reads() {
    for engine in ENGINES {
        let place = Place::new();
        furnish_privately(&place);
        let db = place.path(&format!("home/usage.{engine}"));
        let in_furniture = |arguments: &[&str]| {
            let mut command = place.command(&[&["--db", db.to_str().unwrap()], arguments].concat());
            command.env("TOOLTALLY_LOG", "trace").env("CLAUDE_CONFIG_DIR", place.path("furniture/claude"));
            answer(command.current_dir(place.path("furniture/work")).spawn().unwrap()).done()
        };
        let mut answers = vec![in_furniture(&["--json", "scan"])];
        for tool in [
            "/go",
            "/quote",
            "Skill(review)",
            "mcp__github",
            "mcp__local",
            "mcp__sentry",
            "mcp__plugin_tools_inline",
            "mcp__plugin_tools_bare",
            "/tools:plug",
            "front matter has no end",
            "is a text, not an object",
        ] {
            assert!(answers[0].stdout.contains(tool), "{tool}: {}", answers[0].stdout);
        }
        for file in [
            "work/.mcp.json",
            "claude/.claude.json",
            "claude/settings.json",
            "plugin/.mcp.json",
            "plugin/.claude-plugin/plugin.json",
            "claude/plugins/installed_plugins.json",
        ] {
            let path = place.path(&format!("furniture/{file}"));
            let whole = std::fs::read_to_string(&path).unwrap();
            let middle = whole.find(CANARY).unwrap() + CANARY.len();
            std::fs::write(&path, &whole[..middle]).unwrap();
            answers.push(in_furniture(&["scan"]));
            assert!(answers.last().unwrap().stderr.contains("is not valid JSON"), "{file}");
            std::fs::write(&path, whole).unwrap();
        }
        for question in
            [&["tools"][..], &["--json", "tools"], &["--json", "rank"], &["context"], &["events"], &["doctor"]]
        {
            let mut command = place.command(&[&["--db", db.to_str().unwrap()], question].concat());
            command.env("TOOLTALLY_LOG", "trace").current_dir(place.path("furniture/work"));
            answers.push(answer(command.spawn().unwrap()));
        }
        search(&place, &answers, &[&format!("usage.{engine}")]);
    }
}

#[test]
fn nothing_private_stays_of_an_agents_settings() {
    let place = Place::new();
    let path = place.path("home/.claude/settings.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let ours = json!([{"hooks": [{"type": "command", "command": "tooltally", "args": ["hook"]}]}]);
    for text in [
        format!("{{\"env\": {{\"KEY\": \"{CANARY}\"}}, "),
        format!("{{\"hooks\": \"{CANARY}\"}}"),
        format!("{{\"hooks\": {{\"Stop\": [{{\"matcher\": [\"{CANARY}\"], \"hooks\": []}}]}}}}"),
        json!({"env": {"KEY": CANARY}, "apiKeyHelper": CANARY, "hooks": {"PostToolUse": ours,
            "Stop": [{"hooks": [{"type": "command", "command": format!("echo {CANARY}"), "args": [CANARY]}]}]}})
        .to_string(),
    ] {
        std::fs::write(&path, &text).unwrap();
        let commands: [&[&str]; 4] =
            [&["doctor"], &["--json", "doctor"], &["install", "claude-code"], &["uninstall", "claude-code"]];
        let answers = commands.map(|command| loud(&place, command, b""));
        // The person's own file keeps what is theirs, and so does its backup.
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        search(&place, &answers, &[]);
    }
}
