//! The store itself.

use std::path::{Path, PathBuf};

use tooltally::{Condition, EventId, OpenOptions, Outcome, StoreUrl, Timestamp, ToolName, ToolUse, open_with};

use super::{look, look_with};
use crate::support::{ENGINES, HISTORY, Place, payload};

/// A store of four events at rest.
fn store(place: &Place, engine: &str) -> PathBuf {
    let db = place.path(&format!("home/usage.{engine}"));
    place.import(db.to_str().unwrap(), HISTORY);
    db
}

fn change(db: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(db).unwrap();
    change(&mut bytes);
    std::fs::write(db, bytes).unwrap();
}

#[test]
fn a_missing_store_is_named_and_not_made() {
    for engine in ENGINES {
        let place = Place::new();
        let named = place.path(&format!("home/none/usage.{engine}"));
        let seen = look(&place, &["--db", named.to_str().unwrap()]);
        seen.assert("store-missing", "warning", Some(&named), "import");
        assert_eq!(seen.report["store"]["exists"], false);
        assert_eq!(seen.report["store"]["events"], serde_json::Value::Null);
        assert_eq!(seen.report["store"]["named_by"], "--db");
    }
    // Nobody named the default: it comes with the first call.
    let place = Place::new();
    let seen = look(&place, &[]);
    seen.assert("store-missing", "note", Some(&place.path("home/data/tooltally/usage.db")), "tooltally import");
    assert_eq!(seen.report["store"]["named_by"], "default");
}

#[test]
fn an_address_that_is_none_is_told_where_it_comes_from() {
    let place = Place::new();
    let mut command = place.command(&["--json", "doctor"]);
    let seen = look_with(&place, command.env("TOOLTALLY_DB", "sqlite:"));
    seen.assert("store-address-invalid", "error", None, "TOOLTALLY_DB");
    assert_eq!(seen.report["store"], serde_json::Value::Null);
    place.run(&["--db", "sqlite:", "doctor"]).failed(2);
    let mut command = place.command(&["--json", "doctor"]);
    let seen = look_with(&place, command.env("TOOLTALLY_DB", "there.redb"));
    assert_eq!(seen.report["store"]["named_by"], "TOOLTALLY_DB");
    assert_eq!(seen.report["store"]["url"], "redb:there.redb");
}

/// What a scan has recorded is in the log too, and no call.
#[test]
fn a_store_with_registry_events_is_sound() {
    for engine in ENGINES {
        let place = Place::new();
        let db = store(&place, engine);
        let settings = serde_json::json!({"mcpServers": {"github": {"command": "github-mcp"}}});
        std::fs::write(place.path("home/.claude.json"), settings.to_string()).unwrap();
        place.run(&["--db", db.to_str().unwrap(), "scan"]).done();
        let seen = look(&place, &["--db", db.to_str().unwrap()]);
        seen.find("store-opens");
        assert_eq!(seen.report["store"]["events"], 5);
    }
}

#[test]
fn an_open_store_tells_its_events_and_the_latest() {
    for engine in ENGINES {
        let place = Place::new();
        let db = store(&place, engine);
        let seen = look(&place, &["--db", db.to_str().unwrap()]);
        seen.find("store-opens");
        assert_eq!(seen.report["store"]["events"], 4);
        assert_eq!(seen.report["store"]["last"], "2026-03-03T00:00:00Z");
        assert_eq!(seen.report["store"]["bytes"], std::fs::metadata(&db).unwrap().len());
        // A hook leaves a write-ahead log, and doctor leaves it too.
        place.run_with(&["--db", db.to_str().unwrap(), "hook"], payload("1")).done();
        assert_eq!(look(&place, &["--db", db.to_str().unwrap()]).report["store"]["events"], 5);
        place.run(&["--db", db.to_str().unwrap(), "verify"]).done();
    }
}

#[test]
fn a_long_write_ahead_log_stays_where_it_is() {
    let place = Place::new();
    let db = store(&place, "db");
    let copies = place.path("home/killed.db");
    let url: StoreUrl = db.to_str().unwrap().parse().unwrap();
    // As a killed writer leaves it: copied while it is open.
    let held = open_with(&url, &OpenOptions::new()).unwrap();
    let lines = HISTORY.lines().next().unwrap();
    let more = (0..2000).fold(String::new(), |text, n| text + &lines.replace("12.345", &format!("{n}.5")) + "\n");
    place.import(db.to_str().unwrap(), &more);
    for suffix in ["", "-wal", "-shm"] {
        std::fs::copy(format!("{}{suffix}", db.display()), format!("{}{suffix}", copies.display())).unwrap();
    }
    drop(held);
    assert!(std::fs::metadata(format!("{}-wal", copies.display())).unwrap().len() > 128 << 10);
    assert_eq!(look(&place, &["--db", copies.to_str().unwrap()]).report["store"]["events"], 2004);
}

#[test]
fn what_has_no_events_yet_is_a_note() {
    for engine in ENGINES {
        let place = Place::new();
        let db = place.path(&format!("home/usage.{engine}"));
        place.import(db.to_str().unwrap(), "");
        look(&place, &["--db", db.to_str().unwrap()]).assert("store-without-events", "note", Some(&db), "import");
        std::fs::write(&db, "").unwrap();
        look(&place, &["--db", db.to_str().unwrap()]).assert("store-empty", "note", Some(&db), "backup");
    }
}

