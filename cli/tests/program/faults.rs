//! The hook under faults: each call ends in the store or in the spool, and in the end once in the store.

use std::path::Path;
use std::process::Child;
use std::sync::mpsc;
use std::time::Duration;

use crate::support::{Answer, ENGINES, HISTORY, Place, answer, payload};

/// Longer than a hook may ever take: an agent ends it after five seconds, and would lose the call.
const TOO_LONG: Duration = Duration::from_secs(5);

fn hook(place: &Place, db: &Path, call: &str) -> Answer {
    place.run_with(&["--db", db.to_str().unwrap(), "hook"], payload(call)).done()
}

/// Takes in what waits, and says how many calls the store has then.
fn taken_in(place: &Place, db: &Path) -> u64 {
    place.import(db.to_str().unwrap(), "");
    place.run(&["--db", db.to_str().unwrap(), "verify"]).done();
    place.uses(db.to_str().unwrap())
}

#[test]
fn where_the_stores_folder_cannot_be_made_the_call_waits_elsewhere() {
    for engine in ENGINES {
        let place = Place::new();
        let folder = place.path("blocked");
        std::fs::write(&folder, "a file in the way").unwrap();
        let db = folder.join(format!("usage.{engine}"));
        for call in ["1", "2"] {
            let told = hook(&place, &db, call);
            assert_eq!(told.stdout, "");
            assert!(told.stderr.contains("the call waits in"), "{}", told.stderr);
        }
        assert_eq!(std::fs::read_to_string(&folder).unwrap(), "a file in the way");
        std::fs::remove_file(&folder).unwrap();
        let told = place.run(&["--db", db.to_str().unwrap(), "stats"]).done();
        assert!(told.stderr.contains("2 events wait"), "{}", told.stderr);
        place.record(db.to_str().unwrap(), payload("3"));
        assert_eq!(place.uses(db.to_str().unwrap()), 3, "{engine}");
        assert!(!place.run(&["--db", db.to_str().unwrap(), "stats"]).done().stderr.contains("wait"));
    }
}

#[cfg(unix)]
#[test]
fn what_waits_is_found_once_the_link_to_the_stores_folder_leads_there_again() {
    let place = Place::new();
    let [link, folder, file] = ["link", "folder", "file"].map(|name| place.path(name));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(&file, "").unwrap();
    let db = link.join("usage.db");
    for (target, call) in [(&folder, "1"), (&file, "2"), (&folder, "3")] {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(target, &link).unwrap();
        if hook(&place, &db, call).came_too_late() {
            place.make(db.to_str().unwrap());
        }
    }
    assert_eq!(place.uses(db.to_str().unwrap()), 3);
}

#[cfg(unix)]
#[test]
fn where_the_stores_folder_is_read_only_the_call_waits_elsewhere() {
    use crate::support::{is_root, set_mode};
    if is_root() {
        eprintln!("SKIPPED: where_the_stores_folder_is_read_only: permissions do not bind this user (root)");
        return;
    }
    for engine in ENGINES {
        let place = Place::new();
        let folder = place.path("closed");
        let db = folder.join(format!("usage.{engine}"));
        hook(&place, &db, "0");
        set_mode(&db, 0o400);
        set_mode(&folder, 0o500);
        let told = hook(&place, &db, "1");
        assert!(told.stderr.contains("the call waits in"), "{}", told.stderr);
        set_mode(&folder, 0o700);
        set_mode(&db, 0o600);
        assert_eq!(taken_in(&place, &db), 2, "{engine}");
    }
}

/// A limit on the size of files, too low for the store and enough for a line: as on a disk that is nearly full.
#[cfg(target_os = "linux")]
#[test]
fn a_call_that_the_disk_has_no_room_for_in_the_store_waits() {
    for engine in ENGINES {
        for has_store in [false, true] {
            let place = Place::new();
            let db = place.path(&format!("usage.{engine}"));
            if has_store {
                place.import(db.to_str().unwrap(), HISTORY);
            }
            for call in ["1", "2"] {
                let plain = place.command(&["--db", db.to_str().unwrap(), "hook"]);
                let mut limited = crate::support::in_shell(&plain, "ulimit -f 2; exec \"$0\" \"$@\"");
                let told = answer(crate::support::feed(&mut limited, payload(call))).done();
                assert!(told.stderr.contains("the call waits in"), "{engine}, {has_store}: {}", told.stderr);
            }
            assert_eq!(taken_in(&place, &db), if has_store { 6 } else { 2 }, "{engine}, {has_store}");
        }
    }
}

