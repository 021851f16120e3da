//! The quick form of `damage`: some dozen damaged stores of each backend.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use tooltally_reliability::Backend;
use tooltally_reliability::damage::look;

const FILES: u64 = 45;

fn withstands(backend: Backend) {
    let program = Path::new(env!("CARGO_BIN_EXE_tooltally-reliability"));
    let report = look(program, backend, 4, 0, FILES, &mut || ()).unwrap();
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert!(report.counts.get("images").is_some_and(|images| *images > FILES / 2), "{:?}", report.counts);
}

#[test]
fn sqlite_withstands_damage() {
    withstands(Backend::Sqlite);
}

#[test]
fn redb_withstands_damage() {
    withstands(Backend::Redb);
}

#[test]
fn exclusive_redb_withstands_damage() {
    withstands(Backend::RedbExclusive);
}
