//! The frames of a write-ahead log that were committed, also behind damage.
//!
//! SQLite takes the first frame whose checksum differs for the end. Where a disk has damaged a frame, whole commits
//! may stand behind it. Each frame's checksum continues that of the frame before, as it stands there, so the frames
//! behind damage can be proven once more. What a writer left of a transaction that it undid is no part of the log: its
//! frames continue no frame of a commit, and are followed by none that ends one.
//! (<https://sqlite.org/fileformat2.html>, 4.)

use crate::cells::PAGE;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// The bytes of a frame.
pub(crate) const FRAME: usize = FRAME_HEADER + PAGE;
/// The magic number with its lowest bit set says that checksums are of big-endian numbers.
const MAGIC: u32 = 0x377f_0682;

/// A page in the write-ahead log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The page's number in the database.
    pub(crate) page: u32,
    /// Where its bytes begin in the write-ahead log.
    pub(crate) at: u64,
}

/// Finds frames, one after the other.
pub(crate) struct Frames {
    big_endian: bool,
    salts: Option<[u8; 8]>,
    sum: Option<(u32, u32)>,
    at: u64,
    pending: Vec<Frame>,
}

impl Frames {
    /// From the header of a write-ahead log, the first 32 bytes. Of a damaged one, frames say themselves what they are.
    pub(crate) fn new(header: &[u8]) -> Self {
        let magic = number(header, 0).unwrap_or(0);
        let mut frames =
            Self { big_endian: magic & 1 == 1, salts: None, sum: None, at: HEADER as u64, pending: Vec::new() };
        let sum = header.get(..24).map(|sealed| frames.add((0, 0), sealed));
        if magic & !1 == MAGIC && sum == number(header, 24).zip(number(header, 28)) {
            frames.sum = sum;
            frames.salts = header.get(16..24).and_then(|salts| salts.try_into().ok());
        } else {
            frames.big_endian = cfg!(target_endian = "big");
        }
        frames
    }

    /// Takes the next [`FRAME`] bytes; the frames that are now known to be committed.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let at = self.at;
        self.at += FRAME as u64;
        let (Some(header), Some(content)) = (bytes.first_chunk::<FRAME_HEADER>(), bytes.get(FRAME_HEADER..)) else {
            return Vec::new();
        };
        let salts = header.get(8..16).and_then(|salts| <[u8; 8]>::try_from(salts).ok());
        let stored = number(header, 16).zip(number(header, 20));
        let continues = self.sum.map(|sum| self.add(self.add(sum, header.get(..8).unwrap_or_default()), content));
        self.sum = stored;
        if salts != Some(*self.salts.get_or_insert(salts.unwrap_or_default())) {
            return Vec::new();
        }
        // The first frame of a log whose header is damaged continues what is not known.
        if continues.is_some() && continues != stored {
            return Vec::new();
        }
        self.pending.push(Frame { page: number(header, 0).unwrap_or(0), at: at + FRAME_HEADER as u64 });
        // The frame that ends a commit has the length of the database.
        if number(header, 4).unwrap_or(0) == 0 { Vec::new() } else { std::mem::take(&mut self.pending) }
    }

    fn add(&self, sum: (u32, u32), bytes: &[u8]) -> (u32, u32) {
        let (words, _) = bytes.as_chunks::<4>();
        let word = |word: &[u8; 4]| if self.big_endian { u32::from_be_bytes(*word) } else { u32::from_le_bytes(*word) };
        let (pairs, _) = words.as_chunks::<2>();
        pairs.iter().fold(sum, |(first, second), [a, b]| {
            let first = first.wrapping_add(word(a)).wrapping_add(second);
            (first, second.wrapping_add(word(b)).wrapping_add(first))
        })
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
