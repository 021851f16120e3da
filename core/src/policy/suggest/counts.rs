//! What the model knows: how often each tool followed a context. Counts that only grow, and so a projection.

use std::collections::{BTreeMap, HashMap};

use crate::Result;
use crate::name::ToolName;

/// The longest context that is counted, in calls.
pub const LONGEST_CONTEXT: usize = 3;

/// How often each tool came next.
pub type Followers = BTreeMap<ToolName, u64>;

/// How often a call was of the tool of the call before it, in its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeats {
    /// Calls of the tool of the call before.
    pub repeated: u64,
    /// All calls that had one before.
    pub of: u64,
}

/// The counts of one scope: of all projects, of one, of one session.
///
/// A store keeps them as rows: of each scope and context, the [`Followers`]. A call adds one to at most four rows and
/// to [`Repeats`]. Contexts follow the order of positions, in which no call ever comes in between two others, so that a
/// count once made stays right: late events are late in the session's order too.
pub trait ContextCounts {
    /// How often each tool followed calls of these tools, one right after another in a session, the latest last. Of no
    /// tools: how often each tool was called at all.
    ///
    /// # Errors
    /// The failures of whatever holds the counts.
    fn following(&self, context: &[ToolName]) -> Result<Followers>;

    /// How often a tool was called twice in a row.
    ///
    /// # Errors
    /// As [`following`](Self::following).
    fn repeats(&self) -> Result<Repeats>;
}

/// Counts in memory.
///
/// A commutative monoid: what is recorded in two of them, in any order, and then merged is what one of them holds that
/// recorded it all.
///
/// ```
/// use tooltally_core::ToolName;
/// use tooltally_core::policy::suggest::{ContextCounts, TransitionCounts};
///
/// let [read, edit] = ["Read", "Edit"].map(|name| ToolName::new(name).unwrap());
/// let mut counts = TransitionCounts::default();
/// counts.record(&[], &read);
/// counts.record(&[read.clone()], &edit);
/// assert_eq!(counts.following(&[read])?[&edit], 1);
/// assert_eq!(counts.following(&[])?.len(), 2);
/// # Ok::<(), tooltally_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransitionCounts {
    contexts: HashMap<Vec<ToolName>, Followers>,
    repeats: Repeats,
}

impl TransitionCounts {
    /// Counts a call of `next` in a session that had called these tools before, the latest last. Only the last
    /// [`LONGEST_CONTEXT`] of them matter.
    pub fn record(&mut self, before: &[ToolName], next: &ToolName) {
        for context in contexts(before) {
            // Most contexts were seen before: only a new one is copied.
            match self.contexts.get_mut(context) {
                Some(followers) => *followers.entry(next.clone()).or_default() += 1,
                None => {
                    self.contexts.insert(context.to_vec(), Followers::from([(next.clone(), 1)]));
                }
            }
        }
        if let Some(last) = before.last() {
            self.repeats.of += 1;
            self.repeats.repeated += u64::from(last == next);
        }
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) {
        for (context, followers) in &other.contexts {
            let sum = self.contexts.entry(context.clone()).or_default();
            for (tool, count) in followers {
                *sum.entry(tool.clone()).or_default() += count;
            }
        }
        self.repeats.repeated += other.repeats.repeated;
        self.repeats.of += other.repeats.of;
    }
}

impl ContextCounts for TransitionCounts {
    fn following(&self, context: &[ToolName]) -> Result<Followers> {
        Ok(self.contexts.get(context).cloned().unwrap_or_default())
    }

    fn repeats(&self) -> Result<Repeats> {
        Ok(self.repeats)
    }
}

/// Counts without a part of them: without those of the session that asks, or of all that came after it began.
#[derive(Clone, Copy)]
pub struct Without<'a> {
    whole: &'a dyn ContextCounts,
    part: &'a dyn ContextCounts,
}

impl<'a> Without<'a> {
    /// What `whole` counts and `part` does not.
    pub fn new(whole: &'a dyn ContextCounts, part: &'a dyn ContextCounts) -> Self {
        Self { whole, part }
    }
}

impl ContextCounts for Without<'_> {
    fn following(&self, context: &[ToolName]) -> Result<Followers> {
        let mut rest = self.whole.following(context)?;
        subtract(&mut rest, &self.part.following(context)?);
        Ok(rest)
    }

    fn repeats(&self) -> Result<Repeats> {
        let (whole, part) = (self.whole.repeats()?, self.part.repeats()?);
        Ok(Repeats { repeated: whole.repeated.saturating_sub(part.repeated), of: whole.of.saturating_sub(part.of) })
    }
}

/// Takes a part away. What the whole lacks is not owed: a session may have been in another project for a while.
pub(super) fn subtract(whole: &mut Followers, part: &Followers) {
    for (tool, count) in part {
        if let Some(left) = whole.get_mut(tool) {
            *left = left.saturating_sub(*count);
        }
    }
    whole.retain(|_, count| *count > 0);
}

/// The contexts that end with the last of these calls, the empty one first.
pub(super) fn contexts(before: &[ToolName]) -> impl Iterator<Item = &[ToolName]> {
    (0..=LONGEST_CONTEXT).map_while(|length| before.get(before.len().checked_sub(length)?..))
}
