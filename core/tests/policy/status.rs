//! Status against a plain model: the rule's words, applied to the whole history, one call after another.

use std::time::Duration;

use proptest::prelude::*;
use tooltally_core::policy::status::{Call, Rule, Segment, Standing, State, Status};
use tooltally_core::{Outcome, Position, RecentOutcome, RecentOutcomes, Timestamp};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

/// The rule as it is written, with nothing forgotten and nothing composed.
#[derive(Debug, PartialEq)]
enum Plain {
    Active,
    Demoted,
    Probation,
}

/// `numbers`: failures, window, successes. Gaps of `rest` and more are rests.
fn plain(calls: &[Call], (failures, window, successes): (usize, usize, usize), rest: i64, now: i64) -> Plain {
    let mut status = Plain::Active;
    let mut finished: Vec<bool> = Vec::new();
    // Where the calls begin that count towards a demotion.
    let mut counted_from = 0;
    for (index, call) in calls.iter().enumerate() {
        if index > 0 && status == Plain::Demoted && call.time.as_micros() - calls[index - 1].time.as_micros() >= rest {
            status = Plain::Probation;
        }
        let Some(failed) = call.failed else { continue };
        finished.push(failed);
        match status {
            Plain::Active => {
                let window = &finished[counted_from.max(finished.len().saturating_sub(window))..];
                if failed && window.iter().filter(|failed| **failed).count() >= failures {
                    status = Plain::Demoted;
                }
            }
            Plain::Demoted | Plain::Probation if failed => status = Plain::Demoted,
            Plain::Demoted | Plain::Probation => {
                let enough = finished.len().checked_sub(successes);
                if enough.is_some_and(|first| finished[first..].iter().all(|failed| !failed)) {
                    status = Plain::Active;
                    counted_from = finished.len();
                }
            }
        }
    }
    let rested = calls.last().is_some_and(|last| now - last.time.as_micros() >= rest);
    if status == Plain::Demoted && rested { Plain::Probation } else { status }
}

fn told(status: Status) -> Plain {
    match status.state {
        State::Active { .. } => Plain::Active,
        State::Demoted { .. } => Plain::Demoted,
        State::Probation { .. } => Plain::Probation,
    }
}

/// Calls with gaps from none to more than a rest, equal times among them, in order.
fn calls() -> impl Strategy<Value = Vec<Call>> {
    let gap = prop_oneof![4 => Just(0), 4 => 1..HOUR, 1 => 6 * DAY..8 * DAY, 1 => Just(7 * DAY)];
    let is_finished = prop_oneof![6 => Just(true), 1 => Just(false)];
    let call = (gap, any::<bool>(), any::<bool>(), is_finished);
    (proptest::collection::vec(call, 0..60), 0.1..0.9_f64).prop_map(|(calls, rate)| {
        let (mut time, mut position) = (0, 0);
        calls
            .into_iter()
            .map(|(gap, first, second, is_finished)| {
                time += gap;
                position += 1;
                let failed = if rate < 0.5 { first && second } else { first };
                Call { time: at(time), position: Position::new(position), failed: is_finished.then_some(failed) }
            })
            .collect()
    })
}

