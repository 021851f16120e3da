//! What a source is, told by how it begins, never by its name.

use super::BYTE_ORDER_MARK;
use super::frames::Framing;

/// How much of a source is looked at.
pub(super) const PEEK_BYTES: usize = 64 << 10;

const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";
/// redb's own, and that of our stores, whose pages are sealed.
const REDB_MAGICS: [&[u8]; 2] = [b"redb\x1A\x0A\xA9\x0D\x0A", b"ttdb\x1A\x0A\xA9\x0D\x0A"];

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
    if REDB_MAGICS.iter().any(|magic| bytes.starts_with(magic)) {
        return Detected::Redb;
    }
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii_start();
    match text.first() {
        None => Detected::Empty,
        Some(b'[') if is_whole(first_line(text)) && goes_on_with_objects(text) => Detected::Json(Framing::Lines),
        Some(b'[') => Detected::Json(Framing::Array),
        Some(b'{') if spans_lines(text) => Detected::Json(Framing::Values),
        Some(b'{') => Detected::Json(Framing::Lines),
        // A bad line does not make the lines after it bad.
        Some(_) if goes_on_with_objects(text) => Detected::Json(Framing::Lines),
        Some(_) => Detected::Unknown,
    }
}

/// Whether the object that begins here goes on in the next line, as people print it. One that was cut off does not:
/// what follows it begins a line of its own.
fn spans_lines(text: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b'\n', text) else { return false };
    let (line, rest) = text.split_at(end);
    if !is_open(line) {
        return false;
    }
    let opens = matches!(line.trim_ascii_end().last(), Some(b'[' | b':'));
    match rest.trim_ascii_start().first() {
        None => false,
        // An object that is whole on its line begins a line of its own, unless it is one of a list.
        Some(b'{') => opens && !is_whole(first_line(rest.trim_ascii_start())),
        Some(_) => true,
    }
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// Whether a line below the first is a whole object.
fn goes_on_with_objects(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').skip(1).any(|line| line.starts_with(b"{") && is_whole(line))
}

/// Whether every bracket that the line opens is closed in it, and nothing follows the last.
fn is_whole(line: &[u8]) -> bool {
    balance(line) == Some(0) && matches!(line.trim_ascii_end().last(), Some(b'}' | b']'))
}

/// Whether the line leaves a bracket open, outside of a string.
fn is_open(line: &[u8]) -> bool {
    balance(line).is_some_and(|depth| depth > 0)
}

/// How many brackets the line opens more than it closes; `None` if it ends inside a string.
fn balance(line: &[u8]) -> Option<i64> {
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
    (!is_in_string).then_some(depth)
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
            (b"ttdb\x1A\x0A\xA9\x0D\x0A\0", Detected::Redb),
            (b"\x89PNG\r\n", Detected::Unknown),
            (b"hello", Detected::Unknown),
            (b"garbage\n{\"a\": 1}\n", Detected::Json(Framing::Lines)),
            (b"\0\0\0\n{\"a\": 1}\n", Detected::Json(Framing::Lines)),
            (b"[1, 2]\n{\"a\": 1}\n", Detected::Json(Framing::Lines)),
            (b"[{\"a\": 1}]\n", Detected::Json(Framing::Array)),
            (b"{\"a\": [\n{\"b\": 2}\n", Detected::Json(Framing::Lines)),
            (b"{\"a\": [\n{\"b\": 2},\n{\"c\": 3}]}\n", Detected::Json(Framing::Values)),
        ] {
            assert_eq!(detect(text), expected, "{text:?}");
        }
    }
}
