//! Makes a JSON text harmless for a parser, as it streams: no string stays long, no surrogate alone, no number too large.
//!
//! A string is cut after [`MAX_UNITS`] characters, which is more than any valid field has, so a name that was cut
//! never passes for a valid one. An escape of half a surrogate pair, which agents leave where they cut a tool's
//! output, becomes the replacement character. A number beyond what a parser holds is brought into its reach; it stays
//! beyond what any field takes.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::field::MAX_TEXT_BYTES;
use super::frames::LongFrame;

/// A string keeps this many characters, so at least this many bytes.
const MAX_UNITS: usize = MAX_TEXT_BYTES + 1;
/// A number keeps so many digits, and an exponent up to here: together far from the largest `f64`, and far beyond any
/// field's values.
const MAX_DIGITS: u8 = 100;
const MAX_EXPONENT: u8 = 99;
/// A parser may need a byte for each level.
const MAX_DEPTH: u64 = 1_000_000;

/// Where pieces of a text come from.
pub(super) trait Pieces {
    /// The next piece; `None` at the end.
    fn next_piece(&mut self) -> Option<&[u8]>;
}

impl Pieces for LongFrame<'_, '_> {
    fn next_piece(&mut self) -> Option<&[u8]> {
        LongFrame::next_piece(self)
    }
}

/// A text that is at hand in one piece.
pub(super) struct OnePiece<'a>(pub(super) Option<&'a [u8]>);

impl Pieces for OnePiece<'_> {
    fn next_piece(&mut self) -> Option<&[u8]> {
        self.0.take()
    }
}

/// What was found in a text beside its JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// It is not UTF-8.
    pub(super) is_not_utf8: bool,
    /// It is nested deeper than is read.
    pub(super) is_too_deep: bool,
}

/// Reads a JSON text with its strings shortened.
pub(super) struct Shorten<P> {
    pieces: P,
    rewriter: Rewriter,
    utf8: Utf8Check,
    hash: Sha256,
    /// A carriage return that the last piece ended with: not part of the text if nothing follows.
    has_return: bool,
    findings: Findings,
    given: usize,
}

impl<P: Pieces> Shorten<P> {
    pub(super) fn new(pieces: P) -> Self {
        Self {
            pieces,
            rewriter: Rewriter::default(),
            utf8: Utf8Check::default(),
            hash: Sha256::new(),
            has_return: false,
            findings: Findings::default(),
            given: 0,
        }
    }

    /// Reads to the end: what was found, the digest of the original text, and the source back.
    pub(super) fn finish(mut self) -> (Findings, [u8; 32], P) {
        while self.take_piece() {}
        self.findings.is_not_utf8 |= !self.utf8.is_complete();
        (self.findings, self.hash.finalize().into(), self.pieces)
    }

    /// Rewrites the next piece; false at the end.
    fn take_piece(&mut self) -> bool {
        self.rewriter.out.clear();
        self.given = 0;
        let Some(piece) = self.pieces.next_piece() else {
            self.rewriter.end();
            return false;
        };
        if std::mem::take(&mut self.has_return) {
            self.hash.update(b"\r");
        }
        self.has_return = piece.ends_with(b"\r");
        self.hash.update(piece.strip_suffix(b"\r").unwrap_or(piece));
        self.findings.is_not_utf8 |= !self.utf8.check(piece);
        if !self.findings.is_too_deep {
            self.rewriter.take(piece);
            self.findings.is_too_deep = self.rewriter.max_depth > MAX_DEPTH;
        }
        true
    }
}

impl<P: Pieces> Read for Shorten<P> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.rewriter.out.len() {
            if !self.take_piece() && self.rewriter.out.is_empty() {
                return Ok(0);
            }
            if self.findings.is_too_deep || self.findings.is_not_utf8 {
                return Err(io::Error::from(io::ErrorKind::InvalidData));
            }
        }
        let rest = self.rewriter.out.get(self.given..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.given += count;
        Ok(count)
    }
}

/// Where in a JSON text the rewriter stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Outside,
    /// In a number, before any exponent.
    Number {
        digits: u8,
    },
    /// In a number's exponent, which is written once it has ended.
    Exponent {
        value: Option<u8>,
    },
    Text,
    /// After a backslash.
    Escape,
    /// Inside `\uXXXX`.
    Hex {
        digits: u8,
        value: u32,
    },
}

#[derive(Default)]
struct Rewriter {
    state: State,
    units: usize,
    /// The first half of a surrogate pair, as its text; written once the second is met.
    high: Option<[u8; 6]>,
    escape: Vec<u8>,
    depth: u64,
    max_depth: u64,
    out: Vec<u8>,
}

impl Rewriter {
    fn take(&mut self, piece: &[u8]) {
        let mut at = 0;
        while let Some(byte) = piece.get(at).copied() {
            if self.state == State::Text && self.high.is_none() {
                let rest = piece.get(at..).unwrap_or_default();
                let plain = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                if plain > 0 {
                    self.plain(rest.get(..plain).unwrap_or_default());
                    at += plain;
                    continue;
                }
            }
            self.step(byte);
            at += 1;
        }
    }

