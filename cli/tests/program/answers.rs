//! What `stats` and `events` answer, for people and for scripts.

use crate::support::{ENGINES, HISTORY, Place, answer, feed};
use serde_json::{Value, json};

#[test]
fn stats_has_the_promised_shape_on_both_engines() {
    for engine in ENGINES {
        let place = Place::new();
        let db = format!("usage.{engine}");
        place.import(&db, HISTORY);
        let expected = json!({
            "from": null, "to": null, "timezone": "UTC", "events": 4,
            "rows": [
                {"tool": "Bash", "uses": 3, "success": 1, "failure": 1, "interrupted": 1, "rejected": 0, "invalid": 0,
                 "first_used": "2026-03-01T10:00:00Z", "last_used": "2026-03-03T00:00:00Z",
                 "duration_ms": {"measured": 1, "mean": 12.345, "p50": 12.345, "p95": 12.345, "max": 12.345}},
                {"tool": "Read", "uses": 1, "success": 0, "failure": 0, "interrupted": 0, "rejected": 1, "invalid": 0,
                 "first_used": "2026-03-02T10:00:00Z", "last_used": "2026-03-02T10:00:00Z",
                 "duration_ms": {"measured": 0, "mean": null, "p50": null, "p95": null, "max": null}},
            ],
            "spool": {"waiting": 0}
        });
        let mut stats = place.stats(&db, &[]);
        // A quantile is within 2 % of the exact value.
        for name in ["p50", "p95"] {
            let value = stats["rows"][0]["duration_ms"][name].as_f64().unwrap();
            assert!((value - 12.345).abs() <= 12.345 * 0.02, "{value}");
            stats["rows"][0]["duration_ms"][name] = json!(12.345);
        }
        assert_eq!(stats, expected);
        let keys: Vec<&String> = stats.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["from", "to", "timezone", "events", "rows", "spool"]);
    }
}

fn column(stats: &Value, name: &str) -> Vec<(Value, u64)> {
    let rows = stats["rows"].as_array().unwrap();
    rows.iter().map(|row| (row[name].clone(), row["uses"].as_u64().unwrap())).collect()
}

#[test]
fn rows_are_about_what_was_asked() {
    let place = Place::new();
    place.import("usage.db", HISTORY);
    let by = |what: &str| place.stats("usage.db", &["--by", what]);
    assert_eq!(column(&by("session"), "session"), [(json!("s1"), 2), (json!(null), 1), (json!("s2"), 1)]);
    assert_eq!(by("session")["rows"][0]["path"], "/nowhere/work/app");
    assert_eq!(by("session")["rows"][1]["project"], json!(null));
    let projects = by("project");
    assert_eq!(
        column(&projects, "path"),
        [(json!("/nowhere/work/app"), 2), (json!(null), 1), (json!("/nowhere/home/app"), 1)]
    );
    assert_eq!(projects["rows"][0]["project"].as_str().unwrap().len(), 16);
    assert_eq!(
        column(&by("day"), "day"),
        [(json!("2026-03-01"), 2), (json!("2026-03-02"), 1), (json!("2026-03-03"), 1)]
    );
    assert_eq!(column(&by("hour"), "hour")[1], (json!("2026-03-01T23:00:00Z"), 1));
}

#[test]
fn days_are_those_of_the_zone_that_was_asked_for() {
    let place = Place::new();
    place.import("usage.db", HISTORY);
    let stats =
        place.run(&["--db", "usage.db", "--json", "stats", "--by", "day", "--timezone", "Europe/Berlin"]).json();
    assert_eq!(stats["timezone"], "Europe/Berlin");
    assert_eq!(column(&stats, "day"), [(json!("2026-03-01"), 1), (json!("2026-03-02"), 2), (json!("2026-03-03"), 1)]);
    // A bare date starts that day in `--since`, and includes it in `--until`.
    let filtered = ["--since", "2026-03-02", "--until", "2026-03-02", "--timezone", "Europe/Berlin"];
    let mut arguments = vec!["--db", "usage.db", "--json", "stats"];
    arguments.extend(filtered);
    let stats = place.run(&arguments).json();
    assert_eq!((&stats["from"], &stats["to"]), (&json!("2026-03-01T23:00:00Z"), &json!("2026-03-02T23:00:00Z")));
    assert_eq!(stats["events"], 2);
}

