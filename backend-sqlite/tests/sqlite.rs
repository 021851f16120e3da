//! What is SQLite's own: the public view, the wait for other writers, formats, files.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tempfile::TempDir;
use tooltally_core::{
    AgentName, Attributes, Condition, Error, Event, EventId, GroupBy, Log, LogExt, Maintenance, MaintenanceExt,
    OpenOptions, Outcome, Position, Project, Queries, QueriesExt, Selection, SessionId, Source, SubagentName,
    Timestamp, ToolDuration, ToolName, ToolUse,
};
use tooltally_sqlite::SqliteStore;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    (folder, path)
}

fn event(n: u64) -> Event {
    let agent = AgentName::claude_code();
    let time = Timestamp::from_micros(1_767_225_600_000_000 + i64::try_from(n).unwrap()).unwrap();
    let id = EventId::global(&agent, &format!("toolu_{n}"));
    ToolUse::new(id, ToolName::new("Bash").unwrap(), Outcome::Success, time).into()
}

fn refused(path: &Path) -> Error {
    let bytes = fs::read(path).ok();
    let error = SqliteStore::open(path).err().unwrap();
    assert_eq!(fs::read(path).ok(), bytes, "what is refused stays as it is");
    error
}

#[test]
fn the_view_shows_every_field_as_text() {
    let (_folder, path) = place();
    let store = SqliteStore::open(&path).unwrap();
    let mut attributes = Attributes::new();
    attributes.set("model", "claude").unwrap();
    let full = ToolUse::new(
        EventId::from_bytes([0xAB; 16]),
        ToolName::new("Read").unwrap(),
        Outcome::Rejected,
        "2026-03-01T12:00:00.25Z".parse().unwrap(),
    )
    .session(SessionId::new("s1").unwrap())
    .project(Project::from_path("/home/dev/app").unwrap())
    .agent(AgentName::claude_code())
    .subagent(SubagentName::new("general-purpose").unwrap())
    .duration(ToolDuration::from_micros(1500).unwrap())
    .source(Source::Transcript)
    .attributes(attributes);
    store.record_all(&[full.into(), event(1)]).unwrap();

    let reader = Connection::open(&path).unwrap();
    let columns = "id || '|' || tool_name || '|' || coalesce(session_id, '-') || '|' || coalesce(project_hash, '-')
        || '|' || success || '|' || created_at || '|' || outcome || '|' || coalesce(project_path, '-')
        || '|' || coalesce(agent, '-') || '|' || coalesce(subagent, '-') || '|' || source || '|' || time_micros
        || '|' || coalesce(duration_micros, '-') || '|' || coalesce(attributes, '-') || '|' || event_id";
    let mut statement = reader.prepare(&format!("SELECT {columns} FROM tool_usage_events ORDER BY id")).unwrap();
    let rows: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let id = Event::id(&event(1));
    assert_eq!(
        rows,
        [
            "1|Read|s1|720d8948da0bcc78|0|2026-03-01 12:00:00|rejected|/home/dev/app|claude-code|general-purpose\
             |transcript|1772366400250000|1500|{\"model\":\"claude\"}|abababababababababababababababab"
                .to_owned(),
            format!("2|Bash|-|-|1|2026-01-01 00:00:00|success|-|-|-|library|1767225600000001|-|-|{id}"),
        ]
    );
}

#[test]
fn the_predecessors_queries_run_on_the_view() {
    let (_folder, path) = place();
    let store = SqliteStore::open(&path).unwrap();
    store.record_all(&(0..700).map(event).collect::<Vec<_>>()).unwrap();
    let reader = Connection::open(&path).unwrap();
    let sql = "SELECT tool_name, COUNT(*), MAX(created_at) FROM tool_usage_events
        WHERE created_at >= datetime('2026-01-01 00:00:00', '-7 days') GROUP BY tool_name ORDER BY 2 DESC";
    let row = reader.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    assert_eq!(row, ("Bash".to_owned(), 700, "2026-01-01 00:00:00".to_owned()));
}