    /// The stream's end: what is held back belongs to a text that is cut off.
    fn end(&mut self) {
        self.flush_high();
        if matches!(self.state, State::Exponent { .. }) {
            self.flush_exponent();
        }
        let escape = std::mem::take(&mut self.escape);
        self.out.extend_from_slice(&escape);
    }

    /// Text inside a string without quotes and escapes.
    fn plain(&mut self, text: &[u8]) {
        for byte in text {
            let is_start = byte & 0xC0 != 0x80;
            if is_start {
                self.units += 1;
            }
            if self.units > MAX_UNITS {
                break;
            }
            self.out.push(*byte);
        }
    }

    fn step(&mut self, byte: u8) {
        match self.state {
            State::Outside => self.outside(byte),
            State::Number { digits } => self.number(byte, digits),
            State::Exponent { value } => self.exponent(byte, value),
            State::Text if byte == b'\\' => {
                self.escape.push(byte);
                self.state = State::Escape;
            }
            State::Text => {
                self.flush_high();
                if byte == b'"' {
                    self.out.push(byte);
                    self.state = State::Outside;
                } else {
                    self.plain(&[byte]);
                }
            }
            State::Escape => {
                self.escape.push(byte);
                if byte == b'u' {
                    self.state = State::Hex { digits: 0, value: 0 };
                } else {
                    self.flush_high();
                    self.unit();
                }
            }
            State::Hex { digits, value } => self.hex(byte, digits, value),
        }
    }

    fn number(&mut self, byte: u8, digits: u8) {
        match byte {
            b'0'..=b'9' if digits == MAX_DIGITS => {}
            b'0'..=b'9' => {
                self.state = State::Number { digits: digits + 1 };
                self.out.push(byte);
            }
            b'e' | b'E' => {
                self.state = State::Exponent { value: None };
                self.out.push(byte);
            }
            b'.' => {
                // A digit must follow.
                self.state = State::Number { digits: digits.min(MAX_DIGITS - 1) };
                self.out.push(byte);
            }
            _ => self.outside(byte),
        }
    }

    fn exponent(&mut self, byte: u8, value: Option<u8>) {
        match (byte, value) {
            (b'0'..=b'9', _) => {
                let larger = value.unwrap_or(0).saturating_mul(10).saturating_add(byte - b'0');
                self.state = State::Exponent { value: Some(larger.min(MAX_EXPONENT)) };
            }
            (b'+' | b'-', None) => self.out.push(byte),
            _ => {
                self.flush_exponent();
                self.outside(byte);
            }
        }
    }

    fn flush_exponent(&mut self) {
        if let State::Exponent { value: Some(value) } = std::mem::take(&mut self.state) {
            self.out.extend_from_slice(value.to_string().as_bytes());
        }
    }

