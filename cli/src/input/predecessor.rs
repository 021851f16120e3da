//! The predecessor's database: each row of `tool_usage_events` an event.
//!
//! A row has no call id, so it cannot be reconciled with transcripts: its id is made of all its columns.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use tooltally::{EventId, Outcome, Project, Source, ToolUse};

use super::context::{Context, Place, Stop};
use super::copied::{self, Copied, beside, is_in_use, may_name};
use super::field::{Field, MAX_TEXT_BYTES, Problem};
use super::values;

const TABLE: &str = "tool_usage_events";
/// Why a database without it is passed over.
const OTHER: &str = "an SQLite database without tool_usage_events";
/// The columns of an event, in the order in which they are read.
const COLUMNS: [&str; 6] = ["id", "tool_name", "session_id", "project_hash", "success", "created_at"];

/// How much work SQLite may have with a database, in steps of its machine: so many for each byte of its files, and
/// some to begin with. A row has a dozen bytes at least, and takes some sixty steps. The pages of a file that somebody
/// made on purpose may lead to each other, so that a few of them hold more rows than can ever be read.
const STEPS_PER_BYTE: u64 = 32;
const STEPS_AT_LEAST: u64 = 1_000_000;
/// How often the steps are counted.
const STEPS_AT_ONCE: u16 = 10_000;

/// Reads the database at `path`. Writes nothing, neither into it nor beside it.
pub(super) fn read(path: &Path, context: &mut Context<'_>) -> Result<(), Stop> {
    let database = match open(path) {
        Ok(database) => database,
        Err(reason) => {
            context.skip_source(reason);
            return Ok(());
        }
    };
    context.summary.files += 1;
    read_rows(&database.connection, context).unwrap_or_else(|_| {
        context.skip_source("an SQLite database that could not be read to its end");
        Ok(())
    })
}

/// A copy of the predecessor's database; for any other why it is passed over.
fn open(path: &Path) -> Result<Copied, &'static str> {
    // SQLite has the other files beside the file itself, wherever the links to it lie.
    let path = dunce::canonicalize(path).map_err(|_| copied::FAILED)?;
    if let Some(reason) = why_not_to_copy(&path) {
        return Err(reason);
    }
    let mut copied = Copied::of(&path)?;
    distrust(&mut copied.connection, &copied.path).map_err(|_| "an SQLite database that could not be opened")?;
    kind(&copied.connection).map_err(|_| "an SQLite database that is damaged")??;
    Ok(copied)
}

/// What a database is, if not the predecessor's: those of other programs may be too large to copy for nothing. One in
/// use is told by its bytes alone.
fn why_not_to_copy(path: &Path) -> Option<&'static str> {
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    if is_in_use(path) {
        return may_name(path, TABLE).is_ok_and(|may| !may).then_some(OTHER);
    }
    let mut database = Connection::open_with_flags(immutable_uri(path)?, read_only).ok()?;
    distrust(&mut database, path).ok()?;
    let reason = kind(&database).ok()?.err()?;
    // Somebody may have come to write, and what was read may be neither what was there nor what is.
    (!is_in_use(path)).then_some(reason)
}

/// Has SQLite believe nothing of the database's own, and give up where reading it would not end.
fn distrust(connection: &mut Connection, path: &Path) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Else of a damaged page SQLite reads what lies behind it in memory, which is another each time.
    connection.pragma_update(None, "cell_size_check", true)?;
    let bytes: u64 =
        ["", "-wal"].iter().map(|suffix| std::fs::metadata(beside(path, suffix)).map_or(0, |f| f.len())).sum();
    let mut left = bytes.saturating_mul(STEPS_PER_BYTE).saturating_add(STEPS_AT_LEAST);
    connection.progress_handler(
        i32::from(STEPS_AT_ONCE.cast_signed()),
        Some(move || {
            left = left.saturating_sub(STEPS_AT_ONCE.into());
            left == 0
        }),
    )
}

/// The URI of a file that SQLite is to read without locks, as if nobody changed it; `None` for a path that has none.
fn immutable_uri(absolute: &Path) -> Option<String> {
    let text = absolute.to_str()?;
    let mut uri = String::from("file:");
    if !text.starts_with('/') {
        // A drive: `file:///C:/…`.
        uri.push_str("///");
    }
    for byte in text.bytes() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b':' => uri.push(char::from(byte)),
            other => uri.extend(['%', hex(other >> 4), hex(other & 15)]),
        }
    }
    uri.push_str("?immutable=1");
    Some(uri)
}

/// A hexadecimal digit.
fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}

/// Whether the database is the predecessor's; else what it is.
fn kind(connection: &Connection) -> rusqlite::Result<Result<(), &'static str>> {
    let mut found = connection.prepare("SELECT type, rootpage FROM sqlite_schema WHERE name = 'tool_usage_events'")?;
    let types: Vec<(String, Option<i64>)> =
        found.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    if types.iter().any(|(kind, _)| kind == "view") {
        return Ok(Err("a tooltally store: name it with --db"));
    }
    // A table without pages of its own is made up by a module of SQLite's as it is read.
    if types.iter().any(|(_, page)| page.is_none_or(|page| page == 0)) {
        return Ok(Err("an SQLite database whose tool_usage_events is no plain table"));
    }
    if types.is_empty() {
        return Ok(Err(OTHER));
    }
    let mut columns = connection.prepare("SELECT name FROM pragma_table_info('tool_usage_events')")?;
    let columns: Vec<String> = columns.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let has_all = COLUMNS.iter().all(|wanted| columns.iter().any(|column| column == wanted));
    Ok(if has_all { Ok(()) } else { Err("an SQLite database whose tool_usage_events lacks columns") })
}

