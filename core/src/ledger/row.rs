//! A row of the log as it is stored: names as numbers.
//!
//! Its bytes, all there is of a row in an engine that stores it as one value:
//!
//! | bytes | hold |
//! |---|---|
//! | 8 | the [moment](LogRow::moment), big-endian; its highest bit is set where a kind follows |
//! | 16 | the id |
//! | 0 or 1 | the kind, where it is not a tool use |
//! | 1 to 5 each | the numbers of tool, session, project, path, agent and subagent |
//! | 1 to 10 | the duration in microseconds plus one; 0 where not measured |
//! | the rest | for each attribute the key's length, the key, the value's length, the value |
//! | 4 | the checksum, little-endian |
//!
//! Numbers and lengths are LEB128: seven bits a byte, the lowest first, the highest bit set where more
//! follow. The checksum is the CRC-32 (IEEE) of the position in 8 bytes, big-endian, and all bytes before it.

use super::bytes::{Reader, Writer};
use crate::codec;
use crate::{Error, EventId, Outcome, Position, Result, Source, Timestamp, ToolDuration};

/// A stored event: names are numbers of their [`NameKind`](super::NameKind), 0 where absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// The kind of event; 1 is a tool use, 2 a discovery, 3 a removal.
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

/// Set in a stored moment where the row's kind follows the id.
const KIND_FOLLOWS: u64 = 1 << 63;
/// How far a moment's time is shifted: three bits of outcome, two of source.
const TIME_SHIFT: u32 = 5;
const OUTCOME_SHIFT: u32 = 2;

const _: () = assert!(Outcome::ALL.len() <= 8 && Source::ALL.len() <= 4, "the moment's bits are too few");

impl LogRow {
    /// The [`kind`](Self::kind) of a tool use.
    pub const TOOL_USE: u8 = 1;
    /// The kind of a tool's discovery in settings.
    pub const TOOL_DISCOVERED: u8 = 2;
    /// The kind of a tool's removal from settings.
    pub const TOOL_REMOVED: u8 = 3;

    /// Whether it is a tool use: what is counted.
    pub const fn is_tool_use(&self) -> bool {
        self.kind == Self::TOOL_USE
    }

    /// Whether its kind is one of those above; others are of later formats.
    pub const fn is_known(&self) -> bool {
        matches!(self.kind, Self::TOOL_USE | Self::TOOL_DISCOVERED | Self::TOOL_REMOVED)
    }

    /// Time, outcome and source in one number: the time in microseconds times 32, plus the outcome's code
    /// times 4, plus the source's code. It has 63 bits at most, and orders as the time does.
    pub const fn moment(&self) -> u64 {
        (self.time.as_micros().unsigned_abs() << TIME_SHIFT)
            | ((self.outcome.code() as u64) << OUTCOME_SHIFT)
            | self.source.code() as u64
    }

    /// Takes a [`moment`](Self::moment) apart; `None` for a number that is none.
    pub fn of_moment(moment: u64) -> Option<(Timestamp, Outcome, Source)> {
        let [low, ..] = moment.to_le_bytes();
        let time = Timestamp::from_micros(i64::try_from(moment >> TIME_SHIFT).ok()?).ok()?;
        Some((time, Outcome::from_code((low >> OUTCOME_SHIFT) & 7)?, Source::from_code(low & 3)?))
    }

    /// The row's bytes, sealed for its position: for engines that store a row as one value.
    pub fn to_bytes(&self, position: Position) -> Vec<u8> {
        let packed = Packed::of(self, position);
        let attributes = self.attribute_bytes();
        let body = packed.body();
        let mut bytes = Vec::with_capacity(body.len() + attributes.len() + codec::CHECKSUM_BYTES);
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(attributes.as_slice());
        bytes.extend_from_slice(&codec::checksum(packed.bytes(), attributes.as_slice()).to_le_bytes());
        bytes
    }

