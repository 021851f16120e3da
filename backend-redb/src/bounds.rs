//! The lengths of the pages that redb is about to read.
//!
//! A page's number says how long it is, up to 4 GiB, and redb takes the memory for it before it reads. So a number that
//! stands for more than the whole file is damage, found before redb sees it. The numbers of tables' first pages stand in
//! leaves like any other value, and are not looked at.

use std::io;

use redb::StorageBackend;

use crate::error::EndlessPage;
use crate::file::PRIMARY_UNFLUSHED;
use crate::pages::{MAGIC, PAGE};

/// Above which bit of a page's number its length stands: how often that of a usual page is doubled.
const ORDER_SHIFT: u32 = 59;
/// In the flags, which of the two commits in the header is the latest.
const PRIMARY: u8 = 1;
/// Where the commits begin, and where each says that it has a root and which: that of the tables and redb's own.
const COMMITS_AT: [usize; 2] = [64, 192];
const ROOTS_AT: [(usize, usize); 2] = [(1, 8), (2, 40)];
/// The kind of a page that leads to others, and what it has for each of them: first all checksums, then all numbers.
const BRANCH: u8 = 2;
const CHILDREN_AT: usize = 8;
const CHECKSUM_LENGTH: usize = 16;
const NUMBER_LENGTH: usize = 8;

/// Refuses a header whose commit before the latest has a root that is longer than the file, where redb reads that one
/// because of its flags. It does so without a look at its checksum, unlike that of the latest.
pub(crate) fn expect_roots(backend: &dyn StorageBackend, header: &[u8]) -> io::Result<()> {
    let flags = header.get(MAGIC.len()).copied().unwrap_or_default();
    if flags & PRIMARY_UNFLUSHED == 0 {
        return Ok(());
    }
    let [first, second] = COMMITS_AT;
    let at = if flags & PRIMARY == 0 { second } else { first };
    let commit = header.get(at..).unwrap_or_default();
    let is_there = |at: usize| commit.get(at).is_some_and(|byte| *byte != 0);
    let roots = ROOTS_AT.into_iter().filter(|(there, _)| is_there(*there));
    expect(backend, roots.filter_map(|(_, at)| commit.get(at..)?.first_chunk()))
}

/// Refuses a page that leads to one which is longer than the file.
pub(crate) fn expect_children(backend: &dyn StorageBackend, page: &[u8]) -> io::Result<()> {
    let [BRANCH, _, low, high, ..] = page else { return Ok(()) };
    let children = usize::from(u16::from_le_bytes([*low, *high])) + 1;
    let numbers = page.get(CHILDREN_AT + children * CHECKSUM_LENGTH..).unwrap_or_default();
    expect(backend, numbers.as_chunks().0.iter().take(children))
}

fn expect<'a>(backend: &dyn StorageBackend, numbers: impl Iterator<Item = &'a [u8; NUMBER_LENGTH]>) -> io::Result<()> {
    let longest = numbers.map(|number| u64::from_le_bytes(*number) >> ORDER_SHIFT).max().unwrap_or_default();
    // Nearly all pages are usual ones.
    if longest > 0 && PAGE << longest > backend.len()? {
        return Err(io::Error::new(io::ErrorKind::InvalidData, EndlessPage));
    }
    Ok(())
}
