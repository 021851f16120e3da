//! A project: a folder's identity and its readable path.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::name::ProjectPath;
use crate::{Error, Result};

/// A project's identity: the first 8 bytes of the SHA-256 of its path, shown as 16 hex digits.
///
/// It equals the `project_hash` of the layer that tooltally grew from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId([u8; 8]);

impl ProjectId {
    /// The identity of the folder that this text names, taken literally: no links are resolved.
    ///
    /// ```
    /// # use tooltally_core::ProjectId;
    /// assert_eq!(ProjectId::of_path("/home/dev/app").to_string().len(), 16);
    /// ```
    pub fn of_path(path: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(path.as_bytes()).into();
        let mut id = [0; 8];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(id)
    }

    /// From its eight bytes.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Its eight bytes.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProjectId({self})")
    }
}

impl FromStr for ProjectId {
    type Err = Error;

    /// Reads 16 hex digits.
    fn from_str(text: &str) -> Result<Self> {
        let is_hex = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let value = if is_hex { u64::from_str_radix(text, 16).ok() } else { None };
        value.map(|v| Self(v.to_be_bytes())).ok_or_else(|| Error::invalid("project", "is not 16 hexadecimal digits"))
    }
}

/// The project of an event. The id is its identity; the path is for people and may be unknown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Project {
    /// Its identity.
    pub id: ProjectId,
    /// Its folder, where known.
    pub path: Option<ProjectPath>,
}

impl Project {
    /// The project in this folder, its text taken literally.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the path is empty, too long or holds control characters.
    pub fn from_path(path: impl AsRef<str>) -> Result<Self> {
        let path = ProjectPath::new(path)?;
        Ok(Self { id: ProjectId::of_path(path.as_str()), path: Some(path) })
    }

    /// A project of which only the id is known, as in imports that keep no path.
    pub const fn from_id(id: ProjectId) -> Self {
        Self { id, path: None }
    }
}
