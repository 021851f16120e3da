//! How redb's pages lie in the file: each with a checksum, verified before redb sees the page.
//!
//! redb checks its own checksums only when it repairs. On a damaged page it panics, at times twice at once,
//! which ends the program and which no guard can catch. So it never gets one: a page whose checksum differs is
//! an I/O error.
//!
//! The file begins with redb's header page, whose parts redb checks itself; its magic number is ours, and so are
//! two bytes that name the format. Then come groups of a page of checksums and the 1024 pages that they are for. A
//! checksum is the CRC-32 of the page's number and its bytes, little-endian. It is written right after its page,
//! before the commit that makes the page part of a tree; until then nobody reads either.

use std::io;

use redb::StorageBackend;

use crate::bounds;
use crate::error::DamagedPage;

/// How a store's file begins.
pub(crate) const MAGIC: [u8; 9] = *b"ttdb\x1a\x0a\xa9\x0d\x0a";

/// How a redb database begins.
pub(crate) const REDB_MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

/// Where redb's header has two bytes of padding. There stand the store's format and its complement, for whom
/// redb cannot show the format without mending the file first.
pub(crate) const FORMAT_AT: usize = MAGIC.len() + 1;

/// The length of a page.
pub(crate) const PAGE: u64 = 4096;
const PAGE_LENGTH: usize = 4096;

/// How many pages a page of checksums is for.
const GROUP: u64 = 1024;
const CHECKSUM: u64 = PAGE / GROUP;
const CHECKSUM_LENGTH: usize = 4;

/// Where a page lies; the header is page 0.
pub(crate) const fn place(page: u64) -> u64 {
    match page.checked_sub(1) {
        None => 0,
        Some(page) => (2 + page + page / GROUP) * PAGE,
    }
}

/// Where the checksum of a page behind the header lies.
const fn checksum_place(page: u64) -> u64 {
    let page = page.saturating_sub(1);
    (1 + page / GROUP * (GROUP + 1)) * PAGE + page % GROUP * CHECKSUM
}

/// The length of the file that holds so many bytes of redb's.
pub(crate) const fn file_length(length: u64) -> u64 {
    match length.div_ceil(PAGE).checked_sub(1) {
        None => 0,
        Some(last) => place(last) + PAGE,
    }
}

/// How many bytes of redb's a file of this length holds, a cut page counted as it is.
pub(crate) const fn redb_length(file_length: u64) -> u64 {
    if file_length <= PAGE {
        return file_length;
    }
    let grouped = file_length - PAGE;
    let (groups, rest) = (grouped / ((GROUP + 1) * PAGE), grouped % ((GROUP + 1) * PAGE));
    PAGE + groups * GROUP * PAGE + rest.saturating_sub(PAGE)
}

fn checksum(page: u64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&page.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// A run of whole pages within one group.
struct Run {
    first: u64,
    pages: usize,
}

/// Splits pages where a page of checksums lies between.
fn runs(offset: u64, length: usize) -> io::Result<impl Iterator<Item = Run>> {
    if !offset.is_multiple_of(PAGE) || !length.is_multiple_of(PAGE_LENGTH) || offset == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "redb asked for a part of a page"));
    }
    let (mut first, mut left) = (offset / PAGE, length / PAGE_LENGTH);
    Ok(std::iter::from_fn(move || {
        let room = usize::try_from(GROUP - (first - 1) % GROUP).unwrap_or(usize::MAX);
        let run = Run { first, pages: left.min(room) };
        first += run.pages as u64;
        left -= run.pages;
        (run.pages > 0).then_some(run)
    }))
}

/// Reads from redb's header or whole pages.
pub(crate) fn read(backend: &dyn StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
    if offset == 0 && out.len() <= PAGE_LENGTH {
        backend.read(0, out)?;
        bounds::expect_roots(backend, out)?;
        set_format(out, [0, 0]);
        return exchange(out, &MAGIC, &REDB_MAGIC);
    }
    read_pages(backend, offset, out)?;
    bounds::expect_children(backend, out)
}

