//! Rows that drop out of a damaged database without SQLite noticing: no question may be answered as if they had never
//! been there.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fmt::Debug;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;
use tooltally_conformance::events::{PATHS, SESSIONS, TOOLS, at, numbered, numbered_all, project, session, use_of};
use tooltally_core::{
    Appended, Condition, Error, Event, Filter, GroupBy, Log, LogExt, MaintenanceExt, MemoryStore, ProjectId, Queries,
    Result, Selection, SessionId, ToolName, Window,
};
use tooltally_sqlite::SqliteStore;

const EVENTS: u64 = 1_500;
const HOUR_MICROS: i64 = 3_600_000_000;
const TREES: [&str; 9] =
    ["meta", "rollups", "calls", "sessions", "postings", "recents", "registry", "trails", "id_runs"];

/// A closed store, whose tail is short.
fn sound(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    for first in (0..EVENTS).step_by(150) {
        store.record_all(&numbered_all(first..first + 150)).unwrap();
    }
    store.record(&late()).unwrap();
}

/// The first call of a session that begins late, and has much to look back at.
fn late() -> Event {
    use_of(1_000_000, TOOLS[0], at(0)).session(session("late")).project(project(PATHS[0])).into()
}

fn selections() -> Vec<Selection> {
    let window = |from: i64, to: i64| Window::new(Some(at(from)), Some(at(to))).unwrap();
    let windows = [
        Window::ALL,
        Window::since(at(700 * HOUR_MICROS + 1)),
        window(HOUR_MICROS * 3 - 1, 1000 * HOUR_MICROS + 7),
        window(288 * HOUR_MICROS, 293 * HOUR_MICROS),
    ];
    let of = |window| {
        [
            Selection::all(),
            Selection::all().tool(ToolName::new(TOOLS[0]).unwrap()),
            Selection::all().project(ProjectId::of_path(PATHS[0])),
            Selection::all().session(SessionId::new(SESSIONS[0]).unwrap()),
        ]
        .map(|selection| selection.window(window))
    };
    windows.into_iter().flat_map(of).collect()
}

fn shown(answer: Result<impl Debug>) -> Result<String> {
    answer.map(|answer| format!("{answer:?}"))
}

fn ask(queries: &dyn Queries) -> Vec<Result<String>> {
    let groups = [GroupBy::Total, GroupBy::Tool, GroupBy::Project, GroupBy::Session];
    let mut answers = Vec::new();
    for selection in selections() {
        answers.extend(groups.iter().map(|group_by| shown(queries.usage(&selection, group_by))));
        answers.push(shown(queries.recent(&selection, 10)));
        answers.push(shown(queries.recent(&selection, 100)));
    }
    answers.push(shown(queries.registered(&Filter::Any)));
    answers.push(shown(queries.trail(&session("late"), 500)));
    answers
}

fn truth() -> Vec<Result<String>> {
    let model = MemoryStore::new();
    model.append(&numbered_all(0..EVENTS), Condition::None).unwrap();
    model.record(&late()).unwrap();
    ask(&model)
}

/// How many answers are refused; any other must be the truth.
fn refused(answers: &[Result<String>], truth: &[Result<String>], harm: &str) -> usize {
    let mut refused = 0;
    for (answer, truth) in answers.iter().zip(truth) {
        match answer {
            Ok(answer) => assert_eq!(answer, truth.as_ref().unwrap(), "{harm}"),
            Err(error) => {
                assert!(error.is_corrupt(), "{harm}: {error:?}");
                refused += 1;
            }
        }
    }
    refused
}

fn keys(path: &Path, table: &str) -> Vec<Value> {
    let connection = Connection::open(path).unwrap();
    let mut keys = connection.prepare(&format!("SELECT key FROM {table} ORDER BY key")).unwrap();
    keys.query_map([], |row| row.get(0)).unwrap().map(rusqlite::Result::unwrap).collect()
}

/// Whether it could be done: no key can stand twice.
fn execute(path: &Path, sql: &str, key: &Value) -> bool {
    Connection::open(path).unwrap().execute(sql, [key]).unwrap() == 1
}

