//! Reading the events out of a damaged store: from the bytes of its file, without redb.
//!
//! Every page is looked at, since the way to a page may be damaged. A leaf of redb's trees is a byte 1, an unused one,
//! and the number of its pairs in two; then where keys and values end, as far as they have no fixed length, each in
//! four bytes; then keys, then values; all numbers little-endian (redb's `docs/design.md`). A row of the log is
//! believed for its checksum, and so is a name, which stands in the file twice; a page's own checksum is not asked for,
//! so that of a damaged page what is sound is still had.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use tooltally_core::ledger::{LogRow, NameKind, Patience, Salvage};
use tooltally_core::{OpenOptions, Position, Recorded, Result, Salvaged};

use crate::error::{self, OPEN, READ};
use crate::guard::Guard;
use crate::opening;
use crate::pages::{PAGE, place, redb_length};
use crate::site::Site;

/// How long others may keep the file from being opened.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The bytes of a page.
const PAGE_LENGTH: usize = 4096;
/// A pair that is longer than a page has more of them, adjoining: as many as the longest path needs.
const LONGEST_LEAF: usize = 8 * PAGE_LENGTH;
/// The first byte of a leaf.
const LEAF: u8 = 1;

/// Hands over every event that can be read from the file of a store.
pub(crate) fn salvage(path: &Path, take: &mut dyn FnMut(Recorded) -> Result<()>) -> Result<Salvaged> {
    let mut file = Pages::open(path)?;
    let mut salvage = Salvage::default();
    let mut leaf = Vec::new();
    for page in 1..file.count {
        file.read(page, &mut leaf)?;
        names(&leaf, &mut salvage);
        state(&leaf, &mut salvage);
        for (position, _) in rows(&leaf) {
            salvage.row(position, page);
        }
    }
    if let Some(end) = log_end(path) {
        salvage.end(end);
    }
    let (mut here, mut of_page) = (None, Vec::new());
    let mut read = |position: Position, page| {
        if here.replace(page) != Some(page) {
            file.read(page, &mut leaf)?;
            of_page = rows(&leaf);
        }
        Ok(of_page.iter().find(|(found, _)| *found == position).map(|(_, row)| row.clone()))
    };
    salvage.hand_over(&mut read, take)
}

/// Where the log ends, as redb itself finds it, reading alone; `None` where it does not.
fn log_end(path: &Path) -> Option<Position> {
    let (site, guard, options) = (Site::new(path, None), Guard::default(), OpenOptions::new().wait(LONGEST_WAIT));
    let mut patience = Patience::new(LONGEST_WAIT);
    let handle = opening::open_read_only(&site, &options, &guard, &mut patience).ok()?;
    let end = opening::log_end(&handle, &guard);
    // Nothing was written that closing it could fail to write.
    let _ = opening::close(handle, &guard);
    end.ok().flatten()
}

/// The sound rows of what may be a leaf of the log.
fn rows(leaf: &[u8]) -> Vec<(Position, LogRow)> {
    let pairs = Pairs::of(leaf, Some(8), None).into_iter().flatten();
    pairs
        .filter_map(|(key, value)| {
            let position = Position::new(u64::from_le_bytes(key.try_into().ok()?));
            Some((position, LogRow::from_bytes(position, value).ok()?))
        })
        .collect()
}

/// Takes the sound names of what may be a leaf of one of the two tables of names.
fn names(leaf: &[u8], salvage: &mut Salvage) {
    let kind_of = |code: u8| NameKind::ALL.into_iter().find(|kind| kind.code() == code);
    for (key, value) in Pairs::of(leaf, Some(5), None).into_iter().flatten() {
        if let Some((kind, number)) = key.split_first()
            && let (Some(kind), Ok(number)) = (kind_of(*kind), number.try_into().map(u32::from_le_bytes))
            && let Some((text, checksum)) = text_and_number(value)
        {
            salvage.name(kind, number, text, checksum);
        }
    }
    for (key, value) in Pairs::of(leaf, None, Some(8)).into_iter().flatten() {
        if let Some((kind, text)) = key.split_first()
            && let (Some(kind), Ok(text)) = (kind_of(*kind), std::str::from_utf8(text))
            && let Some((number, checksum)) = value.split_first_chunk().map(|(number, rest)| (*number, rest))
            && let Ok(checksum) = checksum.try_into().map(u32::from_le_bytes)
        {
            salvage.name(kind, u32::from_le_bytes(number), text, checksum);
        }
    }
}

/// Takes the state of the projections from what may be a leaf of the tree that has it.
fn state(leaf: &[u8], salvage: &mut Salvage) {
    let pairs = Pairs::of(leaf, None, None).into_iter().flatten();
    pairs.filter(|(key, _)| *key == Salvage::STATE_KEY).for_each(|(_, value)| salvage.state(value));
}

