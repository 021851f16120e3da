//! Rows that a few tools share: tools whose numbers differ in the lowest bits alone, so that a fold writes few rows.
//!
//! A row is, for each of its tools that has anything, ascending: its lowest bits, and what the tree keeps of it.

use std::collections::BTreeMap;

use super::bytes::{Reader, Writer};
use super::keys::show;
use super::tables::Tree;
use crate::{Error, Result, codec};

/// How many tools share a row.
const TOOLS: u32 = 16;

/// The row that a tool is in.
pub(super) const fn row_of(tool: u32) -> u32 {
    tool / TOOLS
}

/// What a tree keeps of one tool.
pub(super) trait OfTool: Sized {
    /// The tree.
    const TREE: Tree;
    /// About how many bytes it takes.
    const BYTES: usize;

    fn write(&self, to: &mut Writer);

    /// Reads it back; `None` for damage.
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

/// The tools of one row as bytes, sealed for its key.
pub(super) fn to_bytes<T: OfTool>(by_tool: &BTreeMap<u32, T>, key: &[u8]) -> Vec<u8> {
    let mut row = Writer::with_capacity(by_tool.len() * T::BYTES);
    for (tool, of_tool) in by_tool {
        row.number(u64::from(tool % TOOLS));
        of_tool.write(&mut row);
    }
    codec::seal_bytes(key, row.as_slice())
}

/// Reads a row back.
///
/// # Errors
/// [`Error::Corrupt`] for what is no such row.
pub(super) fn from_bytes<T: OfTool>(key: &[u8], row_number: u32, sealed: &[u8]) -> Result<BTreeMap<u32, T>> {
    let place = || show(T::TREE, key);
    let mut from = Reader::new(codec::open_bytes(&place, key, sealed)?);
    let mut by_tool = BTreeMap::new();
    let mut previous = None;
    while !from.is_empty() {
        let low = from.small_number().filter(|low| *low < TOOLS && previous.replace(*low) < Some(*low));
        let read = low.and_then(|low| Some((low, T::read(&mut from)?)));
        let (low, of_tool) = read.ok_or_else(|| Error::corrupt(place(), "a field is out of its range"))?;
        by_tool.insert(row_number.saturating_mul(TOOLS).saturating_add(low), of_tool);
    }
    Ok(by_tool)
}
