//! What a trail teaches: how often each tool followed each context that its session has.

use super::counts::{Context, Counts};
use super::tables::Tables;
use crate::trail::Trail;

/// What the calls before a session teach about it, in all projects and in its own. Only what followed the session's own
/// contexts is counted: nothing else will be asked for.
#[derive(Debug, Default)]
pub(in crate::policy) struct Learnt {
    /// The calls of all projects.
    pub(super) everywhere: Counts,
    /// Those in the session's project.
    pub(super) here: Counts,
}

impl Learnt {
    pub(in crate::policy) fn from_trail(trail: &Trail) -> Self {
        match Tables::of(trail, asked(trail)) {
            Some(mut tables) => {
                each_before(trail, |before, next, is_here| tables.record(before, next, is_here));
                let [everywhere, here] = tables.into_counts();
                Self { everywhere, here }
            }
            None => Self::without_tables(trail),
        }
    }

    /// The same, however many tools and contexts there are.
    fn without_tables(trail: &Trail) -> Self {
        let mut learnt = Self::default();
        for about in asked(trail) {
            learnt.everywhere.ask(about);
            learnt.here.ask(about);
        }
        each_before(trail, |before, next, is_here| {
            learnt.everywhere.record_asked(before, next);
            if is_here {
                learnt.here.record_asked(before, next);
            }
        });
        learnt
    }
}

/// The contexts of a trail's session.
fn asked(trail: &Trail) -> impl Iterator<Item = Context> {
    let mut context = Context::default();
    let with_next = trail.session.iter().map(move |step| {
        context.push(step.tool);
        context
    });
    std::iter::once(Context::default()).chain(with_next)
}

/// Goes through the calls before a trail's session: what stood before each in its own, its tool, and whether it was made
/// in the session's project.
fn each_before(trail: &Trail, mut visit: impl FnMut(Context, u32, bool)) {
    // The session's first project: with its last one, an answer would change when the project does.
    let project = trail.session.first().map_or(0, |step| step.project);
    let mut sessions: Vec<Context> = Vec::new();
    for step in &trail.before {
        let session = usize::try_from(step.session).unwrap_or(usize::MAX);
        if sessions.len() <= session {
            sessions.resize(session.saturating_add(1), Context::default());
        }
        let Some(before) = sessions.get_mut(session) else { continue };
        visit(*before, step.tool, project != 0 && step.project == project);
        before.push(step.tool);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::trail::Step;

    fn steps(tools: u32, most: usize) -> impl Strategy<Value = Vec<Step>> {
        let step = (0..tools, 0..6_u32, 0..3_u32).prop_map(|(tool, session, project)| Step { tool, session, project });
        vec(step, 0..most)
    }

    fn assert_same(trail: &Trail) {
        let [quick, plain] = [Learnt::from_trail(trail), Learnt::without_tables(trail)];
        for (quick, plain) in [(quick.everywhere, plain.everywhere), (quick.here, plain.here)] {
            assert_eq!(quick.repeats(), plain.repeats());
            for context in asked(trail).flat_map(Context::suffixes) {
                let sorted = |counts: &Counts| {
                    let mut counts = counts.following(context).to_vec();
                    counts.sort_unstable();
                    counts
                };
                assert_eq!(sorted(&quick), sorted(&plain), "after {context:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn tables_count_what_is_counted_without(
            (before, session) in (1..9_u32).prop_flat_map(|tools| (steps(tools, 300), steps(tools, 40))),
        ) {
            assert_same(&Trail { tools: Vec::new(), before, session });
        }
    }

    #[test]
    fn tables_stay_small() {
        let trail = |tools: u32, calls: u32| {
            let step = |n: u32| Step { tool: n.wrapping_mul(n) % tools, session: n % 5, project: 1 };
            Trail { tools: Vec::new(), before: (0..4_000).map(step).collect(), session: (7..calls).map(step).collect() }
        };
        for (tools, calls, is_small) in [(24, 200, true), (200, 200, true), (4_000, 200, false), (u32::MAX, 9, false)] {
            let trail = trail(tools, calls);
            assert_eq!(Tables::of(&trail, asked(&trail)).is_some(), is_small, "{tools} tools, {calls} calls");
            assert_same(&trail);
        }
    }
}
