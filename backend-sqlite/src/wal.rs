//! The latest first page in a write-ahead log that nobody has open, read without SQLite.
//!
//! The log's form is SQLite's (<https://sqlite.org/fileformat2.html#walformat>): a header of 32 bytes, then frames of
//! 24 bytes and a page each. A frame counts if its salts are the header's and its checksum, which goes on from the one
//! before, is right; and only up to the last one that ends a transaction.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

/// How a log begins; with the lowest bit set its checksums are of big-endian words.
const MAGIC: u32 = 0x377f_0682;
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The first page as the log's last transaction left it; `None` where the log has nothing that counts.
pub(crate) fn first_page(wal: &Path) -> io::Result<Option<Vec<u8>>> {
    match File::open(wal) {
        Ok(file) => read(&mut BufReader::with_capacity(1 << 16, file)),
        Err(failure) if failure.kind() == ErrorKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn read(log: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; HEADER];
    if !fill(log, &mut header)? {
        return Ok(None);
    }
    let [magic, _, page_size, _, salt_1, salt_2, sum_1, sum_2] = words(header);
    let is_big_endian = magic == MAGIC | 1;
    let mut sum = Checksum { sums: (0, 0), is_big_endian };
    sum.add(header.get(..HEADER - 8).unwrap_or_default());
    let is_sound = (magic == MAGIC || is_big_endian) && sum.sums == (sum_1, sum_2);
    if !is_sound || !page_size.is_power_of_two() || !(512..=1 << 16).contains(&page_size) {
        return Ok(None);
    }
    let mut page = vec![0; usize::try_from(page_size).unwrap_or(0)];
    let (mut newest, mut committed) = (None, None);
    loop {
        let mut frame = [0; FRAME_HEADER];
        if !fill(log, &mut frame)? || !fill(log, &mut page)? {
            return Ok(committed);
        }
        let [number, pages_after, frame_salt_1, frame_salt_2, sum_1, sum_2] = words(frame);
        sum.add(frame.get(..8).unwrap_or_default());
        sum.add(&page);
        if (frame_salt_1, frame_salt_2) != (salt_1, salt_2) || sum.sums != (sum_1, sum_2) {
            return Ok(committed);
        }
        if number == 1 {
            newest = Some(page.clone());
        }
        // Only the frame that ends a transaction says how long the database is then.
        if pages_after != 0 && newest.is_some() {
            committed.clone_from(&newest);
        }
    }
}

/// Fills a buffer; whether there was enough for that.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(failure) if failure.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn words<const BYTES: usize, const WORDS: usize>(bytes: [u8; BYTES]) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    words.iter_mut().zip(bytes.as_chunks().0).for_each(|(word, bytes)| *word = u32::from_be_bytes(*bytes));
    words
}

/// The checksum of a log so far.
struct Checksum {
    sums: (u32, u32),
    is_big_endian: bool,
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        let word =
            |bytes: [u8; 4]| if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let (mut first, mut second) = self.sums;
        for [a, b, c, d, e, f, g, h] in bytes.as_chunks().0 {
            first = first.wrapping_add(word([*a, *b, *c, *d])).wrapping_add(second);
            second = second.wrapping_add(word([*e, *f, *g, *h])).wrapping_add(first);
        }
        self.sums = (first, second);
    }
}
