//! Cuts a stream into frames: the lines of JSON Lines, the elements of a JSON array, values one after another.
//!
//! A frame that fits into the window is looked at in one piece, where it lies; a longer one is a stream itself. So
//! memory does not grow with the input, however long a line is.

use super::window::Window;

/// How a stream is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// A frame is a line.
    Lines,
    /// A frame is an element of one array.
    Array,
    /// A frame is a value of its own, over any number of lines.
    Values,
}

/// A stream, cut into frames.
pub(super) struct Frames<'r> {
    window: Window<'r>,
    framing: Framing,
    number: u64,
    scanner: Scanner,
    /// The length of the frame that was given last: given up when the next is asked for.
    last_bytes: usize,
    /// The array's closing bracket was met.
    is_closed: bool,
}

/// One frame.
pub(super) enum Frame<'f, 'r> {
    /// All of it.
    Whole {
        /// The text; of a line without its end.
        bytes: &'f [u8],
        /// Whether its end was met, not just the stream's.
        is_ended: bool,
    },
    /// More than the window holds.
    Long(LongFrame<'f, 'r>),
}

impl<'r> Frames<'r> {
    /// Cuts what the window gives.
    pub(super) fn new(mut window: Window<'r>, framing: Framing) -> Self {
        if framing == Framing::Array {
            let bracket = window.bytes().iter().position(|b| *b == b'[').map_or(0, |at| at + 1);
            window.consume(bracket);
        }
        Self { window, framing, number: 0, scanner: Scanner::new(framing), last_bytes: 0, is_closed: false }
    }

    /// What a frame is called.
    pub(super) const fn unit(&self) -> &'static str {
        match self.framing {
            Framing::Lines => "line",
            Framing::Array | Framing::Values => "entry",
        }
    }

    /// Whether the stream ended before its array did.
    pub(super) fn is_cut_off(&self) -> bool {
        self.framing == Framing::Array && !self.is_closed
    }

    /// Why the stream ended, if it failed.
    pub(super) fn take_error(&mut self) -> Option<std::io::Error> {
        self.window.take_error()
    }

    /// Whether anything but white space follows the array.
    pub(super) fn has_more_after_array(&mut self) -> bool {
        if !self.is_closed {
            return false;
        }
        loop {
            if self.window.bytes().iter().any(|b| !b.is_ascii_whitespace()) {
                return true;
            }
            if self.window.is_at_end() {
                return false;
            }
            self.window.consume(usize::MAX);
            self.window.fill();
        }
    }

    /// The next frame and its number, from 1. A long one must be read to its end before the next is asked for.
    pub(super) fn next(&mut self) -> Option<(u64, Frame<'_, 'r>)> {
        if !self.skip_gap() {
            return None;
        }
        self.number += 1;
        self.scanner = Scanner::new(self.framing);
        let mut scanned = 0;
        loop {
            let fresh = self.window.bytes_from(scanned);
            if let Some(end) = self.scanner.find_end(fresh) {
                return Some((self.number, self.whole(scanned + end.text, scanned + end.next, true)));
            }
            scanned += fresh.len();
            if self.window.is_at_end() {
                return Some((self.number, self.whole(scanned, scanned, false)));
            }
            if self.window.is_full() {
                let long = LongFrame { frames: self, given: 0, scanned, end: None, is_done: false };
                return Some((long.frames.number, Frame::Long(long)));
            }
            self.window.fill();
        }
    }

    fn whole(&mut self, text: usize, next: usize, is_ended: bool) -> Frame<'_, 'r> {
        self.last_bytes = next;
        Frame::Whole { bytes: self.window.bytes().get(..text).unwrap_or_default(), is_ended }
    }

    /// Goes to where the next frame begins; false at the end.
    fn skip_gap(&mut self) -> bool {
        self.window.consume(std::mem::take(&mut self.last_bytes));
        loop {
            if self.is_closed {
                return false;
            }
            let is_array = self.framing == Framing::Array;
            let is_gap = |b: &u8| match b {
                b'\n' | b'\r' | b' ' | b'\t' => true,
                b',' => is_array,
                _ => false,
            };
            let bytes = self.window.bytes();
            let gap = bytes.iter().position(|b| !is_gap(b)).unwrap_or(bytes.len());
            if self.framing == Framing::Lines {
                // An empty line is a line, so that numbers are those that an editor shows.
                let lines = memchr::memchr_iter(b'\n', bytes.get(..gap).unwrap_or_default()).count();
                self.number += lines as u64;
            }
            let first = bytes.get(gap).copied();
            self.window.consume(gap);
            match first {
                Some(b']') if is_array => {
                    self.window.consume(1);
                    self.is_closed = true;
                }
                Some(_) => return true,
                None if self.window.is_at_end() => return false,
                None => self.window.fill(),
            }
        }
    }
}

