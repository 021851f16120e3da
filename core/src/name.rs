//! Validated text: once constructed, a name fits every store, table and terminal cell.

use std::fmt;
use std::sync::Arc;

use crate::{Error, Result};

/// Checks what holds for every name: not empty, not too long, no control characters.
pub(crate) fn check_text(field: &'static str, max_bytes: usize, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::invalid(field, "is empty"));
    }
    if text.len() > max_bytes {
        return Err(Error::invalid(field, format!("is {} bytes long; at most {max_bytes} are allowed", text.len())));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(Error::invalid(field, format!("holds the control character U+{:04X}", u32::from(c)))),
        None => Ok(()),
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $field:literal, $max:literal) => {
        $(#[$doc])*
        ///
        #[doc = concat!("1 to ", stringify!($max), " bytes of UTF-8 without control characters. Cheap to clone.")]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The most bytes that it may take.
            pub const MAX_BYTES: usize = $max;

            /// Validates the text.
            ///
            /// # Errors
            /// [`Error::Invalid`] names the field and what is wrong: empty, too long, or a control character.
            pub fn new(text: impl AsRef<str>) -> Result<Self> {
                check_text($field, Self::MAX_BYTES, text.as_ref())?;
                Ok(Self(text.as_ref().into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }
    };
}

text_type! {
    /// A tool's name as the agent sends it: `Bash`, `mcp__github__get_issue`.
    ToolName, "tool", 512
}
text_type! {
    /// A session's identity, as the agent names it.
    SessionId, "session", 256
}
text_type! {
    /// The program that called the tool: `claude-code`.
    AgentName, "agent", 128
}
text_type! {
    /// The type of the subagent that called the tool: `general-purpose`.
    SubagentName, "subagent", 256
}
text_type! {
    /// A project's folder, as people read it.
    ProjectPath, "path", 4096
}
text_type! {
    /// An MCP server's name, as settings have it.
    ServerName, "server", 256
}
text_type! {
    /// What a tool says of itself.
    Description, "description", 1024
}
text_type! {
    /// Where settings have a tool, as people read it: `.mcp.json`, `.claude/skills/review/SKILL.md`.
    SettingsSource, "source", 512
}

impl AgentName {
    /// Claude Code's name.
    pub fn claude_code() -> Self {
        Self("claude-code".into())
    }
}
