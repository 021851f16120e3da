//! `context`: what a session is told as it starts, and that it starts in any case.

use serde_json::{Value, json};

use super::{calls, field, furnish, minutes_ago, write};
use crate::support::{Answer, ENGINES, Place, answer, feed};

fn payload(folder: &std::path::Path) -> String {
    json!({"session_id": "s1", "transcript_path": "/t", "cwd": folder, "hook_event_name": "SessionStart",
        "source": "startup"})
    .to_string()
}

fn prepared(db: &str) -> Place {
    let place = Place::new();
    furnish(&place);
    place.run(&["--db", db, "scan"]).done();
    let now = minutes_ago(1);
    let mut made = vec![("Bash", "success", now.as_str()), ("mcp__github__get_issue", "success", now.as_str())];
    made.extend([("Edit", "failure", now.as_str()); 5].iter().copied());
    // Equal lines are told apart by their text: each has an instant of its own.
    let times: Vec<String> = (2..7).map(minutes_ago).collect();
    made.extend([("LS", "success", "2026-01-05T10:00:00Z"), ("mcp__sentry__find", "success", "2026-01-05T10:00:00Z")]);
    made.extend(times.iter().map(|time| ("Edit", "failure", time.as_str())));
    place.import(db, &calls(&place, "home/work", &made));
    place
}

fn context(place: &Place, db: &str, more: &[&str]) -> Answer {
    place.run(&[&["--db", db, "context"], more].concat()).done()
}

#[test]
fn the_tools_at_hand_are_told_within_the_budget() {
    for engine in ENGINES {
        let db = format!("usage.{engine}");
        let place = prepared(&db);
        let whole = context(&place, &db, &["--budget", "10000"]).stdout;
        for told in [
            "- Bash\n",
            "- mcp__github: get_issue\n",
            "- /deploy: Ships to staging\n",
            "- Skill(pdf): Reads PDF files\n",
            "- Edit [demoted: fails often]\n",
            "- mcp__sentry: find [stale]\n",
        ] {
            assert!(whole.contains(told), "{engine}: {told}: {whole}");
        }
        assert!(!whole.contains("- LS"), "what was used long ago alone may be no more: {whole}");
        for budget in [0, 1, 60, 100, 150, 200, 500] {
            let text = context(&place, &db, &["--budget", &budget.to_string()]).stdout;
            assert!(text.chars().count() <= budget, "{budget}: {text}");
            assert!(text.is_empty() || text.ends_with('\n'), "{budget}: {text}");
            let mut left = whole.lines();
            assert!(text.lines().all(|line| left.any(|next| next == line)), "whole lines in their order: {text}");
        }
        assert!(context(&place, &db, &[]).stdout.chars().count() <= 500);
        std::fs::remove_file(place.path("home/work/.claude/commands/deploy.md")).unwrap();
        place.run(&["--db", &db, "scan"]).done();
        let text = context(&place, &db, &[]).stdout;
        assert!(!text.contains("/deploy"), "what was removed is not at hand: {text}");
    }
}

#[test]
fn scripts_get_the_text_with_what_it_is_about() {
    for engine in ENGINES {
        let db = format!("usage.{engine}");
        let place = prepared(&db);
        let text = context(&place, &db, &["--budget", "200"]).stdout;
        let work = place.path("home/work");
        let id = tooltally::ProjectId::of_path(work.to_str().unwrap()).to_string();
        let expected = json!({"project": id, "path": work, "budget": 200, "text": text});
        assert_eq!(context(&place, &db, &["--budget", "200", "--json"]).json(), expected, "{engine}");
        assert_eq!(context(&place, &db, &["--budget", "200", "--json", "--project", "."]).json(), expected, "{engine}");
        let nothing = context(&place, &format!("none.{engine}"), &["--json"]).json();
        assert_eq!(nothing, json!({"project": id, "path": work, "budget": 500, "text": ""}), "{engine}");
    }
}

