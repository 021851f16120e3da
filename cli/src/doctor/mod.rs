//! What is wrong with a store, its spool, their permissions and the agent's settings, and what to do about it.
//!
//! Nothing is changed by looking: no store is made, no write-ahead log begun or moved, no spool taken in. What cannot
//! be read is a finding like any other, and no reason to stop.

mod agent;
mod disk;
mod files;
mod finding;
mod held;
mod log;
mod spool;
mod store;
mod words;

use std::path::PathBuf;

use tooltally::{StoreUrl, Timestamp};

use crate::diagnostics::Failure;
pub use agent::MANAGED_VARIABLE;
pub use finding::{Check, Finding, Level};
pub use store::SeenStore;

/// Who named the store that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// `--db`.
    Option,
    /// The environment variable.
    Variable,
    /// Nobody: it is the default.
    Default,
}

impl NamedBy {
    /// As JSON and people are told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Option => "--db",
            Self::Variable => crate::place::DB_VARIABLE,
            Self::Default => "default",
        }
    }
}

/// What is to be looked at.
#[derive(Debug)]
pub struct Case {
    /// The store; or why there is no address of one.
    pub url: Result<StoreUrl, Failure>,
    /// Who named it.
    pub named_by: NamedBy,
    /// When.
    pub now: Timestamp,
    /// This program, as an agent is to call it.
    pub program: Option<PathBuf>,
    /// Whether the store's whole proof is wanted.
    pub is_proven: bool,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// The store; `None` where there is no address of one.
    pub store: Option<SeenStore>,
    /// The findings, in the order of their checks.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings are of a level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}

/// Looks at everything.
pub fn diagnose(case: &Case) -> Report {
    let mut findings = Vec::new();
    let mut seen = None;
    match &case.url {
        Ok(url) => {
            let store = store::examine(url, case, &mut findings);
            files::examine(url, &mut findings);
            disk::examine(url, &mut findings);
            spool::examine(url, case, &mut findings);
            log::examine(url, case, &store, &mut findings);
            seen = Some(store);
        }
        Err(failure) => findings.push(no_address(failure)),
    }
    agent::examine(case, seen.as_ref(), &mut findings);
    findings.sort_by_key(|finding| finding.check);
    Report { store: seen, findings }
}

fn no_address(failure: &Failure) -> Finding {
    let text = failure.to_string();
    let told = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Finding::new(Check::Store, Level::Error, "store-address-invalid", told).remedy(format!(
        "mend or unset {}, or name a store with --db; hooks that name no store record nothing until then",
        crate::place::DB_VARIABLE
    ))
}