/// Whatever a hook is called with, and whoever does not listen to it: it ends with 0, and the call is somewhere.
#[cfg(unix)]
#[test]
fn a_hook_that_is_called_wrongly_loses_no_call() {
    let place = Place::new();
    let db = place.path("data/usage.db");
    let store = db.to_str().unwrap();
    let usual = place.path("home/data/tooltally/usage.db");
    for db in [store, usual.to_str().unwrap()] {
        place.make(db);
    }
    for (number, arguments) in [
        &["--db", store, "hook", "--bogus"][..],
        &["hook", "--db", store, "--bogus"],
        &["--nonsense", "hook", "--db", store],
    ]
    .into_iter()
    .enumerate()
    {
        place.run_with(arguments, payload(&format!("bogus {number}"))).done();
    }
    assert_eq!(place.uses(store), 3);
    // No store has such a name: that of who names none takes the call.
    for (number, named) in ["", "sqlite:"].into_iter().enumerate() {
        place.run_with(&["--db", named, "hook"], payload(&format!("named {number}"))).done();
    }
    assert_eq!(place.uses(usual.to_str().unwrap()), 2);
    // Nobody listens.
    let plain = place.command(&["--db", store, "hook"]);
    let mut deaf = crate::support::in_shell(&plain, "TOOLTALLY_LOG='a=b=c,trace' exec \"$0\" \"$@\" 2> /dev/full");
    answer(crate::support::feed(&mut deaf, payload("deaf"))).done();
    let mut deaf = crate::support::in_shell(&plain, "TOOLTALLY_LOG=trace exec \"$0\" \"$@\" 2> /dev/full");
    answer(crate::support::feed(&mut deaf, payload("deaf too"))).done();
    assert_eq!(place.uses(store), 5);
}

/// A hook that knows no store, for want of a home folder, leaves its call in the folder for temporary files: who has a
/// home later takes it in. No test can take the home of its user away, so the call is put there from another spool.
#[cfg(unix)]
#[test]
fn a_call_without_a_store_waits_for_one() {
    use std::os::unix::fs::MetadataExt as _;
    let place = Place::new();
    let (temporary, no_store) = (place.path("temporary"), place.path("home/folder"));
    std::fs::create_dir_all(&temporary).unwrap();
    std::fs::create_dir_all(&no_store).unwrap();
    hook(&place, &no_store, "1");
    let user = std::fs::metadata(&temporary).unwrap().uid();
    let waiting = temporary.join(format!("tooltally-{user}-of-no-store.spool"));
    std::fs::rename(place.path("home/folder.spool"), &waiting).unwrap();
    let db = place.path("home/data/tooltally/usage.db");
    place.make(db.to_str().unwrap());
    let mut later = place.command(&["hook"]);
    later.env("TMPDIR", &temporary);
    answer(crate::support::feed(&mut later, payload("2"))).done();
    assert_eq!(place.uses(db.to_str().unwrap()), 2);
    assert!(!waiting.exists(), "what was taken in waits on");
}

/// A small file system of its own, full to the last page, lies over the store's folder while the hook runs.
#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_the_call_waits_on_another() {
    const SCRIPT: &str = r#"mount -t tmpfs -o size=64k,mode=700 none "$FULL" || exit 77
        head -c 1048576 /dev/zero > "$FULL/filler" 2> /dev/null
        exec "$0" "$@""#;
    for engine in ENGINES {
        let place = Place::new();
        let db = place.path(&format!("full/usage.{engine}"));
        hook(&place, &db, "0");
        let plain = place.command(&["--db", db.to_str().unwrap(), "hook"]);
        let mut shell = crate::support::in_shell(&plain, SCRIPT);
        shell.env("FULL", db.parent().unwrap());
        let mut unshared = std::process::Command::new("unshare");
        unshared.args(["--user", "--map-root-user", "--mount", "--"]).arg(shell.get_program()).args(shell.get_args());
        unshared.envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
        unshared.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let Ok(child) = unshared.stdin(std::process::Stdio::piped()).spawn() else {
            eprintln!("SKIPPED: on_a_full_disk: there is no `unshare` to make a small file system with");
            return;
        };
        let told = fed(child, &payload("1"));
        if told.code != Some(0) {
            eprintln!("SKIPPED: on_a_full_disk: no small file system can be made: {}", told.stderr);
            return;
        }
        assert!(told.stderr.contains("the call waits in"), "{}", told.stderr);
        assert_eq!(taken_in(&place, &db), 2, "{engine}");
    }
}

