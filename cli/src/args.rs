//! The command line.

mod registry;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tooltally::{SessionId, ToolName};

pub use registry::{ContextArguments, RankArguments, ScanArguments, SuggestArguments, ToolsArguments};

const EXAMPLES: &str = "\
Examples:
  tooltally import                          take in the agent's own history
  tooltally stats                           which tools were used, how often, how well, how long
  tooltally stats --since 7d --project .    here, in the last seven days
  tooltally stats --by day --tool Bash      one tool, day by day
  tooltally scan                            register what the agent's settings offer here
  tooltally tools                           the tools of this project, and how they stand
  tooltally install claude-code             record each call from now on
  tooltally doctor                          why calls do not show up, and what to do

Exit codes: 0 done, 1 failed, 2 wrong usage (`hook`: always 0).
Diagnostics: TOOLTALLY_LOG=debug";

/// Which tools your coding agents use: how often, how well, how long.
///
/// tooltally keeps a record of tool calls: taken in from transcripts (`import`), or live from an agent's
/// hooks (`install`). Nothing of a tool's input or output is stored.
#[derive(Debug, Parser)]
#[command(name = "tooltally", version, after_help = EXAMPLES, max_term_width = 100, arg_required_else_help = true)]
pub struct Arguments {
    /// The store: sqlite:PATH, redb:PATH, or a path (.redb: redb, else SQLite)
    #[arg(long, global = true, value_name = "URL", help_heading = "Options for every command")]
    pub db: Option<OsString>,

    /// Answer in JSON, for scripts
    #[arg(long, global = true, help_heading = "Options for every command")]
    pub json: bool,

    /// The time zone of days, hours and dates, such as Europe/Berlin [default: the system's]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Options for every command")]
    pub timezone: Option<String>,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take in an agent's history: transcripts, hook logs, event lines, a predecessor's database
    Import(ImportArguments),
    /// Show how tools were used
    Stats(StatsArguments),
    /// Print the log as JSON Lines, oldest position first
    Events(EventsArguments),
    /// Register the tools that the agent's settings offer, and what has gone from them
    Scan(ScanArguments),
    /// Show the tools of a project: what they are, how they are used, how they stand
    Tools(ToolsArguments),
    /// Show which tools of a project matter now
    Rank(RankArguments),
    /// Print the tools at hand, as a short text for the start of an agent's session
    Context(ContextArguments),
    /// Say which tool probably comes next in a session, where that is likely enough
    Suggest(SuggestArguments),
    /// Record one call: reads a hook's payload on stdin
    #[command(after_help = "An agent runs this on each tool call; `tooltally install` connects it. It always exits \
                            with 0 and prints nothing on stdout. What it cannot record waits in a spool beside the \
                            store, and the next run takes it in.")]
    Hook,
    /// Say what is wrong with the store, the spool and the agent's settings, and what to do
    Doctor(DoctorArguments),
    /// Replay histories, and say how well the next tool would have been foreseen
    Evaluate(EvaluateArguments),
    /// Prove log, ids and projections against each other
    Verify,
    /// Fold every projection anew from the log
    Rebuild,
    /// Give unused space back to the file system
    Compact,
    /// Connect an agent's hooks, so that each tool call is recorded
    #[command(after_help = "\
What the settings file holds is kept, and a backup of it is written beside it.

Examples:
  tooltally install claude-code --dry-run     only show what would change
  tooltally install claude-code --context     also tell each session which tools
                                              are at hand, as it starts
  tooltally uninstall claude-code             take both out again")]
    Install(InstallArguments),
    /// Disconnect an agent's hooks; what was recorded remains
    Uninstall(UninstallArguments),
    /// Print completions for a shell
    #[command(
        after_help = "Example (bash):\n  tooltally completions bash > ~/.local/share/bash-completion/completions/tooltally"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `import`.
#[derive(Debug, Args)]
#[command(after_help = "\
The kind of a file is told by its content:
  transcripts      JSON Lines of Claude Code
  hook logs        hook payloads as a JSON array or JSON Lines; they hold no
                   times: that of the file's last change serves for all
  event lines      what `tooltally events` prints; v, tool, outcome and time
                   are needed
  predecessor's    the SQLite database with the table tool_usage_events;
                   read from a temporary copy, which needs that room

Taking the same input again adds nothing. Examples:
  tooltally import
  tooltally import ~/old-laptop/.claude/projects
  tooltally events --db old.db | tooltally --db new.redb import -")]
pub struct ImportArguments {
    /// Files and folders, `-` for stdin [default: the agent's own history]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// Which events.
#[derive(Debug, Default, Args)]
pub struct FilterArguments {
    /// Only this tool
    #[arg(long, value_name = "NAME", help_heading = "Which events")]
    pub tool: Option<ToolName>,

    /// Only this session
    #[arg(long, value_name = "ID", help_heading = "Which events")]
    pub session: Option<SessionId>,

