//! One JSON object from outside, whichever of the known kinds it is of.
//!
//! The three kinds share no key with different meanings, so an object is read once, with the wanted keys of all
//! kinds, and its kind is told afterwards. Everything else is read past without being kept.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::field::{Field, Object, Shape, skip_map, skip_seq, skip_value, visit_scalars};
use super::outcome::PREFIX_BYTES;

/// The most calls and results of one line that are kept: real lines hold a few.
const MAX_BLOCKS: usize = 1_000;
/// The most attributes that are kept: enough to see that there are too many.
const MAX_PAIRS: usize = 16;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The payload of a hook.
    Hook,
    /// A line of our own.
    EventLine,
    /// A line of a transcript.
    Transcript,
    /// None of these.
    Unknown,
}

/// The wanted keys of all kinds.
#[derive(Debug, Default)]
pub(super) struct Item<'a> {
    pub(super) cwd: Field<'a>,
    pub(super) duration_ms: Field<'a>,

    // A hook's payload.
    pub(super) hook_event_name: Field<'a>,
    pub(super) session_id: Field<'a>,
    pub(super) tool_name: Field<'a>,
    pub(super) tool_use_id: Field<'a>,
    pub(super) is_interrupt: Field<'a>,
    pub(super) agent_type: Field<'a>,

    // A transcript's line.
    pub(super) line_type: Field<'a>,
    pub(super) transcript_session: Field<'a>,
    pub(super) timestamp: Field<'a>,
    pub(super) is_sidechain: Field<'a>,
    pub(super) transcript_agent_type: Field<'a>,
    pub(super) message: Option<Message<'a>>,
    pub(super) tool_use_result: Option<ToolUseResult<'a>>,
    has_transcript_key: bool,

    // A line of our own.
    pub(super) v: Field<'a>,
    pub(super) id: Field<'a>,
    pub(super) tool: Field<'a>,
    pub(super) outcome: Field<'a>,
    pub(super) time: Field<'a>,
    pub(super) session: Field<'a>,
    pub(super) project: Field<'a>,
    pub(super) path: Field<'a>,
    pub(super) agent: Field<'a>,
    pub(super) subagent: Field<'a>,
    pub(super) source: Field<'a>,
    pub(super) duration_us: Field<'a>,
    pub(super) attributes: Pairs<'a>,
    pub(super) event: Field<'a>,
    pub(super) kind_of_tool: Field<'a>,
    pub(super) scope: Field<'a>,
    pub(super) description: Field<'a>,
    pub(super) server: Field<'a>,
}

impl Item<'_> {
    /// What the object is, told by its keys.
    pub(super) fn kind(&self) -> Kind {
        let is_event_like = self.tool.is_given() && (self.outcome.is_given() || self.time.is_given());
        if self.hook_event_name.is_given() {
            Kind::Hook
        } else if self.v.is_given() || is_event_like {
            Kind::EventLine
        } else if self.is_typed() && (self.has_transcript_key || self.timestamp.is_given()) {
            Kind::Transcript
        } else {
            Kind::Unknown
        }
    }

    /// Whether the object says what it is, as every line of a transcript does.
    pub(super) fn is_typed(&self) -> bool {
        matches!(self.line_type, Field::Text(_))
    }

    /// Whether a transcript's line is of this type.
    pub(super) fn is_line_type(&self, name: &str) -> bool {
        matches!(&self.line_type, Field::Text(text) if text == name)
    }
}

impl<'de> Shape<'de> for Item<'de> {
    fn set<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let field = match key {
            "cwd" => &mut self.cwd,
            "duration_ms" => &mut self.duration_ms,
            "hook_event_name" => &mut self.hook_event_name,
            "session_id" => &mut self.session_id,
            "tool_name" => &mut self.tool_name,
            "tool_use_id" => &mut self.tool_use_id,
            "is_interrupt" => &mut self.is_interrupt,
            "agent_type" => &mut self.agent_type,
            "type" => &mut self.line_type,
            "sessionId" => {
                self.has_transcript_key = true;
                &mut self.transcript_session
            }
            "timestamp" => &mut self.timestamp,
            "isSidechain" => &mut self.is_sidechain,
            "agentType" => &mut self.transcript_agent_type,
            "v" => &mut self.v,
            "id" => &mut self.id,
            "tool" => &mut self.tool,
            "outcome" => &mut self.outcome,
            "time" => &mut self.time,
            "session" => &mut self.session,
            "project" => &mut self.project,
            "path" => &mut self.path,
            "agent" => &mut self.agent,
            "subagent" => &mut self.subagent,
            "source" => &mut self.source,
            "duration_us" => &mut self.duration_us,
            "event" => &mut self.event,
            "kind" => &mut self.kind_of_tool,
            "scope" => &mut self.scope,
            "description" => &mut self.description,
            "server" => &mut self.server,
            _ => return self.set_other(key, map),
        };
        *field = map.next_value()?;
        Ok(())
    }
}

impl<'de> Item<'de> {
    fn set_other<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "message" => {
                self.has_transcript_key = true;
                self.message = map.next_value::<Object<Message<'de>>>()?.0;
                Ok(())
            }
            "toolUseResult" => {
                self.tool_use_result = map.next_value::<Object<ToolUseResult<'de>>>()?.0;
                Ok(())
            }
            "attributes" => {
                self.attributes = map.next_value()?;
                Ok(())
            }
            "uuid" | "leafUuid" | "messageId" => {
                self.has_transcript_key = true;
                skip_value(map)
            }
            _ => skip_value(map),
        }
    }
}

