//! The commands.

pub mod completions;
pub mod context;
pub mod doctor;
pub mod evaluate;
pub mod events;
pub mod hook;
pub mod import;
pub mod install;
pub mod maintain;
pub mod rank;
pub mod scan;
pub mod stats;
pub mod suggest;
pub mod tools;

use std::ffi::OsStr;

use jiff::tz::TimeZone;
use tooltally::{
    Clock, Edge, Error, Filter, OpenOptions, Project, Selection, Store, StoreUrl, SystemClock, Timestamp, Window,
    open_with, parse_instant,
};

use crate::args::FilterArguments;
use crate::diagnostics::{Failure, remark};
use crate::output::Surface;
use crate::output::humanize::counted;
use crate::spool::Spool;
use crate::{calendar, place, project};

/// What every command is told.
#[derive(Debug)]
pub struct Context {
    /// The store to use.
    pub url: StoreUrl,
    /// Whether to answer in JSON.
    pub json: bool,
    /// The zone of days and hours.
    pub zone: TimeZone,
    /// When the command was run.
    pub now: Timestamp,
    /// What stdout is connected to.
    pub surface: Surface,
}

impl Context {
    /// From the options for every command.
    ///
    /// # Errors
    /// A usage failure for an address or a zone that is none.
    pub fn new(db: Option<&OsStr>, json: bool, timezone: Option<&str>) -> Result<Self, Failure> {
        let url = place::store_url(db)?;
        let zone = calendar::zone(timezone).map_err(|e| wrong_value("--timezone", timezone.unwrap_or_default(), &e))?;
        Ok(Self { url, json, zone, now: SystemClock.now(), surface: Surface::of_stdout() })
    }

    /// Opens the store to ask it; `None` where there is none yet, and none is made.
    ///
    /// # Errors
    /// A failure with a hint.
    pub fn open_existing(&self) -> Result<Option<Box<dyn Store>>, Failure> {
        match open_with(&self.url, &OpenOptions::new().create(false)) {
            Ok(store) => Ok(Some(store)),
            Err(Error::Missing { .. }) => Ok(None),
            Err(error) => Err(Failure::store("open", &self.url, error)),
        }
    }

    /// Opens the store to write to it, made if missing, its folder too.
    ///
    /// # Errors
    /// A failure with a hint.
    pub fn open_or_make(&self) -> Result<Box<dyn Store>, Failure> {
        place::make_folder(&self.url)?;
        open_with(&self.url, &OpenOptions::new()).map_err(|e| Failure::store("open", &self.url, e))
    }

    /// What a failure of the opened store means to a person.
    pub fn failed(&self, doing: &'static str) -> impl FnOnce(Error) -> Failure + use<'_> {
        move |error| Failure::store(doing, &self.url, error)
    }

    /// The events that the filters select. The store tells which projects there are.
    ///
    /// # Errors
    /// A usage failure for what is no time; a failure for what means no project, or several.
    pub fn selection(&self, filter: &FilterArguments, store: Option<&dyn Store>) -> Result<Selection, Failure> {
        let mut selection = Selection::all().window(self.window(filter)?);
        selection.tool = filter.tool.clone().map_or(Filter::Any, Filter::Is);
        selection.session = filter.session.clone().map_or(Filter::Any, Filter::Is);
        if let (Some(text), Some(store)) = (&filter.project, store) {
            let known = project::known(store).map_err(self.failed("read"))?;
            selection.project = Filter::Is(project::resolve(text, &known)?);
        }
        Ok(selection)
    }

    /// The project that is meant, where none is named the one in this folder.
    ///
    /// # Errors
    /// As [`project::resolve`].
    pub fn project(&self, named: Option<&OsStr>, store: Option<&dyn Store>) -> Result<Project, Failure> {
        let known = store.map(project::known).transpose().map_err(self.failed("read"))?.unwrap_or_default();
        project::named(named.unwrap_or(OsStr::new(".")), &known)
    }

    fn window(&self, filter: &FilterArguments) -> Result<Window, Failure> {
        let read = |option: &str, text: &Option<String>, edge| match text {
            Some(text) => {
                parse_instant(text, self.now, &self.zone, edge).map(Some).map_err(|e| wrong_value(option, text, &e))
            }
            None => Ok(None),
        };
        let (from, to) = (read("--since", &filter.since, Edge::From)?, read("--until", &filter.until, Edge::To)?);
        Window::new(from, to).map_err(|e| {
            let (since, until) = (filter.since.as_deref(), filter.until.as_deref());
            wrong_value("--until", until.or(since).unwrap_or_default(), &e)
        })
    }

    /// Says so where events wait that no hook could record.
    pub fn remark_on_spool(&self) {
        let waiting = Spool::of(&self.url).len() as u64;
        if waiting > 0 {
            let verb = if waiting == 1 { "waits" } else { "wait" };
            remark(&format!(
                "note: {} {verb} in the spool, which a hook could not record; the next hook or import takes them in",
                counted(waiting, "event")
            ));
        }
    }

    /// How to fill an empty store.
    pub fn how_to_fill(&self) -> String {
        let is_default = place::default_url().is_ok_and(|url| url == self.url);
        let db = if is_default { String::new() } else { format!(" --db {}", self.url) };
        format!(
            "  tooltally{db} import                 take in your agent's history\n  \
               tooltally{db} install claude-code    record each call from now on\n"
        )
    }
}

/// An option's value that means nothing: the library's reasons are said of a field.
pub(crate) fn wrong_value(option: &str, value: &str, error: &Error) -> Failure {
    let reason = match error {
        Error::Invalid { field: "window", reason } => format!("the window {reason}"),
        Error::Invalid { reason, .. } => format!("it {reason}"),
        other => other.to_string(),
    };
    Failure::usage(format!("invalid value '{value}' for '{option}': {reason}"))
}
