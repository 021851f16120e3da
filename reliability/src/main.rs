//! The long forms of the harnesses, a subcommand each.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tooltally_reliability::{Result, crowd, kill};

/// Breaks tooltally's stores on purpose, and looks whether what was promised still holds
#[derive(Debug, Parser)]
#[command(name = "reliability", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    harness: Harness,
}

#[derive(Debug, Subcommand)]
enum Harness {
    /// Kills processes in the middle of their work, and looks at what they leave
    Kill(kill::KillArguments),
    #[command(hide = true)]
    KillWorker(kill::WorkerArguments),
    /// Lets many processes of many threads record and ask at once, and kills some
    Crowd(crowd::CrowdArguments),
    #[command(hide = true)]
    CrowdMember(crowd::MemberArguments),
    #[command(hide = true)]
    CrowdHolder(crowd::HolderArguments),
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
        Harness::Kill(arguments) => kill::run(&arguments),
        Harness::KillWorker(arguments) => kill::work(&arguments),
        Harness::Crowd(arguments) => crowd::run(&arguments),
        Harness::CrowdMember(arguments) => crowd::member(&arguments),
        Harness::CrowdHolder(arguments) => crowd::hold(&arguments),
    }
}
