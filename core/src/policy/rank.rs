//! Relevance: which tools matter now, in terms that can be shown.
//!
//! ```text
//! score = standing × (w_share × share + w_recency × recency + w_success × success)
//! ```
//!
//! | term | is | why |
//! |---|---|---|
//! | share | its part of the latest 256 calls of all tools | what is used now, not what was used once. By calls, not by days, so a holiday changes nothing |
//! | recency | (2^(−age / 64) − 2^−4) / (1 − 2^−4), where age is the number of calls of any tool since this one's last; 0 for what is not among the latest 256 | a tool used a moment ago is likely at hand again. It is 1 for the latest, and falls to 0 where the latest end, so that leaving them is no step |
//! | success | (successes + 9) / (finished + 10): the mean of a Beta(9, 1) prior, under which nine of ten calls succeed | few calls say little; a tool without calls has 0.9 |
//! | standing | 1 for an active tool, 0.7 on probation, 0.5 for a stale one, 0.25 for a demoted one | what is not trusted is lower, and never gone |
//!
//! The weights are 0.5, 0.3 and 0.2 by default, so a score lies between 0 and 1. All of them are values that the caller
//! can pass ([`Weights`]), and each term stands in the answer ([`Score`]).
//!
//! ```
//! use tooltally_core::ToolName;
//! use tooltally_core::policy::rank::{Facts, Weights, rank};
//!
//! let facts = |name, uses, age, failures| Facts {
//!     recent_uses: uses,
//!     age: Some(age),
//!     successes: uses - failures,
//!     failures,
//!     ..Facts::new(ToolName::new(name).unwrap())
//! };
//! let ranked = rank(vec![facts("Grep", 10, 90, 0), facts("Bash", 30, 0, 3)], &Weights::default());
//! assert_eq!(ranked[0].facts.tool.as_str(), "Bash");
//! assert_eq!(ranked[0].score.to_string(), "0.855 = 1 × (0.5 × 0.750 + 0.3 × 1.000 + 0.2 × 0.900)");
//! ```

use std::collections::BTreeMap;
use std::fmt;

use super::kind::{Identity, Kind};
use super::real;
use super::status::Standing;
use crate::name::ToolName;

/// How a tool was used of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecentUse {
    /// Its calls among the latest.
    pub uses: u64,
    /// How many calls of any tool came after its last.
    pub age: u64,
}

/// Counts the tools of the latest calls, the latest first, as [`Queries::recent`](crate::Queries::recent) answers them:
/// as many as [`Weights::latest`] says. What is not among them counts as never used.
///
/// ```
/// # use tooltally_core::ToolName;
/// # use tooltally_core::policy::rank::{RecentUse, recent_use};
/// let calls = ["Bash", "Read", "Bash"].map(|name| ToolName::new(name).unwrap());
/// let used = recent_use(&calls);
/// assert_eq!(used[&calls[0]], RecentUse { uses: 2, age: 0 });
/// assert_eq!(used[&calls[1]], RecentUse { uses: 1, age: 1 });
/// ```
pub fn recent_use<'a>(latest_first: impl IntoIterator<Item = &'a ToolName>) -> BTreeMap<ToolName, RecentUse> {
    let mut used: BTreeMap<ToolName, RecentUse> = BTreeMap::new();
    for (age, tool) in (0..).zip(latest_first) {
        used.entry(tool.clone()).or_insert(RecentUse { uses: 0, age }).uses += 1;
    }
    used
}

/// What is known of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The tool.
    pub tool: ToolName,
    /// What it is.
    pub kind: Kind,
    /// The MCP server that brings it, or that it is, as the names of its tools begin: `mcp__github`.
    pub server: Option<String>,
    /// Its calls among the latest calls of all tools, of any outcome: see [`recent_use`].
    pub recent_uses: u64,
    /// How many calls of any tool came after its last: 0 for the latest; `None` for a tool that is not among them.
    pub age: Option<u64>,
    /// Its calls that succeeded.
    pub successes: u64,
    /// Its calls that failed. The other outcomes say nothing about it.
    pub failures: u64,
    /// Whether it is trusted.
    pub standing: Standing,
}

impl Facts {
    /// An active tool without calls; what it is, and its server, as its name alone tells.
    pub fn new(tool: ToolName) -> Self {
        let identity = Identity::of(&tool);
        let (kind, server) = (identity.kind, identity.server_name());
        Self { tool, kind, server, recent_uses: 0, age: None, successes: 0, failures: 0, standing: Standing::Active }
    }

    /// Its name without its server's; `None` for what no server brings, and for the server itself.
    pub fn name_in_server(&self) -> Option<&str> {
        let server = self.server.as_deref()?;
        // A server's prompts are commands: /mcp__server__prompt.
        let name = self.tool.as_str().trim_start_matches("SlashCommand(").trim_start_matches('/');
        let own = name.strip_prefix(server)?.strip_prefix("__")?;
        let own = if self.tool.as_str().starts_with("SlashCommand(") { own.trim_end_matches(')') } else { own };
        Some(own).filter(|own| !matches!(*own, "" | "*"))
    }
}

