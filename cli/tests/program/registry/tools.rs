//! `tools`: the registry with use and status.

use serde_json::{Value, json};

use super::{calls, field, furnish, minutes_ago, write};
use crate::support::{ENGINES, Place, answer};

fn tools(place: &Place, db: &str, more: &[&str]) -> Value {
    place.run(&[&["--db", db, "--json", "tools"], more].concat()).json()
}

fn tool(told: &Value, name: &str) -> Value {
    let tools = told["tools"].as_array().unwrap();
    tools.iter().find(|tool| tool["tool"] == name).unwrap_or_else(|| panic!("no {name}: {told}")).clone()
}

#[test]
fn a_project_has_its_own_and_everybodys_and_never_anothers() {
    for engine in ENGINES {
        let place = Place::new();
        furnish(&place);
        let db = format!("{}", place.path(&format!("home/usage.{engine}")).display());
        place.run(&["--db", &db, "scan"]).done();
        let now = minutes_ago(5);
        place.import(
            &db,
            &calls(&place, "home/work", &[("Bash", "success", &now), ("mcp__github__get_issue", "failure", &now)]),
        );
        place.import(
            &db,
            &calls(&place, "home/other", &[("mcp__theirs__act", "success", &now), ("Bash", "success", &now)]),
        );
        let told = tools(&place, &db, &[]);
        let mut names = field(&told["tools"], "tool");
        names.sort();
        let expected =
            ["/deploy", "Bash", "Skill(pdf)", "Skill(review)", "mcp__github", "mcp__github__get_issue", "mcp__sentry"];
        assert_eq!(names, expected, "{engine}");
        let bash = tool(&told, "Bash");
        assert_eq!((&bash["uses"], &bash["kind"], &bash["status"]), (&json!(1), &json!("built_in"), &json!("active")));
        let deploy = tool(&told, "/deploy");
        assert_eq!(deploy["uses"], 0);
        assert_eq!((&deploy["last_used"], &deploy["source"]), (&json!(null), &json!(".claude/commands/deploy.md")));
        assert_eq!(tool(&told, "mcp__github__get_issue")["server"], "github");

        std::fs::create_dir_all(place.path("home/other")).unwrap();
        let other = tools(&place, &db, &["--project", "../other"]);
        let mut names = field(&other["tools"], "tool");
        names.sort();
        assert_eq!(names, ["Bash", "Skill(pdf)", "mcp__sentry", "mcp__theirs__act"], "{engine}");
        let all = tools(&place, &db, &["--all"]);
        assert_eq!(all["tools"].as_array().unwrap().len(), 8);
        assert_eq!((&all["project"], &tool(&all, "Bash")["uses"]), (&json!(null), &json!(2)));
    }
}

#[test]
fn servers_whose_names_hold_two_underscores_have_their_tools() {
    let place = Place::new();
    let servers = |names: &[&str]| {
        let servers: serde_json::Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), json!({"command": "x"}))).collect();
        write(&place, ".claude.json", &json!({"mcpServers": servers}).to_string());
        place.run(&["--db", "usage.db", "scan"]).done();
    };
    servers(&["dbl__srv", "Sentry (prod)"]);
    let now = minutes_ago(5);
    let calls = calls(
        &place,
        "home/work",
        &[("mcp__dbl__srv__query", "success", &now), ("mcp__Sentry__prod___issues", "success", &now)],
    );
    place.import("usage.db", &calls);
    let told = tools(&place, "usage.db", &[]);
    for (server, name, shown) in [
        ("mcp__dbl__srv", "mcp__dbl__srv__query", "dbl__srv"),
        ("mcp__Sentry__prod_", "mcp__Sentry__prod___issues", "Sentry (prod)"),
    ] {
        let (server, brought) = (tool(&told, server), tool(&told, name));
        assert_eq!((&server["uses"], &server["server"]), (&json!(1), &json!(shown)));
        assert_eq!((&brought["server"], &brought["scope"]), (&json!(shown), &json!("user")));
    }
    let text = place.run(&["--db", "usage.db", "context"]).done().stdout;
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines, ["- mcp__Sentry__prod_: issues", "- mcp__dbl__srv: query"], "{text}");
    servers(&["Sentry (prod)"]);
    let told = tools(&place, "usage.db", &[]);
    assert_eq!(tool(&told, "mcp__dbl__srv__query")["removed"], true);
    assert_eq!(tool(&told, "mcp__Sentry__prod___issues")["removed"], false);
}

