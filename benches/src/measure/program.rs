//! The `tooltally` program, as people run it: a process of its own.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::machine::{field, kib};
use crate::measures::Measure;
use crate::options::Options;
use crate::progress::Progress;
use crate::subject::Kind;
use crate::{Failure, Result};

/// How often the memory of a process is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// The program, where a measure needs it: the one that was named, else built as this program was.
pub(super) fn find(options: &Options, progress: &Progress) -> Result<Option<PathBuf>> {
    if !options.wants(Measure::Hook) && !options.wants(Measure::Import) {
        return Ok(None);
    }
    if let Some(program) = &options.program {
        return Ok(Some(program.canonicalize().map_err(|e| format!("--program {}: {e}", program.display()))?));
    }
    let _phase = progress.phase("build tooltally", 1);
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "tooltally-cli", "--bin", "tooltally", "--profile", profile])
        .args(["--message-format", "json", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot build tooltally (or name it with --program): {e}"))?;
    if !built.status.success() {
        return Err("tooltally could not be built".into());
    }
    let executable = |line: &str| -> Option<PathBuf> {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message.get("executable")?.as_str()?))
    };
    let program = String::from_utf8_lossy(&built.stdout).lines().rev().find_map(executable);
    program.map(Some).ok_or_else(|| "cargo did not say where it put tooltally".into())
}

/// The address of a store of ours.
pub(super) fn url(kind: Kind, folder: &Path) -> OsString {
    let mut url = OsString::from(if kind == Kind::Sqlite { "sqlite:" } else { "redb:" });
    url.push(folder.join(kind.file_name()));
    url
}

/// Runs a process to its end, with a file on its stdin or nothing; how long that took, from before its start.
/// It may write nothing on stderr.
pub(super) fn time(command: &mut Command, stdin: Option<&Path>) -> Result<Duration> {
    let stdin = match stdin {
        Some(path) => Stdio::from(File::open(path)?),
        None => Stdio::null(),
    };
    let (output, time) = run(command.stdin(stdin))?;
    if output.stderr.is_empty() { Ok(time) } else { Err(failed(command, &output.stderr)) }
}

/// Runs a process to its end: what it wrote on stdout, and how long it took.
pub(super) fn answer(command: &mut Command) -> Result<(String, Duration)> {
    let (output, time) = run(command.stdin(Stdio::null()))?;
    Ok((String::from_utf8(output.stdout)?, time))
}

fn run(command: &mut Command) -> Result<(Output, Duration)> {
    let start = Instant::now();
    let output = command.output()?;
    let time = start.elapsed();
    if output.status.success() { Ok((output, time)) } else { Err(failed(command, &output.stderr)) }
}

/// Runs a process to its end: its peak memory in bytes, where the system tells.
pub(super) fn peak_memory(command: &mut Command) -> Result<Option<u64>> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = None;
    // The kernel keeps the high-water mark, so only growth after the last look is missed.
    loop {
        peak = peak.max(field(&status, "VmHWM").and_then(|text| kib(&text)));
        match child.try_wait()? {
            None => std::thread::sleep(LOOK),
            Some(status) if status.success() => return Ok(peak),
            Some(_) => return Err(failed(command, b"while its memory was watched")),
        }
    }
}

fn failed(command: &Command, stderr: &[u8]) -> Failure {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    format!("{program} failed: {}", String::from_utf8_lossy(stderr).trim()).into()
}