#[test]
fn a_wait_that_runs_out_is_busy_and_records_nothing() {
    let (_folder, path) = place();
    let store = SqliteStore::open_with(&path, &OpenOptions::new().wait(Duration::from_millis(30))).unwrap();
    store.record(&event(1)).unwrap();
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.record(&event(2)).unwrap_err();
    assert!(matches!(error, Error::Busy { waited } if waited >= Duration::from_millis(30)), "{error:?}");
    // Readers are not kept waiting.
    assert_eq!(store.head().unwrap(), Position::new(1));
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.record(&event(2)).unwrap().position(), Position::new(2));
}

#[test]
fn what_is_no_store_is_named_and_left() {
    let (folder, path) = place();
    fs::write(&path, "a text file\n").unwrap();
    assert!(matches!(refused(&path), Error::NotAStore { .. }));
    fs::write(&path, b"SQLite format 3\0 and then nothing of the kind").unwrap();
    assert!(matches!(refused(&path), Error::NotAStore { .. }));
    assert!(matches!(refused(folder.path()), Error::NotAStore { .. }));
    assert!(matches!(refused(&path.join("below a file")), Error::NotAStore { .. }));
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1);").unwrap();
    assert!(matches!(refused(&other), Error::NotAStore { .. }));
    let missing = SqliteStore::open_with(folder.path().join("none.db"), &OpenOptions::new().create(false));
    assert!(matches!(missing.err(), Some(Error::Missing { .. })));
    assert!(!folder.path().join("none.db").exists());
}

#[test]
fn an_empty_file_and_a_cut_short_creation_become_a_store() {
    let (_folder, path) = place();
    fs::write(&path, "").unwrap();
    SqliteStore::open(&path).unwrap().record(&event(1)).unwrap();
    fs::remove_file(&path).unwrap();
    // SQLite's header without tables: a maker that was killed.
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a); DROP TABLE t;").unwrap();
    SqliteStore::open(&path).unwrap().record(&event(1)).unwrap();
}

/// The power failed while SQLite made the store: later pages are on the disk, the first one is not, and the journal
/// says that there was nothing before.
#[test]
fn a_creation_that_the_power_cut_becomes_a_store() {
    let (folder, path) = place();
    let journal = |pages_before: u32| {
        let mut header = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
        for number in [0, 1, pages_before, 512, 4096] {
            header.extend(u32::to_be_bytes(number));
        }
        header.resize(512, 0);
        fs::write(folder.path().join("usage.db-journal"), header).unwrap();
    };
    fs::write(&path, [[0; 4096], [13; 4096]].concat()).unwrap();
    assert!(matches!(refused(&path), Error::NotAStore { .. }));
    journal(2);
    assert!(matches!(refused(&path), Error::NotAStore { .. }));
    journal(0);
    SqliteStore::open(&path).unwrap().record(&event(1)).unwrap();
    assert_eq!(SqliteStore::open(&path).unwrap().head().unwrap(), Position::new(1));
}

/// The newer format may stand in the write-ahead log alone, after a writer that was killed.
#[test]
fn a_newer_format_is_refused_also_where_only_the_wal_names_it() {
    let (folder, path) = place();
    SqliteStore::open(&path).unwrap().record(&event(1)).unwrap();
    let newer = Connection::open(&path).unwrap();
    newer.execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 7;").unwrap();
    // Copied while open: what a killed writer leaves behind.
    let copy = folder.path().join("copy.db");
    for end in ["", "-wal"] {
        let name = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        fs::copy(name(&path), name(&copy)).unwrap();
    }
    let wal = PathBuf::from(format!("{}-wal", copy.display()));
    let before = fs::read(&wal).unwrap();
    let error = refused(&copy);
    assert!(matches!(error, Error::UnsupportedFormat { found: 7, supported: 1 }), "{error:?}");
    assert_eq!(fs::read(&wal).unwrap(), before);
}

