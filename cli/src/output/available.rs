//! What a session is told of the tools at hand: a short plain text within a budget.

use super::sanitize::one_line;

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

/// The text: as many whole entries as fit, in their order, in no more than `budget` characters (Unicode scalar values,
/// the line ends included). Empty where not one fits.
pub fn text(entries: &[Entry], budget: usize) -> String {
    let mut text = HEADING.to_owned();
    let mut left = budget.saturating_sub(text.chars().count());
    let mut taken = 0;
    for entry in entries {
        let line = line(entry);
        let Some(rest) = left.checked_sub(line.chars().count()) else { break };
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
        entry.description.as_deref().map(|description| shortened(&one_line(description), room)).unwrap_or_default()
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

/// The text, its end left out where it has more characters than this.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
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

    #[test]
    fn no_budget_is_exceeded_and_entries_are_whole() {
        let whole = text(&entries(), usize::MAX);
        let lines: Vec<&str> = whole.lines().collect();
        assert_eq!(lines.len(), 6, "{whole}");
        for budget in 0..whole.chars().count() + 10 {
            let text = text(&entries(), budget);
            assert!(text.chars().count() <= budget, "{budget}: {text}");
            assert!(whole.starts_with(&text) && (text.is_empty() || text.ends_with('\n')), "{budget}: {text}");
            let next = whole.get(text.len()..).and_then(|rest| rest.split_inclusive('\n').next());
            if let Some(next) = next.filter(|_| !text.is_empty()) {
                assert!(text.chars().count() + next.chars().count() > budget, "{budget}: there is room for {next}");
            }
        }
        assert_eq!(text(&entries(), whole.chars().count()), whole);
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
