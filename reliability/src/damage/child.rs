//! The process that does the work, and the one that watches it: a crash, a hang and memory without bounds are
//! findings, and not the end of the harness.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use clap::Args;

use super::check::{Checker, Outcome};
use crate::{Backend, Result};

/// No image takes seconds: after this long one hangs, however busy the machine is.
const LONGEST: Duration = Duration::from_mins(3);
/// What a child may have of address space, in KiB. Two threads with their stacks and heaps take a tenth of it.
const MEMORY_KIB: u64 = 1 << 20;

/// What the child is told.
#[derive(Debug, Args)]
pub struct ChildArguments {
    /// The backend of the undamaged stores
    #[arg(long)]
    backend: Backend,
    /// From which images follow
    #[arg(long)]
    seed: u64,
    /// The first image
    #[arg(long)]
    first: u64,
    /// The image after the last
    #[arg(long)]
    end: u64,
    /// Where the undamaged stores are
    #[arg(long)]
    sounds: PathBuf,
    /// Where images are made
    #[arg(long)]
    folder: PathBuf,
}

/// Checks images, and says on stdout which one it begins and what came of it.
///
/// # Errors
/// What kept it from looking.
pub fn run_child(arguments: &ChildArguments) -> Result<()> {
    let checker = Checker::new(arguments.backend, arguments.seed, &arguments.sounds, &arguments.folder)?;
    let mut stdout = std::io::stdout().lock();
    for number in arguments.first..arguments.end {
        writeln!(stdout, "begin {number}")?;
        stdout.flush()?;
        let outcome = checker.check(number)?;
        writeln!(stdout, "done {}", serde_json::to_string(&outcome)?)?;
        stdout.flush()?;
    }
    Ok(())
}

/// Watches children until every image was looked at.
pub(super) struct Watch<'a> {
    pub(super) program: &'a Path,
    pub(super) backend: Backend,
    pub(super) seed: u64,
    pub(super) sounds: &'a Path,
    pub(super) folder: &'a Path,
}

impl Watch<'_> {
    /// Has children check the images of a range, with `note` called after each.
    ///
    /// # Errors
    /// What kept a child from looking.
    pub(super) fn run(&self, first: u64, end: u64, note: &mut dyn FnMut(u64, Outcome)) -> Result<()> {
        let mut next = first;
        while next < end {
            let (mut child, lines) = self.start(next, end)?;
            let mut begun = None;
            let ending = loop {
                match lines.recv_timeout(LONGEST) {
                    Ok(line) => match line.split_once(' ') {
                        Some(("begin", number)) => begun = Some(number.parse()?),
                        Some(("done", outcome)) => {
                            note(next, serde_json::from_str(outcome)?);
                            next += 1;
                            begun = None;
                        }
                        _ => return Err(format!("a child says {line:?}").into()),
                    },
                    Err(RecvTimeoutError::Timeout) => break "it hangs".to_owned(),
                    Err(RecvTimeoutError::Disconnected) => break child.wait()?.to_string(),
                }
            };
            let _ = child.kill();
            child.wait()?;
            match begun {
                Some(number) => {
                    let said = std::fs::read_to_string(self.said())?;
                    let said: Vec<&str> = said.lines().rev().take(12).collect();
                    let finding = format!("image {number}: the child ends: {ending}; its last words: {said:#?}");
                    note(number, Outcome { findings: vec![finding], ..Outcome::default() });
                    next = number + 1;
                }
                None if next < end => {
                    return Err(format!("a child ends: {ending}: {}", std::fs::read_to_string(self.said())?).into());
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Where the child's stderr goes.
    fn said(&self) -> PathBuf {
        self.folder.join("stderr")
    }

    fn start(&self, first: u64, end: u64) -> Result<(Child, Receiver<String>)> {
        let mut command = limited(self.program);
        command.args(["damage-child", "--backend", self.backend.name()]);
        for (option, value) in [("--seed", self.seed), ("--first", first), ("--end", end)] {
            command.args([option, &value.to_string()]);
        }
        command.arg("--sounds").arg(self.sounds).arg("--folder").arg(self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(std::fs::File::create(self.said())?);
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().ok_or("a child has no stdout")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(std::io::Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok((child, lines))
    }
}

/// A command whose address space is bounded, where there is a shell that can do so.
fn limited(program: &Path) -> Command {
    if cfg!(unix) {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -v {MEMORY_KIB}; exec \"$0\" \"$@\"")).arg(program);
        command
    } else {
        Command::new(program)
    }
}
