//! What is malformed, too much, or leads elsewhere.

use super::*;

#[test]
fn what_is_malformed_is_named_and_the_rest_is_taken() {
    let home = Home::new();
    home.write("work/app/.mcp.json", "{\"mcpServers\": {\"secret\": ");
    home.write(".claude.json", "\"secret\"");
    home.write(".claude/settings.json", "[]");
    home.write(".claude/plugins/installed_plugins.json", "{\"plugins\": [\"secret\"]}");
    home.write("work/app/.claude/settings.json", "\u{feff}{\"enabledPlugins\": 3}");
    home.write("work/app/.claude/commands/good.md", "\u{feff}---\ndescription: x\n---\n");
    home.write("work/app/.claude/commands/large.md", vec![b'x'; (1 << 20) + 1]);
    home.write("work/app/.claude/commands/latin.md", b"\xe4");
    home.write("work/app/.claude/commands/open.md", "---\ndescription: secret\n");
    home.write(&format!("work/app/.claude/commands/{}.md", "x".repeat(200)), "x");
    home.write(&format!("work/app/.claude/commands/{}/{}.md", "x".repeat(250), "y".repeat(251)), "x");
    let scan = home.scan();
    let skipped = skipped(&scan);
    assert_eq!(
        skipped,
        [
            "~/.claude/settings.json: it is a list, not an object",
            ".claude/settings.json: enabledPlugins is a number, not an object",
            "~/.claude.json: it is a text, not an object",
            ".mcp.json: is not valid JSON (line 1, column 26)",
            ".claude/commands/large.md: is larger than 1.0 MiB",
            ".claude/commands/latin.md: is not UTF-8",
            ".claude/commands/open.md: taken without its description: its front matter has no end",
            "~/.claude/plugins/installed_plugins.json: plugins is a list, not an object",
        ]
    );
    assert!(!skipped.join("\n").contains("secret"));
    assert_eq!(scan.found.len(), 4, "{:?}", told(&scan));
}

#[test]
fn too_many_entries_are_not_looked_through() {
    let home = Home::new();
    for n in 0..=root::MAX_ENTRIES {
        home.write(&format!("work/app/.claude/commands/many/{n}.md"), "");
    }
    home.write("work/app/.claude/commands/one.md", "");
    home.write(".claude/skills/pdf/SKILL.md", "");
    let scan = home.scan();
    assert_eq!(skipped(&scan), [".claude/commands/many: more than 10,000 entries"]);
    assert_eq!(scan.found.len(), 2);
}

#[test]
fn too_many_servers_or_plugins_are_not_taken() {
    let home = Home::new();
    let names: Vec<String> = (0..=root::MAX_ENTRIES).map(|n| n.to_string()).collect();
    let all: serde_json::Map<String, Value> = names.iter().map(|name| (name.clone(), json!({}))).collect();
    home.write_json("work/app/.mcp.json", &json!({"mcpServers": all}));
    let many: serde_json::Map<String, Value> =
        names.iter().take(1_001).map(|name| (format!("{name}@m"), json!([]))).collect();
    home.write_json(".claude/plugins/installed_plugins.json", &json!({"plugins": many}));
    let scan = home.scan();
    assert_eq!(
        skipped(&scan),
        [".mcp.json: more than 10,000 entries", "~/.claude/plugins/installed_plugins.json: more than 1,000 entries"]
    );
    assert_eq!(scan.found, []);
}

#[cfg(unix)]
#[test]
fn links_are_followed_within_a_folder_and_never_out_of_it() {
    use std::os::unix::fs::symlink;
    let home = Home::new();
    home.write("secret/SKILL.md", "---\ndescription: secret\n---\n");
    home.write("secret/mcp.json", "{\"mcpServers\": {\"secret\": {}}}");
    home.write("work/app/shared/SKILL.md", "---\ndescription: x\n---\n");
    home.write("work/app/shared/go.md", "");
    for folder in ["work/app/.claude/skills", "work/app/.claude/commands", ".claude/commands"] {
        fs::create_dir_all(home.path(folder)).unwrap();
    }
    let link = |to: &str, from: &str| symlink(home.path(to), home.path(from)).unwrap();
    link("work/app/shared", "work/app/.claude/skills/inside");
    link("secret", "work/app/.claude/skills/outside");
    link("secret", "work/app/.claude/commands/outside");
    link("work/app/shared/go.md", "work/app/.claude/commands/go.md");
    link("secret/SKILL.md", "work/app/.claude/commands/stolen.md");
    link("nowhere", "work/app/.claude/commands/dangling.md");
    link("secret/mcp.json", "work/app/.mcp.json");
    link("secret", ".claude/commands/theirs");
    symlink("loop.md", home.path("work/app/.claude/commands/loop.md")).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(home.path("work/app/.claude/commands/pipe.md"))
            .status()
            .unwrap()
            .success()
    );
    // A person's own folder may be kept elsewhere.
    home.write("dotfiles/skills/pdf/SKILL.md", "");
    link("dotfiles/skills", ".claude/skills");
    let scan = home.scan();
    assert_eq!(
        told(&scan),
        [
            "all Skill(pdf) skill user ~/.claude/skills/pdf/SKILL.md",
            "project /go slash_command project .claude/commands/go.md",
            "project Skill(inside) skill project .claude/skills/inside/SKILL.md \"x\"",
        ]
    );
    let mut skipped = skipped(&scan);
    skipped.sort();
    let is_loop = |told: &String| told.starts_with(".claude/commands/loop.md: cannot be read");
    assert!(skipped.iter().any(is_loop), "{skipped:?}");
    skipped.retain(|told| !is_loop(told));
    assert_eq!(
        skipped,
        [
            ".claude/commands/dangling.md: a link leads nowhere",
            ".claude/commands/outside: a link leads out of the folder",
            ".claude/commands/pipe.md: is no file",
            ".claude/commands/stolen.md: a link leads out of the folder",
            ".claude/skills/outside/SKILL.md: a link leads out of the folder",
            ".mcp.json: a link leads out of the folder",
            "~/.claude/commands/theirs: a link leads out of the folder",
        ]
    );
}

