//! What a trail teaches: how often each tool followed each context that its session has.

use super::counts::{Context, Counts};
use super::model::Scopes;
use crate::trail::Trail;

/// What the calls before a session teach about it, in all projects and in its own. Only what followed the session's own
/// contexts is counted: nothing else will be asked for.
#[derive(Debug, Default)]
pub(in crate::policy) struct Learnt {
    everywhere: Counts,
    here: Counts,
}

impl Learnt {
    pub(in crate::policy) fn from_trail(trail: &Trail) -> Self {
        let mut learnt = Self::default();
        let mut context = Context::default();
        learnt.ask(context);
        for step in &trail.session {
            context.push(step.tool);
            learnt.ask(context);
        }
        // The session's first project: with its last one, an answer would change when the project does.
        let project = trail.session.first().map_or(0, |step| step.project);
        let mut sessions: Vec<Context> = Vec::new();
        for step in &trail.before {
            let session = usize::try_from(step.session).unwrap_or(usize::MAX);
            if sessions.len() <= session {
                sessions.resize(session.saturating_add(1), Context::default());
            }
            let Some(before) = sessions.get_mut(session) else { continue };
            learnt.everywhere.record_asked(*before, step.tool);
            if project != 0 && step.project == project {
                learnt.here.record_asked(*before, step.tool);
            }
            before.push(step.tool);
        }
        learnt
    }

    fn ask(&mut self, about: Context) {
        self.everywhere.ask(about);
        self.here.ask(about);
    }

    pub(in crate::policy) const fn scopes(&self) -> Scopes<'_> {
        Scopes { everywhere: &self.everywhere, here: Some(&self.here), with_own: false }
    }
}
