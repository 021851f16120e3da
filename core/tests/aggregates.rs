//! The laws of the aggregates: monoids, any order of folding, quantiles against sorted values.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use proptest::prelude::*;
use tooltally_core::{
    Aggregate, Event, EventId, Outcome, Position, RecentOutcomes, Recorded, Sketch, Timestamp, ToolDuration, ToolName,
    ToolUse, Usage,
};

prop_compose! {
    fn recorded()(
        position in 1..5000_u64,
        time in 0..4000_i64,
        outcome in 0..5_u8,
        duration in proptest::option::of(prop_oneof![0..100_u64, 0..20_000_000_u64, 0..=ToolDuration::MAX.as_micros()]),
    ) -> Recorded {
        let id = EventId::derived(&[position.to_le_bytes()]);
        let outcome = Outcome::from_code(outcome).unwrap();
        let time = Timestamp::from_micros(time).unwrap();
        let mut event = ToolUse::new(id, ToolName::new("Bash").unwrap(), outcome, time);
        event.duration = duration.map(|micros| ToolDuration::from_micros(micros).unwrap());
        Recorded { position: Position::new(position), event: event.into() }
    }
}

/// Each position once: a log has no two events in one place.
fn log() -> impl Strategy<Value = Vec<Recorded>> {
    proptest::collection::vec(recorded(), 0..120).prop_map(|mut log| {
        log.sort_by_key(|r| r.position);
        log.dedup_by_key(|r| r.position);
        log
    })
}

fn fold<A: Aggregate>(log: &[Recorded]) -> A {
    let mut aggregate = A::default();
    for recorded in log {
        aggregate.apply(recorded);
    }
    aggregate
}

fn merged<A: Aggregate + Clone>(a: &A, b: &A) -> A {
    let mut sum = a.clone();
    sum.merge(b);
    sum
}

/// Holds an aggregate to its laws on three stretches of a log.
fn check_laws<A: Aggregate + Clone + PartialEq + std::fmt::Debug>(log: &[Recorded], cuts: (usize, usize)) {
    let (first, second) = (cuts.0.min(cuts.1).min(log.len()), cuts.0.max(cuts.1).min(log.len()));
    let (a, b, c) = (fold::<A>(&log[..first]), fold::<A>(&log[first..second]), fold::<A>(&log[second..]));
    let whole = fold::<A>(log);
    assert_eq!(merged(&merged(&a, &b), &c), whole, "a split changes nothing");
    assert_eq!(merged(&a, &merged(&b, &c)), whole, "merge is associative");
    assert_eq!(merged(&merged(&c, &a), &b), whole, "merge is commutative");
    assert_eq!(merged(&whole, &A::default()), whole, "the identity changes nothing on the right");
    assert_eq!(merged(&A::default(), &whole), whole, "nor on the left");
    let reversed: Vec<Recorded> = log.iter().rev().cloned().collect();
    assert_eq!(fold::<A>(&reversed), whole, "any order folds to the same");
}

