//! The long forms of the harnesses, a subcommand each.

fn main() -> std::process::ExitCode {
    #[cfg(unix)]
    return tooltally_reliability::program::main();
    #[cfg(not(unix))]
    {
        eprintln!("error: the harnesses need the signals and files of Unix");
        std::process::ExitCode::FAILURE
    }
}
