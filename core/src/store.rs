//! The contract: what every store does. The shared suite has a case for each line of each `# Behavior` list.

use crate::event::{Appended, Event, Position, Recorded};
use crate::name::{SessionId, ToolName};
use crate::project::ProjectId;
use crate::recent::RecentOutcomes;
use crate::registered::Registered;
use crate::selection::{Filter, GroupBy, Selection, UsageRow};
use crate::trail::Trail;
use crate::{Error, Result};

/// What must hold for an append to record anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Nothing: append wherever the log is.
    #[default]
    None,
    /// The log's head is this position: nobody has appended since the caller read it.
    HeadIs(Position),
}

impl Condition {
    /// Whether an append may go on when the log is at `head`. For backends.
    ///
    /// # Errors
    /// [`Error::ConditionNotMet`] if not.
    pub fn check(self, head: Position) -> Result<()> {
        match self {
            Self::HeadIs(expected) if expected != head => Err(Error::ConditionNotMet { expected, head }),
            _ => Ok(()),
        }
    }
}

/// The log: the only truth.
pub trait Log: Send + Sync {
    /// Records a batch of events, and answers for each, in order.
    ///
    /// # Behavior
    /// - The batch is recorded whole or not at all.
    /// - When this returns, the events survive a kill of the process; at durability `Full`, power loss too.
    /// - New events get the positions after the head, in order of the batch, without gaps.
    /// - An event whose id is in the log, or earlier in the batch, stores nothing and answers with the
    ///   position of the first, whatever else differs.
    /// - An empty batch records nothing, and still answers for its condition.
    /// - A condition is decided in the transaction that records: of two appends on the same condition, one
    ///   at most records new events.
    /// - A condition that does not hold fails the batch even where all of it is recorded already.
    ///
    /// # Errors
    /// [`ConditionNotMet`](crate::Error::ConditionNotMet) with the head; [`Busy`](crate::Error::Busy),
    /// [`Full`](crate::Error::Full) and the engine's failures. After an error nothing is recorded; but where a disk
    /// fails just as the commit is made durable, the batch may be there whole all the same. Sending it once more
    /// is safe: an event that is there is not recorded again.
    fn append(&self, events: &[Event], condition: Condition) -> Result<Vec<Appended>>;

    /// The events after a position, at most `limit`, in order of position.
    ///
    /// # Behavior
    /// - Positions ascend by one; the first is `after.next()`.
    /// - What comes back equals what was appended, field for field.
    /// - At or past the head the answer is empty; so it is for limit 0.
    /// - Reading is a snapshot: one prefix of the log, whole batches only as far as the limit reaches.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) where a row in the range is damaged, and the engine's failures.
    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>>;

    /// The position of the last event; [`Position::START`] when the log is empty.
    ///
    /// # Errors
    /// The engine's failures.
    fn head(&self) -> Result<Position>;
}

