//! A row of the log as it is stored: names as numbers.

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::{Error, EventId, Outcome, Position, Result, Source, Timestamp, ToolDuration};

/// A stored event: names are numbers of their [`NameKind`](super::NameKind), 0 where absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// The kind of event; 1 is a tool use.
    pub kind: u8,
    /// The event's id.
    pub id: EventId,
    /// When it happened.
    pub time: Timestamp,
    /// The tool's number.
    pub tool: u32,
    /// The session's number.
    pub session: u32,
    /// The project id's number.
    pub project: u32,
    /// The project path's number.
    pub path: u32,
    /// The agent's number.
    pub agent: u32,
    /// The subagent's number.
    pub subagent: u32,
    /// How the call ended.
    pub outcome: Outcome,
    /// Who reported it.
    pub source: Source,
    /// How long the tool ran.
    pub duration: Option<ToolDuration>,
    /// The attributes, in order of key.
    pub attributes: Vec<(String, String)>,
}

impl LogRow {
    /// The [`kind`](Self::kind) of a tool use.
    pub const TOOL_USE: u8 = 1;

    /// The row's bytes, sealed for its position: for engines that store a row as one value.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the row is too large.
    pub fn to_bytes(&self, position: Position) -> Result<Vec<u8>> {
        codec::seal(&position.get().to_be_bytes(), &Wire::of(self))
    }

    /// Reads [`to_bytes`](Self::to_bytes) back.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) if the bytes are not such a row for this position.
    pub fn from_bytes(position: Position, bytes: &[u8]) -> Result<Self> {
        let place = || format!("log position {position}");
        let wire: Wire<Vec<(String, String)>> = codec::open(&place, &position.get().to_be_bytes(), bytes)?;
        wire.into_row().ok_or_else(|| Error::corrupt(place(), "a field is out of its range"))
    }

    /// The row's checksum for its position: for engines that store a row as columns.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes).
    pub fn checksum(&self, position: Position) -> Result<u32> {
        codec::seal_checksum(&position.get().to_be_bytes(), &Wire::of(self))
    }
}

/// The stored shape, its attributes borrowed or owned. Its order of fields is the file format.
#[derive(Serialize, Deserialize)]
struct Wire<A> {
    kind: u8,
    id: [u8; 16],
    time: u64,
    tool: u32,
    session: u32,
    project: u32,
    path: u32,
    agent: u32,
    subagent: u32,
    outcome: u8,
    source: u8,
    /// Microseconds plus one; 0 where not measured.
    duration: u64,
    attributes: A,
}

impl<'a> Wire<&'a [(String, String)]> {
    fn of(row: &'a LogRow) -> Self {
        Self {
            kind: row.kind,
            id: *row.id.as_bytes(),
            time: row.time.as_micros().unsigned_abs(),
            tool: row.tool,
            session: row.session,
            project: row.project,
            path: row.path,
            agent: row.agent,
            subagent: row.subagent,
            outcome: row.outcome.code(),
            source: row.source.code(),
            duration: row.duration.map_or(0, |d| d.as_micros() + 1),
            attributes: &row.attributes,
        }
    }
}

impl Wire<Vec<(String, String)>> {
    fn into_row(self) -> Option<LogRow> {
        Some(LogRow {
            kind: self.kind,
            id: EventId::from_bytes(self.id),
            time: Timestamp::from_micros(i64::try_from(self.time).ok()?).ok()?,
            tool: self.tool,
            session: self.session,
            project: self.project,
            path: self.path,
            agent: self.agent,
            subagent: self.subagent,
            outcome: Outcome::from_code(self.outcome)?,
            source: Source::from_code(self.source)?,
            duration: match self.duration.checked_sub(1) {
                None => None,
                Some(micros) => Some(ToolDuration::from_micros(micros).ok()?),
            },
            attributes: self.attributes,
        })
    }
}
