//! What differs from the last scan.

use tooltally::{Filter, LogExt, MemoryStore, Queries, Timestamp};

use super::*;

fn time(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000).unwrap()
}

/// Scans, records, and answers what came, what changed and what went.
fn record(home: &Home, store: &MemoryStore, second: i64) -> Vec<String> {
    record_of(&home.places(), store, second)
}

fn record_of(places: &Places, store: &MemoryStore, second: i64) -> Vec<String> {
    let mut registered = store.registered(&Filter::Absent).unwrap();
    registered.extend(store.registered(&Filter::Is(places.project().id)).unwrap());
    let differences = compare(&scan(places), &registered, places, time(second)).unwrap();
    for event in differences.events() {
        store.record(&event).unwrap();
    }
    let came =
        differences.discovered.iter().map(|d| format!("{}{}", if d.is_change { '~' } else { '+' }, d.event.tool));
    came.chain(differences.removed.iter().map(|(known, _)| format!("-{}", known.tool))).collect()
}

#[test]
fn only_differences_are_told_and_what_goes_may_come_again() {
    let (home, store) = (Home::new(), MemoryStore::new());
    home.write("work/app/.claude/commands/go.md", "---\ndescription: one\n---\n");
    home.write(".claude/skills/pdf/SKILL.md", "");
    assert_eq!(record(&home, &store, 1), ["+Skill(pdf)", "+/go"]);
    assert_eq!(record(&home, &store, 2), [""; 0]);
    home.write("work/app/.claude/commands/go.md", "---\ndescription: two\n---\n");
    assert_eq!(record(&home, &store, 3), ["~/go"]);
    fs::remove_file(home.path("work/app/.claude/commands/go.md")).unwrap();
    assert_eq!(record(&home, &store, 4), ["-/go"]);
    assert_eq!(record(&home, &store, 5), [""; 0]);
    home.write("work/app/.claude/commands/go.md", "---\ndescription: two\n---\n");
    assert_eq!(record(&home, &store, 6), ["+/go"]);
}

#[test]
fn another_project_neither_loses_nor_gains_anything() {
    let (home, store) = (Home::new(), MemoryStore::new());
    fs::create_dir_all(home.path("work/other")).unwrap();
    home.write("work/app/.claude/commands/go.md", "");
    home.write(".claude/skills/pdf/SKILL.md", "");
    assert_eq!(record(&home, &store, 1), ["+Skill(pdf)", "+/go"]);
    assert_eq!(record_of(&home.places_of(&home.path("work/other")), &store, 2), [""; 0]);
    assert_eq!(record(&home, &store, 3), [""; 0]);
}

#[test]
fn what_cannot_be_read_takes_nothing_away() {
    let (home, store) = (Home::new(), MemoryStore::new());
    let folder = home.install("ship-it@team");
    home.write(&format!("{folder}/commands/go.md"), "");
    home.write_json("work/app/.mcp.json", &json!({"mcpServers": servers(&["github", "files"])}));
    home.write_json(".claude.json", &json!({"mcpServers": servers(&["sentry"])}));
    home.write("work/app/.claude/commands/go.md", "");
    home.write("work/app/.claude/commands/stay.md", "");
    assert_eq!(record(&home, &store, 1).len(), 7);
    let settings = fs::read_to_string(home.path(".claude/settings.json")).unwrap();
    let installed = fs::read_to_string(home.path(".claude/plugins/installed_plugins.json")).unwrap();
    home.write("work/app/.mcp.json", "{");
    home.write(".claude.json", "{");
    home.write(".claude/settings.json", "{");
    home.write("work/app/.claude/commands/go.md", vec![b'x'; 2 << 20]);
    assert_eq!(record(&home, &store, 2), [""; 0]);
    home.write(".claude/settings.json", settings);
    home.write(".claude/plugins/installed_plugins.json", "{");
    assert_eq!(record(&home, &store, 3), [""; 0]);
    home.write(".claude/plugins/installed_plugins.json", installed);
    home.write(&format!("{folder}/.claude-plugin/plugin.json"), "{");
    assert_eq!(record(&home, &store, 4), [""; 0]);
    // One server that is no object does not take itself away, nor keep the others.
    home.write_json("work/app/.mcp.json", &json!({"mcpServers": {"github": "npx"}}));
    assert_eq!(record(&home, &store, 5), ["-mcp__files"]);
    // What can be read, and has it no longer, does.
    home.write("work/app/.mcp.json", "{}");
    home.write(".claude.json", "{}");
    fs::remove_file(home.path("work/app/.claude/commands/go.md")).unwrap();
    fs::remove_dir_all(home.path(&folder)).unwrap();
    assert_eq!(record(&home, &store, 6), ["-/ship-it:go", "-mcp__sentry", "-ship-it@team", "-/go", "-mcp__github"]);
}

#[test]
fn what_is_turned_off_here_stays_so_until_it_is_read_otherwise() {
    let (home, store) = (Home::new(), MemoryStore::new());
    let app = home.path("work/app");
    home.install("ship-it@team");
    let state = |off: &[&str]| {
        let project = json!({"disabledMcpServers": off});
        json!({"mcpServers": servers(&["sentry"]), "projects": {app.to_str().unwrap(): project}})
    };
    home.write_json(".claude.json", &state(&[]));
    assert_eq!(record(&home, &store, 1), ["+mcp__sentry", "+ship-it@team"]);
    home.write_json(".claude.json", &state(&["sentry"]));
    home.write_json("work/app/.claude/settings.json", &json!({"enabledPlugins": {"ship-it@team": false}}));
    assert_eq!(record(&home, &store, 2), ["+mcp__sentry", "+ship-it@team"]);
    assert_eq!(record(&home, &store, 3), [""; 0]);
    home.write(".claude.json", "{");
    home.write("work/app/.claude/settings.json", "{");
    assert_eq!(record(&home, &store, 4), [""; 0]);
    home.write_json(".claude.json", &state(&[]));
    assert_eq!(record(&home, &store, 5), ["-mcp__sentry"]);
    home.write("work/app/.claude/settings.json", "{}");
    assert_eq!(record(&home, &store, 6), ["-ship-it@team"]);
    assert_eq!(record(&home, &store, 7), [""; 0]);
    // A server of this project's own takes the place of one that is off.
    home.write_json(".claude.json", &state(&["sentry"]));
    assert_eq!(record(&home, &store, 8), ["+mcp__sentry"]);
    home.write_json(".claude.json", &state(&[]));
    home.write_json("work/app/.mcp.json", &json!({"mcpServers": servers(&["sentry"])}));
    assert_eq!(record(&home, &store, 9), ["~mcp__sentry"]);
}

#[test]
fn what_other_agents_have_is_not_missed() {
    let (home, store) = (Home::new(), MemoryStore::new());
    let event = tooltally::ToolDiscovered::new(
        tooltally::EventId::random().unwrap(),
        tooltally::ToolName::new("mcp__theirs").unwrap(),
        tooltally::policy::kind::Kind::McpServer,
        Scope::User,
        tooltally::SettingsSource::new("config.toml").unwrap(),
        time(1),
    );
    store.record(&event.into()).unwrap();
    assert_eq!(record(&home, &store, 2), [""; 0]);
}