#[test]
fn the_status_says_why() {
    let place = Place::new();
    furnish(&place);
    place.run(&["--db", "usage.db", "scan"]).done();
    std::fs::remove_file(place.path("home/work/.claude/commands/deploy.md")).unwrap();
    place.run(&["--db", "usage.db", "scan"]).done();
    let recent: Vec<String> = (0..5).map(minutes_ago).collect();
    let failing: Vec<_> = recent.iter().map(|time| ("Edit", "failure", time.as_str())).collect();
    place.import("usage.db", &calls(&place, "home/work", &failing));
    place.import("usage.db", &calls(&place, "home/work", &[("Glob", "success", "2026-01-05T10:00:00Z")]));
    let told = tools(&place, "usage.db", &[]);
    let status = |name: &str| {
        let tool = tool(&told, name);
        ["status", "removed", "unseen", "demoted"].map(|key| tool[key].clone())
    };
    assert_eq!(status("/deploy"), [json!("stale"), json!(true), json!(false), json!(false)]);
    assert_eq!(status("Edit"), [json!("demoted"), json!(false), json!(false), json!(true)]);
    assert_eq!(status("Glob"), [json!("stale"), json!(false), json!(true), json!(false)]);
    assert_eq!(status("Skill(pdf)"), [json!("active"), json!(false), json!(false), json!(false)]);
    assert!(tool(&told, "/deploy")["removed_at"].is_string());
    assert_eq!(tool(&told, "Glob")["unseen_since"], "2026-01-05T10:00:00Z");
    let text = place.run(&["--db", "usage.db", "tools"]).done().stdout;
    for told in ["stale: removed just now", "demoted: fails too often", "stale: unseen since 2026-01-05"] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn text_and_json_agree_on_probation() {
    let place = Place::new();
    let (rested, long_ago) = (minutes_ago(8 * 24 * 60), minutes_ago(31 * 24 * 60));
    // Equal lines are told apart by their text.
    let failing = |tool: &str, time: &str| -> String {
        let lines = (0..3).map(|n| {
            let path = place.path("home/work");
            let line = json!({"v": 1, "tool": tool, "outcome": "failure", "time": time, "path": path, "session": n.to_string()});
            format!("{line}\n")
        });
        lines.collect()
    };
    place.import("usage.db", &(failing("Edit", &rested) + &failing("Glob", &long_ago)));
    let told = tools(&place, "usage.db", &[]);
    let text = place.run(&["--db", "usage.db", "tools"]).done().stdout;
    for (name, status, unseen) in [("Edit", "active", false), ("Glob", "stale", true)] {
        let tool = tool(&told, name);
        let expected = (&json!(status), &json!(unseen), &json!(true));
        assert_eq!((&tool["status"], &tool["unseen"], &tool["probation"]), expected, "{name}");
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains(&format!("{status}: on probation")), "{line}");
    }
}

#[test]
fn what_is_turned_off_here_is_offered_everywhere_else() {
    for engine in ENGINES {
        let place = Place::new();
        let folder = ".claude/plugins/cache/off/context7";
        write(&place, &format!("{folder}/commands/docs.md"), "");
        let install = json!([{"scope": "user", "installPath": place.path("home").join(folder)}]);
        let installed = json!({"version": 2, "plugins": {"context7@off": install}});
        write(&place, ".claude/plugins/installed_plugins.json", &installed.to_string());
        let plugin = |is_on: bool| json!({"enabledPlugins": {"context7@off": is_on}}).to_string();
        write(&place, ".claude/settings.json", &plugin(true));
        let state = |off: &[&str]| {
            let project = json!({"disabledMcpServers": off});
            json!({"mcpServers": {"sentry": {}}, "projects": {place.path("home/work").to_str().unwrap(): project}})
        };
        write(&place, ".claude.json", &state(&["sentry"]).to_string());
        write(&place, "work/.claude/settings.json", &plugin(false));
        let db = place.path(&format!("home/usage.{engine}"));
        let db = db.to_str().unwrap();
        let text = place.run(&["--db", db, "scan"]).done().stdout;
        assert!(text.starts_with("3 came, 0 changed, 2 went") && text.contains("turned off"), "{engine}: {text}");
        let now = minutes_ago(5);
        place.import(db, &calls(&place, "home/tmp", &[("mcp__sentry__find", "success", &now)]));
        let offered = ["/context7:docs", "context7@off", "mcp__sentry", "mcp__sentry__find"];
        let removed = |folder: &str| -> Vec<bool> {
            let told = tools(&place, db, &["--project", place.path(folder).to_str().unwrap()]);
            offered.iter().map(|name| tool(&told, name)["removed"].as_bool().unwrap()).collect()
        };
        let context = |folder: &str| {
            place.run(&["--db", db, "context", "--project", place.path(folder).to_str().unwrap()]).done().stdout
        };
        assert_eq!((removed("home/work"), removed("home/tmp")), (vec![true; 4], vec![false; 4]), "{engine}");
        assert_eq!(context("home/work"), "", "{engine}");
        assert!(context("home/tmp").contains("mcp__sentry") && context("home/tmp").contains("/context7:docs"));
        let text = place.run(&["--db", db, "tools"]).done().stdout;
        assert!(text.contains("stale: turned off in this project"), "{engine}: {text}");
        // What was printed can be read back.
        let lines = place.run(&["--db", db, "events"]).done().stdout;
        let copy = format!("{db}.copy.{engine}");
        place.import(&copy, &lines);
        assert_eq!(place.run(&["--db", &copy, "events"]).done().stdout, lines, "{engine}");

        write(&place, ".claude.json", &state(&[]).to_string());
        write(&place, "work/.claude/settings.json", "{}");
        let text = place.run(&["--db", db, "scan"]).done().stdout;
        assert!(text.starts_with("2 came, 0 changed, 0 went") && text.contains("turned on"), "{engine}: {text}");
        assert_eq!(removed("home/work"), [false; 4], "{engine}");
        // What is gone altogether is not turned on by that.
        write(&place, ".claude.json", &state(&["sentry"]).to_string());
        place.run(&["--db", db, "scan"]).done();
        write(&place, ".claude.json", "{}");
        let text = place.run(&["--db", db, "scan"]).done().stdout;
        assert!(text.starts_with("0 came, 0 changed, 2 went") && !text.contains("turned on"), "{engine}: {text}");
    }
}

