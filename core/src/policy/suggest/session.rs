//! A session so far: its calls in order, and what they say by themselves.

use super::counts::TransitionCounts;
use crate::name::ToolName;

/// The tools of a session's calls, in order of position, and the counts of the session alone.
///
/// It is no state: a function of the calls, made by pushing one after another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionSoFar {
    tools: Vec<ToolName>,
    counts: TransitionCounts,
}

impl SessionSoFar {
    /// A session without calls.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next call.
    pub fn push(&mut self, tool: ToolName) {
        self.counts.record(&self.tools, &tool);
        self.tools.push(tool);
    }

    /// The tools, the latest last.
    pub fn tools(&self) -> &[ToolName] {
        &self.tools
    }

    /// What followed what in this session.
    pub const fn counts(&self) -> &TransitionCounts {
        &self.counts
    }
}

impl FromIterator<ToolName> for SessionSoFar {
    fn from_iter<I: IntoIterator<Item = ToolName>>(tools: I) -> Self {
        let mut session = Self::new();
        tools.into_iter().for_each(|tool| session.push(tool));
        session
    }
}
