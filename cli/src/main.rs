//! The program.

use std::process::ExitCode;

fn main() -> ExitCode {
    tooltally_cli::program::run(std::env::args_os().skip(1).collect())
}