    fn outside(&mut self, byte: u8) {
        self.state = State::Outside;
        match byte {
            b'0'..=b'9' => self.state = State::Number { digits: 1 },
            b'"' => {
                self.state = State::Text;
                self.units = 0;
            }
            b'{' | b'[' => {
                self.depth += 1;
                self.max_depth = self.max_depth.max(self.depth);
            }
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.out.push(byte);
    }

    fn hex(&mut self, byte: u8, digits: u8, value: u32) {
        let Some(digit) = char::from(byte).to_digit(16) else {
            // Not JSON: hand it on as it is, and let the parser say so.
            self.flush_high();
            self.unit();
            self.step(byte);
            return;
        };
        self.escape.push(byte);
        let value = value * 16 + digit;
        if digits < 3 {
            self.state = State::Hex { digits: digits + 1, value };
            return;
        }
        match (value, self.high.take()) {
            (0xDC00..=0xDFFF, Some(high)) => {
                self.escape.splice(..0, high);
                self.unit();
            }
            (0xDC00..=0xDFFF, None) => {
                self.escape = b"\\ufffd".to_vec();
                self.unit();
            }
            (_, held) => {
                self.high = held;
                self.flush_high();
                if (0xD800..=0xDBFF).contains(&value) {
                    self.high = self.escape.as_slice().try_into().ok();
                    self.escape.clear();
                    self.state = State::Text;
                } else {
                    self.unit();
                }
            }
        }
    }

    /// Writes the escape as one character.
    fn unit(&mut self) {
        self.units += 1;
        if self.units <= MAX_UNITS {
            self.out.extend_from_slice(&self.escape);
        }
        self.escape.clear();
        self.state = State::Text;
    }

    /// The first half of a pair whose second half did not come.
    fn flush_high(&mut self) {
        if self.high.take().is_some() {
            self.units += 1;
            if self.units <= MAX_UNITS {
                self.out.extend_from_slice(b"\\ufffd");
            }
        }
    }
}

/// Checks UTF-8 piece by piece.
#[derive(Default)]
struct Utf8Check {
    /// The start of a character that the last piece cut.
    cut: Vec<u8>,
}

impl Utf8Check {
    /// Whether the text is UTF-8 up to here, the last character aside.
    fn check(&mut self, piece: &[u8]) -> bool {
        let mut rest = piece;
        while !self.cut.is_empty() {
            let Some((byte, later)) = rest.split_first() else { return true };
            self.cut.push(*byte);
            rest = later;
            match std::str::from_utf8(&self.cut) {
                Ok(_) => self.cut.clear(),
                Err(e) if e.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        match std::str::from_utf8(rest) {
            Ok(_) => true,
            Err(e) if e.error_len().is_some() => false,
            Err(e) => {
                self.cut.extend_from_slice(rest.get(e.valid_up_to()..).unwrap_or_default());
                true
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.cut.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Steps<'a>(std::slice::Chunks<'a, u8>);

    impl Pieces for Steps<'_> {
        fn next_piece(&mut self) -> Option<&[u8]> {
            self.0.next()
        }
    }

    fn shorten(text: &[u8], step: usize) -> (String, Findings, [u8; 32]) {
        let mut shorten = Shorten::new(Steps(text.chunks(step)));
        let mut out = Vec::new();
        let _ = shorten.read_to_end(&mut out);
        let (findings, digest, _) = shorten.finish();
        (String::from_utf8_lossy(&out).into_owned(), findings, digest)
    }

    #[test]
    fn ordinary_text_passes_unchanged() {
        let text = r#" {"a\n\"b": ["x\\", "\u00e9\ud83d\ude00 é😀", 1.5e3, null], "c": {}} "#;
        for step in 1..text.len() {
            let (out, findings, digest) = shorten(text.as_bytes(), step);
            assert_eq!(out, text);
            assert_eq!(findings, Findings::default());
            assert_eq!(digest, <[u8; 32]>::from(Sha256::digest(text)));
        }
    }

    #[test]
    fn a_number_that_no_parser_holds_is_brought_into_its_reach() {
        let digits = |count| "7".repeat(count);
        for (text, expected) in [
            ("[1e999]", "[1e99]".to_owned()),
            ("-2.5E+0400,1e-77777 ", "-2.5E+99,1e-99 ".to_owned()),
            ("{\"a\":1e99999999999999999999}", "{\"a\":1e99}".to_owned()),
            ("1e7", "1e7".to_owned()),
            ("[1e,1e+]", "[1e,1e+]".to_owned()),
            (&digits(500), digits(100)),
            (&(digits(500) + ".25"), digits(100) + ".2"),
            ("\"1e999\"", "\"1e999\"".to_owned()),
        ] {
            for step in [1, 2, 3, 1000] {
                assert_eq!(shorten(text.as_bytes(), step).0, expected, "{text}");
            }
        }
    }

    #[test]
    fn a_surrogate_alone_is_replaced() {
        for (text, expected) in [
            (r#""a\ud83d""#, r#""a\ufffd""#),
            (r#""a\ud83d b""#, r#""a\ufffd b""#),
            (r#""\ude00x""#, r#""\ufffdx""#),
            (r#""\ud83d\n""#, r#""\ufffd\n""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ud83d\u0041""#, r#""\ufffd\u0041""#),
        ] {
            for step in [1, 2, 100] {
                assert_eq!(shorten(text.as_bytes(), step).0, expected, "{text}");
            }
        }
    }

    #[test]
    fn long_strings_are_cut_between_characters_but_stay_too_long() {
        for unit in ["x", "é", "😀", "\\n", "\\u00e9", "\\ud83d\\ude00"] {
            let text = format!("[\"{}\", \"end\"]", unit.repeat(20_000));
            let (out, findings, _) = shorten(text.as_bytes(), 777);
            assert_eq!(findings, Findings::default());
            let parsed: Vec<String> = serde_json::from_str(&out).unwrap();
            assert_eq!(parsed[0].chars().count(), MAX_UNITS);
            assert!(parsed[0].len() > MAX_TEXT_BYTES);
            assert_eq!(parsed[1], "end");
        }
    }

    #[test]
    fn what_is_not_utf8_is_found() {
        for step in [1, 2, 3, 100] {
            assert!(shorten(b"\"\xff\"", step).1.is_not_utf8);
            assert!(shorten(b"\"\xe2\x82\"", step).1.is_not_utf8);
            assert!(shorten(b"\"\xe2\x82", step).1.is_not_utf8);
            assert!(!shorten("\"€\"".as_bytes(), step).1.is_not_utf8);
        }
    }

    #[test]
    fn nesting_ends_somewhere() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(!shorten(deep.as_bytes(), 4096).1.is_too_deep);
        assert!(shorten("[".repeat(1_000_001).as_bytes(), 4096).1.is_too_deep);
    }
}