/// A pair of a text and a number, as redb writes it: the text's length, in a byte below 254, or two after that one,
/// then text and number.
fn text_and_number(value: &[u8]) -> Option<(&str, u32)> {
    let (length, rest) = match value.split_first()? {
        (254, rest) => {
            rest.split_first_chunk().map(|(length, rest)| (usize::from(u16::from_le_bytes(*length)), rest))?
        }
        (255, _) => return None,
        (length, rest) => (usize::from(*length), rest),
    };
    let (text, number) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(text).ok()?, u32::from_le_bytes(number.try_into().ok()?)))
}

/// The pairs of a leaf, as far as its table of ends can be followed.
struct Pairs<'a> {
    leaf: &'a [u8],
    count: usize,
    key_length: Option<usize>,
    value_length: Option<usize>,
    next: usize,
}

impl<'a> Pairs<'a> {
    /// Of keys and values of these lengths; `None` for what is no leaf.
    fn of(leaf: &'a [u8], key_length: Option<usize>, value_length: Option<usize>) -> Option<Self> {
        let count = leaf.get(2..)?.first_chunk().map(|count| usize::from(u16::from_le_bytes(*count)))?;
        let is_leaf = *leaf.first()? == LEAF && (1..=PAGE_LENGTH).contains(&count);
        is_leaf.then_some(Self { leaf, count, key_length, value_length, next: 0 })
    }

    fn number(&self, index: usize) -> Option<usize> {
        let bytes = self.leaf.get(4 + 4 * index..)?.first_chunk()?;
        usize::try_from(u32::from_le_bytes(*bytes)).ok()
    }

    fn keys_begin(&self) -> usize {
        let ends = usize::from(self.key_length.is_none()) + usize::from(self.value_length.is_none());
        4 + 4 * self.count * ends
    }

    fn key_end(&self, index: usize) -> Option<usize> {
        match self.key_length {
            Some(length) => Some(self.keys_begin() + length * (index + 1)),
            None => self.number(index),
        }
    }

    fn value_end(&self, index: usize) -> Option<usize> {
        match (self.value_length, self.key_length) {
            (Some(length), _) => Some(self.key_end(self.count - 1)? + length * (index + 1)),
            (None, Some(_)) => self.number(index),
            (None, None) => self.number(self.count + index),
        }
    }

    fn pair(&self, index: usize) -> Option<(&'a [u8], &'a [u8])> {
        let (key, value) = match index.checked_sub(1) {
            Some(before) => (self.key_end(before)?, self.value_end(before)?),
            None => (self.keys_begin(), self.key_end(self.count - 1)?),
        };
        Some((self.leaf.get(key..self.key_end(index)?)?, self.leaf.get(value..self.value_end(index)?)?))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while self.next < self.count {
            self.next += 1;
            if let Some(pair) = self.pair(self.next - 1) {
                return Some(pair);
            }
        }
        None
    }
}

/// The pages of a store's file, without those of checksums.
struct Pages {
    file: File,
    count: u64,
}

impl Pages {
    fn open(path: &Path) -> Result<Self> {
        // Looked at before it is opened: a pipe would be waited for.
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(error::not_a_store(path, "it is no regular file"));
        }
        let file = match File::open(path) {
            Ok(file) => file,
            Err(failure) if failure.kind() == ErrorKind::NotFound => return Err(error::missing(path)),
            Err(failure) => return Err(error::from_io(OPEN, failure)),
        };
        let metadata = file.metadata().map_err(|failure| error::from_io(OPEN, failure))?;
        Ok(Self { file, count: redb_length(metadata.len()).div_ceil(PAGE) })
    }

    /// Reads a page, and what adjoins it where a leaf may go on there. What the disk cannot read any more is lost, and
    /// the rest is not: zeros stand in its place.
    fn read(&mut self, page: u64, leaf: &mut Vec<u8>) -> Result<()> {
        leaf.clear();
        self.append(page, leaf)?;
        let ends = [(Some(8), None), (Some(5), None), (None, Some(8)), (None, None)];
        let end = |(keys, values)| Pairs::of(leaf, keys, values).and_then(|leaf| leaf.value_end(leaf.count - 1));
        let longest = ends.into_iter().filter_map(end).filter(|end| *end <= LONGEST_LEAF).max().unwrap_or(0);
        let more = longest.div_ceil(PAGE_LENGTH);
        for next in (page..self.count).take(more).skip(1) {
            self.append(next, leaf)?;
        }
        Ok(())
    }

    fn append(&mut self, page: u64, leaf: &mut Vec<u8>) -> Result<()> {
        self.file.seek(SeekFrom::Start(place(page))).map_err(|failure| error::from_io(READ, failure))?;
        let before = leaf.len();
        if (&self.file).take(PAGE).read_to_end(leaf).is_err() {
            leaf.resize(before + PAGE_LENGTH, 0);
        }
        Ok(())
    }
}
