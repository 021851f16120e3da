//! Each bad input gets a clear message, never a panic, and loses nothing.

use crate::support::{ENGINES, HISTORY, Place, payload};
use serde_json::json;

#[test]
fn what_is_no_store_is_named_and_kept() {
    let place = Place::new();
    for engine in ENGINES {
        let folder = format!("folder.{engine}");
        std::fs::create_dir(place.path("home/work").join(&folder)).unwrap();
        let text = format!("text.{engine}");
        std::fs::write(place.path("home/work").join(&text), HISTORY).unwrap();
        for db in [&folder, &text] {
            for command in [&["stats"][..], &["events"], &["verify"], &["import", "-"]] {
                let mut arguments = vec!["--db", db];
                arguments.extend(command);
                let told = place.run(&arguments).failed(1);
                assert!(told.contains(db.as_str()) && told.contains("hint:"), "{told}");
            }
        }
        assert_eq!(std::fs::read_to_string(place.path("home/work").join(&text)).unwrap(), HISTORY);
    }
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_bit_for_bit() {
    let place = Place::new();
    place.import("usage.db", HISTORY);
    let db = place.path("home/work/usage.db");
    rusqlite::Connection::open(&db).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let before = std::fs::read(&db).unwrap();
    let told = place.run(&["--db", "usage.db", "stats"]).failed(1);
    assert!(told.contains("99") && told.contains("newer"), "{told}");
    place.run_with(&["--db", "usage.db", "hook"], crate::support::payload("1")).done();
    assert_eq!(std::fs::read(&db).unwrap(), before);
    assert!(crate::support::beside(&db).contains(&".spool".to_owned()));
}

#[test]
fn an_import_goes_on_past_what_it_cannot_read() {
    let place = Place::new();
    let lines = format!(
        "{HISTORY}not json\n{}\n{}\n{}\n{{\"v\":1,\"tool\":\"Cut",
        json!({"v": 1, "tool": "Bash", "outcome": "success", "time": "1969-12-31T23:59:59Z"}),
        json!({"v": 1, "outcome": "success", "time": "2026-03-01T00:00:00Z"}),
        json!({"v": 1, "tool": "Bash", "outcome": "perfect", "time": "2026-03-01T00:00:00Z"}),
    );
    let answer = place.run_with(&["--db", "usage.db", "--json", "import", "-"], &lines).done();
    assert!(answer.stderr.contains("standard input:5"), "{}", answer.stderr);
    let summary: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!((&summary["events"], &summary["new"], &summary["files"]), (&json!(4), &json!(4), &json!(1)));
    let keys: Vec<&String> = summary.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["files", "events", "new", "duplicates", "pending", "skipped"]);
    let skipped: u64 = summary["skipped"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(skipped, 5);

    let again = place.run_with(&["--db", "usage.db", "--json", "import", "-"], &lines).json();
    assert_eq!((&again["new"], &again["duplicates"]), (&json!(0), &json!(4)));
}

/// A process that closes a file on which SQLite has locks loses them: the store's own files are not even opened.
#[test]
fn an_import_of_the_folder_of_the_store_leaves_its_files_alone() {
    for (db, files) in [("usage.db", 3), ("usage.redb", 1)] {
        let place = Place::new();
        let folder = place.path("home/work/history");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("history.jsonl"), HISTORY).unwrap();
        let db = folder.join(db);
        let imported = place.run(&["--db", db.to_str().unwrap(), "--json", "import", "history"]).json();
        assert_eq!(imported["new"], 4, "{imported}");
        let skipped = imported["skipped"].as_object().unwrap();
        assert_eq!(skipped.len(), 1, "{imported}");
        // SQLite makes its two files beside the database when it needs them.
        let found = skipped["the store that is imported into"].as_u64().unwrap();
        assert!((1..=files).contains(&found), "{imported}");
    }
}

