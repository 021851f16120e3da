//! A sound store's file with changed pages; redb's with checksums that fit.

use std::sync::OnceLock;

use arbitrary::Unstructured;
use tooltally::{Condition, OpenOptions};
use tooltally_conformance::events::mixed_all;

use super::files::opens;
use crate::{Backend, Result};

/// How many events the store holds whose pages are changed: one fold, and some that wait.
const EVENTS: u64 = 540;
/// The most changes of one input.
const MOST_CHANGES: usize = 6;
const PAGE: usize = 4096;
/// How many pages a page of redb's checksums is for.
const GROUP: usize = 1024;

/// An SQLite store with changed pages.
///
/// # Errors
/// What does not hold.
pub fn sqlite_pages(bytes: &[u8]) -> Result<()> {
    let mut file = sound(Backend::Sqlite)?;
    change(bytes, &mut file);
    opens(Backend::Sqlite, &file)
}

/// A redb store with changed pages, each with a checksum that fits: damage that only redb itself can find.
///
/// # Errors
/// What does not hold.
pub fn redb_pages(bytes: &[u8]) -> Result<()> {
    let mut file = sound(Backend::Redb)?;
    change(bytes, &mut file);
    fit_checksums(&mut file);
    opens(Backend::Redb, &file)
}

/// A sound store's file, made once.
pub(super) fn sound(backend: Backend) -> Result<Vec<u8>> {
    static FILES: [OnceLock<Vec<u8>>; 2] = [const { OnceLock::new() }; 2];
    let [sqlite, redb] = &FILES;
    let file = if backend == Backend::Sqlite { sqlite } else { redb };
    if let Some(bytes) = file.get() {
        return Ok(bytes.clone());
    }
    let folder = tempfile::tempdir()?;
    let store = backend.open(folder.path(), &OpenOptions::new())?;
    store.append(&mixed_all(0..EVENTS), Condition::None)?;
    drop(store);
    let bytes = std::fs::read(backend.file(folder.path()))?;
    Ok(file.get_or_init(|| bytes).clone())
}

/// Changes the file as the input says, until that ends.
fn change(input: &[u8], file: &mut Vec<u8>) {
    let mut u = Unstructured::new(input);
    for _ in 0..MOST_CHANGES {
        if u.is_empty() || change_once(&mut u, file).is_err() {
            break;
        }
    }
}

fn change_once(u: &mut Unstructured<'_>, file: &mut Vec<u8>) -> arbitrary::Result<()> {
    let pages = file.len() / PAGE;
    let from = page(u, pages)?;
    match u.int_in_range(0..=7)? {
        // What is shorter than a page has none.
        0 if pages > 0 => {
            let to = page(u, pages)?;
            file.copy_within(from..from + PAGE, to);
        }
        1 => file.truncate(from + usize::from(u.arbitrary::<u16>()?) % PAGE),
        2 => {
            let value = u.arbitrary()?;
            range(u, file, from)?.fill(value);
        }
        // Where pages count: at their beginning.
        3 => overwrite(u, file, from, 64)?,
        _ => overwrite(u, file, from, PAGE)?,
    }
    Ok(())
}

/// Where a page begins.
fn page(u: &mut Unstructured<'_>, pages: usize) -> arbitrary::Result<usize> {
    Ok(usize::from(u.arbitrary::<u16>()?) % pages.max(1) * PAGE)
}

fn range<'f>(u: &mut Unstructured<'_>, file: &'f mut [u8], from: usize) -> arbitrary::Result<&'f mut [u8]> {
    let at = from + usize::from(u.arbitrary::<u16>()?) % PAGE;
    let end = file.len().min(at + usize::from(u.arbitrary::<u16>()?) % PAGE);
    Ok(file.get_mut(at..end).unwrap_or_default())
}

/// Puts bytes at one of the first `within` bytes of a page: as they are, or added to those that stand there.
fn overwrite(u: &mut Unstructured<'_>, file: &mut [u8], from: usize, within: usize) -> arbitrary::Result<()> {
    let at = from + usize::from(u.arbitrary::<u16>()?) % within;
    let adds: bool = u.arbitrary()?;
    let length = u.int_in_range(1..=16)?;
    let put = u.bytes(length.min(u.len()))?;
    for (to, byte) in file.iter_mut().skip(at).zip(put) {
        *to = if adds { to.wrapping_add(*byte) } else { *byte };
    }
    Ok(())
}

/// Gives every page behind the header the checksum that it must have: the CRC-32 of its number and its bytes. Groups
/// of a page of checksums and the pages that they are for follow the header.
fn fit_checksums(file: &mut [u8]) {
    let Some(groups) = file.get_mut(PAGE..) else { return };
    for (number, group) in groups.chunks_mut((GROUP + 1) * PAGE).enumerate() {
        let Some((checksums, pages)) = group.split_at_mut_checked(PAGE) else { return };
        for (within, (page, checksum)) in pages.chunks(PAGE).zip(checksums.as_chunks_mut::<4>().0).enumerate() {
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(&((1 + number * GROUP + within) as u64).to_le_bytes());
            hasher.update(page);
            *checksum = hasher.finalize().to_le_bytes();
        }
    }
}
