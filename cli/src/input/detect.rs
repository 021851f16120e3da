//! What a source is, told by how it begins, never by its name.

use super::BYTE_ORDER_MARK;
use super::frames::Framing;

/// How much of a source is looked at.
pub(super) const PEEK_BYTES: usize = 64 << 10;

const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";
const REDB_MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detected {
    /// Nothing but white space.
    Empty,
    /// JSON, and how it is cut.
    Json(Framing),
    /// An SQLite database.
    Sqlite,
    /// A redb database.
    Redb,
    /// None of these.
    Unknown,
}

/// Tells what begins with `bytes`, [`PEEK_BYTES`] or all of it.
pub(super) fn detect(bytes: &[u8]) -> Detected {
    if bytes.starts_with(SQLITE_MAGIC) {
        return Detected::Sqlite;
    }
    if bytes.starts_with(REDB_MAGIC) {
        return Detected::Redb;
    }
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii_start();
    match text.first() {
        None => Detected::Empty,
        Some(b'[') => Detected::Json(Framing::Array),
        Some(b'{') if spans_lines(text) => Detected::Json(Framing::Values),
        Some(b'{') => Detected::Json(Framing::Lines),
        Some(_) => Detected::Unknown,
    }
}

/// Whether the object that begins here goes on in the next line, as people print it. One that was cut off does not:
/// what follows it begins a line of its own.
fn spans_lines(text: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b'\n', text) else { return false };
    let (line, rest) = text.split_at(end);
    let mut depth = 0_i64;
    let mut is_in_string = false;
    let mut is_escaped = false;
    for byte in line {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_string => is_escaped = true,
            b'"' => is_in_string = !is_in_string,
            b'{' | b'[' if !is_in_string => depth += 1,
            b'}' | b']' if !is_in_string => depth -= 1,
            _ => {}
        }
    }
    if depth <= 0 || is_in_string {
        return false;
    }
    let opens = matches!(line.trim_ascii_end().last(), Some(b'[' | b':'));
    match rest.trim_ascii_start().first() {
        None => false,
        Some(b'{') => opens,
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_by_how_they_begin() {
        for (text, expected) in [
            (b"".as_slice(), Detected::Empty),
            (b" \r\n\t", Detected::Empty),
            (b"\xEF\xBB\xBF", Detected::Empty),
            (b"\xEF\xBB\xBF{}", Detected::Json(Framing::Lines)),
            (b"{\"a\": 1}\n{\"b\": 2}\n", Detected::Json(Framing::Lines)),
            (b"{\"a\": \"cut\n{\"b\": 2}\n", Detected::Json(Framing::Lines)),
            (b"{\"a\": 1,\n{\"b\": 2}\n", Detected::Json(Framing::Lines)),
            (b"{\"a\": 1,\n \"b\": 2}\n", Detected::Json(Framing::Values)),
            (b"{\r\n  \"a\": {\r\n", Detected::Json(Framing::Values)),
            (b"{\n}", Detected::Json(Framing::Values)),
            (b"{", Detected::Json(Framing::Lines)),
            (b"\n[\n{", Detected::Json(Framing::Array)),
            (b"SQLite format 3\0...", Detected::Sqlite),
            (b"redb\x1A\x0A\xA9\x0D\x0A\0", Detected::Redb),
            (b"\x89PNG\r\n", Detected::Unknown),
            (b"hello", Detected::Unknown),
        ] {
            assert_eq!(detect(text), expected, "{text:?}");
        }
    }
}
