//! `suggest`: the tool that probably comes next in a session.

use std::process::ExitCode;

use serde_json::{Value, json};
use tooltally::policy::suggest::{Model, Pace, Suggestion, in_session};

use super::Context;
use crate::args::SuggestArguments;
use crate::diagnostics::{Failure, remark};
use crate::output::humanize::counted;
use crate::output::sanitize::{one_line, visible};
use crate::output::{json, print};

/// Prints one suggestion at most.
///
/// # Errors
/// A failure with a hint.
pub fn run(context: &Context, arguments: &SuggestArguments) -> Result<ExitCode, Failure> {
    let session = &arguments.session;
    let suggestion = if let Some(store) = context.open_existing()? {
        let suggestion = in_session(&*store, session, &Model::default(), &Pace::default());
        suggestion.map_err(context.failed("read"))?
    } else {
        remark(&format!("there is no store at {}", context.url));
        None
    };
    if context.json {
        let suggestion = suggestion.as_ref().map_or(Value::Null, as_json);
        print(&json::line(&json!({"session": session.as_str(), "suggestion": suggestion})))?;
    } else if let Some(suggestion) = suggestion {
        print(&visible(&as_text(&suggestion)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(suggestion: &Suggestion) -> Value {
    let context: Vec<&str> = suggestion.context.iter().map(tooltally::ToolName::as_str).collect();
    json!({
        "tool": suggestion.tool.as_str(), "confidence": suggestion.confidence, "after_calls": suggestion.after,
        "context": context, "seen": suggestion.seen,
    })
}

fn as_text(suggestion: &Suggestion) -> String {
    let context: Vec<_> = suggestion.context.iter().map(|tool| one_line(tool.as_str())).collect();
    let reason = if context.is_empty() {
        format!("the most usual of {}", counted(suggestion.seen, "call"))
    } else {
        format!("what usually follows {}, seen {} before", context.join(", "), counted(suggestion.seen, "time"))
    };
    format!("{} ({:.0} % likely: {reason})\n", one_line(suggestion.tool.as_str()), suggestion.confidence * 100.0)
}
