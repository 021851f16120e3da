//! Links that somebody planted where the program writes.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{ENGINES, HISTORY, Place, answer, payload};

const KEPT: &str = "the victim's own text\n";

/// A place with a store in a folder that others write to, a victim's file, and a victim's folder.
fn shared(engine: &str) -> (Place, PathBuf, PathBuf, PathBuf) {
    let place = Place::new();
    let db = place.path(&format!("shared/usage.{engine}"));
    place.import(db.to_str().unwrap(), HISTORY.lines().next().unwrap());
    let (victim, folder) = (place.path("victim"), place.path("victims"));
    std::fs::write(&victim, KEPT).unwrap();
    std::fs::create_dir(&folder).unwrap();
    (place, db, victim, folder)
}

fn beside(db: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", db.display()))
}

#[track_caller]
fn assert_untouched(victim: &Path, folder: &Path) {
    assert_eq!(std::fs::read_to_string(victim).unwrap(), KEPT);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    assert!(!victim.with_file_name("made").exists());
}

/// A store that takes nothing: a hook spools and logs.
fn close(db: &Path) {
    std::fs::remove_file(db).unwrap();
    std::fs::create_dir(db).unwrap();
}

#[test]
fn the_spool_and_the_log_are_not_written_through_links() {
    for engine in ENGINES {
        let (place, db, victim, folder) = shared(engine);
        close(&db);
        for log in [victim.clone(), victim.with_file_name("made"), PathBuf::from("/dev/full")] {
            symlink(&log, beside(&db, ".hook.log")).unwrap();
            symlink(&folder, beside(&db, ".spool")).unwrap();
            let told = place.run_with(&["--db", db.to_str().unwrap(), "hook"], payload("1")).done();
            assert!(told.stderr.contains("the call waits in"), "{}", told.stderr);
            assert_untouched(&victim, &folder);
            for suffix in [".hook.log", ".spool"] {
                std::fs::remove_file(beside(&db, suffix)).unwrap();
            }
        }
        // A second name of the victim's file, and a pipe that nobody reads.
        std::fs::hard_link(&victim, beside(&db, ".hook.log")).unwrap();
        place.run_with(&["--db", db.to_str().unwrap(), "hook"], payload("2")).done();
        assert_untouched(&victim, &folder);
        std::fs::remove_file(beside(&db, ".hook.log")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(beside(&db, ".hook.log")).status().unwrap().success());
        place.run_with(&["--db", db.to_str().unwrap(), "hook"], payload("3")).done();
        std::fs::remove_dir(&db).unwrap();
        place.import(db.to_str().unwrap(), "");
        assert_eq!(place.uses(db.to_str().unwrap()), 3, "each of them waited, {engine}");
    }
}

#[test]
fn events_that_somebody_planted_are_not_taken_in() {
    let (place, db, _, folder) = shared("db");
    std::fs::write(
        folder.join("0-planted.jsonl"),
        "{\"v\":1,\"tool\":\"Planted\",\"outcome\":\"success\",\"time\":\"2026-03-01T10:00:00Z\"}\n",
    )
    .unwrap();
    symlink(&folder, beside(&db, ".spool")).unwrap();
    place.import(db.to_str().unwrap(), "");
    assert_eq!(place.uses(db.to_str().unwrap()), 1);
    assert!(folder.join("0-planted.jsonl").exists());
}

/// SQLite itself does not open its journals through links; the call waits.
#[test]
fn the_stores_journals_are_not_written_through_links() {
    for suffix in ["-wal", "-shm", "-journal"] {
        let (place, db, victim, folder) = shared("db");
        assert_eq!(place.uses(db.to_str().unwrap()), 1);
        symlink(&victim, beside(&db, suffix)).unwrap();
        place.run_with(&["--db", db.to_str().unwrap(), "hook"], payload("1")).done();
        assert_untouched(&victim, &folder);
        let _ = std::fs::remove_file(beside(&db, suffix));
        place.import(db.to_str().unwrap(), "");
        assert_eq!(place.uses(db.to_str().unwrap()), 2, "{suffix}");
        place.run(&["--db", db.to_str().unwrap(), "verify"]).done();
    }
}

#[test]
fn a_store_that_its_owner_put_behind_a_link_works() {
    for engine in ENGINES {
        let (place, db, ..) = shared(engine);
        let link = place.path(&format!("home/linked.{engine}"));
        symlink(&db, &link).unwrap();
        place.record(link.to_str().unwrap(), payload("1"));
        assert_eq!(place.uses(db.to_str().unwrap()), 2, "{engine}");
    }
}

/// Whichever name a store is called by, what belongs to it stands beside the file: a link's own folder has nothing of it.
#[test]
fn a_store_behind_a_link_has_one_spool_one_journal_and_one_salvage() {
    for engine in ENGINES {
        let (place, db, ..) = shared(engine);
        std::fs::create_dir(place.path("home/links")).unwrap();
        let link = place.path(&format!("home/links/linked.{engine}"));
        symlink(&db, &link).unwrap();
        // A hook leaves SQLite's write-ahead log, with its event in it.
        place.run_with(&["--db", db.to_str().unwrap(), "hook"], payload("1")).done();
        let files = || (std::fs::read(&db).unwrap(), std::fs::read(beside(&db, "-wal")).unwrap_or_default());
        let before = files();
        let linked = |arguments: &[&str]| place.run(&[&["--db", link.to_str().unwrap()], arguments].concat());
        assert!(linked(&["doctor"]).done().stdout.contains("2 events"), "{engine}");
        let salvaged = linked(&["events", "--salvage"]).done().stdout;
        assert_eq!(salvaged.lines().count(), 2, "{engine}: {salvaged}");
        assert!(files() == before, "{engine}: looking has changed the store");
        assert_eq!(std::fs::read_dir(place.path("home/links")).unwrap().count(), 1, "{engine}");
    }
}

#[test]
fn settings_are_written_through_the_owners_link_and_through_no_other() {
    let place = Place::new();
    let victim = place.path("victim");
    std::fs::write(&victim, KEPT).unwrap();
    // Dotfiles: the file and its folder are links.
    let (real, folder) = (place.path("dotfiles/claude.json"), place.path("home/.claude"));
    std::fs::create_dir_all(real.parent().unwrap()).unwrap();
    std::fs::write(&real, "{}\n").unwrap();
    std::fs::create_dir(&folder).unwrap();
    symlink(&real, folder.join("settings.json")).unwrap();
    // The temporary file's name has the process in it, which a shell knows before the program runs.
    let command = place.command(&["install", "claude-code"]);
    let script = "ln -s \"$VICTIM\" \"$REAL.tooltally-$$.tmp\"; exec \"$0\" \"$@\"";
    let mut shell = crate::support::in_shell(&command, script);
    shell.env("VICTIM", &victim).env("REAL", &real);
    answer(shell.spawn().unwrap());
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), KEPT);
    place.run(&["install", "claude-code"]).done();
    assert!(std::fs::symlink_metadata(folder.join("settings.json")).unwrap().is_symlink());
    assert!(std::fs::read_to_string(&real).unwrap().contains("PostToolUse"));
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), KEPT);
}
