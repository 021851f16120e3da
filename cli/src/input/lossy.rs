//! Bytes that are not UTF-8 become replacement characters, as they stream: a live call is not lost for a stray
//! byte in what its tool answered, which is not kept anyway.

use std::io::{self, Read};

/// How many bytes are read at once.
const CHUNK: usize = 16 << 10;

/// Reads a source as UTF-8.
pub(super) struct Lossy<R> {
    source: R,
    /// The beginning of a character whose end is not read yet: at most three bytes.
    cut: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
    is_at_end: bool,
}

impl<R: Read> Lossy<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, cut: Vec::new(), ready: Vec::new(), given: 0, is_at_end: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.cut);
        let kept = bytes.len();
        bytes.resize(kept + CHUNK, 0);
        let count = self.source.read(bytes.get_mut(kept..).unwrap_or_default())?;
        bytes.truncate(kept + count);
        self.is_at_end = count == 0;
        self.ready.clear();
        self.given = 0;
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.ready.extend(chunk.valid().as_bytes());
            let invalid = chunk.invalid();
            if !self.is_at_end && chunks.peek().is_none() && is_beginning(invalid) {
                self.cut = invalid.to_vec();
            } else if !invalid.is_empty() {
                self.ready.extend("\u{FFFD}".as_bytes());
            }
        }
        Ok(())
    }
}

/// Whether more bytes could make a character of these.
fn is_beginning(bytes: &[u8]) -> bool {
    !bytes.is_empty() && std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

impl<R: Read> Read for Lossy<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() && !self.is_at_end {
            self.fill()?;
        }
        let rest = self.ready.get(self.given..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let (now, later) = self.0.split_at(self.1.min(self.0.len()).min(into.len()));
            into[..now.len()].copy_from_slice(now);
            self.0 = later;
            Ok(now.len())
        }
    }

    #[test]
    fn it_reads_what_the_whole_text_would_be() {
        for text in
            [&b"plain"[..], "größe €🦀".as_bytes(), b"a\xff\xfeb", b"\xe2\x82", b"\xe2\x82(", b"", b"\xf0\x9f\xa6"]
        {
            for step in 1..6 {
                let mut read = String::new();
                Lossy::new(Slow(text, step)).read_to_string(&mut read).unwrap();
                assert_eq!(read, String::from_utf8_lossy(text), "{text:?} by {step}");
            }
        }
    }
}
