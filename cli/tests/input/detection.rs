//! Sources of every kind and none, and folders of them.

use std::io::{self, Read, empty};
use std::path::PathBuf;

use tooltally::SystemClock;
use tooltally_cli::input::{Importer, total_bytes};

use crate::{import_path, import_paths, import_reader, import_text, skipped};

const LINE: &str = "{\"v\": 1, \"tool\": \"Bash\", \"outcome\": \"success\", \"time\": \"2026-05-01T12:00:00Z\"}\n";

#[test]
fn an_empty_source_is_no_error() {
    for text in ["", " \r\n\n", "\u{feff}", "[]", "[ ]\n"] {
        let (events, summary) = import_text(text);
        assert!(events.is_empty() && summary.skipped.is_empty(), "{text:?}: {summary:?}");
        assert_eq!(summary.files, 1);
    }
}

#[test]
fn what_is_no_history_is_passed_over_once() {
    let texts: [&[u8]; 9] = [
        b"\x89PNG\r\n\x1a\n\0\0",
        b"plain text\nof two lines",
        b"{\"permissions\": {\"allow\": []}}",
        b"{\n  \"permissions\": {\n    \"allow\": []\n  }\n}\n",
        b"{\"a\": 1}\n{\"b\": 2}\n",
        b"[section]\nkey = 1\n",
        b"[1, 2, 3]",
        b"{\"type\": \"object\", \"properties\": {}}",
        b"\"text\"",
    ];
    for text in texts {
        let (events, summary) = import_text(text);
        assert!(events.is_empty());
        assert_eq!(skipped(&summary), [("not a known format", 1)], "{:?}", String::from_utf8_lossy(text));
        assert_eq!(summary.files, 0);
    }
    let (_, summary) = import_text("{ not json\n".repeat(1000));
    assert_eq!(skipped(&summary), [("not a known format", 1)]);
}

#[test]
fn a_line_that_is_all_there_is_says_what_is_wrong() {
    let (_, summary) = import_text("{\"type\": \"user\", \"mess");
    assert_eq!(skipped(&summary), [("cut-off last line", 1)]);
    let (_, summary) = import_text("{\"tool\": \"Bash\", \"outcome\": \"success\"}");
    assert_eq!(skipped(&summary), [("v is missing", 1)]);
    let (_, summary) = import_text("{\"v\": 1, \"outcome\": \"success\"}");
    assert_eq!(skipped(&summary), [("tool is missing", 1)]);
    let (_, summary) = import_text(format!("{LINE}{{\"a\": 1}}\n{{\"b\": 1}}\n"));
    assert_eq!(skipped(&summary), [("neither an event, a hook's payload nor a transcript's line", 2)]);
}

#[test]
fn marks_and_line_ends_of_other_systems_are_tolerated() {
    let (events, summary) = import_text(format!("\u{feff}{}", LINE.repeat(2).replace('\n', "\r\n")));
    assert_eq!((events.len(), summary.skipped.len()), (2, 0));
    let (events, summary) = import_text(LINE.trim_end());
    assert_eq!((events.len(), summary.skipped.len()), (1, 0));
}

#[test]
fn folders_are_gone_through_in_order_of_path() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, session: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, LINE.replace("\"v\"", &format!("\"session\": \"{session}\", \"v\""))).unwrap();
    };
    write("b/z.jsonl", "3");
    write("b/a/deep/x", "2");
    write("a.jsonl", "1");
    write("c", "4");
    std::fs::write(folder.path().join("picture.png"), b"\x89PNG").unwrap();
    std::fs::write(folder.path().join("empty.jsonl"), b"").unwrap();
    let sessions = |paths: &[PathBuf]| -> Vec<String> {
        import_paths(paths).0.into_iter().map(|event| event.session.unwrap().to_string()).collect()
    };
    let root = folder.path().to_owned();
    assert_eq!(sessions(std::slice::from_ref(&root)), ["1", "2", "3", "4"]);
    assert_eq!(sessions(&[root.join("c"), root.join("b"), root.join("c")]), ["2", "3", "4"]);
    let (_, summary) = import_path(&root);
    assert_eq!((summary.files, summary.events), (5, 4));
    assert_eq!(skipped(&summary), [("not a known format", 1)]);
    assert_eq!(total_bytes(&[root]), summary.bytes);
}