#[test]
fn where_nothing_is_known_it_says_what_to_do() {
    let place = Place::new();
    let told = place.run(&["tools"]).done();
    assert!(told.stdout.contains("tooltally scan") && told.stdout.contains("import"), "{}", told.stdout);
    assert_eq!(tools(&place, "usage.db", &[])["tools"], json!([]));
    place.run(&["tools", "--all", "--project", "."]).failed(2);
    assert!(place.run(&["tools", "--project", "nowhere"]).failed(1).contains("no project is called"));
    assert!(!place.path("home/data/tooltally/usage.db").exists());
}

#[test]
fn a_project_that_was_only_scanned_is_known_by_its_name() {
    let place = Place::new();
    furnish(&place);
    let db = place.path("home/usage.db");
    place.run(&["--db", db.to_str().unwrap(), "scan"]).done();
    let mut command = place.command(&["--db", db.to_str().unwrap(), "--json", "tools", "--project", "work"]);
    let told = answer(command.current_dir(place.path("home/tmp")).spawn().unwrap()).json();
    assert_eq!(told["tools"].as_array().unwrap().len(), 5);
    assert_eq!(told["path"].as_str().unwrap(), place.path("home/work").to_str().unwrap());
}

#[test]
fn a_folder_that_is_there_is_meant_before_a_project_that_ends_like_it() {
    let place = Place::new();
    write(&place, "work/app/.claude/commands/here.md", "");
    let now = minutes_ago(5);
    place.import("usage.db", &calls(&place, "elsewhere/app", &[("mcp__theirs__act", "success", &now)]));
    // The very text that names the folder, as a path of its own.
    place.import(
        "usage.db",
        &json!({"v": 1, "tool": "mcp__odd__act", "outcome": "success", "time": now, "path": "app"}).to_string(),
    );
    for text in ["app", "app/", "./app"] {
        let told = tools(&place, "usage.db", &["--project", text]);
        assert_eq!(told["tools"], json!([]), "{text}");
        assert_eq!(told["path"].as_str().unwrap(), place.path("home/work/app").to_str().unwrap(), "{text}");
    }
    for text in ["app", "app/"] {
        let scanned = place.run(&["--db", "usage.db", "--json", "scan", "--project", text]).json();
        let told = tools(&place, "usage.db", &["--project", text]);
        assert_eq!((&told["project"], &told["path"]), (&scanned["project"], &scanned["path"]), "{text}");
        assert_eq!(field(&told["tools"], "tool"), ["/here"], "{text}");
        assert_eq!(place.stats("usage.db", &["--project", text])["events"], 0, "{text}");
    }
    // Where no such folder is, names of known projects count.
    std::fs::remove_dir_all(place.path("home/work/app")).unwrap();
    place.import("other.db", &calls(&place, "elsewhere/app", &[("mcp__theirs__act", "success", &now)]));
    assert_eq!(field(&tools(&place, "other.db", &["--project", "app/"])["tools"], "tool"), ["mcp__theirs__act"]);
}

#[test]
fn names_from_outside_reach_no_terminal_raw() {
    let place = Place::new();
    write(&place, "work/.claude/commands/a\u{202e}b.md", "---\ndescription: x\n---\n");
    let told = place.run(&["--db", "usage.db", "scan"]).done().stdout;
    assert!(told.contains(r"/a\u{202e}b") && !told.contains('\u{202e}'), "{told}");
    let told = place.run(&["--db", "usage.db", "tools"]).done().stdout;
    assert!(told.contains(r"/a\u{202e}b") && !told.contains('\u{202e}'), "{told}");
}
