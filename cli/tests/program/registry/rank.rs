//! `rank`: what matters now, servers gathered.

use serde_json::{Value, json};

use super::{calls, field, furnish, minutes_ago};
use crate::support::{ENGINES, Place};

fn with_calls(place: &Place, db: &str) {
    furnish(place);
    place.run(&["--db", db, "scan"]).done();
    let times: Vec<String> = (0..10).map(minutes_ago).collect();
    let mut made: Vec<(&str, &str, &str)> = times.iter().map(|time| ("Bash", "success", time.as_str())).collect();
    made.push(("mcp__github__get_issue", "success", &times[2]));
    made.push(("mcp__github__list", "failure", &times[3]));
    place.import(db, &calls(place, "home/work", &made));
}

#[test]
fn servers_gather_their_tools_and_each_term_can_be_shown() {
    for engine in ENGINES {
        let place = Place::new();
        let db = format!("usage.{engine}");
        with_calls(&place, &db);
        let told = place.run(&["--db", &db, "--json", "rank"]).json();
        let names = field(&told["rows"], "name");
        assert_eq!(names[..2], ["Bash", "mcp__github"], "{engine}: {told}");
        assert!(names.contains(&"mcp__sentry".to_owned()) && !names.contains(&"mcp__github__list".to_owned()));
        let server = &told["rows"][1];
        assert_eq!(field(&server["tools"], "name"), ["mcp__github__get_issue", "mcp__github__list"]);
        for row in told["rows"].as_array().unwrap() {
            let term = |key: &str| row[key].as_f64().unwrap();
            let weight = |key: &str| told["weights"][key].as_f64().unwrap();
            let sum: f64 = ["share", "recency", "success"].map(|key| weight(key) * term(key)).iter().sum();
            assert!((term("score") - term("standing") * sum).abs() < 1e-9, "{row}");
        }
        let scores: Vec<f64> =
            told["rows"].as_array().unwrap().iter().map(|row| row["score"].as_f64().unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    }
}

#[test]
fn the_table_explains_itself_and_can_be_cut() {
    let place = Place::new();
    with_calls(&place, "usage.db");
    let text = place.run(&["--db", "usage.db", "rank", "--explain"]).done().stdout;
    for word in ["Share", "Recency", "Success", "Standing", "score = standing", "  get_issue", "mcp__github"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let plain = place.run(&["--db", "usage.db", "rank"]).done().stdout;
    assert!(!plain.contains("Recency"), "{plain}");
    let rows = |limit: &str| -> Value { place.run(&["--db", "usage.db", "--json", "rank", "--limit", limit]).json() };
    assert_eq!(field(&rows("1")["rows"], "name"), ["Bash"]);
    assert_eq!(rows("0")["rows"], json!([]));
    for form in [&["rank", "--limit", "0"][..], &["--json", "rank", "--limit", "0"]] {
        let told = place.run(&[&["--db", "usage.db"], form].concat()).done();
        assert!(!told.stdout.contains("No tools") && told.stderr.is_empty(), "{told:?}");
    }
    assert_eq!(place.run(&["--db", "usage.db", "rank", "--limit", "0"]).done().stdout, "");
    place.run(&["rank", "--limit", "-1"]).failed(2);
    place.run(&["rank", "--limit", "many"]).failed(2);
}

#[test]
fn where_nothing_is_known_nothing_is_ranked() {
    let place = Place::new();
    assert_eq!(place.run(&["--json", "rank"]).json()["rows"], json!([]));
    assert!(place.run(&["rank"]).done().stdout.contains("No tools are known"));
}
