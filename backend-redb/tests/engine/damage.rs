//! Damaged files: errors, never a panic, never a hang, and never a file that others find locked.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::common::{Random, append, read_all};
use tempfile::TempDir;
use tooltally_conformance::events::numbered_all;
use tooltally_core::ledger::{Direction, Engine, Tree};
use tooltally_core::{Error, LogExt, MaintenanceExt, OpenOptions, Position, Result};
use tooltally_redb::{RedbEngine, RedbStore};

/// Everything that one may do with a store.
fn use_all(path: &Path, exclusive: bool) -> Result<()> {
    let options = OpenOptions::new().wait(Duration::from_secs(2)).exclusive(exclusive);
    let engine = RedbEngine::open_with(path, &options)?;
    let read = engine.read(|snapshot| {
        snapshot.rows(Position::new(1), Position::new(u64::MAX), &mut |_, _| Ok(()))?;
        for tree in Tree::ALL {
            for direction in [Direction::Forward, Direction::Backward] {
                snapshot
                    .scan(tree, &[], &[0xff; 20], direction, &mut |_, _| Ok(std::ops::ControlFlow::Continue(())))?;
            }
        }
        Ok(())
    });
    let written = append(&engine, 20);
    let again = append(&engine, 1);
    let checked = engine.check();
    let compacted = engine.compact();
    drop(engine);
    read.and(written).and(again).and(checked).and(compacted)
}

/// The bytes of a file of 450 rows, closed, or as a writer leaves it that is killed.
fn bytes_of_a_store(options: &OpenOptions, is_closed: bool) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("usage.redb");
    let engine = RedbEngine::open_with(&path, options).unwrap();
    for _ in 0..3 {
        append(&engine, 150).unwrap();
    }
    if is_closed {
        drop(engine);
    }
    fs::read(&path).unwrap()
}

#[test]
fn flipped_bytes_and_cut_ends_never_panic() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("usage.redb");
    let closed = bytes_of_a_store(&OpenOptions::new(), true);
    let left = bytes_of_a_store(&OpenOptions::new().exclusive(true), false);
    let mut random = Random(7);
    let mut damaged = 0;
    let seeds = std::env::var("TOOLTALLY_DAMAGE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(200);
    for seed in 0..seeds {
        let whole = if seed % 16 < 8 { &closed } else { &left };
        let mut bytes = whole.clone();
        match seed % 4 {
            0 => bytes.truncate(random.below(whole.len())),
            // The header and the first pages hold the most to stumble over.
            1 => (0..2).for_each(|_| bytes[9 + random.below(311)] ^= 1 << random.below(8)),
            2 => (0..64).for_each(|_| bytes[4096 + random.below(whole.len() - 4096)] ^= 1 << random.below(8)),
            _ => {
                let page = random.below(whole.len() / 4096 - 1) + 1;
                let from = random.below(whole.len() / 4096) * 4096;
                bytes.copy_within(from..from + 4096, page * 4096);
            }
        }
        fs::write(&path, &bytes).unwrap();
        match use_all(&path, seed % 8 < 4) {
            Ok(()) => {}
            Err(Error::Corrupt { .. } | Error::NotAStore { .. }) => damaged += 1,
            Err(error) => panic!("seed {seed}: {error:?} {:?}", std::error::Error::source(&error)),
        }
        // Nothing of it is still locked.
        fs::write(&path, whole).unwrap();
        let sound = RedbEngine::open_with(&path, &OpenOptions::new().wait(Duration::ZERO)).unwrap();
        assert_eq!(sound.read(|snapshot| snapshot.head()).unwrap(), Position::new(450), "seed {seed}");
    }
    assert!(damaged > seeds / 4, "{damaged}");
}

/// A flipped bit in a page's number must not have redb take gigabytes for a page of a small file. It looks at the
/// checksum of the header's latest commit, and at none of the one before, which it reads while the latest is marked.
#[test]
fn a_header_that_names_a_page_longer_than_the_file_is_damaged() {
    const FLAGS_AT: usize = 9;
    const MARK: u8 = 8;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("usage.redb");
    let sound = bytes_of_a_store(&OpenOptions::new(), true);
    let (latest, before) = if sound[FLAGS_AT] & 1 == 0 { (64, 192) } else { (192, 64) };
    for root in [8, 40] {
        for (commit, is_marked) in [(latest, false), (before, false), (before, true)] {
            let mut damaged = sound.clone();
            // 4 KiB, doubled 20 times.
            damaged[commit + root + 7] = 20 << 3;
            damaged[FLAGS_AT] |= if is_marked { MARK } else { 0 };
            fs::write(&path, &damaged).unwrap();
            let outcome = use_all(&path, false);
            if commit == before && !is_marked {
                outcome.unwrap();
                continue;
            }
            let error = outcome.unwrap_err();
            assert!(error.is_corrupt(), "{error:?}");
            assert_eq!(error.to_string().contains("longer than the whole file"), is_marked, "{error}");
        }
    }
}

/// redb tells the first call what is wrong, and each later one only that something was. A rebuild reads and writes on
/// several threads: whichever comes first, what is answered is the damage.
#[test]
fn a_rebuild_names_the_damage_whoever_meets_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("usage.redb");
    RedbStore::open(&path).unwrap().record_all(&numbered_all(0..3_000)).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut met = 0;
    for page in (8192..whole.len()).step_by(4096) {
        let mut damaged = whole.clone();
        damaged[page + 2000] ^= 1;
        let store = RedbStore::open(&path).unwrap();
        fs::write(&path, &damaged).unwrap();
        if let Err(error) = store.rebuild_quietly() {
            assert!(error.is_corrupt(), "page at {page}: {error:?}");
            met += 1;
        }
        drop(store);
        fs::write(&path, &whole).unwrap();
    }
    assert!(met > 5, "{met}");
}

#[test]
fn a_handle_that_met_damage_works_again_once_it_is_mended() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("usage.redb");
    append(&RedbEngine::open_with(&path, &OpenOptions::new()).unwrap(), 300).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut met = 0;
    for page in (8192..whole.len()).step_by(4096) {
        let mut damaged = whole.clone();
        damaged[page + 2000] ^= 1;
        let engine = RedbEngine::open_with(&path, &OpenOptions::new()).unwrap();
        fs::write(&path, &damaged).unwrap();
        let read = engine.read(read_all);
        fs::write(&path, &whole).unwrap();
        match read {
            Ok(rows) => assert_eq!(rows, 300),
            Err(error) => {
                assert!(error.is_corrupt(), "{error:?}");
                met += 1;
            }
        }
        assert_eq!(engine.read(read_all).unwrap(), 300, "page at {page}");
    }
    assert!(met > 5, "{met}");
}
