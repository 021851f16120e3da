//! Links: what each row of a tree keeps of the row before it.
//!
//! SQLite has no checksums of its pages. Where one is damaged, rows can drop out of a table without an error: a key
//! that changed, a count of cells, a page in another one's place. A row's own checksum does not tell that another row
//! is missing. So each row names the key before its own, and a row behind the last one, the [`end`], names the last:
//! whoever finds nothing in a range of keys looks at the row behind it, which says whether that is so.
//!
//! A link is the CRC-32 of the tree's name, its own key and the key before, in four little-endian bytes, then the key
//! before; nothing where there is none.

use tooltally_core::ledger::Tree;
use tooltally_core::{Error, Result};

/// The key of the row behind the last one: above every key of a generation that can be reached.
const END: &[u8] = &[0xFF; 4];
/// Below it, and above every other key.
const BELOW_END: &[u8] = &[0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
/// The same two where a key is a number: no run has the last of all numbers.
const LAST_NUMBER: &[u8] = &[0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
const LAST_BUT_ONE: &[u8] = &[0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE];

/// The key of the row behind a tree's last one.
pub(crate) fn end(tree: Tree) -> &'static [u8] {
    if tree == Tree::IdRuns { LAST_NUMBER } else { END }
}

/// A key below a tree's [`end`], and above every other.
pub(crate) fn below_end(tree: Tree) -> &'static [u8] {
    if tree == Tree::IdRuns { LAST_BUT_ONE } else { BELOW_END }
}

const CHECKSUM_BYTES: usize = 4;

/// The link of a row whose key comes next after `before`.
pub(crate) fn link(tree: Tree, key: &[u8], before: &[u8]) -> Vec<u8> {
    let mut link = checksum(tree, key, before).to_vec();
    link.extend_from_slice(before);
    link
}

/// The key before a row's own, as its link says.
///
/// # Errors
/// [`Error::Corrupt`] where the link is not that of this key.
pub(crate) fn before<'a>(tree: Tree, key: &[u8], link: &'a [u8]) -> Result<&'a [u8]> {
    match link.split_first_chunk::<CHECKSUM_BYTES>() {
        // In order, so that whoever goes from row to row comes to an end in any file.
        Some((stored, before)) if *stored == checksum(tree, key, before) && before < key => Ok(before),
        _ => Err(damage(tree, key, "its link's checksum differs")),
    }
}

/// The error for a row that a link names and that is not there, or one that no link names.
pub(crate) fn broken(tree: Tree, key: &[u8]) -> Error {
    damage(tree, key, "a row in front of it is missing, or one too many is there")
}

/// The error for a tree whose last rows are missing.
pub(crate) fn endless(tree: Tree) -> Error {
    Error::corrupt(tree.as_str(), "its end is missing")
}

fn damage(tree: Tree, key: &[u8], detail: &str) -> Error {
    let shown = key.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    Error::corrupt(format!("{} row {shown}", tree.as_str()), detail)
}

fn checksum(tree: Tree, key: &[u8], before: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = crc32fast::Hasher::new();
    // Where the key ends is in the sum too.
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    for part in [tree.as_str().as_bytes(), &length.to_le_bytes(), key, before] {
        hasher.update(part);
    }
    hasher.finalize().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_believed_in_its_own_place_alone() {
        let stored = link(Tree::Calls, b"two", b"one");
        assert_eq!(before(Tree::Calls, b"two", &stored).unwrap(), b"one");
        assert_eq!(before(Tree::Calls, b"one", &link(Tree::Calls, b"one", b"")).unwrap(), b"");
        assert!(before(Tree::Sessions, b"two", &stored).unwrap_err().is_corrupt());
        assert!(before(Tree::Calls, b"twp", &stored).unwrap_err().is_corrupt());
        assert!(before(Tree::Calls, b"twoo", &link(Tree::Calls, b"two", b"one")).unwrap_err().is_corrupt());
        assert!(before(Tree::Calls, b"two", &stored[..3]).unwrap_err().is_corrupt());
        for (byte, bit) in (0..stored.len()).flat_map(|byte| (0..8).map(move |bit| (byte, bit))) {
            let mut harmed = stored.clone();
            harmed[byte] ^= 1 << bit;
            assert!(before(Tree::Calls, b"two", &harmed).is_err(), "byte {byte} bit {bit}");
        }
    }
}
