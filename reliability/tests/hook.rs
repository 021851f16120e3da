//! Hooks in their quick form, on each backend. The long form: `reliability hook --backend … --kills 1000`.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::process::Command;

use serde_json::Value;

/// What a hook may take while the machine runs other tests too; by itself it is granted a second.
const GENEROUS_MILLIS: u64 = 20_000;

fn loses_no_call(backend: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tooltally-reliability"));
    command.args(["hook", "--backend", backend, "--kills", "8", "--history", "600", "--json"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = |name: &str| figures["all"][name].as_u64().unwrap();
    assert!(all("killed_hooks") > 0 && all("waited") > 0 && all("stores") > 0, "nothing was hit: {figures}");
    assert!(all("stats_told") > 0 && all("looked_for_at_once") > 0, "nothing was looked at: {figures}");
    assert!(figures["troubles"].as_object().unwrap().len() >= 9, "{figures}");
    assert!(all("worst_millis") < GENEROUS_MILLIS, "{figures}");
}

#[test]
fn no_call_is_lost_on_sqlite() {
    loses_no_call("sqlite");
}

#[test]
fn no_call_is_lost_on_redb() {
    loses_no_call("redb");
}
