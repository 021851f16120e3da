//! `suggest`: one tool at most, with its reason.

use serde_json::{Value, json};

use crate::support::{ENGINES, Place};

/// Sessions of nine calls, each three times the same three tools; the last one has made its first three.
fn habit() -> String {
    let line = |n: u32| {
        let (tool, second) = (["Read", "Edit", "Bash"][n as usize % 3], n % 60);
        let time = format!("2026-01-05T10:{:02}:{second:02}Z", n / 60);
        json!({"v": 1, "tool": tool, "outcome": "success", "time": time, "session": format!("s{}", n / 9)}).to_string()
    };
    (0..183).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_habit_is_told_with_its_reason() {
    for engine in ENGINES {
        let place = Place::new();
        let db = format!("usage.{engine}");
        place.import(&db, &habit());
        let told = place.run(&["--db", &db, "suggest", "--session", "s20"]).done().stdout;
        assert!(told.starts_with("Read (") && told.contains("follows Read, Edit, Bash, seen 40 times"), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        let json = place.run(&["--db", &db, "--json", "suggest", "--session", "s20"]).json();
        let suggestion = &json["suggestion"];
        assert_eq!((&json["session"], &suggestion["tool"]), (&json!("s20"), &json!("Read")));
        assert_eq!((&suggestion["after_calls"], &suggestion["seen"]), (&json!(3), &json!(40)));
        assert_eq!(suggestion["context"], json!(["Read", "Edit", "Bash"]));
        assert!(suggestion["confidence"].as_f64().is_some_and(|p| (0.6..1.0).contains(&p)), "{json}");
    }
}

#[test]
fn where_nothing_is_likely_nothing_is_said() {
    let place = Place::new();
    let silent = |session: &str| {
        let run = place.run(&["--db", "usage.db", "suggest", "--session", session]).done();
        assert_eq!(run.stdout, "", "{session}");
        let json = place.run(&["--db", "usage.db", "--json", "suggest", "--session", session]).json();
        assert_eq!(json["suggestion"], Value::Null, "{session}");
    };
    silent("s20");
    place.import("usage.db", &habit());
    // One that nobody knows, one whose last call is not due.
    silent("unknown");
    silent("s3");
    place.run(&["suggest"]).failed(2);
    place.run(&["suggest", "--session", ""]).failed(2);
}
