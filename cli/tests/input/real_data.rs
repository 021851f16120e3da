//! Real transcripts and hook payloads, read in place. The figures were counted by other means.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use tooltally::{Event, Outcome, SystemClock, ToolUse};
use tooltally_cli::input::{HookOutcome, read_hook};

use crate::import_paths;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");

/// The sample's folder, or `None`, said loudly.
fn sample(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(DATA).join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: the sample data {} is absent; nothing was tested", path.display());
    None
}

fn outcomes(events: &[ToolUse]) -> HashMap<Outcome, usize> {
    let mut counts = HashMap::new();
    for event in events {
        *counts.entry(event.outcome).or_default() += 1;
    }
    counts
}

#[test]
fn the_transcripts_hold_456_finished_calls_and_a_pending_one() {
    let Some(path) = sample("transcripts") else { return };
    let (events, summary) = import_paths(&[path]);
    let distinct: HashSet<_> = events.iter().map(|event| event.id).collect();
    assert_eq!((events.len(), distinct.len()), (456, 456));
    assert_eq!((summary.files, summary.events, summary.pending), (11, 456, 1));
    assert_eq!(summary.skipped, BTreeMap::new());
    assert!(summary.notes.is_empty(), "{:?}", summary.notes);
    assert!(events.iter().all(|event| event.session.is_some() && event.project.is_some()));
    assert!(events.iter().all(|event| event.attributes.get("model").is_some()));
    assert_eq!(events.iter().filter(|event| event.duration.is_some()).count(), 31);
    let expected = HashMap::from([
        (Outcome::Success, 395),
        (Outcome::Failure, 28),
        (Outcome::Rejected, 3),
        (Outcome::Invalid, 30),
    ]);
    assert_eq!(outcomes(&events), expected);
}

#[test]
fn taking_the_transcripts_twice_gives_the_same_events() {
    let Some(path) = sample("transcripts") else { return };
    let (first, _) = import_paths(std::slice::from_ref(&path));
    let (second, _) = import_paths(&[path]);
    assert_eq!(first, second);
}

#[test]
fn the_hook_log_holds_118_calls() {
    let Some(path) = sample("hooks/big3-post_tool_use-log.json") else { return };
    let (events, summary) = import_paths(&[path]);
    assert_eq!((summary.files, summary.events, summary.pending), (1, 118, 0));
    assert_eq!(summary.skipped, BTreeMap::new());
    assert_eq!(events.iter().map(|event| event.id).collect::<HashSet<_>>().len(), 118);
    assert!(events.iter().all(|event| event.outcome == Outcome::Success));
    let count = |tool: &str| events.iter().filter(|event| event.tool.as_str() == tool).count();
    assert_eq!((count("Edit"), count("Bash"), count("Read"), count("Task")), (42, 39, 29, 4));
    let project = events[0].project.as_ref().and_then(|project| project.path.as_ref()).unwrap();
    assert_eq!(project.as_str(), "/Users/cortex-air/Developer/ex/big3");
}

#[test]
fn each_single_payload_is_accepted_by_the_hook() {
    let Some(folder) = sample("hooks") else { return };
    let mut recorded = BTreeMap::new();
    let mut quiet = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with("-log.json") {
            continue;
        }
        let mut file = std::fs::File::open(&path).unwrap();
        let reading = read_hook(&mut file, None, &SystemClock);
        match reading.outcome {
            HookOutcome::Event(Event::ToolUse(event)) => {
                recorded.insert(name, (event.outcome, event.session.is_some(), reading.warnings.len()));
            }
            HookOutcome::Nothing(_) => quiet += 1,
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!((recorded.len(), quiet), (12, 47), "{recorded:#?}");
    assert_eq!(recorded["post-tool-use-failure_bash-error.json"], (Outcome::Failure, true, 0));
    assert_eq!(recorded["permission-denied_canonical.json"], (Outcome::Rejected, true, 0));
    assert_eq!(recorded["edge-cases_missing-session-id.json"], (Outcome::Success, false, 0));
    assert_eq!(recorded["edge-cases_wrong-types.json"], (Outcome::Success, false, 1));
}
