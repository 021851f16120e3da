//! Real files in a home of their own.

mod against_a_record;
mod refused;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use tooltally::Project;

use super::*;

struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(home.path("work/app")).unwrap();
        fs::create_dir_all(home.path(".claude")).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        dunce::canonicalize(self.folder.path()).unwrap().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn write_json(&self, name: &str, value: &Value) {
        self.write(name, value.to_string());
    }

    fn places(&self) -> Places {
        self.places_of(&self.path("work/app"))
    }

    fn places_of(&self, folder: &Path) -> Places {
        Places {
            project_folder: folder.to_path_buf(),
            named: folder.to_path_buf(),
            project: Project::from_path(folder.to_str().unwrap()).unwrap(),
            claude: self.path(".claude"),
            state: self.path(".claude.json"),
            claude_label: "~/.claude",
            state_label: "~/.claude.json",
        }
    }

    fn scan(&self) -> Scan {
        scan(&self.places())
    }

    /// Installs a plugin for every project, turned on, and answers the folder that it is in.
    fn install(&self, id: &str) -> String {
        let folder = format!(".claude/plugins/cache/{}", id.replace('@', "/"));
        fs::create_dir_all(self.path(&folder)).unwrap();
        let entry = json!([{"scope": "user", "installPath": self.path(&folder), "version": "1.0.0"}]);
        self.write_json(".claude/plugins/installed_plugins.json", &json!({"version": 2, "plugins": {id: entry}}));
        self.write_json(".claude/settings.json", &json!({"enabledPlugins": {id: true}}));
        folder
    }
}

/// What was found, in a few words: whose, the name, the kind, the scope, the source, the description.
fn told(scan: &Scan) -> Vec<String> {
    let mut told: Vec<String> = scan
        .found
        .iter()
        .map(|found| {
            let whose = if found.is_projects { "project" } else { "all" };
            let description = found.description.as_ref().map(|text| format!(" \"{text}\"")).unwrap_or_default();
            let (tool, kind, scope, source) = (&found.tool, found.kind, found.scope, &found.source);
            format!("{whose} {tool} {kind} {scope} {source}{description}")
        })
        .collect();
    told.sort();
    told
}

fn skipped(scan: &Scan) -> Vec<String> {
    scan.skipped.iter().map(|skipped| format!("{}: {}", skipped.path, skipped.reason)).collect()
}

fn servers(names: &[&str]) -> Value {
    let entries = names.iter().map(|name| ((*name).to_owned(), json!({"command": "npx", "args": ["secret"]})));
    Value::Object(entries.collect())
}

#[test]
fn servers_come_from_the_project_and_from_what_the_agent_keeps() {
    let home = Home::new();
    let app = home.path("work/app");
    home.write_json(
        "work/app/.mcp.json",
        &json!({"mcpServers": servers(&["github", "My files.v2", "refused", "off"])}),
    );
    home.write_json(
        ".claude.json",
        &json!({"mcpServers": servers(&["sentry"]), "numStartups": 7, "projects": {
            app.to_str().unwrap(): {"mcpServers": servers(&["local"]), "disabledMcpjsonServers": ["refused"],
                "enabledMcpjsonServers": ["github", "refused"], "history": ["secret"]},
            "/nowhere": {"mcpServers": servers(&["elsewhere"]), "disabledMcpjsonServers": ["github"]}}}),
    );
    home.write_json("work/app/.claude/settings.local.json", &json!({"disabledMcpjsonServers": ["off"]}));
    let scan = home.scan();
    assert_eq!(
        told(&scan),
        [
            "all mcp__sentry mcp_server user ~/.claude.json",
            "project mcp__My_files_v2 mcp_server project .mcp.json",
            "project mcp__github mcp_server project .mcp.json",
            "project mcp__local mcp_server local ~/.claude.json",
        ]
    );
    assert_eq!(skipped(&scan), [""; 0]);
    let files = scan.found.iter().find(|found| found.tool.as_str() == "mcp__My_files_v2").unwrap();
    assert_eq!(files.server.as_ref().unwrap().as_str(), "My files.v2");
}

#[test]
fn a_persons_own_server_counts_more_than_a_shared_one_of_its_name() {
    let home = Home::new();
    home.write_json("work/app/.mcp.json", &json!({"mcpServers": servers(&["github"])}));
    let app = home.path("work/app");
    home.write_json(
        ".claude.json",
        &json!({"mcpServers": servers(&["github"]),
            "projects": {app.to_str().unwrap(): {"mcpServers": servers(&["github"])}}}),
    );
    let scan = home.scan();
    assert_eq!(
        told(&scan),
        ["all mcp__github mcp_server user ~/.claude.json", "project mcp__github mcp_server local ~/.claude.json"]
    );
    assert_eq!(skipped(&scan), [".mcp.json: another mcp__github counts more"]);
}

