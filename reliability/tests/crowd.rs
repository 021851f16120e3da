//! Crowds in their quick form, on each backend. The long form: `reliability crowd --backend …`.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::Command;

use serde_json::Value;

fn loses_nothing(backend: &str) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tooltally-reliability"));
    command.args(["crowd", "--backend", backend, "--json"]);
    command.args(["--processes", "3", "--threads", "3", "--seconds", "2", "--kills", "2"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let has = |name: &str| report.get(name).and_then(Value::as_u64).unwrap();
    assert!(has("events") > 0 && has("batches") > 0, "nothing was recorded: {report}");
    report
}

/// Beside a process that writes all the time too: the run fails where another is refused.
fn starves_nobody(report: &Value) {
    for waits in ["/beside_greedy/p95", "/beside_greedy/p999", "/appends/p95", "/appends/p999"] {
        assert!(report.pointer(waits).and_then(Value::as_u64).is_some_and(|micros| micros > 0), "{waits} of {report}");
    }
}

#[test]
fn a_crowd_on_sqlite_loses_nothing_and_sees_whole_batches() {
    starves_nobody(&loses_nothing("sqlite"));
}

#[test]
fn a_crowd_on_redb_loses_nothing_and_sees_whole_batches() {
    starves_nobody(&loses_nothing("redb"));
}

#[test]
fn threads_on_exclusive_redb_lose_nothing_and_see_whole_batches() {
    let report = loses_nothing("redb-exclusive");
    assert_eq!(report.get("processes").and_then(Value::as_u64), Some(1), "{report}");
}
