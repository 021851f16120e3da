//! Ways to damage a file: each follows from a seed and a number.

use std::fmt;

use crate::Random;

/// The unit in which both engines write.
const PAGE: usize = 4096;

/// One way to damage a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// One bit inverted, anywhere.
    Bit { byte: usize, bit: u8 },
    /// Some bits inverted near each other.
    Bits { first: usize, seed: u64 },
    /// One bit of the header.
    HeaderBit { byte: usize, bit: u8 },
    /// A bit within one of the texts that are in the file: names, the schema.
    Text { choice: u64, bit: u8 },
    /// The end is missing.
    Cut { length: usize },
    /// The first bytes are zero.
    BlankHeader { length: usize },
    /// A page is zero.
    BlankPage { page: usize },
    /// Two pages have changed places.
    Swap { one: usize, other: usize },
    /// A page stands in another one's place too.
    Copy { from: usize, to: usize },
    /// The file's last pages are zero, as where a disk had promised too much.
    BlankEnd { first_page: usize },
}

/// Texts that a store's file may hold: a bit of one is a targeted hit.
const TEXTS: [&[u8]; 9] = [
    b"mcp__github__get_issue",
    b"Bash",
    b"a-session",
    b"/home/dev/app",
    b"claude-code",
    b"CREATE VIEW",
    b"CREATE TABLE",
    b"tooltally_format",
    b"WHEN 0 THEN 'success'",
];

impl Harm {
    /// The harm of a number in a file of this length.
    pub(super) fn of(random: &mut Random, length: usize) -> Self {
        let pages = length.div_ceil(PAGE).max(1);
        let byte = below(random, length);
        let bit = u8::try_from(random.below(8)).unwrap_or(0);
        match random.below(14) {
            0..=3 => Self::Bit { byte, bit },
            4 => Self::Bits { first: byte, seed: random.next_number() },
            5 => Self::HeaderBit { byte: below(random, length.min(320)), bit },
            6 | 7 => Self::Text { choice: random.next_number(), bit },
            8 => Self::Cut { length: if random.below(2) == 0 { byte } else { byte / PAGE * PAGE } },
            9 => Self::BlankHeader { length: if random.below(2) == 0 { 100 } else { PAGE } },
            10 => Self::BlankPage { page: below(random, pages) },
            11 => Self::Swap { one: below(random, pages), other: below(random, pages) },
            12 => Self::Copy { from: below(random, pages), to: below(random, pages) },
            _ => Self::BlankEnd { first_page: below(random, pages) },
        }
    }

    /// Damages the bytes of a file; whether they are other than before.
    pub(super) fn inflict(self, bytes: &mut Vec<u8>) -> bool {
        let before = bytes.clone();
        match self {
            Self::Bit { byte, bit } | Self::HeaderBit { byte, bit } => flip(bytes, byte, bit),
            Self::Bits { first, seed } => {
                let mut random = Random::new(seed);
                for _ in 0..64 {
                    let byte = first + below(&mut random, PAGE);
                    flip(bytes, byte, u8::try_from(random.below(8)).unwrap_or(0));
                }
            }
            Self::Text { choice, bit } => {
                let places = text_places(bytes);
                let mut random = Random::new(choice);
                if let Some((place, length)) = places.get(below(&mut random, places.len())) {
                    flip(bytes, place + below(&mut random, *length), bit);
                }
            }
            Self::Cut { length } => bytes.truncate(length),
            Self::BlankHeader { length } => blank(bytes, 0, length),
            Self::BlankPage { page } => blank(bytes, page * PAGE, PAGE),
            Self::Swap { one, other } => {
                let (first, second) = (page(&before, one), page(&before, other));
                put(bytes, one, second);
                put(bytes, other, first);
            }
            Self::Copy { from, to } => put(bytes, to, page(&before, from)),
            Self::BlankEnd { first_page } => blank(bytes, first_page * PAGE, usize::MAX),
        }
        *bytes != before
    }

    /// Whether it may reach the first page, where a file says what it is.
    pub(super) fn reaches_header(self) -> bool {
        match self {
            Self::Bit { byte, .. } | Self::Bits { first: byte, .. } => byte < PAGE,
            Self::HeaderBit { .. } | Self::BlankHeader { .. } | Self::Cut { .. } => true,
            Self::BlankPage { page } | Self::Copy { to: page, .. } | Self::BlankEnd { first_page: page } => page == 0,
            Self::Swap { one, other } => one == 0 || other == 0,
            Self::Text { .. } => false,
        }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

fn below(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).unwrap_or(0)
}

fn flip(bytes: &mut [u8], byte: usize, bit: u8) {
    if let Some(byte) = bytes.get_mut(byte) {
        *byte ^= 1 << (bit % 8);
    }
}

fn blank(bytes: &mut [u8], from: usize, length: usize) {
    let end = from.saturating_add(length).min(bytes.len());
    if let Some(part) = bytes.get_mut(from..end) {
        part.fill(0);
    }
}

fn page(bytes: &[u8], number: usize) -> &[u8] {
    let end = ((number + 1) * PAGE).min(bytes.len());
    bytes.get(number * PAGE..end).unwrap_or_default()
}

fn put(bytes: &mut [u8], number: usize, content: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(number * PAGE).take(PAGE).zip(content) {
        *to = *from;
    }
}

/// Where the texts stand, with the lengths of what follows and is worth a hit.
fn text_places(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    for text in TEXTS {
        let found = bytes.windows(text.len()).enumerate().filter(|(_, window)| *window == text);
        // A schema's text goes on behind its beginning.
        let length = if text.starts_with(b"CREATE") { 1_600 } else { text.len() };
        places.extend(found.map(|(place, _)| (place, length)));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_harm_can_be_had_again_and_most_change_the_file() {
        let file: Vec<u8> = (0..20_000_u32).map(|n| u8::try_from(n % 251).unwrap_or(0)).collect();
        let damaged = |number| {
            let mut bytes = file.clone();
            let changed = Harm::of(&mut Random::for_round(7, number), bytes.len()).inflict(&mut bytes);
            (changed, bytes)
        };
        let changed = (0..200).filter(|number| damaged(*number).0).count();
        assert!(changed > 150, "{changed}");
        assert!((0..200).all(|number| damaged(number) == damaged(number)));
    }
}