#[test]
fn what_a_writer_left_unfinished_is_left_to_the_next_writer() {
    let place = Place::new();
    let db = store(&place, "db");
    std::fs::write(place.path("home/usage.db-journal"), "begun").unwrap();
    look(&place, &["--db", db.to_str().unwrap()]).assert("store-unfinished", "note", Some(&db), "stats");
    // The flags of a redb file that an exclusive writer was killed at.
    let db = store(&place, "redb");
    change(&db, |bytes| bytes[9] = (bytes[9] | 2) & !4);
    look(&place, &["--db", db.to_str().unwrap()]).assert("store-unfinished", "note", Some(&db), "stats");
}

#[test]
fn what_is_no_store_is_told_as_such() {
    for engine in ENGINES {
        let place = Place::new();
        let path = |name: &str| place.path(&format!("home/{name}.{engine}"));
        std::fs::write(path("text"), "no store at all\n".repeat(100)).unwrap();
        std::fs::create_dir(path("folder")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("nowhere", path("link")).unwrap();
        for name in ["text", "folder", "link"] {
            if path(name).symlink_metadata().is_ok() {
                let seen = look(&place, &["--db", path(name).to_str().unwrap()]);
                seen.assert("store-not-a-store", "error", Some(&path(name)), "another path");
            }
        }
    }
}

#[test]
fn another_format_is_told() {
    let place = Place::new();
    let db = store(&place, "db");
    // SQLite's `user_version`, big-endian.
    change(&db, |bytes| bytes[63] = 99);
    look(&place, &["--db", db.to_str().unwrap()]).assert(
        "store-newer-format",
        "error",
        Some(&db),
        "update this program",
    );
    change(&db, |bytes| bytes[63] = 0);
    // There is no format before the first.
    look(&place, &["--db", db.to_str().unwrap()]).assert("store-damaged", "error", Some(&db), "verify");
}

#[test]
fn damage_is_told_with_the_way_to_its_place() {
    for engine in ENGINES {
        let place = Place::new();
        let db = store(&place, engine);
        change(&db, |bytes| bytes[4096..].fill(0xa5));
        look(&place, &["--db", db.to_str().unwrap()]).assert("store-damaged", "error", Some(&db), "verify");
    }
}

#[test]
fn the_whole_proof_is_made_where_it_is_wanted() {
    for engine in ENGINES {
        let place = Place::new();
        let db = store(&place, engine);
        let verify = |db: &Path| {
            let mut command = place.command(&["--json", "--db", db.to_str().unwrap(), "doctor", "--verify"]);
            look_with(&place, &mut command)
        };
        verify(&db).find("store-proven");
    }
    // What no question reads is found by the proof alone.
    let place = Place::new();
    let db = place.path("home/usage.db");
    let line = HISTORY.lines().next().unwrap();
    let many = (0..600).fold(String::new(), |text, n| text + &line.replace("12.345", &format!("{n}.5")) + "\n");
    place.import(db.to_str().unwrap(), &many);
    rusqlite::Connection::open(&db).unwrap().execute_batch("DELETE FROM id_runs").unwrap();
    look(&place, &["--db", db.to_str().unwrap()]).find("store-opens");
    let mut command = place.command(&["--json", "--db", db.to_str().unwrap(), "doctor", "--verify"]);
    look_with(&place, &mut command).assert("store-damaged", "error", Some(&db), "rebuild");
}

#[test]
fn a_store_that_another_program_holds_is_busy() {
    let place = Place::new();
    let db = store(&place, "db");
    let holder = rusqlite::Connection::open(&db).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let seen = look(&place, &["--db", db.to_str().unwrap()]);
    seen.assert("store-busy", "warning", Some(&db), "fuser");
    assert_eq!(seen.report["store"]["events"], 4, "it can be read all the same");
    drop(holder);
    let db = store(&place, "redb");
    let url: StoreUrl = db.to_str().unwrap().parse().unwrap();
    let _holder = open_with(&url, &OpenOptions::new().exclusive(true)).unwrap();
    let seen = look_busy(&place, &db);
    seen.assert("store-busy", "warning", Some(&db), "fuser");
}

/// What a writer has on the disk before it is through looks as if it had been killed.
#[test]
fn a_store_that_is_being_written_is_busy_and_not_unfinished() {
    let place = Place::new();
    let db = store(&place, "db");
    let writer = rusqlite::Connection::open(&db).unwrap();
    // As while a store is made: later it has a write-ahead log.
    let begin = "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 5; BEGIN EXCLUSIVE; CREATE TABLE more (x);
        INSERT INTO more SELECT zeroblob(100000)";
    writer.execute_batch(begin).unwrap();
    assert!(place.path("home/usage.db-journal").exists());
    look_busy(&place, &db).assert("store-busy", "warning", Some(&db), "fuser");
    assert!(place.path("home/usage.db-journal").exists());
    drop(writer);
    // Elsewhere redb takes locks of another kind.
    if cfg!(not(target_os = "linux")) {
        return;
    }
    let db = store(&place, "redb");
    let url: StoreUrl = db.to_str().unwrap().parse().unwrap();
    let writer = open_with(&url, &OpenOptions::new().exclusive(true)).unwrap();
    let tool = ToolName::new("Bash").unwrap();
    let call = ToolUse::new(EventId::derived(&["1"]), tool, Outcome::Success, Timestamp::MIN);
    writer.append(&[call.into()], Condition::None).unwrap();
    assert_eq!(std::fs::read(&db).unwrap()[9] & 6, 2, "as a killed writer leaves it");
    look(&place, &["--db", db.to_str().unwrap()]).assert("store-busy", "warning", Some(&db), "fuser");
}

/// As [`look`]; whoever holds the file may write to it meanwhile, and loses its locks where this process reads it.
fn look_busy(place: &Place, db: &Path) -> super::Seen {
    super::Seen::of(&place.run(&["--json", "--db", db.to_str().unwrap(), "doctor"]))
}
