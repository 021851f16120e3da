//! Event ids: the same call is the same event, whoever reports it.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::name::{AgentName, SessionId};
use crate::{Error, Result};

/// Hashed first, so that a later making can never meet an earlier one.
const VERSION: u8 = 1;

/// An event's identity, 128 bits, shown as 32 hex digits.
///
/// The first 16 bytes of SHA-256 over a version byte, agent, scope and call id, each with its length
/// in front. There is no constructor that takes a bare call id: whoever makes one must say where that
/// call id is unique.
///
/// ```
/// # use tooltally_core::{AgentName, EventId};
/// let agent = AgentName::claude_code();
/// let hook = EventId::global(&agent, "toolu_01A");
/// let transcript = EventId::global(&agent, "toolu_01A");
/// assert_eq!(hook, transcript);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId([u8; 16]);

impl EventId {
    /// The id of a call whose call id is unique everywhere, as Claude's are (`toolu_…`).
    pub fn global(agent: &AgentName, call: &str) -> Self {
        Self::digest(&[agent.as_str().as_bytes(), b"", call.as_bytes()])
    }

    /// The id of a call whose call id is unique in its session alone, as JSON-RPC's are.
    pub fn in_session(agent: &AgentName, session: &SessionId, call: &str) -> Self {
        Self::digest(&[agent.as_str().as_bytes(), session.as_str().as_bytes(), call.as_bytes()])
    }

    /// The id of an imported record that has none: made of everything that tells it apart.
    ///
    /// The same parts give the same id. It never equals another making's, since an agent is never empty.
    pub fn derived<P: AsRef<[u8]>>(parts: &[P]) -> Self {
        let mut all: Vec<&[u8]> = vec![b""];
        all.extend(parts.iter().map(AsRef::as_ref));
        Self::digest(&all)
    }

    /// A new id for a live call that has none.
    ///
    /// # Errors
    /// [`Error::Engine`] if the system gives no random bytes.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|e| Error::Engine { operation: "get random bytes", source: std::sync::Arc::new(e) })?;
        Ok(Self(bytes))
    }

    /// From its sixteen bytes, as stored.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn digest(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        hash.update([VERSION]);
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(id)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl FromStr for EventId {
    type Err = Error;

    /// Reads 32 hex digits.
    fn from_str(text: &str) -> Result<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let value = if is_hex { u128::from_str_radix(text, 16).ok() } else { None };
        value.map(|v| Self(v.to_be_bytes())).ok_or_else(|| Error::invalid("id", "is not 32 hexadecimal digits"))
    }
}
