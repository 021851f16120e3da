//! Whether the store's disk has room.

use tooltally::StoreUrl;

use super::Finding;
#[cfg(unix)]
use super::{Check, Level};

/// Less room than this, in bytes, and a store cannot grow.
#[cfg(unix)]
const FULL: u64 = 256 << 10;
/// Less room than this, and it soon cannot.
#[cfg(unix)]
const NEARLY_FULL: u64 = 32 << 20;

/// Looks at the room where the store is, or would be.
#[cfg(unix)]
pub(super) fn examine(url: &StoreUrl, findings: &mut Vec<Finding>) {
    use crate::output::humanize::bytes;
    let path = std::path::absolute(url.path()).unwrap_or_else(|_| url.path().to_path_buf());
    let Some(folder) = path.ancestors().skip(1).find(|folder| folder.is_dir()) else { return };
    // What cannot be told is told by the checks of files.
    let Ok(room) = rustix::fs::statvfs(folder) else { return };
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let (level, code, state) = match free {
        0..FULL => (Level::Error, "disk-full", "full"),
        FULL..NEARLY_FULL => (Level::Warning, "disk-nearly-full", "nearly full"),
        _ => return,
    };
    findings.push(
        Finding::new(Check::Files, level, code, format!("the disk is {state}: {} are free", bytes(free)))
            .at(folder)
            .remedy("free space on it; calls that do not fit wait in a spool on another disk")
            .command(super::words::on_path("df -h", folder)),
    );
}

/// Nothing that the standard library could tell.
#[cfg(not(unix))]
pub(super) fn examine(_url: &StoreUrl, _findings: &mut Vec<Finding>) {}
