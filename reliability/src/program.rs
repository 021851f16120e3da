//! The program: the long forms of the harnesses, a subcommand each.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{Result, crowd, damage, faults, hook, kill, power};

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
    /// Cuts the power at every point of a store's work, and looks at what could be left
    Power(power::Options),
    /// Has the disk fail at the n-th operation of each kind, or fill
    Faults(faults::Options),
    /// Flips bits, cuts files, swaps and blanks pages; asks, verifies, rebuilds
    Damage(damage::DamageArguments),
    #[command(hide = true)]
    DamageChild(damage::ChildArguments),
    /// Lets many processes of many threads record and ask at once, and kills some
    Crowd(crowd::CrowdArguments),
    #[command(hide = true)]
    CrowdMember(crowd::MemberArguments),
    #[command(hide = true)]
    CrowdHolder(crowd::HolderArguments),
    #[command(hide = true)]
    CrowdGreedy(crowd::GreedyArguments),
    /// Kills hooks and imports, locks them out, takes folders and room away; looks for every call's event
    Hook(hook::HookArguments),
    #[command(hide = true)]
    HookHolder(hook::HolderArguments),
}

/// Runs the harness that the command line names.
pub fn main() -> ExitCode {
    match run(&Arguments::parse().harness) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(harness: &Harness) -> Result<()> {
    match harness {
        Harness::Kill(arguments) => kill::run(arguments),
        Harness::KillWorker(arguments) => kill::work(arguments),
        Harness::Power(options) => power::report(options),
        Harness::Faults(options) => faults::report(options),
        Harness::Damage(arguments) => damage::run(arguments),
        Harness::DamageChild(arguments) => damage::run_child(arguments),
        Harness::Crowd(arguments) => crowd::run(arguments),
        Harness::CrowdMember(arguments) => crowd::member(arguments),
        Harness::CrowdHolder(arguments) => crowd::hold(arguments),
        Harness::CrowdGreedy(arguments) => crowd::write_all_the_time(arguments),
        Harness::Hook(arguments) => hook::run(arguments),
        Harness::HookHolder(arguments) => hook::hold(arguments),
    }
}
