//! Files of format 1, written once and read for ever.

use std::fs;

use tooltally_conformance::{files, golden};
use tooltally_core::{MemoryStore, OpenOptions};
use tooltally_redb::RedbStore;

use crate::{CLOSED, KILLED, UNCLEAN, copy_of, golden_folder};

#[test]
fn a_closed_store_answers_as_ever() {
    for options in [OpenOptions::new(), OpenOptions::new().exclusive(true)] {
        let (_folder, path) = copy_of(CLOSED);
        let store = RedbStore::open_with(&path, &options).unwrap();
        golden::check(&store, &golden::FORMAT_1.lines().collect::<Vec<_>>(), &golden::lines(&store));
    }
}

#[test]
fn a_store_that_a_killed_writer_left_answers_as_ever() {
    let model = MemoryStore::new();
    golden::record_beginning(&model);
    golden::record_a_little_more(&model);
    let answers = golden::lines(&model);
    let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
    for name in [KILLED, UNCLEAN] {
        for options in [OpenOptions::new(), OpenOptions::new().exclusive(true)] {
            let (_folder, path) = copy_of(name);
            let store = RedbStore::open_with(&path, &options).unwrap();
            let events = golden::event_lines(&store);
            let expected: Vec<&str> = golden::FORMAT_1.lines().take(events.len()).collect();
            assert_eq!((events.len(), events.iter().map(String::as_str).eq(expected)), (golden::LEFT, true));
            golden::check(&store, &answers, &golden::lines(&store));
        }
    }
}

/// The flags of the header say whether a file is one to be mended.
#[test]
fn the_golden_files_are_what_they_are_said_to_be() {
    const RECOVERY_REQUIRED: u8 = 1 << 1;
    const TWO_PHASE: u8 = 1 << 2;
    let flags = |name| fs::read(golden_folder().join(name)).unwrap()[9] & (RECOVERY_REQUIRED | TWO_PHASE);
    assert_eq!(flags(UNCLEAN), RECOVERY_REQUIRED);
    assert_eq!(flags(KILLED), RECOVERY_REQUIRED | TWO_PHASE);
    assert_eq!(flags(CLOSED) & RECOVERY_REQUIRED, 0);
}

/// Writes the files anew: only for a format that has not been released. All golden files are written anew by
///
/// ```console
/// $ cargo test -p tooltally-conformance -p tooltally-sqlite -p tooltally-redb write_anew -- --ignored
/// ```
#[test]
#[ignore = "writes the golden files anew"]
fn write_anew() {
    let folder = tempfile::tempdir().unwrap();
    let exclusive = OpenOptions::new().exclusive(true);
    // redb closes a file that others share as a killed writer would leave it.
    let store = RedbStore::open_with(folder.path().join(CLOSED), &exclusive).unwrap();
    golden::record(&store);
    drop(store);
    let mut open = Vec::new();
    for (name, options) in [(KILLED, OpenOptions::new()), (UNCLEAN, exclusive)] {
        let store = RedbStore::open_with(folder.path().join(name), &options).unwrap();
        golden::record_beginning(&store);
        drop(store);
        let store = RedbStore::open_with(folder.path().join(name), &options).unwrap();
        golden::record_a_little_more(&store);
        open.push(store);
    }
    // Copied while open: what a killed writer leaves behind.
    files::copy_all(&[CLOSED, KILLED, UNCLEAN], folder.path(), &golden_folder());
}