/// A frame that is longer than the window: it is given in pieces.
pub(super) struct LongFrame<'f, 'r> {
    frames: &'f mut Frames<'r>,
    /// Bytes at hand that the last piece held.
    given: usize,
    /// Bytes at hand in which the end was looked for.
    scanned: usize,
    /// Where the frame ends among the bytes at hand, once met.
    end: Option<FrameEnd>,
    is_done: bool,
}

impl LongFrame<'_, '_> {
    /// The next piece; `None` at the end of the frame.
    pub(super) fn next_piece(&mut self) -> Option<&[u8]> {
        if self.is_done {
            return None;
        }
        let window = &mut self.frames.window;
        window.consume(self.given);
        self.scanned -= self.given;
        self.given = 0;
        if let Some(end) = self.end {
            window.consume(end.next);
            self.is_done = true;
            return None;
        }
        if self.scanned == 0 {
            window.fill();
            let fresh = window.bytes();
            self.end = self.frames.scanner.find_end(fresh);
            self.scanned = fresh.len();
            if fresh.is_empty() {
                self.is_done = true;
                return None;
            }
        }
        self.given = self.end.map_or(self.scanned, |end| end.text);
        if let Some(end) = &mut self.end {
            end.next -= end.text;
        }
        Some(self.frames.window.bytes().get(..self.given).unwrap_or_default())
    }

    /// Whether the frame's end was met, not just the stream's.
    pub(super) const fn is_ended(&self) -> bool {
        self.end.is_some()
    }
}

/// Where a frame ends.
#[derive(Clone, Copy, Debug)]
struct FrameEnd {
    /// Just past its text.
    text: usize,
    /// Just past the frame: past a line's end too.
    next: usize,
}

/// Looks for the end of one frame, piece by piece.
struct Scanner {
    framing: Framing,
    depth: u64,
    is_in_string: bool,
    is_escaped: bool,
    has_begun: bool,
}

impl Scanner {
    const fn new(framing: Framing) -> Self {
        Self { framing, depth: 0, is_in_string: false, is_escaped: false, has_begun: false }
    }

    /// Where the frame ends in `bytes`, which follow those of the last call.
    fn find_end(&mut self, bytes: &[u8]) -> Option<FrameEnd> {
        match self.framing {
            Framing::Lines => memchr::memchr(b'\n', bytes).map(|at| FrameEnd { text: at, next: at + 1 }),
            Framing::Array | Framing::Values => self.find_value_end(bytes).map(|at| FrameEnd { text: at, next: at }),
        }
    }

