//! Our hooks in the agent's settings, and the program that they name.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{installed, look, look_with};
use crate::support::{ENGINES, Place, answer, payload};

/// Where the settings of each scope are.
fn settings(place: &Place, scope: &str) -> PathBuf {
    place.path(match scope {
        "user" => "home/.claude/settings.json",
        "project" => "home/work/.claude/settings.json",
        "local" => "home/work/.claude/settings.local.json",
        _ => "managed/managed-settings.json",
    })
}

fn write(path: &Path, settings: &Value) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, settings.to_string()).unwrap();
}

/// Settings whose every event runs this.
fn running(entry: &Value) -> Value {
    let groups = json!([{"hooks": [entry]}]);
    json!({"hooks": {"PostToolUse": groups, "PostToolUseFailure": groups, "PermissionDenied": groups}})
}

fn install(place: &Place, arguments: &[&str]) {
    answer(installed(place, arguments).spawn().unwrap()).done();
}

/// Looks with the program that was installed.
#[track_caller]
fn look_installed(place: &Place, arguments: &[&str]) -> super::Seen {
    look_with(place, &mut installed(place, &[&["--json"], arguments, &["doctor"]].concat()))
}

#[test]
fn where_all_is_well_nothing_else_is_said() {
    for engine in ENGINES {
        let place = Place::new();
        let db = place.path(&format!("home/kept/usage.{engine}"));
        let db = db.to_str().unwrap();
        install(&place, &["--db", db, "install", "claude-code"]);
        place.make(db);
        place.run_with(&["--db", db, "hook"], payload("1")).done();
        let seen = look_installed(&place, &["--db", db]);
        assert_eq!(seen.troubles(), [""; 0], "{engine}");
        for code in ["store-opens", "files-private", "spool-empty", "log-empty", "hooks-connected", "program-found"] {
            seen.find(code);
        }
        if cfg!(unix) {
            assert_eq!(seen.find("program-found")["path"], place.path("bin/tooltally").to_str().unwrap());
        }
        let told = answer(installed(&place, &["--db", db, "doctor"]).spawn().unwrap()).done();
        assert!(told.stdout.ends_with("All is well.\n"), "{}", told.stdout);
        assert_eq!(told.stderr, "");
    }
}

#[test]
fn what_a_session_starts_with_is_known_as_ours() {
    for engine in ENGINES {
        let place = Place::new();
        let db = place.path(&format!("home/kept/usage.{engine}"));
        let db = db.to_str().unwrap();
        install(&place, &["--db", db, "install", "claude-code", "--context"]);
        place.make(db);
        place.run_with(&["--db", db, "hook"], payload("1")).done();
        let seen = look_installed(&place, &["--db", db]);
        assert_eq!(seen.troubles(), [""; 0], "{engine}");
        let found = seen.find("context-connected");
        assert_eq!(found["path"], settings(&place, "user").to_str().unwrap());
        assert!(!seen.find("hooks-connected")["message"].as_str().unwrap().contains("SessionStart"));
    }
    // The hooks taken out by hand: what is left is not taken for them.
    let place = Place::new();
    let path = settings(&place, "user");
    install(&place, &["install", "claude-code", "--context"]);
    let whole: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let mut changed = whole.clone();
    changed["hooks"].as_object_mut().unwrap().retain(|event, _| event == "SessionStart");
    write(&path, &changed);
    let seen = look_installed(&place, &[]);
    seen.assert("hooks-not-connected", "warning", None, "tooltally install claude-code");
    seen.find("context-connected");
    // Another store, a moved program, and in the background.
    let mut changed = whole.clone();
    changed["hooks"]["SessionStart"][0]["hooks"][0]["args"] = json!(["--db", "/nowhere/other.db", "context", "--hook"]);
    changed["hooks"]["SessionStart"][0]["hooks"][0]["command"] = json!("/nowhere/tooltally");
    changed["hooks"]["SessionStart"][0]["hooks"][0]["async"] = json!(true);
    write(&path, &changed);
    let seen = look_installed(&place, &[]);
    seen.assert("context-other-store", "warning", Some(&path), "tooltally install claude-code --context");
    seen.assert("context-async", "warning", Some(&path), "async");
    seen.assert("program-missing", "error", Some(Path::new("/nowhere/tooltally")), "install claude-code --context");
}

#[test]
fn hooks_that_are_not_connected_are_told_with_the_command_that_connects_them() {
    let place = Place::new();
    look(&place, &[]).assert("hooks-not-connected", "warning", None, "tooltally install claude-code");
    // Somebody else's hooks are none of ours.
    write(
        &settings(&place, "user"),
        &running(&json!({"type": "command", "command": "/usr/bin/other", "args": ["hook"]})),
    );
    let seen = look(&place, &["--db", "mine.db"]);
    seen.assert("hooks-not-connected", "warning", None, "tooltally --db sqlite:mine.db install claude-code");
}

