//! What keeps hooks from running although they are connected.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Seen, look, look_with};
use crate::support::{Place, answer};

/// A place with hooks in the user's settings, and these settings in other files.
fn place_with(files: &[(&str, Value)]) -> (Place, impl Fn(&str) -> PathBuf + use<>) {
    let place = Place::new();
    answer(place.command(&["install", "claude-code"]).spawn().unwrap()).done();
    let root = place.path("");
    let path = move |name: &str| {
        root.join(match name {
            "user" => "home/.claude/settings.json",
            "project" => "home/work/.claude/settings.json",
            "local" => "home/work/.claude/settings.local.json",
            "remote" => "home/.claude/remote-settings.json",
            "managed" => "managed/managed-settings.json",
            fragment => return root.join("managed/managed-settings.d").join(fragment),
        })
    };
    for (name, settings) in files {
        let file = path(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let mut whole: Value =
            std::fs::read_to_string(&file).map_or_else(|_| json!({}), |text| serde_json::from_str(&text).unwrap());
        whole.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        std::fs::write(&file, whole.to_string()).unwrap();
    }
    (place, path)
}

/// The codes of what keeps hooks from running.
fn kept_back(seen: &Seen) -> Vec<String> {
    let codes = [
        "hooks-disabled",
        "hooks-disabled-by-policy",
        "hooks-managed-only",
        "hooks-plugins-only",
        "hooks-off-by-environment",
    ];
    seen.troubles().into_iter().filter(|code| codes.contains(code)).map(str::to_owned).collect()
}

#[test]
fn hooks_that_a_settings_file_disables_are_told_with_the_file() {
    for scope in ["user", "project", "local"] {
        let (place, path) = place_with(&[(scope, json!({"disableAllHooks": true}))]);
        let seen = look(&place, &[]);
        seen.assert("hooks-disabled", "error", Some(&path(scope)), "disableAllHooks");
        assert_eq!(seen.code, Some(1));
    }
    // The nearer file has the word.
    let (place, _) =
        place_with(&[("local", json!({"disableAllHooks": false})), ("user", json!({"disableAllHooks": true}))]);
    assert_eq!(kept_back(&look(&place, &[])), [""; 0]);
    let (place, path) =
        place_with(&[("project", json!({"disableAllHooks": true})), ("user", json!({"disableAllHooks": false}))]);
    look(&place, &[]).assert("hooks-disabled", "error", Some(&path("project")), "false");
}

#[test]
fn hooks_that_an_organization_forbids_are_told_with_its_file() {
    for (key, value, code) in [
        ("disableAllHooks", json!(true), "hooks-disabled-by-policy"),
        ("allowManagedHooksOnly", json!(true), "hooks-managed-only"),
        ("strictPluginOnlyCustomization", json!(true), "hooks-plugins-only"),
        ("strictPluginOnlyCustomization", json!(["skills", "hooks"]), "hooks-plugins-only"),
        ("strictPluginOnlyCustomization", json!({"hooks": true}), "hooks-plugins-only"),
    ] {
        for file in ["managed", "10-lock.json", "remote"] {
            let (place, path) = place_with(&[(file, json!({key: value}))]);
            let seen = look(&place, &[]);
            seen.assert(code, "error", Some(&path(file)), "tooltally import");
            assert_eq!(kept_back(&seen), [code], "{file}");
        }
        // A person's own settings cannot say so, but for the first.
        let (place, _) = place_with(&[("user", json!({key: value}))]);
        let expected: &[&str] = if key == "disableAllHooks" { &["hooks-disabled"] } else { &[] };
        assert_eq!(kept_back(&look(&place, &[])), expected);
    }
    for (key, value) in [
        ("disableAllHooks", json!(false)),
        ("disableAllHooks", json!("true")),
        ("allowManagedHooksOnly", json!(false)),
        ("strictPluginOnlyCustomization", json!(["skills"])),
    ] {
        let (place, _) = place_with(&[("managed", json!({key: value}))]);
        assert_eq!(kept_back(&look(&place, &[])), [""; 0], "{key}: {value}");
    }
    // Later fragments outweigh earlier ones; hidden files and others count for nothing.
    let lock = || json!({"disableAllHooks": true});
    let (place, _) = place_with(&[("10-lock.json", lock()), ("20-open.json", json!({"disableAllHooks": false}))]);
    assert_eq!(kept_back(&look(&place, &[])), [""; 0]);
    let (place, _) = place_with(&[(".hidden.json", lock()), ("lock.json.bak", lock())]);
    assert_eq!(kept_back(&look(&place, &[])), [""; 0]);
}

#[test]
fn an_organizations_own_hooks_run_in_spite_of_a_persons_settings() {
    let hooks = json!([{"hooks": [{"type": "command", "command": env!("CARGO_BIN_EXE_tooltally"), "args": ["hook"]}]}]);
    let hooks = json!({"PostToolUse": hooks, "PostToolUseFailure": hooks, "PermissionDenied": hooks});
    let (place, path) = place_with(&[
        ("managed", json!({"hooks": hooks, "allowManagedHooksOnly": true})),
        ("user", json!({"disableAllHooks": true})),
    ]);
    let seen = look(&place, &[]);
    assert_eq!(kept_back(&seen), [""; 0]);
    std::fs::write(path("user"), "{}").unwrap();
    let seen = look(&place, &[]);
    assert_eq!(seen.find("hooks-connected")["path"], path("managed").to_str().unwrap());
}

#[test]
fn an_obstacle_is_no_error_to_who_has_no_hooks() {
    let (place, path) = place_with(&[("managed", json!({"allowManagedHooksOnly": true}))]);
    std::fs::write(path("user"), "{}").unwrap();
    let seen = look(&place, &[]);
    seen.assert("hooks-managed-only", "warning", Some(&path("managed")), "import");
    assert_eq!(seen.code, Some(0));
}

#[test]
fn an_environment_without_hooks_is_told() {
    for variable in ["CLAUDE_CODE_SIMPLE", "CLAUDE_CODE_SAFE_MODE"] {
        let (place, _) = place_with(&[]);
        let with = |value: &str| look_with(&place, place.command(&["--json", "doctor"]).env(variable, value));
        with("1").assert("hooks-off-by-environment", "warning", None, "unset");
        assert_eq!(kept_back(&with("0")), [""; 0]);
        // The settings' own environment outweighs it, and a project's may not.
        let (place, _) = place_with(&[("user", json!({"env": {variable: "0"}}))]);
        let seen = look_with(&place, place.command(&["--json", "doctor"]).env(variable, "1"));
        assert_eq!(kept_back(&seen), [""; 0]);
        let (place, _) = place_with(&[("user", json!({"env": {variable: "true"}}))]);
        assert_eq!(kept_back(&look(&place, &[])), ["hooks-off-by-environment"]);
        let (place, _) = place_with(&[("project", json!({"env": {variable: "1"}}))]);
        assert_eq!(kept_back(&look(&place, &[])), [""; 0]);
    }
}
