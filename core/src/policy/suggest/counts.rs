//! What the model knows: how often each tool followed a context. Tools are numbers here.

use rustc_hash::FxHashMap;

/// The longest context that is counted, in calls.
pub const LONGEST_CONTEXT: usize = 3;

/// The last calls of a session, the latest first; 0 where there is none, else the tool's number plus one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::policy) struct Context([u32; LONGEST_CONTEXT]);

impl Context {
    /// Adds a call.
    pub(in crate::policy) fn push(&mut self, tool: u32) {
        let Self([latest, second, _]) = *self;
        *self = Self([tool.saturating_add(1), latest, second]);
    }

    /// Its last calls alone, from none of them to all that there are.
    pub(super) fn suffixes(self) -> impl Iterator<Item = Self> {
        let Self([a, b, c]) = self;
        let calls = [a, b, c].into_iter().take_while(|tool| *tool != 0).count();
        [Self([0; 3]), Self([a, 0, 0]), Self([a, b, 0]), self].into_iter().take(calls + 1)
    }

    /// The tools of its calls, the latest first.
    pub(super) fn tools(self) -> impl Iterator<Item = u32> {
        self.0.into_iter().map_while(|tool| tool.checked_sub(1))
    }

    /// The latest call.
    pub(super) const fn latest(self) -> Option<u32> {
        let Self([latest, ..]) = self;
        latest.checked_sub(1)
    }
}

/// How often a call was of the tool of the call before it, in its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Repeats {
    /// Calls of the tool of the call before.
    pub(super) repeated: u64,
    /// All calls that had one before.
    pub(super) of: u64,
}

impl Repeats {
    /// Those of both.
    pub(super) const fn and(self, other: Self) -> Self {
        Self { repeated: self.repeated + other.repeated, of: self.of + other.of }
    }

    /// Counts a call of `next`.
    pub(super) fn record(&mut self, before: Context, next: u32) {
        if let Some(latest) = before.latest() {
            self.of += 1;
            self.repeated += u64::from(latest == next);
        }
    }
}

/// The counts of one scope: of all projects, of one, of one session. They only grow: contexts follow the order of
/// positions, in which no call ever comes in between two others.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct Counts {
    contexts: FxHashMap<Context, Vec<(u32, u64)>>,
    repeats: Repeats,
}

impl Counts {
    /// Counts that were made elsewhere: what followed each context, each tool once.
    pub(super) fn of(contexts: impl Iterator<Item = (Context, Vec<(u32, u64)>)>, repeats: Repeats) -> Self {
        Self { contexts: contexts.collect(), repeats }
    }

    /// Counts a call of `next`.
    pub(in crate::policy) fn record(&mut self, before: Context, next: u32) {
        for context in before.suffixes() {
            add(self.contexts.entry(context).or_default(), next);
        }
        self.repeats.record(before, next);
    }

    /// Says that what followed these calls will be asked for.
    pub(super) fn ask(&mut self, about: Context) {
        for context in about.suffixes() {
            self.contexts.entry(context).or_default();
        }
    }

    /// Counts a call of `next` where that was [asked](Self::ask) for: most of a history never is.
    pub(super) fn record_asked(&mut self, before: Context, next: u32) {
        for context in before.suffixes() {
            // Who asked about some calls asked about the last of them too.
            let Some(followers) = self.contexts.get_mut(&context) else { break };
            add(followers, next);
        }
        self.repeats.record(before, next);
    }

    /// How often each tool followed a context, each tool once.
    pub(super) fn following(&self, context: Context) -> &[(u32, u64)] {
        self.contexts.get(&context).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) const fn repeats(&self) -> Repeats {
        self.repeats
    }
}

fn add(followers: &mut Vec<(u32, u64)>, next: u32) {
    match followers.iter_mut().find(|(tool, _)| *tool == next) {
        Some((_, count)) => *count += 1,
        None => followers.push((next, 1)),
    }
}

/// A session so far: what its last calls were, and what they say by themselves. No state: a function of its calls.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct SoFar {
    context: Context,
    counts: Counts,
}

impl SoFar {
    /// Adds the next call.
    pub(in crate::policy) fn push(&mut self, tool: u32) {
        self.counts.record(self.context, tool);
        self.context.push(tool);
    }

    /// Its last calls.
    pub(in crate::policy) const fn context(&self) -> Context {
        self.context
    }

    pub(super) const fn counts(&self) -> &Counts {
        &self.counts
    }
}
