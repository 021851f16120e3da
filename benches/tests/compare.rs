//! The comparison in its quick form: it runs, answers are checked, and its JSON has the promised shape.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;

use clap::Parser;
use serde_json::Value;
use tooltally_benches::{Measure, Options, Progress, compare, report};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn options(more: &[&str]) -> Options {
    let size: &[&str] = if more.contains(&"--events") { &[] } else { &["--events", "20k"] };
    let base = ["compare", "--runs", "10", "--prober", env!("CARGO_BIN_EXE_compare")];
    Arguments::parse_from(base.iter().chain(size).chain(more)).options
}

const NAMES: [&str; 22] = [
    "batch_append",
    "single_append",
    "threads_append",
    "recorder",
    "window_90d",
    "tool_90d",
    "window_7d",
    "tool_7d",
    "all_projects_90d",
    "session",
    "recent_200",
    "last_5",
    "tools_for",
    "rank",
    "status",
    "suggest",
    "growth",
    "bytes_per_event",
    "rebuild",
    "memory",
    "hook",
    "import",
];

#[test]
fn every_measure_gives_the_promised_json() {
    let comparison = compare(&options(&[]), &Progress::silent()).unwrap();
    let json = serde_json::to_value(&comparison).unwrap();
    for field in ["machine", "versions", "events", "rows"] {
        assert!(json.get(field).is_some(), "{field} is missing");
    }
    assert_eq!(json["events"], 20_000);
    let mut seen = BTreeSet::new();
    for row in json["rows"].as_array().unwrap() {
        check_row(row);
        let name = (row["measure"].as_str().unwrap().to_owned(), row["backend"].as_str().unwrap().to_owned());
        assert!(seen.insert(name), "{row} stands twice");
    }
    // What a process takes is known where there is /proc.
    let is_measured = |measure: &&str| *measure != "memory" || cfg!(target_os = "linux");
    for measure in NAMES.into_iter().filter(is_measured) {
        let processes = ["hook", "import"].contains(&measure);
        let backends: &[&str] = if processes { &["sqlite", "redb"] } else { &["sqlite", "redb", "redb-exclusive"] };
        for backend in backends {
            assert!(seen.contains(&(measure.to_owned(), (*backend).to_owned())), "{measure} of {backend} is missing");
        }
    }
    let read: report::Comparison = serde_json::from_str(&json.to_string()).unwrap();
    assert_same(&read, &comparison);
    let table = report::table(&comparison);
    for measure in NAMES.into_iter().filter(is_measured) {
        assert!(table.contains(measure), "{measure} is not in\n{table}");
    }
}

/// What was written is read back, but for the last digit of a number.
fn assert_same(read: &report::Comparison, written: &report::Comparison) {
    let is_close = |a: f64, b: f64| (a - b).abs() <= a.abs() * 1e-12;
    assert_eq!((&read.versions, read.events, read.rows.len()), (&written.versions, written.events, written.rows.len()));
    for (a, b) in read.rows.iter().zip(&written.rows) {
        assert_eq!((a.measure, &a.backend, &a.bar, a.met), (b.measure, &b.backend, &b.bar, b.met));
        assert!(is_close(a.value, b.value), "{a:?} {b:?}");
        assert_eq!((a.spread.is_some(), a.parts.len()), (b.spread.is_some(), b.parts.len()), "{a:?} {b:?}");
    }
    for (a, b) in read.series.iter().zip(&written.series) {
        assert_eq!((&a.plot, &a.subject, a.points.len()), (&b.plot, &b.subject, b.points.len()));
    }
}

fn check_row(row: &Value) {
    let value = row["value"].as_f64().unwrap();
    assert!(value > 0.0 && row["unit"].is_string(), "{row}");
    let both = [row["baseline"].is_string(), row["baseline_value"].is_number(), row["ratio"].is_number()];
    assert!(both == [true; 3] || both == [false; 3], "a baseline is whole or absent: {row}");
    if let (Some(theirs), Some(ratio)) = (row["baseline_value"].as_f64(), row["ratio"].as_f64()) {
        let is_query = row["baseline"] == "seed" && row["unit"] == "µs";
        let expected = if is_query { theirs / value } else { value / theirs };
        assert!((ratio / expected - 1.0).abs() < 1e-9, "a ratio reads as its bar does: {row}");
    }
    if row["runs"].is_number() {
        let at = |name: &str| row[name].as_f64().unwrap();
        assert!(at("min") <= at("median") && at("median") <= at("p95"), "{row}");
        assert!(at("p95") <= at("p99") && at("p99") <= at("max"), "{row}");
    }
}

