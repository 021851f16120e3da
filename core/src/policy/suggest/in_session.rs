//! Suggestion, asked of a store.

use super::model::Model;
use super::pace::{Pace, Suggestion};
use crate::Result;
use crate::name::SessionId;
use crate::store::Queries;

/// How many events before a session's first call are learnt from, and how many calls of its project.
///
/// Habits change, and old ones need not be told; and so many are read in well under a millisecond, however long the
/// log is. Those of the project are counted by themselves: however much happens elsewhere, its own habits stay known.
pub const LEARNT_FROM: u64 = 2_000;

/// What to suggest in a session now, after its last recorded call; `None` where silence is better, and for a session
/// that the log does not know.
///
/// What came next before is learnt from the [`LEARNT_FROM`] events before the session's first call, and from as many
/// calls of the session's own project, the one of its first call. They never change, so the answers to a session's calls
/// are the same whenever they are asked for, and the limits of the [`Pace`] hold without anything kept.
///
/// ```
/// use tooltally_core::policy::suggest::{Model, Pace, in_session};
/// use tooltally_core::{EventId, LogExt, MemoryStore, Outcome, SessionId, Timestamp, ToolName, ToolUse};
///
/// let store = MemoryStore::new();
/// for number in 0..123_u64 {
///     let name = ["Read", "Edit", "Bash"][number as usize % 3];
///     let id = EventId::derived(&[number.to_le_bytes()]);
///     let time = Timestamp::from_micros(number as i64)?;
///     let session = SessionId::new(format!("session {}", number / 6))?;
///     store.record(&ToolUse::new(id, ToolName::new(name)?, Outcome::Success, time).session(session).into())?;
/// }
/// let session = SessionId::new("session 20")?;
/// let suggestion = in_session(&store, &session, &Model::default(), &Pace::default())?.expect("a habit");
/// assert_eq!(suggestion.tool.as_str(), "Read");
/// # Ok::<(), tooltally_core::Error>(())
/// ```
///
/// # Errors
/// As [`Queries::trail`].
pub fn in_session<S: Queries + ?Sized>(
    store: &S,
    session: &SessionId,
    model: &Model,
    pace: &Pace,
) -> Result<Option<Suggestion>> {
    Ok(store.trail(session, LEARNT_FROM)?.and_then(|trail| model.suggest(pace, &trail)))
}