#[test]
fn what_is_not_there_is_named() {
    let (_, summary) = import_path("/nowhere/at/all".as_ref());
    assert_eq!(skipped(&summary), [("not readable: entity not found", 1)]);
    assert_eq!(summary.examples, ["/nowhere/at/all: not readable: entity not found"]);
}

#[cfg(unix)]
#[test]
fn links_in_circles_end() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("below");
    std::fs::create_dir(&below).unwrap();
    std::fs::write(below.join("log.jsonl"), LINE).unwrap();
    symlink(folder.path(), below.join("up")).unwrap();
    symlink(&below, folder.path().join("again")).unwrap();
    symlink("nowhere", folder.path().join("broken")).unwrap();
    let (events, summary) = import_path(folder.path());
    assert_eq!(events.len(), 1);
    assert_eq!(skipped(&summary), [("not readable: entity not found", 1)]);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_a_folder_is_not_waited_on() {
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
    assert!(made.success());
    std::fs::write(folder.path().join("z.jsonl"), LINE).unwrap();
    let (events, summary) = import_path(folder.path());
    assert_eq!(events.len(), 1);
    assert_eq!(skipped(&summary), [("not a regular file", 1)]);
}

#[test]
fn a_dash_is_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, LINE).unwrap();
    let mut count = 0;
    let mut importer = Importer::new(&SystemClock);
    let mut emit = |_| -> Result<(), String> {
        count += 1;
        Ok(())
    };
    importer.read_paths(&["-".into(), path], &mut LINE.as_bytes(), &mut emit).unwrap();
    assert_eq!((count, importer.finish().files), (2, 2));
}

#[test]
fn the_receivers_error_ends_the_import() {
    let mut count = 0;
    let mut importer = Importer::new(&SystemClock);
    let text = LINE.repeat(10);
    let result = importer.read_paths(&["-".into(), "/nowhere".into()], &mut text.as_bytes(), &mut |_| {
        count += 1;
        if count == 3 { Err("full") } else { Ok(()) }
    });
    assert_eq!((result, count), (Err("full"), 3));
}

#[test]
fn progress_is_told() {
    let mut seen = Vec::new();
    let text = LINE.repeat(100_000);
    let mut importer = Importer::new(&SystemClock).on_progress(|bytes| seen.push(bytes));
    let mut emit = |_| -> Result<(), ()> { Ok(()) };
    importer.read_paths(&["-".into()], &mut text.as_bytes(), &mut emit).unwrap();
    let bytes = importer.finish().bytes;
    assert_eq!(bytes, text.len() as u64);
    assert!(seen.len() > 5 && seen.is_sorted() && seen.last() == Some(&bytes));
}

/// Gives some bytes, then fails.
struct Failing(&'static str);

impl Read for Failing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let (given, rest) = self.0.split_at(self.0.len().min(into.len()));
        self.0 = rest;
        Read::read(&mut given.as_bytes(), into)
    }
}

#[test]
fn a_source_that_fails_midway_keeps_what_it_gave() {
    let (events, summary) = import_reader(&mut Failing("").chain(empty()));
    assert!(events.is_empty());
    assert_eq!(skipped(&summary), [("not readable: permission denied", 1)]);
    let text: &'static str = LINE.repeat(500).leak();
    let (events, summary) = import_reader(&mut Failing(text));
    assert_eq!(skipped(&summary), [("not readable: permission denied", 1)]);
    assert_eq!(events.len(), 500);
}
