//! The quick form of the faulty disk.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use tooltally_reliability::Backend;
use tooltally_reliability::faults::{Options, run};

fn sweep(backend: Backend) {
    let outcome = run(&Options { backend, sweep: 2, seed: 4 }, &mut |_| {}).unwrap();
    assert!(outcome.failed > 40, "{outcome}");
}

#[test]
fn a_faulty_disk_takes_nothing_from_sqlite() {
    sweep(Backend::Sqlite);
}

#[test]
fn a_faulty_disk_takes_nothing_from_redb() {
    sweep(Backend::Redb);
}

#[test]
fn a_faulty_disk_takes_nothing_from_an_exclusive_redb() {
    sweep(Backend::RedbExclusive);
}
