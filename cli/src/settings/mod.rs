//! An agent's settings file: our entries in its hooks, and nothing else touched.
//!
//! Everything outside of `hooks` keeps its bytes; inside, what is not ours keeps its content and order.

mod handler;
mod layout;

use serde_json::{Map, Value, json};

use layout::Layout;

pub(crate) use handler::is_tooltally;
pub use handler::{Handler, Task};

/// The events that are connected: those that end a tool call.
pub const EVENTS: [&str; 3] = ["PostToolUse", "PostToolUseFailure", "PermissionDenied"];
/// The event that a session starts with, which tells it the tools at hand.
pub const CONTEXT_EVENT: &str = "SessionStart";

/// Why a settings file was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It is no JSON.
    #[error("it is not valid JSON")]
    NotJson(#[source] serde_json::Error),
    /// Something in it has another shape than the agent documents.
    #[error("{place} is {found}, not {expected}")]
    Shape {
        /// Where.
        place: String,
        /// What is there.
        found: &'static str,
        /// What should be.
        expected: &'static str,
    },
    /// It holds the key `hooks` more than once.
    #[error("it has the key \"hooks\" more than once")]
    HooksTwice,
}

/// The text with our entry in each event's hooks, once; unchanged if it is there already. With the context of a
/// session's start too, where that is wanted; where it is there already, it is kept up.
///
/// # Errors
/// [`SettingsError`] where the text has another shape than settings have.
pub fn connected(text: &str, handler: &Handler, with_context: bool) -> Result<String, SettingsError> {
    let layout = Layout::of(text)?;
    let mut hooks = layout.hooks.clone().unwrap_or_default();
    for event in EVENTS {
        let groups = hooks.entry(event).or_insert_with(|| Value::Array(Vec::new()));
        connect_event(event, groups, handler, Task::Record)?;
    }
    if with_context || has_context(&hooks, handler) {
        let groups = hooks.entry(CONTEXT_EVENT).or_insert_with(|| Value::Array(Vec::new()));
        connect_event(CONTEXT_EVENT, groups, handler, Task::Context)?;
    }
    Ok(layout.with_hooks(text, &hooks))
}

/// Whether a session is told the tools at hand as it starts.
///
/// # Errors
/// As [`connected`].
pub fn tells_context(text: &str, handler: &Handler) -> Result<bool, SettingsError> {
    Ok(Layout::of(text)?.hooks.is_some_and(|hooks| has_context(&hooks, handler)))
}

fn has_context(hooks: &Map<String, Value>, handler: &Handler) -> bool {
    let groups = hooks.get(CONTEXT_EVENT).and_then(Value::as_array).into_iter().flatten();
    let mut entries = groups.filter_map(|group| group.get("hooks").and_then(Value::as_array)).flatten();
    entries.any(|entry| handler.wrote(entry, Task::Context))
}

/// The text without our entries, and without what they alone filled.
///
/// # Errors
/// As [`connected`].
pub fn disconnected(text: &str, handler: &Handler) -> Result<String, SettingsError> {
    let layout = Layout::of(text)?;
    let Some(mut hooks) = layout.hooks.clone() else { return Ok(text.to_owned()) };
    let mut emptied = Vec::new();
    // Whatever the event: an older version may have connected others.
    for (event, groups) in &mut hooks {
        let had = count_ours(event, groups, handler)?;
        if had > 0 {
            for task in Task::ALL {
                keep_ours(event, groups, handler, task, 0)?;
            }
            if groups.as_array().is_some_and(Vec::is_empty) {
                emptied.push(event.clone());
            }
        }
    }
    for event in &emptied {
        hooks.shift_remove(event);
    }
    if hooks.is_empty() && !emptied.is_empty() {
        return Ok(layout.without_hooks(text));
    }
    Ok(layout.with_hooks(text, &hooks))
}

