//! Commands and errors in words.

use std::error::Error as StdError;
use std::path::Path;

use tooltally::StoreUrl;

use crate::place;

/// A command line of this program on a store.
pub(super) fn on_store(url: &StoreUrl, rest: &str) -> String {
    if place::default_url().is_ok_and(|default| default == *url) && std::env::var_os(place::DB_VARIABLE).is_none() {
        return format!("tooltally {rest}");
    }
    format!("tooltally --db {} {rest}", quoted(&url.to_string()))
}

/// A command line with a path at its end.
pub(super) fn on_path(command: &str, path: &Path) -> String {
    format!("{command} {}", quoted(&path.display().to_string()))
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if cfg!(windows) { format!("\"{word}\"") } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// An error and its causes on one line, each said once.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// Names of files, the first few of them.
pub(super) fn some_names(paths: &[std::path::PathBuf]) -> String {
    const SHOWN: usize = 3;
    let names: Vec<String> = paths
        .iter()
        .take(SHOWN)
        .map(|path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned())
        .collect();
    let more = paths.len().saturating_sub(SHOWN);
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_a_shell_takes_them() {
        assert_eq!(quoted("/home/me/usage.db"), "/home/me/usage.db");
        assert_eq!(quoted(""), if cfg!(windows) { "\"\"" } else { "''" });
        if cfg!(unix) {
            assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        }
    }
}
