//! Memory stays bounded, however long a line, a name or a nesting is. A test binary of its own, since the peak that
//! the system tells is the whole process's.

#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, not tests themselves: a panic is how they fail"
)]

use std::convert::Infallible;
use std::io::{self, Read};

use tooltally::{Event, SystemClock, Timestamp};
use tooltally_cli::input::{HookOutcome, Importer, Summary, read_hook};

/// What this process may take, in KiB: far less than the 64 MiB that the program may, so that inputs of
/// [`LONG`] show what grows with them.
const MAX_KIB: u64 = 14 << 10;
const HUNDRED_MB: usize = 100_000_000;
/// Long enough to tell, short enough for a build without optimisation.
const LONG: usize = 12_000_000;

/// A stream of parts, each a text repeated, made as it is read.
struct Parts(Vec<(&'static [u8], usize)>, usize);

impl Parts {
    fn new(parts: &[(&'static str, usize)]) -> Self {
        Self(parts.iter().rev().map(|(text, times)| (text.as_bytes(), *times)).collect(), 0)
    }
}

impl Read for Parts {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while let Some((text, times)) = self.0.last_mut() {
            if *times == 0 {
                self.0.pop();
                continue;
            }
            let rest = text.get(self.1..).unwrap_or_default();
            let now = rest.len().min(into.len() - count);
            into[count..count + now].copy_from_slice(&rest[..now]);
            count += now;
            self.1 += now;
            if self.1 == text.len() {
                self.1 = 0;
                *times -= 1;
            }
            if count == into.len() {
                break;
            }
        }
        Ok(count)
    }
}

fn import(parts: &[(&'static str, usize)]) -> (Vec<Event>, Summary) {
    let mut events = Vec::new();
    let mut count = 0_u64;
    let mut importer = Importer::new(&SystemClock);
    let read: Result<(), Infallible> =
        importer.read_stream("test", &mut Parts::new(parts), Timestamp::MIN, &mut |event| {
            count += 1;
            if events.len() < 10 {
                events.push(event);
            }
            Ok(())
        });
    read.unwrap();
    let summary = importer.finish();
    assert_eq!(summary.events, count);
    (events, summary)
}

/// The most memory that this process ever held, in KiB, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

const CALL: &str = r#"{"type":"assistant","sessionId":"s","cwd":"/a","timestamp":"2026-05-01T10:00:00Z","message":{"content":[{"type":"tool_use","id":"toolu_1","name":"Bash"}]}}
"#;
const RESULT_START: &str = r#"{"type":"user","sessionId":"s","timestamp":"2026-05-01T10:00:01Z","message":{"content":[{"type":"tool_result","tool_use_id":"toolu_1","is_error":true,"content":"<tool_use_error>"#;
const RESULT_END: &str = "\"}]}}\n";

fn a_long_result_is_read() {
    for (unit, length) in [("0123456789abcdef", HUNDRED_MB), ("\\n\\\"", LONG), ("\\ud83d\\ude00", LONG), ("€", LONG)]
    {
        let times = length / unit.len();
        let (events, summary) = import(&[(CALL, 1), (RESULT_START, 1), (unit, times), (RESULT_END, 1), (CALL, 1)]);
        assert_eq!(summary.skipped.len(), 0, "{:?}", summary.skipped);
        let Some(Event::ToolUse(event)) = events.first() else { panic!("no event for {unit}") };
        assert_eq!(event.outcome.as_str(), "invalid");
    }
}

fn long_lines_of_other_shapes_are_read() {
    let start = r#"{"type":"user","uuid":"u","toolUseResult":"#;
    for (open, unit, close) in [("[0", ",0", "]}\n"), ("{\"a\":0", ",\"a\":0", "}}\n"), ("\"", "\\u00e9", "\"}\n")] {
        let times = LONG / unit.len();
        let (_, summary) = import(&[(start, 1), (open, 1), (unit, times), (close, 1), (CALL, 1)]);
        assert!(summary.skipped.is_empty(), "{unit}: {:?}", summary.skipped);
        assert_eq!(summary.pending, 1);
    }
    let blocks = r#"{"type":"tool_use","id":"toolu_1","name":"Bash"},"#;
    let start = r#"{"type":"assistant","uuid":"u","message":{"content":["#;
    let (_, summary) = import(&[(start, 1), (blocks, LONG / blocks.len()), ("0]}}\n", 1)]);
    assert_eq!(summary.skipped.keys().collect::<Vec<_>>(), ["more calls or results in one line than are read"]);
}

fn nesting_ends_somewhere() {
    let start = r#"{"type":"user","uuid":"u","x":"#;
    for (levels, reasons) in [(100_000, 0), (900_000, 0), (3_000_000, 1)] {
        let (_, summary) = import(&[(start, 1), ("[", levels), ("]", levels), ("}\n", 1), (CALL, 1)]);
        assert_eq!(summary.skipped.len(), reasons, "{levels}: {:?}", summary.skipped);
        assert_eq!(summary.pending, 1);
    }
}

fn a_long_name_is_named_too_long() {
    let parts = [
        (r#"{"v":1,"outcome":"success","time":"2026-05-01T10:00:00Z","tool":""#, 1),
        ("0123456789abcdef", LONG / 16),
        ("\"}\n", 1),
    ];
    assert_eq!(import(&parts).1.skipped.into_keys().collect::<Vec<_>>(), ["tool is too long"]);
    let (_, summary) =
        import(&[(r#"{"type":"user","uuid":"u",""#, 1), ("0123456789abcdef", LONG / 16), ("\":1}\n", 1)]);
    assert!(summary.skipped.is_empty());
}

fn a_long_line_without_its_end_is_cut_off() {
    let (_, summary) = import(&[(CALL, 1), (RESULT_START, 1), ("0123456789abcdef", LONG / 16)]);
    assert_eq!(summary.skipped.into_keys().collect::<Vec<_>>(), ["cut-off last line"]);
    let (_, summary) =
        import(&[(CALL, 1), (RESULT_START, 1), ("0123456789abcdef", LONG / 16), ("\u{1}", 1), (RESULT_END, 1)]);
    assert!(summary.skipped.is_empty(), "what is cut away is not judged: {:?}", summary.skipped);
}

fn a_long_payload_is_recorded() {
    let start = r#"{"hook_event_name":"PostToolUse","tool_name":"Bash","tool_response":""#;
    let parts = [(start, 1), ("0123456789abcdef", LONG / 16), ("\"}", 1)];
    let reading = read_hook(&mut Parts::new(&parts), None, &SystemClock);
    assert!(matches!(reading.outcome, HookOutcome::Event(_)), "{reading:?}");
    let log = [("[", 1), (start, 1), ("0123456789abcdef", LONG / 16), ("\"},", 1), (start, 1), ("\"}]", 1)];
    assert_eq!(import(&log).1.events, 2);
}

fn very_many_lines_are_counted_apart() {
    let line = "{\"v\":1,\"tool\":\"Bash\",\"outcome\":\"success\",\"time\":\"2026-05-01T10:00:00Z\"}\n";
    assert_eq!(import(&[(line, 30_000)]).1.events, 30_000);
    let orphan = r#"{"type":"user","uuid":"u","message":{"content":[{"type":"tool_result","tool_use_id":"toolu_1"}]}}
"#;
    assert_eq!(import(&[(orphan, 30_000)]).1.skipped.into_values().sum::<u64>(), 1);
}

/// One test, so that the peak after it is that of all.
#[test]
fn memory_stays_within_bounds() {
    a_long_result_is_read();
    long_lines_of_other_shapes_are_read();
    nesting_ends_somewhere();
    a_long_name_is_named_too_long();
    a_long_line_without_its_end_is_cut_off();
    a_long_payload_is_recorded();
    very_many_lines_are_counted_apart();
    match peak_kib() {
        Some(peak) => assert!(peak < MAX_KIB, "the peak is {peak} KiB"),
        None => eprintln!("SKIPPED: this system does not tell a process's peak of memory"),
    }
}