#[test]
fn what_is_not_at_hand_leaves_the_order_of_the_rank() {
    let place = Place::new();
    let db = "usage.db";
    let servers = |names: &[&str]| {
        let servers: serde_json::Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), json!({"command": "x"}))).collect();
        write(&place, ".claude.json", &json!({"mcpServers": servers}).to_string());
        place.run(&["--db", db, "scan"]).done();
    };
    servers(&["srv", "gone"]);
    let tools = ["mcp__gone__x"; 150].into_iter().chain(["mcp__srv__q"; 20]).chain(["Bash"; 30]);
    let times: Vec<String> = (1..=200).rev().map(minutes_ago).collect();
    let made: Vec<_> = tools.zip(&times).map(|(tool, time)| (tool, "success", time.as_str())).collect();
    place.import(db, &calls(&place, "home/work", &made));
    servers(&["srv"]);
    let ranked = field(&place.run(&["--db", db, "--json", "rank"]).json()["rows"], "name");
    let at_hand: Vec<String> = ranked.into_iter().filter(|name| name != "mcp__gone").collect();
    assert_eq!(at_hand, ["Bash", "mcp__srv"]);
    let text = context(&place, db, &[]).stdout;
    let told: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("- ")).collect();
    assert_eq!(told, ["Bash", "mcp__srv: q"]);
}

#[test]
fn a_payload_tells_the_project_unless_one_is_named() {
    let db = "usage.db";
    let place = prepared(db);
    let db = place.path("home/work/usage.db");
    let db = db.to_str().unwrap();
    let run = |arguments: &[&str], folder: &str, stdin: String, project_dir: Option<&str>| {
        let mut command = place.command(&[&["--db", db, "context"], arguments].concat());
        command.current_dir(place.path(folder));
        if let Some(folder) = project_dir {
            command.env("CLAUDE_PROJECT_DIR", place.path(folder));
        }
        answer(feed(&mut command, stdin)).done().stdout
    };
    let (work, tmp) = (place.path("home/work"), place.path("home/tmp"));
    let is_work = |text: &str| text.contains("/deploy");
    assert!(is_work(&run(&[], "home/tmp", payload(&work), None)));
    assert!(is_work(&run(&["--hook"], "home/tmp", payload(&work), None)));
    assert!(!is_work(&run(&[], "home/work", payload(&tmp), None)));
    assert!(is_work(&run(&["--project", "../work"], "home/tmp", payload(&tmp), None)));
    assert!(is_work(&run(&[], "home/work", String::new(), None)), "no payload");
    assert!(is_work(&run(&[], "home/work", "{\"cwd\": \"/nowhere\"}".to_owned(), None)), "no payload of a hook");
    assert!(is_work(&run(&["--hook"], "home/work", "{\"hook_event_name\":".to_owned(), None)), "half a payload");
    // A session that was started in a folder below is the project's.
    assert!(is_work(&run(&["--hook"], "home/tmp", payload(&tmp), Some("home/work"))));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&work, place.path("home/link")).unwrap();
        assert!(is_work(&run(&["--hook"], "home/tmp", payload(&place.path("home/link")), None)));
    }
}

