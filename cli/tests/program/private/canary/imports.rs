//! Each format that is imported, in a test of its own.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tooltally::{OpenOptions, StoreUrl, open_with};

use super::inputs::{damaged, event_lines, hook_payloads, transcript_lines, with_wrong_fields};
use super::{CANARY, ask, loud, private, search};
use crate::support::{ENGINES, Place};

/// What an import must come to, to the last event.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    files: u64,
    /// Those that are new to an empty store.
    new: u64,
    duplicates: u64,
    pending: u64,
    /// In all, whatever the reason.
    skipped: u64,
}

/// Writes each input as a file of its own, outside of what is searched.
fn files(place: &Place, inputs: &[Vec<u8>]) -> PathBuf {
    let folder = place.path("inputs");
    std::fs::create_dir_all(&folder).unwrap();
    for (number, input) in inputs.iter().enumerate() {
        std::fs::write(folder.join(format!("{number:04}.jsonl")), input).unwrap();
    }
    folder
}

fn lines(values: &[Value]) -> Vec<u8> {
    values.iter().flat_map(|value| [value.to_string(), "\n".to_owned()]).collect::<String>().into_bytes()
}

/// The values sound, one by one and as a list; with wrong fields; and damaged at each of them.
fn inputs_of(values: &[Value]) -> Vec<Vec<u8>> {
    let wrong: Vec<Value> = values.iter().flat_map(with_wrong_fields).collect();
    let mut inputs = vec![lines(values), json!(values).to_string().into_bytes()];
    inputs.push([lines(values), lines(&wrong)].concat());
    for value in values {
        for damaged in damaged(&value.to_string()) {
            inputs.push([lines(values), damaged].concat());
        }
    }
    inputs.extend(damaged(&json!(values).to_string()));
    inputs
}

fn import(place: &Place, folder: &Path, expected: &Expected) {
    for engine in ENGINES {
        let db = place.path(&format!("home/usage.{engine}"));
        let name = db.to_str().unwrap();
        // While somebody has the store open, SQLite's write-ahead log stays, and is searched too.
        let url: StoreUrl = name.parse().unwrap();
        let held = open_with(&url, &OpenOptions::new()).unwrap();
        assert_eq!(held.head().unwrap().get(), 0);
        let first = loud(place, &["--db", name, "--json", "import", folder.to_str().unwrap()], b"");
        assert_eq!(first.code, Some(0), "{}", first.stderr);
        let summary: Value = serde_json::from_str(&first.stdout).unwrap();
        let number = |field: &str| summary[field].as_u64().unwrap();
        let found = Expected {
            files: number("files"),
            new: number("new"),
            duplicates: number("duplicates"),
            pending: number("pending"),
            skipped: summary["skipped"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum(),
        };
        assert_eq!(&found, expected, "{engine}: {summary}");
        let again = loud(place, &["--db", name, "import", folder.to_str().unwrap()], b"");
        assert_eq!(again.code, Some(0), "{}", again.stderr);
        let mut answers = vec![first, again];
        answers.extend(ask(place, name));
        assert_eq!(place.uses(name), expected.new, "{engine}");
        let wal: &[&str] = if engine == "db" { &["usage.db-wal"] } else { &[] };
        search(place, &answers, &[&[&format!("usage.{engine}")[..]], wal].concat());
        drop(held);
        search(place, &[], &[&format!("usage.{engine}")]);
    }
}

#[test]
fn nothing_private_stays_of_hook_logs() {
    let place = Place::new();
    let folder = files(&place, &inputs_of(&hook_payloads()));
    import(&place, &folder, &Expected { files: 209, new: 175, duplicates: 1145, pending: 0, skipped: 261 });
}

#[test]
fn nothing_private_stays_of_transcripts() {
    let place = Place::new();
    let folder = files(&place, &inputs_of(&transcript_lines()));
    import(&place, &folder, &Expected { files: 128, new: 2, duplicates: 243, pending: 0, skipped: 556 });
}

#[test]
fn nothing_private_stays_of_event_lines() {
    let place = Place::new();
    let folder = files(&place, &inputs_of(&event_lines()));
    import(&place, &folder, &Expected { files: 20, new: 27, duplicates: 19, pending: 0, skipped: 49 });
}

#[test]
fn nothing_private_stays_of_what_is_no_known_format() {
    let place = Place::new();
    let inputs = [
        format!("{CANARY}\n").repeat(100).into_bytes(),
        lines(&[private(), json!(CANARY)]),
        // One that is known, so that the import has something to do.
        lines(&event_lines()),
    ];
    let folder = files(&place, &inputs);
    import(&place, &folder, &Expected { files: 1, new: 1, duplicates: 0, pending: 0, skipped: 3 });
}

#[test]
fn nothing_private_stays_of_a_predecessors_database() {
    let place = Place::new();
    let folder = files(&place, &[]);
    let database = folder.join("predecessor.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .execute_batch(&format!(
            "CREATE TABLE tool_usage_events (id INTEGER PRIMARY KEY AUTOINCREMENT, tool_name TEXT NOT NULL,
                session_id TEXT, project_hash TEXT, success INTEGER NOT NULL DEFAULT 1,
                created_at TEXT NOT NULL DEFAULT (datetime('now')), tool_input TEXT DEFAULT '{CANARY}',
                {CANARY} TEXT DEFAULT '{CANARY}');
             CREATE TABLE secrets (text TEXT);
             INSERT INTO secrets VALUES ('{CANARY}');
             INSERT INTO tool_usage_events (tool_name, session_id, project_hash, success, created_at) VALUES
                ('Bash', 's1', '0123456789abcdef', 1, '2026-05-01 12:00:00'),
                ('Bash', 's1', '{CANARY}', 1, '2026-05-01 12:00:00'),
                ('Bash', 's1', NULL, '{CANARY}', '2026-05-01 12:00:00'),
                ('Bash', 's1', NULL, 1, '{CANARY}'),
                ('Bash', '{CANARY}' || char(7), NULL, 1, '2026-05-01 12:00:00'),
                ('{CANARY}' || char(27), 's1', NULL, 1, '2026-05-01 12:00:00'),
                (x'{hex}', 's1', NULL, 1, '2026-05-01 12:00:00');",
            hex = "63416e417259"
        ))
        .unwrap();
    drop(connection);
    let bytes = std::fs::read(&database).unwrap();
    // Damaged ones: cut, and with a schema of other bytes.
    std::fs::write(folder.join("cut.db"), &bytes[..bytes.len() / 2]).unwrap();
    let mut other = bytes.clone();
    other[100..140].fill(0xa5);
    std::fs::write(folder.join("other.db"), other).unwrap();
    std::fs::write(folder.join("with-journal.db"), &bytes).unwrap();
    std::fs::write(folder.join("with-journal.db-wal"), CANARY.repeat(1000)).unwrap();
    import(&place, &folder, &Expected { files: 2, new: 3, duplicates: 3, pending: 0, skipped: 11 });
}
