//! The quick form of the power cuts.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use tooltally_reliability::Backend;
use tooltally_reliability::power::{Durability, Options, Outcome, run};

fn cut(backend: Backend, durability: Durability) -> Outcome {
    cut_by(&Options { backend, durability, images: 160, events: 700, migrating: false, seed: 4 })
}

fn cut_by(options: &Options) -> Outcome {
    let outcome = run(options, &|_| {}).unwrap();
    assert_eq!(outcome.images, options.images);
    outcome
}

#[test]
fn a_power_cut_takes_nothing_acknowledged_from_sqlite() {
    assert_eq!(cut(Backend::Sqlite, Durability::Full).lost, 0);
}

#[test]
fn a_power_cut_takes_only_a_suffix_from_a_relaxed_sqlite() {
    assert!(cut(Backend::Sqlite, Durability::Relaxed).lost > 0, "it is no more relaxed than the other");
}

#[test]
fn a_power_cut_takes_nothing_acknowledged_from_redb() {
    assert_eq!(cut(Backend::Redb, Durability::Full).lost, 0);
    assert_eq!(cut(Backend::Redb, Durability::Relaxed).lost, 0);
}

#[test]
fn a_power_cut_takes_nothing_acknowledged_from_an_exclusive_redb() {
    assert_eq!(cut(Backend::RedbExclusive, Durability::Full).lost, 0);
}

#[test]
fn a_power_cut_leaves_a_migration_done_or_not_begun() {
    for backend in Backend::ALL {
        for durability in [Durability::Full, Durability::Relaxed] {
            let outcome = cut_by(&Options { backend, durability, images: 60, events: 200, migrating: true, seed: 4 });
            assert!(outcome.points > 3, "{outcome}");
        }
    }
}
