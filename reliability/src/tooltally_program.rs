//! The `tooltally` program, for harnesses that run it as people do: a process of its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;

/// The program that was named, else one that is built as this one was.
pub(crate) fn find(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(program) = named {
        return program.canonicalize().map_err(|error| format!("--program {}: {error}", program.display()).into());
    }
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "tooltally-cli", "--bin", "tooltally", "--profile", profile])
        .args(["--message-format", "json", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot build tooltally (or name it with --program): {error}"))?;
    if !built.status.success() {
        return Err("tooltally could not be built".into());
    }
    let executable = |line: &str| -> Option<PathBuf> {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message.get("executable")?.as_str()?))
    };
    let program = String::from_utf8_lossy(&built.stdout).lines().rev().find_map(executable);
    program.ok_or_else(|| "cargo did not say where it put tooltally".into())
}