proptest! {
    #[test]
    fn usage_is_a_commutative_monoid(log in log(), cuts in (0..120_usize, 0..120_usize)) {
        check_laws::<Usage>(&log, cuts);
    }

    #[test]
    fn recent_outcomes_are_a_commutative_monoid(log in log(), cuts in (0..120_usize, 0..120_usize)) {
        check_laws::<RecentOutcomes>(&log, cuts);
        let mut expected: Vec<_> = log.iter().map(|r| (r.event.time(), r.position)).collect();
        expected.sort_unstable_by(|a, b| b.cmp(a));
        expected.truncate(RecentOutcomes::KEPT);
        let kept: Vec<_> = fold::<RecentOutcomes>(&log).iter().map(|r| (r.time, r.position)).collect();
        prop_assert_eq!(kept, expected);
    }

    #[test]
    fn usage_counts_what_a_plain_count_does(log in log()) {
        let usage: Usage = fold(&log);
        let uses = |log: &[Recorded]| log.iter().map(|r| match &r.event {
            Event::ToolUse(u) => (u.outcome, u.time, u.duration.map(ToolDuration::as_micros)),
            _ => unreachable!("there is one kind of event"),
        }).collect::<Vec<_>>();
        let uses = uses(&log);
        prop_assert_eq!(usage.uses(), uses.len() as u64);
        for outcome in Outcome::ALL {
            prop_assert_eq!(usage.count(outcome), uses.iter().filter(|u| u.0 == outcome).count() as u64);
        }
        prop_assert_eq!(usage.first_used(), uses.iter().map(|u| u.1).min());
        prop_assert_eq!(usage.last_used(), uses.iter().map(|u| u.1).max());
        let durations: Vec<u64> = uses.iter().filter_map(|u| u.2).collect();
        prop_assert_eq!(usage.durations().measured(), durations.len() as u64);
        prop_assert_eq!(usage.durations().max_micros(), durations.iter().copied().max());
        prop_assert_eq!(usage.durations().sum_micros(), durations.iter().map(|d| u128::from(*d)).sum::<u128>());
    }

    #[test]
    fn quantiles_are_nearest_rank_within_two_percent(
        mut values in proptest::collection::vec(
            prop_oneof![0..70_u64, 1000..20_000_000_u64, 0..=ToolDuration::MAX.as_micros()], 1..400),
        q in 0.0..=1.0_f64,
    ) {
        let mut sketch = Sketch::default();
        for value in &values {
            sketch.record(*value);
        }
        values.sort_unstable();
        for q in [q, 0.0, 0.5, 0.95, 0.99, 1.0] {
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss,
                reason = "the rank of a few hundred values")]
            let rank = ((q * values.len() as f64).ceil() as usize).max(1);
            let (exact, found) = (values[rank - 1], sketch.quantile(q).unwrap());
            prop_assert!(exact.abs_diff(found) <= exact / 50, "{q}: {found} for {exact}");
        }
    }
}

#[test]
fn an_empty_sketch_has_no_quantile() {
    assert_eq!(Sketch::default().quantile(0.5), None);
    assert_eq!(Usage::default().durations().mean_micros(), None);
    assert_eq!(Usage::default().durations().max_micros(), None);
}

#[test]
fn a_quantile_is_never_above_the_longest() {
    for micros in (60..5000).chain(1_000_000..1_040_000) {
        let mut usage = Usage::default();
        usage.record(Outcome::Success, Timestamp::MIN, Some(ToolDuration::from_micros(micros).unwrap()));
        let found = usage.durations().quantile_micros(0.5).unwrap();
        assert!(found <= micros && micros - found <= micros / 50, "{found} for {micros}");
    }
}

/// Sums of sums, far beyond what any log holds: they stop, and nothing panics.
#[test]
fn counts_stop_at_the_highest_number() {
    let mut usage = Usage::default();
    for outcome in Outcome::ALL {
        for micros in [0, 70, ToolDuration::MAX.as_micros()] {
            usage.record(outcome, Timestamp::MAX, Some(ToolDuration::from_micros(micros).unwrap()));
        }
    }
    for _ in 0..200 {
        usage.merge(&usage.clone());
    }
    let durations = usage.durations();
    assert_eq!((usage.uses(), usage.count(Outcome::Failure), durations.measured()), (u64::MAX, u64::MAX, u64::MAX));
    assert_eq!((durations.sum_micros(), durations.max_micros()), (u128::MAX, Some(ToolDuration::MAX.as_micros())));
    assert!(durations.mean_micros().unwrap().is_finite());
    assert!([0.0, 0.5, 1.0].iter().all(|q| durations.quantile_micros(*q).is_some()));
    usage.record(Outcome::Success, Timestamp::MIN, ToolDuration::from_micros(70).ok());
    assert_eq!((usage.uses(), usage.first_used()), (u64::MAX, Some(Timestamp::MIN)));
}
