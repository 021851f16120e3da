//! What changes in a text, line by line.

use super::Surface;
use super::sanitize::one_line;

/// How many unchanged lines stand around a change.
const CONTEXT: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// The changed lines with a sign in front, and a few unchanged ones around them.
pub fn render(old: &str, new: &str, surface: Surface) -> String {
    let lines = compare(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
    let changed: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| !matches!(line, Line::Same(_))).map(|(at, _)| at).collect();
    let mut text = String::new();
    let mut was_left_out = false;
    for (at, line) in lines.iter().enumerate() {
        if !changed.iter().any(|change| change.abs_diff(at) <= CONTEXT) {
            was_left_out = true;
            continue;
        }
        if was_left_out {
            text.push_str(&surface.dim("  ..."));
            text.push('\n');
            was_left_out = false;
        }
        let line = match line {
            Line::Same(line) => format!("  {}", shown(line)),
            Line::Gone(line) => surface.bold(&format!("- {}", shown(line))),
            Line::New(line) => surface.accent(&format!("+ {}", shown(line))),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn shown(line: &str) -> String {
    one_line(&line.replace('\t', "    ")).into_owned()
}

/// The longest common subsequence of the lines, after what is equal at both ends.
fn compare<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_middle, old_tail) = old_rest.split_at(old_rest.len() - tail);
    let (new_middle, _) = new_rest.split_at(new_rest.len() - tail);

    let mut lines: Vec<Line<'a>> = old.iter().take(head).map(|line| Line::Same(line)).collect();
    lines.extend(compare_middle(old_middle, new_middle));
    lines.extend(old_tail.iter().map(|line| Line::Same(line)));
    lines
}

fn compare_middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    // common[i][j]: how many lines old[i..] and new[j..] have in common, in order.
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    let get = |common: &[u32], i: usize, j: usize| common.get(i * width + j).copied().unwrap_or(0);
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            let longest = if a == b {
                get(&common, i + 1, j + 1) + 1
            } else {
                get(&common, i + 1, j).max(get(&common, i, j + 1))
            };
            if let Some(cell) = common.get_mut(i * width + j) {
                *cell = longest;
            }
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    loop {
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => {
                lines.push(Line::Same(a));
                i += 1;
                j += 1;
            }
            (Some(a), b) if b.is_none() || get(&common, i + 1, j) >= get(&common, i, j + 1) => {
                lines.push(Line::Gone(a));
                i += 1;
            }
            (_, Some(b)) => {
                lines.push(Line::New(b));
                j += 1;
            }
            _ => return lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_change_and_its_surroundings_are_shown() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let new = "1\n2\n3\n4\n5\nsix\n6b\n7\n8\n9";
        assert_eq!(render(old, new, Surface::PLAIN), "  ...\n  3\n  4\n  5\n- 6\n+ six\n+ 6b\n  7\n  8\n  9\n");
        assert_eq!(render(old, old, Surface::PLAIN), "");
        assert_eq!(render("", "a\n", Surface::PLAIN), "+ a\n");
    }

    #[test]
    fn lines_in_common_stay_between_changes() {
        let text = render("a\nb\nc", "x\nb\ny", Surface::PLAIN);
        assert_eq!(text, "- a\n+ x\n  b\n- c\n+ y\n");
    }
}
