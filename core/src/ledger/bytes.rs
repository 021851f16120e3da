//! Numbers as bytes, for rows with a shape of their own: LEB128, seven bits a byte, lowest first.

/// Writes numbers at the end of a vector.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// One byte for each seven bits.
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are what is written")]
    pub(super) fn number(&mut self, number: u64) {
        let mut rest = number;
        while rest >= 0x80 {
            self.0.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push(rest as u8);
    }

    /// As [`number`](Self::number), for sums that may be larger.
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are what is written")]
    pub(super) fn long_number(&mut self, number: u128) {
        let mut rest = number;
        while rest >= 0x80 {
            self.0.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push(rest as u8);
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Reads what [`Writer`] wrote; every answer is `None` where the bytes end early or a number is too large.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that is left.
    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first()?;
        if *first < 0x80 {
            self.0 = rest;
            return Some(u64::from(*first));
        }
        let mut number = u64::from(*first & 0x7F);
        for (index, byte) in rest.iter().enumerate().take(9) {
            let bits = u64::from(*byte & 0x7F);
            if index == 8 && bits > 1 {
                return None;
            }
            number |= bits << (7 * (index + 1));
            if *byte < 0x80 {
                self.0 = rest.get(index + 1..)?;
                return Some(number);
            }
        }
        None
    }

    pub(super) fn long_number(&mut self) -> Option<u128> {
        let (mut number, mut shift) = (0_u128, 0_u32);
        loop {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7F);
            if shift >= 126 && bits > 3 {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
            if shift > 126 {
                return None;
            }
        }
    }

    /// A number that must fit 32 bits.
    pub(super) fn small_number(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    /// A number of things of which each takes at least a byte of what follows.
    pub(super) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len()).then_some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let numbers: Vec<u64> = (0..64).flat_map(|bit| [(1 << bit) - 1, 1 << bit, u64::MAX >> bit]).collect();
        let mut writer = Writer::default();
        for number in &numbers {
            writer.number(*number);
        }
        writer.long_number(u128::MAX);
        let mut reader = Reader::new(writer.as_slice());
        for number in numbers {
            assert_eq!(reader.number(), Some(number));
        }
        assert_eq!(reader.long_number(), Some(u128::MAX));
        assert!(reader.is_empty());
        assert_eq!(reader.number(), None);
    }

    #[test]
    fn too_large_or_cut_numbers_are_refused() {
        let mut long = vec![0xFF; 18];
        long.push(4);
        assert_eq!(Reader::new(&long).long_number(), None);
        assert_eq!(Reader::new(&[0xFF; 40]).long_number(), None);
        assert_eq!(Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2]).number(), None);
        assert_eq!(Reader::new(&[0x80]).number(), None);
        assert_eq!(Reader::new(&[5, 1, 2]).count(), None);
    }
}
