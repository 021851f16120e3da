//! The predecessor's database.

use std::collections::HashSet;
use std::convert::Infallible;
use std::path::Path;

use rusqlite::Connection;
use tooltally::{Outcome, Source, SystemClock};
use tooltally_cli::input::Importer;

use crate::{import_path, import_reader, skipped, tool_use};

const SCHEMA: &str = "CREATE TABLE tool_usage_events (id INTEGER PRIMARY KEY AUTOINCREMENT, tool_name TEXT NOT NULL,
    session_id TEXT, project_hash TEXT, success INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL DEFAULT (datetime('now')));";

fn database(path: &Path, rows: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    connection.execute_batch(rows).unwrap();
    connection
}

fn names(folder: &Path) -> HashSet<String> {
    std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

const ROWS: &str = "INSERT INTO tool_usage_events VALUES
    (1, 'Bash', 's1', '0123456789abcdef', 1, '2026-05-01 12:00:00'),
    (2, 'Bash', NULL, NULL, 0, '2026-05-01 12:00:00.25'),
    (3, 'Read', 's1', 'no hash', 1, '2026-05-01T14:00:00+02:00'),
    (4, 'Read', 's1', NULL, 1, 'yesterday'),
    (5, '', 's1', NULL, 1, '2026-05-01 12:00:00'),
    (7, 'Bash', 's1', '0123456789abcdef', 1, '2026-05-01 12:00:00'),
    (8, printf('%.*c', 2000000, 'x'), 's1', NULL, 1, '2026-05-01 12:00:00'),
    (9, 'Bash', 's1', NULL, 1, x'05');";

#[test]
fn each_row_is_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history #1?.db");
    drop(database(&path, ROWS));
    let before = (std::fs::read(&path).unwrap(), names(folder.path()));
    let (events, summary) = import_path(&path);
    assert_eq!((std::fs::read(&path).unwrap(), names(folder.path())), before);

    let times: Vec<_> = events.iter().map(|event| event.time.to_string()).collect();
    let noon = "2026-05-01T12:00:00Z";
    assert_eq!(times, [noon, "2026-05-01T12:00:00.25Z", noon, noon]);
    assert_eq!((events[0].outcome, events[1].outcome), (Outcome::Success, Outcome::Failure));
    assert_eq!(events[0].project.as_ref().unwrap().id.to_string(), "0123456789abcdef");
    assert_eq!((&events[1].project, &events[2].project), (&None, &None));
    assert_eq!(events[0].source, Source::Import);
    assert_eq!(events[0].session.as_ref().map(ToString::to_string), Some("s1".to_owned()));
    // Equal but for the row's number: two uses.
    assert_ne!(events[0].id, events[3].id);
    assert_eq!(import_path(&path).0, events);

    let expected = [
        ("created_at is not a string", 1),
        ("created_at is not an RFC 3339 instant from 1970 to 9999-12-30T22:00:00.999999Z", 1),
        ("tool_name is empty", 1),
        ("tool_name is too long", 1),
    ];
    assert_eq!(skipped(&summary), expected);
    assert!(summary.examples[0].ends_with(
        "history #1?.db, row 4: created_at is not an RFC 3339 instant from 1970 to 9999-12-30T22:00:00.999999Z"
    ));
    assert_eq!(summary.notes.keys().collect::<Vec<_>>(), ["project_hash is not 16 hexadecimal digits"]);
    assert_eq!(summary.files, 1);
}

#[test]
fn a_database_in_use_is_read_with_its_newest_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let connection = database(&path, "PRAGMA journal_mode = WAL;");
    connection.execute_batch("INSERT INTO tool_usage_events (tool_name) VALUES ('Bash')").unwrap();
    let before = names(folder.path());
    assert!(before.contains("live.db-wal"));
    assert_eq!(import_path(&path).0.len(), 1);
    assert_eq!(names(folder.path()), before);

    // The same as its user left it behind: nothing is mended in place.
    let left = tempfile::tempdir().unwrap();
    for name in ["live.db", "live.db-wal"] {
        std::fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
    }
    assert_eq!(import_path(&left.path().join("live.db")).0.len(), 1);
    assert_eq!(names(left.path()).len(), 2);
}

/// A database with many pages of rows, at rest, and how its user goes on.
fn many_rows(path: &Path, journal_mode: &str) -> Connection {
    drop(database(path, &format!("PRAGMA journal_mode = {journal_mode};")));
    let connection = Connection::open(path).unwrap();
    let rows = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)
        INSERT INTO tool_usage_events (tool_name, created_at) SELECT 'Committed', '2026-05-01 12:00:00' FROM n";
    connection.execute_batch(rows).unwrap();
    drop(connection);
    assert_eq!(names(path.parent().unwrap()).len(), 1);
    Connection::open(path).unwrap()
}

