//! What settings offer, what becomes of it, and what a session is told of it.

mod context;
mod rank;
mod scan;
mod suggest;
mod tools;

use serde_json::{Value, json};

use crate::support::Place;

/// Writes a file in the place's home.
fn write(place: &Place, name: &str, text: &str) {
    let path = place.path(&format!("home/{name}"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A project with a server, a command and a skill, and a person with a skill and a server.
fn furnish(place: &Place) {
    let server = json!({"command": "npx", "args": ["-y", "server"], "env": {"TOKEN": "secret"}});
    write(place, "work/.mcp.json", &json!({"mcpServers": {"github": server}}).to_string());
    write(place, "work/.claude/commands/deploy.md", "---\ndescription: Ships to staging\n---\nShip it.\n");
    write(place, "work/.claude/skills/review/SKILL.md", "---\nname: review\ndescription: Reviews a change\n---\n");
    write(place, ".claude/skills/pdf/SKILL.md", "---\ndescription: Reads PDF files\n---\n");
    write(place, ".claude.json", &json!({"mcpServers": {"sentry": server}}).to_string());
}

/// Event lines of calls in the place's project, or in another folder.
fn calls(place: &Place, folder: &str, calls: &[(&str, &str, &str)]) -> String {
    let path = place.path(folder);
    let line = |(tool, outcome, time): &(&str, &str, &str)| {
        format!("{}\n", json!({"v": 1, "tool": tool, "outcome": outcome, "time": time, "path": path}))
    };
    calls.iter().map(line).collect()
}

/// An instant so many minutes ago.
fn minutes_ago(minutes: i64) -> String {
    (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes)).to_string()
}

/// The texts of one field of a list.
fn field(list: &Value, key: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap_or("null").to_owned()).collect()
}
