//! Rows as they lie in the pages of an SQLite file, found without any page being trusted.
//!
//! A cell begins with varints: the length of its record, in a table with row numbers also that number, then the
//! record's header: its own length and what each column is (<https://sqlite.org/fileformat2.html>, 1.6 and 2.1). What
//! has the right columns is a row perhaps; a checksum says so.

/// A record's column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column<'a> {
    Null,
    Integer(i64),
    Blob(&'a [u8]),
    Text(&'a [u8]),
}

/// How much of a record a page of the file holds, and where the rest is.
pub(crate) enum Payload<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// Its beginning, of so many bytes in all; the rest begins on that page.
    Cut { here: &'a [u8], length: usize, next: u32 },
}

/// The bytes of a page.
pub(crate) const PAGE: usize = 4096;
/// The bytes of the file's header, on its first page.
const FILE_HEADER: usize = 100;
/// The longest record that a cell holds whole: of a table with row numbers, and of one without.
const LONGEST_IN_TABLE: usize = PAGE - 35;
const LONGEST_IN_INDEX: usize = (PAGE - 12) * 64 / 255 - 23;
/// The least that a cell keeps of a longer one.
const LEAST: usize = (PAGE - 12) * 32 / 255 - 23;
/// No record of a name is longer: a path has some thousand bytes.
const LONGEST: usize = 1 << 16;

/// A page of a table with row numbers, as its own beginning says.
pub(crate) enum TablePage<'a> {
    /// One that leads to others: the number of the last of them.
    Inner { last: u32 },
    /// One with cells, in their order, each up to the page's end.
    Leaf(Vec<&'a [u8]>),
}

impl<'a> TablePage<'a> {
    /// `None` for any other page, and where a cell would lie outside of it.
    pub(crate) fn of(page: &'a [u8]) -> Option<Self> {
        Self::at(page, 0)
    }

    /// The file's first page, which has the file's header before its own.
    pub(crate) fn of_first(page: &'a [u8]) -> Option<Self> {
        Self::at(page, FILE_HEADER)
    }

    fn at(page: &'a [u8], start: usize) -> Option<Self> {
        const INNER: u8 = 5;
        const LEAF: u8 = 13;
        let header = page.get(start..).filter(|_| page.len() == PAGE)?;
        match *header.first()? {
            INNER => Some(Self::Inner { last: u32::from_be_bytes(*header.get(8..)?.first_chunk()?) }),
            LEAF => {
                let count = usize::from(u16::from_be_bytes(*header.get(3..)?.first_chunk()?));
                let (pointers, _) = header.get(8..8 + 2 * count)?.as_chunks::<2>();
                let cell = |pointer: &[u8; 2]| page.get(usize::from(u16::from_be_bytes(*pointer))..);
                pointers.iter().map(cell).collect::<Option<_>>().map(Self::Leaf)
            }
            _ => None,
        }
    }
}

/// A cell of a table with row numbers: the number and the record. One that is cut is none of ours.
pub(crate) fn table_cell(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (length, rest) = varint(bytes)?;
    let (number, rest) = varint(rest)?;
    let length = usize::try_from(length).ok().filter(|length| (4..=LONGEST_IN_TABLE).contains(length))?;
    Some((number.cast_signed(), rest.get(..length)?))
}

/// A cell of a table without row numbers: the record.
pub(crate) fn index_cell(bytes: &[u8]) -> Option<Payload<'_>> {
    let (length, rest) = varint(bytes)?;
    let length = usize::try_from(length).ok().filter(|length| (4..=LONGEST).contains(length))?;
    if length <= LONGEST_IN_INDEX {
        return rest.get(..length).map(Payload::Whole);
    }
    let here = LEAST + (length - LEAST) % (PAGE - 4);
    let here = if here <= LONGEST_IN_INDEX { here } else { LEAST };
    let next = u32::from_be_bytes(*rest.get(here..)?.first_chunk()?);
    Some(Payload::Cut { here: rest.get(..here)?, length, next })
}

/// The columns of a record of exactly so many; `None` for another one.
pub(crate) fn columns<const N: usize>(record: &[u8]) -> Option<[Column<'_>; N]> {
    let (header_length, _) = varint(record)?;
    let header_length = usize::try_from(header_length).ok()?;
    let header = record.get(..header_length)?;
    let (_, mut kinds) = varint(header)?;
    // A column's kind takes a byte at least, and those of long texts three.
    if !(N..=3 * N).contains(&kinds.len()) {
        return None;
    }
    let mut body = record.get(header_length..)?;
    let mut found = [Column::Null; N];
    for slot in &mut found {
        let (kind, rest) = varint(kinds)?;
        kinds = rest;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 => 8,
            12.. => usize::try_from((kind - 12) / 2).ok()?,
            _ => return None,
        };
        let (bytes, rest) = body.split_at_checked(length)?;
        body = rest;
        *slot = match kind {
            0 => Column::Null,
            8 => Column::Integer(0),
            9 => Column::Integer(1),
            1..=6 => Column::Integer(integer(bytes)),
            _ if kind % 2 == 0 => Column::Blob(bytes),
            _ => Column::Text(bytes),
        };
    }
    (kinds.is_empty() && body.is_empty()).then_some(found)
}

impl<'a> Column<'a> {
    /// The number, where it is one of 32 bits without a sign.
    pub(crate) fn small(self) -> Option<u32> {
        match self {
            Self::Integer(number) => number.try_into().ok(),
            _ => None,
        }
    }

    /// The text.
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

/// Big-endian, in two's complement, of one to eight bytes.
fn integer(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|first| first & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte))
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        let rest = || bytes.get(index + 1..).unwrap_or_default();
        if index == 8 {
            return Some((number << 8 | u64::from(*byte), rest()));
        }
        number = number << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Some((number, rest()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_sqlite_writes_them() {
        // NULL, 1, -2 in a byte, 300 in two bytes, a blob of two bytes, a text of one.
        let record = [7, 0, 9, 1, 2, 16, 15, 0xFE, 1, 44, 0xAB, 0xCD, b'x'];
        let expected = [
            Column::Null,
            Column::Integer(1),
            Column::Integer(-2),
            Column::Integer(300),
            Column::Blob(&[0xAB, 0xCD]),
            Column::Text(b"x"),
        ];
        assert_eq!(columns::<6>(&record), Some(expected));
        assert_eq!(columns::<5>(&record), None);
        for cut in 0..record.len() {
            assert_eq!(columns::<6>(&record[..cut]), None, "{cut}");
        }
        let cell = [&[13, 0x81, 0x01][..], &record].concat();
        assert_eq!(table_cell(&cell), Some((129, &record[..])));
        assert_eq!(table_cell(&cell[..cell.len() - 1]), None);
        assert!(matches!(index_cell(&[&[13], &record[..]].concat()), Some(Payload::Whole(found)) if found == record));
    }

    #[test]
    fn a_number_has_up_to_nine_bytes() {
        assert_eq!(varint(&[0x7F, 1]), Some((127, &[1][..])));
        assert_eq!(varint(&[0xFF; 9]), Some((u64::MAX, &[][..])));
        assert_eq!(varint(&[0xFF; 8]), None);
        assert_eq!(integer(&[0xFF; 8]), -1);
    }
}
