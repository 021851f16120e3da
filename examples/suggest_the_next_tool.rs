//! What usually comes next: learn from the log, and say it seldom.
//!
//! ```text
//! cargo run -p tooltally --example suggest_the_next_tool
//! ```

use std::error::Error;

use tooltally::policy::suggest::{Model, Pace, in_session};
use tooltally::{EventId, LogExt, Outcome, SessionId, Timestamp, ToolName, ToolUse};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let scratch = format!("sqlite:{}", folder.path().join("usage.db").display());
    let store = tooltally::open(&std::env::args().nth(1).unwrap_or(scratch))?;

    // Thirty sessions that read, edit and run, four times over.
    for number in 0..360_u32 {
        let tool = ["Read", "Edit", "Bash"].into_iter().cycle().nth(number as usize % 3).unwrap_or("Read");
        let time = Timestamp::from_micros(1_767_225_600_000_000 + i64::from(number) * 1_000_000)?;
        let session = SessionId::new(format!("session {}", number / 12))?;
        let id = EventId::derived(&[number.to_le_bytes()]);
        store
            .record(&ToolUse::new(id, ToolName::new(tool)?, Outcome::Success, time).session(session.clone()).into())?;

        // In the last one: after its third call, and five calls later; never more than twice.
        if number / 12 == 29
            && let Some(next) = in_session(&*store, &session, &Model::default(), &Pace::default())?
        {
            println!("after {} calls: {} ({:.0} %)", next.after, next.tool, next.confidence * 100.0);
        }
    }
    Ok(())
}