#[test]
fn hooks_of_each_scope_are_found_and_twice_is_harmless() {
    for scope in ["user", "project", "local"] {
        let place = Place::new();
        install(&place, &["install", "claude-code", "--scope", scope]);
        let seen = look_installed(&place, &[]);
        let found = seen.find("hooks-connected");
        assert_eq!(found["path"], settings(&place, scope).to_str().unwrap());
        assert!(found["message"].as_str().unwrap().contains(scope), "{found}");
        assert!(!seen.troubles().contains(&"hooks-twice"));
    }
    let place = Place::new();
    install(&place, &["install", "claude-code"]);
    install(&place, &["install", "claude-code", "--scope", "local"]);
    let seen = look_installed(&place, &[]);
    seen.assert("hooks-twice", "note", None, "uninstall claude-code --scope local");
    seen.assert("hooks-without-calls", "note", None, "new session");
    // In a folder below, the settings at the root of the repository count too.
    std::fs::remove_file(settings(&place, "user")).unwrap();
    std::fs::create_dir_all(place.path("home/work/.git")).unwrap();
    std::fs::create_dir_all(place.path("home/work/deep/er")).unwrap();
    let mut command = installed(&place, &["--json", "doctor"]);
    look_with(&place, command.current_dir(place.path("home/work/deep/er"))).find("hooks-connected");
    // In the home folder the project's settings are the user's: once.
    let place = Place::new();
    install(&place, &["install", "claude-code"]);
    let mut command = installed(&place, &["--json", "doctor"]);
    let seen = look_with(&place, command.current_dir(place.path("home")));
    assert!(!seen.troubles().contains(&"hooks-twice"), "{:?}", seen.troubles());
}

#[test]
fn what_keeps_some_calls_from_being_recorded_is_told() {
    let place = Place::new();
    let path = settings(&place, "user");
    install(&place, &["install", "claude-code"]);
    let whole: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let mut changed = whole.clone();
    changed["hooks"].as_object_mut().unwrap().remove("PostToolUseFailure");
    write(&path, &changed);
    let seen = look_installed(&place, &[]);
    seen.assert("hooks-incomplete", "warning", Some(&path), "tooltally install claude-code");
    assert!(seen.find("hooks-incomplete")["message"].as_str().unwrap().ends_with(": PostToolUseFailure"));
    let mut changed = whole.clone();
    changed["hooks"]["PostToolUse"][0]["matcher"] = json!("Bash|Edit");
    write(&path, &changed);
    look_installed(&place, &[]).assert("hooks-matcher", "warning", Some(&path), "matcher");
    let mut changed = whole.clone();
    changed["hooks"]["PostToolUse"][0]["matcher"] = json!("*");
    changed["hooks"]["PostToolUse"][0]["hooks"][0]["async"] = json!(true);
    write(&path, &changed);
    let seen = look_installed(&place, &[]);
    seen.assert("hooks-async", "warning", Some(&path), "async");
    assert!(!seen.troubles().contains(&"hooks-matcher"), "a star is every tool");
}