fn read_rows(connection: &Connection, context: &mut Context<'_>) -> rusqlite::Result<Result<(), Stop>> {
    // A text too long for any field is not loaded: a row may hold a gigabyte.
    let columns: Vec<String> =
        COLUMNS.iter().map(|column| format!("iif(octet_length({column}) > {MAX_TEXT_BYTES}, x'', {column})")).collect();
    let mut statement =
        connection.prepare(&format!("SELECT {} FROM tool_usage_events ORDER BY id", columns.join(", ")))?;
    let mut rows = statement.query([])?;
    let mut number = 0;
    while let Some(row) = rows.next()? {
        number += 1;
        if let Err(stop) = take_row(row, Place { unit: "row", number }, context)? {
            return Ok(Err(stop));
        }
    }
    Ok(Ok(()))
}

fn take_row(row: &Row<'_>, place: Place, context: &mut Context<'_>) -> rusqlite::Result<Result<(), Stop>> {
    let mut values = Vec::with_capacity(COLUMNS.len());
    for column in 0..COLUMNS.len() {
        values.push(row.get_ref(column)?);
    }
    Ok(match event(&values, context) {
        Ok(tool_use) => context.event(tool_use),
        Err(problem) => {
            context.skip(place, &problem.to_string());
            Ok(())
        }
    })
}

fn event(values: &[ValueRef<'_>], context: &mut Context<'_>) -> Result<ToolUse, Problem> {
    let fields: Vec<Field<'_>> = values.iter().map(|value| field(*value)).collect();
    let [_, tool, session, project, success, time] = fields.as_slice() else {
        return Err(Problem::new("row", "has an unexpected number of columns"));
    };
    let tool = values::tool_name("tool_name", tool.required_text("tool_name")?)?;
    let success = success.number("success")?.ok_or(Problem::missing("success"))?;
    let outcome = if success == 0.0 { Outcome::Failure } else { Outcome::Success };
    let time = created_at(time.required_text("created_at")?)?;
    let mut tool_use = ToolUse::new(id(values), tool, outcome, time).source(Source::Import);
    tool_use.session = values::session("session_id", session).unwrap_or_else(|problem| {
        context.note(&problem.to_string());
        None
    });
    tool_use.project = match project.text("project_hash").map(|text| text.map(str::parse)) {
        Ok(None) => None,
        Ok(Some(Ok(id))) => Some(Project::from_id(id)),
        Ok(Some(Err(_))) | Err(_) => {
            context.note("project_hash is not 16 hexadecimal digits");
            None
        }
    };
    Ok(tool_use)
}

fn field(value: ValueRef<'_>) -> Field<'_> {
    #[expect(clippy::cast_precision_loss, reason = "only whether success is zero is asked")]
    match value {
        ValueRef::Null => Field::Null,
        ValueRef::Integer(number) => Field::Number(number as f64),
        ValueRef::Real(number) => Field::Number(number),
        ValueRef::Text(text) => std::str::from_utf8(text).map_or(Field::Compound, |text| Field::Text(text.into())),
        ValueRef::Blob([]) => Field::TooLong,
        ValueRef::Blob(_) => Field::Compound,
    }
}

/// Made of every column, each with its type.
fn id(values: &[ValueRef<'_>]) -> EventId {
    let mut parts = vec![b"predecessor's row".to_vec()];
    for value in values {
        let (kind, bytes) = match value {
            ValueRef::Null => (0, Vec::new()),
            ValueRef::Integer(number) => (1, number.to_le_bytes().to_vec()),
            ValueRef::Real(number) => (2, number.to_le_bytes().to_vec()),
            ValueRef::Text(text) => (3, text.to_vec()),
            ValueRef::Blob(bytes) => (4, bytes.to_vec()),
        };
        parts.push(vec![kind]);
        parts.push(bytes);
    }
    EventId::derived(&parts)
}

/// `YYYY-MM-DD HH:MM:SS` in UTC, fractions allowed, or an RFC 3339 instant.
fn created_at(text: &str) -> Result<tooltally::Timestamp, Problem> {
    let civil = text.parse::<jiff::civil::DateTime>().ok().filter(|_| !text.ends_with(['Z', 'z']));
    match civil.and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC).ok()) {
        Some(time) if !has_offset(text) => tooltally::Timestamp::from_jiff(time.timestamp())
            .map_err(|_| Problem::new("created_at", super::values::OUT_OF_TIME)),
        _ => values::parse_time("created_at", text),
    }
}

/// Whether a time of day is followed by an offset from UTC.
fn has_offset(text: &str) -> bool {
    text.get("2026-03-01".len()..).is_some_and(|rest| rest.contains(['+', '-']))
}