#[test]
fn filters_select() {
    let place = Place::new();
    place.import("usage.db", HISTORY);
    let events = |more: &[&str]| place.stats("usage.db", more)["events"].as_u64().unwrap();
    assert_eq!(events(&["--tool", "Bash"]), 3);
    assert_eq!(events(&["--tool", "Nothing"]), 0);
    assert_eq!(events(&["--session", "s1", "--until", "2026-03-01T23:30:00Z"]), 1);
    assert_eq!(events(&["--project", "work/app"]), 2);
    assert_eq!(events(&["--project", "/nowhere/home/app"]), 1);
    assert_eq!(events(&["--since", "1 hour ago"]), 0);
    assert_eq!(events(&["--since", "-7 days"]), 0);
    assert_eq!(events(&["--project", "."]), 0);
    let id = place.stats("usage.db", &["--by", "project"])["rows"][0]["project"].as_str().unwrap().to_owned();
    assert_eq!(events(&["--project", &id]), 2);
    assert_eq!(events(&["--project", &id[..8]]), 2);

    let told = place.run(&["--db", "usage.db", "stats", "--project", "app"]).failed(1);
    assert!(told.contains("work/app") && told.contains("home/app"), "{told}");
    let told = place.run(&["--db", "usage.db", "stats", "--project", "other"]).failed(1);
    assert!(told.contains("no project is called 'other'") && told.contains("work/app"), "{told}");
}

#[test]
fn a_project_may_be_named_by_the_folder_that_one_is_in() {
    let place = Place::new();
    let folder = place.path("home/work");
    let line = json!({"v": 1, "tool": "Bash", "outcome": "success", "time": "2026-03-01T10:00:00Z", "path": folder});
    place.import("usage.db", &format!("{HISTORY}{line}\n"));
    assert_eq!(place.stats("usage.db", &["--project", "."])["events"], 1);
    assert_eq!(place.stats("usage.db", &["--project", "../work"])["events"], 1);
}

#[test]
fn wrong_usage_exits_with_2_and_names_the_option() {
    let place = Place::new();
    let wrong: [(&[&str], &str); 8] = [
        (&["stats", "--since", "yesterdayish"], "--since"),
        (&["stats", "--since", "2026-03-02", "--until", "2026-02-01"], "--until"),
        (&["stats", "--since", "0001-01-01"], "--since"),
        (&["stats", "--timezone", "Europe/Atlantis"], "--timezone"),
        (&["stats", "--by", "colour"], "--by"),
        (&["stats", "--tool", ""], "--tool"),
        (&["--db", "redb:", "stats"], "--db"),
        (&["paint"], "paint"),
    ];
    for (arguments, named) in wrong {
        let answer = place.run(arguments);
        assert_eq!(answer.code, Some(2), "{arguments:?}");
        assert!(answer.stderr.contains(named), "{arguments:?}: {}", answer.stderr);
    }
}

#[test]
fn a_missing_store_is_an_empty_answer_that_says_how_to_fill_it() {
    for engine in ENGINES {
        let place = Place::new();
        let db = format!("usage.{engine}");
        let told = place.run(&["--db", &db, "stats"]).done().stdout;
        assert!(told.contains(&db) && told.contains("import"), "{told}");
        let stats = place.run(&["--db", &db, "--json", "stats", "--project", "app", "--since", "7d"]).json();
        assert_eq!((&stats["events"], &stats["rows"]), (&json!(0), &json!([])));
        let events = place.run(&["--db", &db, "events"]).done();
        assert_eq!(events.stdout, "");
        assert!(events.stderr.contains(&db), "{}", events.stderr);
        assert!(!place.path("home/work").join(&db).exists());
        let told = place.run(&["--db", &db, "verify"]).failed(1);
        assert!(told.contains("there is no store") && told.contains("hint:"), "{told}");
    }
}

