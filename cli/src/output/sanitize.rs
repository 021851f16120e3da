//! Text from outside, made safe for a terminal and for one line of a table.

use std::borrow::Cow;

/// Whether a character could move the cursor, break a line, reverse the order of others, or hide.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' // soft hyphen
            | '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // order of text
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}' // no width
            | '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' // joiners and variation
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}' // fillers
            | '\u{2028}' | '\u{2029}' // line and paragraph ends
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}') // tags
}

/// The text with each unsafe character written out (`\u{202e}`); line ends stay.
///
/// For messages of more than one line; a table's cell wants [`one_line`].
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && is_unsafe(c))
}

/// The text with each unsafe character written out, line ends too.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe)
}

/// Whether a character only joins its neighbours or chooses their form, as within emoji: text reads as well without it.
pub const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// JSON with each unsafe character escaped as JSON does it: the same values, safe for a terminal.
pub fn json(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c.is_ascii() || !is_unsafe(c) {
            safe.push(c);
        } else {
            safe.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    Cow::Owned(safe)
}

fn escaped(text: &str, needs: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&needs) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if needs(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// The text shortened to a width in terminal columns, its middle left out: names differ at both ends.
pub fn shortened(text: &str, width: usize, gap: &str) -> String {
    if console::measure_text_width(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(console::measure_text_width(gap));
    let tail_room = room / 2;
    let head = prefix_of_width(text.chars(), room - tail_room);
    let tail = prefix_of_width(text.chars().rev(), tail_room);
    let tail: String = tail.chars().rev().collect();
    format!("{head}{gap}{tail}")
}

fn prefix_of_width(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut taken = String::new();
    let mut used = 0;
    for c in chars {
        used += console::measure_text_width(c.encode_utf8(&mut [0; 4]));
        if used > width {
            break;
        }
        taken.push(c);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_characters_are_written_out() {
        assert_eq!(one_line("a\u{1b}[2Jb\nc\u{202e}d\u{200b}"), r"a\u{1b}[2Jb\u{a}c\u{202e}d\u{200b}");
        assert_eq!(visible("first\nsecond\r"), "first\nsecond\\u{d}");
        assert!(matches!(one_line("mcp__größe__工具"), Cow::Borrowed(_)));
    }

    #[test]
    fn wide_names_lose_their_middle() {
        assert_eq!(shortened("mcp__server__tool", 9, "…"), "mcp_…tool");
        assert_eq!(shortened("Bash", 4, "…"), "Bash");
        assert!(console::measure_text_width(&shortened("工具工具工具工具", 7, "…")) <= 7);
    }
}
