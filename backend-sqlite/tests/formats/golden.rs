//! Files of format 1, written once and read for ever.

use std::fs;

use tooltally_conformance::golden;
use tooltally_core::MemoryStore;
use tooltally_sqlite::SqliteStore;

use crate::{CLOSED, KILLED, copy_of, golden_folder};

#[test]
fn a_closed_store_answers_as_ever() {
    let (_folder, path) = copy_of(&CLOSED);
    let store = SqliteStore::open(&path).unwrap();
    golden::check(&store, &golden::FORMAT_1.lines().collect::<Vec<_>>(), &golden::lines(&store));
}

#[test]
fn a_store_that_a_killed_writer_left_answers_as_ever() {
    let (_folder, path) = copy_of(&KILLED);
    assert!(fs::metadata(path.with_extension("db-wal")).unwrap().len() > 0);
    let store = SqliteStore::open(&path).unwrap();
    let events = golden::event_lines(&store);
    let expected: Vec<&str> = golden::FORMAT_1.lines().take(events.len()).collect();
    assert_eq!((events.len(), events.iter().map(String::as_str).eq(expected)), (golden::LEFT, true));
    let model = MemoryStore::new();
    golden::record_beginning(&model);
    golden::record_a_little_more(&model);
    let answers = golden::lines(&model);
    golden::check(&store, &answers.iter().map(String::as_str).collect::<Vec<_>>(), &golden::lines(&store));
}

#[test]
fn the_view_shows_a_golden_file_to_other_programs() {
    let (_folder, path) = copy_of(&CLOSED);
    let reader = rusqlite::Connection::open(&path).unwrap();
    let events = golden::FORMAT_1.lines().take_while(|line| !line.starts_with("usage"));
    // Registry events are no calls: the view leaves them out.
    let events = events.filter(|line| line.starts_with(|first: char| first.is_ascii_digit())).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(|field| fields[field].to_owned()).join("|")
    });
    let columns = ["session_id", "project_hash", "project_path", "agent", "subagent"];
    let texts = columns.map(|column| format!("coalesce({column}, '')")).join(" || '|' || ");
    let sql = format!(
        "SELECT id || '|' || tool_name || '|' || {texts} || '|' || outcome || '|' || source || '|' || time_micros
            || '|' || coalesce(duration_micros, '') FROM tool_usage_events ORDER BY id"
    );
    let mut statement = reader.prepare(&sql).unwrap();
    let shown: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(shown.len(), events.clone().count());
    shown.iter().zip(events).for_each(|(shown, event)| assert_eq!(*shown, event));
}

/// Writes the files anew: only for a format that has not been released. All golden files are written anew by
///
/// ```console
/// $ cargo test -p tooltally-conformance -p tooltally-sqlite -p tooltally-redb write_anew -- --ignored
/// ```
#[test]
#[ignore = "writes the golden files anew"]
fn write_anew() {
    let folder = tempfile::tempdir().unwrap();
    let [closed, killed] = [CLOSED[0], KILLED[0]].map(|name| folder.path().join(name));
    let store = SqliteStore::open(&closed).unwrap();
    golden::record(&store);
    drop(store);
    golden::record_beginning(&SqliteStore::open(&killed).unwrap());
    let open = SqliteStore::open(&killed).unwrap();
    golden::record_a_little_more(&open);
    // Copied while open: what a killed writer leaves behind.
    tooltally_conformance::files::copy_all(&[CLOSED[0], KILLED[0], KILLED[1]], folder.path(), &golden_folder());
}
