//! The replay: it learns only from the past, and on histories of known structure the model beats the plain ways.

use tooltally_core::policy::evaluate::{Call, Options, Random, Score, in_order_of_time, replay};
use tooltally_core::policy::suggest::Prediction;
use tooltally_core::{SessionId, Timestamp, ToolName};

use crate::histories::{HABITS, Habit, history};

fn call(session: &str, tool: &str, time: i64) -> Call {
    Call {
        session: Some(SessionId::new(session).unwrap()),
        project: None,
        tool: ToolName::new(tool).unwrap(),
        time: Timestamp::from_micros(time).unwrap(),
    }
}

#[test]
fn the_model_beats_every_baseline_on_every_generated_history() {
    for habit in HABITS {
        for seed in 1..=3 {
            let report = replay(history(habit, seed), &Options::default());
            let ranks = |score: &Score| [score.hit_at_1(), score.hit_at_3(), score.mean_reciprocal_rank()];
            println!(
                "{habit:?} {seed}: model {:.3?} most used {:.3?} repeat {:.3?} last five {:.3?} error {:.3?}",
                ranks(&report.model).map(Option::unwrap),
                ranks(&report.most_used).map(Option::unwrap),
                ranks(&report.repeat_last).map(Option::unwrap),
                ranks(&report.last_five).map(Option::unwrap),
                report.model.calibration_error().unwrap(),
            );
            for baseline in [&report.most_used, &report.repeat_last, &report.last_five] {
                for (model, plain) in ranks(&report.model).into_iter().zip(ranks(baseline)) {
                    assert!(model > plain, "{habit:?}, seed {seed}: {report:?}");
                }
            }
            // Where the past is another rule's, probabilities come out too high at first.
            let most = if matches!(habit, Habit::Drifting | Habit::Session) { 0.15 } else { 0.1 };
            assert!(report.model.calibration_error().unwrap() < most, "{habit:?}, seed {seed}: {report:?}");
        }
    }
}

#[test]
fn nobody_foresees_what_is_random() {
    // One of eight tools, each time anew: whoever hits more often has seen what it should foresee.
    let mut random = Random::new(1);
    let mut calls = history(HABITS[0], 1);
    for call in &mut calls {
        call.tool = ToolName::new(format!("tool{}", random.next() % 8)).unwrap();
    }
    let report = replay(calls, &Options::default());
    for score in [&report.model, &report.most_used, &report.repeat_last, &report.last_five] {
        let hits = score.hit_at_1().unwrap();
        // Four standard deviations of 3,480 calls.
        assert!((hits - 0.125).abs() < 0.0225, "{report:?}");
    }
}

#[test]
fn a_call_is_learnt_when_its_session_has_got_to_it() {
    // Session a has a late event: by position it comes after one that ended later.
    let calls =
        vec![call("a", "1", 10), call("a", "2", 50), call("a", "3", 20), call("b", "4", 30), call("b", "5", 60)];
    let ordered: Vec<String> = in_order_of_time(calls).into_iter().map(|call| call.tool.as_str().to_owned()).collect();
    assert_eq!(ordered, ["1", "4", "2", "3", "5"]);
}

#[test]
fn a_session_is_foreseen_from_its_second_call_on_and_calls_without_one_never() {
    let lonely = Call { session: None, ..call("x", "a", 0) };
    let calls = vec![lonely.clone(), call("s", "a", 1), call("s", "a", 2), call("t", "a", 3), lonely];
    let report = replay(calls, &Options::default());
    assert_eq!((report.calls, report.sessions), (5, 2));
    for score in [&report.model, &report.most_used, &report.repeat_last, &report.last_five] {
        assert_eq!(score.calls(), 1);
    }
    assert_eq!(report.most_used.hit_at_1(), Some(1.0));
    assert_eq!(report.repeat_last.hit_at_1(), Some(1.0));
    // Nothing had followed anything yet.
    assert_eq!(report.last_five.hit_at_1(), Some(0.0));
}

#[test]
fn a_score_counts_ranks_coverage_and_calibration() {
    let tool = |name: &str| ToolName::new(name).unwrap();
    let expect = |first: f64| {
        let each = |name, probability| Prediction { tool: tool(name), probability };
        vec![each("a", first), each("b", 0.1), each("c", 0.05), each("d", 0.01)]
    };
    let mut score = Score::default();
    for (first, came) in [(0.65, "a"), (0.61, "b"), (0.3, "d"), (1.0, "a"), (0.6, "unknown")] {
        score.record(&expect(first), &tool(came), 0.6);
    }
    score.record(&[], &tool("a"), 0.6);
    let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-12;
    assert!(close(score.hit_at_1(), 2.0 / 6.0) && close(score.hit_at_3(), 3.0 / 6.0));
    assert!(close(score.mean_reciprocal_rank(), (1.0 + 0.5 + 0.25 + 1.0) / 6.0));
    assert!(close(score.coverage(), 4.0 / 6.0) && close(score.precision(), 2.0 / 4.0));
    let calibration = score.calibration();
    assert_eq!(calibration.iter().map(|range| range.calls).collect::<Vec<_>>(), [0, 0, 0, 1, 0, 0, 3, 0, 0, 1]);
    assert!(close(calibration[6].predicted, (0.65 + 0.61 + 0.6) / 3.0));
    assert!(close(calibration[6].observed, 1.0 / 3.0));
    assert_eq!((calibration[0].predicted, calibration[0].observed), (None, None));
    assert!(close(score.calibration_error(), (0.86 + 0.3) / 5.0));
    let empty = Score::default();
    assert_eq!((empty.hit_at_1(), empty.precision(), empty.calibration_error()), (None, None, None));
}
