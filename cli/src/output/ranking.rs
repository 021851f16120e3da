//! The tools by how much they matter now, those of an MCP server gathered.

use serde_json::{Map, Value, json};
use tooltally::Project;
use tooltally::policy::kind::Kind;
use tooltally::policy::rank::{Ranked, Score, Weights, rank_servers};
use tooltally::policy::status::Standing;

use super::Surface;
use super::humanize::count;
use super::json;
use super::table::{Column, Grid};
use super::tools_table::kind;

/// A tool that no MCP server brings, or a server with its tools.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name; a server's as the names of its tools begin.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its score.
    pub score: Score,
    /// The tool alone, or those of the server.
    pub tools: Vec<Ranked>,
}

impl Row {
    /// How it stands: a server as the best of its tools, which is what its score is made with.
    fn standing(&self) -> Option<Standing> {
        self.tools.iter().map(|tool| tool.facts.standing).min()
    }
}

/// Gathers ranked tools, which are all that there are: the highest score first, of equal ones by name.
pub fn rows(ranked: &[Ranked], weights: &Weights) -> Vec<Row> {
    let servers = rank_servers(ranked, weights).into_iter().map(|server| Row {
        name: server.name,
        kind: Kind::McpServer,
        score: server.score,
        tools: server.tools,
    });
    let alone = ranked.iter().filter(|tool| tool.facts.server.is_none()).map(|tool| Row {
        name: tool.facts.tool.to_string(),
        kind: tool.facts.kind,
        score: tool.score,
        tools: vec![tool.clone()],
    });
    let mut rows: Vec<Row> = servers.chain(alone).collect();
    rows.sort_by(|a, b| b.score.total().total_cmp(&a.score.total()).then_with(|| a.name.cmp(&b.name)));
    rows
}

/// The rows as a table under a heading, with the terms of each score where they are wanted. There must be at least one.
pub fn render(rows: &[Row], heading: &str, is_explained: bool, weights: &Weights, surface: Surface) -> String {
    let mut columns = vec![Column::name("Tool"), Column::text("Kind", 1), Column::number("Score", 0)];
    if is_explained {
        columns.extend(["Share", "Recency", "Success", "Standing"].map(|term| Column::number(term, 0)));
    }
    columns.push(Column::text("Status", 2));
    let mut grid = Grid::new(columns);
    for row in rows {
        let status = row.standing().map_or("", Standing::as_str);
        grid.row(cells(&row.name, kind(row.kind), &row.score, status, is_explained));
        let brought = row.tools.iter().filter(|_| row.kind == Kind::McpServer);
        for tool in brought {
            if let Some(name) = tool.facts.name_in_server() {
                let status = tool.facts.standing.as_str();
                grid.row(cells(&format!("  {name}"), "", &tool.score, status, is_explained));
            }
        }
    }
    let heading = format!("{} {heading}", count(rows.len() as u64));
    let text = format!("{}\n\n{}", surface.bold(&heading), grid.render(surface));
    if !is_explained {
        return text;
    }
    let Weights { share, recency, success, .. } = weights;
    format!("{text}\nscore = standing × ({share} × share + {recency} × recency + {success} × success)\n")
}

fn cells(name: &str, kind: &str, score: &Score, status: &str, is_explained: bool) -> Vec<String> {
    let mut cells = vec![name.to_owned(), kind.to_owned(), shown(score.total())];
    if is_explained {
        cells.extend([score.share, score.recency, score.success].map(shown));
        cells.push(score.standing.to_string());
    }
    cells.push(status.to_owned());
    cells
}

fn shown(term: f64) -> String {
    format!("{term:.3}")
}

/// The rows as one JSON object with its line end.
pub fn as_json(rows: &[Row], project: &Project, weights: &Weights) -> String {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut object = scored(&row.name, row.kind, &row.score);
            object.insert("status".to_owned(), json!(row.standing().map(Standing::as_str)));
            object.insert("tools".to_owned(), row.tools.iter().map(ranked).collect());
            Value::Object(object)
        })
        .collect();
    json::line(&json!({
        "project": project.id.to_string(),
        "path": project.path.as_ref().map(AsRef::<str>::as_ref),
        "weights": {"share": weights.share, "recency": weights.recency, "success": weights.success},
        "rows": rows,
    }))
}

fn ranked(tool: &Ranked) -> Value {
    let facts = &tool.facts;
    let mut object = scored(facts.tool.as_str(), facts.kind, &tool.score);
    object.insert("recent_uses".to_owned(), json!(facts.recent_uses));
    object.insert("age".to_owned(), json!(facts.age));
    object.insert("successes".to_owned(), json!(facts.successes));
    object.insert("failures".to_owned(), json!(facts.failures));
    object.insert("status".to_owned(), json!(facts.standing.as_str()));
    Value::Object(object)
}

fn scored(name: &str, kind: Kind, score: &Score) -> Map<String, Value> {
    let mut object = Map::new();
    for (key, value) in [
        ("name", json!(name)),
        ("kind", json!(kind.as_str())),
        ("score", json!(score.total())),
        ("share", json!(score.share)),
        ("recency", json!(score.recency)),
        ("success", json!(score.success)),
        ("standing", json!(score.standing)),
    ] {
        object.insert(key.to_owned(), value);
    }
    object
}