#[test]
fn no_answer_passes_over_a_row_that_dropped_out() {
    let folder = tempfile::tempdir().unwrap();
    let (sound_path, path) = (folder.path().join("sound.db"), folder.path().join("harmed.db"));
    sound(&sound_path);
    let truth = truth();
    assert_eq!(refused(&ask(&SqliteStore::open(&sound_path).unwrap()), &truth, "no harm"), 0);
    for table in TREES {
        let mut keys = keys(&sound_path, table);
        if table == "meta" {
            // Nothing is looked for behind the last record.
            keys.pop();
        }
        let step = (keys.len() / 4).max(1);
        let mut noticed = 0;
        for key in keys.iter().rev().step_by(step).chain(keys.first()) {
            // One bit of the key's last byte.
            let other = match table {
                "id_runs" => "(key & ~1) | (~key & 1)",
                _ => {
                    "unhex(substr(hex(key), 1, 2 * length(key) - 1) ||
                     CASE substr(hex(key), -1) WHEN '0' THEN '1' WHEN 'F' THEN 'E' ELSE '0' END)"
                }
            };
            for sql in [
                format!("DELETE FROM {table} WHERE key = ?1"),
                format!("UPDATE OR IGNORE {table} SET key = {other} WHERE key = ?1"),
            ] {
                let harm = format!("{sql} with {key:02x?}");
                fs::copy(&sound_path, &path).unwrap();
                if !execute(&path, &sql, key) {
                    continue;
                }
                let store = SqliteStore::open(&path).unwrap();
                noticed += refused(&ask(&store), &truth, &harm);
                assert!(store.verify_quietly().is_err_and(|error| error.is_corrupt()), "{harm}");
                // What can be had from the log again is mended.
                store.rebuild_quietly().unwrap_or_else(|error| panic!("{harm}: {error:?}"));
                store.verify_quietly().unwrap_or_else(|error| panic!("{harm}: {error:?}"));
                assert_eq!(refused(&ask(&store), &truth, &harm), 0, "{harm}");
                drop(store);
            }
        }
        assert!(noticed > 0 || table == "id_runs", "{table}: no question came upon any of its rows");
    }
}

#[test]
fn a_known_event_is_not_recorded_twice_where_the_id_index_lost_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let (sound_path, path) = (folder.path().join("sound.db"), folder.path().join("harmed.db"));
    sound(&sound_path);
    let mut noticed = 0;
    for key in keys(&sound_path, "id_runs").iter().step_by(3) {
        fs::copy(&sound_path, &path).unwrap();
        assert!(execute(&path, "DELETE FROM id_runs WHERE key = ?1", key));
        for number in (0..EVENTS).step_by(31) {
            // Each by a process of its own, that keeps no digests.
            match SqliteStore::open(&path).unwrap().record(&numbered(number)) {
                Ok(answer) => assert!(matches!(answer, Appended::Duplicate(_)), "event {number}: {answer:?}"),
                Err(error) => {
                    assert!(error.is_corrupt(), "{error:?}");
                    noticed += 1;
                }
            }
        }
    }
    assert!(noticed > 0);
}

#[test]
fn a_name_that_cannot_be_found_any_more_is_noticed() {
    let bash = ToolName::new("Bash").unwrap();
    let asked = |path: &Path| {
        let store = SqliteStore::open(path).unwrap();
        store.usage(&Selection::all().tool(bash.clone()), &GroupBy::Total).map(|rows| rows.len())
    };
    for harm in [
        "DELETE FROM name_numbers WHERE text = 'Bash'",
        "UPDATE name_numbers SET text = 'Bas' WHERE text = 'Bash'",
        "UPDATE name_numbers SET text = 'Bashh' WHERE text = 'Bash'",
        "UPDATE name_numbers SET text = 'rash' WHERE text = 'Bash'",
        "UPDATE name_numbers SET kind = 3 WHERE kind = 0 AND text = 'Bash'",
        "DELETE FROM name_numbers WHERE kind = 0 AND text > ''",
        "DELETE FROM name_numbers",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.db");
        let of_tool = |number: u64, tool: &str| {
            let Event::ToolUse(mut call) = numbered(number) else { panic!("a new kind of event") };
            call.tool = ToolName::new(tool).unwrap();
            Event::from(call)
        };
        SqliteStore::open(&path).unwrap().record(&of_tool(1, "Bash")).unwrap();
        assert_eq!(asked(&path).unwrap(), 1);
        Connection::open(&path).unwrap().execute_batch(harm).unwrap();
        assert!(asked(&path).is_err_and(|error| error.is_corrupt()), "{harm}");
        let recorded = SqliteStore::open(&path).unwrap().record(&of_tool(2, "Bash"));
        assert!(recorded.as_ref().is_err_and(Error::is_corrupt), "{harm}: {recorded:?}");
    }
}
