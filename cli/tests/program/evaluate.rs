//! What `evaluate` answers, on made histories and on real ones.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::Place;

/// Sessions of one habit, one a minute, as event lines.
fn habit(sessions: usize) -> String {
    let mut lines = String::new();
    for session in 0..sessions {
        for (second, tool) in ["Read", "Edit", "Bash", "Read", "Edit", "Bash"].into_iter().enumerate() {
            writeln!(
                lines,
                r#"{{"v":1,"tool":"{tool}","outcome":"success","time":"2026-03-01T10:{session:02}:{second:02}Z","session":"s{session}","path":"/nowhere/app"}}"#
            )
            .unwrap();
        }
    }
    lines
}

#[test]
fn evaluate_has_the_promised_shape() {
    let place = Place::new();
    let report = place.run_with(&["--json", "evaluate", "-"], habit(9)).json();
    let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["calls", "predicted", "sessions", "model", "most_used", "repeat_last", "last_five"]);
    assert_eq!((&report["calls"], &report["predicted"], &report["sessions"]), (&json!(54), &json!(45), &json!(9)));
    for name in ["model", "most_used", "repeat_last", "last_five"] {
        let score = &report[name];
        let keys: Vec<&String> = score.as_object().unwrap().keys().collect();
        let expected = ["hit_at_1", "hit_at_3", "mrr", "coverage", "precision", "calibration", "calibration_error"];
        assert_eq!(keys, expected);
        let calibration = score["calibration"].as_array().unwrap();
        assert_eq!(calibration.len(), 10);
        assert_eq!((&calibration[0]["from"], &calibration[9]["to"]), (&json!(0.0), &json!(1.0)));
        assert!(calibration.iter().all(|range| range["calls"] != 0 || range["predicted"].is_null()));
        let calls: u64 = calibration.iter().map(|range| range["calls"].as_u64().unwrap()).sum();
        assert!(calls <= 45 && (name == "last_five" || calls == 45), "{name}: {calls}");
    }
    assert_eq!(report["repeat_last"]["hit_at_1"], json!(0.0));
    assert_eq!(report["repeat_last"]["precision"], Value::Null);
    assert!(report["model"]["hit_at_1"].as_f64().unwrap() > 0.8);
}

#[test]
fn evaluate_reads_each_call_once_and_writes_nothing() {
    let place = Place::new();
    std::fs::write(place.path("home/work/a.jsonl"), habit(3)).unwrap();
    place.run(&["--db", "usage.db", "import", "a.jsonl"]).done();
    // The log has ids, so a copy of it holds the same calls.
    let log = place.run(&["--db", "usage.db", "events"]).done().stdout;
    std::fs::write(place.path("home/work/b.jsonl"), &log).unwrap();
    let report = place.run(&["--json", "--db", "none.db", "evaluate", "b.jsonl", "b.jsonl", "a.jsonl"]).json();
    assert_eq!(report["calls"], json!(18));
    assert!(!place.path("home/work/none.db").exists());
}

#[test]
fn evaluate_tells_people_too() {
    let place = Place::new();
    let text = place.run_with(&["evaluate", "-"], habit(9)).done().stdout;
    assert!(text.starts_with("54 calls in 9 sessions, 45 of them foreseen"), "{text}");
    assert!(text.contains("the model") && text.contains("set of last five") && text.contains("Observed"), "{text}");
    let empty = place.run_with(&["--json", "evaluate", "-"], "").json();
    assert_eq!((&empty["calls"], &empty["model"]["hit_at_1"]), (&json!(0), &Value::Null));
    place.run(&["evaluate"]).failed(2);
    assert!(place.run(&["evaluate", "missing"]).failed(1).contains("cannot read missing"));
}

#[test]
fn evaluate_judges_demotion_on_made_tools() {
    let place = Place::new();
    let report = place.run(&["--json", "evaluate", "--demotion"]).json();
    assert_eq!((&report["tools"], &report["calls"], &report["seed"]), (&json!(1000), &json!(400), &json!(1)));
    let profiles = report["profiles"].as_array().unwrap();
    let breaks = profiles.iter().find(|profile| profile["profile"] == "breaks").unwrap();
    assert!(breaks["rule"]["calls_to_demote"].as_f64().unwrap() < 8.0, "{breaks}");
    assert!(place.run(&["evaluate", "--demotion"]).done().stdout.contains("predecessor"));
    place.run(&["evaluate", "--demotion", "somewhere"]).failed(2);
}

/// Real transcripts, read in place; the model's form was chosen on them.
#[test]
fn the_model_beats_every_baseline_on_real_transcripts() {
    let data = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"));
    if !data.exists() {
        eprintln!("SKIPPED: the sample data {} is absent; nothing was tested", data.display());
        return;
    }
    let place = Place::new();
    for (folder, predicted) in [("transcripts", Some(445)), (".", None)] {
        let path = data.join(folder);
        let report = place.run(&["--json", "evaluate", path.to_str().unwrap()]).json();
        eprintln!("{}", place.run(&["evaluate", path.to_str().unwrap()]).done().stdout);
        if let Some(predicted) = predicted {
            assert_eq!((&report["calls"], &report["sessions"]), (&json!(456), &json!(11)));
            assert_eq!(report["predicted"], json!(predicted));
        }
        let number = |name: &str, field: &str| report[name][field].as_f64().unwrap();
        for field in ["hit_at_1", "hit_at_3", "mrr"] {
            for baseline in ["most_used", "repeat_last", "last_five"] {
                assert!(number("model", field) > number(baseline, field), "{field} of {baseline}: {report}");
            }
        }
        assert!(number("model", "hit_at_1") > 0.452 && number("model", "hit_at_3") > 0.713, "{report}");
        assert!(number("model", "calibration_error") < 0.08, "{report}");
        // Said with a probability of 0.6 and more, and at least as often true.
        assert!(number("model", "precision") >= 0.6, "{report}");
    }
}
