//! No input makes the readers panic, and where the stream is cut into reads makes no difference.

use std::io::{self, Read};

use proptest::prelude::*;
use tooltally_cli::input::{read_event_line, read_hook};

use crate::{clock, import_reader, import_text};

const SEED: &str = concat!(
    r#"{"type":"assistant","sessionId":"s","cwd":"/a","timestamp":"2026-05-01T10:00:00Z","message":{"model":"m","content":[{"type":"text","text":"\ud83d\ude00 é"},{"type":"tool_use","id":"toolu_1","name":"Bash","input":{"a":[1,2.5e3,null,true]}}]}}"#,
    "\n",
    r#"{"type":"user","sessionId":"s","timestamp":"2026-05-01T10:00:01Z","toolUseResult":{"durationMs":5},"message":{"content":[{"type":"tool_result","tool_use_id":"toolu_1","is_error":true,"content":[{"type":"text","text":"Permission to use \u00e9"}]}]}}"#,
    "\n",
    r#"{"hook_event_name":"PostToolUse","session_id":"s","cwd":"/a","tool_name":"Read","duration_ms":1.5}"#,
    "\r\n",
    r#"{"v":1,"tool":"Bash","outcome":"success","time":"2026-05-01T10:00:00Z","attributes":{"a":"b"}}"#,
    "\n",
);

/// Gives at most so many bytes a read.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (mut now, later) = self.0.split_at(self.1.min(self.0.len()).min(into.len()));
        self.0 = later;
        now.read(into)
    }
}

fn never_panics(bytes: &[u8]) {
    let (_, summary) = import_text(bytes);
    assert_eq!(summary.bytes, bytes.len() as u64);
    read_hook(&mut &bytes[..], None, &clock());
    let _ = read_event_line(bytes);
}

/// A text with a few bytes overwritten, removed or put in.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    let pretty = SEED.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join(",");
    let texts = vec![SEED.to_owned(), format!("[{pretty}]"), SEED.replace("{\"", "{\n \"")];
    (prop::sample::select(texts), prop::collection::vec(change, 0..6)).prop_map(|(text, changes)| {
        let mut bytes = text.into_bytes();
        for (at, byte, kind) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"{}[]\",:\\\n0"[usize::from(byte) % 10]),
                _ => bytes.truncate(at),
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        never_panics(&bytes);
    }

    #[test]
    fn random_json_like_text_never_panics(text in "[{}\\[\\]\",:\\\\u0-9a-f \n]{0,300}") {
        never_panics(text.as_bytes());
    }

    #[test]
    fn mutated_history_never_panics(bytes in mutated()) {
        never_panics(&bytes);
    }

    #[test]
    fn the_size_of_reads_makes_no_difference(bytes in mutated(), step in 1_usize..50) {
        let (events, summary) = import_text(&bytes);
        let (slow_events, slow_summary) = import_reader(&mut Slow(&bytes, step));
        prop_assert_eq!(events, slow_events);
        prop_assert_eq!(summary, slow_summary);
    }
}

#[test]
fn the_seed_itself_is_read_whole() {
    let (events, summary) = import_text(SEED);
    assert_eq!(events.len(), 3);
    assert!(summary.skipped.is_empty());
}
