//! `scan`, `tools`, `rank`, `context` and `suggest`: the tools of a project, and the next one.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use tooltally::SessionId;

/// `scan`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Reads what Claude Code reads, and changes none of it:
  .mcp.json                   the project's shared MCP servers
  ~/.claude.json              your MCP servers, of every project and of this one
  .claude/commands, /skills   the project's commands and skills, and yours in
                              ~/.claude
  plugins                     those that are installed and on, with their
                              commands, skills and MCP servers
CLAUDE_CONFIG_DIR moves what is yours. Of an MCP server only the name is taken.
A plugin or server of yours that is off in this project is told with the scope
turned_off: gone here, and nowhere else.

Only what differs from the last scan is recorded: what came, what changed, what
went. What cannot be read is named with its cause, and takes nothing away.
--json answers {\"project\", \"path\", \"discovered\": [{\"tool\", \"kind\", \"scope\",
\"project\", \"source\", \"description\", \"server\", \"changed\"}], \"removed\": [...],
\"unchanged\", \"skipped\": [{\"path\", \"reason\"}]}.

Examples:
  tooltally scan                       this folder's project
  tooltally scan --project ~/work/app
  tooltally scan --dry-run             only show what would be recorded")]
pub struct ScanArguments {
    /// The project's folder [default: this folder]
    #[arg(long, value_name = "DIR")]
    pub project: Option<PathBuf>,

    /// Show what has come and gone, and record nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `tools`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
A project has the tools that its settings and yours offer (`tooltally scan`
registers them), the agent's own, and what was used in it. Never another
project's. Status:
  active    trusted; on probation where it was demoted before
  stale     removed from the settings, turned off in this project, or unseen
            for 30 days
  demoted   three of its last five calls failed; three successes in a row
            restore it

Examples:
  tooltally tools
  tooltally tools --project ~/work/app
  tooltally tools --all                        of all projects together
  tooltally --json tools | jq -r '.tools[] | select(.status == \"stale\") | .tool'")]
pub struct ToolsArguments {
    /// Of which project: a folder, an id or the start of one, or the last part of its path [default: this folder]
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<OsString>,

    /// Of all projects
    #[arg(long, conflicts_with = "project")]
    pub all: bool,
}

/// `rank`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
The tools of an MCP server are gathered under it. A score is made of a tool's
share of the latest 200 calls, of how recently it was used, of its success rate
(with a prior: few calls say little), and of how it stands.

Examples:
  tooltally rank --limit 10
  tooltally rank --explain          each term of each score
  tooltally --json rank --project ~/work/app")]
pub struct RankArguments {
    /// Of which project: a folder, an id or the start of one, or the last part of its path [default: this folder]
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<OsString>,

    /// The first so many only; 0: none
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// Show the terms of each score
    #[arg(long)]
    pub explain: bool,
}

/// `context`.
#[derive(Debug, Args)]
#[command(after_help = "\
Plain text in the order of `tooltally rank`, each entry whole or left out where
there is no room, tools that fail too often marked; nothing at all where no tools
are known. What was removed from the settings is left out, and what only its use
long ago tells of. --json answers {\"project\", \"path\", \"budget\", \"text\"}.

`tooltally install claude-code --context` has each session start with it. A
hook's payload on stdin tells the project then, where --project does not.

Examples:
  tooltally context
  tooltally context --project ~/work/app --budget 1000")]
pub struct ContextArguments {
    /// Of which project: a folder, an id or the start of one, or the last part of its path [default: that of the
    /// payload on stdin, else this folder]
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<OsString>,

    /// The most characters
    #[arg(long, value_name = "CHARACTERS", default_value_t = 500)]
    pub budget: usize,

    /// Run by an agent: whatever happens, its session is to start
    #[arg(long, hide = true)]
    pub hook: bool,
}

/// `suggest`.
#[derive(Debug, Args)]
#[command(after_help = "\
Learns from the 2,000 events before the session and from the last 2,000 calls
of its project, however long ago: what followed its last one to three calls,
in all projects and in its own. Silent below 60 % and before the session's
fourth call; at most two suggestions a session, five calls apart.
Nothing is kept: the same log gives the same answer.
--json answers {\"session\", \"suggestion\": null or {\"tool\", \"confidence\",
\"after_calls\", \"context\", \"seen\"}}.

Example:
  tooltally suggest --session 5f0c1d2e-8a34-4f4e-9c55-0b7d8f6a1c22")]
pub struct SuggestArguments {
    /// The session
    #[arg(long, value_name = "ID")]
    pub session: SessionId,
}