#[cfg(target_os = "linux")]
fn fed(mut child: std::process::Child, stdin: &str) -> Answer {
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), stdin.as_bytes());
    answer(child)
}

/// How another process may hold the lock of redb's header.
#[derive(Clone, Copy, Debug)]
enum HeaderLock {
    /// as a writer that publishes its commit
    Alone,
    /// as a reader that looks which commit is the latest
    Shared,
}

/// Starts a hook.
fn start_hook(place: &Place, db: &Path) -> Child {
    place.start_with(&["--db", db.to_str().unwrap(), "hook"], payload("1"))
}

/// A hook on a redb store, the lock of whose header is held by somebody who never lets it go: what it said. The
/// lock ends with `TOO_LONG`.
fn hook_beside_a_standing_holder(
    place: &Place,
    lock: HeaderLock,
    start: impl FnOnce(&Place, &Path) -> Child,
) -> Answer {
    use redb::StorageBackend;
    use std::ops::Bound::{Excluded, Included};
    let db = place.path("usage.redb");
    place.record(db.to_str().unwrap(), payload("0"));
    let file = std::fs::File::options().read(true).write(true).open(&db).unwrap();
    let holder = redb::backends::FileBackend::new(file).unwrap();
    match lock {
        HeaderLock::Alone => holder.lock_range(Included(0), Excluded(4096)).unwrap(),
        HeaderLock::Shared => holder.lock_shared_range(Included(0), Excluded(4096)).unwrap(),
    }
    let told = answer_within(start(place, &db), TOO_LONG);
    drop(holder);
    told.unwrap_or_else(|| panic!("{lock:?}: the hook is held up")).done()
}

/// The answer of a program that ends by then.
fn answer_within(child: Child, longest: Duration) -> Option<Answer> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(answer(child)));
    receiver.recv_timeout(longest).ok()
}

/// Whoever writes and does not come to an end keeps all other writers out. A hook leaves while that one still has the
/// lock.
#[test]
fn a_writer_that_never_ends_does_not_hold_up_the_agent() {
    let place = Place::new();
    let db = place.path("usage.db");
    hook(&place, &db, "0");
    let writer = rusqlite::Connection::open(&db).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let told = answer_within(start_hook(&place, &db), TOO_LONG).expect("the hook is held up").done();
    writer.execute_batch("ROLLBACK").unwrap();
    assert!(told.stderr.contains("the call waits in"), "{}", told.stderr);
    assert_eq!(taken_in(&place, &db), 2);
}

/// Whoever stopped while publishing a commit keeps the header to itself. A hook reads the header first, and waits
/// for that no longer than a second, with its deadline or without.
#[test]
fn a_header_that_cannot_be_read_does_not_hold_up_the_agent() {
    let place = Place::new();
    let told = hook_beside_a_standing_holder(&place, HeaderLock::Alone, start_hook);
    assert!(told.stderr.contains("the call waits in"), "{}", told.stderr);
    assert_eq!(taken_in(&place, &place.path("usage.redb")), 2);
}

/// Whoever stopped while reading the header lets others read it, and a writer wait for it without any limit: only
/// the hook's own deadline ends that.
#[test]
fn a_header_that_cannot_be_written_does_not_hold_up_the_agent() {
    let place = Place::new();
    let told = hook_beside_a_standing_holder(&place, HeaderLock::Shared, start_hook);
    assert!(told.stderr.contains("did not answer within"), "{}", told.stderr);
    assert!(told.stderr.contains("the call waits in"), "{}", told.stderr);
    assert_eq!(taken_in(&place, &place.path("usage.redb")), 2);
}

/// A session starts without the tools at hand, rather than not at all.
#[test]
fn a_header_that_others_keep_does_not_hold_up_a_sessions_start() {
    for lock in [HeaderLock::Alone, HeaderLock::Shared] {
        let place = Place::new();
        let told = hook_beside_a_standing_holder(&place, lock, |place, db| {
            let payload = payload("1").replace("PostToolUse", "SessionStart");
            place.start_with(&["--db", db.to_str().unwrap(), "context", "--hook"], payload)
        });
        assert_eq!(told.stdout, "", "{lock:?}");
        assert!(!told.stderr.is_empty() && !told.stderr.contains("panicked"), "{lock:?}: {}", told.stderr);
    }
}

