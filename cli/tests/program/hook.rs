//! The hook: records whatever happens, never in the agent's way, and loses nothing.

use std::path::Path;

use crate::support::{Answer, ENGINES, Place, answer, payload};
use tooltally::{OpenOptions, Store, StoreUrl, open_with};

/// Keeps every other writer out of a store until it is dropped.
pub(crate) enum Holder {
    Sqlite { _connection: rusqlite::Connection },
    Redb { _store: Box<dyn Store> },
}

impl Holder {
    pub(crate) fn of(path: &Path) -> Self {
        if path.extension().is_some_and(|end| end == "redb") {
            let url: StoreUrl = path.to_str().unwrap().parse().unwrap();
            return Self::Redb { _store: open_with(&url, &OpenOptions::new().exclusive(true)).unwrap() };
        }
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self::Sqlite { _connection: connection }
    }
}

#[test]
fn a_call_is_recorded_in_silence() {
    for engine in ENGINES {
        let place = Place::new();
        let db = format!("deep/usage.{engine}");
        place.record(&db, payload("1"));
        let again = place.run_with(&["hook", "--db", &db], payload("1")).done();
        assert_eq!((again.stdout, again.stderr), (String::new(), String::new()));
        let stats = place.stats(&db, &[]);
        assert_eq!(stats["events"], 1);
        assert_eq!(stats["rows"][0]["duration_ms"]["max"], 12.5);
        let bytes = std::fs::read(place.path("home/work").join(&db)).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"secret"), "nothing of input or output is stored");
    }
}

/// On a disk that lets it: where one hook comes too late for its deadline, the next one has another try.
#[test]
fn a_hook_makes_the_store_itself_in_its_time() {
    for engine in ENGINES {
        let place = Place::new();
        let makes = |n: u32| {
            let db = format!("{n}/usage.{engine}");
            let told = place.run_with(&["--db", &db, "hook"], payload("1")).done();
            !told.came_too_late() && place.uses(&db) == 1
        };
        assert!((0..20).any(makes), "{engine}");
    }
}

#[test]
fn the_default_store_is_in_the_data_folder_for_its_owner_alone() {
    let place = Place::new();
    let db = place.path("home/data/tooltally/usage.db");
    if place.run_with(&["hook"], payload("1")).done().came_too_late() {
        place.make(db.to_str().unwrap());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&db), mode(db.parent().unwrap())), (0o600, 0o700));
    }
    assert_eq!(place.uses(db.to_str().unwrap()), 1);
}

#[test]
fn wrong_input_and_wrong_arguments_exit_with_0_and_keep_stdout_clean() {
    let place = Place::new();
    let nested = "[".repeat(100_000);
    let long = payload("1").replace("Bash", &"x".repeat(1 << 20));
    let inputs: [&[u8]; 8] =
        [b"", b"\0\xff\xfe", b"[]", b"null", b"{\"hook_event_name\":", nested.as_bytes(), long.as_bytes(), b"{}"];
    for input in inputs {
        let answer = place.run_with(&["hook"], input).done();
        assert_eq!(answer.stdout, "");
        assert!(!answer.stderr.contains("panicked"), "{}", answer.stderr);
    }
    assert!(!place.path("home/data/tooltally/usage.db").exists());
    for arguments in
        [&["hook", "--nonsense"][..], &["--nonsense", "hook"], &["hook", "more"], &["--db", "sqlite:", "hook"]]
    {
        let answer = place.run_with(arguments, payload("1")).done();
        assert_eq!(answer.stdout, "", "{arguments:?}");
        assert!(answer.stderr.contains("error"), "{arguments:?}: {}", answer.stderr);
    }
    // The call is there all the same: always this one.
    let db = place.path("home/data/tooltally/usage.db");
    place.make(db.to_str().unwrap());
    assert_eq!(place.uses(db.to_str().unwrap()), 1);
}

