//! The long forms of the harnesses, a subcommand each.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tooltally_reliability::Result;

/// Breaks tooltally's stores on purpose, and looks whether what was promised still holds
#[derive(Debug, Parser)]
#[command(name = "reliability", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    harness: Harness,
}

#[derive(Debug, Subcommand)]
enum Harness {
    /// Cuts the power at every point of a store's work, and looks at what could be left
    Power(tooltally_reliability::power::Options),
    /// Has the disk fail at the n-th operation of each kind, or fill
    Faults(tooltally_reliability::faults::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().harness) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(harness: Harness) -> Result<()> {
    match harness {
        Harness::Power(options) => tooltally_reliability::power::report(&options),
        Harness::Faults(options) => tooltally_reliability::faults::report(&options),
    }
}