#[test]
fn many_makers_make_one_store() {
    let (_folder, path) = place();
    let path = &path;
    std::thread::scope(|scope| {
        for n in 0..8 {
            scope.spawn(move || SqliteStore::open(path).unwrap().record(&event(n)).unwrap());
        }
    });
    let store = SqliteStore::open(path).unwrap();
    assert_eq!(store.head().unwrap(), Position::new(8));
    store.verify_quietly().unwrap();
}

#[test]
fn closing_leaves_one_file() {
    let (folder, path) = place();
    let store = SqliteStore::open(&path).unwrap();
    store.record_all(&(0..2000).map(event).collect::<Vec<_>>()).unwrap();
    store.head().unwrap();
    drop(store);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["usage.db"]);
}

#[test]
fn a_close_that_does_not_tidy_leaves_a_small_log_that_the_next_one_moves() {
    let (_folder, path) = place();
    drop(SqliteStore::open(&path).unwrap());
    let hasty = OpenOptions::new().tidy_close(false);
    let wal = path.with_file_name("usage.db-wal");
    let mut longest = 0;
    for n in 0..100 {
        SqliteStore::open_with(&path, &hasty).unwrap().record(&event(n)).unwrap();
        longest = fs::metadata(&wal).map_or(longest, |wal| longest.max(wal.len()));
        // Another program's reader sees what the log alone holds.
        let count = "SELECT count(*) FROM tool_usage_events";
        let reader = Connection::open_with_flags(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        assert_eq!(reader.query_row(count, [], |row| row.get::<_, u32>(0)).unwrap(), u32::try_from(n + 1).unwrap());
    }
    assert!((1..256 << 10).contains(&longest), "the log is left, and does not grow for ever: {longest}");
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.head().unwrap(), Position::new(100));
    store.verify_quietly().unwrap();
    drop(store);
    assert!(!wal.exists(), "who closes as usual leaves one file");
}

#[test]
fn a_changed_name_is_noticed_by_whoever_asks_for_it() {
    let (_folder, path) = place();
    SqliteStore::open(&path).unwrap().record(&event(1)).unwrap();
    let other = Connection::open(&path).unwrap();
    let harm = "UPDATE names SET text = 'Bish' WHERE text = 'Bash';
        UPDATE name_numbers SET text = 'Bish' WHERE text = 'Bash';";
    other.execute_batch(harm).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    let bish = ToolName::new("Bish").unwrap();
    let asked = store.usage_for_tool(&bish, None, None);
    assert!(asked.as_ref().is_err_and(Error::is_corrupt), "{asked:?}");
    let listed = store.usage(&Selection::all(), &GroupBy::Tool);
    assert!(listed.as_ref().is_err_and(Error::is_corrupt), "{listed:?}");
    let time = Timestamp::from_micros(1_767_225_600_000_000).unwrap();
    let use_of_it = ToolUse::new(EventId::from_bytes([7; 16]), bish, Outcome::Success, time);
    let recorded = store.record(&use_of_it.into());
    assert!(recorded.as_ref().is_err_and(Error::is_corrupt), "{recorded:?}");
}

#[test]
fn a_changed_or_missing_place_is_noticed() {
    for harm in [
        "UPDATE places SET agent = agent + 1",
        "DELETE FROM places",
        "UPDATE log SET row = unhex(substr(hex(row), 1, 2 * length(row) - 2) || hex('0'))",
    ] {
        let (_folder, path) = place();
        let Event::ToolUse(call) = event(1) else { panic!("a new kind of event") };
        SqliteStore::open(&path).unwrap().record(&call.agent(AgentName::claude_code()).into()).unwrap();
        Connection::open(&path).unwrap().execute_batch(harm).unwrap();
        let answer = SqliteStore::open(&path).and_then(|store| store.read(Position::START, 1));
        assert!(answer.as_ref().is_err_and(Error::is_corrupt), "{harm}: {answer:?}");
    }
}