#[cfg(unix)]
#[test]
fn names_that_are_not_unicode_are_told() {
    use std::os::unix::ffi::OsStrExt;
    let home = Home::new();
    let folder = home.path("work/app/.claude/commands");
    fs::create_dir_all(&folder).unwrap();
    // Not every file system has such names.
    if fs::write(folder.join(std::ffi::OsStr::from_bytes(b"\xff.md")), "").is_ok() {
        assert_eq!(skipped(&home.scan()), [".claude/commands/\u{fffd}.md: its name is not Unicode"]);
    }
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.write("work/app/.claude/commands/go.md", "");
    home.write("work/app/.mcp.json", "{}");
    let close = |name: &str, mode| fs::set_permissions(home.path(name), fs::Permissions::from_mode(mode)).unwrap();
    close("work/app/.mcp.json", 0o000);
    close("work/app/.claude/commands", 0o000);
    // Permissions do not bind everybody.
    if fs::read(home.path("work/app/.mcp.json")).is_err() {
        assert_eq!(
            skipped(&home.scan()),
            [".mcp.json: cannot be read: permission denied", ".claude/commands: cannot be read: permission denied"]
        );
    }
    close("work/app/.claude/commands", 0o700);
}

/// Every file that a scan reads, sound.
fn furnished() -> (Home, Vec<String>) {
    let home = Home::new();
    let folder = home.install("ship-it@team");
    let app = home.path("work/app");
    let project = json!({"mcpServers": servers(&["local"]), "disabledMcpjsonServers": ["off"]});
    let state = json!({"mcpServers": servers(&["sentry"]), "projects": {app.to_str().unwrap(): project}});
    home.write_json(".claude.json", &state);
    home.write_json("work/app/.mcp.json", &json!({"mcpServers": servers(&["github", "off"])}));
    home.write_json("work/app/.claude/settings.json", &json!({"enabledPlugins": {"ship-it@team": true}}));
    home.write("work/app/.claude/commands/go.md", "---\nname: go\ndescription: \"Goes \\u00e4\"\n---\nGo.\n");
    home.write(".claude/skills/pdf/SKILL.md", "---\ndescription: >-\n  Reads\n  PDF\n---\n");
    let manifest = json!({"description": "Ships", "commands": ["./more"], "mcpServers": servers(&["inline"])});
    home.write_json(&format!("{folder}/.claude-plugin/plugin.json"), &manifest);
    home.write_json(&format!("{folder}/.mcp.json"), &servers(&["bare"]));
    let mut files = vec![
        ".claude.json".to_owned(),
        ".claude/settings.json".to_owned(),
        ".claude/plugins/installed_plugins.json".to_owned(),
        ".claude/skills/pdf/SKILL.md".to_owned(),
    ];
    files.extend(
        [".mcp.json", ".claude/settings.json", ".claude/commands/go.md"].map(|name| format!("work/app/{name}")),
    );
    files.extend([".claude-plugin/plugin.json", ".mcp.json"].map(|name| format!("{folder}/{name}")));
    (home, files)
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]
    #[test]
    fn no_damage_makes_a_scan_fail(
        damages in proptest::collection::vec(
            (proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<proptest::sample::Index>(),
                proptest::option::of("[\\x00\\x1b\"{}\\[\\]:,0-9a-z\\\\\n-]{0,6}")),
            1..4),
    ) {
        let (home, files) = furnished();
        for (file, place, put) in damages {
            let path = home.path(file.get::<String>(&files));
            let mut bytes = fs::read(&path).unwrap();
            let place = if bytes.is_empty() { 0 } else { place.index(bytes.len()) };
            // Cut off there, or with something else put in.
            let rest = bytes.split_off(place);
            if let Some(put) = put {
                bytes.extend(put.into_bytes());
                bytes.extend(rest.into_iter().skip(1));
            }
            fs::write(&path, bytes).unwrap();
        }
        let scan = home.scan();
        let differences = compare(&scan, &[], &home.places(), tooltally::Timestamp::MAX).unwrap();
        proptest::prop_assert_eq!(differences.events().len(), scan.found.len());
        proptest::prop_assert!(scan.skipped.iter().all(|skipped| !skipped.path.is_empty()));
    }
}

#[test]
fn without_damage_everything_is_found() {
    let (home, _) = furnished();
    let scan = home.scan();
    assert_eq!(skipped(&scan), [""; 0]);
    assert_eq!(scan.found.len(), 8, "{:?}", told(&scan));
}
