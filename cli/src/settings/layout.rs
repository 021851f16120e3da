//! Where things stand in a settings text, so that a part can be replaced and the rest keeps its bytes.

use std::ops::Range;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{SettingsError, kind, shape};

/// Where things stand in a settings text.
pub(super) struct Layout {
    /// The hooks, where there are any.
    pub(super) hooks: Option<Map<String, Value>>,
    /// The bytes of the hooks' value.
    value: Option<Range<usize>>,
    /// Where a new member goes: after the last value, or after the opening brace.
    end: usize,
    is_empty: bool,
    /// How a level is indented; `None` where all stands on one line.
    indent: Option<String>,
}

/// The members of the outermost object: key, and value as written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

impl Layout {
    pub(super) fn of(text: &str) -> Result<Self, SettingsError> {
        // The members only carve the text up: this proves that it is sound to the last level.
        serde_json::from_str::<Value>(text).map_err(SettingsError::NotJson)?;
        let Members(members) = serde_json::from_str(text).map_err(SettingsError::NotJson)?;
        let mut found = members.iter().filter(|(key, _)| key == "hooks").map(|(_, value)| *value);
        let raw = found.next();
        if found.next().is_some() {
            return Err(SettingsError::HooksTwice);
        }
        let hooks = match raw.map(|raw| serde_json::from_str(raw.get())).transpose().map_err(SettingsError::NotJson)? {
            None => None,
            Some(Value::Object(hooks)) => Some(hooks),
            Some(other) => return Err(shape("hooks".to_owned(), kind(&other), "an object")),
        };
        let brace = text.find('{').map_or(0, |at| at + 1);
        Ok(Self {
            hooks,
            value: raw.map(|raw| range_in(text, raw.get())),
            end: members.last().map_or(brace, |(_, value)| range_in(text, value.get()).end),
            is_empty: members.is_empty(),
            indent: indent_of(text, members.is_empty()),
        })
    }

    pub(super) fn with_hooks(&self, text: &str, hooks: &Map<String, Value>) -> String {
        if self.hooks.as_ref() == Some(hooks) {
            return text.to_owned();
        }
        let value = self.written(hooks);
        let Some(range) = &self.value else { return self.with_new_member(text, &value) };
        let (before, after) = (text.get(..range.start), text.get(range.end..));
        format!("{}{value}{}", before.unwrap_or_default(), after.unwrap_or_default())
    }

    fn with_new_member(&self, text: &str, value: &str) -> String {
        let (before, after) = text.split_at(self.end);
        let comma = if self.is_empty { "" } else { "," };
        match &self.indent {
            Some(indent) if self.is_empty => {
                format!("{before}\n{indent}\"hooks\": {value}\n{}", after.trim_start())
            }
            Some(indent) => format!("{before}{comma}\n{indent}\"hooks\": {value}{after}"),
            None => format!("{before}{comma}\"hooks\":{value}{after}"),
        }
    }

    pub(super) fn without_hooks(&self, text: &str) -> String {
        let Some(range) = &self.value else { return text.to_owned() };
        let before = text.get(..range.start).unwrap_or_default().trim_end().trim_end_matches(':').trim_end();
        let before = match before.rfind('"').and_then(|end| before.get(..end)).and_then(|key| key.rfind('"')) {
            Some(start) => before.get(..start).unwrap_or_default(),
            None => before,
        };
        let after = text.get(range.end..).unwrap_or_default();
        if let Some(kept) = before.trim_end().strip_suffix(',') {
            return format!("{kept}{after}");
        }
        match after.trim_start().strip_prefix(',') {
            Some(rest) => format!("{before}{}", rest.trim_start()),
            None => format!("{}{}", before.trim_end(), after.trim_start()),
        }
    }

    /// The hooks as text, indented as the file is.
    fn written(&self, hooks: &Map<String, Value>) -> String {
        let Some(indent) = &self.indent else { return Value::Object(hooks.clone()).to_string() };
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        let written = hooks.serialize(&mut serializer).ok().and_then(|()| String::from_utf8(bytes).ok());
        match written {
            Some(text) => text.replace('\n', &format!("\n{indent}")),
            None => Value::Object(hooks.clone()).to_string(),
        }
    }
}

/// Where a part of a text stands in it.
fn range_in(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start + part.len()
}

/// What the first indented line begins with.
fn indent_of(text: &str, is_empty: bool) -> Option<String> {
    if is_empty {
        return Some("  ".to_owned());
    }
    let line = text.trim_start().lines().nth(1)?;
    let indent: String = line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
    Some(indent)
}