/// What is written as the copy is read. What is written as it is made, the tests of the copy are about.
#[test]
fn what_its_user_writes_meanwhile_is_not_mixed_in() {
    let writes = [
        // Pages of a transaction that does not fit into memory reach the file before it is committed, if it ever is.
        ("DELETE", "PRAGMA cache_size = 5; BEGIN; UPDATE tool_usage_events SET tool_name = 'Uncommitted';"),
        ("DELETE", "DELETE FROM tool_usage_events WHERE id > 100; VACUUM;"),
        ("WAL", "UPDATE tool_usage_events SET tool_name = 'Later'; PRAGMA wal_checkpoint;"),
        ("WAL", "DELETE FROM tool_usage_events WHERE id > 100; VACUUM; PRAGMA wal_checkpoint;"),
    ];
    for (journal_mode, write) in writes {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.db");
        let user = many_rows(&path, journal_mode);
        let mut seen = Vec::new();
        let mut importer = Importer::new(&SystemClock);
        let read = importer.read_path(&path, &mut |event| {
            if seen.is_empty() {
                user.execute_batch(write).unwrap();
            }
            seen.push(tool_use(event).tool.to_string());
            Ok::<_, Infallible>(())
        });
        read.unwrap();
        assert_eq!(skipped(&importer.finish()), [], "{write}");
        assert_eq!(seen.len(), 20_000, "{write}");
        assert!(seen.iter().all(|tool| tool == "Committed"), "{write}");
    }
}

/// SQLite has both the write-ahead log and the journal beside the file itself, whatever names lead to it.
#[cfg(unix)]
#[test]
fn through_a_link_a_database_is_read_as_under_its_own_name() {
    let spilled = "PRAGMA cache_size = 5; BEGIN; UPDATE tool_usage_events SET tool_name = 'Uncommitted';";
    let committed = "UPDATE tool_usage_events SET tool_name = 'New';";
    for (journal_mode, write, expected) in [("WAL", committed, "New"), ("DELETE", spilled, "Committed")] {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = folder.path().join("live.db");
        let user = many_rows(&path, journal_mode);
        user.execute_batch(write).unwrap();
        assert_eq!(names(folder.path()).len(), if journal_mode == "WAL" { 3 } else { 2 });
        let link = other.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let (events, summary) = import_path(&link);
        assert_eq!(skipped(&summary), [], "{journal_mode}");
        assert_eq!(events.len(), 20_000, "{journal_mode}");
        assert!(events.iter().all(|event| event.tool.to_string() == expected), "{journal_mode}");
        assert_eq!(names(other.path()).len(), 1);
    }
}

/// Says to a process that is to write what it shall do, and where.
#[cfg(unix)]
const WRITER: [&str; 2] = ["TOOLTALLY_TEST_WRITER", "TOOLTALLY_TEST_WRITES"];

/// Not a test but the writer of one: a process does not see its own locks. Holds still until its input ends.
#[cfg(unix)]
#[test]
fn a_writer_in_a_process_of_its_own() {
    let [Some(path), Some(writes)] = WRITER.map(std::env::var_os) else { return };
    let user = Connection::open(path).unwrap();
    user.execute_batch(writes.to_str().unwrap()).unwrap();
    println!("has written");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// A process that has written this and holds still.
#[cfg(unix)]
fn writer(path: &Path, writes: &str) -> std::process::Child {
    use std::io::BufRead as _;
    use std::process::{Command, Stdio};
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["predecessor::a_writer_in_a_process_of_its_own", "--exact", "--nocapture"]);
    command.env(WRITER[0], path).env(WRITER[1], writes);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufReader::new(process.stdout.as_mut().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("has written")));
    process
}

#[cfg(unix)]
#[test]
fn a_writer_that_leaves_no_journal_is_seen_by_its_locks() {
    let spilled = "PRAGMA cache_size = 5; BEGIN; UPDATE tool_usage_events SET tool_name = 'Uncommitted';";
    let refused = "an SQLite database amid a write that does not end: import it once its program has ended it";
    let cases = [
        (format!("PRAGMA journal_mode = MEMORY; {spilled}"), Some(refused)),
        (format!("PRAGMA journal_mode = OFF; {spilled}"), Some(refused)),
        // Undone in the copy.
        (spilled.to_owned(), None),
        // No page of it has reached the file.
        ("PRAGMA journal_mode = MEMORY; BEGIN; UPDATE tool_usage_events SET success = 0 WHERE id = 1;".into(), None),
        // Pages reach the write-ahead log alone.
        (format!("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; {spilled}"), None),
    ];
    for (writes, reason) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.db");
        drop(many_rows(&path, "DELETE"));
        let mut process = writer(&path, &writes);
        let (events, summary) = import_path(&path);
        process.kill().unwrap();
        process.wait().unwrap();
        let reasons: Vec<&str> = summary.skipped.keys().map(String::as_str).collect();
        assert_eq!(reasons, reason.into_iter().collect::<Vec<_>>(), "{writes}");
        assert_eq!(events.len(), if reason.is_some() { 0 } else { 20_000 }, "{writes}");
        assert!(events.iter().all(|event| event.tool.to_string() == "Committed"), "{writes}");
    }
}

