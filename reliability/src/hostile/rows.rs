//! A sound SQLite store whose rows were changed by another program that speaks SQL.

use std::path::Path;

use arbitrary::Unstructured;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params};
use tooltally::ledger::{NameKind, Tree, name_checksum};

use super::files::opens;
use super::pages::sound;
use super::projections::{changed, seal};
use crate::{Backend, Result};

/// The most changes of one input.
const MOST_CHANGES: usize = 6;
/// Tables and columns that are no sealed values.
const COLUMNS: [(&str, &str); 13] = [
    ("log", "position"),
    ("log", "moment"),
    ("log", "row"),
    ("log", "attributes"),
    ("names", "kind"),
    ("names", "number"),
    ("names", "text"),
    ("names", "checksum"),
    ("places", "number"),
    ("places", "project"),
    ("places", "path"),
    ("places", "agent"),
    ("places", "subagent"),
];

/// A store with changed rows; sealed values are sealed again, so that the change gets past their checksums.
///
/// # Errors
/// What does not hold.
pub fn sqlite_rows(bytes: &[u8]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("changed.db");
    std::fs::write(&path, sound(Backend::Sqlite)?)?;
    change(bytes, &path)?;
    opens(Backend::Sqlite, &std::fs::read(&path)?)
}

fn change(bytes: &[u8], path: &Path) -> Result<()> {
    let connection = Connection::open(path)?;
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
    let mut u = Unstructured::new(bytes);
    for _ in 0..MOST_CHANGES {
        if u.is_empty() {
            break;
        }
        match change_once(&mut u, &connection) {
            Ok(()) => {}
            // The input ends; or the table's own conditions hold against the change.
            Err(failure) if failure.is::<arbitrary::Error>() || failure.is::<rusqlite::Error>() => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

fn change_once(u: &mut Unstructured<'_>, connection: &Connection) -> Result<()> {
    match u.int_in_range(0..=3)? {
        0 => change_value(u, connection),
        1 => change_name(u, connection),
        2 => change_sealed(u, connection),
        _ => {
            let (table, column) = *u.choose(&COLUMNS)?;
            let nth: u16 = u.arbitrary()?;
            let sql = format!(
                "DELETE FROM {table} WHERE {column} = (SELECT {column} FROM {table} LIMIT 1
                    OFFSET ?1 % (SELECT count(*) FROM {table}))"
            );
            connection.execute(&sql, [nth])?;
            Ok(())
        }
    }
}

/// Puts another value into a column of a row.
fn change_value(u: &mut Unstructured<'_>, connection: &Connection) -> Result<()> {
    let (table, column) = *u.choose(&COLUMNS)?;
    let nth: u16 = u.arbitrary()?;
    let at = format!("{column} = (SELECT {column} FROM {table} LIMIT 1 OFFSET ?1 % (SELECT count(*) FROM {table}))");
    let old: Option<Value> = connection
        .query_row(&format!("SELECT {column} FROM {table} WHERE {at}"), [nth], |row| row.get(0))
        .optional()?;
    let new = match old {
        Some(Value::Integer(old)) if u.arbitrary()? => Value::Integer(old.wrapping_add(u.arbitrary::<i8>()?.into())),
        Some(Value::Integer(_)) => Value::Integer(u.arbitrary()?),
        Some(Value::Blob(old)) => Value::Blob(changed(u, &old)?),
        Some(Value::Text(old)) => Value::Text(String::from_utf8_lossy(&changed(u, old.as_bytes())?).into_owned()),
        _ => Value::Text(u.arbitrary::<&str>()?.to_owned()),
    };
    connection.execute(&format!("UPDATE {table} SET {column} = ?2 WHERE {at}"), params![nth, new])?;
    Ok(())
}

/// Gives a name another text, and the checksum of that.
fn change_name(u: &mut Unstructured<'_>, connection: &Connection) -> Result<()> {
    let nth: u16 = u.arbitrary()?;
    let name = "SELECT kind, number, text FROM names LIMIT 1 OFFSET ?1 % (SELECT count(*) FROM names)";
    let (kind, number, old): (u8, u32, String) =
        connection.query_row(name, [nth], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let Some(known) = NameKind::ALL.into_iter().find(|known| known.code() == kind) else { return Ok(()) };
    let text = String::from_utf8_lossy(&changed(u, old.as_bytes())?).into_owned();
    let checksum = name_checksum(known, number, &text);
    let sql = "UPDATE names SET text = ?1, checksum = ?2 WHERE kind = ?3 AND number = ?4";
    connection.execute(sql, params![text, checksum, kind, number])?;
    Ok(())
}

/// Changes a sealed value.
fn change_sealed(u: &mut Unstructured<'_>, connection: &Connection) -> Result<()> {
    let table = u.choose(&Tree::ALL)?.as_str();
    let nth: u16 = u.arbitrary()?;
    let row = format!("SELECT key, value FROM {table} LIMIT 1 OFFSET ?1 % max(1, (SELECT count(*) FROM {table}))");
    let found: Option<(Vec<u8>, Vec<u8>)> =
        connection.query_row(&row, [nth], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((key, sealed)) = found else { return Ok(()) };
    let payload = sealed.get(1..sealed.len().saturating_sub(4)).unwrap_or_default();
    let value = seal(&key, &changed(u, payload)?);
    connection.execute(&format!("UPDATE {table} SET value = ?1 WHERE key = ?2"), params![value, key])?;
    Ok(())
}
