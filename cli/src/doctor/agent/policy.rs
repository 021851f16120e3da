//! What keeps hooks from running, however they are connected:
//! <https://code.claude.com/docs/en/hooks#disable-or-remove-hooks> and the keys of
//! <https://code.claude.com/docs/en/settings-reference>.

use serde_json::Value;

use super::super::{Check, Finding, Level};
use super::sources::{Scope, Source};

/// Variables that have the agent start without hooks: <https://code.claude.com/docs/en/env-vars>.
const OFF_VARIABLES: [&str; 2] = ["CLAUDE_CODE_SIMPLE", "CLAUDE_CODE_SAFE_MODE"];

/// Says what keeps our hooks from running. It is an error where they are connected; `is_managed` says that the
/// organization's own settings have them, which most of this does not concern.
pub(super) fn examine(sources: &[Source], is_connected: bool, is_managed: bool, findings: &mut Vec<Finding>) {
    let level = if is_connected { Level::Error } else { Level::Warning };
    if let Some(source) = disabled_by(sources) {
        if source.scope == Scope::Managed {
            findings.push(by_policy(
                level,
                "hooks-disabled-by-policy",
                "\"disableAllHooks\" turns every hook off",
                source,
            ));
        } else if !is_managed {
            let message = format!("\"disableAllHooks\" in the {} settings turns every hook off", source.scope.as_str());
            findings.push(
                Finding::new(Check::Agent, level, "hooks-disabled", message)
                    .at(&source.path)
                    .remedy("take \"disableAllHooks\" out of that file, or set it to false"),
            );
        }
    }
    if is_managed {
        return;
    }
    let managed_key = |key: &str| managed(sources, |source| source.settings.get(key).map(|value| (source, value)));
    if let Some((source, Value::Bool(true))) = managed_key("allowManagedHooksOnly") {
        let message = "\"allowManagedHooksOnly\" lets no hooks run but the organization's own";
        findings.push(by_policy(level, "hooks-managed-only", message, source));
    }
    if let Some((source, value)) = managed_key("strictPluginOnlyCustomization")
        && names_hooks(value)
    {
        let message = "\"strictPluginOnlyCustomization\" lets no hooks of a person or a project run";
        findings.push(by_policy(level, "hooks-plugins-only", message, source));
    }
    for variable in OFF_VARIABLES {
        if let Some(place) = turned_on(sources, variable) {
            findings.push(
                Finding::new(
                    Check::Agent,
                    Level::Warning,
                    "hooks-off-by-environment",
                    format!("{variable}, set in {place}, has the agent start without hooks"),
                )
                .remedy(format!("unset {variable}, and start the agent anew")),
            );
        }
    }
}

fn by_policy(level: Level, code: &'static str, message: &str, source: &Source) -> Finding {
    Finding::new(Check::Agent, level, code, format!("the managed settings keep hooks from running: {message}"))
        .at(&source.path)
        .remedy("ask whoever manages them to add tooltally's hooks; until then import, which needs no hook")
        .command("tooltally import")
}

/// The file whose word counts on `disableAllHooks`, where it says yes.
fn disabled_by(sources: &[Source]) -> Option<&Source> {
    let (source, is_on) = sources.iter().rev().find_map(|source| {
        let value = source.settings.get("disableAllHooks").and_then(Value::as_bool);
        value.map(|is_on| (source, is_on))
    })?;
    is_on.then_some(source)
}

/// The managed settings' last word.
fn managed<'a, T>(sources: &'a [Source], find: impl FnMut(&'a Source) -> Option<T>) -> Option<T> {
    sources.iter().rev().filter(|source| source.scope == Scope::Managed).find_map(find)
}

/// `true`, or a list with hooks in it, or an object that has them on: all three are in use.
fn names_hooks(value: &Value) -> bool {
    match value {
        Value::Bool(is_on) => *is_on,
        Value::Array(parts) => parts.iter().any(|part| part == "hooks"),
        Value::Object(parts) => parts.get("hooks") == Some(&Value::Bool(true)),
        _ => false,
    }
}

/// Where a variable is turned on: the settings' own environment outweighs the one that the agent is started in,
/// and a project's cannot set it.
fn turned_on(sources: &[Source], variable: &str) -> Option<String> {
    let is_on = |value: &str| matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on");
    let trusted = sources.iter().rev().filter(|source| matches!(source.scope, Scope::User | Scope::Managed));
    for source in trusted {
        if let Some(value) = source.settings.get("env").and_then(|env| env.get(variable)).and_then(Value::as_str) {
            return is_on(value).then(|| source.path.display().to_string());
        }
    }
    let value = std::env::var(variable).ok()?;
    is_on(&value).then(|| "this environment".to_owned())
}
