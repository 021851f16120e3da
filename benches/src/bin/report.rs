//! Runs the comparison and writes it down: raw figures, a summary, plots.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use tooltally_benches::report::{self, Comparison};
use tooltally_benches::{Options, Progress, Result, compare, probe};

const EXAMPLES: &str = "\
Examples:
  report --events 10M --name 10m               benches/runs/<today>-10m
  report --name again --from run.json          the page and the plots anew, from raw figures

Of what `compare` measures, and how: `compare --help`.";

/// Compares as `compare` does, and writes command, machine, versions, raw figures, a summary and plots into
/// a folder of benches/runs.
#[derive(Debug, Parser)]
#[command(name = "report", version, after_help = EXAMPLES, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    options: Options,

    /// What was run, in a word or two: the end of the folder's name
    #[arg(long, value_name = "WHAT", value_parser = word)]
    name: String,

    /// Take the figures from a file that `compare --json` or `report` has written
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    /// Where the folders of runs are
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/runs"), hide_default_value = true)]
    runs_folder: PathBuf,
}

fn word(text: &str) -> std::result::Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_word = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_plain);
    if is_word { Ok(text.to_owned()) } else { Err("write letters, digits, - _ and . alone".to_owned()) }
}

fn main() -> ExitCode {
    // First: a probe has no arguments.
    match probe().unwrap_or_else(|| run(Arguments::parse())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: Arguments) -> Result<()> {
    arguments.options.series = true;
    let comparison = match &arguments.from {
        Some(file) => read(file)?,
        None => Comparison {
            command: Some(report::command("report")),
            ..compare(&arguments.options, &Progress::on_stderr())?
        },
    };
    let date = comparison.date.as_deref().and_then(|date| date.get(..10)).unwrap_or("undated");
    let folder = arguments.runs_folder.join(format!("{date}-{}", arguments.name));
    report::write(&comparison, &folder)?;
    eprintln!("{}\n", report::table(&comparison));
    println!("{}", folder.display());
    Ok(())
}

fn read(file: &Path) -> Result<Comparison> {
    let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(serde_json::from_str(&text).map_err(|e| format!("{} is no comparison: {e}", file.display()))?)
}
