//! `scan`: differences alone are recorded, each once.

use serde_json::{Value, json};

use super::{field, furnish, write};
use crate::support::{ENGINES, Place, answer};

fn scan(place: &Place, db: &str, more: &[&str]) -> Value {
    place.run(&[&["--db", db, "--json", "scan"], more].concat()).json()
}

/// The registry events of a store: the word, and the tool.
fn events(place: &Place, db: &str) -> Vec<String> {
    let lines = place.run(&["--db", db, "events"]).done().stdout;
    let values = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    values
        .map(|line| format!("{} {}", line["event"].as_str().unwrap_or("use"), line["tool"].as_str().unwrap()))
        .collect()
}

#[test]
fn what_came_is_recorded_once_and_what_went_as_well() {
    for engine in ENGINES {
        let place = Place::new();
        furnish(&place);
        let db = format!("usage.{engine}");
        let told = scan(&place, &db, &[]);
        let expected = ["Skill(pdf)", "mcp__sentry", "/deploy", "Skill(review)", "mcp__github"];
        let mut tools = field(&told["discovered"], "tool");
        tools.sort();
        let mut sorted = expected.map(str::to_owned);
        sorted.sort();
        assert_eq!(tools, sorted, "{engine}: {told}");
        assert_eq!((&told["removed"], &told["unchanged"], &told["skipped"]), (&json!([]), &json!(0), &json!([])));
        let id = tooltally::ProjectId::of_path(place.path("home/work").to_str().unwrap()).to_string();
        assert_eq!(told["project"], json!(id));
        let found =
            |tool: &str| told["discovered"].as_array().unwrap().iter().find(|t| t["tool"] == tool).unwrap().clone();
        assert_eq!(
            found("/deploy"),
            json!({"tool": "/deploy", "kind": "slash_command", "scope": "project", "project": id,
                "source": ".claude/commands/deploy.md", "description": "Ships to staging", "server": null,
                "changed": false})
        );
        assert_eq!(
            found("mcp__sentry"),
            json!({"tool": "mcp__sentry", "kind": "mcp_server", "scope": "user", "project": null,
                "source": "~/.claude.json", "description": null, "server": "sentry", "changed": false})
        );

        let told = scan(&place, &db, &[]);
        assert_eq!((&told["discovered"], &told["removed"], &told["unchanged"]), (&json!([]), &json!([]), &json!(5)));
        assert_eq!(events(&place, &db).len(), 5, "{engine}");

        std::fs::remove_file(place.path("home/work/.mcp.json")).unwrap();
        write(&place, "work/.claude/commands/deploy.md", "---\ndescription: Ships\n---\n");
        let told = scan(&place, &db, &[]);
        assert_eq!(field(&told["discovered"], "tool"), ["/deploy"]);
        assert_eq!((&told["discovered"][0]["changed"], &told["unchanged"]), (&json!(true), &json!(3)));
        assert_eq!(field(&told["removed"], "tool"), ["mcp__github"]);
        assert_eq!(events(&place, &db)[5..], ["tool_discovered /deploy", "tool_removed mcp__github"], "{engine}");
        assert_eq!(place.uses(&db), 0, "registry events are no uses");
        place.run(&["--db", &db, "verify"]).done();
    }
}

#[test]
fn a_dry_run_tells_the_same_and_records_nothing() {
    let place = Place::new();
    furnish(&place);
    let told = scan(&place, "usage.db", &["--dry-run"]);
    assert_eq!(told["discovered"].as_array().unwrap().len(), 5);
    assert!(!place.path("home/work/usage.db").exists());
    let text = place.run(&["--db", "usage.db", "scan", "--dry-run"]).done().stdout;
    assert!(text.contains("5 came") && text.contains("Nothing was recorded") && text.contains("/deploy"), "{text}");
    scan(&place, "usage.db", &[]);
    std::fs::remove_file(place.path("home/work/.mcp.json")).unwrap();
    assert_eq!(field(&scan(&place, "usage.db", &["--dry-run"])["removed"], "tool"), ["mcp__github"]);
    assert_eq!(events(&place, "usage.db").len(), 5);
}

#[test]
fn where_there_is_nothing_no_store_is_made() {
    let place = Place::new();
    let told = place.run(&["--db", "usage.db", "scan"]).done().stdout;
    assert!(told.starts_with("0 came"), "{told}");
    assert!(!place.path("home/work/usage.db").exists());
}

