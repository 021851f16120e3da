//! Pipes where files belong: they are named, and never waited for.

use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{Answer, ENGINES, HISTORY, Place, answer, feed, payload};

/// Whoever has not ended by then waits for ever.
const FOR_EVER: Duration = Duration::from_mins(1);

fn make_pipe(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// The answer of a program that must end by itself.
#[track_caller]
fn ended(mut child: Child) -> Answer {
    let since = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if since.elapsed() > FOR_EVER {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it waits for ever");
        }
        sleep(Duration::from_millis(5));
    }
    answer(child)
}

#[track_caller]
fn run(place: &Place, arguments: &[&str]) -> Answer {
    ended(feed(&mut place.command(arguments), ""))
}

#[test]
fn a_pipe_beside_a_store_is_named() {
    for end in ["-wal", "-journal", "-shm"] {
        let place = Place::new();
        place.import("usage.db", HISTORY);
        let pipe = place.path(&format!("home/work/usage.db{end}"));
        let _ = std::fs::remove_file(&pipe);
        make_pipe(&pipe);
        for command in ["stats", "events", "verify", "rebuild", "compact", "import -"] {
            let arguments: Vec<&str> = ["--db", "usage.db"].into_iter().chain(command.split(' ')).collect();
            let told = run(&place, &arguments).failed(1);
            assert!(told.contains(&format!("usage.db{end} is no regular file")), "{command}: {told}");
        }
        let told = run(&place, &["--db", "usage.db", "doctor"]);
        assert!(told.stdout.contains(&format!("usage.db{end} is no regular file")), "{}", told.stdout);
        let hook = feed(&mut place.command(&["--db", "usage.db", "hook"]), payload("1"));
        let told = ended(hook).done().stderr;
        assert!(told.contains("the call waits in"), "{told}");
        std::fs::remove_file(&pipe).unwrap();
        place.import("usage.db", "");
        assert_eq!(place.uses("usage.db"), 5, "{end}");
    }
}

#[test]
fn a_store_is_not_salvaged_out_of_a_pipe() {
    for engine in ENGINES {
        let place = Place::new();
        let db = format!("usage.{engine}");
        make_pipe(&place.path("home/work").join(&db));
        let told = run(&place, &["--db", &db, "events", "--salvage"]).failed(1);
        assert!(told.contains("it is no regular file"), "{told}");
    }
    let place = Place::new();
    place.import("usage.db", HISTORY);
    make_pipe(&place.path("home/work/usage.db-wal"));
    let told = run(&place, &["--db", "usage.db", "events", "--salvage"]).failed(1);
    assert!(told.contains("usage.db-wal is no regular file"), "{told}");
}

#[test]
fn settings_are_not_read_out_of_a_pipe() {
    let place = Place::new();
    place.import("usage.db", HISTORY);
    make_pipe(&place.path("home/.claude/settings.json"));
    let told = run(&place, &["--db", "usage.db", "--json", "doctor"]);
    assert!(told.stdout.contains("settings-not-readable"), "{}", told.stdout);
    for command in ["install", "uninstall"] {
        let told = run(&place, &["--db", "usage.db", command, "claude-code"]).failed(1);
        assert!(told.contains("it is no regular file"), "{told}");
    }
}