    /// Only this project: a folder (`.` too), an id or the start of one, or the last part of its path
    #[arg(long, value_name = "PROJECT", help_heading = "Which events")]
    pub project: Option<OsString>,

    /// From when on: a span (7d, "2 weeks", 1h30m), a date or an instant (RFC 3339) [default: all]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Which events")]
    pub since: Option<String>,

    /// Until when: as --since; a date includes that day
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Which events")]
    pub until: Option<String>,
}

/// `stats`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Success is the share of calls that ended well. Only failures speak against a
tool: an interrupted, rejected or invalid call does not. Durations are the
tool's own time, where it was measured.

Examples:
  tooltally stats --since 7d
  tooltally stats --project . --by session
  tooltally stats --since 2026-03-01 --until 2026-03-31 --by day")]
pub struct StatsArguments {
    /// Which events
    #[command(flatten)]
    pub filter: FilterArguments,

    /// What a row is about
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = By::Tool)]
    pub by: By,
}

/// `events`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Of a damaged store, --salvage prints all that can still be read, also where it
does not open any more. What is lost is said on stderr, and the exit code is 1
then. A new store takes the rest:
  tooltally events --salvage --db old.db | tooltally --db new.db import -")]
pub struct EventsArguments {
    /// Which events
    #[command(flatten)]
    pub filter: FilterArguments,

    /// Read out of a damaged store all that can still be read; nobody should use it meanwhile
    #[arg(long, conflicts_with_all = ["tool", "session", "project", "since", "until"])]
    pub salvage: bool,
}

/// `doctor`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
It looks, and changes nothing: no store is made, nothing that waits is taken in.
  Store        which one, who named it, whether it opens and can be written to
  Files        whose they are, who else may read them, what room the disk has
  Spool        calls that wait because no hook could record them
  Hook log     what hooks said of their troubles; an agent does not show it
  Claude Code  its settings (yours, this project's, the organization's): are the
               hooks connected, may they run, do they record where you look

Each line has a level: ok, note, warning (calls are late, may be missing, or
others may see them), error (calls are not recorded, or cannot be read). Behind
it stands a code for scripts, under it what to do. --json answers
{\"version\", \"store\", \"counts\", \"findings\": [{\"check\", \"level\", \"code\",
\"message\", \"path\", \"remedy\", \"command\"}]}.

Exit codes: 0 no error, 1 at least one, 2 wrong usage.

Run it in the folder that you start the agent in. Examples:
  tooltally doctor
  tooltally doctor --verify                     prove the whole store as well
  tooltally --db other.db doctor                look at another store
  tooltally --json doctor | jq -r '.findings[] | select(.level == \"error\") | .code'")]
pub struct DoctorArguments {
    /// Prove the store's log, ids and projections against each other too; takes time with its size
    #[arg(long)]
    pub verify: bool,
}

/// `evaluate`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Reads what `import` reads, and records nothing. Calls are replayed in order of
time, and each one is foreseen from those before it. Beside the model stand the
most used tools so far, the last tool again, and what followed the same set of
tools in the last five calls.

Examples:
  tooltally evaluate ~/.claude/projects
  tooltally events | tooltally evaluate -
  tooltally evaluate --demotion")]
pub struct EvaluateArguments {
    /// Files and folders, `-` for stdin
    #[arg(value_name = "PATH", required_unless_present = "demotion")]
    pub paths: Vec<PathBuf>,

    /// Judge made tools of known failure rates: who is demoted, and how soon
    #[arg(long, conflicts_with = "paths")]
    pub demotion: bool,
}

/// What a row of `stats` is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// A tool
    #[default]
    Tool,
    /// A session
    Session,
    /// A project
    Project,
    /// A day of the calendar
    Day,
    /// An hour of the calendar
    Hour,
}

/// `install`.
#[derive(Debug, Args)]
pub struct InstallArguments {
    /// Where
    #[command(flatten)]
    pub target: UninstallArguments,

    /// Have each session start with the text of `tooltally context` too
    #[arg(long)]
    pub context: bool,
}

/// `uninstall`, and where `install` connects.
#[derive(Debug, Args)]
pub struct UninstallArguments {
    /// The agent
    #[arg(value_enum, value_name = "AGENT")]
    pub agent: Agent,

    /// Whose settings
    #[arg(long, value_enum, default_value_t = Scope::User)]
    pub scope: Scope,

    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// An agent whose hooks can be connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Agent {
    /// Claude Code, 2.1.139 or later
    ClaudeCode,
}

/// Whose settings are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// Yours, in every project: ~/.claude/settings.json
    User,
    /// This project's, shared with others: .claude/settings.json
    Project,
    /// Yours, in this project: .claude/settings.local.json
    Local,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn global_options_may_stand_after_the_command() {
        let arguments =
            Arguments::try_parse_from(["tooltally", "stats", "--since", "-7 days", "--db", "a.redb"]).unwrap();
        assert_eq!(arguments.db, Some("a.redb".into()));
    }
}
