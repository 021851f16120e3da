//! The predecessor's database: any bytes as its file, and rows of any values.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::path::Path;

use arbitrary::Unstructured;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use tooltally::{Event, ManualClock, Outcome, Timestamp, ToolUse};
use tooltally_cli::input::{Importer, Summary};

use super::claim::{holds, may_be_told, same};
use super::generate;
use super::history::lines_come_back;
use crate::Result;

/// How an SQLite database begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// The most rows of one input.
const MOST_ROWS: usize = 40;
/// The predecessor's table, and one of the same columns that take any value.
const SCHEMAS: [&str; 2] = [
    "CREATE TABLE tool_usage_events (id INTEGER PRIMARY KEY AUTOINCREMENT, tool_name TEXT NOT NULL, session_id TEXT,
        project_hash TEXT, success INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL DEFAULT (datetime('now')))",
    "CREATE TABLE tool_usage_events (id, tool_name, session_id, project_hash, success, created_at)",
];

/// Any bytes as the predecessor's database.
///
/// # Errors
/// What does not hold.
pub fn predecessor_file(bytes: &[u8]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("history.db");
    let mut bytes = bytes.to_vec();
    if let Some(beginning) = bytes.first_chunk_mut() {
        *beginning = *MAGIC;
    }
    fs::write(&path, &bytes)?;
    let (events, summary) = import(&path);
    leaves_no_trace(folder.path(), &path, &bytes)?;
    same("a second reading", &import(&path), &(events.clone(), summary.clone()))?;
    summary.skipped.keys().chain(summary.notes.keys()).try_for_each(|text| may_be_told(text))?;
    holds(events.len() <= bytes.len(), || format!("{} events of {} bytes", events.len(), bytes.len()))?;
    lines_come_back(&events)
}

fn import(path: &Path) -> (Vec<Event>, Summary) {
    let clock = ManualClock::new(Timestamp::MIN);
    let mut importer = Importer::new(&clock);
    let mut events = Vec::new();
    let Ok(()) = importer.read_path(path, &mut |event| {
        events.push(event);
        Ok::<(), Infallible>(())
    });
    (events, importer.finish())
}

fn leaves_no_trace(folder: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    holds(fs::read(path)? == bytes, || "the database was changed".to_owned())?;
    holds(fs::read_dir(folder)?.count() == 1, || "a file was left beside the database".to_owned())
}

/// Rows of values of all types in the predecessor's table.
///
/// # Errors
/// What does not hold.
pub fn predecessor_rows(bytes: &[u8]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("history.db");
    let mut u = Unstructured::new(bytes);
    let connection = Connection::open(&path)?;
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 1024;")?;
    connection.execute_batch(u.choose(&SCHEMAS).map_or(SCHEMAS[0], |schema| schema))?;
    let mut expected = Vec::new();
    fill(&mut u, &connection, &mut expected)?;
    let stored = stored(&connection)?;
    drop(connection);

    let before = fs::read(&path)?;
    let (events, summary) = import(&path);
    leaves_no_trace(folder.path(), &path, &before)?;
    same("a second reading", &import(&path).0, &events)?;
    same("rows told of", &(events.len() + usize::try_from(summary.skipped_total())?), &stored.len())?;
    let ids: BTreeSet<_> = events.iter().map(Event::id).collect();
    let rows: BTreeSet<String> = stored.iter().map(|row| format!("{row:?}")).collect();
    holds(ids.len() <= rows.len(), || "equal rows are different events".to_owned())?;
    holds(summary.skipped_total() > 0 || ids.len() == rows.len(), || "different rows are one event".to_owned())?;
    for call in &expected {
        let told = events.iter().any(|event| is_told(call, event));
        holds(told, || format!("a plain row is not told: {call:?} in {events:?}"))?;
    }
    lines_come_back(&events)
}

/// Whether an event is that of a row, but for its id.
fn is_told(call: &ToolUse, event: &Event) -> bool {
    let Event::ToolUse(found) = event else { return false };
    let same_names = found.tool == call.tool && found.session == call.session;
    same_names && found.time == call.time && found.outcome == call.outcome
}

/// Fills the table; `expected` gets the events of rows that are as the predecessor writes them.
fn fill(u: &mut Unstructured<'_>, connection: &Connection, expected: &mut Vec<ToolUse>) -> Result<()> {
    let mut insert = connection.prepare("INSERT INTO tool_usage_events VALUES (?, ?, ?, ?, ?, ?)")?;
    for number in 0..MOST_ROWS {
        if u.is_empty() {
            break;
        }
        let is_plain: bool = u.arbitrary()?;
        if is_plain {
            let Ok(mut call) = generate::tool_use(u) else { break };
            let row = [
                Value::Integer(1_000_000 + i64::try_from(number)?),
                Value::Text(call.tool.to_string()),
                call.session.as_ref().map_or(Value::Null, |session| Value::Text(session.to_string())),
                call.project.as_ref().map_or(Value::Null, |project| Value::Text(project.id.to_string())),
                Value::Integer(i64::from(call.outcome.is_success())),
                Value::Text(call.time.to_jiff().strftime("%Y-%m-%d %H:%M:%S%.f").to_string()),
            ];
            insert.execute(params_from_iter(row))?;
            if !call.outcome.is_success() {
                call.outcome = Outcome::Failure;
            }
            expected.push(call);
        } else {
            let Ok(row) = (0..6).map(|_| value(u)).collect::<arbitrary::Result<Vec<Value>>>() else { break };
            // What the table's conditions refuse is no row.
            let _ = insert.execute(params_from_iter(row));
        }
    }
    Ok(())
}

/// A value of any type.
fn value(u: &mut Unstructured<'_>) -> arbitrary::Result<Value> {
    Ok(match u.int_in_range(0..=6)? {
        0 => Value::Null,
        1 => Value::Integer(u.arbitrary()?),
        2 => Value::Real(u.arbitrary()?),
        3 => Value::Text(u.arbitrary::<&str>()?.to_owned()),
        4 => Value::Text(generate::time(u)?.to_string()),
        5 => Value::Text(generate::name(u, 64)?),
        _ => Value::Blob(u.arbitrary::<&[u8]>()?.to_vec()),
    })
}

/// The rows as the table has them, types converted.
fn stored(connection: &Connection) -> Result<Vec<Vec<Value>>> {
    let mut all = connection.prepare("SELECT * FROM tool_usage_events")?;
    let rows = all.query_map([], |row| (0..6).map(|column| row.get(column)).collect())?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
