//! What a session is told of the tools at hand: a short plain text within a budget.

use super::sanitize::{is_joiner, one_line};

/// Above the entries.
const HEADING: &str = "Available tools, most relevant first:\n";
/// How long an entry may be for its description or its tools, in characters; a name is never cut.
const ENTRY_CHARS: usize = 140;

/// A tool, or an MCP server with its tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// As the agent knows it.
    pub name: String,
    /// What speaks against it, in a word or two.
    pub mark: Option<&'static str>,
    /// What it says of itself.
    pub description: Option<String>,
    /// A server's tools, each with its mark.
    pub tools: Vec<(String, Option<&'static str>)>,
}

/// The text: whole entries in their order, each that fits into what those before it have left of `budget` characters
/// (Unicode scalar values, the line ends included). Empty where not one fits.
pub fn text(entries: &[Entry], budget: usize) -> String {
    let mut text = HEADING.to_owned();
    let mut left = budget.saturating_sub(text.chars().count());
    let mut taken = 0;
    for entry in entries {
        let line = line(entry);
        // A long one keeps no shorter one out.
        let Some(rest) = left.checked_sub(line.chars().count()) else { continue };
        left = rest;
        taken += 1;
        text.push_str(&line);
    }
    if taken == 0 { String::new() } else { text }
}

fn line(entry: &Entry) -> String {
    let mut line = format!("- {}", one_line(&entry.name));
    if let Some(mark) = entry.mark {
        line.extend([" [", mark, "]"]);
    }
    let room = ENTRY_CHARS.saturating_sub(line.chars().count() + 2);
    let more = if entry.tools.is_empty() {
        entry.description.as_deref().map(|description| described(description, room)).unwrap_or_default()
    } else {
        listed(&entry.tools, room)
    };
    if !more.is_empty() {
        line.push_str(": ");
        line.push_str(&more);
    }
    line.push('\n');
    line
}

