//! Pages that lead to each other: a few of them would hold more rows than can ever be read.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use tooltally_core::{
    AgentName, Event, EventId, GroupBy, LogExt, MaintenanceExt, Outcome, Queries, Selection, SessionId, Timestamp,
    ToolName, ToolUse,
};
use tooltally_sqlite::SqliteStore;

const PAGE: usize = 4096;
const LEVELS: u32 = 8;
/// A page of an index that leads to others.
const INTERIOR: u8 = 2;

fn event(n: u64) -> Event {
    let agent = AgentName::claude_code();
    let time = Timestamp::from_micros(1_767_225_600_000_000 + i64::try_from(n).unwrap()).unwrap();
    let id = EventId::global(&agent, &format!("toolu_{n}"));
    ToolUse::new(id, ToolName::new("Bash").unwrap(), Outcome::Success, time)
        .session(SessionId::new("s").unwrap())
        .into()
}

/// The first cell of an index's page of a single level, all of it.
fn first_cell(page: &[u8]) -> &[u8] {
    assert_eq!(page[0], 10, "the table has grown: its root is no single page");
    let at = usize::from(u16::from_be_bytes([page[8], page[9]]));
    assert!(page[at] < 128);
    &page[at..=at + usize::from(page[at])]
}

/// A page on which every child is the same one.
fn page_of(cell: &[u8], child: u32) -> Vec<u8> {
    let cell = [&child.to_be_bytes(), cell].concat();
    let at = u16::try_from(PAGE - cell.len()).unwrap();
    let count: u16 = 1000;
    let mut page = vec![0; PAGE];
    page[0] = INTERIOR;
    page[3..5].copy_from_slice(&count.to_be_bytes());
    page[5..7].copy_from_slice(&at.to_be_bytes());
    page[8..12].copy_from_slice(&child.to_be_bytes());
    for pointer in page[12..12 + 2 * usize::from(count)].chunks_exact_mut(2) {
        pointer.copy_from_slice(&at.to_be_bytes());
    }
    page[usize::from(at)..].copy_from_slice(&cell);
    page
}

/// Makes a table without row ids hold its one row more often than can be counted.
fn make_endless(path: &Path, table: &str) {
    let connection = Connection::open(path).unwrap();
    let root: u32 =
        connection.query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0)).unwrap();
    drop(connection);
    let mut bytes = fs::read(path).unwrap();
    let pages = u32::try_from(bytes.len() / PAGE).unwrap();
    let root = usize::try_from(root - 1).unwrap() * PAGE;
    let leaf = bytes[root..root + PAGE].to_vec();
    let cell = first_cell(&leaf).to_vec();
    bytes[root..root + PAGE].copy_from_slice(&page_of(&cell, pages + 1));
    for level in 1..=LEVELS {
        bytes.extend_from_slice(&page_of(&cell, pages + level + 1));
    }
    bytes.extend_from_slice(&leaf);
    bytes[28..32].copy_from_slice(&(pages + LEVELS + 1).to_be_bytes());
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_question_to_endless_rows_meets_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let store = SqliteStore::open(&path).unwrap();
    store.record_all(&(0..1_200).map(event).collect::<Vec<_>>()).unwrap();
    drop(store);
    make_endless(&path, "sessions");
    let store = SqliteStore::open(&path).unwrap();
    assert!(store.usage(&Selection::all(), &GroupBy::Session).unwrap_err().is_corrupt());
    assert!(store.verify_quietly().unwrap_err().is_corrupt());
    // Nobody needs the projections to fold them anew.
    let _ = store.rebuild_quietly();
}
