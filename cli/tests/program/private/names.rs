//! Names from a payload: whatever they hold, tables keep their rows, terminals their state, queries their meaning.

use serde_json::json;

use crate::support::{ENGINES, Place};

/// Names that an event may have.
fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "'; DROP TABLE log; --",
        "\"quoted\" `and` [so]",
        "%",
        "_",
        "Bas_",
        "B%",
        "Bash",
        "bash",
        "a\\b\\",
        "$(touch broken)",
        "{}{0}%s%n",
        "--help",
        "| table | cell |",
        "工具工具",
        "\u{202e}reversed",
        "\u{2066}isolated\u{2069}",
        "zero\u{200b}width\u{feff}",
        "tag\u{e0041}",
        "two\u{2028}lines\u{2029}",
        "e\u{301}\u{301}\u{301}",
        "👩\u{200d}👩\u{200d}👧",
        "null",
        "NULL",
        " ",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("long".repeat(64));
    names.push("宽".repeat(85));
    names
}

/// Characters that no answer may have.
fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

fn payload(call: usize, name: &str) -> String {
    json!({"session_id": name, "cwd": format!("/nowhere/{name}"), "hook_event_name": "PostToolUse",
        "tool_name": name, "tool_use_id": format!("toolu_{call}"), "agent_type": name})
    .to_string()
}

#[test]
fn no_name_breaks_a_table_a_terminal_or_a_query() {
    let names = names();
    for engine in ENGINES {
        let place = Place::new();
        let db = format!("usage.{engine}");
        place.make(&db);
        for (call, name) in names.iter().enumerate() {
            let told = place.run_with(&["--db", &db, "hook"], payload(call, name)).done();
            assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", ""), "{name:?}");
        }
        assert_eq!(place.uses(&db), names.len() as u64);
        for by in ["tool", "session", "project"] {
            let table = place.run(&["--db", &db, "stats", "--by", by]).done().stdout;
            // A heading, an empty line, the header, two rules and the total.
            assert_eq!(table.lines().count(), names.len() + 6, "{table}");
            assert!(!table.chars().any(is_harmful), "{table:?}");
        }
        for more in [&["stats"][..], &["stats", "--by", "project"], &["stats", "--by", "session"], &["events"]] {
            let text = place.run(&[&["--db", &db, "--json"], more].concat()).done().stdout;
            assert!(!text.chars().any(is_harmful), "{text:?}");
        }
        for name in &names {
            for option in ["--tool", "--session"] {
                let option = format!("{option}={name}");
                let found = place.stats(&db, &[&option]);
                assert_eq!(found["events"], 1, "{option}");
            }
            let found = place.stats(&db, &[&format!("--tool={name}")]);
            assert_eq!(found["rows"][0]["tool"], json!(name));
        }
        // What was printed comes back as it was.
        let events = place.run(&["--db", &db, "events"]).done().stdout;
        place.import(&format!("copy.{engine}"), &events);
        let copied = place.run(&["--db", &format!("copy.{engine}"), "events"]).done().stdout;
        assert_eq!(events, copied);
        place.run(&["--db", &db, "verify"]).done();
        assert!(!place.path("home/work/broken").exists());
    }
}

#[test]
fn a_name_with_control_characters_is_refused_by_its_field_and_not_shown() {
    for name in ["\u{1b}[2J", "a\nb", "a\u{9b}31m", "\u{7}", "a\u{85}b", "\u{90}q\u{9c}", "\u{7f}"] {
        let place = Place::new();
        let told = place.run_with(&["--db", "usage.db", "hook"], payload(1, name)).done();
        assert_eq!(told.stdout, "");
        assert!(told.stderr.contains("tool_name holds a control character"), "{}", told.stderr);
        assert!(!told.stderr.chars().any(is_harmful), "{:?}", told.stderr);
        // The other names go without.
        let payload = payload(1, name).replacen("\"tool_name\":", "\"tool_name\":\"Bash\",\"other\":", 1);
        if place.run_with(&["--db", "usage.db", "hook"], payload).done().came_too_late() {
            place.make("usage.db");
        }
        assert_eq!(place.stats("usage.db", &["--by", "session"])["rows"][0]["session"], json!(null));
    }
}

#[test]
fn a_path_of_any_name_is_shown_safely() {
    let place = Place::new();
    for name in ["new\nline", "esc\u{1b}[31m", "c1\u{9b}31m", "bidi\u{202e}"] {
        let told = place.run(&["--db", &format!("{name}/usage.db"), "stats"]).done();
        let failed = place.run(&["--db", "usage.db", "import", name]).failed(1);
        for text in [told.stdout, told.stderr, failed] {
            assert!(!text.chars().any(is_harmful), "{text:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn settings_and_findings_of_any_path_are_shown_safely() {
    let place = Place::new();
    for name in ["esc\u{1b}[31m", "bell\u{7}\u{1b}]0;title\u{7}", "c1\u{9b}31m", "bidi\u{202e}", "new\nline"] {
        let folder = place.path("home").join(name);
        std::fs::create_dir(&folder).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = place.command(&[&["--db", "usage.db"], arguments].concat());
            crate::support::answer(command.current_dir(&folder).spawn().unwrap())
        };
        let scope = ["claude-code", "--scope", "local"];
        let mut answers = Vec::new();
        for command in ["install", "install", "uninstall", "uninstall"] {
            answers.push(run(&[&[command, "--dry-run"], &scope[..]].concat()).done());
            answers.push(run(&[&[command], &scope[..]].concat()).done());
        }
        assert!(folder.join(".claude/settings.local.json").exists(), "{name:?}");
        // A name that settings cannot do without is in them as JSON writes it, and the change shows that.
        assert!(answers.iter().any(|told| told.stdout.contains("Backup: ")));
        run(&[&["--json", "install"], &scope[..]].concat()).done();
        answers.push(run(&["doctor"]));
        answers.push(run(&["--json", "doctor"]));
        for told in answers {
            assert!(!told.stdout.chars().any(is_harmful), "{name:?}: {:?}", told.stdout);
            assert!(!told.stderr.chars().any(is_harmful), "{name:?}: {:?}", told.stderr);
            // A line's end in a name makes no line of its own.
            assert!(!told.stdout.lines().any(|line| line.starts_with("line/")), "{:?}", told.stdout);
        }
    }
}