/// The stores that our entries name, each once; an entry without `--db` means the default.
///
/// # Errors
/// As [`connected`].
pub fn databases(text: &str, handler: &Handler) -> Result<Vec<Option<String>>, SettingsError> {
    let Some(hooks) = Layout::of(text)?.hooks else { return Ok(Vec::new()) };
    let groups = hooks.values().filter_map(Value::as_array).flatten();
    let lists = groups.filter_map(|group| group.get("hooks").and_then(Value::as_array));
    let mut found: Vec<Option<String>> = lists
        .flatten()
        .filter(|entry| handler.task_of(entry).is_some())
        .filter_map(|entry| entry.get("args").and_then(Value::as_array))
        .map(|args| match args.as_slice() {
            [first, db, ..] if first == "--db" => db.as_str().map(str::to_owned),
            _ => None,
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn connect_event(event: &str, groups: &mut Value, handler: &Handler, task: Task) -> Result<(), SettingsError> {
    keep_ours(event, groups, handler, task, 1)?;
    let mut is_there = false;
    for_each_list(event, groups, &mut |list| {
        for entry in list.iter_mut().filter(|entry| handler.wrote(entry, task)) {
            is_there = true;
            if let Some(fields) = entry.as_object_mut() {
                fields.insert("command".to_owned(), json!(handler.command));
                fields.insert("args".to_owned(), json!(handler.args(task)));
            }
        }
    })?;
    if !is_there && let Some(groups) = groups.as_array_mut() {
        groups.push(json!({"hooks": [handler.to_value(task)]}));
    }
    Ok(())
}

fn count_ours(event: &str, groups: &mut Value, handler: &Handler) -> Result<usize, SettingsError> {
    // Of an event that is not ours to connect, a strange shape is no concern.
    if !groups.is_array() && !EVENTS.contains(&event) {
        return Ok(0);
    }
    let mut count = 0;
    let counted = for_each_list(event, groups, &mut |list| {
        count += list.iter().filter(|entry| handler.task_of(entry).is_some()).count();
    });
    match counted {
        Err(_) if !EVENTS.contains(&event) => Ok(0),
        result => result.map(|()| count),
    }
}

/// Removes our entries for a task after the first `kept`, and each group that this empties.
fn keep_ours(event: &str, groups: &mut Value, handler: &Handler, task: Task, kept: usize) -> Result<(), SettingsError> {
    let mut seen = 0;
    let mut emptied = Vec::new();
    for_each_list(event, groups, &mut |list| {
        let before = list.len();
        list.retain(|entry| {
            let is_ours = handler.wrote(entry, task);
            seen += usize::from(is_ours);
            !is_ours || seen <= kept
        });
        emptied.push(list.is_empty() && before > 0);
    })?;
    if let Some(groups) = groups.as_array_mut() {
        let mut emptied = emptied.into_iter();
        groups.retain(|_| !emptied.next().unwrap_or(false));
    }
    Ok(())
}

/// Visits the list of entries of each of an event's groups.
fn for_each_list(event: &str, groups: &mut Value, visit: &mut dyn FnMut(&mut Vec<Value>)) -> Result<(), SettingsError> {
    let place = format!("hooks.{event}");
    let found = kind(groups);
    let Some(groups) = groups.as_array_mut() else { return Err(shape(place, found, "a list")) };
    for (index, group) in groups.iter_mut().enumerate() {
        let found = kind(group);
        let Some(group) = group.as_object_mut() else {
            return Err(shape(format!("{place}[{index}]"), found, "an object"));
        };
        let list = group.get_mut("hooks");
        let found = list.as_deref().map_or("missing", kind);
        match list.and_then(Value::as_array_mut) {
            Some(list) => visit(list),
            None => return Err(shape(format!("{place}[{index}].hooks"), found, "a list")),
        }
    }
    Ok(())
}

fn shape(place: String, found: &'static str, expected: &'static str) -> SettingsError {
    SettingsError::Shape { place, found, expected }
}

/// What a value is, in words.
pub(crate) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handler() -> Handler {
        Handler { command: "/usr/local/bin/tooltally".into(), db: None }
    }

    const OURS: &str = r#"{
        "hooks": [
          {
            "type": "command",
            "command": "/usr/local/bin/tooltally",
            "args": [
              "hook"
            ],
            "timeout": 5
          }
        ]
      }"#;

    #[test]
    fn an_empty_file_gets_our_hooks_and_loses_them_again() {
        let text = connected("{}\n", &handler(), false).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        for event in EVENTS {
            assert_eq!(value["hooks"][event], json!([serde_json::from_str::<Value>(OURS).unwrap()]));
        }
        assert_eq!(connected(&text, &handler(), false).unwrap(), text, "twice is once");
        assert_eq!(disconnected(&text, &handler()).unwrap(), "{}\n");
    }

    #[test]
    fn what_is_there_keeps_its_bytes_and_comes_back() {
        let texts = [
            "{\n    \"z\": 1.50e3,\n    \"model\": \"\\u0041\",\n    \"a\": [1,  2]\n}\n",
            "{\n\t\"a\": 12345678901234567890123,\n\t\"permissions\": {\"allow\": []}\n}",
            "{\"a\":1, \"b\":{\"hooks\":{}}}",
        ];
        for text in texts {
            let with = connected(text, &handler(), false).unwrap();
            let end = text.trim_end().trim_end_matches('}').trim_end();
            assert!(with.starts_with(end), "{with}");
            assert_eq!(disconnected(&with, &handler()).unwrap(), text);
        }
    }

    #[test]
    fn hooks_of_others_stay_in_their_order() {
        let text = r#"{
  "hooks": {
    "Stop": [
      {
        "hooks": [
          {
            "type": "command",
            "command": "say done"
          }
        ]
      }
    ],
    "PostToolUse": [
      {
        "matcher": "Edit",
        "hooks": [
          {
            "type": "command",
            "command": "prettier"
          }
        ]
      }
    ]
  },
  "model": "opus"
}
"#;
        let with = connected(text, &handler(), false).unwrap();
        let value: Value = serde_json::from_str(&with).unwrap();
        let keys: Vec<&String> = value["hooks"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["Stop", "PostToolUse", "PostToolUseFailure", "PermissionDenied"]);
        assert_eq!(value["hooks"]["PostToolUse"][0]["hooks"][0]["command"], "prettier");
        assert_eq!(disconnected(&with, &handler()).unwrap(), text);
    }

    #[test]
    fn another_database_or_place_changes_our_entry_alone() {
        let text = connected("{}", &handler(), false).unwrap();
        let moved = Handler { command: "/opt/tooltally".into(), db: Some("redb:/x".into()) };
        let text = connected(&text, &moved, false).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        for event in EVENTS {
            assert_eq!(value["hooks"][event].as_array().unwrap().len(), 1);
            assert_eq!(value["hooks"][event][0]["hooks"][0]["args"], json!(["--db", "redb:/x", "hook"]));
            assert_eq!(value["hooks"][event][0]["hooks"][0]["command"], "/opt/tooltally");
        }
        assert_eq!(databases(&text, &handler()).unwrap(), [Some("redb:/x".to_owned())]);
    }

    #[test]
    fn entries_that_only_look_like_ours_stay() {
        let text = json!({"hooks": {"PostToolUse": [{"hooks": [
            {"type": "command", "command": "tooltally stats"},
            {"type": "command", "command": "/usr/bin/other", "args": ["hook"]},
            {"type": "command", "command": "tooltally", "args": ["stats"]},
        ]}]}})
        .to_string();
        assert_eq!(disconnected(&text, &handler()).unwrap(), text);
        let with = connected(&text, &handler(), false).unwrap();
        assert_eq!(disconnected(&with, &handler()).unwrap(), text);
    }

    #[test]
    fn an_entry_in_a_group_of_others_leaves_the_group() {
        let ours = handler().to_value(Task::Record);
        let text = json!({"hooks": {"PostToolUse": [{"matcher": "Bash", "hooks": [{"type": "prompt"}, ours]}]}});
        let without = disconnected(&text.to_string(), &handler()).unwrap();
        let expected = json!({"hooks": {"PostToolUse": [{"matcher": "Bash", "hooks": [{"type": "prompt"}]}]}});
        assert_eq!(serde_json::from_str::<Value>(&without).unwrap(), expected);
    }

    #[test]
    fn other_shapes_are_refused_with_their_place() {
        let refused = |text: &str| connected(text, &handler(), false).unwrap_err().to_string();
        assert_eq!(refused("{"), "it is not valid JSON");
        assert_eq!(refused("[]"), "it is not valid JSON");
        assert_eq!(refused(r#"{"hooks": []}"#), "hooks is a list, not an object");
        assert_eq!(refused(r#"{"hooks": {"PostToolUse": {}}}"#), "hooks.PostToolUse is an object, not a list");
        assert_eq!(refused(r#"{"hooks": {"PostToolUse": [3]}}"#), "hooks.PostToolUse[0] is a number, not an object");
        assert_eq!(
            refused(r#"{"hooks": {"PostToolUse": [{"hooks": null}]}}"#),
            "hooks.PostToolUse[0].hooks is null, not a list"
        );
        assert_eq!(refused(r#"{"hooks": {}, "hooks": {}}"#), "it has the key \"hooks\" more than once");
    }

    #[test]
    fn a_sessions_start_is_connected_where_it_is_wanted_and_kept_up() {
        let others =
            json!({"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "fortune"}]}]}}).to_string();
        for text in ["{}", &others] {
            let with = connected(text, &handler(), true).unwrap();
            assert!(tells_context(&with, &handler()).unwrap() && !tells_context(text, &handler()).unwrap());
            assert_eq!(connected(&with, &handler(), true).unwrap(), with, "twice is once");
            assert_eq!(connected(&with, &handler(), false).unwrap(), with, "what is there stays");
            let value: Value = serde_json::from_str(&with).unwrap();
            let last = value["hooks"]["SessionStart"].as_array().unwrap().last().unwrap();
            assert_eq!(last["hooks"][0]["args"], json!(["context", "--hook"]));
            let moved = Handler { command: "/opt/tooltally".into(), db: Some("redb:/x".into()) };
            let moved: Value = serde_json::from_str(&connected(&with, &moved, false).unwrap()).unwrap();
            let last = moved["hooks"]["SessionStart"].as_array().unwrap().last().unwrap();
            assert_eq!(last["hooks"][0]["args"], json!(["--db", "redb:/x", "context", "--hook"]));
            let without = disconnected(&with, &handler()).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&without).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        }
        // A hook in its place records nothing, and is none of its business.
        let text = connected("{}", &handler(), false).unwrap();
        assert!(!tells_context(&text, &handler()).unwrap());
    }
}
