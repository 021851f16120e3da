//! From the command line to an exit code.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::panic::catch_unwind;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::args::{Arguments, Command};
use crate::commands::{
    Context, completions, context, doctor, evaluate, events, hook, import, install, maintain, rank, scan, stats,
    suggest, tools,
};
use crate::diagnostics::{Failure, start_tracing};
use crate::output::{Surface, sanitize};
use crate::place;

/// Runs the program with these arguments, its name left out.
pub fn run(arguments: &[OsString]) -> ExitCode {
    have_long_files_refused();
    start_tracing();
    // A hook is one short process on each tool call: it does not wait for a parser that it has no use for.
    if let Some(plain) = PlainHook::read(arguments) {
        hook::run(plain.db);
        return ExitCode::SUCCESS;
    }
    let is_hook = is_run_by_an_agent(arguments);
    let code = match parse(arguments) {
        Ok(Arguments { command: Command::Hook, db, .. }) => {
            hook::run(db.as_deref());
            ExitCode::SUCCESS
        }
        Ok(arguments) if is_hook => catch_unwind(|| answer(arguments)).unwrap_or(ExitCode::SUCCESS),
        Ok(arguments) => answer(arguments),
        Err(error) => {
            let code = tell_usage(&error);
            if command_name(arguments).is_some_and(|name| name == "hook") {
                // The call is there all the same.
                hook::run(named_store(arguments));
            }
            code
        }
    };
    // Whatever a hook was called with: another code would be shown to the person, or block the agent.
    if is_hook { ExitCode::SUCCESS } else { code }
}

/// Has a write past the limit on the size of files fail, as on a full disk: by itself it ends the process, and a hook's
/// call with it.
fn have_long_files_refused() {
    #[cfg(unix)]
    // Where it is refused, the write ends the process as it did.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

fn answer(arguments: Arguments) -> ExitCode {
    command(arguments).unwrap_or_else(|failure| {
        failure.report();
        failure.exit_code()
    })
}

fn parse(arguments: &[OsString]) -> Result<Arguments, clap::Error> {
    let name = OsString::from("tooltally");
    let help = match place::store_url(None) {
        Ok(url) => format!("The store: sqlite:PATH, redb:PATH, or a path (.redb: redb, else SQLite) {}", in_use(&url)),
        Err(_) => "The store: sqlite:PATH, redb:PATH, or a path (.redb: redb, else SQLite)".to_owned(),
    };
    let command = Arguments::command().mut_arg("db", |db| db.help(help));
    Arguments::from_arg_matches(&command.try_get_matches_from(std::iter::once(&name).chain(arguments))?)
}

fn in_use(url: &tooltally::StoreUrl) -> String {
    let url = sanitize::one_line(&url.to_string()).into_owned();
    match std::env::var_os(place::DB_VARIABLE).filter(|value| !value.is_empty()) {
        Some(_) => format!("[default: {url}, from {}]", place::DB_VARIABLE),
        None => format!("[env: {}] [default: {url}]", place::DB_VARIABLE),
    }
}

/// Help and versions go to stdout with 0, wrong usage to stderr with 2.
fn tell_usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        let text = if console::colors_enabled_stderr() { text.ansi().to_string() } else { text.to_string() };
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        return ExitCode::from(2);
    }
    let surface = Surface::of_stdout();
    let text = if surface.colors { text.ansi().to_string() } else { text.to_string() };
    match crate::output::print(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit_code(),
    }
}

