//! The spool as its users see it, and what it does with files that others left in it.

use tooltally::{EventId, MemoryStore, Outcome, ToolName, ToolUse};

use super::*;

fn place() -> (tempfile::TempDir, Spool) {
    let place = tempfile::tempdir().unwrap();
    let spool = Spool::at(["first", "second"].map(|name| place.path().join(name)).to_vec());
    (place, spool)
}

/// Where events wait first.
fn first(spool: &Spool) -> &Path {
    spool.folders().next().unwrap()
}

fn event(number: u32) -> Event {
    let time = tooltally::Timestamp::from_micros(1_767_225_600_000_000 + i64::from(number)).unwrap();
    let id = EventId::derived(&[number.to_le_bytes()]);
    ToolUse::new(id, ToolName::new("Bash").unwrap(), Outcome::Success, time).into()
}

#[test]
fn events_are_taken_in_once_in_order_and_nothing_stays() {
    let (_place, spool) = place();
    assert!(spool.is_empty());
    for number in [3, 1, 2] {
        spool.put(&event(number)).unwrap();
    }
    assert_eq!(spool.len(), 3);
    let store = MemoryStore::new();
    assert_eq!(spool.take_in(&store).unwrap(), 3);
    let tools: Vec<Event> = store.read(tooltally::Position::START, 9).unwrap().into_iter().map(|r| r.event).collect();
    assert_eq!(tools, [event(1), event(2), event(3)]);
    assert!(!first(&spool).exists());
    assert_eq!(spool.take_in(&store).unwrap(), 0);
}

#[test]
fn who_was_killed_after_the_append_does_no_harm() {
    let (_place, spool) = place();
    spool.put(&event(1)).unwrap();
    let store = MemoryStore::new();
    let waiting = spool.oldest(9);
    store.append(&[waiting[0].event.clone()], Condition::None).unwrap();
    assert_eq!(spool.take_in(&store).unwrap(), 0, "the event is recorded already");
    assert_eq!(store.head().unwrap().get(), 1);
    assert!(spool.is_empty());
}

#[test]
fn what_is_no_event_is_set_aside() {
    let (_place, spool) = place();
    spool.put(&event(1)).unwrap();
    for (name, line) in [("0-wrong", "{\"v\":1}\n"), ("0-old", "{\"v\":0}\n"), ("0-none", "{}\n"), ("0-text", "v\n")] {
        fs::write(first(&spool).join(name).with_extension("jsonl"), line).unwrap();
    }
    assert_eq!(spool.take_in(&MemoryStore::new()).unwrap(), 1);
    for name in ["0-wrong", "0-old", "0-none", "0-text"] {
        assert!(first(&spool).join(format!("{name}.jsonl.unreadable")).exists(), "{name}");
    }
    assert!(spool.is_empty());
}

#[test]
fn a_cut_line_is_left_to_its_writer_for_a_minute_and_then_set_aside() {
    let (_place, spool) = place();
    spool.put(&event(1)).unwrap();
    let [young, old] = ["0-young.jsonl", "0-old.jsonl"].map(|name| first(&spool).join(name));
    for path in [&young, &old] {
        fs::write(path, "{\"v\":1,\"tool\":").unwrap();
    }
    grow_old(&old);
    assert_eq!(spool.take_in(&MemoryStore::new()).unwrap(), 1);
    assert!(young.exists());
    assert!(!old.exists());
    assert!(first(&spool).join("0-old.jsonl.unreadable").exists());
    assert_eq!(spool.len(), 1);
}

#[test]
fn the_line_of_a_newer_program_waits_for_it_untouched() {
    let (_place, spool) = place();
    spool.put(&event(1)).unwrap();
    let newer = first(&spool).join("0-newer.jsonl");
    let line = "{\"v\":2,\"tool\":{\"name\":\"Bash\"},\"time\":7}\n";
    fs::write(&newer, line).unwrap();
    grow_old(&newer);
    let store = MemoryStore::new();
    assert_eq!(spool.take_in(&store).unwrap(), 1, "it keeps no other from being taken in");
    assert_eq!(spool.take_in(&store).unwrap(), 0);
    assert_eq!(fs::read_to_string(&newer).unwrap(), line);
}

#[test]
fn what_a_killed_writer_left_does_not_wait_and_is_removed_after_a_minute() {
    let (_place, spool) = place();
    spool.put(&event(2)).unwrap();
    // What a writer has before it gives the file its name.
    let part = first(&spool).join("0-killed.abc.part");
    fs::write(&part, "{\"v\":1,\"tool\":").unwrap();
    let store = MemoryStore::new();
    assert_eq!(spool.take_in(&store).unwrap(), 1);
    assert!(spool.is_empty());
    assert!(part.exists(), "its writer may still be at it");
    spool.put(&event(1)).unwrap();
    grow_old(&part);
    assert_eq!(spool.len(), 1);
    assert_eq!(spool.take_in(&store).unwrap(), 1);
    assert!(!first(&spool).exists(), "neither it nor its folder stays");
}

