//! A stretch of a stream, in a buffer of fixed size.

use std::io::{self, Read};

/// The buffer's size: what one read asks for, and the longest frame that is looked at in one piece.
pub(super) const WINDOW_BYTES: usize = 1 << 20;

/// The size that the buffer begins with: a hook's payload is small, and memory that is touched for the first time costs.
const SMALLEST_BYTES: usize = 8 << 10;

/// A reader, and the bytes of it that are at hand.
pub(super) struct Window<'r> {
    reader: &'r mut dyn Read,
    on_read: &'r mut dyn FnMut(u64),
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    error: Option<io::Error>,
}

impl<'r> Window<'r> {
    /// A window on `reader`; `on_read` is told how many bytes each read gave.
    pub(super) fn new(reader: &'r mut dyn Read, on_read: &'r mut dyn FnMut(u64)) -> Self {
        Self { reader, on_read, buffer: Vec::new(), start: 0, end: 0, at_end: false, error: None }
    }

    /// The bytes at hand.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The bytes at hand from `from` on, counted from the first at hand.
    pub(super) fn bytes_from(&self, from: usize) -> &[u8] {
        self.bytes().get(from..).unwrap_or_default()
    }

    /// Gives up the first `count` bytes at hand.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start.saturating_add(count));
    }

    /// Whether the stream has ended: nothing follows what is at hand.
    pub(super) const fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// Whether the buffer is full of bytes that were not consumed.
    pub(super) fn is_full(&self) -> bool {
        self.start == 0 && self.end == WINDOW_BYTES
    }

    /// Why the stream ended, if it failed: what it gave before counts all the same.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Reads more, once, if there is room and more to read.
    pub(super) fn fill(&mut self) {
        if self.at_end || self.is_full() {
            return;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < WINDOW_BYTES {
            // The buffer grows with what is there.
            let wanted = (self.end * 2).clamp(SMALLEST_BYTES, WINDOW_BYTES);
            self.buffer.resize(wanted.max(self.buffer.len()), 0);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let count = loop {
            match self.reader.read(room) {
                Ok(count) => break count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.error = Some(e);
                    break 0;
                }
            }
        };
        self.at_end = count == 0;
        self.end = self.buffer.len().min(self.end + count);
        (self.on_read)(count as u64);
    }

    /// Reads until `count` bytes are at hand, or the stream ends.
    pub(super) fn fill_to(&mut self, count: usize) {
        while self.bytes().len() < count && !self.at_end && !self.is_full() {
            self.fill();
        }
    }
}
