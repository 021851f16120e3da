//! What hooks said of their troubles: an agent does not show it.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use tooltally::{StoreUrl, Timestamp};

use super::words::on_path;
use super::{Case, Check, Finding, Level, SeenStore};
use crate::commands::hook::LOG_SUFFIX;
use crate::output::humanize::{ago, counted};
use crate::own::read_own_file;
use crate::place::beside;

/// How much of the log's end is read, in bytes: more than a hook lets it grow to.
const MOST_BYTES: u64 = 256 << 10;

/// One trouble.
struct Trouble {
    time: Timestamp,
    /// Its first line.
    text: String,
}

/// Reads the log beside the store.
pub(super) fn examine(url: &StoreUrl, case: &Case, store: &SeenStore, findings: &mut Vec<Finding>) {
    let path = beside(url, LOG_SUFFIX);
    match fs::symlink_metadata(&path) {
        Ok(data) if data.is_file() => super::files::owner_and_mode(&path, &data, findings),
        _ => {}
    }
    let text = match end_of(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => String::new(),
        Err(error) => {
            findings.push(
                Finding::new(
                    Check::Log,
                    Level::Warning,
                    "log-not-usable",
                    format!("hooks cannot tell their troubles: {error}"),
                )
                .at(&path)
                .remedy("see what is there, and remove it: hooks make the file anew")
                .command(on_path("ls -l", &path)),
            );
            return;
        }
    };
    let troubles: Vec<Trouble> = text.lines().filter_map(trouble).collect();
    findings.push(match troubles.last() {
        Some(last) => told(&path, case, store, troubles.len(), last),
        None => Finding::new(Check::Log, Level::Ok, "log-empty", "no hook told of a trouble"),
    });
}

fn told(path: &Path, case: &Case, store: &SeenStore, number: usize, last: &Trouble) -> Finding {
    let is_over = store.last.is_some_and(|recorded| recorded > last.time);
    let (level, code, since) = if is_over {
        (Level::Note, "hook-troubles-over", "; calls were recorded since")
    } else {
        (Level::Warning, "hook-troubles", "")
    };
    let message = format!(
        "hooks told of {}, the last one {}: {}{since}",
        counted(number as u64, "trouble"),
        ago(last.time, case.now),
        last.text
    );
    Finding::new(Check::Log, level, code, message)
        .at(path)
        .remedy("read what they said; once it is mended, remove the log")
        .command(on_path("tail", path))
}

/// The end of the log as text; what is no UTF-8 is replaced.
fn end_of(path: &Path) -> io::Result<String> {
    let mut file = read_own_file(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MOST_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A line that begins with an instant; causes and hints are on lines of their own.
fn trouble(line: &str) -> Option<Trouble> {
    let (time, text) = line.split_once(' ')?;
    let text = text.trim_start_matches("error: ").to_owned();
    Some(Trouble { time: time.parse().ok()?, text })
}
