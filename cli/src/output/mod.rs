//! How answers are shown.

pub mod available;
pub mod diff;
pub mod findings;
pub mod humanize;
pub mod json;
pub mod progress;
pub mod ranking;
pub mod sanitize;
pub mod table;
pub mod tools_table;
pub mod usage_table;

use std::io::{self, Write};

use crate::diagnostics::Failure;

/// What stdout is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surface {
    /// The terminal's width in columns; `None` where stdout is no terminal: then nothing but plain text.
    pub columns: Option<usize>,
    /// Whether to use colours.
    pub colors: bool,
}

impl Surface {
    /// Plain text for a file or a pipe.
    pub const PLAIN: Self = Self { columns: None, colors: false };

    /// What stdout is connected to now. `NO_COLOR` is honoured.
    pub fn of_stdout() -> Self {
        let terminal = console::Term::stdout();
        if !terminal.is_term() {
            return Self::PLAIN;
        }
        let (_, columns) = terminal.size();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        Self { columns: Some(usize::from(columns).max(40)), colors: !no_color && console::colors_enabled() }
    }

    /// The text in bold where colours are on.
    pub fn bold(self, text: &str) -> String {
        self.styled(console::Style::new().bold(), text)
    }

    /// The text in the background where colours are on.
    pub fn dim(self, text: &str) -> String {
        self.styled(console::Style::new().dim(), text)
    }

    /// The text in the colour of bars where colours are on.
    pub fn accent(self, text: &str) -> String {
        self.styled(console::Style::new().cyan(), text)
    }

    /// The text in the colour of what is as it should be.
    pub fn good(self, text: &str) -> String {
        self.styled(console::Style::new().green(), text)
    }

    /// The text in the colour of what is doubtful.
    pub fn doubtful(self, text: &str) -> String {
        self.styled(console::Style::new().yellow(), text)
    }

    /// The text in the colour of what is wrong.
    pub fn bad(self, text: &str) -> String {
        self.styled(console::Style::new().red().bold(), text)
    }

    fn styled(self, style: console::Style, text: &str) -> String {
        if self.colors { style.force_styling(true).apply_to(text).to_string() } else { text.to_owned() }
    }
}

/// Writes an answer to stdout.
///
/// # Errors
/// As [`Failure::output`].
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Failure::output)
}