#[test]
fn a_store_without_its_tables_is_damaged() {
    for harm in ["DROP TABLE log", "DROP TABLE meta", "ALTER TABLE name_numbers RENAME COLUMN checksum TO sum"] {
        let (_folder, path) = place();
        SqliteStore::open(&path).unwrap().record(&event(1)).unwrap();
        Connection::open(&path).unwrap().execute_batch(harm).unwrap();
        let answer = SqliteStore::open(&path).and_then(|store| store.verify_quietly());
        assert!(answer.as_ref().is_err_and(Error::is_corrupt), "{harm}: {answer:?}");
        let answer = SqliteStore::open(&path).and_then(|store| store.record(&event(2)));
        assert!(answer.as_ref().is_err_and(Error::is_corrupt), "{harm}: {answer:?}");
    }
}

/// A damaged index does not find a name that it then refuses to hold twice; an index more has the same effect.
#[test]
fn a_changed_view_is_found_and_made_anew() {
    let (_folder, path) = place();
    SqliteStore::open(&path).unwrap().record_all(&(0..40).map(event).collect::<Vec<_>>()).unwrap();
    let changes = [
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'path.kind = 3', 'patx.kind = 3')",
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'tool.kind = 0', 'tool.kind = 1')",
        "DROP VIEW tool_usage_events",
    ];
    for change in changes {
        Connection::open(&path).unwrap().execute_batch(change).unwrap();
        let store = SqliteStore::open(&path).unwrap();
        assert!(store.verify_quietly().unwrap_err().is_corrupt(), "{change}");
        store.rebuild_quietly().unwrap();
        assert_eq!(store.verify_quietly().unwrap().events, 40);
        let view = Connection::open(&path).unwrap();
        let count = "SELECT count(*) FROM tool_usage_events WHERE tool_name = 'Bash'";
        assert_eq!(view.query_row(count, [], |row| row.get::<_, u32>(0)).unwrap(), 40, "{change}");
    }
}

#[test]
fn a_constraint_that_a_record_breaks_is_damage() {
    let (_folder, path) = place();
    let store = SqliteStore::open(&path).unwrap();
    store.record(&event(1)).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE UNIQUE INDEX harm ON names (kind)").unwrap();
    let Event::ToolUse(mut call) = event(2) else { panic!("a new kind of event") };
    call.tool = ToolName::new("Read").unwrap();
    let answer = store.record(&call.into());
    assert!(answer.as_ref().is_err_and(Error::is_corrupt), "{answer:?}");
}

#[test]
fn a_store_in_which_something_else_would_run_is_damaged() {
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
    for harm in [
        format!("DROP TABLE log; CREATE VIEW log AS {endless} SELECT i AS position FROM n;"),
        format!("CREATE TRIGGER t AFTER INSERT ON log BEGIN INSERT INTO meta {endless} SELECT i, i FROM n; END;"),
        "DROP TABLE meta; CREATE TABLE meta (key BLOB PRIMARY KEY, value BLOB AS (zeroblob(1000000000)));".to_owned(),
        "CREATE INDEX slow ON log (hex(zeroblob(100000000)));".to_owned(),
    ] {
        let (_folder, path) = place();
        SqliteStore::open(&path).unwrap().record(&event(1)).unwrap();
        Connection::open(&path).unwrap().execute_batch(&harm).unwrap();
        let answer = SqliteStore::open(&path);
        assert!(answer.as_ref().is_err_and(Error::is_corrupt), "{harm}: {:?}", answer.err());
    }
    let (_folder, path) = place();
    SqliteStore::open(&path).unwrap().record(&event(1)).unwrap();
    Connection::open(&path).unwrap().execute_batch("ANALYZE; CREATE VIEW mine AS SELECT * FROM log;").unwrap();
    SqliteStore::open(&path).unwrap().record(&event(2)).unwrap();
}

#[test]
fn an_open_store_leaves_a_file_that_a_newer_program_has_migrated() {
    let (_folder, path) = place();
    let store = SqliteStore::open(&path).unwrap();
    store.record(&event(1)).unwrap();
    assert_eq!(store.head().unwrap(), Position::new(1));
    let newer = Connection::open(&path).unwrap();
    newer.execute_batch("PRAGMA user_version = 2").unwrap();
    let version = || newer.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = version();
    let answers = [
        store.record(&event(2)).map(drop),
        store.read(Position::START, 10).map(drop),
        store.verify_quietly().map(drop),
        store.rebuild_quietly(),
        store.compact(),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(Error::UnsupportedFormat { found: 2, supported: 1 })), "{answer:?}");
    }
    assert_eq!(version(), before, "nothing is written");
}