#[test]
fn a_writer_that_fails_leaves_nothing() {
    let (_place, spool) = place();
    // A folder of the event's name is in the way.
    let name = format!("{:020}-{}.jsonl", event(1).time().as_micros(), event(1).id());
    fs::create_dir_all(first(&spool).join(&name).join("full")).unwrap();
    assert_eq!(spool.put(&event(1)).unwrap(), spool.folders().nth(1).unwrap(), "it waits in the second folder");
    let left: Vec<_> = fs::read_dir(first(&spool)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [std::ffi::OsStr::new(&name)]);
}

/// As if the file had been written two minutes ago.
fn grow_old(path: &Path) {
    let then = std::time::SystemTime::now() - std::time::Duration::from_mins(2);
    fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

#[test]
fn many_put_while_many_take_in() {
    let (_place, spool) = place();
    let spool = &spool;
    let store = MemoryStore::new();
    let all_are_put = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let put = |writer: u32| (0..200).try_for_each(|n| spool.put(&event(writer * 1000 + n)).map(drop));
        let writers: Vec<_> = (0..4).map(|writer| scope.spawn(move || put(writer))).collect();
        for _ in 0..3 {
            scope.spawn(|| {
                while !all_are_put.load(std::sync::atomic::Ordering::Relaxed) {
                    spool.take_in(&store).unwrap();
                }
            });
        }
        let results: Vec<_> = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        all_are_put.store(true, std::sync::atomic::Ordering::Relaxed);
        for result in results {
            result.unwrap().unwrap();
        }
    });
    spool.take_in(&store).unwrap();
    assert_eq!(store.head().unwrap().get(), 800);
    assert!(spool.is_empty());
}

#[cfg(unix)]
#[test]
fn the_spool_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_place, spool) = place();
    spool.put(&event(1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(first(&spool)), 0o700);
    assert_eq!(mode(&spool.files()[0]), 0o600);
}

#[test]
fn where_nothing_can_be_written_an_event_waits_in_the_next_place_and_is_taken_in_from_there() {
    let (_place, spool) = place();
    fs::write(first(&spool), "a file in the way").unwrap();
    spool.put(&event(2)).unwrap();
    fs::remove_file(first(&spool)).unwrap();
    spool.put(&event(1)).unwrap();
    assert_eq!(spool.len(), 2);
    let store = MemoryStore::new();
    assert_eq!(spool.take_in(&store).unwrap(), 2);
    let times = store.read(tooltally::Position::START, 9).unwrap();
    assert_eq!(times[0].event, event(1), "in order of time, wherever they waited");
    assert!(spool.folders().all(|folder| !folder.exists()));
}

#[test]
fn an_event_that_can_wait_nowhere_is_told_with_every_reason() {
    let (_place, spool) = place();
    for folder in spool.folders() {
        fs::write(folder, "a file in the way").unwrap();
    }
    let told = spool.put(&event(1)).unwrap_err().to_string();
    assert!(told.contains("first") && told.contains("second"), "{told}");
}

#[cfg(unix)]
#[test]
fn links_are_neither_written_through_nor_read() {
    use std::os::unix::fs::symlink;
    let (place, spool) = place();
    let elsewhere = place.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, first(&spool)).unwrap();
    assert_eq!(spool.put(&event(1)).unwrap(), spool.folders().nth(1).unwrap());
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    // A line in a folder that somebody else chose is nobody's event, nor is a link in our own.
    let waiting = spool.files();
    fs::rename(&waiting[0], elsewhere.join("0-planted.jsonl")).unwrap();
    symlink(elsewhere.join("0-planted.jsonl"), spool.folders().nth(1).unwrap().join("0-link.jsonl")).unwrap();
    assert_eq!(spool.len(), 0);
    assert_eq!(spool.take_in(&MemoryStore::new()).unwrap(), 0);
    assert!(elsewhere.join("0-planted.jsonl").exists());
}

/// As when each call that waits is taken in at once.
#[test]
fn a_folder_that_comes_and_goes_is_there_or_missing() {
    let (_place, spool) = place();
    std::thread::scope(|scope| {
        let coming_and_going = scope.spawn(|| {
            for _ in 0..2000 {
                fs::create_dir(first(&spool)).unwrap();
                fs::remove_dir(first(&spool)).unwrap();
            }
        });
        while !coming_and_going.is_finished() {
            for SeenFolder { state, .. } in spool.look() {
                assert!(matches!(state, FolderState::Missing | FolderState::Ours(_)), "{state:?}");
            }
            assert_eq!(spool.measure(), Some(0));
        }
    });
}
