//! What is right of the policies: a brute-force fold over the generated calls, name by name.

use std::collections::BTreeMap;

use tooltally::policy::kind::{Identity, Kind};
use tooltally::policy::rank::{Facts, Ranked, Weights, rank};
use tooltally::policy::status::{Call, Rule, Segment, Standing, Status};
use tooltally::policy::tools::Tool;
use tooltally::{Outcome, Position, Timestamp, ToolName, Usage};

use crate::Result;
use crate::workload::{Workload, WorkloadEvent};

/// A call that comes late does so by less than this, in microseconds.
const LATEST: u64 = 86_400_000_000;
/// How many calls wait to be put in order.
const WAITING: usize = 1 << 15;

/// The calls of each tool in all projects, whatever their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histories(BTreeMap<usize, History>);

#[derive(Clone, Debug)]
struct History {
    settled: Segment,
    waiting: Vec<Call>,
    last_call: u64,
}

impl Default for History {
    fn default() -> Self {
        Self { settled: Segment::empty(Rule::default()), waiting: Vec::new(), last_call: 0 }
    }
}

impl Histories {
    pub(crate) fn apply(&mut self, call: &WorkloadEvent) -> Result<()> {
        let history = self.0.entry(call.tool).or_default();
        history.last_call = history.last_call.max(call.time_micros);
        let failed = match call.outcome {
            Outcome::Success => Some(false),
            Outcome::Failure => Some(true),
            _ => None,
        };
        let time = time(call.time_micros)?;
        history.waiting.push(Call { time, position: Position::new(call.number), failed });
        if history.waiting.len() >= WAITING {
            history.settle()?;
        }
        Ok(())
    }

    /// The status of a tool that is not removed, by its calls and by what else is a sign of it.
    fn status(&self, tool: Option<usize>, sign: Option<u64>, now: Timestamp) -> Result<Status> {
        let rule = Rule::default();
        let history = tool.and_then(|tool| self.0.get(&tool));
        let waiting = history.map_or(&[][..], |history| &history.waiting);
        let waiting = Segment::of_calls(rule, waiting.iter().copied());
        let settled = history.map_or_else(|| Segment::empty(rule), |history| history.settled.clone());
        let whole = settled.then(&waiting).ok_or("calls came later than they may")?;
        let seen = history.map(|history| history.last_call).max(sign).map(time).transpose()?;
        Ok(Status::new(&rule, &whole, now).last_seen(&rule, seen, now))
    }

    /// The status of a tool that no settings have, and whose server is not removed.
    pub(crate) fn status_of(&self, tool: usize, now: Timestamp) -> Result<Status> {
        self.status(Some(tool), None, now)
    }
}

impl History {
    fn settle(&mut self) -> Result<()> {
        self.waiting.sort_unstable();
        let before = time(self.last_call.saturating_sub(LATEST))?;
        let late = self.waiting.split_off(self.waiting.partition_point(|call| call.time < before));
        let early = Segment::of_calls(Rule::default(), std::mem::replace(&mut self.waiting, late));
        self.settled = self.settled.then(&early).ok_or("calls came later than they may")?;
        Ok(())
    }
}

fn time(micros: u64) -> Result<Timestamp> {
    Ok(Timestamp::from_micros(i64::try_from(micros)?)?)
}

/// What is compared of a tool: its name, its standing, its calls, those that succeeded and failed, and its last.
pub(crate) type Line = (String, Standing, u64, u64, u64, Option<Timestamp>);

/// A store's answer, in the same shape.
pub(crate) fn lines(tools: &[Tool]) -> Vec<Line> {
    let line = |tool: &Tool| {
        let standing = tool.status.standing();
        (tool.name.to_string(), standing, tool.uses, tool.successes, tool.failures, tool.last_used)
    };
    tools.iter().map(line).collect()
}

/// The tools of a project by brute force, in order, where `usages` are of the calls in it.
pub(crate) fn tools_of(
    project: u64,
    usages: &BTreeMap<usize, Usage>,
    histories: &Histories,
    now: Timestamp,
) -> Result<Vec<Line>> {
    let registered = Workload::registered(project);
    let mut names: BTreeMap<String, Option<usize>> = registered.iter().map(|name| (name.clone(), None)).collect();
    for tool in histories.0.keys() {
        let name = Workload::tool_name(*tool);
        let is_built_in = kind(name)? == Kind::BuiltIn;
        let is_brought = Workload::registered_for_all().iter().any(|bringer| brings(bringer, name));
        if is_built_in || is_brought || usages.contains_key(tool) {
            names.insert(name.to_owned(), Some(*tool));
        }
    }
    let mut lines = Vec::new();
    for (name, tool) in &names {
        let brought = |of: &usize| brings(name, Workload::tool_name(*of));
        let of_tools = histories.0.iter().filter(|(of, _)| brought(of)).map(|(_, history)| history.last_call);
        let discovered = registered.contains(name).then_some(Workload::FIRST_MICROS);
        // What is never called under its own name is not stale for want of calls.
        let is_called = tool.is_some() || !matches!(kind(name)?, Kind::SlashCommand | Kind::Skill | Kind::Plugin);
        let status = histories.status(*tool, discovered.max(of_tools.max()).filter(|_| is_called), now)?;
        let status = status.removed(Workload::is_removed(name));
        let mut line: Line = (name.clone(), status.standing(), 0, 0, 0, None);
        for (_, usage) in usages.iter().filter(|(of, _)| Some(**of) == *tool || brought(of)) {
            line.2 += usage.uses();
            line.3 += usage.count(Outcome::Success);
            line.4 += usage.count(Outcome::Failure);
            line.5 = line.5.max(usage.last_used());
        }
        lines.push((kind(name)?, line));
    }
    lines.sort_by(|(a_kind, a), (b_kind, b)| {
        (a.1, *a_kind, std::cmp::Reverse(a.2), &a.0).cmp(&(b.1, *b_kind, std::cmp::Reverse(b.2), &b.0))
    });
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

/// The rank of those tools by brute force; `latest` are the tools of the project's latest calls, the latest first.
pub(crate) fn ranked(lines: &[Line], latest: &[&str]) -> Result<Vec<Ranked>> {
    let mut facts = Vec::new();
    for (name, standing, _, successes, failures, _) in lines {
        if lines.iter().any(|(other, ..)| brings(name, other)) {
            continue;
        }
        let ages = (0..).zip(latest).filter(|(_, tool)| *tool == name).map(|(age, _)| age);
        facts.push(Facts {
            recent_uses: ages.clone().count() as u64,
            age: ages.min(),
            successes: *successes,
            failures: *failures,
            standing: *standing,
            ..Facts::new(ToolName::new(name)?)
        });
    }
    Ok(rank(facts, &Weights::default()))
}

fn kind(name: &str) -> Result<Kind> {
    Ok(Identity::of(&ToolName::new(name)?).kind)
}

/// Whether a server or plugin of the workload brings a tool, by the beginnings of their names.
fn brings(bringer: &str, tool: &str) -> bool {
    match bringer.split_once('@') {
        Some((plugin, _)) => tool.starts_with(&format!("mcp__plugin_{plugin}_")),
        None => bringer.starts_with("mcp__") && tool.starts_with(&format!("{bringer}__")),
    }
}
