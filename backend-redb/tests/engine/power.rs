//! A commit of which only a part has reached the disk when the power fails.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::common::{Random, append, head, read_all};
use tempfile::TempDir;
use tooltally_core::ledger::Engine;
use tooltally_core::{OpenOptions, Position};
use tooltally_redb::RedbEngine;

/// What a disk writes in one piece.
const SECTOR: usize = 512;

fn exclusive() -> OpenOptions {
    OpenOptions::new().exclusive(true).wait(Duration::ZERO)
}

/// The file as it was, with some of the sectors that have changed since, and maybe its new length.
fn torn(before: &[u8], after: &[u8], is_longer: bool, is_written: &mut dyn FnMut(usize) -> bool) -> Vec<u8> {
    let mut file = before.to_vec();
    file.resize(if is_longer { after.len() } else { before.len() }, 0);
    for ((number, new), old) in after.chunks(SECTOR).enumerate().zip(file.chunks_mut(SECTOR)) {
        if old != new && is_written(number) {
            old.copy_from_slice(new);
        }
    }
    file
}

/// How many sectors two states of a file differ in.
fn changed(before: &[u8], after: &[u8]) -> usize {
    let mut count = 0;
    torn(before, after, true, &mut |_| {
        count += 1;
        false
    });
    count
}

/// Opens a file in the state after a power loss: it holds all or nothing of the last commit, and is sound.
fn assert_whole(path: &Path, options: &OpenOptions, promised: Position, last: Position) -> Position {
    let engine = RedbEngine::open_with(path, options).unwrap();
    let found = head(&engine).unwrap();
    assert!(found == promised || found == last, "{found} is neither {promised} nor {last}");
    assert_eq!(engine.read(read_all).unwrap(), found.get());
    engine.check().unwrap();
    assert_eq!(append(&engine, 1).unwrap(), found.next());
    found
}

#[test]
fn a_commit_that_the_power_cut_is_there_or_is_not() {
    let folder = TempDir::new().unwrap();
    let (path, image) = (folder.path().join("usage.redb"), folder.path().join("image.redb"));
    let engine = RedbEngine::open_with(&path, &exclusive()).unwrap();
    let mut promised = append(&engine, 200).unwrap();
    let mut before = fs::read(&path).unwrap();
    let mut random = Random(11);
    let (mut there, mut gone, mut grown) = (0, 0, 0);
    for count in [1, 1, 3, 1, 40, 1, 6000, 1, 1] {
        let last = append(&engine, count).unwrap();
        let after = fs::read(&path).unwrap();
        let sectors = changed(&before, &after);
        grown += usize::from(after.len() > before.len());
        for round in 0..16 {
            let mut seen = 0;
            let missing = random.below(sectors);
            let is_written: &mut dyn FnMut(usize) -> bool = &mut |sector| {
                seen += 1;
                match round % 4 {
                    // All but one; the header and few others; any.
                    0 => seen - 1 != missing,
                    1 => sector == 0 || random.below(8) == 0,
                    2 => sector == 0 || random.below(8) != 0,
                    _ => random.below(2) == 0,
                }
            };
            let file = torn(&before, &after, round % 8 < 4, is_written);
            fs::write(&image, file).unwrap();
            let shared = OpenOptions::new().wait(Duration::ZERO);
            let options = if round % 3 == 0 { shared } else { exclusive() };
            let is_there = assert_whole(&image, &options, promised, last) == last;
            *(if is_there { &mut there } else { &mut gone }) += 1;
        }
        fs::write(&image, &after).unwrap();
        assert_eq!(assert_whole(&image, &exclusive(), last, last), last);
        (before, promised) = (after, last);
    }
    assert!(gone > 50 && grown > 0, "{there} there, {gone} not, grown {grown} times");
}

/// A writer marks its commit as unflushed, waits for the disk, and takes the mark away without waiting again. Its
/// next transaction uses the pages that only the commit before had. When the power fails then, the mark may be back.
#[test]
fn a_mark_that_comes_back_leads_nobody_to_pages_that_are_used_again() {
    const FLAGS_AT: usize = 9;
    const PRIMARY_UNFLUSHED: u8 = 1 << 3;
    let folder = TempDir::new().unwrap();
    let (path, image) = (folder.path().join("usage.redb"), folder.path().join("image.redb"));
    let shared = OpenOptions::new().wait(Duration::ZERO);
    let engine = RedbEngine::open_with(&path, &shared).unwrap();
    let mut promised = append(&engine, 200).unwrap();
    let mut random = Random(3);
    for _ in 0..12 {
        let mut before = fs::read(&path).unwrap();
        before[FLAGS_AT] |= PRIMARY_UNFLUSHED;
        let last = append(&engine, 1).unwrap();
        let after = fs::read(&path).unwrap();
        for odds in [1, 2, 3, 8] {
            fs::write(&image, torn(&before, &after, true, &mut |sector| sector > 0 && random.below(odds) == 0))
                .unwrap();
            assert_eq!(assert_whole(&image, &shared, promised, promised), promised);
        }
        promised = last;
    }
}
