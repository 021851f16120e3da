//! What waits, what keeps it from being taken in, and what hooks said.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::look;
use crate::support::{ENGINES, HISTORY, Place, files_below, payload};

/// A store that takes nothing, since a folder stands in its place: hooks put calls beside it.
fn closed(place: &Place, engine: &str) -> (PathBuf, PathBuf) {
    let db = place.path(&format!("home/kept/usage.{engine}"));
    std::fs::create_dir_all(&db).unwrap();
    let spool = PathBuf::from(format!("{}.spool", db.display()));
    (db, spool)
}

fn hook(place: &Place, db: &Path, call: &str) {
    place.run_with(&["--db", db.to_str().unwrap(), "hook"], payload(call)).done();
}

/// A store, and a spool beside it that holds nothing yet.
fn open(place: &Place) -> (PathBuf, PathBuf) {
    let db = place.path("home/kept/usage.db");
    place.import(db.to_str().unwrap(), HISTORY);
    let spool = place.path("home/kept/usage.db.spool");
    std::fs::create_dir(&spool).unwrap();
    #[cfg(unix)]
    crate::support::set_mode(&spool, 0o700);
    (db, spool)
}

/// A file that nobody wrote to for a while.
fn old(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    let time = SystemTime::now() - Duration::from_hours(1);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn calls_that_wait_are_counted_in_each_of_their_places() {
    for engine in ENGINES {
        let place = Place::new();
        let (db, spool) = closed(&place, engine);
        let spool_is_empty = |seen: &super::Seen| !seen.troubles().iter().any(|code| code.starts_with("spool"));
        assert!(spool_is_empty(&look(&place, &["--db", db.to_str().unwrap()])));
        hook(&place, &db, "1");
        hook(&place, &db, "2");
        let seen = look(&place, &["--db", db.to_str().unwrap()]);
        seen.assert("spool-waiting", "warning", Some(&spool), "import - < /dev/null");
        assert!(seen.find("spool-waiting")["message"].as_str().unwrap().starts_with("2 calls wait here"));
        // Nothing can be written beside a store whose folder cannot be made: the data folder.
        std::fs::write(place.path("home/blocked"), "").unwrap();
        let db = place.path(&format!("home/blocked/usage.{engine}"));
        hook(&place, &db, "3");
        let waiting = files_below(&place.path("home/data/tooltally/spool"));
        look(&place, &["--db", db.to_str().unwrap()]).assert("spool-waiting", "warning", waiting[0].parent(), "import");
        // Nor there: the folder for temporary files.
        std::fs::remove_dir_all(place.path("home/data")).unwrap();
        std::fs::write(place.path("home/data"), "").unwrap();
        hook(&place, &db, "4");
        let waiting = files_below(&place.path("home/tmp"));
        look(&place, &["--db", db.to_str().unwrap()]).assert("spool-waiting", "warning", waiting[0].parent(), "import");
    }
}

#[test]
fn the_command_that_is_told_takes_in_what_waits() {
    let place = Place::new();
    let (db, spool) = closed(&place, "db");
    hook(&place, &db, "1");
    std::fs::remove_dir(&db).unwrap();
    let seen = look(&place, &["--db", db.to_str().unwrap()]);
    let command = seen.find("spool-waiting")["command"].as_str().unwrap().to_owned();
    let arguments: Vec<&str> = command.strip_prefix("tooltally ").unwrap().split(' ').collect();
    let (arguments, redirection) = arguments.split_at(arguments.len() - 2);
    assert_eq!(redirection, ["<", "/dev/null"]);
    place.run(arguments).done();
    assert!(!spool.exists());
    assert_eq!(place.uses(db.to_str().unwrap()), 1);
}

#[test]
fn entries_that_are_no_waiting_call_are_told_apart() {
    let place = Place::new();
    let (db, spool) = open(&place);
    look(&place, &["--db", db.to_str().unwrap()]).find("spool-empty");
    let line = HISTORY.lines().next().unwrap();
    old(&spool.join("0-torn.jsonl"), &line[..40]);
    std::fs::write(spool.join("0-wrong.jsonl"), "{\"v\":1}\n").unwrap();
    std::fs::write(spool.join("0-beginning.jsonl"), &line[..40]).unwrap();
    std::fs::write(spool.join("0-newer.jsonl"), line.replacen("\"v\":1", "\"v\":2", 1) + "\n").unwrap();
    std::fs::write(spool.join("0-bad.jsonl.unreadable"), "x").unwrap();
    old(&spool.join("0-left.part"), "x");
    std::fs::write(spool.join("0-now.part"), "x").unwrap();
    std::fs::write(spool.join("notes.txt"), "mine").unwrap();
    std::fs::create_dir(spool.join("folder")).unwrap();
    let seen = look(&place, &["--db", db.to_str().unwrap()]);
    for (code, level, names, remedy) in [
        ("spool-broken", "warning", "2 (0-torn.jsonl, 0-wrong.jsonl)", "aside"),
        ("spool-newer", "warning", "1 (0-newer.jsonl)", "update this program"),
        ("spool-set-aside", "warning", "1 (0-bad.jsonl.unreadable)", "import"),
        ("spool-left-over", "note", "1 (0-left.part)", "nothing need be done"),
        ("spool-foreign", "note", "2 (folder, notes.txt)", "move them away"),
    ] {
        seen.assert(code, level, Some(&spool), remedy);
        let message = seen.find(code)["message"].as_str().unwrap();
        assert!(message.ends_with(names), "{message}");
    }
    assert!(!seen.troubles().contains(&"spool-waiting"), "what is just being written does not wait yet");
}

#[cfg(unix)]
#[test]
fn spools_that_hooks_do_not_use_are_named() {
    use crate::support::set_mode;
    let place = Place::new();
    let (db, spool) = open(&place);
    std::os::unix::fs::symlink("/nowhere", spool.join("0-link.jsonl")).unwrap();
    let seen = look(&place, &["--db", db.to_str().unwrap()]);
    seen.assert("spool-entry-not-readable", "warning", Some(&spool), "ls -l");
    set_mode(&spool, 0o755);
    let seen = look(&place, &["--db", db.to_str().unwrap()]);
    seen.assert("spool-open-to-others", "warning", Some(&spool), "chmod 700");
    set_mode(&spool, 0o000);
    let mut command = place.command(&["--json", "--db", db.to_str().unwrap(), "doctor"]);
    super::bound(&place, &mut command);
    super::look_with(&place, &mut command).assert("spool-not-readable", "error", Some(&spool), "chmod 700");
    let stats = |place: &Place| {
        let mut command = place.command(&["--json", "--db", db.to_str().unwrap(), "stats"]);
        super::bound(place, &mut command);
        crate::support::answer(command.spawn().unwrap()).json()
    };
    assert_eq!(stats(&place)["spool"], serde_json::json!({"waiting": null}), "what was not measured");
    std::fs::rename(&spool, place.path("home/moved")).unwrap();
    std::os::unix::fs::symlink(place.path("home/moved"), &spool).unwrap();
    let seen = look(&place, &["--db", db.to_str().unwrap()]);
    seen.assert("spool-not-yours", "warning", Some(&spool), "ls -ld");
}

#[test]
fn what_hooks_said_is_told_until_calls_are_recorded_again() {
    let place = Place::new();
    let (db, _) = closed(&place, "db");
    hook(&place, &db, "1");
    let log = place.path("home/kept/usage.db.hook.log");
    let seen = look(&place, &["--db", db.to_str().unwrap()]);
    seen.assert("hook-troubles", "warning", Some(&log), "tail");
    let message = seen.find("hook-troubles")["message"].as_str().unwrap();
    assert!(message.contains("1 trouble") && message.contains("cannot open sqlite:"), "{message}");
    std::fs::remove_dir(&db).unwrap();
    place.make(db.to_str().unwrap());
    hook(&place, &db, "2");
    look(&place, &["--db", db.to_str().unwrap()]).assert("hook-troubles-over", "note", Some(&log), "remove the log");
    std::fs::remove_file(&log).unwrap();
    look(&place, &["--db", db.to_str().unwrap()]).find("log-empty");
    std::fs::create_dir(&log).unwrap();
    look(&place, &["--db", db.to_str().unwrap()]).assert("log-not-usable", "warning", Some(&log), "remove it");
}

#[test]
fn stats_say_in_json_how_many_calls_wait() {
    for engine in ENGINES {
        let place = Place::new();
        let (db, _) = closed(&place, engine);
        hook(&place, &db, "1");
        hook(&place, &db, "2");
        std::fs::remove_dir(&db).unwrap();
        let name = db.to_str().unwrap();
        let told = place.run(&["--db", name, "--json", "stats"]).done();
        assert!(told.stderr.contains("2 events wait"), "{}", told.stderr);
        assert_eq!(told.json()["spool"], serde_json::json!({"waiting": 2}), "{engine}");
        place.import(name, "");
        assert_eq!(place.stats(name, &[])["spool"], serde_json::json!({"waiting": 0}), "{engine}");
    }
}