#[test]
fn events_come_back_as_they_went() {
    let place = Place::new();
    place.import("usage.db", HISTORY);
    let events = place.run(&["--db", "usage.db", "events"]).done().stdout;
    let lines: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["position"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let keys: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "v",
            "position",
            "id",
            "tool",
            "session",
            "project",
            "path",
            "agent",
            "subagent",
            "outcome",
            "time",
            "duration_ms",
            "source",
            "attributes"
        ]
    );
    assert_eq!((&lines[0]["duration_ms"], &lines[1]["duration_ms"]), (&json!(12.345), &json!(null)));
    place.import("copy.redb", &events);
    assert_eq!(place.run(&["--db", "copy.redb", "events"]).done().stdout, events);
    assert_eq!(place.stats("copy.redb", &[]), place.stats("usage.db", &[]));
    let filtered = place.run(&["--db", "usage.db", "events", "--session", "s2"]).done().stdout;
    assert_eq!(filtered, format!("{}\n", events.lines().nth(2).unwrap()));
}

#[test]
fn a_piped_table_is_plain_and_aligned() {
    let place = Place::new();
    place.import("usage.db", HISTORY);
    for color in [None, Some("1")] {
        let mut command = place.command(&["--db", "usage.db", "--timezone", "UTC", "stats"]);
        if let Some(value) = color {
            command.env("CLICOLOR_FORCE", value);
        }
        let text = answer(command.spawn().unwrap()).done().stdout;
        assert!(!text.contains('\u{1b}') && !text.contains('█'), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "4 uses in 2 tools, 1 Mar 2026 to 3 Mar 2026 (UTC)");
        assert!(lines[2].starts_with("Tool   Uses   Share  Success  Failed  Stopped  Rejected"), "{text}");
        assert!(lines[4].starts_with("Bash      3  75.0 %   33.3 %       1        1         0  12."), "{text}");
        assert!(lines[7].starts_with("Total     4"), "{text}");
    }
}

#[test]
fn names_from_outside_cannot_break_the_table_and_stay_exact_in_json() {
    let place = Place::new();
    let name = "a\u{202e}b\u{200b}c\u{2028}工具";
    let line = json!({"v": 1, "tool": name, "outcome": "success", "time": "2026-03-01T10:00:00Z"});
    place.import("usage.db", &line.to_string());
    let text = place.run(&["--db", "usage.db", "stats"]).done().stdout;
    assert!(text.contains(r"a\u{202e}b\u{200b}c\u{2028}工具"), "{text}");
    assert_eq!(place.stats("usage.db", &[])["rows"][0]["tool"], name);
    assert_eq!(place.stats("usage.db", &["--tool", name])["events"], 1);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    let line = |n: u32| {
        let time = format!("2026-03-01T10:{:02}:{:02}Z", n / 60 % 60, n % 60);
        format!("{}\n", json!({"v": 1, "tool": "Bash", "outcome": "success", "time": time, "session": n.to_string()}))
    };
    place.import("usage.db", &(0..5000).map(line).collect::<String>());
    let mut child = place.command(&["--db", "usage.db", "events"]).spawn().unwrap();
    drop(child.stdout.take());
    let gone = answer(child).done();
    assert_eq!(gone.stderr, "");
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let place = Place::new();
    place.import("usage.db", HISTORY);
    for command in ["stats", "events"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let child = place.command(&["--db", "usage.db", command]).stdout(full).spawn().unwrap();
        let told = answer(child).failed(1);
        assert!(told.contains("cannot write to standard output"), "{told}");
    }
}

#[test]
fn maintenance_answers_in_words_and_in_json() {
    for engine in ENGINES {
        let place = Place::new();
        let db = format!("usage.{engine}");
        place.import(&db, HISTORY);
        let before = place.stats(&db, &[]);
        let json = |command: &str| place.run(&["--db", &db, "--json", command]).json();
        assert_eq!((&json("verify")["ok"], &json("verify")["events"]), (&json!(true), &json!(4)));
        assert_eq!(json("rebuild")["events"], 4);
        assert!(json("compact")["bytes_after"].as_u64().unwrap() > 0);
        for command in ["verify", "rebuild", "compact"] {
            assert!(place.run(&["--db", &db, command]).done().stdout.contains(&db));
        }
        assert_eq!(place.stats(&db, &[]), before);
    }
}

