//! The front matter of a command's or a skill's markdown file: `key: value` lines between two lines of dashes.
//!
//! It is YAML by its name, and a few plain fields in practice, which the agent reads leniently: it takes
//! `description: Review: the strict way`, which is no YAML. So this reads the few forms that texts are written in, at
//! the outermost level (plain, quoted, and blocks), and passes over the rest.

/// The text of one field; `None` where there is no front matter, no such field, or no text in it.
///
/// Lines of a text are joined by line ends, as they stand.
///
/// # Errors
/// What is wrong with the front matter, or with this field.
pub(super) fn field(markdown: &str, key: &str) -> Result<Option<String>, &'static str> {
    let mut lines = markdown.lines();
    if lines.next().map(str::trim_end) != Some("---") {
        return Ok(None);
    }
    let mut inner = Vec::new();
    loop {
        match lines.next().map(|line| (line, line.trim_end())) {
            None => return Err("has no end"),
            Some((_, "---" | "...")) => break,
            Some((line, _)) => inner.push(line),
        }
    }
    let Some(at) = inner.iter().position(|line| value_of(line, key).is_some()) else { return Ok(None) };
    let first = inner.get(at).and_then(|line| value_of(line, key)).unwrap_or_default();
    let more: Vec<&str> = inner.iter().skip(at + 1).copied().take_while(|line| is_continued(line)).collect();
    value(first.trim(), &more)
}

/// What stands behind `key:` at the outermost level.
fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(key)?.trim_start_matches([' ', '\t']).strip_prefix(':')?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some(rest)
}

/// Whether a line belongs to the value before it: it is indented, or empty.
fn is_continued(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with([' ', '\t'])
}

fn value(first: &str, more: &[&str]) -> Result<Option<String>, &'static str> {
    let joined = || {
        let more = more.iter().map(|line| line.trim());
        [first].into_iter().chain(more).collect::<Vec<_>>().join("\n")
    };
    let text = match first.chars().next() {
        Some('|' | '>') if is_block(first) => block(more),
        Some('"') => double_quoted(&joined())?,
        Some('\'') => single_quoted(&joined())?,
        Some('[' | '{') => return Err("has a list or an object where the description should be"),
        Some('&' | '*' | '!' | '%' | '@' | '`') => return Err("has a description that is no plain text"),
        Some('#') | None => plain(more.iter().copied()),
        Some(_) => plain([first].into_iter().chain(more.iter().copied())),
    };
    let text = text.trim();
    let is_nothing = text.is_empty() || (matches!(text, "~" | "null") && more.is_empty());
    Ok((!is_nothing).then(|| text.to_owned()))
}

/// A block's header: how line ends are kept, how far it is indented, a comment.
fn is_block(first: &str) -> bool {
    let header = first.split_once(" #").map_or(first, |(header, _)| header).trim_end();
    header.chars().skip(1).all(|c| matches!(c, '+' | '-' | '1'..='9'))
}

fn block(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

/// Lines without their comments.
fn plain<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let texts = lines.map(str::trim).filter(|line| !line.starts_with('#'));
    texts.map(|line| line.split_once(" #").map_or(line, |(text, _)| text).trim_end()).collect::<Vec<_>>().join("\n")
}

fn single_quoted(text: &str) -> Result<String, &'static str> {
    let mut read = String::new();
    let mut rest = text.strip_prefix('\'').unwrap_or(text);
    while let Some((before, after)) = rest.split_once('\'') {
        read.push_str(before);
        match after.strip_prefix('\'') {
            Some(after) => {
                read.push('\'');
                rest = after;
            }
            None => return ended(read, after),
        }
    }
    Err("has a quote without its end")
}

fn double_quoted(text: &str) -> Result<String, &'static str> {
    let mut read = String::new();
    let mut chars = text.strip_prefix('"').unwrap_or(text).chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return ended(read, chars.as_str()),
            '\\' => read.extend(escaped(&mut chars)?),
            c => read.push(c),
        }
    }
    Err("has a quote without its end")
}

