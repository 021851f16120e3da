//! Whose files they are, who may read and write them, and what room there is.
#![cfg(unix)]

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::{bound, look, look_with};
use crate::support::{ENGINES, HISTORY, Place, is_root, payload, set_mode};

/// A store of four events in a folder of its own.
fn store(place: &Place, engine: &str) -> PathBuf {
    let db = place.path(&format!("home/kept/usage.{engine}"));
    place.import(db.to_str().unwrap(), HISTORY);
    db
}

/// Looks as a user whom permissions bind.
#[track_caller]
fn look_bound(place: &Place, db: &std::path::Path) -> super::Seen {
    let mut command = place.command(&["--json", "--db", db.to_str().unwrap(), "doctor"]);
    bound(place, &mut command);
    look_with(place, &mut command)
}

#[test]
fn files_that_others_may_read_or_change_are_named() {
    for engine in ENGINES {
        let place = Place::new();
        let db = store(&place, engine);
        look(&place, &["--db", db.to_str().unwrap()]).find("files-private");
        for (mode, verb) in [(0o644, "read"), (0o666, "change")] {
            set_mode(&db, mode);
            let seen = look(&place, &["--db", db.to_str().unwrap()]);
            seen.assert("file-open-to-others", "warning", Some(&db), "chmod 600");
            assert!(seen.find("file-open-to-others")["message"].as_str().unwrap().contains(verb));
        }
    }
    let place = Place::new();
    let db = store(&place, "db");
    place.run_with(&["--db", db.to_str().unwrap(), "hook"], payload("1")).done();
    let wal = place.path("home/kept/usage.db-wal");
    set_mode(&wal, 0o640);
    look(&place, &["--db", db.to_str().unwrap()]).assert("file-open-to-others", "warning", Some(&wal), "chmod 600");
}

#[test]
fn a_folder_that_everybody_may_write_to_is_named() {
    let place = Place::new();
    let db = store(&place, "db");
    set_mode(&place.path("home/kept"), 0o777);
    let seen = look(&place, &["--db", db.to_str().unwrap()]);
    seen.assert("folder-open-to-others", "warning", Some(&place.path("home/kept")), "chmod o-w");
}

#[test]
fn another_users_files_are_named() {
    if !is_root() {
        eprintln!("SKIPPED: another_users_files_are_named: only root gives files away");
        return;
    }
    let place = Place::new();
    let db = store(&place, "db");
    std::os::unix::fs::chown(&db, Some(65534), None).unwrap();
    look(&place, &["--db", db.to_str().unwrap()]).assert("owner-differs", "warning", Some(&db), "chown");
}

#[test]
fn a_journal_that_is_a_link_is_named() {
    let place = Place::new();
    let db = store(&place, "db");
    std::fs::write(place.path("home/victim"), "kept").unwrap();
    let wal = place.path("home/kept/usage.db-wal");
    symlink(place.path("home/victim"), &wal).unwrap();
    let seen = look(&place, &["--db", db.to_str().unwrap()]);
    seen.assert("journal-not-a-file", "error", Some(&wal), "rm ");
    seen.assert("store-not-opened", "error", Some(&db), "the files that are named here");
}

#[test]
fn a_store_that_may_not_be_read_or_written_is_named() {
    for engine in ENGINES {
        let place = Place::new();
        let db = store(&place, engine);
        set_mode(&db, 0o400);
        look_bound(&place, &db).assert("store-not-writable", "error", Some(&db), "chmod u+w");
        set_mode(&db, 0o000);
        look_bound(&place, &db).assert("store-not-readable", "error", Some(&db), "permissions");
    }
}

#[test]
fn a_folder_that_may_not_be_written_to_is_named() {
    for engine in ENGINES {
        let place = Place::new();
        let db = store(&place, engine);
        set_mode(&place.path("home/kept"), 0o500);
        let seen = look_bound(&place, &db);
        seen.assert("folder-not-writable", "error", Some(&place.path("home/kept")), "chmod u+wx");
        if engine == "db" {
            // SQLite makes its journal there, or does not open the store.
            seen.assert("store-not-writable", "error", Some(&db), "its folder");
        }
        set_mode(&place.path("home/kept"), 0o700);
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let place = Place::new();
    let blocked = place.path("home/blocked");
    std::fs::write(&blocked, "a file in the way").unwrap();
    let db = blocked.join("usage.db");
    look(&place, &["--db", db.to_str().unwrap()]).assert(
        "folder-impossible",
        "error",
        Some(&blocked),
        "out of the way",
    );
    let closed = place.path("home/closed");
    std::fs::create_dir(&closed).unwrap();
    set_mode(&closed, 0o500);
    let db = closed.join("deep/usage.db");
    look_bound(&place, &db).assert("folder-impossible", "error", Some(&closed), "permissions");
}

/// A small file system lies over the store's folder while doctor looks.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_without_room_is_named() {
    const SCRIPT: &str = r#"mount -t tmpfs -o size="$SIZE",mode=700 none "$FULL" || exit 77
        [ "$SIZE" != 64k ] || head -c 1048576 /dev/zero > "$FULL/filler" 2> /dev/null
        exec "$0" "$@""#;
    for (size, code, level) in [("64k", "disk-full", "error"), ("8m", "disk-nearly-full", "warning")] {
        let place = Place::new();
        let db = store(&place, "db");
        let plain = place.command(&["--json", "--db", db.to_str().unwrap(), "doctor"]);
        let mut shell = crate::support::in_shell(&plain, SCRIPT);
        shell.env("FULL", place.path("home/kept")).env("SIZE", size);
        let mut unshared = std::process::Command::new("unshare");
        unshared.args(["--user", "--map-root-user", "--mount", "--"]).arg(shell.get_program()).args(shell.get_args());
        unshared.envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
        unshared.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let Ok(child) = unshared.spawn() else {
            eprintln!("SKIPPED: a_disk_without_room_is_named: there is no `unshare`");
            return;
        };
        let told = crate::support::answer(child);
        if told.stdout.is_empty() {
            eprintln!("SKIPPED: a_disk_without_room_is_named: no small file system can be made: {}", told.stderr);
            return;
        }
        super::Seen::of(&told).assert(code, level, Some(&place.path("home/kept")), "free space");
    }
}
