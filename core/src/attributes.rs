//! Free pairs that travel with an event: stored and returned, never aggregated.

use crate::name::check_text;
use crate::{Error, Result};

/// At most [`MAX_PAIRS`](Attributes::MAX_PAIRS) pairs of text, sorted by key, each key once.
///
/// For what a caller wants back beside an event: a model's name, a cost. Nothing of a tool's input or
/// output belongs here.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// The most pairs of one event.
    pub const MAX_PAIRS: usize = 8;
    /// The most bytes of a key.
    pub const MAX_KEY_BYTES: usize = 32;
    /// The most bytes of a value.
    pub const MAX_VALUE_BYTES: usize = 128;

    /// No pairs.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Sets a pair; a key that is there already gets the new value.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a key or value that is empty, too long or holds control characters, and for
    /// a pair too many.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        check_text("attributes (key)", Self::MAX_KEY_BYTES, key)?;
        check_text("attributes (value)", Self::MAX_VALUE_BYTES, value)?;
        match self.0.binary_search_by(|(k, _)| k.as_str().cmp(key)) {
            Ok(at) => {
                if let Some(pair) = self.0.get_mut(at) {
                    value.clone_into(&mut pair.1);
                }
            }
            Err(_) if self.0.len() == Self::MAX_PAIRS => {
                return Err(Error::invalid("attributes", format!("hold more than {} pairs", Self::MAX_PAIRS)));
            }
            Err(at) => self.0.insert(at, (key.to_owned(), value.to_owned())),
        }
        Ok(())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| *k == key).map(|(_, v)| v)
    }

    /// The pairs, in order of key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