#[test]
fn a_stdin_that_stays_open_is_not_waited_for() {
    let place = prepared("usage.db");
    let mut command = place.command(&["--db", "usage.db", "context"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let _kept_open = child.stdin.take().unwrap();
    assert!(answer(child).done().stdout.contains("/deploy"));
}

#[test]
fn where_nothing_is_known_nothing_is_said() {
    let place = Place::new();
    for arguments in [&["context"][..], &["context", "--hook"], &["--db", "x.redb", "context", "--hook"]] {
        let told = place.run(arguments).done();
        assert_eq!((told.stdout, told.stderr), (String::new(), String::new()), "{arguments:?}");
    }
    assert!(!place.path("home/data/tooltally/usage.db").exists() && !place.path("home/work/x.redb").exists());
    place.import(
        "usage.db",
        "{\"v\":1,\"tool\":\"mcp__a__b\",\"outcome\":\"success\",\"time\":\"2026-01-01T00:00:00Z\",\"path\":\"/a\"}",
    );
    assert_eq!(context(&place, "usage.db", &[]).stdout, "");
}

#[test]
fn a_hook_says_its_troubles_on_stderr_and_lets_the_session_start() {
    let place = prepared("usage.db");
    std::fs::write(place.path("home/work/broken.db"), "no store at all\n".repeat(100)).unwrap();
    std::fs::create_dir(place.path("home/work/folder.redb")).unwrap();
    let troubles: [&[&str]; 6] = [
        &["--db", "broken.db", "context", "--hook"],
        &["--db", "folder.redb", "context", "--hook"],
        &["--db", "sqlite:", "context", "--hook"],
        &["context", "--hook", "--budget", "much"],
        &["context", "--nonsense", "--hook"],
        &["--db", "usage.db", "context", "--hook", "--project", "nowhere"],
    ];
    for arguments in troubles {
        let told = place.run_with(arguments, payload(&place.path("home/work"))).done();
        assert_eq!(told.stdout, "", "{arguments:?}");
        assert!(told.stderr.contains("error") && !told.stderr.contains("panicked"), "{arguments:?}: {}", told.stderr);
    }
    // A person is told by the exit code too.
    place.run(&["--db", "broken.db", "context"]).failed(1);
    place.run(&["context", "--budget", "much"]).failed(2);
    place.run(&["context", "--budget=-1"]).failed(2);
}

#[test]
fn a_store_that_others_hold_does_not_keep_a_session_waiting() {
    for engine in ENGINES {
        let db = format!("usage.{engine}");
        let place = prepared(&db);
        let path = place.path("home/work").join(&db);
        let started = std::time::Instant::now();
        let held = crate::hook::Holder::of(&path);
        let told = place.run_with(&["--db", &db, "context", "--hook"], payload(&place.path("home/work"))).done();
        drop(held);
        // Whoever only reads is served beside a writer, where the engine can.
        assert!(told.stdout.contains("/deploy") || told.stderr.contains("busy"), "{engine}: {told:?}");
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "the agent's own limit");
    }
}

#[test]
fn names_break_neither_text_nor_terminal() {
    let place = Place::new();
    write(&place, "work/.claude/commands/a\u{202e}b.md", "---\ndescription: \"x\\ny \\e[2J\"\n---\n");
    write(&place, "work/.claude/commands/c.md", "---\ndescription: \"one\\n- Fake: \\u001b[2J\\u202e\"\n---\n");
    place.run(&["--db", "usage.db", "scan"]).done();
    let text = context(&place, "usage.db", &[]).stdout;
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains(r"- /a\u{202e}b") && !text.contains(['\u{202e}', '\u{1b}']), "{text}");
    assert!(text.contains("- /c: one - Fake: [2J"), "{text}");
}

fn settings(place: &Place) -> Value {
    serde_json::from_str(&std::fs::read_to_string(place.path("home/.claude/settings.json")).unwrap()).unwrap()
}

#[test]
fn install_connects_it_beside_the_hooks_and_uninstall_takes_it_out() {
    let place = prepared("mine.redb");
    let dry = place.run(&["--db", "mine.redb", "install", "claude-code", "--context", "--dry-run"]).done().stdout;
    assert!(dry.contains("SessionStart") && dry.contains("\"context\""), "{dry}");
    assert!(!place.path("home/.claude/settings.json").exists());
    let told = place.run(&["--db", "mine.redb", "--json", "install", "claude-code", "--context"]).json();
    assert_eq!(told["events"].as_array().unwrap().last().unwrap(), "SessionStart");
    let entry = settings(&place)["hooks"]["SessionStart"][0].clone();
    assert_eq!(entry.get("matcher"), None);
    let entry = entry["hooks"][0].clone();
    let db = format!("redb:{}", place.path("home/work/mine.redb").display());
    assert_eq!(entry["args"], json!(["--db", db, "context", "--hook"]));
    // The entry does what it is for.
    let arguments: Vec<&str> = entry["args"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
    let mut command = place.command(&arguments);
    command.current_dir(place.path("home/tmp"));
    let told = answer(feed(&mut command, payload(&place.path("home/work")))).done();
    assert!(told.stdout.contains("/deploy"), "{told:?}");
    let before = settings(&place);
    assert!(
        place
            .run(&["--db", "mine.redb", "install", "claude-code", "--context"])
            .done()
            .stdout
            .contains("nothing to change")
    );
    assert_eq!(settings(&place), before);
    // Without the option it is kept up, not taken away.
    place.run(&["install", "claude-code"]).done();
    assert_eq!(settings(&place)["hooks"]["SessionStart"][0]["hooks"][0]["args"], json!(["context", "--hook"]));
    place.run(&["uninstall", "claude-code"]).done();
    assert_eq!(settings(&place), json!({}));
    place.run(&["uninstall", "claude-code", "--context"]).failed(2);
}