fn read_pages(backend: &dyn StorageBackend, offset: u64, mut out: &mut [u8]) -> io::Result<()> {
    let mut checksums = Vec::new();
    for run in runs(offset, out.len())? {
        let (pages, rest) = out.split_at_mut(run.pages * PAGE_LENGTH);
        out = rest;
        backend.read(place(run.first), pages)?;
        checksums.resize(run.pages * CHECKSUM_LENGTH, 0);
        backend.read(checksum_place(run.first), &mut checksums)?;
        let (found, _) = checksums.as_chunks::<CHECKSUM_LENGTH>();
        for ((page, bytes), found) in (run.first..).zip(pages.chunks(PAGE_LENGTH)).zip(found) {
            if checksum(page, bytes) != u32::from_le_bytes(*found) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, DamagedPage { offset: place(page) }));
            }
        }
    }
    Ok(())
}

/// The format that a header names.
pub(crate) fn format(backend: &dyn StorageBackend) -> io::Result<Option<u8>> {
    let mut bytes = [0; 2];
    backend.read(FORMAT_AT as u64, &mut bytes)?;
    let [format, complement] = bytes;
    Ok((format == !complement).then_some(format))
}

/// Writes redb's header, which then names a format, or whole pages.
pub(crate) fn write(backend: &dyn StorageBackend, offset: u64, mut data: &[u8], format: u8) -> io::Result<()> {
    if offset == 0 && data.len() <= PAGE_LENGTH {
        let mut header = data.to_vec();
        exchange(&mut header, &REDB_MAGIC, &MAGIC)?;
        set_format(&mut header, [format, !format]);
        return backend.write(0, &header);
    }
    let mut checksums = Vec::new();
    for run in runs(offset, data.len())? {
        let (pages, rest) = data.split_at(run.pages * PAGE_LENGTH);
        data = rest;
        backend.write(place(run.first), pages)?;
        checksums.clear();
        for (page, bytes) in (run.first..).zip(pages.chunks(PAGE_LENGTH)) {
            checksums.extend_from_slice(&checksum(page, bytes).to_le_bytes());
        }
        backend.write(checksum_place(run.first), &checksums)?;
    }
    Ok(())
}

/// Writes a page and its checksum as they are read; the header with its page. What the file does not reach is not there
/// to be written.
pub(crate) fn write_again(backend: &dyn StorageBackend, page: u64) -> io::Result<()> {
    let mut bytes = [0; PAGE_LENGTH];
    let mut copy = |offset: u64, length: usize| -> io::Result<()> {
        let Some(bytes) = bytes.get_mut(..length) else { return Ok(()) };
        if offset + length as u64 > backend.len()? {
            return Ok(());
        }
        backend.read(offset, bytes)?;
        backend.write(offset, bytes)
    };
    copy(place(page), PAGE_LENGTH)?;
    if page == 0 { Ok(()) } else { copy(checksum_place(page), CHECKSUM_LENGTH) }
}

/// Puts one magic number for another, where it stands; a header without one stays as it is.
fn exchange(header: &mut [u8], from: &[u8; 9], to: &[u8; 9]) -> io::Result<()> {
    match header.first_chunk_mut() {
        Some(magic) if magic == to => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the file begins as another kind of file does"))
        }
        Some(magic) => {
            if magic == from {
                *magic = *to;
            }
            Ok(())
        }
        None => Ok(()),
    }
}

fn set_format(header: &mut [u8], bytes: [u8; 2]) {
    if let Some(format) = header.get_mut(FORMAT_AT..).and_then(<[u8]>::first_chunk_mut) {
        *format = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_checksums_lie_beside_each_other_without_gaps() {
        let mut taken = vec![place(0)];
        for page in 1..=3 * GROUP {
            taken.push(place(page));
            if page % GROUP == 1 {
                taken.push(checksum_place(page));
            }
            let first_of_group = page - (page - 1) % GROUP;
            assert_eq!(checksum_place(page), checksum_place(first_of_group) + (page - first_of_group) * CHECKSUM);
        }
        taken.sort_unstable();
        assert!(taken.iter().copied().eq((0..taken.len() as u64).map(|index| index * PAGE)));
    }

    #[test]
    fn lengths_fit_each_other() {
        for pages in (0..5000).chain([1 << 20, (1 << 20) + 1]) {
            assert_eq!(redb_length(file_length(pages * PAGE)), pages * PAGE, "{pages}");
        }
        assert_eq!(file_length(1), PAGE);
        assert_eq!(file_length(2 * PAGE), 3 * PAGE);
        assert_eq!(redb_length(100), 100);
        assert_eq!(redb_length(3 * PAGE + 7), 2 * PAGE + 7);
    }
}
