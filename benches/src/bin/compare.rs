//! Compares tooltally's stores with the predecessor's schema and the bare engines.

use std::process::ExitCode;

use clap::Parser;
use tooltally_benches::report::{self, Comparison};
use tooltally_benches::{Measure, Options, Progress, Result, compare, probe};

const EXAMPLES: &str = "\
Examples:
  compare --events 10M                         the whole table, as the bars are meant
  compare --measure window_7d --measure hook   two measures alone
  compare --events 200k --backend sqlite       a quick look at one backend
  compare --json > run.json                    for scripts, and for `report --from run.json`

Baselines, measured in the same run: seed, the predecessor's schema with its
three indexes and its queries, on SQLite; raw-sqlite and raw-redb, one table
with one 48-byte row per event; sqlite3, the shell that inserts one such row;
append, the same threads appending durably themselves, without a Recorder.
Every answer to a query is checked against a brute-force fold before its time
counts; a wrong one ends the run.

A busy machine spoils figures: build first, then let it rest. Run in release
(`cargo run --release -p tooltally-benches --bin compare --`). 10M events take
about 8 GB of disk and a quarter of an hour.";

/// Compares tooltally's stores with what people would use instead, in one run on one machine.
#[derive(Debug, Parser)]
#[command(name = "compare", version, after_help = help(), max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    options: Options,

    /// Answer in JSON, for scripts
    #[arg(long)]
    json: bool,
}

fn help() -> String {
    let measures: Vec<String> = Measure::all().iter().map(|m| format!("  {:17} {}", m.name(), m.about())).collect();
    format!("Measures:\n{}\n\n{EXAMPLES}", measures.join("\n"))
}

fn main() -> ExitCode {
    // First: a probe has no arguments.
    match probe().unwrap_or_else(|| run(&Arguments::parse())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let measured = compare(&arguments.options, &Progress::on_stderr())?;
    let comparison = Comparison { command: Some(report::command("compare")), ..measured };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&comparison)?);
    } else {
        println!("{}", report::table(&comparison));
    }
    Ok(())
}
