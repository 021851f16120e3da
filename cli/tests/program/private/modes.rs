//! Whatever the program makes is for its owner alone, also where the umask would let others in.

use std::path::Path;

use tooltally::{OpenOptions, StoreUrl};

use crate::support::{Answer, ENGINES, HISTORY, Place, answer, feed, files_below, in_shell, mode, payload};

/// Runs the program with a umask that forbids nothing.
fn open_handed(place: &Place, arguments: &[&str], stdin: &str) -> Answer {
    answer(feed(&mut in_shell(&place.command(arguments), "umask 0; exec \"$0\" \"$@\""), stdin)).done()
}

/// Asserts the modes of all that stands in a folder, and of the folders between.
#[track_caller]
fn assert_owners_alone(folder: &Path) {
    for file in files_below(folder) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        let mut above = file.parent().unwrap();
        while above.starts_with(folder) {
            assert_eq!(mode(above), 0o700, "{}", above.display());
            above = above.parent().unwrap();
        }
    }
}

#[test]
fn stores_journals_spools_and_logs_are_their_owners_alone() {
    for engine in ENGINES {
        let place = Place::new();
        let folder = place.path("home/deep/er");
        let db = folder.join(format!("usage.{engine}"));
        let name = db.to_str().unwrap();
        open_handed(&place, &["--db", name, "hook"], &payload("1"));
        open_handed(&place, &["--db", name, "import", "-"], HISTORY);
        // While somebody has the store open, SQLite's journal and its index stand beside it.
        let url: StoreUrl = name.parse().unwrap();
        let store = tooltally::open_with(&url, &OpenOptions::new()).unwrap();
        open_handed(&place, &["--db", name, "hook"], &payload("2"));
        assert_eq!(store.head().unwrap().get(), 6);
        assert_owners_alone(&place.path("home/deep"));
        drop(store);
        for command in ["verify", "rebuild", "compact"] {
            open_handed(&place, &["--db", name, command], "");
        }
        // A store that cannot be opened: spool and log.
        std::fs::rename(&db, folder.join("moved")).unwrap();
        std::fs::create_dir(&db).unwrap();
        crate::support::set_mode(&db, 0o700);
        open_handed(&place, &["--db", name, "hook"], &payload("3"));
        let made = crate::support::beside(&db);
        assert!(made.contains(&".spool".to_owned()) && made.contains(&".hook.log".to_owned()), "{made:?}");
        assert_owners_alone(&place.path("home/deep"));
    }
    let place = Place::new();
    std::fs::write(place.path("home/blocked"), "").unwrap();
    // Neither beside the store, nor in the data folder: in the folder for temporary files.
    let blocked = place.path("home/blocked/usage.db");
    open_handed(&place, &["--db", blocked.to_str().unwrap(), "hook"], &payload("4"));
    assert_owners_alone(&place.path("home/data"));
    std::fs::remove_dir_all(place.path("home/data")).unwrap();
    std::fs::write(place.path("home/data"), "").unwrap();
    open_handed(&place, &["--db", blocked.to_str().unwrap(), "hook"], &payload("5"));
    let waiting = files_below(&place.path("home/tmp"));
    assert_eq!(waiting.len(), 1);
    assert_owners_alone(waiting[0].parent().unwrap());
}

#[test]
fn a_persons_settings_are_their_own_and_a_projects_are_shared() {
    let place = Place::new();
    open_handed(&place, &["install", "claude-code"], "");
    assert_owners_alone(&place.path("home/.claude"));
    // A change keeps what the person chose, and the backup is their own.
    crate::support::set_mode(&place.path("home/.claude/settings.json"), 0o644);
    open_handed(&place, &["uninstall", "claude-code"], "");
    assert_eq!(mode(&place.path("home/.claude/settings.json")), 0o644);
    let backups = files_below(&place.path("home/.claude"));
    assert_eq!(backups.len(), 2, "{backups:?}");
    assert_eq!(mode(&backups[1]), 0o600);
    open_handed(&place, &["install", "claude-code", "--scope", "local"], "");
    assert_eq!(mode(&place.path("home/work/.claude/settings.local.json")), 0o600);
    open_handed(&place, &["install", "claude-code", "--scope", "project"], "");
    assert_eq!(mode(&place.path("home/work/.claude/settings.json")), 0o666, "as the umask says: it is committed");
}