/// The questions that a store answers.
pub trait Queries: Send + Sync {
    /// How the selected events were used, in groups.
    ///
    /// # Behavior
    /// - Exact: equal to folding the selected events of the whole log, whatever their order of time.
    /// - Sees one prefix of the log, whole batches only, while others write.
    /// - Rows stand in the order of [`UsageRow::sort`]; none is empty, not that of a span either.
    /// - A project's row shows the first path that the whole log has for it, its event selected or not, of
    ///   whichever kind.
    /// - Windows are half-open to the microsecond.
    /// - A tool, project or session that the log does not know gives no rows.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) where something that it reads is damaged, and the engine's failures.
    fn usage(&self, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>>;

    /// The latest selected events, at most `limit`: latest time first, of equal times the highest position.
    ///
    /// # Behavior
    /// - Exact, as [`usage`](Self::usage) is; late events stand where their time puts them.
    /// - Limit 0 gives nothing; any other is kept, up to the largest.
    ///
    /// # Errors
    /// As for [`usage`](Self::usage).
    fn recent(&self, selection: &Selection, limit: usize) -> Result<Vec<Recorded>>;

    /// What settings have, or had: those of every project, of which `project` is absent; those of one project; or all.
    /// A tool that several of them have comes once for each.
    ///
    /// # Behavior
    /// - Exact: equal to a fold of the registry events of the whole log, in one prefix of it.
    /// - A tool that was discovered is there; once it was removed, with the time of that.
    /// - What is discovered again is there again; the first discovery and their count are kept.
    /// - The order of registry events is that of their positions, whatever their times.
    /// - Settings of another project, and those of every project, do not show in those of a project.
    /// - A removal of what was not discovered shows nothing.
    /// - Rows stand in order of project id, what is of every project first, and of the tool's name.
    /// - Registry events count nowhere as uses.
    ///
    /// # Errors
    /// As for [`usage`](Self::usage).
    fn registered(&self, project: &Filter<ProjectId>) -> Result<Vec<Registered>>;

    /// How the latest calls of each tool ended, [`RecentOutcomes::KEPT`] of each at most; in all projects, in one, or
    /// outside of any.
    ///
    /// # Behavior
    /// - Exact, as [`usage`](Self::usage) is; late events stand where their time puts them.
    /// - Rows stand in order of the tool's name; no tool without a call is among them.
    ///
    /// # Errors
    /// As for [`usage`](Self::usage).
    fn latest_outcomes(&self, project: &Filter<ProjectId>) -> Result<Vec<(ToolName, RecentOutcomes)>>;

    /// The calls of a session, and calls of others before its first: those among the last `look_back` events, and the
    /// last `look_back` calls of its project; `None` for a session without calls.
    ///
    /// # Behavior
    /// - Exact: of one prefix of the log, its calls in order of position, each once, whatever their times.
    /// - Calls without a session and registry events are not in it, and take a place among the last events.
    /// - A session's project is that of its first call; where that has none, only the last events are looked back at.
    /// - A project's own calls are in it however long ago they were, and however many others came since; only those
    ///   that have a session count among its last.
    /// - What is recorded after a session's first call changes nothing of what was before.
    ///
    /// # Errors
    /// As for [`usage`](Self::usage).
    fn trail(&self, session: &SessionId, look_back: u64) -> Result<Option<Trail>>;
}

/// How far a long piece of work has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Steps done: events, unless the work says otherwise.
    pub done: u64,
    /// Steps in all, as far as is known.
    pub total: u64,
}

/// What `verify` went through and found sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Events in the log: each one readable, in its place, with an id of its own.
    pub events: u64,
    /// Rows of projections compared with a fold of the log.
    pub projections: u64,
}

/// The care of a store.
pub trait Maintenance: Send + Sync {
    /// Proves log, ids and projections against each other.
    ///
    /// # Behavior
    /// - Changes nothing.
    /// - The first difference is the error, with its place.
    /// - `progress` is called now and then, from this thread; once at least where there are events.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) at the first difference, and the engine's failures.
    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified>;

    /// Folds every projection anew from the log, in bounded transactions beside the live one, then switches.
    ///
    /// # Behavior
    /// - Answers are the same before, while it runs, and after.
    /// - Others may record meanwhile; what they record is in the new projections.
    /// - A damaged log is refused: nothing is switched.
    /// - Interrupted work does no harm, and a later call does all of it: after a kill of the process, and after
    ///   a panic in `progress`.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) where the log is damaged, and the engine's failures.
    fn rebuild(&self, progress: &mut dyn FnMut(Progress)) -> Result<()>;

    /// Gives unused space back to the file system, as far as the engine can. Waits for those who read, within the wait.
    ///
    /// # Behavior
    /// - Changes no answer; recording goes on.
    ///
    /// # Errors
    /// [`Busy`](crate::Error::Busy) where others hold the store for longer, and the engine's failures.
    fn compact(&self) -> Result<()>;
}

/// A whole store, used as `Box<dyn Store>` or `Arc<dyn Store>`.
pub trait Store: Log + Queries + Maintenance {}

impl<S: Log + Queries + Maintenance + ?Sized> Store for S {}
