//! What a session has called, and what was called before it began: what suggestion learns from.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::event::ToolUse;
use crate::name::ToolName;

/// A call on a [`Trail`]. Its fields are numbers that mean something within one trail alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// Which of [`Trail::tools`].
    pub tool: u32,
    /// Its session: equal numbers for equal sessions.
    pub session: u32,
    /// Its project, likewise; 0 where it has none.
    pub project: u32,
}

/// The calls of a session, and some of those before its first: the latest of all, and the latest of its project.
///
/// Numbers are given in the order in which what they name comes first, so equal calls make equal trails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// Every tool of these calls, once.
    pub tools: Vec<ToolName>,
    /// Calls of other sessions before the first of this one, in order of position.
    pub before: Vec<Step>,
    /// The session's own calls, in order of position.
    pub session: Vec<Step>,
}

impl Trail {
    /// From calls in order of position: those before the session's first, and its own. What has no session is left out.
    ///
    /// ```
    /// use tooltally_core::{EventId, Outcome, SessionId, Timestamp, ToolName, ToolUse, Trail};
    ///
    /// let call = |number: u64, session: &str| {
    ///     let (id, tool) = (EventId::derived(&[number.to_le_bytes()]), ToolName::new("Read")?);
    ///     let of = SessionId::new(session)?;
    ///     tooltally_core::Result::Ok(ToolUse::new(id, tool, Outcome::Success, Timestamp::from_micros(0)?).session(of))
    /// };
    /// let trail = Trail::of(&[call(1, "a")?, call(2, "b")?], &[call(3, "c")?]);
    /// assert_eq!((trail.tools.len(), trail.before.len(), trail.session[0].session), (1, 2, 2));
    /// # Ok::<(), tooltally_core::Error>(())
    /// ```
    pub fn of<'a>(
        before: impl IntoIterator<Item = &'a ToolUse>,
        session: impl IntoIterator<Item = &'a ToolUse>,
    ) -> Self {
        let mut steps = Steps::default();
        let mut numbered = |call: &'a ToolUse| {
            let of = call.session.as_ref()?;
            Some(steps.step(&&call.tool, &of, call.project.as_ref().map(|project| &project.id)))
        };
        let before = before.into_iter().filter_map(&mut numbered).collect();
        let session = session.into_iter().filter_map(&mut numbered).collect();
        Self { tools: steps.tools().iter().copied().cloned().collect(), before, session }
    }
}

/// Gives numbers in the order in which things come first, from 0.
#[derive(Clone, Debug)]
pub(crate) struct Numbering<T> {
    numbers: FxHashMap<T, u32>,
    things: Vec<T>,
}

impl<T> Default for Numbering<T> {
    fn default() -> Self {
        Self { numbers: FxHashMap::default(), things: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Numbering<T> {
    pub(crate) fn number(&mut self, thing: &T) -> u32 {
        if let Some(number) = self.numbers.get(thing) {
            return *number;
        }
        let number = u32::try_from(self.things.len()).unwrap_or(u32::MAX);
        self.numbers.insert(thing.clone(), number);
        self.things.push(thing.clone());
        number
    }

    /// What was numbered, in order.
    pub(crate) fn things(&self) -> &[T] {
        &self.things
    }
}

/// Numbers the calls of a trail.
#[derive(Debug)]
pub(crate) struct Steps<T, S, P> {
    tools: Numbering<T>,
    sessions: Numbering<S>,
    projects: Numbering<P>,
}

impl<T, S, P> Default for Steps<T, S, P> {
    fn default() -> Self {
        Self { tools: Numbering::default(), sessions: Numbering::default(), projects: Numbering::default() }
    }
}

impl<T: Clone + Eq + Hash, S: Clone + Eq + Hash, P: Clone + Eq + Hash> Steps<T, S, P> {
    pub(crate) fn step(&mut self, tool: &T, session: &S, project: Option<&P>) -> Step {
        Step {
            tool: self.tools.number(tool),
            session: self.sessions.number(session),
            project: project.map_or(0, |project| self.projects.number(project).saturating_add(1)),
        }
    }

    /// The tools by their numbers.
    pub(crate) fn tools(&self) -> &[T] {
        self.tools.things()
    }
}