#[test]
fn a_program_that_cannot_be_run_is_told() {
    let place = Place::new();
    let path = settings(&place, "user");
    let gone = place.path("gone/tooltally");
    let hook = |program: &Path| running(&json!({"type": "command", "command": program, "args": ["hook"]}));
    write(&path, &hook(&gone));
    look(&place, &[]).assert("program-missing", "error", Some(&gone), "tooltally install claude-code");
    // The same as a shell's line, with a path that has a space.
    let line = format!("'{}' hook", place.path("go ne/tooltally").display());
    write(&settings(&place, "local"), &running(&json!({"type": "command", "command": line})));
    std::fs::remove_file(&path).unwrap();
    let seen = look(&place, &[]);
    seen.assert("program-missing", "error", Some(&place.path("go ne/tooltally")), "install claude-code --scope local");
    std::fs::remove_file(settings(&place, "local")).unwrap();
    write(&path, &running(&json!({"type": "command", "command": "tooltally", "args": ["hook"]})));
    let mut command = place.command(&["--json", "doctor"]);
    let seen = look_with(&place, command.env("PATH", place.path("nowhere")));
    seen.assert("program-not-in-path", "error", Some(&path), "cargo install");
    let mut command = installed(&place, &["--json", "doctor"]);
    look_with(&place, command.env("PATH", place.path("bin"))).find("program-found");
    // By cargo's own names for folders, and by the tag that it leaves in a folder of another name.
    write(&path, &hook(&place.program_in("target/debug")));
    look_installed(&place, &[]).assert("program-in-build-folder", "warning", None, "install");
    write(&path, &hook(&place.program_in("built/debug")));
    look_installed(&place, &[]).find("program-found");
    std::fs::write(place.path("built/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55").unwrap();
    look_installed(&place, &[]).assert("program-in-build-folder", "warning", None, "install");
}

#[cfg(unix)]
#[test]
fn a_program_of_another_kind_is_told() {
    let place = Place::new();
    let other = place.path("other/tooltally");
    std::fs::create_dir_all(other.parent().unwrap()).unwrap();
    // It would leave a trace if doctor ran it.
    std::fs::write(&other, format!("#!/bin/sh\ntouch {}\n", place.path("was-run").display())).unwrap();
    let entry = json!({"type": "command", "command": other, "args": ["hook"]});
    write(&settings(&place, "user"), &running(&entry));
    crate::support::set_mode(&other, 0o644);
    look(&place, &[]).assert("program-not-executable", "error", Some(&other), "chmod +x");
    crate::support::set_mode(&other, 0o755);
    look(&place, &[]).assert("program-differs", "note", Some(&other), "--version");
    assert!(!place.path("was-run").exists(), "what settings name is not run");
    // A copy of this program is this program.
    std::fs::copy(env!("CARGO_BIN_EXE_tooltally"), &other).unwrap();
    look(&place, &[]).find("program-found");
}

#[test]
fn a_store_that_is_not_the_one_looked_at_is_told() {
    for engine in ENGINES {
        let place = Place::new();
        let theirs = place.path(&format!("home/theirs.{engine}"));
        let name = theirs.to_str().unwrap();
        install(&place, &["--db", name, "install", "claude-code"]);
        let seen = look_installed(&place, &[]);
        seen.assert("hooks-other-store", "warning", Some(&settings(&place, "user")), &format!("{name} stats"));
        assert!(!look_installed(&place, &["--db", name]).troubles().contains(&"hooks-other-store"));
        // The same store by another name.
        let mut command = installed(&place, &["--json", "--db", &format!("../theirs.{engine}"), "doctor"]);
        place.run_with(&["--db", name, "hook"], payload("1")).done();
        assert!(!look_with(&place, &mut command).troubles().contains(&"hooks-other-store"));
    }
    let place = Place::new();
    install(&place, &["install", "claude-code"]);
    look_installed(&place, &["--db", "mine.db"]).assert("hooks-other-store", "warning", None, "install claude-code");
    let mut command = installed(&place, &["--json", "doctor"]);
    let seen = look_with(&place, command.env("TOOLTALLY_DB", "mine.db"));
    seen.assert("hooks-store-by-environment", "note", None, "--db sqlite:mine.db install claude-code");
    let path = settings(&place, "user");
    let mut changed: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    changed["env"] = json!({"TOOLTALLY_DB": place.path("home/work/mine.db")});
    write(&path, &changed);
    let seen = look_installed(&place, &["--db", "mine.db"]);
    assert!(!seen.troubles().contains(&"hooks-other-store"), "the settings give the hooks this store");
    let entry = json!({"type": "command", "command": "tooltally", "args": ["--db", "sqlite:", "hook"]});
    write(&path, &running(&entry));
    look_installed(&place, &[]).assert("hooks-store-invalid", "error", Some(&path), "install claude-code");
}

#[test]
fn settings_that_the_agent_skips_are_told_with_the_place() {
    for (text, what) in [
        ("{", "line 1"),
        ("// no\n{}", "not valid JSON"),
        ("[1]", "a list, not an object"),
        ("{\"hooks\": []}", "hooks is a list, not an object"),
        ("{\"hooks\": {\"Stop\": 3}}", "hooks.Stop is a number, not a list"),
        ("{\"hooks\": {\"Stop\": [3]}}", "hooks.Stop[0] is a number"),
        ("{\"hooks\": {\"Stop\": [{\"type\": \"command\"}]}}", "hooks.Stop[0].hooks is missing"),
        (
            "{\"hooks\": {\"Stop\": [{\"matcher\": {}, \"hooks\": []}]}}",
            "hooks.Stop[0].matcher is an object, not a text",
        ),
        ("{\"hooks\": {\"Stop\": [{\"hooks\": [1]}]}}", "hooks.Stop[0].hooks[0] is a number"),
        ("{\"hooks\": {\"Stop\": [{\"hooks\": [{}]}]}}", "hooks.Stop[0].hooks[0].type is missing"),
        (
            "{\"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"command\"}]}]}}",
            "hooks.Stop[0].hooks[0].command is missing",
        ),
    ] {
        let place = Place::new();
        install(&place, &["install", "claude-code"]);
        let path = settings(&place, "project");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let seen = look_installed(&place, &[]);
        seen.assert("settings-malformed", "error", Some(&path), "mend it");
        let message = seen.find("settings-malformed")["message"].as_str().unwrap();
        assert!(message.contains(what), "{message}");
        seen.find("hooks-connected");
    }
    let place = Place::new();
    let path = settings(&place, "user");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    for text in [&b""[..], b"\xef\xbb\xbf{}\n"] {
        std::fs::write(&path, text).unwrap();
        assert!(!look(&place, &[]).troubles().contains(&"settings-malformed"));
    }
    std::fs::write(&path, b"{\"a\": \"\xff\"}").unwrap();
    look(&place, &[]).assert("settings-malformed", "error", Some(&path), "mend it");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    look(&place, &[]).assert("settings-not-readable", "error", Some(&path), "chmod u+r");
}
