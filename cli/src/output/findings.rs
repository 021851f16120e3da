//! What `doctor` found, for people and for scripts.

use serde_json::{Value, json};

use super::Surface;
use super::humanize::counted;
use super::json;
use super::sanitize::one_line;
use crate::doctor::{Case, Check, Finding, Level, NamedBy, Report, SeenStore};

/// Before a finding's text: its level, and two gaps.
const INDENT: usize = 11;
/// Before what to do.
const ARROW: &str = "-> ";
/// No line is wider on a terminal, however wide that is: text wants narrow columns.
const WIDEST: usize = 100;

/// One JSON object, with its line end.
pub fn as_json(report: &Report) -> String {
    let findings: Vec<Value> = report.findings.iter().map(finding).collect();
    json::line(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "store": report.store.as_ref().map(store),
        "counts": Level::ALL.iter().map(|level| (level.as_str().to_owned(), json!(report.count(*level)))).collect::<serde_json::Map<_, _>>(),
        "findings": findings,
    }))
}

fn store(store: &SeenStore) -> Value {
    json!({
        "url": store.url.to_string(),
        "backend": store.url.backend().as_str(),
        "path": store.url.path().to_string_lossy(),
        "named_by": store.named_by.as_str(),
        "exists": store.exists,
        "bytes": store.bytes,
        "events": store.events,
        "last": json::instant(store.last),
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "check": finding.check.as_str(),
        "level": finding.level.as_str(),
        "code": finding.code,
        "message": finding.message,
        "path": finding.path.as_ref().map(|path| path.to_string_lossy()),
        "remedy": finding.remedy,
        "command": finding.command,
    })
}

/// A page of text: the checks, their findings, what to do, and a last line that sums up.
pub fn as_text(report: &Report, case: &Case, surface: Surface) -> String {
    let page = Page { width: surface.columns.map(|columns| columns.min(WIDEST)), surface };
    let mut text = String::new();
    for check in Check::ALL {
        let mut findings = report.findings.iter().filter(|finding| finding.check == check).peekable();
        if findings.peek().is_none() {
            continue;
        }
        text.push_str(&surface.bold(title(check)));
        text.push('\n');
        if check == Check::Store
            && let Ok(url) = &case.url
        {
            let by = match case.named_by {
                NamedBy::Default => "the default".to_owned(),
                named_by => format!("named by {}", named_by.as_str()),
            };
            page.put(&mut text, "", "", &format!("{url} ({by})"));
        }
        findings.for_each(|finding| page.finding(&mut text, finding));
        text.push('\n');
    }
    text.push_str(&verdict(report));
    text
}

const fn title(check: Check) -> &'static str {
    match check {
        Check::Store => "Store",
        Check::Files => "Files",
        Check::Spool => "Spool",
        Check::Log => "Hook log",
        Check::Agent => "Claude Code",
    }
}

fn verdict(report: &Report) -> String {
    let (errors, warnings) = (report.count(Level::Error) as u64, report.count(Level::Warning) as u64);
    match (errors, warnings) {
        (0, 0) => "All is well.\n".to_owned(),
        (0, _) => format!("{}.\n", counted(warnings, "warning")),
        (_, 0) => format!("{}.\n", counted(errors, "error")),
        _ => format!("{}, {}.\n", counted(errors, "error"), counted(warnings, "warning")),
    }
}

struct Page {
    /// The columns to break lines at; a pipe gets each text on one line.
    width: Option<usize>,
    surface: Surface,
}

impl Page {
    fn finding(&self, text: &mut String, finding: &Finding) {
        let level = finding.level.as_str();
        // Its code is what one searches for.
        self.put(text, level, "", &format!("{} [{}]", finding.message, finding.code));
        // The store's own stands above.
        if let Some(path) = finding.path.as_ref().filter(|_| finding.check != Check::Store) {
            self.put(text, "", "", &path.to_string_lossy());
        }
        if finding.level == Level::Ok {
            return;
        }
        if let Some(remedy) = &finding.remedy {
            self.put(text, "", ARROW, remedy);
        }
        if let Some(command) = &finding.command {
            // A command is copied: it stays on one line, whatever its length.
            let start = " ".repeat(INDENT + ARROW.len());
            text.extend([start, self.surface.bold(&one_line(command)), "\n".to_owned()]);
        }
    }

    /// A text behind a label and a sign, broken at words.
    fn put(&self, text: &mut String, label: &str, sign: &str, said: &str) {
        let said = one_line(said);
        let indent = INDENT + sign.len();
        let room = self.width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(20));
        let gap = " ".repeat(INDENT.saturating_sub(2 + label.len()));
        let first = format!("  {}{gap}{sign}", self.colored(label));
        for (number, line) in broken(&said, room).into_iter().enumerate() {
            let start = if number == 0 { first.clone() } else { " ".repeat(indent) };
            text.extend([start, line, "\n".to_owned()]);
        }
    }

    fn colored(&self, label: &str) -> String {
        match label {
            "ok" => self.surface.good(label),
            "warning" => self.surface.doubtful(label),
            "error" => self.surface.bad(label),
            _ => label.to_owned(),
        }
    }
}

/// A text in lines of a width, broken between words; a longer word has a line of its own.
fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if console::measure_text_width(line) + 1 + console::measure_text_width(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_lose_none() {
        let text = "one two three four averyveryverylongword five";
        for width in [1, 9, 13, 80] {
            let lines = broken(text, width);
            assert_eq!(lines.join(" "), text);
            let is_narrow = |line: &String| line.len() <= width || !line.contains(' ');
            assert!(lines.iter().all(is_narrow), "{lines:?}");
        }
    }

    #[test]
    fn colours_do_not_move_the_text() {
        let finding = Finding::new(Check::Spool, Level::Warning, "code", "two words\u{1b}[2J").remedy("do");
        let shown = |surface| {
            let mut text = String::new();
            Page { width: None, surface }.finding(&mut text, &finding);
            text
        };
        let plain = shown(Surface::PLAIN);
        assert_eq!(plain, "  warning  two words\\u{1b}[2J [code]\n           -> do\n");
        let colored = shown(Surface { columns: Some(80), colors: true });
        assert_ne!(colored, plain);
        assert_eq!(console::strip_ansi_codes(&colored), plain);
    }
}
