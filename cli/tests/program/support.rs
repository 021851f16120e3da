//! Runs the real program in a place of its own, so that no test touches the person's files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Both engines, by the ends of their files' names.
pub(crate) const ENGINES: [&str; 2] = ["db", "redb"];

/// A home of its own.
pub(crate) struct Place {
    folder: TempDir,
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    /// The answer, which must be a success.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    /// Whether a hook had no time left, on a slow disk or beside others, and its call waits.
    pub(crate) fn came_too_late(&self) -> bool {
        let is_late = ["did not answer within", "is busy"].iter().any(|cause| self.stderr.contains(cause));
        is_late && self.stderr.contains("the call waits in")
    }

    /// What a failure said; its exit code must be this one.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self.stderr
    }

    /// The answer as JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let text = self.done().stdout;
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["home/work", "home/tmp"] {
            std::fs::create_dir_all(place.path(folder)).unwrap();
        }
        place
    }

    /// A path in the place.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        // Without links, as the program sees its own folder.
        dunce::canonicalize(self.folder.path()).unwrap().join(name)
    }

    /// The program with these arguments, to be run in `home/work`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_tooltally").as_ref(), arguments)
    }

    /// The program as it is in another folder of the place.
    pub(crate) fn program_in(&self, folder: &str) -> PathBuf {
        let program = self.path(folder).join(if cfg!(windows) { "tooltally.exe" } else { "tooltally" });
        if !program.exists() {
            std::fs::create_dir_all(self.path(folder)).unwrap();
            #[cfg(unix)]
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tooltally"), &program).unwrap();
            #[cfg(not(unix))]
            std::fs::copy(env!("CARGO_BIN_EXE_tooltally"), &program).map(drop).unwrap();
        }
        program
    }

    /// A command of the program that is somewhere.
    pub(crate) fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path("home/work"));
        command.env("HOME", self.path("home")).env("USERPROFILE", self.path("home"));
        command.env("APPDATA", self.path("home/data")).env("XDG_DATA_HOME", self.path("home/data"));
        // Where the system's folder for temporary files is: unix, then Windows.
        command.env("TMPDIR", self.path("home/tmp")).env("TMP", self.path("home/tmp"));
        for name in ["TOOLTALLY_DB", "TOOLTALLY_LOG", "CLAUDE_CONFIG_DIR", "CLAUDE_PROJECT_DIR", "NO_COLOR"] {
            command.env_remove(name);
        }
        for name in ["CLAUDE_CODE_SIMPLE", "CLAUDE_CODE_SAFE_MODE"] {
            command.env_remove(name);
        }
        // Not the organization's that runs the tests.
        command.env("TOOLTALLY_MANAGED_SETTINGS", self.path("managed"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        answer(self.command(arguments).spawn().unwrap())
    }

    pub(crate) fn run_with(&self, arguments: &[&str], stdin: impl AsRef<[u8]>) -> Answer {
        answer(self.start_with(arguments, stdin))
    }

    /// Starts the program and gives it its stdin, without waiting for the end.
    pub(crate) fn start_with(&self, arguments: &[&str], stdin: impl AsRef<[u8]>) -> Child {
        feed(&mut self.command(arguments), stdin)
    }

    /// Records hand-written history in a store.
    pub(crate) fn import(&self, db: &str, lines: &str) {
        self.run_with(&["--db", db, "import", "-"], lines).done();
    }

    /// Makes a store without events, or takes in what waits for it. A hook has less than a second for that, which a slow
    /// disk may not be through in.
    pub(crate) fn make(&self, db: &str) {
        self.import(db, "");
    }

    /// Has a hook record a call and say nothing. Where it comes too late, the call is taken in.
    #[track_caller]
    pub(crate) fn record(&self, db: &str, payload: impl AsRef<[u8]>) {
        let told = self.run_with(&["--db", db, "hook"], payload).done();
        assert_eq!(told.stdout, "");
        if told.came_too_late() {
            self.make(db);
        } else {
            assert_eq!(told.stderr, "");
        }
    }

    pub(crate) fn stats(&self, db: &str, more: &[&str]) -> Value {
        let mut arguments = vec!["--db", db, "--json", "--timezone", "UTC", "stats"];
        arguments.extend(more);
        self.run(&arguments).json()
    }

    pub(crate) fn uses(&self, db: &str) -> u64 {
        self.stats(db, &[])["events"].as_u64().unwrap()
    }
}

/// Starts a command and gives it its stdin.
pub(crate) fn feed(command: &mut Command, stdin: impl AsRef<[u8]>) -> Child {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // Whoever does not read its stdin has its reasons.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_ref());
    child
}

pub(crate) fn answer(child: Child) -> Answer {
    let output = child.wait_with_output().unwrap();
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A hook's payload of a finished call.
pub(crate) fn payload(call: &str) -> String {
    format!(
        r#"{{"session_id":"s1","transcript_path":"/t","cwd":"/nowhere/app","hook_event_name":"PostToolUse",
            "tool_name":"Bash","tool_input":{{"command":"secret"}},"tool_response":"secret","tool_use_id":"toolu_{call}",
            "duration_ms":12.5}}"#
    )
}

/// History of two projects and three days.
pub(crate) const HISTORY: &str = r#"{"v":1,"tool":"Bash","outcome":"success","time":"2026-03-01T10:00:00Z","duration_ms":12.345,"session":"s1","path":"/nowhere/work/app"}
{"v":1,"tool":"Bash","outcome":"failure","time":"2026-03-01T23:30:00Z","session":"s1","path":"/nowhere/work/app"}
{"v":1,"tool":"Read","outcome":"rejected","time":"2026-03-02T10:00:00Z","session":"s2","path":"/nowhere/home/app"}
{"v":1,"tool":"Bash","outcome":"interrupted","time":"2026-03-03T00:00:00Z"}
"#;

/// The files beside a store whose names begin with its own, the store left out.
pub(crate) fn beside(db: &Path) -> Vec<String> {
    let name = db.file_name().unwrap().to_str().unwrap();
    let entries = std::fs::read_dir(db.parent().unwrap()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter_map(|found| found.strip_prefix(name).map(str::to_owned)).collect();
    names.retain(|rest| !rest.is_empty());
    names.sort();
    names
}

/// Has the program run by a shell that does something first, and then becomes it: `"$0" "$@"`.
#[cfg(unix)]
pub(crate) fn in_shell(plain: &Command, script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).arg(plain.get_program()).args(plain.get_args());
    if let Some(folder) = plain.get_current_dir() {
        shell.current_dir(folder);
    }
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

/// Whether permissions do not bind this user.
#[cfg(unix)]
pub(crate) fn is_root() -> bool {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("probe");
    std::fs::write(&file, "x").unwrap();
    set_mode(&file, 0o000);
    std::fs::read(&file).is_ok()
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A path's permissions.
#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Every file at or below a folder, links not followed.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}
