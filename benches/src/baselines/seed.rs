//! The seed: the predecessor's schema and its queries, on the same SQLite.
//!
//! A row per event with its three indexes, a counter updated per event, times as text. It is treated well:
//! values are made outside the clock, statements are kept, batches are one transaction, and its page cache
//! is as large as that of our writer.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, ToSql, params};
use tooltally::Project;

use crate::Result;
use crate::question::Question;
use crate::subject::{Answer, Append, Ask, Subject};
use crate::workload::{Workload, WorkloadEvent};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS tool_usage_events(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tool_name TEXT NOT NULL,
    session_id TEXT,
    project_hash TEXT,
    success INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL DEFAULT (datetime('now')));
CREATE INDEX IF NOT EXISTS by_tool ON tool_usage_events(tool_name, created_at DESC);
CREATE INDEX IF NOT EXISTS by_session ON tool_usage_events(session_id) WHERE session_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_project ON tool_usage_events(project_hash, created_at DESC);
CREATE TABLE IF NOT EXISTS tool_registry(
    tool_name TEXT PRIMARY KEY, usage_count INTEGER NOT NULL DEFAULT 0, last_used_at TEXT);";

const INSERT: &str = "INSERT INTO tool_usage_events(tool_name, session_id, project_hash, success, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5)";
const COUNT: &str = "INSERT INTO tool_registry(tool_name, usage_count, last_used_at) VALUES (?1, 1, ?2)
    ON CONFLICT(tool_name) DO UPDATE SET usage_count = usage_count + 1, last_used_at = excluded.last_used_at";

const PROJECT_TOOLS: &str = "SELECT tool_name, COUNT(*), MAX(created_at) FROM tool_usage_events
    WHERE project_hash = ?1 AND created_at >= ?2 GROUP BY tool_name ORDER BY COUNT(*) DESC";
const ALL_TOOLS: &str = "SELECT tool_name, COUNT(*), MAX(created_at) FROM tool_usage_events
    WHERE created_at >= ?1 GROUP BY tool_name ORDER BY COUNT(*) DESC";
const TOOL: &str = "SELECT tool_name, COUNT(*), MAX(created_at) FROM tool_usage_events
    WHERE tool_name = ?1 AND created_at >= ?2 GROUP BY tool_name";
const SESSION: &str = "SELECT tool_name, COUNT(*), MAX(created_at) FROM tool_usage_events
    WHERE session_id = ?1 GROUP BY tool_name ORDER BY COUNT(*) DESC";
const RECENT: &str = "SELECT created_at, id, tool_name, session_id, project_hash, success FROM tool_usage_events
    WHERE project_hash = ?1 ORDER BY created_at DESC LIMIT ?2";
const OUTCOMES: &str = "SELECT created_at, success FROM tool_usage_events
    WHERE tool_name = ?1 AND project_hash = ?2 ORDER BY created_at DESC LIMIT ?3";

/// Before every event.
const EVER: &str = "0000-01-01 00:00:00";

/// The seed's database.
pub(crate) struct Seed {
    connection: Mutex<Connection>,
    /// The hash of each project, by number.
    projects: Vec<String>,
}

/// The values of one event.
struct Row {
    tool: &'static str,
    session: String,
    project: String,
    is_success: bool,
    time: String,
}

impl Seed {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = super::raw::connect(path)?;
        connection.execute_batch(SCHEMA)?;
        let hash = |project| -> Result<_> { Ok(Project::from_path(Workload::project_path(project))?.id.to_string()) };
        Ok(Self {
            connection: Mutex::new(connection),
            projects: (0..Workload::PROJECTS).map(hash).collect::<Result<_>>()?,
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn project(&self, number: u64) -> Result<String> {
        let hash = usize::try_from(number).ok().and_then(|number| self.projects.get(number));
        Ok(hash.ok_or("the workload has no such project")?.clone())
    }

    fn row(&self, call: &WorkloadEvent) -> Result<Row> {
        Ok(Row {
            tool: Workload::tool_name(call.tool),
            session: Workload::session_name(call.session),
            project: self.project(call.project)?,
            is_success: call.outcome.is_success(),
            time: text_time(call.time_micros / 1_000_000)?,
        })
    }

    fn write(&self, rows: &[Row]) -> Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached(INSERT)?;
            let mut count = transaction.prepare_cached(COUNT)?;
            for row in rows {
                insert.execute(params![row.tool, row.session, row.project, row.is_success, row.time])?;
                count.execute(params![row.tool, row.time])?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn counts(&self, sql: &str, values: &[&dyn ToSql]) -> Result<Answer> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql)?;
        let rows =
            statement.query_map(values, |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs(), row.get(2)?)))?;
        Ok(Answer::Counts(rows.collect::<rusqlite::Result<_>>()?))
    }

    fn latest(&self, sql: &str, values: &[&dyn ToSql]) -> Result<Answer> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql)?;
        let columns = statement.column_count();
        let rows = statement.query_map(values, |row| {
            for column in 1..columns {
                row.get::<_, rusqlite::types::Value>(column)?;
            }
            row.get(0)
        })?;
        Ok(Answer::Times(rows.collect::<rusqlite::Result<_>>()?))
    }
}

impl Subject for Seed {
    fn append<'a>(&'a self, calls: &[WorkloadEvent]) -> Result<Append<'a>> {
        let rows: Vec<Row> = calls.iter().map(|call| self.row(call)).collect::<Result<_>>()?;
        Ok(Box::new(move || self.write(&rows)))
    }

    fn ask<'a>(&'a self, question: &Question) -> Result<Option<Ask<'a>>> {
        let since = |seconds: Option<u64>| seconds.map_or_else(|| Ok(EVER.to_owned()), text_time);
        Ok(Some(match *question {
            Question::Tools { project: Some(project), since_seconds } => {
                let (project, since) = (self.project(project)?, since(since_seconds)?);
                Box::new(move || self.counts(PROJECT_TOOLS, &[&project, &since]))
            }
            Question::Tools { project: None, since_seconds } => {
                let since = since(since_seconds)?;
                Box::new(move || self.counts(ALL_TOOLS, &[&since]))
            }
            Question::Tool { tool, since_seconds } => {
                let (tool, since) = (Workload::tool_name(tool), since(Some(since_seconds))?);
                Box::new(move || self.counts(TOOL, &[&tool, &since]))
            }
            Question::Session { session } => {
                let session = Workload::session_name(session);
                Box::new(move || self.counts(SESSION, &[&session]))
            }
            Question::Recent { project, limit } => {
                let (project, limit) = (self.project(project)?, i64::try_from(limit)?);
                Box::new(move || self.latest(RECENT, &[&project, &limit]))
            }
            Question::Outcomes { tool, project, limit } => {
                let (tool, project) = (Workload::tool_name(tool), self.project(project)?);
                let limit = i64::try_from(limit)?;
                Box::new(move || self.latest(OUTCOMES, &[&tool, &project, &limit]))
            }
            // It has neither a registry nor a status.
            Question::ToolsOf { .. } | Question::Rank { .. } | Question::Status { .. } | Question::Suggest { .. } => {
                return Ok(None);
            }
        }))
    }

    fn rebuild(&self) -> Result<()> {
        Ok(())
    }

    fn compact(&self) -> Result<()> {
        Ok(())
    }
}

/// A time as the seed writes it: UTC, whole seconds.
pub(crate) fn text_time(seconds: u64) -> Result<String> {
    Ok(Timestamp::from_second(i64::try_from(seconds)?)?.strftime("%Y-%m-%d %H:%M:%S").to_string())
}
