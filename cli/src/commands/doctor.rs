//! `doctor`: what is wrong, and what to do.

use std::process::ExitCode;

use tooltally::{Clock, SystemClock};

use super::install::Program;
use crate::args::{Arguments, DoctorArguments};
use crate::diagnostics::Failure;
use crate::doctor::{Case, Level, NamedBy, diagnose};
use crate::output::{Surface, findings, print};
use crate::place;

/// Looks at everything, and tells what it found: exit code 1 where something is an error.
///
/// # Errors
/// A usage failure for a `--db` that is no address; a failure to print.
pub fn run(arguments: &Arguments, doctor: &DoctorArguments) -> Result<ExitCode, Failure> {
    let named = arguments.db.as_deref();
    let url = match place::store_url(named) {
        // A wrong option is the caller's mistake; what the environment says is what is looked into.
        Err(failure) if named.is_some() => return Err(failure),
        url => url,
    };
    let is_set = std::env::var_os(place::DB_VARIABLE).is_some_and(|value| !value.is_empty());
    let named_by = match named {
        Some(_) => NamedBy::Option,
        None if is_set => NamedBy::Variable,
        None => NamedBy::Default,
    };
    let program = Program::running().ok().map(|program| program.path);
    let case = Case { url, named_by, now: SystemClock.now(), program, is_proven: doctor.verify };
    let report = diagnose(&case);
    print(&if arguments.json {
        findings::as_json(&report)
    } else {
        findings::as_text(&report, &case, Surface::of_stdout())
    })?;
    Ok(if report.count(Level::Error) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