/// What the terms weigh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Of the share of recent use.
    pub share: f64,
    /// Of recency.
    pub recency: f64,
    /// Of success.
    pub success: f64,
    /// How many of the latest calls are looked at: as many as a store reads within its millisecond.
    pub latest: usize,
    /// After how many calls recency is halved, before it is drawn down to reach 0 after the latest.
    pub half_life: f64,
    /// How many calls the prior counts for.
    pub prior_calls: f64,
    /// The success rate of the prior.
    pub prior_rate: f64,
    /// The factor of a tool on probation.
    pub probation: f64,
    /// The factor of a stale tool.
    pub stale: f64,
    /// The factor of a demoted tool.
    pub demoted: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            share: 0.5,
            recency: 0.3,
            success: 0.2,
            latest: 256,
            half_life: 64.0,
            prior_calls: 10.0,
            prior_rate: 0.9,
            probation: 0.7,
            stale: 0.5,
            demoted: 0.25,
        }
    }
}

/// A score and its terms, each from 0 to 1. Shown as the sum that it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Its part of recent use.
    pub share: f64,
    /// How recently it was used, by calls.
    pub recency: f64,
    /// Its success rate, with the prior.
    pub success: f64,
    /// The factor of its standing.
    pub standing: f64,
    /// The weights of the first three.
    pub weights: [f64; 3],
}

impl Score {
    /// The score.
    pub fn total(&self) -> f64 {
        let [share, recency, success] = self.weights;
        self.standing * (share * self.share + recency * self.recency + success * self.success)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([share, recency, success], total) = (self.weights, self.total());
        write!(
            f,
            "{total:.3} = {} × ({share} × {:.3} + {recency} × {:.3} + {success} × {:.3})",
            self.standing, self.share, self.recency, self.success
        )
    }
}

/// A tool with its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// What is known of it.
    pub facts: Facts,
    /// Its score.
    pub score: Score,
}

/// An MCP server with its tools.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedServer {
    /// The server, as the names of its tools begin: `mcp__github`.
    pub name: String,
    /// Its tools, the highest score first.
    pub tools: Vec<Ranked>,
    /// The score of all its tools taken as one.
    pub score: Score,
}

/// Scores tools: the highest first; of equal scores by name.
pub fn rank(facts: Vec<Facts>, weights: &Weights) -> Vec<Ranked> {
    let all = facts.iter().map(|facts| facts.recent_uses).sum();
    let mut ranked: Vec<Ranked> =
        facts.into_iter().map(|facts| Ranked { score: weights.score(&facts, all), facts }).collect();
    ranked.sort_by(|a, b| b.score.total().total_cmp(&a.score.total()).then_with(|| a.facts.tool.cmp(&b.facts.tool)));
    ranked
}

/// Gathers the tools of each MCP server, and scores the server by all of them together: their calls added, their
/// latest use, and the best standing among them. `ranked` holds all tools, whichever are wanted: a share is one of all
/// use. The highest score first; of equal ones by name.
pub fn rank_servers(ranked: &[Ranked], weights: &Weights) -> Vec<RankedServer> {
    let mut gathered: BTreeMap<&str, Vec<&Ranked>> = BTreeMap::new();
    for tool in ranked {
        if let Some(server) = &tool.facts.server {
            gathered.entry(server).or_default().push(tool);
        }
    }
    let all = ranked.iter().map(|tool| tool.facts.recent_uses).sum();
    let mut servers: Vec<RankedServer> = gathered
        .into_iter()
        .filter_map(|(name, tools)| {
            Some(RankedServer {
                name: name.to_owned(),
                score: weights.score(&combined(&tools)?, all),
                tools: tools.into_iter().cloned().collect(),
            })
        })
        .collect();
    servers.sort_by(|a, b| b.score.total().total_cmp(&a.score.total()));
    servers
}

/// Several tools taken as one; `None` of none.
fn combined(tools: &[&Ranked]) -> Option<Facts> {
    let mut tools = tools.iter().map(|tool| &tool.facts);
    let first = tools.next()?.clone();
    Some(tools.fold(first, |sum, facts| Facts {
        recent_uses: sum.recent_uses + facts.recent_uses,
        age: [sum.age, facts.age].into_iter().flatten().min(),
        successes: sum.successes + facts.successes,
        failures: sum.failures + facts.failures,
        standing: sum.standing.min(facts.standing),
        ..sum
    }))
}

impl Weights {
    /// From 1 for the latest call to 0 for one that is not looked at.
    fn recency(&self, age: u64) -> f64 {
        let decayed = |age: u64| (-real(age) / self.half_life).exp2();
        let end = decayed(self.latest as u64);
        // Of no calls the quotient is no number, and `max` takes the other one.
        ((decayed(age) - end) / (1.0 - end)).max(0.0)
    }

    /// The score of a tool, where all tools together have so many recent uses.
    fn score(&self, facts: &Facts, all: u64) -> Score {
        let finished = real(facts.successes) + real(facts.failures);
        Score {
            share: super::share(facts.recent_uses, all).unwrap_or(0.0),
            recency: facts.age.map_or(0.0, |age| self.recency(age)),
            success: (real(facts.successes) + self.prior_calls * self.prior_rate) / (finished + self.prior_calls),
            standing: match facts.standing {
                Standing::Active => 1.0,
                Standing::Probation => self.probation,
                Standing::Stale => self.stale,
                Standing::Demoted => self.demoted,
            },
            weights: [self.share, self.recency, self.success],
        }
    }
}
