//! How a call ended, as an agent's words tell it. The one place that knows them.

use tooltally::Outcome;

/// The longest text that [`of_error_text`] needs to see.
pub(super) const PREFIX_BYTES: usize = 128;

/// What the text of an error starts with, and what that means. Measured on real transcripts.
const MARKERS: [(&str, Outcome); 6] = [
    ("<tool_use_error>", Outcome::Invalid),
    ("[Request interrupted by user", Outcome::Interrupted),
    ("The user doesn't want to proceed with this tool use", Outcome::Rejected),
    ("The user doesn't want to take this action right now", Outcome::Rejected),
    ("Permission to use ", Outcome::Rejected),
    ("Claude requested permissions to ", Outcome::Rejected),
];

/// The outcome of a call whose result is an error that starts with this text.
fn of_error_text(text: &str) -> Outcome {
    MARKERS.iter().find(|(start, _)| text.starts_with(start)).map_or(Outcome::Failure, |(_, outcome)| *outcome)
}

/// The outcome of a transcript's result. `text` may be cut after [`PREFIX_BYTES`].
pub(super) fn of_result(is_error: bool, text: &str) -> Outcome {
    if is_error { of_error_text(text) } else { Outcome::Success }
}

/// The outcome that a hook event reports; `None` where it reports no finished call.
pub(super) fn of_hook(event: &str, is_interrupt: bool) -> Option<Outcome> {
    match event {
        "PostToolUse" => Some(Outcome::Success),
        "PostToolUseFailure" if is_interrupt => Some(Outcome::Interrupted),
        "PostToolUseFailure" => Some(Outcome::Failure),
        "PermissionDenied" => Some(Outcome::Rejected),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_holds_every_marker() {
        assert!(MARKERS.iter().all(|(start, _)| start.len() <= PREFIX_BYTES));
    }

    #[test]
    fn errors_are_told_apart_by_how_they_start() {
        assert_eq!(of_result(true, "<tool_use_error>File has not been read"), Outcome::Invalid);
        assert_eq!(of_result(true, "[Request interrupted by user for tool use]"), Outcome::Interrupted);
        assert_eq!(of_result(true, "The user doesn't want to proceed with this tool use."), Outcome::Rejected);
        assert_eq!(of_result(true, "The user doesn't want to take this action right now."), Outcome::Rejected);
        assert_eq!(of_result(true, "Permission to use Bash has been denied."), Outcome::Rejected);
        assert_eq!(of_result(true, "Claude requested permissions to write"), Outcome::Rejected);
        assert_eq!(of_result(true, "Exit code 1: <tool_use_error>"), Outcome::Failure);
        assert_eq!(of_result(true, ""), Outcome::Failure);
        assert_eq!(of_result(false, "<tool_use_error>"), Outcome::Success);
    }
}
