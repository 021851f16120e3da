//! `completions`: what a shell needs to complete the command line.

use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::args::Arguments;
use crate::diagnostics::Failure;
use crate::output::print;

/// Prints the completions.
///
/// # Errors
/// As [`Failure::output`].
pub fn run(shell: Shell) -> Result<ExitCode, Failure> {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut offered(&Arguments::command()), "tooltally", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// The command line without what is hidden: the generators would offer that too, and nothing can be taken out of a
/// command.
fn offered(command: &Command) -> Command {
    let mut offered = Command::new(command.get_name().to_owned())
        .args(command.get_arguments().filter(|argument| !argument.is_hide_set()).cloned())
        .subcommands(command.get_subcommands().filter(|command| !command.is_hide_set()).map(self::offered));
    if let Some(about) = command.get_about() {
        offered = offered.about(about.clone());
    }
    if let Some(about) = command.get_long_about() {
        offered = offered.long_about(about.clone());
    }
    if let Some(version) = command.get_version() {
        offered = offered.version(version.to_owned());
    }
    offered
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction, ValueEnum};

    use super::*;

    fn script(shell: Shell, mut command: Command) -> String {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "tooltally", &mut script);
        String::from_utf8(script).unwrap()
    }

    #[test]
    fn what_is_hidden_is_offered_in_no_shell() {
        let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        let command = Command::new("tooltally")
            .arg(flag("secret-everywhere").global(true).hide(true))
            .subcommand(Command::new("open").about("Opens").arg(flag("shown")).arg(flag("secret").hide(true)))
            .subcommand(Command::new("covert").hide(true));
        for shell in Shell::value_variants() {
            let script = script(*shell, offered(&command));
            assert!(script.contains("shown") && script.contains("open"), "{shell}: {script}");
            assert!(!script.contains("secret") && !script.contains("covert"), "{shell}: {script}");
        }
    }

    #[test]
    fn all_else_is_offered_as_it_is() {
        // Without anything hidden the two are one.
        fn is_open(command: &Command) -> bool {
            command.get_arguments().all(|argument| !argument.is_hide_set()) && command.get_subcommands().all(is_open)
        }
        let plain =
            Arguments::command().mut_subcommand("context", |context| context.mut_arg("hook", |a| a.hide(false)));
        assert!(is_open(&plain));
        for shell in Shell::value_variants() {
            assert_eq!(script(*shell, offered(&plain)), script(*shell, plain.clone()), "{shell}");
        }
    }
}