/// The character that stands behind a backslash; none for a line end.
fn escaped(chars: &mut std::str::Chars<'_>) -> Result<Option<char>, &'static str> {
    let digits = match chars.next() {
        Some('n' | 'r' | 'N' | 'L' | 'P') => return Ok(Some('\n')),
        Some('t') => return Ok(Some('\t')),
        Some('\n') => return Ok(None),
        Some(c @ ('"' | '\\' | '/' | '\'' | ' ')) => return Ok(Some(c)),
        Some('_' | '0' | 'a' | 'b' | 'e' | 'f' | 'v') => return Ok(Some(' ')),
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        _ => return Err("has an unknown escape in a quote"),
    };
    let (code, rest) = chars.as_str().split_at_checked(digits).ok_or("has an unknown escape in a quote")?;
    *chars = rest.chars();
    let code = u32::from_str_radix(code, 16).map_err(|_| "has an unknown escape in a quote")?;
    // Halves of pairs, as JSON writes them, are no characters of YAML.
    Ok(Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)))
}

/// What was quoted, if nothing but a comment follows it.
fn ended(read: String, rest: &str) -> Result<String, &'static str> {
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') { Ok(read) } else { Err("has text behind a quote") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(value: &str) -> Result<Option<String>, &'static str> {
        field(&format!("---\nname: x\ndescription: {value}\nmodel: opus\n---\ntext\n"), "description")
    }

    #[test]
    fn texts_are_read_in_every_form_that_they_are_written_in() {
        for (written, read) in [
            ("Ship it", "Ship it"),
            ("Review: the strict way # not so strict", "Review: the strict way"),
            ("C#", "C#"),
            ("\"Ship \\\"it\\\" \\u00e4\\x41\" # quoted", "Ship \"it\" äA"),
            ("'it''s here'", "it's here"),
            ("\"over\n  two lines\"", "over\ntwo lines"),
            ("over\n  two lines", "over\ntwo lines"),
            ("\n  below", "below"),
            (">\n  folded\n  text\n\n  more", "folded\ntext\n\nmore"),
            ("|-\n  as it\n    stands # here", "as it\nstands # here"),
            (">2+ # a comment\n  text", "text"),
            ("| pipes | are | text |", "| pipes | are | text |"),
            ("größe 工具 🚀", "größe 工具 🚀"),
        ] {
            assert_eq!(described(written), Ok(Some(read.to_owned())), "{written}");
        }
    }

    #[test]
    fn where_there_is_no_text_none_is_read() {
        for nothing in ["", "~", "null", "\"\"", "|", "# a comment"] {
            assert_eq!(described(nothing), Ok(None), "{nothing}");
        }
        for markdown in [
            "",
            "text",
            "----\ndescription: x\n---",
            "---\nname: x\n---\ndescription: y",
            "---\nmeta:\n  description: deep\n---\n",
            "---\ndescriptions: x\n---",
            "---\ndescription:x\n---",
        ] {
            assert_eq!(field(markdown, "description"), Ok(None), "{markdown}");
        }
        assert_eq!(field("---\r\ndescription: x\r\n---\r\n", "description"), Ok(Some("x".to_owned())));
        assert_eq!(field("--- \ndescription : x\n... \n", "description"), Ok(Some("x".to_owned())));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fall(text in "[-: \\t\\n\\r#'\"\\\\|>\\[uxU0-9a-fä🚀]{0,60}") {
            let markdown = format!("---\ndescription:{text}\n---\n");
            if let Ok(Some(read)) = field(&markdown, "description") {
                proptest::prop_assert!(!read.trim().is_empty() && read.len() <= markdown.len());
            }
            let _ = field(&text, "description");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_without_a_word_of_it() {
        for (written, wrong) in [
            ("\"secret", "has a quote without its end"),
            ("'secret", "has a quote without its end"),
            ("\"secret\" more", "has text behind a quote"),
            ("\"secret \\q\"", "has an unknown escape in a quote"),
            ("\"secret \\u12\"", "has an unknown escape in a quote"),
            ("[secret]", "has a list or an object where the description should be"),
            ("*secret", "has a description that is no plain text"),
        ] {
            assert_eq!(described(written), Err(wrong), "{written}");
        }
        assert_eq!(field("---\ndescription: secret\n", "description"), Err("has no end"));
    }
}
