//! Our entries among an agent's hooks, however they were written.

use std::path::PathBuf;

use serde_json::Value;

use super::sources::{Scope, Source};
use crate::settings::{Task, is_tooltally};

/// An entry that runs our program.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// What for.
    pub(super) task: Task,
    /// The agent's event that runs it.
    pub(super) event: String,
    /// Whose settings it stands in.
    pub(super) scope: Scope,
    /// Their file.
    pub(super) path: PathBuf,
    /// For which tools; `None` for all.
    pub(super) matcher: Option<String>,
    /// Whether the agent goes on without waiting for it.
    pub(super) is_async: bool,
    /// The program, as it is written.
    pub(super) program: String,
    /// The store that it is told to use.
    pub(super) db: Option<String>,
}

/// Every entry of ours, in the order of the sources.
pub(super) fn of(sources: &[Source]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for source in sources {
        let hooks = source.settings.get("hooks").and_then(Value::as_object);
        for (event, groups) in hooks.into_iter().flatten() {
            for group in groups.as_array().into_iter().flatten() {
                let list = group.get("hooks").and_then(Value::as_array);
                entries.extend(list.into_iter().flatten().filter_map(|entry| read(source, event, group, entry)));
            }
        }
    }
    entries
}

fn read(source: &Source, event: &str, group: &Value, entry: &Value) -> Option<Entry> {
    let text = |key| entry.get(key).and_then(Value::as_str);
    let command = text("command").filter(|_| text("type") == Some("command"))?;
    let mut words = match entry.get("args").and_then(Value::as_array) {
        Some(args) => [command].into_iter().chain(args.iter().filter_map(Value::as_str)).map(str::to_owned).collect(),
        // Without arguments the command is a shell's line.
        None => words(command),
    }
    .into_iter();
    let program = words.next()?;
    let args: Vec<String> = words.collect();
    if !is_tooltally(&program) {
        return None;
    }
    let task = task_of(&args)?;
    // An empty matcher and a star are as good as none: <https://code.claude.com/docs/en/hooks#matcher-patterns>.
    let matcher = group.get("matcher").and_then(Value::as_str).filter(|matcher| !matches!(*matcher, "" | "*"));
    Some(Entry {
        task,
        event: event.to_owned(),
        scope: source.scope,
        path: source.path.clone(),
        matcher: matcher.map(str::to_owned),
        is_async: entry.get("async").and_then(Value::as_bool).unwrap_or(false),
        program,
        db: db_of(&args),
    })
}

/// What the arguments are for, however a person has written them.
fn task_of(args: &[String]) -> Option<Task> {
    let has = |word: &str| args.iter().any(|arg| arg == word);
    match (has("hook"), has("context")) {
        (true, _) => Some(Task::Record),
        (false, true) => Some(Task::Context),
        (false, false) => None,
    }
}

fn db_of(args: &[String]) -> Option<String> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--db" {
            return args.next().cloned();
        }
        if let Some(value) = arg.strip_prefix("--db=") {
            return Some(value.to_owned());
        }
    }
    None
}

/// The words of a shell's line, as far as quotes go.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            None if matches!(c, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shells_line_is_taken_apart() {
        assert_eq!(words(r#""/a b/tooltally" --db 'x y' hook"#), ["/a b/tooltally", "--db", "x y", "hook"]);
        assert_eq!(words("  "), [""; 0]);
    }
}