#[test]
fn names_are_the_promised_ones() {
    let names: Vec<String> = Measure::all().iter().map(|measure| measure.name()).collect();
    assert_eq!(names, NAMES);
}

#[test]
fn one_measure_of_one_backend_is_a_single_row() {
    let wanted = options(&["--measure", "session", "--backend", "sqlite"]);
    let comparison = compare(&wanted, &Progress::silent()).unwrap();
    let rows: Vec<_> = comparison.rows.iter().map(|row| (row.measure.name(), row.backend.as_str())).collect();
    assert_eq!(rows, [("session".to_owned(), "sqlite")]);
}

#[test]
fn a_recorder_is_measured_from_one_thread_and_from_eight() {
    let wanted = options(&["--measure", "recorder", "--backend", "redb"]);
    let comparison = compare(&wanted, &Progress::silent()).unwrap();
    let [row] = &comparison.rows[..] else { panic!("{:?}", comparison.rows) };
    let cases: Vec<_> = row.parts.iter().map(|part| part.name.as_str()).collect();
    let of = |who: &str| ["", ": a call of record", ": flush"].map(|what| format!("{who}{what}"));
    let expected = [&of("1 thread")[..], &of("8 threads"), &["one event until durable".to_owned()]].concat();
    assert_eq!(cases, expected);
    assert!(row.parts.iter().all(|part| part.value > 0.0), "{row:?}");
    assert!((row.value - row.parts[3].value).abs() < f64::EPSILON && row.bar.is_none(), "{row:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_that_of_a_process_of_its_own() {
    let wanted = options(&["--measure", "memory", "--backend", "sqlite"]);
    let comparison = compare(&wanted, &Progress::silent()).unwrap();
    let [row] = &comparison.rows[..] else { panic!("{:?}", comparison.rows) };
    assert_eq!((row.unit.as_str(), row.bar.as_deref(), row.met), ("MiB", Some("≤ 64 MiB"), Some(true)));
    let cases: Vec<_> = row.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(cases, ["queries", "rebuild"]);
    assert!(row.parts.iter().all(|part| part.value > 1.0), "no process is that small: {row:?}");
}

#[test]
fn a_prober_that_does_nothing_is_found_out() {
    let wanted = options(&["--measure", "memory", "--backend", "sqlite", "--events", "2k"]);
    // Says something, but nothing of a probe.
    let wanted = Options { prober: Some(env!("CARGO").into()), ..wanted };
    let failure = compare(&wanted, &Progress::silent()).unwrap_err().to_string();
    assert!(failure.contains("queries of sqlite in a process of its own"), "{failure}");
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("usage.db");
    std::fs::write(&file, "mine").unwrap();
    let wanted = options(&["--measure", "session", "--folder", folder.path().to_str().unwrap()]);
    assert!(compare(&wanted, &Progress::silent()).unwrap_err().to_string().contains("is not empty"));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "mine");
}

#[test]
fn a_report_is_a_page_with_figures_and_plots() {
    let wanted = options(&["--events", "2k", "--series", "--measure", "session", "--backend", "redb-exclusive"]);
    let comparison = compare(&wanted, &Progress::silent()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    report::write(&comparison, folder.path()).unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let raw: report::Comparison = serde_json::from_str(&read("compare.json")).unwrap();
    assert_same(&raw, &comparison);
    let page = read("README.md");
    for plot in ["cost-window-90d", "cost-window-7d", "cost-ever", "throughput-by-batch", "throughput-by-threads"] {
        assert!(page.contains(&format!("({plot}.svg)")), "{plot} is not in\n{page}");
        let svg = read(&format!("{plot}.svg"));
        assert!(svg.contains("class=\"line seed\"") && svg.contains("class=\"line redb-exclusive\""), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
    assert!(page.contains("| session | redb-exclusive |"), "{page}");
}
