//! `hook`: the whole process, paired in turn with the `sqlite3` shell.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tooltally::{Backend, Log, StoreUrl};

use super::program::{time, url};
use super::stage::Stage;
use crate::Result;
use crate::measures::Measure;
use crate::report::{Part, Row};
use crate::statistics::Samples;
use crate::subject::Kind;

/// What the shell inserts: 48 bytes.
const INSERT: &str = "INSERT INTO events(row) VALUES (x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f')";
/// Pairs before the clock counts.
const WARM: usize = 2;

/// The shell's times and ours, in pairs; the shell's are missing where there is no shell.
struct Pairs {
    ours: Samples,
    shell: Samples,
}

/// Where and with what hooks are run.
struct Place<'a> {
    program: &'a Path,
    kind: Kind,
    folder: &'a Path,
    payload: PathBuf,
    has_shell: bool,
}

/// A row for each backend that the program opens: the worse of an empty and a full store.
pub(super) fn rows(stage: &mut Stage<'_>, program: &Path) -> Result<Vec<Row>> {
    stage.close_all();
    let pairs = stage.options.repetitions(1, 4, 5, 100);
    let has_shell = Command::new("sqlite3").arg("--version").output().is_ok_and(|output| output.status.success());
    let empty = stage.folder.join("empty");
    fs::create_dir_all(&empty)?;
    // As people run it: copied, as `cargo install` does. A file as the linker wrote it takes longer to start.
    let installed = stage.folder.join(Path::new("tooltally").with_extension(std::env::consts::EXE_EXTENSION));
    fs::copy(program, &installed)?;
    let kinds: Vec<Kind> = stage.options.kinds().into_iter().filter(|kind| *kind != Kind::RedbExclusive).collect();
    let note = if has_shell { "hook" } else { "hook, alone: there is no sqlite3 shell on this machine" };
    let mut phase = stage.progress.phase(note, kinds.len() as u64);
    let mut rows = Vec::new();
    for kind in kinds {
        drop(kind.open(&empty, &stage.workload)?);
        drop(Kind::RawSqlite.open(&empty, &stage.workload)?);
        let mut cases = Vec::new();
        for (name, folder) in [("empty store", &empty), ("full store", &stage.folder)] {
            let payload = stage.folder.join("payload.json");
            let place = Place { program: &installed, kind, folder, payload, has_shell };
            cases.push((name, place.pairs(pairs)?));
        }
        rows.extend(row(kind, &cases, stage.options.events));
        phase.set(rows.len() as u64);
    }
    Ok(rows)
}

/// The worse of the cases: against the shell, or where there is none the slower.
fn row(kind: Kind, cases: &[(&str, Pairs)], events: u64) -> Option<Row> {
    let has_shell = cases.iter().all(|(_, pairs)| pairs.shell.len() > 0);
    let part = |(name, pairs): &(&str, Pairs)| Part::against(*name, pairs.ours.median(), pairs.shell.median());
    let weight = |pairs: &Pairs| pairs.ours.median() / if has_shell { pairs.shell.median() } else { 1.0 };
    let (_, worst) = cases.iter().max_by(|a, b| weight(&a.1).total_cmp(&weight(&b.1)))?;
    let ours = worst.ours.spread("µs");
    if !has_shell {
        return Some(Row::new(Measure::Hook, kind, worst.ours.median(), "µs").spread(ours, None));
    }
    let row = Row::worst_of(Measure::Hook, kind, "µs", "sqlite3", cases.iter().map(part).collect())?;
    Some(row.spread(ours, Some(worst.shell.spread("µs"))).held_to(Measure::Hook.bar(kind, events)))
}

impl Place<'_> {
    /// Runs pairs of both, and sees that each hook has recorded its call.
    fn pairs(&self, pairs: usize) -> Result<Pairs> {
        let before = head(self.kind, self.folder)?;
        let mut both = Pairs { ours: Samples::default(), shell: Samples::default() };
        for pair in 0..WARM + pairs {
            fs::write(&self.payload, payload_text(before, pair))?;
            // Who goes first changes, so that neither always finds the disk as the other left it.
            let (ours, shell) = if pair.is_multiple_of(2) {
                let ours = self.hook()?;
                (ours, self.shell()?)
            } else {
                let shell = self.shell()?;
                (self.hook()?, shell)
            };
            if pair >= WARM {
                both.ours.push_micros(ours);
                if let Some(shell) = shell {
                    both.shell.push_micros(shell);
                }
            }
        }
        let recorded = head(self.kind, self.folder)? - before;
        if recorded != (WARM + pairs) as u64 {
            return Err(
                format!("{} hooks have recorded {recorded} events on {}", WARM + pairs, self.kind.name()).into()
            );
        }
        Ok(both)
    }

    fn hook(&self) -> Result<Duration> {
        let mut command = Command::new(self.program);
        time(command.arg("--db").arg(url(self.kind, self.folder)).arg("hook"), Some(&self.payload))
    }

    fn shell(&self) -> Result<Option<Duration>> {
        if !self.has_shell {
            return Ok(None);
        }
        let mut command = Command::new("sqlite3");
        time(command.arg(self.folder.join(Kind::RawSqlite.file_name())).arg(INSERT), None).map(Some)
    }
}

fn head(kind: Kind, folder: &Path) -> Result<u64> {
    let backend = if kind == Kind::Sqlite { Backend::Sqlite } else { Backend::Redb };
    let store = tooltally::open_with(
        &StoreUrl::new(backend, folder.join(kind.file_name())),
        &tooltally::OpenOptions::new().create(false),
    )?;
    Ok(Log::head(store.as_ref())?.get())
}

/// A payload as an agent sends it, with a result of the usual size.
fn payload_text(run: u64, pair: usize) -> String {
    let text = "running 12 tests, all of them passed; see the log for what each has taken\n".repeat(24);
    serde_json::json!({
        "session_id": "5b1c9f0e-7d3a-4c55-8e21-0a9b6c4d2f10",
        "transcript_path": "/home/dev/.claude/projects/-home-dev-project-03/5b1c9f0e.jsonl",
        "cwd": "/home/dev/project-03",
        "hook_event_name": "PostToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": "cargo test --workspace", "description": "Run the tests"},
        "tool_response": {"stdout": text, "stderr": "", "interrupted": false, "isImage": false},
        "tool_use_id": format!("toolu_hook{run:016x}{pair:08x}"),
        "duration_ms": 1234,
    })
    .to_string()
}