    /// Reads [`to_bytes`](Self::to_bytes) back.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) if the bytes are not such a row for this position.
    pub fn from_bytes(position: Position, bytes: &[u8]) -> Result<Self> {
        let damage = |detail| Error::corrupt(format!("log position {position}"), detail);
        let (body, stored) = bytes.split_last_chunk().ok_or_else(|| damage("is too short"))?;
        if codec::checksum(&position.get().to_be_bytes(), body).to_le_bytes() != *stored {
            return Err(damage("its checksum differs"));
        }
        Self::read(body).ok_or_else(|| damage("a field is out of its range"))
    }

    /// The row's checksum for its position: for engines that store a row as columns. It is that of
    /// [`to_bytes`](Self::to_bytes).
    pub fn checksum(&self, position: Position) -> u32 {
        codec::checksum(Packed::of(self, position).bytes(), self.attribute_bytes().as_slice())
    }

    fn attribute_bytes(&self) -> Writer {
        let mut writer = Writer::default();
        for text in self.attributes.iter().flat_map(|(key, value)| [key, value]) {
            writer.number(text.len() as u64);
            writer.bytes(text.as_bytes());
        }
        writer
    }

    /// The id in a row's [bytes](Self::to_bytes), without any proof.
    pub fn id_in(bytes: &[u8]) -> Option<EventId> {
        bytes.get(8..)?.first_chunk().copied().map(EventId::from_bytes)
    }

    fn read(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let moment = u64::from_be_bytes(reader.array()?);
        let (time, outcome, source) = Self::of_moment(moment & !KIND_FOLLOWS)?;
        let id = EventId::from_bytes(reader.array()?);
        let kind = if moment & KIND_FOLLOWS == 0 { Self::TOOL_USE } else { reader.byte()? };
        let mut row = Self {
            kind,
            id,
            time,
            tool: reader.small_number()?,
            session: reader.small_number()?,
            project: reader.small_number()?,
            path: reader.small_number()?,
            agent: reader.small_number()?,
            subagent: reader.small_number()?,
            outcome,
            source,
            duration: match reader.number()?.checked_sub(1) {
                None => None,
                Some(micros) => Some(ToolDuration::from_micros(micros).ok()?),
            },
            attributes: Vec::new(),
        };
        while !reader.is_empty() {
            row.attributes.push((text(&mut reader)?, text(&mut reader)?));
        }
        Some(row)
    }
}

fn text(reader: &mut Reader<'_>) -> Option<String> {
    let length = reader.count()?;
    std::str::from_utf8(reader.bytes(length)?).ok().map(str::to_owned)
}

/// Position, then a row's bytes up to its attributes: most rows whole, and no allocation.
struct Packed {
    bytes: [u8; Self::MOST],
    length: usize,
}

impl Packed {
    const POSITION: usize = 8;
    const MOST: usize = Self::POSITION + 8 + 16 + 1 + 6 * 5 + 10;

    fn of(row: &LogRow, position: Position) -> Self {
        let mut packed = Self { bytes: [0; Self::MOST], length: 0 };
        packed.put(position.get().to_be_bytes());
        let is_tool_use = row.kind == LogRow::TOOL_USE;
        packed.put((row.moment() | if is_tool_use { 0 } else { KIND_FOLLOWS }).to_be_bytes());
        packed.put(*row.id.as_bytes());
        if !is_tool_use {
            packed.put([row.kind]);
        }
        for number in [row.tool, row.session, row.project, row.path, row.agent, row.subagent] {
            packed.put_number(number.into());
        }
        packed.put_number(row.duration.map_or(0, |duration| duration.as_micros() + 1));
        packed
    }

    /// `MOST` is what the longest row needs: there is always room.
    fn put<const N: usize>(&mut self, more: [u8; N]) {
        if let Some(to) = self.bytes.get_mut(self.length..).and_then(|rest| rest.first_chunk_mut()) {
            *to = more;
            self.length += N;
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are what is written")]
    fn put_number(&mut self, number: u64) {
        let mut rest = number;
        while rest >= 0x80 {
            self.put([rest as u8 | 0x80]);
            rest >>= 7;
        }
        self.put([rest as u8]);
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn body(&self) -> &[u8] {
        self.bytes().get(Self::POSITION..).unwrap_or_default()
    }
}
