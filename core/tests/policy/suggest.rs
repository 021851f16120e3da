//! Suggestion: counts that merge, probabilities that are some, limits that hold without a state.

use proptest::prelude::*;
use tooltally_core::ToolName;
use tooltally_core::policy::suggest::{ContextCounts, Model, Pace, SessionSoFar, TransitionCounts, Without};

fn tool(number: u8) -> ToolName {
    ToolName::new(format!("t{number}")).unwrap()
}

fn session() -> impl Strategy<Value = Vec<ToolName>> {
    proptest::collection::vec((0..5_u8).prop_map(tool), 0..25)
}

fn sessions() -> impl Strategy<Value = Vec<Vec<ToolName>>> {
    proptest::collection::vec(session(), 0..12)
}

fn counted(sessions: &[Vec<ToolName>]) -> TransitionCounts {
    let mut counts = TransitionCounts::default();
    for session in sessions {
        counts.merge(session.iter().cloned().collect::<SessionSoFar>().counts());
    }
    counts
}

proptest! {
    #[test]
    fn counts_are_a_commutative_monoid(sessions in sessions(), cut in 0..12_usize) {
        let (first, second) = sessions.split_at(cut.min(sessions.len()));
        let (mut there, mut back) = (counted(first), counted(second));
        there.merge(&counted(second));
        back.merge(&counted(first));
        prop_assert_eq!(&there, &back);
        prop_assert_eq!(&there, &counted(&sessions));
        // One call after another, sessions interleaved.
        let mut live = TransitionCounts::default();
        for index in 0..25 {
            for session in sessions.iter().filter(|session| index < session.len()) {
                live.record(&session[..index], &session[index]);
            }
        }
        prop_assert_eq!(&live, &there);
    }

    #[test]
    fn probabilities_are_a_distribution_with_room_for_the_unknown(
        here in sessions(), elsewhere in sessions(), session in session(),
    ) {
        let (project, mut everywhere) = (counted(&here), counted(&elsewhere));
        everywhere.merge(&project);
        let session: SessionSoFar = session.into_iter().collect();
        let forecast = Model::default().predict(&everywhere, Some(&project), &session).unwrap();
        let sum: f64 = forecast.ranked.iter().map(|prediction| prediction.probability).sum();
        prop_assert!(forecast.ranked.is_empty() || (sum > 0.0 && sum < 1.0 + 1e-9), "{sum}");
        prop_assert!(forecast.ranked.iter().all(|p| p.probability > 0.0 && p.probability < 1.0));
        prop_assert!(forecast.ranked.is_sorted_by(|a, b| a.probability >= b.probability));
        prop_assert!(forecast.depth <= session.tools().len().min(3));
    }

    #[test]
    fn taking_the_session_away_leaves_the_others(sessions in sessions(), session in session()) {
        let others = counted(&sessions);
        let mut all = others.clone();
        let session: SessionSoFar = session.into_iter().collect();
        all.merge(session.counts());
        let without = Without::new(&all, session.counts());
        prop_assert_eq!(without.repeats().unwrap(), others.repeats().unwrap());
        let predict = |counts: &dyn ContextCounts| Model::default().predict(counts, Some(counts), &session).unwrap();
        prop_assert_eq!(predict(&without), predict(&others));
    }

    #[test]
    fn what_was_suggested_never_changes_and_the_limits_hold(
        sessions in sessions(), calls in session(), threshold in 0.2..0.7_f64, apart in 1..6_usize, most in 0..4_usize,
    ) {
        let counts = counted(&sessions);
        let pace = Pace { threshold, most, apart, quiet: 3 };
        let model = Model::default();
        let all = model.suggestions(&pace, &counts, Some(&counts), &calls).unwrap();
        prop_assert!(all.len() <= most);
        prop_assert!(all.iter().all(|made| made.after >= 3 && made.confidence >= threshold));
        prop_assert!(all.windows(2).all(|pair| pair[1].after - pair[0].after >= apart));
        for length in 0..=calls.len() {
            let so_far = model.suggestions(&pace, &counts, Some(&counts), &calls[..length]).unwrap();
            let expected: Vec<_> = all.iter().filter(|made| made.after <= length).cloned().collect();
            prop_assert_eq!(&so_far, &expected);
            let now = model.suggest(&pace, &counts, Some(&counts), &calls[..length]).unwrap();
            prop_assert_eq!(now, expected.into_iter().find(|made| made.after == length));
        }
    }
}

/// Sessions of one habit in one project, of another in all others.
#[test]
fn the_project_counts_before_all_projects_and_the_session_before_the_project() {
    let [read, edit, bash] = ["Read", "Edit", "Bash"].map(|name| ToolName::new(name).unwrap());
    let habit = |next: &ToolName| [read.clone(), next.clone()].into_iter().cycle().take(20).collect::<Vec<_>>();
    let project = counted(&vec![habit(&edit); 5]);
    let mut everywhere = counted(&vec![habit(&bash); 50]);
    everywhere.merge(&project);
    let model = Model::default();
    let best = |counts: Option<&TransitionCounts>, calls: Vec<ToolName>| {
        let session = calls.into_iter().collect();
        let forecast = model.predict(&everywhere, counts.map(|counts| counts as &dyn ContextCounts), &session).unwrap();
        forecast.ranked[0].tool.clone()
    };
    assert_eq!(best(None, vec![read.clone()]), bash);
    assert_eq!(best(Some(&project), vec![read.clone()]), edit);
    assert_eq!(best(Some(&project), vec![read.clone(); 20]), read);
}

#[test]
fn nothing_is_known_at_the_beginning() {
    let nothing = TransitionCounts::default();
    let model = Model::default();
    assert!(model.predict(&nothing, None, &SessionSoFar::new()).unwrap().ranked.is_empty());
    assert_eq!(model.suggest(&Pace::default(), &nothing, None, &[]).unwrap(), None);
    let first = [tool(1)].into_iter().collect();
    assert_eq!(model.predict(&nothing, None, &first).unwrap().ranked[0].tool, tool(1));
}