/// Batches above the size that threads share, so that each thread writes for itself.
#[test]
fn many_threads_wait_no_longer_than_one() {
    const WAIT: Duration = Duration::from_millis(300);
    let (_folder, path) = place();
    let store = SqliteStore::open_with(&path, &OpenOptions::new().wait(WAIT)).unwrap();
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let store = &store;
    std::thread::scope(|scope| {
        for thread in 0..12 {
            scope.spawn(move || {
                let batch: Vec<Event> = (0..65).map(|n| event(thread * 100 + n)).collect();
                let started = Instant::now();
                let error = store.append(&batch, Condition::None).unwrap_err();
                let took = started.elapsed();
                assert!(matches!(error, Error::Busy { waited } if waited >= WAIT && waited <= took), "{error:?}");
                assert!(took < WAIT * 4, "a wait of {WAIT:?} took {took:?}");
            });
        }
    });
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.record(&event(2)).unwrap().position(), Position::new(1));
}

#[test]
fn compacting_waits_within_the_wait_too() {
    let wait = Duration::from_millis(30);
    let (_folder, path) = place();
    let store = SqliteStore::open_with(&path, &OpenOptions::new().wait(wait)).unwrap();
    store.record(&event(1)).unwrap();
    let holder = Connection::open(&path).unwrap();
    for hold in ["BEGIN IMMEDIATE", "BEGIN; SELECT * FROM log;"] {
        holder.execute_batch(hold).unwrap();
        let started = Instant::now();
        let error = store.compact().unwrap_err();
        let took = started.elapsed();
        assert!(matches!(error, Error::Busy { waited } if waited >= wait && waited <= took), "{hold}: {error:?}");
        holder.execute_batch("ROLLBACK").unwrap();
    }
    store.compact().unwrap();
}

/// Who reads an older state keeps the write-ahead log from being emptied, and nobody from writing meanwhile.
#[test]
fn a_compaction_that_waits_for_a_reader_lets_others_write() {
    let (_folder, path) = place();
    let store = SqliteStore::open_with(&path, &OpenOptions::new().wait(Duration::from_mins(1))).unwrap();
    let other = SqliteStore::open_with(&path, &OpenOptions::new().wait(Duration::from_secs(2))).unwrap();
    store.record(&event(1)).unwrap();
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM log;").unwrap();
    thread::scope(|scope| {
        let compacting = scope.spawn(|| store.compact());
        thread::sleep(Duration::from_millis(100));
        let recorded = (2..6).try_for_each(|n| other.record(&event(n)).map(drop));
        assert!(!compacting.is_finished());
        reader.execute_batch("ROLLBACK").unwrap();
        recorded.unwrap();
        compacting.join().unwrap().unwrap();
    });
    assert_eq!(other.head().unwrap(), Position::new(5));
}

#[test]
fn opening_waits_within_the_wait() {
    let wait = Duration::from_millis(30);
    let (_folder, path) = place();
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let started = Instant::now();
    let error = SqliteStore::open_with(&path, &OpenOptions::new().wait(wait)).err().unwrap();
    let took = started.elapsed();
    assert!(matches!(error, Error::Busy { waited } if waited >= wait && waited <= took), "{error:?}");
    holder.execute_batch("ROLLBACK").unwrap();
    SqliteStore::open(&path).unwrap().record(&event(1)).unwrap();
}

#[test]
fn a_wait_without_end_is_taken() {
    let (_folder, path) = place();
    let store = SqliteStore::open_with(&path, &OpenOptions::new().wait(Duration::MAX)).unwrap();
    store.record(&event(1)).unwrap();
    assert_eq!(store.head().unwrap(), Position::new(1));
}