#[test]
fn the_table_names_what_came_and_stderr_what_was_not_taken() {
    let place = Place::new();
    furnish(&place);
    write(&place, "work/.mcp.json", "{\"mcpServers\": {\"secret\"");
    let told = place.run(&["scan"]).done();
    assert!(told.stdout.starts_with("4 came, 0 changed, 0 went, 0 as before"), "{}", told.stdout);
    for word in ["/deploy", "came", "command", "project", ".claude/commands/deploy.md", "MCP server"] {
        assert!(told.stdout.contains(word), "{word}: {}", told.stdout);
    }
    assert_eq!(told.stderr, "not taken:\n  .mcp.json: is not valid JSON (line 1, column 24)\n");
    let told = place.run(&["--json", "scan"]).json();
    assert_eq!(told["skipped"], json!([{"path": ".mcp.json", "reason": "is not valid JSON (line 1, column 24)"}]));
}

#[test]
fn a_project_is_named_by_its_folder_and_nothing_else() {
    let place = Place::new();
    furnish(&place);
    let mut elsewhere = place.command(&["--db", "usage.db", "--json", "scan", "--project", "../work"]);
    let told = answer(elsewhere.current_dir(place.path("home/tmp")).spawn().unwrap()).json();
    assert_eq!(told["path"].as_str().unwrap(), place.path("home/work").to_str().unwrap());
    assert_eq!(told["discovered"].as_array().unwrap().len(), 5);
    for wrong in ["nowhere", "0011223344556677", ".mcp.json"] {
        let told = place.run(&["scan", "--project", wrong]).failed(1);
        assert!(told.contains("there is no folder"), "{told}");
    }
    place.run(&["scan", "more"]).failed(2);
}

#[test]
fn the_agents_folder_may_be_moved() {
    let place = Place::new();
    write(&place, "moved/commands/standup.md", "");
    write(&place, "moved/.claude.json", &json!({"mcpServers": {"sentry": {}}}).to_string());
    write(&place, ".claude.json", &json!({"mcpServers": {"ignored": {}}}).to_string());
    let mut command = place.command(&["--json", "scan"]);
    let told = answer(command.env("CLAUDE_CONFIG_DIR", place.path("home/moved")).spawn().unwrap()).json();
    assert_eq!(
        field(&told["discovered"], "source"),
        ["$CLAUDE_CONFIG_DIR/.claude.json", "$CLAUDE_CONFIG_DIR/commands/standup.md"]
    );
}

#[test]
fn scans_at_once_record_each_difference_once() {
    for engine in ENGINES {
        let place = Place::new();
        furnish(&place);
        for n in 0..40 {
            write(&place, &format!("work/.claude/commands/c{n}.md"), "");
        }
        let db = format!("usage.{engine}");
        let all = |place: &Place| {
            // Hooks record meanwhile: each moves the head.
            let scans: Vec<_> =
                (0..6).map(|_| place.command(&["--db", &db, "--json", "scan"]).spawn().unwrap()).collect();
            let hooks: Vec<_> = (0..4)
                .map(|n| place.start_with(&["--db", &db, "hook"], crate::support::payload(&n.to_string())))
                .collect();
            for hook in hooks {
                answer(hook).done();
            }
            scans.into_iter().map(|scan| answer(scan).json()).collect::<Vec<Value>>()
        };
        let count = |told: &[Value], what: &str| told.iter().map(|t| t[what].as_array().unwrap().len()).sum::<usize>();
        let told = all(&place);
        assert_eq!(count(&told, "discovered"), 45, "{engine}");
        for n in 0..20 {
            std::fs::remove_file(place.path(&format!("home/work/.claude/commands/c{n}.md"))).unwrap();
        }
        let told = all(&place);
        assert_eq!((count(&told, "discovered"), count(&told, "removed")), (0, 20), "{engine}");
        let recorded = events(&place, &db);
        assert_eq!(recorded.iter().filter(|event| event.starts_with("tool_")).count(), 65, "{engine}");
        place.run(&["--db", &db, "verify"]).done();
    }
}

#[test]
fn a_plugin_takes_with_it_what_it_brought() {
    let place = Place::new();
    let folder = "home/.claude/plugins/cache/team/ship-it/1.0.0";
    write(&place, &format!("{}/commands/go.md", folder.trim_start_matches("home/")), "---\ndescription: Goes\n---\n");
    let installed =
        json!({"version": 2, "plugins": {"ship-it@team": [{"scope": "user", "installPath": place.path(folder)}]}});
    write(&place, ".claude/plugins/installed_plugins.json", &installed.to_string());
    let enabled = |is_on: bool| json!({"enabledPlugins": {"ship-it@team": is_on}}).to_string();
    write(&place, ".claude/settings.json", &enabled(true));
    assert_eq!(field(&scan(&place, "usage.db", &[])["discovered"], "tool"), ["ship-it@team", "/ship-it:go"]);
    write(&place, ".claude/settings.json", &enabled(false));
    assert_eq!(field(&scan(&place, "usage.db", &[])["removed"], "tool"), ["/ship-it:go", "ship-it@team"]);
}
