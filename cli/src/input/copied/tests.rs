use super::*;

/// A database in this journal mode, with a value in it, as its user has it open.
fn database(path: &Path, journal_mode: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(&format!("PRAGMA journal_mode = {journal_mode}; CREATE TABLE t (x);")).unwrap();
    connection.execute_batch("INSERT INTO t VALUES (0)").unwrap();
    connection
}

/// What a copy holds of the table.
fn values(copy: &Path) -> Vec<i64> {
    let connection = Connection::open(copy).unwrap();
    let mut rows = connection.prepare("SELECT x FROM t ORDER BY rowid").unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Copies a database, and has its user do something before the copy is looked at.
fn copied_beside(journal_mode: &str, user: impl FnOnce(&Connection)) -> (bool, Vec<i64>) {
    let place = tempfile::tempdir().unwrap();
    let (path, copy) = (place.path().join("live.db"), place.path().join("copy.db"));
    let connection = database(&path, journal_mode);
    let begun = Try::copy(&path, &copy).unwrap();
    user(&connection);
    let is_sound = begun.is_sound().unwrap();
    (is_sound, if is_sound { values(&copy) } else { Vec::new() })
}

#[test]
fn a_copy_that_something_was_written_beside_is_not_trusted() {
    let write = "INSERT INTO t VALUES (1)";
    for journal_mode in ["DELETE", "TRUNCATE", "PERSIST", "MEMORY", "WAL"] {
        assert_eq!(copied_beside(journal_mode, |_| ()), (true, vec![0]), "{journal_mode}");
        let written = copied_beside(journal_mode, |user| user.execute_batch(write).unwrap());
        // Only a write-ahead log grows without a change of what was there.
        let expected = if journal_mode == "WAL" { (true, vec![0]) } else { (false, vec![]) };
        assert_eq!(written, expected, "{journal_mode}");
    }
    for carried in ["PRAGMA wal_checkpoint", "PRAGMA journal_mode = DELETE"] {
        let carry = |user: &Connection| user.execute_batch(&format!("{write}; {carried}; {write}")).unwrap();
        assert_eq!(copied_beside("WAL", carry), (false, vec![]), "{carried}");
    }
}

/// The first file may have been copied before a change, the next while it lasted.
#[test]
fn a_copy_is_not_trusted_where_the_same_was_written_back() {
    let place = tempfile::tempdir().unwrap();
    let (path, copy) = (place.path().join("live.db"), place.path().join("copy.db"));
    drop(database(&path, "DELETE"));
    let before = fs::read(&path).unwrap();
    let begun = Try::copy(&path, &copy).unwrap();
    fs::write(&path, b"another").unwrap();
    fs::write(&path, &before).unwrap();
    assert!(!begun.is_sound().unwrap());
    // A file of the same content in its place.
    let begun = Try::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    fs::write(&copy, &before).unwrap();
    assert!(!begun.is_sound().unwrap());
    assert!(Try::copy(&path, &copy).unwrap().is_sound().unwrap());
}

#[test]
fn a_database_that_is_written_is_copied_anew_but_not_for_ever() {
    let place = tempfile::tempdir().unwrap();
    let (path, copy) = (place.path().join("live.db"), place.path().join("copy.db"));
    let user = database(&path, "DELETE");
    for (writes, expected) in [(2, true), (usize::MAX, false)] {
        let mut written = 0;
        let is_sound = until_sound(&mut || {
            let begun = Try::copy(&path, &copy)?;
            if written < writes {
                written += 1;
                user.execute_batch("INSERT INTO t SELECT count(*) FROM t").unwrap();
            }
            begun.is_sound()
        });
        assert_eq!(is_sound.unwrap(), expected);
        assert_eq!(written, writes.min(TRIES));
        if expected {
            assert_eq!(values(&copy), [0, 1, 2]);
        }
    }
}

#[test]
fn a_name_is_found_wherever_it_stands_in_a_database() {
    for (before, encoding) in [("", "UTF-8"), ("PRAGMA journal_mode = WAL;", "UTF-16le"), ("", "UTF-16be")] {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("live.db");
        let user = Connection::open(&path).unwrap();
        let filler = "CREATE TABLE filler AS SELECT randomblob(1000000)";
        user.execute_batch(&format!("PRAGMA encoding = '{encoding}'; {filler}; {before} CREATE TABLE wanted (x);"))
            .unwrap();
        assert!(may_name(&path, "wanted").unwrap(), "{encoding}");
        assert!(!may_name(&path, "unwanted").unwrap(), "{encoding}");
    }
}

#[test]
fn a_text_is_found_across_pieces() {
    for at in AT_ONCE - 20..AT_ONCE + 20 {
        for text in [&b"wanted"[..], b"w\0a\0n\0t\0e\0d"] {
            let file = [&vec![b'w'; at], text, &vec![0; AT_ONCE]].concat();
            assert!(holds(&mut file.as_slice(), "wanted").unwrap(), "{at}");
        }
    }
}

#[test]
fn a_part_that_is_gone_for_a_moment_is_waited_for() {
    let place = tempfile::tempdir().unwrap();
    let (path, copy) = (place.path().join("live.db"), place.path().join("copy.db"));
    let mut tries = 0;
    let is_sound = until_sound(&mut || {
        tries += 1;
        if tries == 3 {
            drop(database(&path, "DELETE"));
        }
        Try::copy(&path, &copy)?.is_sound()
    });
    assert!(is_sound.unwrap());
    fs::remove_file(&path).unwrap();
    let is_sound = until_sound(&mut || Try::copy(&path, &copy)?.is_sound());
    assert_eq!(is_sound.unwrap_err().kind(), io::ErrorKind::NotFound);
}

/// SQLite would look for that one beside the original, and find it there or not.
#[test]
fn a_journal_that_names_another_is_not_played_back() {
    let place = tempfile::tempdir().unwrap();
    let (path, copy) = (place.path().join("live.db"), place.path().join("copy.db"));
    drop(database(&path, "DELETE"));
    let others = [&JOURNAL_MAGIC[..], &[0; 504], b"/a/super-journal", &[0; 8], &JOURNAL_MAGIC].concat();
    let at_rest = [&[0; 512][..], &others[512..]].concat();
    for (journal, expected) in [(&others[..], false), (&others[..512], true), (&at_rest, true)] {
        fs::write(beside(&path, "-journal"), journal).unwrap();
        assert_eq!(Try::copy(&path, &copy).unwrap().is_sound().unwrap(), expected);
    }
}

#[test]
fn what_its_user_has_not_committed_is_not_in_a_copy() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("live.db");
    let user = database(&path, "DELETE");
    let rows = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 9999) SELECT n FROM n";
    user.execute_batch(&format!("PRAGMA cache_size = 5; BEGIN; INSERT INTO t {rows};")).unwrap();
    assert!(is_in_use(&path));
    assert!(fs::metadata(&path).unwrap().len() > 50_000);
    let copied = Copied::of(&path).unwrap();
    let rows = copied.connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(rows, 1);
    user.execute_batch("COMMIT").unwrap();
}
