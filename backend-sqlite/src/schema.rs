//! The tables of file format 1, and the public view.

use rusqlite::Connection;
use tooltally_core::ledger::Patience;
use tooltally_core::{Error, Result};

use crate::error::{Operation, map};
use crate::wait::limit_wait;
use crate::{names, trees};

/// Marks the database as tooltally's, in SQLite's header: "ttal".
pub(crate) const APPLICATION_ID: u32 = 0x7474_616C;
/// The file format that [`create`] makes, in SQLite's `user_version`. Later ones follow from it by steps.
pub(crate) const FIRST_FORMAT: u32 = 1;

/// The log's rows and names are there for other programs to read, best through the view; projections are
/// sealed bytes. Numbers of names and places are 0 where absent.
///
/// A row of the log is read and written by the million, and each column costs time, so there are few:
/// - `moment` is the time in microseconds since 1970 (UTC) times 32, plus the outcome's number times 4, plus
///   the source's number;
/// - `row` is the event's id in 16 bytes, the row's checksum in 4, little-endian, and a text such as
///   `12s5000p3d1500`: the tool's number, `s` the session's, `p` the place's, `d` the duration in
///   microseconds where measured. An event that is not a tool use has `k` and its kind before the `s`: 2 is a tool's
///   discovery in settings, 3 its removal;
/// - `attributes` is a JSON object; a discovery's holds what it tells: kind, scope, source, description, server.
///
/// No row of the others goes missing unnoticed: `link` (`links.rs`) and `before` (`names.rs`) say which one stands
/// before a row's own.
///
/// A place stands for project, path, agent and subagent, which come together again and again.
///
/// The texts stand in the file as they are written here, without indentation: all of the schema has room on the first
/// page, which whoever opens the file reads in any case (`the_schema_stands_on_the_first_page`).
const TABLES: &str = "
CREATE TABLE names (
kind INTEGER NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL, checksum INTEGER NOT NULL,
PRIMARY KEY (kind, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE name_numbers (
kind INTEGER NOT NULL, text TEXT NOT NULL, number INTEGER NOT NULL, before INTEGER NOT NULL, checksum INTEGER NOT NULL,
PRIMARY KEY (kind, text)
) STRICT, WITHOUT ROWID;
CREATE TABLE places (
number INTEGER PRIMARY KEY,
project INTEGER NOT NULL, path INTEGER NOT NULL, agent INTEGER NOT NULL, subagent INTEGER NOT NULL,
UNIQUE (project, path, agent, subagent)
) STRICT;
CREATE TABLE log (
position INTEGER PRIMARY KEY, moment INTEGER NOT NULL, row BLOB NOT NULL, attributes TEXT
) STRICT;
CREATE TABLE meta (key BLOB PRIMARY KEY, link BLOB NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE rollups (key BLOB NOT NULL UNIQUE, link BLOB NOT NULL, value BLOB NOT NULL) STRICT;
CREATE TABLE calls (key BLOB PRIMARY KEY, link BLOB NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (key BLOB PRIMARY KEY, link BLOB NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE postings (key BLOB PRIMARY KEY, link BLOB NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE recents (key BLOB NOT NULL UNIQUE, link BLOB NOT NULL, value BLOB NOT NULL) STRICT;
CREATE TABLE registry (key BLOB PRIMARY KEY, link BLOB NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE trails (key BLOB PRIMARY KEY, link BLOB NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE id_runs (key INTEGER PRIMARY KEY, link BLOB NOT NULL, value BLOB NOT NULL) STRICT;
";

/// Public: its columns keep name and meaning, and are only added to. SQLite reads it by itself: no checksum is
/// compared.
const VIEW: &str = "
CREATE VIEW tool_usage_events AS
SELECT log.position AS id,
tool.text AS tool_name,
session.text AS session_id,
project.text AS project_hash,
(log.moment >> 2 & 7) = 0 AS success,
strftime('%Y-%m-%d %H:%M:%S', (log.moment >> 5) / 1000000, 'unixepoch') AS created_at,
CASE log.moment >> 2 & 7 WHEN 0 THEN 'success' WHEN 1 THEN 'failure' WHEN 2 THEN 'interrupted'
WHEN 3 THEN 'rejected' WHEN 4 THEN 'invalid' END AS outcome,
path.text AS project_path,
agent.text AS agent,
subagent.text AS subagent,
CASE log.moment & 3 WHEN 0 THEN 'hook' WHEN 1 THEN 'transcript' WHEN 2 THEN 'import' WHEN 3 THEN 'library' END
AS source,
log.moment >> 5 AS time_micros,
CASE instr(log.numbers, 'd') WHEN 0 THEN NULL
ELSE CAST(substr(log.numbers, instr(log.numbers, 'd') + 1) AS INTEGER) END AS duration_micros,
log.attributes AS attributes,
lower(hex(substr(log.row, 1, 16))) AS event_id
FROM (SELECT position, moment, row, attributes, CAST(substr(row, 21) AS TEXT) AS numbers FROM log) AS log
LEFT JOIN places AS place ON place.number = CAST(substr(log.numbers, instr(log.numbers, 'p') + 1) AS INTEGER)
LEFT JOIN names AS tool ON tool.kind = 0 AND tool.number = CAST(log.numbers AS INTEGER)
LEFT JOIN names AS session
ON session.kind = 1 AND session.number = CAST(substr(log.numbers, instr(log.numbers, 's') + 1) AS INTEGER)
LEFT JOIN names AS project ON project.kind = 2 AND project.number = place.project
LEFT JOIN names AS path ON path.kind = 3 AND path.number = place.path
LEFT JOIN names AS agent ON agent.kind = 4 AND agent.number = place.agent
LEFT JOIN names AS subagent ON subagent.kind = 5 AND subagent.number = place.subagent
WHERE instr(log.numbers, 'k') = 0;
";

/// What is said of a store without one of the tables. Until the first release, tables come without a new format.
const LACKING: &str = "lacks a table or an index: a development version before 0.1.0 may have made the store, and can \
    export its events for `import` into a new one";

/// Makes everything, inside the caller's transaction.
pub(crate) fn create(connection: &Connection) -> Result<()> {
    let header = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FIRST_FORMAT};");
    let made = [TABLES, VIEW, &header].into_iter().try_for_each(|sql| connection.execute_batch(sql));
    made.and_then(|()| names::create(connection))
        .and_then(|()| trees::create(connection))
        .map_err(|e| map(e, Operation::new("make the tables")))
}

/// Whether the public view is the one that [`create`] makes. Who asks it would not notice.
pub(crate) fn has_view(connection: &Connection) -> rusqlite::Result<bool> {
    let wanted = "SELECT count(*) FROM sqlite_schema WHERE type = 'view' AND name = 'tool_usage_events' AND sql = ?1";
    connection
        .query_row(wanted, [VIEW.trim().trim_end_matches(';')], |row| row.get::<_, u32>(0))
        .map(|views| views == 1)
}

/// Makes the public view anew, inside the caller's transaction.
pub(crate) fn renew_view(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("DROP VIEW IF EXISTS tool_usage_events; {VIEW}"))
}

/// Sees that the tables and indexes are the ones that [`create`] makes, with no trigger beside them. What else a file
/// may hold in their place runs as its rows are read or written, and need not ever end. Views are for others.
///
/// # Errors
/// [`Error::Corrupt`] where they are not, and SQLite's failures.
pub(crate) fn check(connection: &Connection, patience: &Patience) -> Result<()> {
    let operation = Operation::within("read the schema", patience);
    let read = || -> rusqlite::Result<Vec<String>> {
        limit_wait(connection, patience)?;
        // What ANALYZE leaves is SQLite's own, as is an index that a constraint needs, which has no text.
        let mut all = connection.prepare(
            "SELECT sql FROM sqlite_schema WHERE type <> 'view' AND sql IS NOT NULL
                AND NOT (type = 'table' AND name GLOB 'sqlite_stat?')",
        )?;
        all.query_map([], |row| row.get(0))?.collect()
    };
    let mut has_others = false;
    let mut expected: Vec<&str> = TABLES.split(';').map(str::trim).filter(|sql| !sql.is_empty()).collect();
    for sql in read().map_err(|e| map(e, operation))? {
        match expected.iter().position(|known| *known == sql) {
            Some(at) => drop(expected.swap_remove(at)),
            None => has_others = true,
        }
    }
    // A table that is not the store's may be one of a development version: what is lacking tells more.
    match (expected.is_empty(), has_others) {
        (true, false) => Ok(()),
        (true, true) => Err(Error::corrupt("schema", "holds a table, an index or a trigger that is not the store's")),
        (false, _) => Err(Error::corrupt("schema", LACKING)),
    }
}
