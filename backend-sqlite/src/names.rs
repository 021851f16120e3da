//! The names: texts by number, and numbers by text.
//!
//! A number's text has its checksum. That a text has no number is proven as in the [trees](crate::links): each row of
//! texts has the number of the text before it, and a row with an empty text, in front of each kind's own, that of the
//! last text of the kind before.

use rusqlite::{Connection, params};
use tooltally_core::ledger::{NameKind, name_checksum};
use tooltally_core::{Error, Result};

use crate::statements::Statements;

/// The row of a text, or else the one behind it.
static NUMBER: &str = "SELECT kind, text, number, before, checksum FROM name_numbers
    WHERE (kind, text) >= (?1, ?2) ORDER BY kind, text LIMIT 1";
static TEXT: &str = "SELECT text, checksum FROM names WHERE kind = ?1 AND number = ?2";
static LAST: &str = "SELECT max(number) FROM names WHERE kind = ?1";
static PUSH_TEXT: &str = "INSERT INTO names (kind, number, text, checksum) VALUES (?1, ?2, ?3, ?4)";
static PUSH_NUMBER: &str =
    "INSERT INTO name_numbers (kind, text, number, before, checksum) VALUES (?1, ?2, ?3, ?4, ?5)";
static RELINK: &str = "UPDATE name_numbers SET before = ?3 WHERE kind = ?1 AND text = ?2";

/// The kinds of the rows with empty texts: the first stands in front of all, the last behind.
fn borders() -> impl Iterator<Item = u8> {
    (0..).take(NameKind::ALL.len() + 1)
}

/// Makes the rows with empty texts.
pub(crate) fn create(connection: &Connection) -> rusqlite::Result<()> {
    borders()
        .try_for_each(|kind| connection.execute(PUSH_NUMBER, params![kind, "", 0, 0, border_checksum(kind)]).map(drop))
}

fn border_checksum(kind: u8) -> u32 {
    NameKind::ALL.into_iter().find(|known| known.code() == kind).map_or(0, |kind| name_checksum(kind, 0, ""))
}

/// A row of texts.
struct Row {
    kind: u8,
    text: String,
    number: u32,
    before: u32,
    checksum: u32,
}

fn row_from(statements: &Statements<'_>, kind: NameKind, text: &str) -> Result<Row> {
    let found = statements.one(NUMBER, params![kind.code(), text], |row| {
        Ok(Row {
            kind: row.get(0)?,
            text: row.get(1)?,
            number: row.get(2)?,
            before: row.get(3)?,
            checksum: row.get(4)?,
        })
    })?;
    let row = found.ok_or_else(|| Error::corrupt("names", "their end is missing"))?;
    let expected = match NameKind::ALL.into_iter().find(|known| known.code() == row.kind) {
        Some(kind) => name_checksum(kind, row.number, &row.text),
        None => border_checksum(row.kind),
    };
    if expected == row.checksum {
        return Ok(row);
    }
    Err(Error::corrupt(format!("{} name {}", kind.as_str(), row.number), "its checksum differs"))
}

/// The number of a text. That it has none is proven.
pub(crate) fn number(statements: &Statements<'_>, kind: NameKind, text: &str) -> Result<Option<u32>> {
    let row = row_from(statements, kind, text)?;
    if row.kind == kind.code() && row.text == text {
        return Ok(Some(row.number));
    }
    prove_absent(statements, kind, text, &row).map(|()| None)
}

/// Nothing is missing between a text and the row behind it.
fn prove_absent(statements: &Statements<'_>, kind: NameKind, wanted: &str, behind: &Row) -> Result<()> {
    let is_next = behind.kind == kind.code() || (behind.kind == kind.code() + 1 && behind.text.is_empty());
    let is_absent = is_next
        && (behind.before == 0
            || text(statements, kind, behind.before)?.is_some_and(|before| before.as_str() < wanted));
    if is_absent {
        return Ok(());
    }
    Err(Error::corrupt(format!("{} names", kind.as_str()), "one that is numbered cannot be found by its text"))
}

/// The text of a number.
pub(crate) fn text(statements: &Statements<'_>, kind: NameKind, number: u32) -> Result<Option<String>> {
    let found: Option<(String, u32)> =
        statements.one(TEXT, params![kind.code(), number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match found {
        Some((text, checksum)) if checksum == name_checksum(kind, number, &text) => Ok(Some(text)),
        Some(_) => Err(Error::corrupt(format!("{} name {number}", kind.as_str()), "its checksum differs")),
        None => Ok(None),
    }
}

/// The highest number of a kind.
pub(crate) fn last(statements: &Statements<'_>, kind: NameKind) -> Result<u32> {
    let last: Option<Option<u32>> = statements.one(LAST, params![kind.code()], |row| row.get(0))?;
    Ok(last.flatten().unwrap_or(0))
}

/// Adds a name under a new number.
pub(crate) fn push(statements: &Statements<'_>, kind: NameKind, number: u32, text: &str) -> Result<()> {
    let behind = row_from(statements, kind, text)?;
    prove_absent(statements, kind, text, &behind)?;
    let checksum = name_checksum(kind, number, text);
    statements.execute(PUSH_TEXT, params![kind.code(), number, text, checksum])?;
    statements.execute(PUSH_NUMBER, params![kind.code(), text, number, behind.before, checksum])?;
    statements.execute(RELINK, params![behind.kind, behind.text, number])
}
