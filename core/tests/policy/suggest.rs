//! Suggestion: probabilities that are some, limits that hold without a state, and nearer evidence before farther.

use proptest::prelude::*;
use tooltally_core::policy::suggest::{Model, Pace, Prediction};
use tooltally_core::{EventId, Outcome, Project, SessionId, Timestamp, ToolName, ToolUse, Trail};

/// A call of a session, in the project of a path if there is one.
fn call(session: &str, tool: u8, project: Option<&str>) -> ToolUse {
    let (id, tool) = (EventId::derived(&[session, "a call"]), ToolName::new(format!("t{tool}")).unwrap());
    let call = ToolUse::new(id, tool, Outcome::Success, Timestamp::from_micros(0).unwrap());
    let call = call.session(SessionId::new(session).unwrap());
    match project {
        Some(path) => call.project(Project::from_path(path).unwrap()),
        None => call,
    }
}

fn session() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0..5_u8, 0..25)
}

/// Sessions, and in which of three projects each is; 0 is none.
fn sessions() -> impl Strategy<Value = Vec<(Vec<u8>, u8)>> {
    proptest::collection::vec((session(), 0..3_u8), 0..12)
}

const PROJECTS: [Option<&str>; 3] = [None, Some("/one"), Some("/two")];

fn calls(name: &str, tools: &[u8], project: u8) -> Vec<ToolUse> {
    tools.iter().map(|tool| call(name, *tool, PROJECTS[usize::from(project)])).collect()
}

/// The sessions' calls, those of all sessions in turn if they are `interleaved`.
fn history(sessions: &[(Vec<u8>, u8)], interleaved: bool) -> Vec<ToolUse> {
    let each = |(number, (tools, project)): (usize, &(Vec<u8>, u8))| calls(&number.to_string(), tools, *project);
    let sessions: Vec<Vec<ToolUse>> = sessions.iter().enumerate().map(each).collect();
    if !interleaved {
        return sessions.concat();
    }
    let longest = sessions.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|index| sessions.iter().filter_map(move |session| session.get(index))).cloned().collect()
}

proptest! {
    #[test]
    fn probabilities_are_a_distribution_with_room_for_the_unknown(
        before in sessions(), session in session(), project in 0..3_u8, longest in 0..5_usize,
    ) {
        let trail = Trail::of(&history(&before, false), &calls("asked", &session, project));
        let model = Model { longest_context: longest, ..Model::default() };
        let forecast = model.predict(&trail);
        let sum: f64 = forecast.ranked.iter().map(|prediction| prediction.probability).sum();
        prop_assert!(forecast.ranked.is_empty() || (sum > 0.0 && sum < 1.0 + 1e-9), "{sum}");
        prop_assert!(forecast.ranked.iter().all(|p| p.probability > 0.0 && p.probability < 1.0));
        let is_before = |a: &Prediction, b: &Prediction| {
            b.probability.total_cmp(&a.probability).then_with(|| a.tool.cmp(&b.tool)).is_le()
        };
        let is_sorted = forecast.ranked.is_sorted_by(is_before);
        prop_assert!(is_sorted);
        prop_assert!(forecast.depth <= session.len().min(3).min(longest));
        // Every tool of the trail is known, and no other.
        let mut known: Vec<ToolName> = forecast.ranked.into_iter().map(|prediction| prediction.tool).collect();
        known.sort();
        let mut expected = trail.tools;
        expected.sort();
        prop_assert_eq!(known, expected);
    }

    /// Only what follows what in each session counts: not how sessions lie beside each other.
    #[test]
    fn sessions_at_once_teach_what_sessions_one_after_another_do(before in sessions(), session in session()) {
        let asked = calls("asked", &session, 1);
        let ranked = |interleaved| Model::default().predict(&Trail::of(&history(&before, interleaved), &asked));
        prop_assert_eq!(ranked(true), ranked(false));
    }

    #[test]
    fn what_was_suggested_never_changes_and_the_limits_hold(
        before in sessions(), session in session(), threshold in 0.2..0.7_f64, apart in 1..6_usize, most in 0..4_usize,
    ) {
        let (before, asked) = (history(&before, true), calls("asked", &session, 1));
        let pace = Pace { threshold, most, apart, quiet: 3 };
        let model = Model::default();
        let all = model.suggestions(&pace, &Trail::of(&before, &asked));
        prop_assert!(all.len() <= most);
        prop_assert!(all.iter().all(|made| made.after >= 3 && made.confidence >= threshold));
        prop_assert!(all.windows(2).all(|pair| pair[1].after - pair[0].after >= apart));
        for length in 0..=asked.len() {
            let trail = Trail::of(&before, &asked[..length]);
            let expected: Vec<_> = all.iter().filter(|made| made.after <= length).cloned().collect();
            prop_assert_eq!(&model.suggestions(&pace, &trail), &expected);
            prop_assert_eq!(model.suggest(&pace, &trail), expected.into_iter().find(|made| made.after == length));
        }
        // A suggestion is the best of the forecast at its place, with its reason.
        for made in all {
            let forecast = model.predict(&Trail::of(&before, &asked[..made.after]));
            prop_assert_eq!((&forecast.ranked[0].tool, forecast.ranked[0].probability), (&made.tool, made.confidence));
            prop_assert_eq!((forecast.depth, forecast.calls), (made.context.len(), made.seen));
            let last: Vec<&ToolName> = asked[made.after - forecast.depth..made.after].iter().map(|c| &c.tool).collect();
            prop_assert_eq!(made.context.iter().collect::<Vec<_>>(), last);
        }
    }
}

/// Sessions of one habit in one project, of another in another.
#[test]
fn the_project_counts_before_all_projects_and_the_session_before_the_project() {
    let habit = |next: u8, project: u8| ([0, next].into_iter().cycle().take(20).collect::<Vec<_>>(), project);
    let before = history(&[vec![habit(1, 1); 5], vec![habit(2, 2); 45]].concat(), false);
    let best = |tools: &[u8], project: u8| {
        let trail = Trail::of(&before, &calls("asked", tools, project));
        Model::default().predict(&trail).ranked[0].tool.to_string()
    };
    assert_eq!(best(&[0], 0), "t2");
    assert_eq!(best(&[0], 1), "t1");
    assert_eq!(best(&[0; 20], 1), "t0");
}

#[test]
fn nothing_is_known_at_the_beginning() {
    let model = Model::default();
    assert!(model.predict(&Trail::default()).ranked.is_empty());
    assert_eq!(model.suggest(&Pace::default(), &Trail::default()), None);
    let first = Trail::of(&[], &calls("asked", &[1], 0));
    assert_eq!(model.predict(&first).ranked[0].tool.as_str(), "t1");
}