#[test]
fn commands_and_skills_come_from_project_and_home_one_folder_deep() {
    let home = Home::new();
    home.write("work/app/.claude/commands/deploy.md", "---\ndescription: Ship it\n---\nDo: $ARGUMENTS\n");
    home.write("work/app/.claude/commands/web/build.md", "Build it.");
    home.write("work/app/.claude/commands/web/deep/er.md", "Too deep.");
    home.write("work/app/.claude/commands/notes.txt", "No command.");
    home.write("work/app/.claude/skills/review/SKILL.md", "---\nname: other\ndescription: >\n  Reviews\n  code\n---\n");
    home.write("work/app/.claude/skills/review/more.md", "No skill.");
    home.write("work/app/.claude/skills/loose.md", "No skill.");
    home.write("work/app/.claude/skills/empty/README.md", "No skill.");
    home.write(".claude/commands/standup.md", "---\ndescription: \"Says: what\"\n---\n");
    home.write(".claude/skills/pdf/SKILL.md", "# PDF\n");
    let scan = home.scan();
    assert_eq!(
        told(&scan),
        [
            "all /standup slash_command user ~/.claude/commands/standup.md \"Says: what\"",
            "all Skill(pdf) skill user ~/.claude/skills/pdf/SKILL.md",
            "project /deploy slash_command project .claude/commands/deploy.md \"Ship it\"",
            "project /web:build slash_command project .claude/commands/web/build.md",
            "project Skill(review) skill project .claude/skills/review/SKILL.md \"Reviews code\"",
        ]
    );
    assert_eq!(skipped(&scan), [""; 0]);
}

#[test]
fn in_the_home_folder_everything_is_the_persons_own_once() {
    let home = Home::new();
    home.write(".claude/commands/standup.md", "x");
    let scan = scan(&home.places_of(&home.path("")));
    assert_eq!(told(&scan), ["all /standup slash_command user ~/.claude/commands/standup.md"]);
}

#[test]
fn a_plugin_brings_commands_skills_and_servers() {
    let home = Home::new();
    let folder = home.install("ship-it@team");
    home.write_json(
        &format!("{folder}/.claude-plugin/plugin.json"),
        &json!({"name": "ship-it", "description": "Ships", "mcpServers": servers(&["inline"]),
            "commands": ["./extra/one.md", "./more/"], "skills": "./../../outside"}),
    );
    home.write(&format!("{folder}/commands/go.md"), "---\ndescription: Goes\n---\n");
    home.write(&format!("{folder}/extra/one.md"), "x");
    home.write(&format!("{folder}/more/two.md"), "x");
    home.write(&format!("{folder}/skills/check/SKILL.md"), "---\ndescription: Checks\n---\n");
    home.write_json(&format!("{folder}/.mcp.json"), &servers(&["bare"]));
    home.write(".claude/plugins/cache/outside/stolen/SKILL.md", "x");
    let scan = home.scan();
    assert_eq!(
        told(&scan),
        [
            "all /ship-it:go slash_command plugin ship-it@team: commands/go.md \"Goes\"",
            "all /ship-it:one slash_command plugin ship-it@team: extra/one.md",
            "all /ship-it:two slash_command plugin ship-it@team: more/two.md",
            "all mcp__plugin_ship-it_bare mcp_server plugin ship-it@team: .mcp.json",
            "all mcp__plugin_ship-it_inline mcp_server plugin ship-it@team: .claude-plugin/plugin.json",
            "all ship-it:check skill plugin ship-it@team: skills/check/SKILL.md \"Checks\"",
            "all ship-it@team plugin plugin ~/.claude/plugins/installed_plugins.json \"Ships\"",
        ]
    );
    assert_eq!(skipped(&scan), ["ship-it@team: ../../outside: a link leads out of the folder"]);
}

#[test]
fn a_plugin_counts_where_it_is_installed_and_on() {
    let home = Home::new();
    let app = home.path("work/app");
    for name in ["everywhere", "here", "there", "off", "unsaid", "shared", "old"] {
        fs::create_dir_all(home.path(&format!("plugins/{name}"))).unwrap();
    }
    let at = |name: &str| home.path(&format!("plugins/{name}"));
    home.write_json(
        ".claude/plugins/installed_plugins.json",
        &json!({"version": 2, "plugins": {
            "everywhere@m": [{"scope": "project", "projectPath": "/nowhere", "installPath": "/nowhere"},
                {"scope": "user", "installPath": at("everywhere")}],
            "here@m": [{"scope": "local", "projectPath": app, "installPath": at("here")}],
            "there@m": [{"scope": "project", "projectPath": "/nowhere", "installPath": at("there")}],
            "off@m": [{"scope": "user", "installPath": at("off")}],
            "unsaid@m": [{"scope": "user", "installPath": at("unsaid")}],
            "shared@m": [{"scope": "user", "installPath": at("shared")}],
            "gone@m": [{"scope": "user", "installPath": at("gone")}],
            "relative@m": [{"scope": "user", "installPath": "plugins/here"}],
            // As it was before lists.
            "old@m": {"version": "1", "installPath": at("old")},
            "odd@m": 7}}),
    );
    home.write_json(
        ".claude/settings.json",
        &json!({"enabledPlugins": {"everywhere@m": true, "here@m": false, "there@m": true, "off@m": false,
            "old@m": ["1.0.0"], "gone@m": true, "relative@m": true, "odd@m": true}}),
    );
    home.write_json("work/app/.claude/settings.json", &json!({"enabledPlugins": {"shared@m": true}}));
    home.write_json("work/app/.claude/settings.local.json", &json!({"enabledPlugins": {"here@m": true}}));
    let scan = home.scan();
    let names: Vec<String> = told(&scan).iter().map(|told| told.split(" plugin").next().unwrap().to_owned()).collect();
    assert_eq!(names, ["all everywhere@m", "all old@m", "project here@m", "project shared@m"]);
    assert_eq!(
        skipped(&scan),
        [
            "gone@m: the folder that it was installed to is not there",
            "~/.claude/plugins/installed_plugins.json: an installed plugin is a number, not an object",
            "relative@m: the folder that it was installed to is not there",
        ]
    );
}

