//! What is told on stderr while a comparison works.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How long nothing is said where there is no terminal.
const PAUSE: Duration = Duration::from_secs(10);

/// Tells on stderr what is being done: a bar on a terminal, else a line now and then.
#[derive(Debug)]
pub struct Progress {
    started: Instant,
    bar: Option<ProgressBar>,
    is_silent: bool,
}

/// A piece of work under way.
pub(crate) struct Phase<'a> {
    progress: &'a Progress,
    name: String,
    total: u64,
    told: Instant,
}

impl Progress {
    /// On stderr.
    pub fn on_stderr() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template("{elapsed:>5} {msg} {wide_bar} {percent:>3} %") {
                bar.set_style(style);
            }
            bar
        });
        Self { started: Instant::now(), bar, is_silent: false }
    }

    /// Nowhere.
    pub fn silent() -> Self {
        Self { started: Instant::now(), bar: None, is_silent: true }
    }

    /// Begins a piece of work of so many steps.
    pub(crate) fn phase(&self, name: impl Into<String>, total: u64) -> Phase<'_> {
        let phase = Phase { progress: self, name: name.into(), total: total.max(1), told: Instant::now() };
        if let Some(bar) = &self.bar {
            bar.set_length(phase.total);
            bar.set_position(0);
            bar.set_message(phase.name.clone());
            bar.tick();
        } else {
            self.line(&phase.name);
        }
        phase
    }

    /// Tells a person something, beside the work.
    pub(crate) fn tell(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => self.line(text),
        }
    }

    fn line(&self, text: &str) {
        if !self.is_silent {
            eprintln!("{:>6.1} s  {text}", self.started.elapsed().as_secs_f64());
        }
    }

    /// Ends: the bar goes away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Phase<'_> {
    /// So many steps are done.
    pub(crate) fn set(&mut self, done: u64) {
        if let Some(bar) = &self.progress.bar {
            bar.set_position(done);
        } else if self.told.elapsed() >= PAUSE {
            self.told = Instant::now();
            self.progress.line(&format!("{}: {} %", self.name, done * 100 / self.total));
        }
    }
}