/// What stands in its way is a journal that cannot be copied.
#[test]
fn another_programs_database_in_use_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let other = "an SQLite database without tool_usage_events";
    let copied = "an SQLite database amid a write that does not end: import it once its program has ended it";
    for (sql, expected) in [("CREATE TABLE t (x)", other), (SCHEMA, copied)] {
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let journal = b"\xD9\xD5\x05\xF9\x20\xA1\x63\xD7";
        std::fs::write(folder.path().join("live.db-journal"), journal).unwrap();
        assert_eq!(skipped(&import_path(&path).1), [(expected, 1)]);
        std::fs::remove_file(folder.path().join("live.db-journal")).unwrap();
    }
}

#[test]
fn other_databases_are_named_for_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = |name: &str, sql: &str| {
        let path = folder.path().join(name);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let (events, summary) = import_path(&path);
        assert!(events.is_empty());
        assert_eq!(summary.files, 0);
        summary.skipped.into_keys().next().unwrap()
    };
    let own = "CREATE TABLE log (x); CREATE VIEW tool_usage_events AS SELECT x AS tool_name FROM log;";
    assert_eq!(sqlite("own.db", own), "a tooltally store: name it with --db");
    assert_eq!(sqlite("other.db", "CREATE TABLE t (x)"), "an SQLite database without tool_usage_events");
    let lacking = "CREATE TABLE tool_usage_events (id INTEGER PRIMARY KEY, tool_name TEXT)";
    assert_eq!(sqlite("lacking.db", lacking), "an SQLite database whose tool_usage_events lacks columns");

    let path = folder.path().join("damaged.db");
    drop(database(&path, ROWS));
    let mut bytes = std::fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[4096..length].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let (_, summary) = import_path(&path);
    assert!(summary.skipped.keys().any(|reason| reason.starts_with("an SQLite database that")), "{summary:?}");

    std::fs::write(&path, b"SQLite format 3\0").unwrap();
    assert_eq!(import_path(&path).1.skipped.len(), 1);
    let (_, summary) = import_reader(&mut b"SQLite format 3\0rest".as_slice());
    assert_eq!(skipped(&summary), [("an SQLite database cannot be read from a stream: name its file", 1)]);
    let (_, summary) = import_reader(&mut b"redb\x1A\x0A\xA9\x0D\x0Arest".as_slice());
    assert_eq!(skipped(&summary), [("a redb database: a tooltally store is named with --db", 1)]);
}

/// A database whose pages lead to each other: the root has many children that are all one page, and so on. A few KiB
/// hold more rows than can ever be read.
fn endless(path: &Path, columns: &str) {
    const PAGE: usize = 512;
    const LEVELS: usize = 8;
    const CHILDREN: u16 = 200;
    let connection = Connection::open(path).unwrap();
    let table = format!("PRAGMA page_size = {PAGE}; CREATE TABLE tool_usage_events ({columns});");
    connection.execute_batch(&table).unwrap();
    connection
        .execute_batch("INSERT INTO tool_usage_events VALUES (1, 'Bash', NULL, NULL, 1, '2026-05-01 12:00:00')")
        .unwrap();
    drop(connection);
    let mut bytes = std::fs::read(path).unwrap();
    let leaf = bytes[PAGE..].to_vec();
    bytes.truncate(PAGE);
    assert_eq!(leaf.len(), PAGE);
    for level in 0..LEVELS {
        let child = u32::try_from(level + 3).unwrap().to_be_bytes();
        let mut page = vec![0; PAGE];
        page[0] = 5;
        page[3..5].copy_from_slice(&CHILDREN.to_be_bytes());
        page[5..7].copy_from_slice(&u16::try_from(PAGE - 5).unwrap().to_be_bytes());
        page[8..12].copy_from_slice(&child);
        for cell in 0..usize::from(CHILDREN) {
            page[12 + 2 * cell..14 + 2 * cell].copy_from_slice(&u16::try_from(PAGE - 5).unwrap().to_be_bytes());
        }
        page[PAGE - 5..PAGE - 1].copy_from_slice(&child);
        page[PAGE - 1] = 1;
        bytes.extend_from_slice(&page);
    }
    bytes.extend_from_slice(&leaf);
    bytes[28..32].copy_from_slice(&u32::try_from(LEVELS + 2).unwrap().to_be_bytes());
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_database_whose_rows_never_end_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let unsorted = "id, tool_name, session_id, project_hash, success, created_at";
    for columns in [format!("id INTEGER PRIMARY KEY{}", &unsorted[2..]), unsorted.to_owned()] {
        let path = folder.path().join("endless.db");
        endless(&path, &columns);
        let (events, summary) = import_path(&path);
        assert_eq!(skipped(&summary), [("an SQLite database that could not be read to its end", 1)]);
        assert!(events.len() < 50_000, "{}", events.len());
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_table_that_a_module_makes_up_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("module.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE VIRTUAL TABLE tool_usage_events
            USING fts5(id, tool_name, session_id, project_hash, success, created_at)",
        )
        .unwrap();
    drop(connection);
    let (events, summary) = import_path(&path);
    assert!(events.is_empty());
    assert_eq!(skipped(&summary), [("an SQLite database whose tool_usage_events is no plain table", 1)]);
}