/// A transcript line's message.
#[derive(Debug, Default)]
pub(super) struct Message<'a> {
    pub(super) model: Field<'a>,
    pub(super) blocks: Blocks<'a>,
}

impl<'de> Shape<'de> for Message<'de> {
    fn set<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "model" => self.model = map.next_value()?,
            "content" => self.blocks = map.next_value()?,
            _ => skip_value(map)?,
        }
        Ok(())
    }
}

/// What the agent's program adds to a result.
#[derive(Debug, Default)]
pub(super) struct ToolUseResult<'a> {
    pub(super) duration_ms: Field<'a>,
    pub(super) total_duration_ms: Field<'a>,
}

impl<'de> Shape<'de> for ToolUseResult<'de> {
    fn set<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "durationMs" => self.duration_ms = map.next_value()?,
            "totalDurationMs" => self.total_duration_ms = map.next_value()?,
            _ => skip_value(map)?,
        }
        Ok(())
    }
}

/// One block of a message.
#[derive(Debug, Default)]
pub(super) struct Block<'a> {
    kind: Field<'a>,
    pub(super) id: Field<'a>,
    pub(super) name: Field<'a>,
    pub(super) tool_use_id: Field<'a>,
    pub(super) is_error: Field<'a>,
    pub(super) text: Prefix,
}

impl Block<'_> {
    pub(super) fn is_type(&self, name: &str) -> bool {
        matches!(&self.kind, Field::Text(text) if text == name)
    }
}

impl<'de> Shape<'de> for Block<'de> {
    fn set<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "type" => self.kind = map.next_value()?,
            "id" => self.id = map.next_value()?,
            "name" => self.name = map.next_value()?,
            "tool_use_id" => self.tool_use_id = map.next_value()?,
            "is_error" => self.is_error = map.next_value()?,
            "content" => self.text = map.next_value()?,
            _ => skip_value(map)?,
        }
        Ok(())
    }
}

/// The blocks of a message that are calls or results.
#[derive(Debug, Default)]
pub(super) struct Blocks<'a> {
    pub(super) wanted: Vec<Block<'a>>,
    /// Whether there were more than are kept.
    pub(super) too_many: bool,
}

struct BlocksVisitor;

impl<'de> Visitor<'de> for BlocksVisitor {
    type Value = Blocks<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    visit_scalars! {
        visit_bool(bool) => |_| Blocks::default();
        visit_i64(i64) => |_| Blocks::default();
        visit_u64(u64) => |_| Blocks::default();
        visit_f64(f64) => |_| Blocks::default();
        visit_str(&str) => |_| Blocks::default();
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Blocks::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        skip_map(map).map(|()| Blocks::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut blocks = Blocks::default();
        while let Some(Object(block)) = seq.next_element::<Object<Block<'de>>>()? {
            let Some(block) = block.filter(|b| b.is_type("tool_use") || b.is_type("tool_result")) else { continue };
            if blocks.wanted.len() == MAX_BLOCKS {
                blocks.too_many = true;
                skip_seq(seq)?;
                break;
            }
            blocks.wanted.push(block);
        }
        Ok(blocks)
    }
}

impl<'de> Deserialize<'de> for Blocks<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BlocksVisitor)
    }
}

/// The start of a result's text: a string, or the `text` of an array's items joined with a space.
#[derive(Debug, Default)]
pub(super) struct Prefix(pub(super) String);

impl Prefix {
    fn push(&mut self, text: &str) {
        let room = PREFIX_BYTES.saturating_sub(self.0.len());
        self.0.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
    }

    fn of(text: &str) -> Self {
        let mut prefix = Self::default();
        prefix.push(text);
        prefix
    }
}

#[derive(Default)]
struct TextItem<'a> {
    text: Field<'a>,
}

impl<'de> Shape<'de> for TextItem<'de> {
    fn set<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "text" => self.text = map.next_value()?,
            _ => skip_value(map)?,
        }
        Ok(())
    }
}

struct PrefixVisitor;

impl<'de> Visitor<'de> for PrefixVisitor {
    type Value = Prefix;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    visit_scalars! {
        visit_bool(bool) => |_| Prefix::default();
        visit_i64(i64) => |_| Prefix::default();
        visit_u64(u64) => |_| Prefix::default();
        visit_f64(f64) => |_| Prefix::default();
        visit_str(&str) => Prefix::of;
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Prefix::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        skip_map(map).map(|()| Prefix::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut prefix = Prefix::default();
        let mut is_first = true;
        while let Some(Object(item)) = seq.next_element::<Object<TextItem<'de>>>()? {
            let Some(TextItem { text: Field::Text(text) }) = item else { continue };
            if !is_first {
                prefix.push(" ");
            }
            is_first = false;
            prefix.push(&text);
        }
        Ok(prefix)
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PrefixVisitor)
    }
}

/// The pairs of an object, with scalar values.
#[derive(Debug, Default)]
pub(super) enum Pairs<'a> {
    #[default]
    Absent,
    Given(Vec<(String, Field<'a>)>),
    /// The value is no object.
    Wrong,
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    visit_scalars! {
        visit_bool(bool) => |_| Pairs::Wrong;
        visit_i64(i64) => |_| Pairs::Wrong;
        visit_u64(u64) => |_| Pairs::Wrong;
        visit_f64(f64) => |_| Pairs::Wrong;
        visit_str(&str) => |_| Pairs::Wrong;
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Pairs::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip_seq(seq).map(|()| Pairs::Wrong)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
            if pairs.len() == MAX_PAIRS {
                skip_map(map)?;
                break;
            }
        }
        Ok(Pairs::Given(pairs))
    }
}

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PairsVisitor)
    }
}