#[test]
fn what_every_project_has_may_be_off_in_this_one() {
    let home = Home::new();
    let app = home.path("work/app");
    let folder = home.install("ship-it@team");
    home.write(&format!("{folder}/commands/go.md"), "");
    home.write_json(
        ".claude.json",
        &json!({"mcpServers": servers(&["sentry", "slack"]), "projects": {app.to_str().unwrap():
            {"mcpServers": servers(&["local"]), "disabledMcpServers": ["sentry", "local", "unknown"]}}}),
    );
    let plugin = |is_on: bool| json!({"enabledPlugins": {"ship-it@team": is_on, "unknown@team": false}});
    let of_all = [
        "all /ship-it:go slash_command plugin ship-it@team: commands/go.md",
        "all mcp__sentry mcp_server user ~/.claude.json",
        "all mcp__slack mcp_server user ~/.claude.json",
        "all ship-it@team plugin plugin ~/.claude/plugins/installed_plugins.json",
    ];
    let sentry_off = "project mcp__sentry mcp_server turned_off ~/.claude.json";
    for file in ["settings.json", "settings.local.json"] {
        home.write_json(&format!("work/app/.claude/{file}"), &plugin(false));
        let off = format!("project ship-it@team plugin turned_off .claude/{file}");
        assert_eq!(told(&home.scan()), [&of_all[..], &[sentry_off, &off]].concat(), "{file}");
    }
    // The last word counts.
    home.write_json("work/app/.claude/settings.local.json", &plugin(true));
    assert_eq!(told(&home.scan()), [&of_all[..], &[sentry_off]].concat());
    let other = home.path("work/other");
    fs::create_dir_all(&other).unwrap();
    assert_eq!(told(&scan(&home.places_of(&other))), of_all);
}

#[test]
fn a_server_that_a_plugin_brings_may_be_off_in_this_project() {
    let home = Home::new();
    let app = home.path("work/app");
    let folder = home.install("ship-it@team");
    home.write_json(&format!("{folder}/.mcp.json"), &json!({"mcpServers": servers(&["deploy", "watch"])}));
    let off = ["plugin:ship-it:deploy", "watch", "plugin:other:watch"];
    home.write_json(".claude.json", &json!({"projects": {app.to_str().unwrap(): {"disabledMcpServers": off}}}));
    let of_all = [
        "all mcp__plugin_ship-it_deploy mcp_server plugin ship-it@team: .mcp.json",
        "all mcp__plugin_ship-it_watch mcp_server plugin ship-it@team: .mcp.json",
        "all ship-it@team plugin plugin ~/.claude/plugins/installed_plugins.json",
    ];
    let deploy_off = "project mcp__plugin_ship-it_deploy mcp_server turned_off ~/.claude.json";
    assert_eq!(told(&home.scan()), [&of_all[..], &[deploy_off]].concat());
    let other = home.path("work/other");
    fs::create_dir_all(&other).unwrap();
    assert_eq!(told(&scan(&home.places_of(&other))), of_all);
    // A plugin that is on in this project alone.
    home.write_json(".claude/settings.json", &json!({}));
    home.write_json("work/app/.claude/settings.json", &json!({"enabledPlugins": {"ship-it@team": true}}));
    let of_project = [
        "project mcp__plugin_ship-it_watch mcp_server plugin ship-it@team: .mcp.json",
        "project ship-it@team plugin plugin ~/.claude/plugins/installed_plugins.json",
    ];
    assert_eq!(told(&home.scan()), of_project);
}

#[test]
fn what_the_agent_keeps_may_be_larger_than_a_settings_file() {
    let home = Home::new();
    let history = "x".repeat(3 << 20);
    home.write_json(".claude.json", &json!({"history": history, "mcpServers": servers(&["sentry"])}));
    assert_eq!(told(&home.scan()), ["all mcp__sentry mcp_server user ~/.claude.json"]);
}