fn command(arguments: Arguments) -> Result<ExitCode, Failure> {
    if let Command::Completions { shell } = arguments.command {
        return completions::run(shell);
    }
    if let Command::Doctor(doctor) = &arguments.command {
        return doctor::run(&arguments, doctor);
    }
    let context = Context::new(arguments.db.as_deref(), arguments.json, arguments.timezone.as_deref())?;
    match arguments.command {
        Command::Import(import) => import::run(&context, &import),
        Command::Stats(stats) => stats::run(&context, &stats),
        Command::Events(events) => events::run(&context, &events),
        Command::Scan(scan) => scan::run(&context, &scan),
        Command::Tools(tools) => tools::run(&context, &tools),
        Command::Rank(rank) => rank::run(&context, &rank),
        Command::Suggest(suggest) => suggest::run(&context, &suggest),
        Command::Context(arguments) => context::run(&context, &arguments),
        Command::Evaluate(evaluate) => evaluate::run(&context, &evaluate),
        Command::Verify => maintain::verify(&context),
        Command::Rebuild => maintain::rebuild(&context),
        Command::Compact => maintain::compact(&context),
        Command::Install(install) => install::install(&context, &install),
        Command::Uninstall(install) => install::uninstall(&context, &install),
        Command::Hook | Command::Doctor(_) | Command::Completions { .. } => Ok(ExitCode::SUCCESS),
    }
}

/// A hook's usual command line, read without the parser.
#[derive(Debug, PartialEq, Eq)]
struct PlainHook<'a> {
    db: Option<&'a OsStr>,
}

impl<'a> PlainHook<'a> {
    /// `None` for any other command line.
    fn read(arguments: &'a [OsString]) -> Option<Self> {
        let is_hook = |argument: &OsString| argument == "hook";
        let takes_value = |argument: &OsString| argument == "--db";
        match arguments {
            [only] if is_hook(only) => Some(Self { db: None }),
            [db, url, last] if takes_value(db) && is_hook(last) => Some(Self { db: Some(url) }),
            [first, db, url] if takes_value(db) && is_hook(first) => Some(Self { db: Some(url) }),
            [db, last] if is_hook(last) => {
                let url = db.to_str()?.strip_prefix("--db=")?;
                Some(Self { db: Some(url.as_ref()) })
            }
            _ => None,
        }
    }
}

/// Whether this is a hook, or what a session of an agent starts with: `install` writes both.
fn is_run_by_an_agent(arguments: &[OsString]) -> bool {
    match command_name(arguments).and_then(OsStr::to_str) {
        Some("hook") => true,
        Some("context") => arguments.iter().any(|argument| argument == "--hook"),
        _ => false,
    }
}

/// The value of `--db`, whatever else is on the command line.
fn named_store(arguments: &[OsString]) -> Option<&OsStr> {
    let at = arguments.iter().position(|argument| argument == "--db");
    let joined = || arguments.iter().find_map(|argument| argument.to_str()?.strip_prefix("--db=").map(OsStr::new));
    at.and_then(|at| arguments.get(at + 1)).map(OsString::as_os_str).or_else(joined)
}

/// The first argument that is no option and no option's value.
fn command_name(arguments: &[OsString]) -> Option<&OsStr> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--db" || argument == "--timezone" {
            arguments.next();
        } else if !argument.as_encoded_bytes().starts_with(b"-") {
            return Some(argument);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(arguments: &[&str]) -> Vec<OsString> {
        arguments.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_hook_is_known_by_its_usual_command_lines() {
        let db = |arguments: &[&str]| PlainHook::read(&owned(arguments)).map(|plain| plain.db.map(OsStr::to_owned));
        assert_eq!(db(&["hook"]), Some(None));
        for arguments in [&["--db", "x", "hook"][..], &["hook", "--db", "x"], &["--db=x", "hook"]] {
            assert_eq!(db(arguments), Some(Some("x".into())), "{arguments:?}");
        }
        assert_eq!(db(&["stats"]), None);
        assert_eq!(db(&["hook", "--json"]), None);
    }

    #[test]
    fn the_command_stands_after_options_and_their_values() {
        let name = |arguments: &[&str]| command_name(&owned(arguments)).map(OsStr::to_owned);
        assert_eq!(name(&["--db", "hook", "stats"]), Some("stats".into()));
        assert_eq!(name(&["--nonsense", "hook", "--more"]), Some("hook".into()));
        assert_eq!(name(&["--json"]), None);
        let by_agent = |arguments: &[&str]| is_run_by_an_agent(&owned(arguments));
        assert!(by_agent(&["--db", "x", "context", "--hook"]) && by_agent(&["context", "--nonsense", "--hook"]));
        assert!(!by_agent(&["context"]) && !by_agent(&["stats", "--hook"]));
    }
}
