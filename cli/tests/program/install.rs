//! Connecting an agent: what is there is kept, a backup is written, twice is once.

use std::path::{Path, PathBuf};

use crate::support::{Place, answer};
use serde_json::{Value, json};

const SETTINGS: &str =
    "{\n\t\"model\": \"opus\",\n\t\"hooks\": {\n\t\t\"Stop\": [ { \"hooks\": [] } ]\n\t},\n\t\"limit\": 1.50\n}\n";

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn with_settings(text: &str) -> (Place, PathBuf) {
    let place = Place::new();
    let path = place.path("home/.claude/settings.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    (place, path)
}

fn backups(settings: &Path) -> Vec<String> {
    crate::support::beside(settings).into_iter().filter(|name| name.starts_with(".tooltally-backup-")).collect()
}

#[test]
fn each_event_runs_the_hook_and_uninstalling_leaves_what_was_there() {
    let (place, path) = with_settings(SETTINGS);
    let program = place.program_in("target/debug");
    let run = |arguments: &[&str]| answer(place.command_of(&program, arguments).spawn().unwrap()).done();
    let told = run(&["install", "claude-code"]);
    assert!(told.stderr.contains("build folder"), "{}", told.stderr);
    let settings = read(&path);
    for event in ["PostToolUse", "PostToolUseFailure", "PermissionDenied"] {
        let expected = json!([{"hooks": [{"type": "command", "command": program, "args": ["hook"], "timeout": 5}]}]);
        assert_eq!(settings["hooks"][event], expected);
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\n\t\"model\": \"opus\",\n") && text.ends_with(",\n\t\"limit\": 1.50\n}\n"), "{text}");
    assert_eq!(backups(&path).len(), 1);

    assert!(run(&["install", "claude-code"]).stdout.contains("nothing to change"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "twice is once");
    assert_eq!(backups(&path).len(), 1);

    let told = run(&["uninstall", "claude-code"]).stdout;
    assert!(told.contains("remains in") && told.contains("usage.db"), "{told}");
    assert_eq!(read(&path), serde_json::from_str::<Value>(SETTINGS).unwrap());
    assert!(run(&["uninstall", "claude-code"]).stdout.contains("nothing to change"));
}

#[test]
fn the_installed_command_records() {
    let (place, path) = with_settings("{}");
    place.run(&["--db", "mine.redb", "install", "claude-code"]).done();
    let entry = read(&path)["hooks"]["PostToolUse"][0]["hooks"][0].clone();
    let db = format!("redb:{}", place.path("home/work/mine.redb").display());
    assert_eq!(entry["args"], json!(["--db", db, "hook"]));
    let arguments: Vec<&str> = entry["args"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
    place.run_with(&arguments, crate::support::payload("1")).done();
    assert_eq!(place.uses("mine.redb"), 1);
    // Another database changes our entry, and adds none.
    place.run(&["install", "claude-code"]).done();
    assert_eq!(read(&path)["hooks"]["PostToolUse"].as_array().unwrap().len(), 1);
    assert_eq!(read(&path)["hooks"]["PostToolUse"][0]["hooks"][0]["args"], json!(["hook"]));
}

#[test]
fn uninstalling_names_the_store_that_was_recorded_in() {
    let (place, _) = with_settings("{}");
    place.run(&["--db", "mine.redb", "install", "claude-code"]).done();
    let told = place.run(&["uninstall", "claude-code"]).done().stdout;
    assert!(told.contains("mine.redb"), "{told}");
}

#[test]
fn scopes_have_their_files() {
    let place = Place::new();
    place.run(&["install", "claude-code", "--scope", "project"]).done();
    let shared = read(&place.path("home/work/.claude/settings.json"));
    assert_eq!(shared["hooks"]["PostToolUse"][0]["hooks"][0]["command"], "tooltally");
    place.run(&["install", "claude-code", "--scope", "local"]).done();
    assert!(place.path("home/work/.claude/settings.local.json").exists());
    assert!(!place.path("home/.claude").exists());

    let elsewhere = place.path("elsewhere");
    let mut command = place.command(&["--json", "install", "claude-code"]);
    let told = answer(command.env("CLAUDE_CONFIG_DIR", &elsewhere).spawn().unwrap()).json();
    assert_eq!(told["settings"].as_str().unwrap(), elsewhere.join("settings.json").to_str().unwrap());
    assert_eq!((&told["changed"], &told["backup"]), (&json!(true), &json!(null)));
    assert!(elsewhere.join("settings.json").exists());
}

#[test]
fn a_dry_run_shows_the_change_and_writes_nothing() {
    let (place, path) = with_settings(SETTINGS);
    let told = place.run(&["install", "claude-code", "--dry-run"]).done().stdout;
    assert!(
        told.contains('+') && told.contains("PostToolUseFailure") && told.contains("Nothing was written"),
        "{told}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), SETTINGS);
    assert_eq!(backups(&path), [""; 0]);
}

#[test]
fn settings_of_another_shape_are_left_untouched() {
    let wrong = [
        "{",
        "[1]",
        "{\"hooks\": []}",
        "{\"hooks\": {\"PostToolUse\": 3}}",
        "// no\n{}",
        "{\"hooks\":{},\"hooks\":{}}",
    ];
    for text in wrong {
        let (place, path) = with_settings(text);
        for command in ["install", "uninstall"] {
            let told = place.run(&[command, "claude-code"]).failed(1);
            assert!(told.contains("settings.json cannot be changed"), "{told}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(crate::support::beside(&path), [""; 0]);
    }
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay_and_the_backup_is_its_owners_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new();
    let target = place.path("dotfiles.json");
    std::fs::write(&target, SETTINGS).unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o640)).unwrap();
    let link = place.path("home/.claude/settings.json");
    std::fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(&target, &link).unwrap();
    place.run(&["install", "claude-code"]).done();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(read(&target)["hooks"]["PostToolUse"].is_array());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&target), 0o640);
    let backup = target.with_file_name(format!("dotfiles.json{}", backups(&target)[0]));
    assert_eq!(mode(&backup), 0o600);
    assert_eq!(std::fs::read_to_string(backup).unwrap(), SETTINGS);
}