#[test]
fn events_without_a_finished_call_are_accepted_quietly() {
    let place = Place::new();
    for event in ["PreToolUse", "SessionEnd", "SomethingNew"] {
        let input = payload("1").replace("PostToolUse", event);
        let answer = place.run_with(&["hook"], input).done();
        assert_eq!((answer.stdout, answer.stderr), (String::new(), String::new()), "{event}");
    }
}

#[test]
fn what_a_busy_store_does_not_take_waits_and_is_taken_in_once() {
    for engine in ENGINES {
        let place = Place::new();
        let db = place.path(&format!("usage.{engine}"));
        let name = db.to_str().unwrap();
        place.record(name, payload("0"));
        let holder = Holder::of(&db);
        let hooks: Vec<_> =
            (1..=4).map(|call| place.start_with(&["--db", name, "hook"], payload(&call.to_string()))).collect();
        for hook in hooks {
            let answer = answer(hook).done();
            assert!(answer.stdout.is_empty() && answer.came_too_late(), "{}", answer.stderr);
        }
        let spool = std::path::PathBuf::from(format!("{name}.spool"));
        assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 4);
        drop(holder);

        let told = place.run(&["--db", name, "stats"]).done();
        assert!(told.stderr.contains("4 events wait"), "{}", told.stderr);
        // Two at once: one event new to each, and each takes the spool in.
        let more: Vec<_> =
            (5..=6).map(|call| place.start_with(&["--db", name, "hook"], payload(&call.to_string()))).collect();
        let told: Vec<_> = more.into_iter().map(|hook| answer(hook).done()).collect();
        if told.iter().any(Answer::came_too_late) {
            place.make(name);
        } else {
            assert!(told.iter().all(|told| told.stderr.is_empty()), "{told:?}");
        }
        assert_eq!(place.uses(name), 7, "{engine}");
        assert!(!spool.exists(), "{engine}");
    }
}

#[test]
fn an_import_takes_in_what_waits() {
    let place = Place::new();
    let db = place.path("usage.db");
    let name = db.to_str().unwrap();
    place.record(name, payload("0"));
    let holder = Holder::of(&db);
    place.run_with(&["--db", name, "hook"], payload("1")).done();
    drop(holder);
    let told = place.run_with(&["--db", name, "import", "-"], "").done();
    assert!(told.stderr.contains("took in 1 event"), "{}", told.stderr);
    assert_eq!(place.uses(name), 2);
}

#[test]
fn a_store_that_cannot_be_opened_keeps_its_bytes_and_the_call_waits() {
    let place = Place::new();
    for engine in ENGINES {
        let db = place.path(&format!("text.{engine}"));
        std::fs::write(&db, "no store at all\n".repeat(100)).unwrap();
        let folder = place.path(&format!("folder.{engine}"));
        std::fs::create_dir(&folder).unwrap();
        for path in [&db, &folder] {
            let answer = place.run_with(&["--db", path.to_str().unwrap(), "hook"], payload("1")).done();
            assert!(answer.stderr.contains("is not a tooltally store"), "{}", answer.stderr);
            assert_eq!(crate::support::beside(path), [".hook.log", ".spool"]);
        }
        assert_eq!(std::fs::read_to_string(&db).unwrap(), "no store at all\n".repeat(100));
        // Once it is out of the way, nothing is lost.
        std::fs::remove_file(&db).unwrap();
        place.record(db.to_str().unwrap(), payload("2"));
        assert_eq!(place.uses(db.to_str().unwrap()), 2);
    }
}

#[test]
fn eight_hooks_at_once_lose_nothing() {
    for engine in ENGINES {
        let place = Place::new();
        let db = format!("usage.{engine}");
        for round in 0..5 {
            let start = |call| place.start_with(&["--db", &db, "hook"], payload(&format!("{round}_{call}")));
            let hooks: Vec<_> = (0..8).map(start).collect();
            for hook in hooks {
                assert_eq!(answer(hook).done().stdout, "");
            }
        }
        // On a slow disk some may have waited for longer than a hook does: they are in the spool.
        place.run_with(&["--db", &db, "import", "-"], "").done();
        assert_eq!(place.uses(&db), 40, "{engine}");
        place.run(&["--db", &db, "verify"]).done();
    }
}
