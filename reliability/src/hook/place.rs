//! A store, a home and a folder for temporary files of their own, for the real program to be run in.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;
use tooltally::{OpenOptions, Store, StoreUrl};

use super::call::{Call, transcript};
use crate::{Backend, Result};

/// Where the store's folder leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// To the store.
    Home,
    /// To a file.
    ToFile,
    /// Nowhere.
    Nowhere,
}

/// The folders, below one of a temporary kind:
///
/// ```text
/// store      a link to `real`, so that it can be put elsewhere in one step
/// real       the store and what stands beside it
/// home       the home, with `data` for the platform's data
/// tmp        for temporary files
/// input      payloads and transcripts
/// ```
pub(super) struct Place<'a> {
    pub(super) backend: Backend,
    program: &'a Path,
    folder: TempDir,
    /// How many imports were made: those that run at once must not write over each other's file.
    imports: AtomicU64,
}

impl<'a> Place<'a> {
    pub(super) fn new(backend: Backend, program: &'a Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tooltally-hook-").tempdir()?;
        let place = Self { backend, program, folder, imports: AtomicU64::new(0) };
        for folder in ["real", "home/data", "tmp", "input"] {
            fs::create_dir_all(place.path(folder))?;
        }
        fs::write(place.path("file"), "a file where a folder should be")?;
        symlink("real", place.path("store"))?;
        Ok(place)
    }

    pub(super) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The store's address, through the link.
    pub(super) fn url(&self) -> StoreUrl {
        self.backend.url(&self.path("store"))
    }

    /// The store's file, where it really is.
    pub(super) fn store_file(&self) -> PathBuf {
        self.backend.file(&self.path("real"))
    }

    /// The spool beside the store.
    pub(super) fn spool(&self) -> PathBuf {
        let mut spool = self.store_file().into_os_string();
        spool.push(".spool");
        PathBuf::from(spool)
    }

    pub(super) fn open(&self, options: &OpenOptions) -> tooltally::Result<Box<dyn Store>> {
        self.backend.open(&self.path("real"), options)
    }

    /// Puts the store's folder elsewhere, in one step.
    pub(super) fn lead(&self, to: Leads) -> Result<()> {
        let (new, link) = (self.path("new-link"), self.path("store"));
        let target = match to {
            Leads::Home => "real",
            Leads::ToFile => "file",
            Leads::Nowhere => "nowhere",
        };
        symlink(target, &new)?;
        Ok(fs::rename(new, link)?)
    }

    /// The program, to be run on the store.
    pub(super) fn program(&self, command: &str) -> Command {
        let mut program = Command::new(self.program);
        program.arg("--db").arg(self.url().to_string()).arg(command);
        program.current_dir(self.folder.path());
        program.env("HOME", self.path("home")).env("XDG_DATA_HOME", self.path("home/data"));
        program.env("TMPDIR", self.path("tmp"));
        for name in ["TOOLTALLY_DB", "TOOLTALLY_LOG", "CLAUDE_CONFIG_DIR", "CLAUDE_PROJECT_DIR", "NO_COLOR"] {
            program.env_remove(name);
        }
        program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        program
    }

    /// The program that records a call as an agent's hook.
    pub(super) fn hook(&self, call: Call) -> Result<Command> {
        let payload = self.path(&format!("input/{}.json", call.0));
        fs::write(&payload, call.payload())?;
        let mut hook = self.program("hook");
        hook.stdin(fs::File::open(payload)?);
        Ok(hook)
    }

    /// The program that imports a transcript of these calls.
    pub(super) fn import(&self, calls: &[Call]) -> Result<Command> {
        let number = self.imports.fetch_add(1, Ordering::Relaxed);
        let path = self.path(&format!("input/import-{number}.jsonl"));
        fs::write(&path, transcript(calls.iter().copied()))?;
        let mut import = self.program("import");
        import.arg("--json").arg(path);
        Ok(import)
    }
}

/// A program under a limit of a shell, which becomes the program: `-f` blocks of 512 bytes, `-n` files.
pub(super) fn limited(plain: &Command, limit: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit {limit}; exec \"$0\" \"$@\""));
    shell.arg(plain.get_program()).args(plain.get_args());
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