    fn find_value_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            if self.is_escaped {
                self.is_escaped = false;
            } else if self.is_in_string {
                let rest = bytes.get(at..).unwrap_or_default();
                at += memchr::memchr2(b'"', b'\\', rest)?;
                match bytes.get(at) {
                    Some(b'\\') => self.is_escaped = true,
                    _ => self.is_in_string = false,
                }
                if !self.is_in_string && self.depth == 0 {
                    return Some(at + 1);
                }
            } else {
                match byte {
                    b'"' => self.is_in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' if self.depth > 1 => self.depth -= 1,
                    b'}' | b']' if self.depth == 1 => return Some(at + 1),
                    // A number or a word, which has no end of its own.
                    b',' | b']' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 && self.has_begun => return Some(at),
                    _ => {}
                }
            }
            self.has_begun = true;
            at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time, or as many as asked for.
    struct Slow<'a>(&'a [u8], usize);

    impl std::io::Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let count = into.len().min(self.1).min(self.0.len());
            let (now, later) = self.0.split_at(count);
            into[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn frames(text: &[u8], step: usize, framing: Framing) -> Vec<(u64, Vec<u8>, bool)> {
        let mut reader = Slow(text, step);
        let mut on_read = |_| {};
        let mut window = Window::new(&mut reader, &mut on_read);
        window.fill_to(16);
        let mut frames = Frames::new(window, framing);
        let mut all = Vec::new();
        loop {
            let Some((number, frame)) = frames.next() else { return all };
            let (bytes, is_ended) = match frame {
                Frame::Whole { bytes, is_ended } => (bytes.to_vec(), is_ended),
                Frame::Long(mut long) => {
                    let mut bytes = Vec::new();
                    while let Some(piece) = long.next_piece() {
                        bytes.extend_from_slice(piece);
                    }
                    (bytes, long.is_ended())
                }
            };
            all.push((number, bytes, is_ended));
        }
    }

    #[test]
    fn lines_keep_the_numbers_that_an_editor_shows() {
        for step in [1, 3, 1000] {
            let all = frames(b"a\n\n  b\r\n\nc", step, Framing::Lines);
            let expected = vec![(1, b"a".to_vec(), true), (3, b"b\r".to_vec(), true), (5, b"c".to_vec(), false)];
            assert_eq!(all, expected);
        }
    }

    #[test]
    fn elements_end_where_their_brackets_do() {
        for step in [1, 2, 1000] {
            let all = frames(br#"[ {"a": "}]\\\"{"} , [1, {}], 7,"x,y" ]"#, step, Framing::Array);
            let texts: Vec<_> = all.iter().map(|(_, text, _)| std::str::from_utf8(text).unwrap()).collect();
            assert_eq!(texts, [r#"{"a": "}]\\\"{"}"#, "[1, {}]", "7", r#""x,y""#]);
        }
    }

    #[test]
    fn values_follow_each_other_over_lines() {
        let all = frames(b"{\n \"a\": 1\n}\n{\n}\n{ \"cut", 1, Framing::Values);
        assert_eq!(all.len(), 3);
        assert_eq!(all[0].1, b"{\n \"a\": 1\n}");
        assert!(all[1].2);
        assert!(!all[2].2);
    }

    #[test]
    fn a_frame_longer_than_the_window_comes_whole() {
        use super::super::window::WINDOW_BYTES;
        for length in [WINDOW_BYTES - 1, WINDOW_BYTES, WINDOW_BYTES + 1, 3 * WINDOW_BYTES + 17] {
            let mut text = vec![b'x'; length];
            text.extend_from_slice(b"\nnext\n");
            let all = frames(&text, 70_001, Framing::Lines);
            assert_eq!(all.len(), 2, "{length}");
            assert_eq!(all[0].1.len(), length);
            assert!(all[0].2);
            assert_eq!(all[1], (2, b"next".to_vec(), true));

            let mut text = b"[\"".to_vec();
            text.extend(std::iter::repeat_n(b'x', length));
            text.extend_from_slice(b"\", 5]");
            let all = frames(&text, 70_001, Framing::Array);
            assert_eq!(all.len(), 2, "{length}");
            assert_eq!((all[0].1.len(), all[0].2), (length + 2, true));
            assert_eq!(all[1].1, b"5");
        }
    }
}
