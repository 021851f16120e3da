//! What a scan has come to so far.

use std::collections::HashSet;

use tooltally::policy::kind::{Kind, Scope};
use tooltally::{ServerName, ToolDiscovered, ToolName};

use super::cause::Cause;
use super::found::{self, Found, Owner};

/// Something that a scan did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it stands, as people read it.
    pub path: String,
    /// Why it was not taken.
    pub reason: String,
}

/// What settings offer, and what of them could not be read.
#[derive(Debug, Default)]
pub struct Scan {
    /// What they offer: each name once for every project, and once for this one.
    pub found: Vec<Found>,
    /// What was not taken.
    pub skipped: Vec<Skipped>,
    /// What may be there all the same.
    unsure: Vec<Unsure>,
}

impl Scan {
    /// Whether a tool that was found before may still be there, since what would tell could not be read.
    pub(super) fn may_still_have(&self, tool: &ToolDiscovered) -> bool {
        self.unsure.iter().any(|unsure| unsure.covers(tool))
    }
}

/// What could not be read, as far as it tells of tools.
#[derive(Debug)]
enum Unsure {
    /// A file, or all below a folder.
    Below(String),
    /// One tool.
    Tool { is_projects: bool, name: String },
    /// Everything of one plugin.
    Plugin(String),
    /// Every plugin.
    Plugins,
}

impl Unsure {
    fn covers(&self, tool: &ToolDiscovered) -> bool {
        let source = tool.source.as_str();
        match self {
            Self::Below(label) => {
                let label = found::source(label);
                let rest = label.as_ref().and_then(|label| source.strip_prefix(label.as_str()));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::Tool { is_projects, name } => tool.project.is_some() == *is_projects && tool.tool.as_str() == name,
            Self::Plugin(id) => {
                tool.tool.as_str() == id || source.strip_prefix(id.as_str()).is_some_and(|rest| rest.starts_with(": "))
            }
            Self::Plugins => tool.scope == Scope::Plugin || tool.kind == Kind::Plugin,
        }
    }
}

/// What a scan has come to so far.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    scan: Scan,
    taken: HashSet<(bool, ToolName)>,
}

/// What a file says of a tool.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// The file.
    pub(super) label: &'a str,
    pub(super) name: &'a str,
    pub(super) kind: Kind,
    pub(super) description: Option<String>,
    /// The server's own name.
    pub(super) server: Option<&'a str>,
}

impl Gathering {
    /// Takes a tool, unless one of the same name was taken before.
    pub(super) fn take(&mut self, owner: Owner, entry: &Entry<'_>) {
        match read(owner, entry) {
            Ok(found) if self.taken.insert((found.is_projects, found.tool.clone())) => self.scan.found.push(found),
            Ok(_) => self.skip(entry.label.to_owned(), &Cause::Shadowed(entry.name.to_owned())),
            Err(cause) => self.skip(entry.label.to_owned(), &cause),
        }
    }

    /// Names what was not taken.
    pub(super) fn skip(&mut self, label: String, cause: &Cause) {
        if !cause.is_settled() {
            self.scan.unsure.push(Unsure::Below(label.clone()));
        }
        self.scan.skipped.push(Skipped { path: label, reason: cause.to_string() });
    }

    /// Names a tool that was not taken, and is not gone for that.
    pub(super) fn skip_tool(&mut self, owner: Owner, name: &str, label: String, cause: &Cause) {
        self.scan.unsure.push(Unsure::Tool { is_projects: owner.is_projects, name: name.to_owned() });
        self.skip(label, cause);
    }

    /// Nothing of a plugin is gone because of what could not be read.
    pub(super) fn keep_plugin(&mut self, id: &str) {
        self.scan.unsure.push(Unsure::Plugin(id.to_owned()));
    }

    /// Nothing of any plugin is.
    pub(super) fn keep_plugins(&mut self) {
        self.scan.unsure.push(Unsure::Plugins);
    }

    pub(super) fn finish(self) -> Scan {
        self.scan
    }
}

fn read(owner: Owner, entry: &Entry<'_>) -> Result<Found, Cause> {
    let wrong = |error: tooltally::Error| match error {
        tooltally::Error::Invalid { reason, .. } => Cause::Name(reason.into_owned()),
        other => Cause::Name(other.to_string()),
    };
    Ok(Found {
        is_projects: owner.is_projects,
        tool: ToolName::new(entry.name).map_err(wrong)?,
        kind: entry.kind,
        scope: owner.scope,
        source: found::source(entry.label).ok_or_else(|| Cause::Name("of the file is empty".to_owned()))?,
        description: entry.description.as_deref().and_then(found::description),
        server: entry.server.map(ServerName::new).transpose().map_err(wrong)?,
    })
}