fn rule() -> impl Strategy<Value = (Rule, (usize, usize, usize))> {
    prop_oneof![
        2 => Just((3_u8, 5_u8, 3_u8)),
        1 => (1..=8_u8, 1..=8_u8, 1..=8_u8).prop_map(|(failures, window, successes)| {
            (failures.min(window), window, successes)
        }),
    ]
    .prop_map(|(failures, window, successes)| {
        let rule = Rule::default().demote(failures, window).unwrap().restore(successes).unwrap();
        (rule, (failures.into(), window.into(), successes.into()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_status_is_what_the_rule_says_of_the_whole_history(
        calls in calls(), (rule, numbers) in rule(), later in 0..9 * DAY, seed in any::<u64>(),
    ) {
        let now = calls.last().map_or(0, |call| call.time.as_micros()) + later;
        let expected = plain(&calls, numbers, 7 * DAY, now);
        // In whatever order the log has them.
        let mut shuffled = calls.clone();
        let turn = usize::try_from(seed % 97).unwrap() % calls.len().max(1);
        shuffled.rotate_left(turn);
        shuffled.reverse();
        let history = Segment::of_calls(rule, shuffled);
        prop_assert_eq!(told(Status::new(&rule, &history, at(now))), expected);
    }

    #[test]
    fn segments_compose_in_order_however_they_are_split(
        calls in calls(), (rule, _) in rule(), cuts in (0..60_usize, 0..60_usize),
    ) {
        let (first, second) = (cuts.0.min(cuts.1).min(calls.len()), cuts.0.max(cuts.1).min(calls.len()));
        let segment = |calls: &[Call]| Segment::of_calls(rule, calls.iter().copied());
        let (a, b, c) = (segment(&calls[..first]), segment(&calls[first..second]), segment(&calls[second..]));
        let whole = segment(&calls);
        let left = a.then(&b).unwrap().then(&c).unwrap();
        let right = a.then(&b.then(&c).unwrap()).unwrap();
        prop_assert_eq!(&left, &whole);
        prop_assert_eq!(&right, &whole);
        prop_assert_eq!(whole.then(&Segment::empty(rule)).unwrap(), whole.clone());
        prop_assert_eq!(Segment::empty(rule).then(&whole).unwrap(), whole.clone());
        if !a.eq(&Segment::empty(rule)) && !whole.eq(&Segment::empty(rule)) {
            prop_assert_eq!(whole.then(&a), None, "what overlaps has no order");
        }
    }

    #[test]
    fn a_suffix_that_decides_is_right_whatever_came_before(
        calls in calls(), (rule, numbers) in rule(), kept in 0..60_usize,
    ) {
        let suffix = &calls[calls.len().saturating_sub(kept)..];
        let now = calls.last().map_or(0, |call| call.time.as_micros());
        if let Some(state) = Segment::of_calls(rule, suffix.iter().copied()).state_in_any_case() {
            prop_assert_eq!(state, Segment::of_calls(rule, calls.iter().copied()).state());
            let history = Segment::of_calls(rule, suffix.iter().copied());
            prop_assert_eq!(told(Status::new(&rule, &history, at(now))), plain(&calls, numbers, 7 * DAY, now));
        }
    }

    #[test]
    fn recent_outcomes_decide_or_say_that_they_do_not(
        outcomes in proptest::collection::vec((0..5_u8, 0..3 * DAY), 0..40),
    ) {
        let rule = Rule::default();
        let mut recent = RecentOutcomes::default();
        let (mut all, mut time) = (Vec::new(), 0);
        for (position, (code, gap)) in (1..).zip(&outcomes) {
            time += gap;
            let outcome = Outcome::from_code(*code).unwrap();
            let entry = RecentOutcome { time: at(time), position: Position::new(position), outcome };
            recent.record(entry);
            all.push(Call::from(&entry));
        }
        let now = at(time);
        let is_all = outcomes.len() <= RecentOutcomes::KEPT;
        let expected = Status::new(&rule, &Segment::of_calls(rule, all), now);
        let found = Status::from_recent(&rule, &recent, is_all, now);
        prop_assert!(found.is_none_or(|found| found == expected));
        prop_assert!(!is_all || found.is_some());
    }
}

/// A history from letters: `F` failed, `S` succeeded, `I` was interrupted, `.` a rest of seven days; all else an hour
/// apart.
fn history(letters: &str) -> (Segment, i64) {
    let (mut time, mut calls) = (0, Vec::new());
    for letter in letters.chars() {
        time += if letter == '.' { 7 * DAY - HOUR } else { HOUR };
        if letter != '.' {
            let position = Position::new(calls.len() as u64 + 1);
            calls.push(Call { time: at(time), position, failed: (letter != 'I').then_some(letter == 'F') });
        }
    }
    (Segment::of_calls(Rule::default(), calls), time)
}

fn standing(letters: &str) -> Standing {
    let (history, now) = history(letters);
    // A rest at the end is one of the clock.
    let now = if letters.ends_with('.') { now + HOUR } else { now };
    Status::new(&Rule::default(), &history, at(now)).standing()
}

#[test]
fn the_rule_by_examples() {
    use Standing::{Active, Demoted, Probation};
    for (letters, expected) in [
        ("", Active),
        ("FF", Active),
        ("FFF", Demoted),
        ("FSFSF", Demoted),
        ("FSSFSF", Active),
        // One lucky call, or two, restore nothing; three do.
        ("FFFS", Demoted),
        ("FFFSS", Demoted),
        ("FFFSSS", Active),
        ("FFFSSFSSFSS", Demoted),
        // Only calls after the restoration count.
        ("FFFSSSFF", Active),
        ("FFFSSSFFF", Demoted),
        // Rest gives another chance: at the clock, and in between calls.
        ("FFF.", Probation),
        ("FFF.S", Probation),
        ("FFF.F", Demoted),
        ("FFF.SF", Demoted),
        ("FFF.SS", Probation),
        ("FFF.SSS", Active),
        ("FFFSS.S", Active),
        ("FFF.F.", Probation),
        // What did not finish takes no place; but while it is called, a tool does not rest.
        ("FIFIF", Demoted),
        ("FFFSISIS", Active),
        ("FFF.I", Probation),
        ("FFF.IF", Demoted),
        ("FFFI.", Probation),
        // It helps nobody who is active.
        ("FF.", Active),
        ("FF.F", Demoted),
    ] {
        assert_eq!(standing(letters), expected, "{letters}");
    }
}

#[test]
fn what_forces_nothing_needs_the_whole_history() {
    let pattern = "SSF".repeat(40);
    assert_eq!(standing(&pattern), Standing::Active);
    assert_eq!(standing(&format!("FFF{pattern}")), Standing::Demoted);
    assert_eq!(history(&pattern).0.state_in_any_case(), None);
    assert_eq!(history(&format!("{pattern}SSS")).0.state_in_any_case(), Some(State::NEW));
    assert_eq!(history("SFFF").0.state_in_any_case(), Some(State::Demoted { successes: 0 }));
}

#[test]
fn a_clock_that_stands_before_the_last_call_has_not_rested() {
    let (history, _) = history("FFF");
    assert_eq!(Status::new(&Rule::default(), &history, at(0)).standing(), Standing::Demoted);
}

#[test]
fn stale_is_removed_or_unseen_and_both_are_told() {
    let rule = Rule::default().unseen_after(Duration::from_hours(24 * 30));
    let status = |letters, removed, seen: Option<i64>| {
        let (history, now) = history(letters);
        Status::new(&rule, &history, at(now + 30 * DAY)).removed(removed).last_seen(
            &rule,
            seen.map(at),
            at(now + 30 * DAY),
        )
    };
    let unseen = status("S", false, Some(HOUR));
    assert_eq!((unseen.standing(), unseen.removed, unseen.unseen), (Standing::Stale, false, true));
    let removed = status("S", true, Some(2 * HOUR));
    assert_eq!((removed.standing(), removed.removed, removed.unseen), (Standing::Stale, true, false));
    assert_eq!(status("S", true, Some(0)).standing().as_str(), "stale");
    // Nothing is known of a tool that was neither called nor discovered.
    assert_eq!(status("", false, None).standing(), Standing::Active);
    // Unseen for 30 days, a demoted tool has rested too: it has another chance, and is stale.
    assert_eq!(status("FFF", false, Some(HOUR)).standing(), Standing::Stale);
}

#[test]
fn sixteen_outcomes_nearly_always_decide() {
    use tooltally_core::policy::evaluate::Random;
    let mut random = Random::new(1);
    let mut undecided = [0_u32; 2];
    for rate in [0.05, 0.2, 0.35, 0.5, 0.65, 0.8] {
        for _ in 0..3_000 {
            let letters: String = (0..64).map(|_| if random.happens(rate) { 'F' } else { 'S' }).collect();
            undecided[0] += u32::from(history(&letters[48..]).0.state_in_any_case().is_none());
            undecided[1] += u32::from(history(&letters).0.state_in_any_case().is_none());
        }
    }
    assert!(undecided[0] < 18 && undecided[1] == 0, "{undecided:?} of 18,000");
}
