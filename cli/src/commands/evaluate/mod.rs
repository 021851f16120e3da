//! `evaluate`: how well the policies would have done, on a history or on tools made for it.

mod demotion;
mod suggestion;

use std::collections::HashSet;
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use tooltally::policy::evaluate::{self, Call};
use tooltally::{Event, SystemClock};

use super::{Context, import};
use crate::args::EvaluateArguments;
use crate::diagnostics::Failure;
use crate::input::Importer;
use crate::output::print;

/// Replays the files, or judges made tools, and prints how well the policies did. Uses no store.
///
/// # Errors
/// A failure where a path does not exist or nothing could be read.
pub fn run(context: &Context, arguments: &EvaluateArguments) -> Result<ExitCode, Failure> {
    if arguments.demotion {
        let options = evaluate::demotion::Options::default();
        let results = evaluate::demotion::simulate(&options);
        print(&if context.json {
            demotion::as_json(&options, &results)
        } else {
            demotion::as_text(&options, &results, context.surface)
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = evaluate::Options::default();
    let report = evaluate::replay(read(&arguments.paths)?, &options);
    print(&if context.json {
        suggestion::as_json(&report)
    } else {
        suggestion::as_text(&report, &options, context.surface)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The calls of the files, each one once, in the order in which an import would record them.
fn read(paths: &[PathBuf]) -> Result<Vec<Call>, Failure> {
    for path in paths.iter().filter(|path| path.as_os_str() != "-") {
        if let Err(error) = std::fs::metadata(path) {
            return Err(Failure::new(format!("cannot read {}", path.display())).because(error));
        }
    }
    let (mut calls, mut seen) = (Vec::new(), HashSet::new());
    let mut importer = Importer::new(&SystemClock);
    let Ok(()) = importer.read_paths::<Infallible>(paths, &mut io::stdin().lock(), &mut |event| {
        if let Event::ToolUse(tool_use) = &event
            && seen.insert(tool_use.id)
        {
            calls.push(Call::from(tool_use));
        }
        Ok(())
    });
    let summary = importer.finish();
    import::tell_skipped(&summary);
    if summary.files == 0 && summary.skipped_total() > 0 {
        return Err(import::nothing_read());
    }
    Ok(calls)
}