/// Another name of the same file is the same file.
#[cfg(unix)]
#[test]
fn an_import_opens_the_store_by_no_other_name() {
    for db in ["usage.db", "usage.redb"] {
        let place = Place::new();
        let (folder, links) = (place.path("home/work/history"), place.path("home/work/links"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::create_dir(&links).unwrap();
        let (store, link) = (folder.join(db), links.join(db));
        place.import(store.to_str().unwrap(), HISTORY);
        std::fs::hard_link(&store, folder.join(format!("backup-{db}"))).unwrap();
        std::os::unix::fs::symlink(&store, &link).unwrap();
        std::fs::write(folder.join("history.jsonl"), HISTORY).unwrap();
        let imported = place.run(&["--db", link.to_str().unwrap(), "--json", "import", "history"]).json();
        let skipped = imported["skipped"].as_object().unwrap();
        assert_eq!((&imported["duplicates"], skipped.len()), (&json!(4), 1), "{imported}");
        // By its name, by its other name, and what SQLite has beside it.
        let files = std::fs::read_dir(&folder).unwrap().count() as u64 - 1;
        let found = skipped["the store that is imported into"].as_u64().unwrap();
        assert!(found >= 2 && found >= files, "{found} of {files}: {imported}");
    }
}

#[test]
fn what_does_not_exist_or_holds_nothing_known_is_a_failure() {
    let place = Place::new();
    let told = place.run(&["--db", "usage.db", "import", "nowhere"]).failed(1);
    assert!(told.contains("nowhere"), "{told}");
    assert!(!place.path("home/work/usage.db").exists());
    std::fs::write(place.path("home/work/noise"), [0, 255, 254, 7]).unwrap();
    let told = place.run(&["--db", "usage.db", "import", "noise"]).failed(1);
    assert!(told.contains("noise") && told.contains("import --help"), "{told}");
    let told = place.run(&["import"]).failed(1);
    assert!(told.contains("no history of Claude Code"), "{told}");
}

#[test]
fn without_a_path_the_agents_own_history_is_taken_in() {
    let place = Place::new();
    let projects = place.path("home/.claude/projects/-nowhere-app");
    std::fs::create_dir_all(&projects).unwrap();
    let used = json!({"type": "assistant", "sessionId": "s1", "cwd": "/nowhere/app", "timestamp": "2026-03-01T10:00:00Z",
        "message": {"id": "m", "model": "opus", "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}},
            {"type": "tool_use", "id": "toolu_2", "name": "Read", "input": {}}]}});
    let result = json!({"type": "user", "sessionId": "s1", "cwd": "/nowhere/app", "timestamp": "2026-03-01T10:00:01Z",
        "message": {"content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}]}});
    std::fs::write(projects.join("s1.jsonl"), format!("{used}\n{result}\n")).unwrap();
    let text = place.run(&["import"]).done().stdout;
    assert!(text.contains("1 event in 1 file: 1 new") && text.contains("1 call never finished"), "{text}");
    assert!(text.contains("Bash") && text.contains("Total"), "{text}");
    // A hook reports the same call: it is the same event.
    place.run_with(&["hook"], crate::support::payload("1")).done();
    let db = place.path("home/data/tooltally/usage.db");
    assert_eq!(place.uses(db.to_str().unwrap()), 1);
}

/// A limit on the size of files stands in for a disk that is full.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_loses_nothing_that_was_recorded() {
    for engine in ENGINES {
        let place = Place::new();
        let db = place.path(&format!("usage.{engine}"));
        place.import(db.to_str().unwrap(), HISTORY);
        let line = |n: u32| {
            let (tool, time) = (format!("Tool{n}"), format!("2026-03-01T10:{:02}:{:02}Z", n / 60 % 60, n % 60));
            format!("{}\n", json!({"v": 1, "tool": tool, "outcome": "success", "time": time, "session": n.to_string()}))
        };
        let lines: String = (0..20_000).map(line).collect();
        let plain = place.command(&["--db", db.to_str().unwrap(), "import", "-"]);
        // In blocks of 512 bytes.
        let mut limited = crate::support::in_shell(&plain, "ulimit -f 400; exec \"$0\" \"$@\"");
        let told = crate::support::answer(crate::support::feed(&mut limited, &lines)).failed(1);
        assert!(told.contains("error:") && told.contains(db.to_str().unwrap()), "{told}");
        place.run(&["--db", db.to_str().unwrap(), "verify"]).done();
        assert!(place.uses(db.to_str().unwrap()) >= 4, "{engine}");
        // Importing again adds what is missing.
        place.import(db.to_str().unwrap(), &lines);
        assert_eq!(place.uses(db.to_str().unwrap()), 20_004, "{engine}");
    }
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_or_written_is_named() {
    use crate::support::{is_root, set_mode as close};
    if is_root() {
        eprintln!("SKIPPED: what_may_not_be_read_or_written_is_named: permissions do not bind this user (root)");
        return;
    }
    for engine in ENGINES {
        let place = Place::new();
        let db = format!("usage.{engine}");
        let path = place.path("home/work").join(&db);
        place.import(&db, HISTORY);
        close(&path, 0o000);
        let told = place.run(&["--db", &db, "stats"]).failed(1);
        assert!(told.contains(&db) && told.contains("permission"), "{told}");
        close(&path, 0o400);
        let new = HISTORY.replace("2026", "2025");
        let told = place.run_with(&["--db", &db, "import", "-"], new).failed(1);
        assert!(told.contains(&db) && told.contains("permission"), "{told}");
        // Asking needs no permission to write.
        assert_eq!(place.uses(&db), 4, "{engine}");
        place.run_with(&["--db", &db, "hook"], crate::support::payload("1")).done();
        // SQLite gives the files that it makes beside the store the store's permissions.
        for rest in crate::support::beside(&path).iter().filter(|rest| rest.starts_with('-')) {
            close(&place.path("home/work").join(format!("{db}{rest}")), 0o600);
        }
        close(&path, 0o600);
        place.record(&db, crate::support::payload("2"));
        assert_eq!(place.uses(&db), 6);
    }
    let place = Place::new();
    let closed = place.path("home/work/closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::write(place.path("home/work/history.jsonl"), HISTORY).unwrap();
    close(&closed, 0o000);
    let answer = place.run(&["--db", "usage.db", "import", "closed", "history.jsonl"]).done();
    close(&closed, 0o700);
    assert!(answer.stderr.contains("closed"), "{}", answer.stderr);
    assert_eq!(place.uses("usage.db"), 4);
}

#[test]
fn a_bad_line_at_the_beginning_costs_that_line_alone() {
    for first in ["garbage", "[1,2,3]", "\"x\"", "\0\0\0\0", "{\"v\":1,\"tool\":\"Cut\",\"x\":["] {
        let place = Place::new();
        let imported =
            place.run_with(&["--db", "usage.db", "--json", "import", "-"], format!("{first}\n{HISTORY}")).json();
        assert_eq!(imported["new"], 4, "{first:?}: {imported}");
        let skipped: u64 =
            imported["skipped"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
        assert_eq!(skipped, 1, "{first:?}: {imported}");
    }
}

#[test]
fn a_stray_byte_in_what_a_tool_answered_does_not_cost_the_call() {
    let place = Place::new();
    let mut stdin = payload("1").replace("\"tool_response\":\"secret\"", "\"tool_response\":\"??\"").into_bytes();
    let at = stdin.windows(2).position(|two| two == b"??").unwrap();
    (stdin[at], stdin[at + 1]) = (0xFF, 0xFE);
    place.record("usage.db", stdin);
    assert_eq!(place.uses("usage.db"), 1);
}
