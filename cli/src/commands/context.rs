//! `context`: tells a session of an agent, as it starts, which tools are at hand.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tooltally::policy::PoliciesExt;
use tooltally::policy::rank::{Ranked, Weights};
use tooltally::policy::status::{Rule, Standing};
use tooltally::policy::tools::Tool;
use tooltally::{Error, OpenOptions, Project, ProjectId, Store, ToolName, open_with};

use super::Context;
use crate::args::ContextArguments;
use crate::deadline;
use crate::diagnostics::{Failure, remark};
use crate::output::available::{self, Entry};
use crate::output::{json, print, ranking};
use crate::project;

/// How long a payload on stdin is waited for: an agent has written it before it starts the program.
const PAYLOAD_WAIT: Duration = Duration::from_millis(500);
/// The longest payload that is read, in bytes.
const PAYLOAD_BYTES: u64 = 1 << 20;
/// How long a hook waits for the store, and for all of it.
const WAIT: Duration = Duration::from_millis(400);
const DEADLINE: Duration = Duration::from_millis(1_500);

/// Prints the text, which is empty where no tools are known; as JSON, with what it is about.
///
/// # Errors
/// A failure with a hint.
pub fn run(context: &Context, arguments: &ContextArguments) -> Result<ExitCode, Failure> {
    let printing = Printing::default();
    if arguments.hook {
        printing.watch();
    }
    let payload = if arguments.project.is_none() { folder_of_payload() } else { None };
    let store = open(context, arguments.hook)?;
    let project = which(context, arguments.project.as_deref(), payload.as_deref(), store.as_deref())?;
    let text = match &store {
        Some(store) => available::text(&entries(context, store.as_ref(), project.id)?, arguments.budget),
        None => String::new(),
    };
    printing.begin();
    print(&if context.json { as_json(&project, arguments.budget, &text) } else { text })?;
    Ok(ExitCode::SUCCESS)
}

fn as_json(project: &Project, budget: usize, text: &str) -> String {
    json::line(&json!({
        "project": project.id.to_string(),
        "path": project.path.as_ref().map(AsRef::<str>::as_ref),
        "budget": budget,
        "text": text,
    }))
}

/// A hook neither makes nor changes a store, nor tidies up behind others: it is in the agent's way.
fn open(context: &Context, is_hook: bool) -> Result<Option<Box<dyn Store>>, Failure> {
    if !is_hook {
        return context.open_existing();
    }
    let options = OpenOptions::new().create(false).wait(WAIT).migrate(false).tidy_close(false);
    match open_with(&context.url, &options) {
        Ok(store) => Ok(Some(store)),
        Err(Error::Missing { .. }) => Ok(None),
        Err(error) => Err(Failure::store("open", &context.url, error)),
    }
}

/// The project: as it is named, else as a hook would record it, else that of this folder.
fn which(
    context: &Context,
    named: Option<&OsStr>,
    payload: Option<&Path>,
    store: Option<&dyn Store>,
) -> Result<Project, Failure> {
    let folder = match (named, payload) {
        (Some(named), _) => return context.project(Some(named), store),
        (None, Some(folder)) => folder.to_path_buf(),
        (None, None) => PathBuf::from("."),
    };
    let literal = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
    match dunce::canonicalize(&folder) {
        // Links make two names of one folder: which of them was recorded, the store tells, which takes a moment.
        Ok(real) if real != literal => context.project(Some(folder.as_os_str()), store),
        Ok(real) => Ok(project::of_path(&real)),
        Err(_) => Ok(project::of_path(&folder)),
    }
}

/// The folder that a hook's payload on stdin is about; `None` where there is no payload.
fn folder_of_payload() -> Option<PathBuf> {
    if io::stdin().is_terminal() {
        return None;
    }
    let (told, payload) = mpsc::channel();
    // Whoever leaves stdin open and never writes to it is not waited for.
    let read = thread::Builder::new().spawn(move || {
        let mut values =
            serde_json::Deserializer::from_reader(io::stdin().lock().take(PAYLOAD_BYTES)).into_iter::<Value>();
        let _ = told.send(values.next().and_then(Result::ok));
    });
    read.ok()?;
    let payload = payload.recv_timeout(PAYLOAD_WAIT).ok()??;
    payload.get("hook_event_name")?;
    let given = std::env::var_os("CLAUDE_PROJECT_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    given.or_else(|| payload.get("cwd")?.as_str().filter(|cwd| !cwd.is_empty()).map(PathBuf::from))
}

/// What is at hand, the most relevant first.
fn entries(context: &Context, store: &dyn Store, project: ProjectId) -> Result<Vec<Entry>, Failure> {
    let (rule, weights) = (Rule::default(), Weights::default());
    let known = store.tools_for(Some(project), &rule, context.now).map_err(context.failed("read"))?;
    let ranked = store.rank_of(&known, Some(project), &weights).map_err(context.failed("read"))?;
    let known: HashMap<ToolName, Tool> = known.into_iter().map(|tool| (tool.name.clone(), tool)).collect();
    // What is not at hand is left out last: it has its part in the scores, so that the order is that of `rank`.
    let rows = ranking::rows(&ranked, &weights).into_iter().filter_map(|mut row| {
        row.tools.retain(|tool| known.get(&tool.facts.tool).is_some_and(is_at_hand));
        (!row.tools.is_empty()).then_some(row)
    });
    Ok(rows.map(|row| entry(row, &known)).collect())
}

/// Whether a session can be told of a tool: not of one that was removed, nor of one that nothing tells of but its use
/// long ago, as an agent's own that later versions have no more.
fn is_at_hand(tool: &Tool) -> bool {
    let is_vouched_for = tool.registered.is_some() || tool.server.is_some() || tool.plugin.is_some();
    !tool.status.removed && (is_vouched_for || !tool.status.unseen)
}

fn entry(row: ranking::Row, known: &HashMap<ToolName, Tool>) -> Entry {
    let alone = row.tools.iter().find(|tool| tool.facts.tool.as_str() == row.name);
    let description = alone.and_then(|tool| known.get(&tool.facts.tool)).and_then(Tool::description);
    let brought = row.tools.iter().filter(|_| row.kind == tooltally::policy::kind::Kind::McpServer);
    let tools: Vec<_> =
        brought.filter_map(|tool| Some((tool.facts.name_in_server()?.to_owned(), mark(tool)))).collect();
    Entry { mark: alone.and_then(mark), description: description.map(ToString::to_string), name: row.name, tools }
}

const fn mark(tool: &Ranked) -> Option<&'static str> {
    match tool.facts.standing {
        Standing::Demoted => Some("demoted: fails often"),
        Standing::Stale => Some("stale"),
        Standing::Active | Standing::Probation => None,
    }
}

/// Whether the text is being printed, or its time is over: whichever comes first.
#[derive(Clone, Default)]
struct Printing(Arc<AtomicBool>);

impl Printing {
    /// Ends the process once the time is over, whatever the store is doing: a session starts without the text then.
    fn watch(&self) {
        let printing = self.clone();
        deadline::watch(DEADLINE, move || {
            if printing.is_first() {
                remark(&format!("tooltally context: no answer within {DEADLINE:?}; the session starts without it"));
                std::process::exit(0);
            }
        });
    }

    fn begin(&self) {
        if !self.is_first() {
            loop {
                thread::park();
            }
        }
    }

    fn is_first(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}