#[test]
fn verify_says_where_the_first_difference_is() {
    let place = Place::new();
    place.import("usage.db", HISTORY);
    let db = place.path("home/work/usage.db");
    let connection = rusqlite::Connection::open(&db).unwrap();
    let log: String = connection
        .query_row("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%log%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(connection.execute(&format!("DELETE FROM {log} WHERE rowid = 2"), []).unwrap(), 1);
    drop(connection);
    let answer = place.run(&["--db", "usage.db", "--json", "verify"]);
    let told: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(told["ok"], false);
    let place = told["place"].as_str().unwrap().to_owned();
    let text = answer.failed(1);
    assert!(!place.is_empty() && text.contains(&place), "{text}");
}

#[test]
fn help_teaches_and_names_the_store_in_use() {
    let place = Place::new();
    let help = place.run(&["--help"]).done().stdout;
    for part in ["Examples:", "usage.db", "TOOLTALLY_DB", "import", "install"] {
        assert!(help.contains(part), "{part} in {help}");
    }
    let child = feed(place.command(&["-h"]).env("TOOLTALLY_DB", "redb:elsewhere.redb"), "");
    assert!(answer(child).done().stdout.contains("redb:elsewhere.redb"));
    assert!(place.run(&["import", "--help"]).done().stdout.contains("last change"));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.run(&["completions", shell]).done().stdout;
        assert!(script.contains("tooltally") && script.contains("budget"), "{shell}: {script}");
        // What an agent alone says is offered to nobody.
        let is_offered = ["--hook", "-l hook", "Run by an agent"].iter().any(|hidden| script.contains(hidden));
        assert!(!is_offered, "{shell}: {script}");
    }
}

#[test]
fn the_environment_names_the_store_and_an_empty_name_is_none() {
    let place = Place::new();
    let run = |value: &str| {
        let child = feed(place.command(&["--json", "import", "-"]).env("TOOLTALLY_DB", value), HISTORY);
        answer(child).json()
    };
    assert_eq!(run("mine.redb")["new"], 4);
    assert_eq!(place.uses("mine.redb"), 4);
    assert_eq!(run("")["new"], 4);
    assert!(place.path("home/data/tooltally/usage.db").exists());
}

/// What settings offer stands in the log beside calls, comes back as it was, and counts nowhere.
#[test]
fn registry_events_are_printed_and_read_back() {
    let registry = [
        r#"{"v":1,"event":"tool_discovered","tool":"mcp__github","kind":"mcp_server","scope":"user","source":"~/.claude.json","description":"issues","time":"2026-03-01T08:00:00Z"}"#,
        r#"{"v":1,"event":"tool_removed","tool":"mcp__github","time":"2026-03-01T09:00:00Z"}"#,
        r#"{"v":1,"event":"tool_renamed","tool":"mcp__github","time":"2026-03-01T09:00:00Z"}"#,
    ];
    for engine in ENGINES {
        let (place, db) = (Place::new(), format!("usage.{engine}"));
        place.import(&db, HISTORY);
        let imported = place.run_with(&["--db", &db, "--json", "import", "-"], registry.join("\n")).json();
        assert_eq!((&imported["new"], &imported["events"]), (&json!(2), &json!(2)));
        let reason = "event is of a kind that this program does not know";
        assert_eq!(imported["skipped"], json!({reason: 1}));
        assert_eq!(place.uses(&db), 4);
        let lines = |db: &str, more: &[&str]| {
            let arguments = [&["--db", db, "events"], more].concat();
            place.run(&arguments).done().stdout
        };
        let all = lines(&db, &[]);
        assert_eq!(all.lines().count(), 6);
        let of_tool = lines(&db, &["--tool", "mcp__github"]);
        assert_eq!(of_tool.lines().count(), 2);
        assert!(of_tool.contains(r#""event":"tool_discovered","tool":"mcp__github","kind":"mcp_server""#), "{of_tool}");
        assert_eq!(lines(&db, &["--tool", "mcp__github", "--session", "s1"]), "");
        let copy = format!("copy.{engine}");
        place.import(&copy, &all);
        assert_eq!(lines(&copy, &[]), all);
    }
}