/// A store that does not answer is left behind with all that it has opened: the spool must not lack it.
#[cfg(unix)]
#[test]
fn a_store_that_is_left_behind_leaves_the_spool_a_file_to_open() {
    for limit in [5, 6] {
        let place = Place::new();
        let told = hook_beside_a_standing_holder(&place, HeaderLock::Shared, |place, db| {
            let plain = place.command(&["--db", db.to_str().unwrap(), "hook"]);
            let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
            crate::support::feed(&mut crate::support::in_shell(&plain, &script), payload("1"))
        });
        assert!(told.stderr.contains("the call waits in"), "{limit} files: {}", told.stderr);
        assert_eq!(taken_in(&place, &place.path("usage.redb")), 2);
    }
}

#[test]
fn a_spool_that_cannot_be_read_in_part_does_not_keep_the_rest() {
    for engine in ENGINES {
        let place = Place::new();
        let folder = place.path("blocked");
        let db = folder.join(format!("usage.{engine}"));
        std::fs::write(&folder, "").unwrap();
        for call in ["1", "2", "3"] {
            hook(&place, &db, call);
        }
        std::fs::remove_file(&folder).unwrap();
        // Two of the three are damaged: one is cut, one holds other bytes.
        let spooled: Vec<_> = crate::support::files_below(&place.path("home/data"));
        assert_eq!(spooled.len(), 3);
        let line = std::fs::read(&spooled[0]).unwrap();
        std::fs::write(&spooled[0], &line[..line.len() / 2]).unwrap();
        std::fs::write(&spooled[1], b"\xff\0\n").unwrap();
        assert_eq!(taken_in(&place, &db), 1, "{engine}");
        // The cut line is left to its writer for a minute; what is no event is kept for a person to see.
        let left = crate::support::files_below(&place.path("home/data"));
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(left[1].extension().is_some_and(|end| end == "unreadable"), "{left:?}");
    }
}

/// Files that cannot be removed, more of them than one hook takes in: what waits behind them is recorded all the same.
#[cfg(unix)]
#[test]
fn a_spool_that_nothing_can_be_removed_from_does_not_keep_the_rest() {
    use crate::support::{is_root, set_mode};
    if is_root() {
        eprintln!("SKIPPED: a_spool_that_nothing_can_be_removed_from: permissions do not bind this user (root)");
        return;
    }
    for engine in ENGINES {
        let place = Place::new();
        let db = place.path(&format!("usage.{engine}"));
        // A folder in the store's place: hooks put calls beside it, and then, since the spool is closed, elsewhere.
        std::fs::create_dir(&db).unwrap();
        for call in 0..1100 {
            put_aside(&place, &db, call);
        }
        let spool = std::path::PathBuf::from(format!("{}.spool", db.display()));
        set_mode(&spool, 0o500);
        hook(&place, &db, "elsewhere");
        std::fs::remove_dir(&db).unwrap();
        hook(&place, &db, "last");
        let elsewhere = place.run(&["--db", db.to_str().unwrap(), "events"]).done().stdout;
        assert_eq!(elsewhere.lines().count(), 1 + 1 + 63, "{engine}: what can be removed comes first");
        place.import(db.to_str().unwrap(), "");
        assert_eq!(place.uses(db.to_str().unwrap()), 1102, "{engine}");
        let told = place.run(&["--db", db.to_str().unwrap(), "--json", "doctor"]).stdout;
        assert!(told.contains("spool-not-writable"), "{told}");
        set_mode(&spool, 0o700);
        assert_eq!(taken_in(&place, &db), 1102);
        assert!(!spool.exists());
    }
}

/// A call in the spool, as a hook leaves it.
#[cfg(unix)]
fn put_aside(place: &Place, db: &Path, call: u32) {
    let url: tooltally::StoreUrl = db.to_str().unwrap().parse().unwrap();
    let time = tooltally::Timestamp::from_micros(1_767_225_600_000_000 + i64::from(call)).unwrap();
    let id = tooltally::EventId::derived(&[call.to_le_bytes()]);
    let name = tooltally::ToolName::new("Bash").unwrap();
    let event = tooltally::ToolUse::new(id, name, tooltally::Outcome::Success, time).into();
    let folder = tooltally_cli::spool::Spool::of(&url).put(&event).unwrap().to_path_buf();
    assert!(folder.starts_with(place.path("")), "{folder:?}");
}
