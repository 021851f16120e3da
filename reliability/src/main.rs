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
enum Harness {}

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
    match harness {}
}
