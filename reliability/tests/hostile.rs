//! The quick form of the fuzz targets in `fuzz/`: every committed input, and some thousands of seeded changes of them.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, not tests themselves: a panic is how they fail"
)]

use std::fs;
use std::path::{Path, PathBuf};

use tooltally_reliability::Random;
use tooltally_reliability::hostile::TARGETS;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// An input with some bytes changed, put in or taken out; or with the end of another.
fn changed(inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let pick = |random: &mut Random, end: usize| usize::try_from(random.below(end as u64)).unwrap();
    let mut bytes = inputs[pick(random, inputs.len())].clone();
    for _ in 0..=random.below(6) {
        let at = pick(random, bytes.len() + 1);
        let byte = random.next_number().to_le_bytes()[0];
        match random.below(5) {
            0 if at < bytes.len() => bytes[at] = byte,
            1 if at < bytes.len() => bytes[at] ^= 1 << (byte % 8),
            2 => bytes.insert(at, byte),
            3 => drop(bytes.drain(at..(at + usize::from(byte % 9)).min(bytes.len()))),
            _ => {
                let other = &inputs[pick(random, inputs.len())];
                let from = pick(random, other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes
}

/// Runs a target over its corpus, and over so many changes of it.
fn withstands(name: &str, changes: u64) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let inputs = corpus(name);
    assert!(!inputs.is_empty(), "the corpus of {name} is empty");
    for (number, input) in inputs.iter().enumerate() {
        (target.check)(input).unwrap_or_else(|finding| panic!("input {number} of {name}: {finding}"));
    }
    for number in 0..changes {
        let input = changed(&inputs, &mut Random::for_round(1, number));
        (target.check)(&input).unwrap_or_else(|finding| panic!("change {number} of {name}, {input:?}: {finding}"));
    }
}

macro_rules! replays {
    ($($name:ident: $changes:literal,)*) => {
        $(#[test]
        fn $name() {
            withstands(stringify!($name), $changes);
        })*

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$(stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), replayed);
        }
    };
}

replays! {
    hook_payload: 2000,
    transcript: 1000,
    hook_log: 1000,
    event_lines: 1000,
    instant: 200,
    store_url: 5000,
    log_row: 5000,
    events: 500,
    stored_events: 10,
    predecessor_file: 100,
    predecessor_rows: 100,
    projections: 30,
    sqlite_file: 25,
    sqlite_pages: 12,
    sqlite_rows: 12,
    redb_file: 25,
    redb_pages: 12,
}
