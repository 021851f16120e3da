//! Our entries in an agent's hooks: what they run, and what for.

use serde_json::{Value, json};

/// How long the agent waits for an entry, in seconds; each takes about one at most.
const TIMEOUT_SECONDS: u32 = 5;

/// What an agent is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handler {
    /// The program: an absolute path, or a bare name.
    pub command: String,
    /// The store to name; `None` for the default.
    pub db: Option<String>,
}

/// What for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// To record a call.
    Record,
    /// To tell a session the tools at hand.
    Context,
}

impl Task {
    pub(super) const ALL: [Self; 2] = [Self::Record, Self::Context];

    const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Record => &["hook"],
            Self::Context => &["context", "--hook"],
        }
    }

    /// What arguments of our program are for, a store before them left out.
    pub(crate) fn of(args: &[&str]) -> Option<Self> {
        let args = match args {
            ["--db", _, rest @ ..] => rest,
            all => all,
        };
        Self::ALL.into_iter().find(|task| task.words() == args)
    }
}

impl Handler {
    /// The arguments of the program.
    pub fn args(&self, task: Task) -> Vec<String> {
        let db = self.db.iter().flat_map(|db| ["--db", db.as_str()]);
        db.chain(task.words().iter().copied()).map(str::to_owned).collect()
    }

    pub(super) fn to_value(&self, task: Task) -> Value {
        json!({"type": "command", "command": self.command, "args": self.args(task), "timeout": TIMEOUT_SECONDS})
    }

    /// What an entry is for, if tooltally wrote it: the program by its name or path, with the arguments of a task, or
    /// `--db URL` and those, and no others.
    pub(super) fn task_of(&self, entry: &Value) -> Option<Task> {
        let text = |key| entry.get(key).and_then(Value::as_str);
        let command = text("command").filter(|_| text("type") == Some("command"))?;
        let args: Vec<&str> = entry.get("args")?.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
        Task::of(&args).filter(|_| command == self.command || is_tooltally(command))
    }

    /// Whether an entry is one that tooltally wrote for this task.
    pub(super) fn wrote(&self, entry: &Value, task: Task) -> bool {
        self.task_of(entry) == Some(task)
    }
}

/// Whether a command is tooltally, by the name of its program.
pub(crate) fn is_tooltally(command: &str) -> bool {
    let name = command.rsplit(['/', '\\']).next().unwrap_or(command);
    name == "tooltally" || name.eq_ignore_ascii_case("tooltally.exe")
}
