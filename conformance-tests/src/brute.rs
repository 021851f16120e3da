//! The policies by brute force: everything from the whole log, tool by tool, and names by their beginnings alone.

use std::collections::BTreeSet;

use tooltally_core::policy::kind::{Identity, Kind};
use tooltally_core::policy::status::{Call, Rule, Segment, Standing, Status};
use tooltally_core::policy::tools::Tool;
use tooltally_core::{
    Event, Filter, Outcome, ProjectId, RecentOutcome, Recorded, Registered, Timestamp, ToolName, ToolUse, fold,
};

/// A log, and a moment at which it is looked at.
pub(crate) struct Brute<'a> {
    pub(crate) log: &'a [Recorded],
    pub(crate) rule: Rule,
    pub(crate) now: Timestamp,
}

/// What is compared of a tool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: ToolName,
    kind: Kind,
    pub(crate) status: Status,
    counts: (u64, u64, u64),
    last_used: Option<Timestamp>,
    registered: Option<Registered>,
}

impl From<&Tool> for Row {
    fn from(tool: &Tool) -> Self {
        Self {
            name: tool.name.clone(),
            kind: tool.kind,
            status: tool.status,
            counts: (tool.uses, tool.successes, tool.failures),
            last_used: tool.last_used,
            registered: tool.registered.clone(),
        }
    }
}

fn id_of(registered: &Registered) -> Option<ProjectId> {
    registered.discovered.project.as_ref().map(|project| project.id)
}

fn is_a(kind: Kind, entry: &Registered) -> bool {
    entry.discovered.kind == kind || Identity::of(&entry.discovered.tool).kind == kind
}

/// The server that brings a tool, by the beginnings of their names: of those that settings know the one of the longest
/// name, else as the tool's name reads.
fn server_of(tool: &str, known: &[Registered]) -> Option<String> {
    let servers: Vec<&str> = known.iter().filter(|entry| is_a(Kind::McpServer, entry)).map(name_of).collect();
    let by_form = || {
        let (server, own) = tool.strip_prefix("mcp__")?.split_once("__")?;
        (!own.is_empty()).then(|| format!("mcp__{server}"))
    };
    let longest =
        servers.iter().filter(|server| tool.starts_with(&format!("{server}__"))).max_by_key(|name| name.len());
    if servers.contains(&tool) || !tool.starts_with("mcp__") {
        return None;
    }
    longest.map(|server| (*server).to_owned()).or_else(by_form)
}

fn name_of(registered: &Registered) -> &str {
    registered.discovered.tool.as_str()
}

/// Whether a server or plugin brings a tool, where these settings are known. Plugins' names hold plain letters here.
fn brings(bringer: &str, tool: &str, known: &[Registered]) -> bool {
    match bringer.split_once('@') {
        Some((plugin, _)) => {
            tool.starts_with(&format!("{plugin}:")) || tool.starts_with(&format!("mcp__plugin_{plugin}_"))
        }
        None => server_of(tool, known).as_deref() == Some(bringer),
    }
}

