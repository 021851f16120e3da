//! A row's id, checksum and numbers in one column: each column more costs every row a tenth of its time.

use tooltally_core::ledger::LogRow;

const ID_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 4;
/// The digits of the largest number of 32 bits, and of 64.
const SHORT_DIGITS: usize = 10;
const LONG_DIGITS: usize = 20;
/// Kind, tool, session, place and duration, with the letters between.
const MOST: usize = ID_BYTES + CHECKSUM_BYTES + 4 * (SHORT_DIGITS + 1) + LONG_DIGITS;

/// What the column holds, besides the id.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) checksum: u32,
    pub(crate) tool: u32,
    pub(crate) kind: u8,
    pub(crate) session: u32,
    pub(crate) place: u32,
    /// Microseconds.
    pub(crate) duration: Option<u64>,
}

/// The column of one row, on the stack.
#[derive(Debug)]
pub(crate) struct Packed {
    bytes: [u8; MOST],
    length: usize,
}

impl Packed {
    pub(crate) fn new(id: &[u8; ID_BYTES], numbers: &Numbers) -> Self {
        let mut packed = Self { bytes: [0; MOST], length: 0 };
        packed.put(id);
        packed.put(&numbers.checksum.to_le_bytes());
        packed.number(numbers.tool.into());
        if numbers.kind != LogRow::TOOL_USE {
            packed.put(b"k");
            packed.number(numbers.kind.into());
        }
        packed.put(b"s");
        packed.number(numbers.session.into());
        packed.put(b"p");
        packed.number(numbers.place.into());
        if let Some(duration) = numbers.duration {
            packed.put(b"d");
            packed.number(duration);
        }
        packed
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// `MOST` is what the longest row needs: there is always room.
    fn put(&mut self, more: &[u8]) {
        let end = self.length + more.len();
        if let Some(to) = self.bytes.get_mut(self.length..end) {
            to.copy_from_slice(more);
            self.length = end;
        }
    }

    fn number(&mut self, number: u64) {
        let mut digits = [b'0'; LONG_DIGITS];
        let (mut rest, mut used) = (number, 0);
        for digit in digits.iter_mut().rev() {
            let [low, ..] = (rest % 10).to_le_bytes();
            *digit += low;
            rest /= 10;
            used += 1;
            if rest == 0 {
                break;
            }
        }
        self.put(digits.get(LONG_DIGITS - used..).unwrap_or_default());
    }
}

/// Reads a column; `None` where it is none.
pub(crate) fn unpack(bytes: &[u8]) -> Option<(&[u8; ID_BYTES], Numbers)> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (checksum, rest) = rest.split_first_chunk()?;
    let mut text = Text(rest);
    let tool = text.short()?;
    let kind = if text.next_is(b'k') { u8::try_from(text.number()?).ok()? } else { LogRow::TOOL_USE };
    let session = if text.next_is(b's') { text.short()? } else { return None };
    let place = if text.next_is(b'p') { text.short()? } else { return None };
    let duration = if text.next_is(b'd') { Some(text.number()?) } else { None };
    let numbers = Numbers { checksum: u32::from_le_bytes(*checksum), tool, kind, session, place, duration };
    text.0.is_empty().then_some((id, numbers))
}

struct Text<'a>(&'a [u8]);

impl Text<'_> {
    /// Whether this letter comes next; it is then passed over.
    fn next_is(&mut self, letter: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == letter => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn number(&mut self) -> Option<u64> {
        let (first, mut rest) = self.0.split_first()?;
        let mut number = digit(*first)?;
        while let Some((next, after)) = rest.split_first()
            && let Some(digit) = digit(*next)
        {
            number = number.checked_mul(10)?.checked_add(digit)?;
            rest = after;
        }
        self.0 = rest;
        Some(number)
    }

    fn short(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }
}

fn digit(byte: u8) -> Option<u64> {
    byte.is_ascii_digit().then(|| u64::from(byte - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; ID_BYTES] = [0xAB; ID_BYTES];

    fn numbers() -> Numbers {
        Numbers { checksum: 0x0403_0201, tool: 12, kind: 1, session: 5000, place: 3, duration: Some(1500) }
    }

    fn with_text(text: &str) -> Vec<u8> {
        [ID.as_slice(), &[1, 2, 3, 4], text.as_bytes()].concat()
    }

    #[test]
    fn numbers_stand_as_text_behind_id_and_checksum() {
        assert_eq!(Packed::new(&ID, &numbers()).as_bytes(), with_text("12s5000p3d1500"));
        let bare = Numbers { session: 0, place: 0, duration: None, ..numbers() };
        assert_eq!(Packed::new(&ID, &bare).as_bytes(), with_text("12s0p0"));
        assert_eq!(unpack(&with_text("12s0p0")), Some((&ID, bare)));
    }

    #[test]
    fn the_largest_numbers_come_back() {
        let (most, kind) = (u32::MAX, u8::MAX);
        let largest =
            Numbers { checksum: most, tool: most, kind, session: most, place: most, duration: Some(u64::MAX) };
        let packed = Packed::new(&ID, &largest);
        assert_eq!(unpack(packed.as_bytes()), Some((&ID, largest)));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "s1p1", "1p1", "1s1", "1s1p", "1s1p1d", "1s1p1 ", "1s1p1d1d1", "4294967296s1p1", "1k256s1p1"] {
            assert_eq!(unpack(&with_text(text)), None, "{text}");
        }
        assert_eq!(unpack(&with_text("1s1p1d18446744073709551616")), None);
        assert_eq!(unpack(&ID), None);
    }
}
