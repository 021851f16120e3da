//! What went wrong, told to a person: one line, its causes, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use tooltally::{Error, StoreUrl};

use crate::output::sanitize::visible;

/// The environment variable that turns diagnostics on: `TOOLTALLY_LOG=debug`.
pub const LOG_VARIABLE: &str = "TOOLTALLY_LOG";

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// The reader of the output went away: nobody is left to tell.
    ReaderGone,
    /// Something to tell.
    Told(Box<Told>),
}

/// A failure in words.
#[derive(Debug)]
pub struct Told {
    message: String,
    cause: Option<Box<dyn StdError + Send + Sync>>,
    hint: Option<String>,
    is_usage: bool,
}

impl Failure {
    /// The work failed: exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Told(Box::new(Told { message: message.into(), cause: None, hint: None, is_usage: false }))
    }

    /// The command line is wrong: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Told(Box::new(Told { message: message.into(), cause: None, hint: None, is_usage: true }))
    }

    /// Adds what caused it.
    pub fn because(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        if let Self::Told(told) = &mut self {
            told.cause = Some(Box::new(cause));
        }
        self
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Told(told) = &mut self {
            told.hint = Some(hint.into());
        }
        self
    }

    /// A store's failure, with the hint that its kind calls for.
    pub fn store(doing: &str, url: &StoreUrl, error: Error) -> Self {
        let failure = Self::new(format!("cannot {doing} {url}"));
        let hint = hint_for(&error, url);
        let failure = failure.because(error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// A failure to write the answer.
    pub fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        Self::new("cannot write to standard output").because(error)
    }

    /// 0 where nobody is left to tell, 2 for a wrong command line, else 1.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::ReaderGone => ExitCode::SUCCESS,
            Self::Told(told) if told.is_usage => ExitCode::from(2),
            Self::Told(_) => ExitCode::FAILURE,
        }
    }

    /// Tells it on stderr. Where stderr is gone too, there is nothing left to do.
    pub fn report(&self) {
        if let Self::Told(told) = self {
            let _ = writeln!(io::stderr().lock(), "{told}");
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReaderGone => f.write_str("the reader of the output went away"),
            Self::Told(told) => told.fmt(f),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", visible(&self.message))?;
        let mut cause = self.cause.as_deref().map(|c| c as &dyn StdError);
        let mut told = String::new();
        while let Some(error) = cause {
            let text = error.to_string();
            // Engines like to say the same twice, with a number in front.
            if told.is_empty() || !text.ends_with(&told) {
                write!(f, "\n  because: {}", visible(&text))?;
            }
            (told, cause) = (text, error.source());
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {}", visible(hint).replace('\n', "\n      "))?;
        }
        Ok(())
    }
}

/// What a person can do about a store's error.
pub(crate) fn hint_for(error: &Error, url: &StoreUrl) -> Option<String> {
    let path = url.path().display();
    let hint = match error {
        Error::Busy { .. } => format!(
            "another program holds the store: see which with `fuser -v '{path}'` or `lsof '{path}'`, \
             let it finish, and try again"
        ),
        Error::Denied { .. } => {
            format!(
                "mind the permissions of '{path}', of the files beside it and of its folder, or choose another \
                 store with --db"
            )
        }
        Error::Full { .. } => format!("free space on the disk of '{path}', then try again; nothing was half recorded"),
        Error::NotAStore { .. } => "choose another path with --db; nothing was changed there".to_owned(),
        Error::UnsupportedFormat { found, supported } if found > supported => {
            "a newer tooltally wrote this store: update this program; nothing was changed".to_owned()
        }
        Error::UnsupportedFormat { .. } => {
            format!(
                "an older tooltally wrote this store: print it with that program, `tooltally --db '{url}' events`, \
                 and import that into another store; nothing was changed"
            )
        }
        Error::Corrupt { .. } => format!(
            "`tooltally --db '{url}' verify` says where; if the log is whole, `tooltally --db '{url}' rebuild` \
             mends what follows from it, and after that `tooltally --db '{url}' compact` writes the file itself anew"
        ),
        Error::Missing { .. } => format!("`tooltally --db '{url}' import` makes it and fills it"),
        _ => return None,
    };
    Some(hint)
}

/// A remark on stderr that is no failure.
pub fn remark(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", visible(text));
}

/// Sends diagnostics to stderr where the environment asks for them.
pub fn start_tracing() {
    let Ok(filter) = std::env::var(LOG_VARIABLE) else { return };
    if filter.is_empty() {
        return;
    }
    // What cannot be written to stderr must end no hook: the subscriber's own words about troubles would.
    let filter = match tracing_subscriber::EnvFilter::builder().parse(&filter) {
        Ok(filter) => filter,
        Err(error) => {
            remark(&format!("warning: {LOG_VARIABLE} is not understood, so nothing is logged: {error}"));
            return;
        }
    };
    let colors = console::colors_enabled_stderr();
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colors);
    // A second start (in tests) finds the first one's subscriber: that one serves.
    let _ = subscriber.log_internal_errors(false).try_init();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_failure_names_its_causes_once_and_ends_with_the_hint() {
        let url = StoreUrl::new(tooltally::Backend::Sqlite, "/tmp/usage.db");
        let failure = Failure::store("open", &url, Error::Busy { waited: Duration::from_millis(400) });
        let text = failure.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "error: cannot open sqlite:/tmp/usage.db");
        assert_eq!(lines[1], "  because: the store is busy: waited 400ms for another writer");
        assert!(lines[2].starts_with("hint: another program holds the store"), "{text}");
    }

    #[test]
    fn what_comes_from_outside_cannot_reach_the_terminal_raw() {
        let text = Failure::new("bad name \u{1b}[31m\u{202e}x").to_string();
        assert_eq!(text, "error: bad name \\u{1b}[31m\\u{202e}x");
    }
    #[test]
    fn the_hint_for_another_format_promises_nothing_that_is_not_done() {
        let url = StoreUrl::new(tooltally::Backend::Sqlite, "/tmp/usage.db");
        let hint = |found, supported| hint_for(&Error::UnsupportedFormat { found, supported }, &url).unwrap();
        assert_eq!(hint(2, 1), "a newer tooltally wrote this store: update this program; nothing was changed");
        let older = hint(1, 2);
        assert!(older.starts_with("an older tooltally wrote this store"), "{older}");
        assert!(!older.contains("brings"), "{older}");
    }
}