impl Brute<'_> {
    fn calls(&self) -> impl Iterator<Item = (&Recorded, &ToolUse)> {
        self.log.iter().filter_map(|recorded| match &recorded.event {
            Event::ToolUse(call) => Some((recorded, call)),
            _ => None,
        })
    }

    fn calls_of(&self, is_it: impl Fn(&str) -> bool, project: &Filter<ProjectId>) -> Vec<RecentOutcome> {
        let wanted = |call: &ToolUse| {
            is_it(call.tool.as_str()) && project.matches(call.project.as_ref().map(|project| &project.id))
        };
        self.calls().filter(|(_, call)| wanted(call)).filter_map(|(recorded, _)| RecentOutcome::of(recorded)).collect()
    }

    fn entries(&self, counts: impl Fn(Option<ProjectId>) -> bool) -> Vec<Registered> {
        fold::registered(self.log, &Filter::Any).into_iter().filter(|registered| counts(id_of(registered))).collect()
    }

    fn names(&self) -> BTreeSet<ToolName> {
        self.log.iter().map(|recorded| recorded.event.tool().clone()).collect()
    }

    /// Whether a tool belongs to a project.
    fn belongs(&self, tool: &str, project: Option<ProjectId>) -> bool {
        let used = |of: &Filter<ProjectId>| !self.calls_of(|name| name == tool, of).is_empty();
        // Whether settings know the tool, or what brings it, by their entries that count.
        let known = |of: &dyn Fn(Option<ProjectId>) -> bool, counts: &dyn Fn(&Registered) -> bool, or_brought| {
            let entries = self.entries(of);
            entries
                .iter()
                .filter(|entry| counts(entry))
                .any(|entry| name_of(entry) == tool || (or_brought && brings(name_of(entry), tool, &entries)))
        };
        let all = |_: &Registered| true;
        let Some(project) = project else { return known(&|_| true, &all, false) || used(&Filter::Any) };
        let counts = |of: Option<ProjectId>| of.is_none() || of == Some(project);
        if known(&counts, &all, false) || used(&Filter::Is(project)) {
            return true;
        }
        let name = ToolName::new(tool).unwrap();
        if Identity::of(&name).kind == Kind::BuiltIn {
            return used(&Filter::Any);
        }
        let is_everyones_now = |entry: &Registered| id_of(entry).is_none() && entry.removed.is_none();
        let is_brought = used(&Filter::Any) && known(&counts, &is_everyones_now, true);
        let is_elsewhere = |of: Option<ProjectId>| of.is_some_and(|of| of != project);
        (used(&Filter::Absent) || is_brought) && !known(&is_elsewhere, &all, true)
    }

    /// The status of a tool, where the settings of these projects count.
    fn status_where(&self, tool: &str, counts: &dyn Fn(Option<ProjectId>) -> bool) -> Status {
        let calls = self.calls_of(|name| name == tool, &Filter::Any);
        let history = Segment::of_calls(self.rule, calls.iter().map(Call::from));
        let entries = self.entries(counts);
        let own = |entry: &&Registered| name_of(entry) == tool;
        let signs = self.calls_of(|name| name == tool || brings(tool, name, &entries), &Filter::Any);
        let seen = signs.iter().map(|call| call.time);
        let seen = seen.chain(entries.iter().filter(own).map(|entry| entry.discovered.time)).max();
        let silent = [Kind::SlashCommand, Kind::Skill, Kind::Plugin];
        let is_silent = silent.contains(&Identity::of(&ToolName::new(tool).unwrap()).kind)
            || entries.iter().filter(own).any(|entry| silent.contains(&entry.discovered.kind));
        let seen = seen.filter(|_| !is_silent || !calls.is_empty());
        let mut is_there = Vec::new();
        for of in entries.iter().map(id_of).collect::<BTreeSet<_>>() {
            let here = || entries.iter().filter(|entry| id_of(entry) == of);
            let bringers: Vec<&Registered> = here().filter(|entry| brings(name_of(entry), tool, &entries)).collect();
            let is_gone = bringers.iter().any(|entry| entry.removed.is_some());
            match here().find(own) {
                Some(entry) => is_there.push(entry.removed.is_none() && !is_gone),
                None if bringers.is_empty() => {}
                None => is_there.push(!is_gone),
            }
        }
        let is_removed = !is_there.is_empty() && !is_there.contains(&true);
        Status::new(&self.rule, &history, self.now).removed(is_removed).last_seen(&self.rule, seen, self.now)
    }

    /// The status of a tool, where all settings count.
    pub(crate) fn status_of(&self, tool: &str) -> Status {
        self.status_where(tool, &|_| true)
    }

    fn row(&self, name: &ToolName, project: Option<ProjectId>) -> Row {
        let counts = |of: Option<ProjectId>| project.is_none() || of.is_none() || of == project;
        let tool = name.as_str();
        let entries = self.entries(counts);
        let is_it = |other: &str| other == tool || brings(tool, other, &entries);
        let calls = self.calls_of(is_it, &project.map_or(Filter::Any, Filter::Is));
        let count = |outcome| calls.iter().filter(|call| call.outcome == outcome).count() as u64;
        let own = entries.iter().filter(|entry| entry.discovered.tool == *name);
        let registered = own.min_by_key(|entry| (entry.removed.is_some(), id_of(entry) != project, id_of(entry)));
        Row {
            name: name.clone(),
            kind: registered.map_or(Identity::of(name).kind, |entry| entry.discovered.kind),
            status: self.status_where(tool, &counts),
            counts: (calls.len() as u64, count(Outcome::Success), count(Outcome::Failure)),
            last_used: calls.iter().map(|call| call.time).max(),
            registered: registered.cloned(),
        }
    }

    /// The tools of a project, or of all.
    pub(crate) fn tools_for(&self, project: Option<ProjectId>) -> Vec<Row> {
        let names = self.names().into_iter().filter(|name| self.belongs(name.as_str(), project));
        let mut rows: Vec<Row> = names.map(|name| self.row(&name, project)).collect();
        rows.sort_by(|a, b| {
            let order = |row: &Row| (standing_order(row.status), row.kind, std::cmp::Reverse(row.counts.0));
            order(a).cmp(&order(b)).then_with(|| a.name.cmp(&b.name))
        });
        rows
    }
}

fn standing_order(status: Status) -> usize {
    let all = [Standing::Active, Standing::Probation, Standing::Stale, Standing::Demoted];
    all.iter().position(|standing| *standing == status.standing()).unwrap()
}
