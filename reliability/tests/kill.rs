//! Kills in their quick form, on each backend. The long form: `reliability kill --backend … --kills 1000`.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::process::Command;

use serde_json::Value;

/// One of each kind of work and more, all of them on stores small enough for a test.
const KILLS: u64 = 6;

fn survives(backend: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tooltally-reliability"));
    command.args(["kill", "--backend", backend, "--kills", &KILLS.to_string(), "--small", "--json"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = |name: &str| figures["all"][name].as_u64().unwrap();
    assert_eq!(all("kills"), KILLS);
    assert!(all("within_work") > 0 && all("checks") > 0 && all("events") > 0, "nothing was hit: {figures}");
    assert_eq!(figures["works"].as_object().unwrap().len(), 6, "{figures}");
}

#[test]
fn sqlite_keeps_what_it_promised_to_killed_processes() {
    survives("sqlite");
}

#[test]
fn redb_keeps_what_it_promised_to_killed_processes() {
    survives("redb");
}

#[test]
fn exclusive_redb_keeps_what_it_promised_to_killed_processes() {
    survives("redb-exclusive");
}