/// As many of the tools as fit, and how many more there are.
fn listed(tools: &[(String, Option<&'static str>)], room: usize) -> String {
    let mut list = String::new();
    for (at, (name, mark)) in tools.iter().enumerate() {
        let mut item = if at == 0 { String::new() } else { ", ".to_owned() };
        item.push_str(&one_line(name));
        if let Some(mark) = mark {
            item.extend([" [", mark, "]"]);
        }
        let rest = tools.len() - at - 1;
        let tail = if rest == 0 { 0 } else { more(at + 1, rest).chars().count() };
        if list.chars().count() + item.chars().count() + tail > room {
            list.push_str(&more(at, rest + 1));
            break;
        }
        list.push_str(&item);
    }
    list
}

fn more(before: usize, count: usize) -> String {
    if before == 0 { format!("{count} tools") } else { format!(", {count} more") }
}

/// A description on one line, its end left out where that has more characters than this: whole characters of the
/// description, each written out or not.
fn described(description: &str, most: usize) -> String {
    let shown = description.chars().filter(|c| !is_joiner(*c));
    let shown: Vec<String> = shown.map(|c| one_line(c.encode_utf8(&mut [0; 4])).into_owned()).collect();
    let length = |shown: &String| shown.chars().count();
    if shown.iter().map(length).sum::<usize>() <= most {
        return shown.concat();
    }
    let mut left = most.saturating_sub(1);
    let fits = |shown: &&String| left.checked_sub(length(shown)).map(|rest| left = rest).is_some();
    let kept: String = shown.iter().take_while(fits).map(String::as_str).collect();
    match kept.trim_end() {
        "" => String::new(),
        kept => format!("{kept}…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Entry {
        Entry { name: name.to_owned(), ..Entry::default() }
    }

    fn entries() -> Vec<Entry> {
        vec![
            entry("Bash"),
            Entry { mark: Some("demoted: fails often"), ..entry("Edit") },
            Entry { description: Some("Größe prüfen 🚀 ".repeat(30)), ..entry("/check") },
            Entry {
                tools: (0..40).map(|n| (format!("tool_{n}"), (n == 1).then_some("demoted: fails often"))).collect(),
                ..entry("mcp__github")
            },
            entry("evil\nname\u{1b}[2J\u{202e}"),
        ]
    }

    /// The lines of a text within a budget: those of the whole text that fit, one after the other.
    fn fitting(whole: &str, budget: usize) -> String {
        let mut lines = whole.split_inclusive('\n');
        let mut text = lines.next().unwrap_or_default().to_owned();
        let heading = text.len();
        for line in lines {
            if text.chars().count() + line.chars().count() <= budget {
                text.push_str(line);
            }
        }
        if text.len() > heading { text } else { String::new() }
    }

    #[test]
    fn no_budget_is_exceeded_and_entries_are_whole() {
        let whole = text(&entries(), usize::MAX);
        assert_eq!(whole.lines().count(), 6, "{whole}");
        for budget in 0..whole.chars().count() + 10 {
            let text = text(&entries(), budget);
            assert!(text.chars().count() <= budget, "{budget}: {text}");
            assert_eq!(text, fitting(&whole, budget), "{budget}");
        }
        assert_eq!(text(&entries(), whole.chars().count()), whole);
    }

    #[test]
    fn an_entry_that_does_not_fit_keeps_no_other_out() {
        let entries = [entry(&"long".repeat(50)), entry("Bash"), entry(&"long".repeat(40)), entry("Edit")];
        assert_eq!(text(&entries, 100), format!("{HEADING}- Bash\n- Edit\n"));
    }

    #[test]
    fn emoji_are_shown_without_what_joins_them() {
        let family =
            Entry { description: Some("A \u{1f468}\u{200d}\u{1f469} \u{2764}\u{fe0f} b".to_owned()), ..entry("/f") };
        assert_eq!(text(&[family], 500), format!("{HEADING}- /f: A \u{1f468}\u{1f469} \u{2764} b\n"));
        // A name is told as it is: the agent knows it by each of its characters.
        assert_eq!(text(&[entry("a\u{200d}b")], 500), format!("{HEADING}- a\\u{{200d}}b\n"));
    }

    proptest::proptest! {
        #[test]
        fn descriptions_are_cut_between_characters(
            described in proptest::collection::vec(
                "([a-z ö🚀\u{200d}\u{fe0f}\u{202e}\u{1b}]|\u{1f468}\u{200d}\u{1f469}){0,200}",
                1..4,
            ),
            budget in 0_usize..400,
        ) {
            let entries: Vec<Entry> =
                described.iter().map(|text| Entry { description: Some(text.clone()), ..entry("/go") }).collect();
            let (whole, text) = (text(&entries, usize::MAX), text(&entries, budget));
            assert!(text.chars().count() <= budget, "{budget}: {text}");
            assert_eq!(text, fitting(&whole, budget), "{budget}");
            for (line, of) in whole.lines().skip(1).zip(&described) {
                assert!(line.chars().count() <= ENTRY_CHARS, "{line}");
                let shown = one_line(&of.replace(is_joiner, "")).into_owned();
                let told = line.strip_prefix("- /go").unwrap();
                let told = told.strip_prefix(": ").unwrap_or(told);
                let kept = told.strip_suffix('…').unwrap_or(told);
                assert!(shown.starts_with(kept), "{line}");
                // None of the escapes is cut.
                let whole_ones = kept.replace("\\u{202e}", "").replace("\\u{1b}", "");
                assert!(!whole_ones.contains('\\'), "{line}");
            }
        }
    }

    #[test]
    fn marks_descriptions_and_tools_stand_behind_the_name() {
        let whole = text(&entries(), usize::MAX);
        let lines: Vec<&str> = whole.lines().skip(1).collect();
        assert_eq!(lines[0], "- Bash");
        assert_eq!(lines[1], "- Edit [demoted: fails often]");
        assert!(lines[2].starts_with("- /check: Größe prüfen 🚀 Größe") && lines[2].ends_with('…'), "{}", lines[2]);
        assert!(lines[3].starts_with("- mcp__github: tool_0, tool_1 [demoted: fails often], tool_2"), "{}", lines[3]);
        assert!(lines[3].ends_with(" more"), "{}", lines[3]);
        assert!(lines.iter().all(|line| line.chars().count() <= ENTRY_CHARS));
    }

    #[test]
    fn names_break_neither_the_text_nor_the_terminal() {
        let whole = text(&entries(), usize::MAX);
        assert_eq!(whole.lines().last(), Some(r"- evil\u{a}name\u{1b}[2J\u{202e}"));
    }

    #[test]
    fn where_nothing_is_known_nothing_is_said() {
        assert_eq!(text(&[], 500), "");
        assert_eq!(text(&entries(), 20), "");
    }
}
