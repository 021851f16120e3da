//! The registry: tools with their use and status.

use serde_json::{Value, json};
use tooltally::policy::kind::{Kind, Scope};
use tooltally::policy::status::State;
use tooltally::policy::tools::Tool;
use tooltally::{Project, Timestamp};

use super::Surface;
use super::humanize::{ago, count, counted};
use super::json;
use super::table::{Column, Grid};

/// What a tool is, in words.
pub const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::BuiltIn => "built in",
        Kind::McpTool => "MCP tool",
        Kind::McpServer => "MCP server",
        Kind::SlashCommand => "command",
        Kind::Skill => "skill",
        Kind::Plugin => "plugin",
        _ => "other",
    }
}

/// Where a tool comes from, in words.
pub fn scope(scope: Scope) -> String {
    scope.as_str().replace('_', " ")
}

/// The tools as a table under a heading. There must be at least one.
pub fn render(tools: &[Tool], heading: &str, now: Timestamp, surface: Surface) -> String {
    let mut grid = Grid::new(vec![
        Column::name("Tool"),
        Column::text("Kind", 3),
        Column::text("Scope", 4),
        Column::text("Server", 5),
        Column::number("Uses", 0),
        Column::text("Last used", 2),
        Column::text("Status", 1),
    ]);
    for tool in tools {
        grid.row(vec![
            tool.name.to_string(),
            kind(tool.kind).to_owned(),
            tool.scope.map_or_else(none, scope),
            tool.server.clone().unwrap_or_else(none),
            count(tool.uses),
            tool.last_used.map_or_else(none, |last| ago(last, now)),
            status(tool, now),
        ]);
    }
    let heading = format!("{} {heading}", counted(tools.len() as u64, "tool"));
    format!("{}\n\n{}", surface.bold(&heading), grid.render(surface))
}

fn none() -> String {
    "-".to_owned()
}

/// The one word, and why.
fn status(tool: &Tool, now: Timestamp) -> String {
    let standing = tool.status.standing();
    let reasons = reasons(tool, now);
    if reasons.is_empty() { standing.to_string() } else { format!("{standing}: {}", reasons.join(", ")) }
}

/// Everything that speaks against a tool, the gravest first.
fn reasons(tool: &Tool, now: Timestamp) -> Vec<String> {
    let mut reasons = Vec::new();
    if tool.status.removed {
        // Where it has no removal of its own, it went with its server or plugin.
        reasons.push(match removed(tool) {
            Some(at) => format!("removed {}", ago(at, now)),
            None if tool.scope == Some(Scope::TurnedOff) => "turned off in this project".to_owned(),
            None => "removed with what brings it".to_owned(),
        });
    }
    match tool.status.state {
        State::Demoted { .. } => reasons.push("fails too often".to_owned()),
        State::Probation { .. } => reasons.push("on probation after failures".to_owned()),
        State::Active { .. } => {}
    }
    if tool.status.unseen {
        reasons.push(match tool.last_seen {
            Some(seen) => format!("unseen since {}", day(seen)),
            None => "unseen for long".to_owned(),
        });
    }
    reasons
}

fn removed(tool: &Tool) -> Option<Timestamp> {
    tool.registered.as_ref().and_then(|registered| registered.removed)
}

/// The day, in UTC.
fn day(time: Timestamp) -> String {
    time.to_jiff().strftime("%Y-%m-%d").to_string()
}

/// The tools of a project, or of all, as one JSON object with its line end.
pub fn as_json(tools: &[Tool], project: Option<&Project>) -> String {
    json::line(&json!({
        "project": project.map(|project| project.id.to_string()),
        "path": project.and_then(|project| project.path.as_ref()).map(AsRef::<str>::as_ref),
        "tools": tools.iter().map(row).collect::<Vec<_>>(),
    }))
}

fn row(tool: &Tool) -> Value {
    let status = &tool.status;
    json!({
        "tool": tool.name.as_str(),
        "kind": tool.kind.as_str(),
        "scope": tool.scope.map(Scope::as_str),
        "plugin": tool.plugin,
        "server": tool.server,
        "project": tool.project().map(|project| project.id.to_string()),
        "description": tool.description().map(AsRef::<str>::as_ref),
        "source": tool.source().map(AsRef::<str>::as_ref),
        "uses": tool.uses,
        "success": tool.successes,
        "failure": tool.failures,
        "last_used": json::instant(tool.last_used),
        "status": status.standing().as_str(),
        "removed": status.removed,
        "removed_at": json::instant(removed(tool)),
        "unseen": status.unseen,
        "unseen_since": json::instant(tool.last_seen.filter(|_| status.unseen)),
        "demoted": matches!(status.state, State::Demoted { .. }),
        "probation": matches!(status.state, State::Probation { .. }),
        "first_discovered": json::instant(tool.registered.as_ref().map(|registered| registered.first_discovered)),
        "discoveries": tool.registered.as_ref().map_or(0, |registered| registered.discoveries),
    })
}
