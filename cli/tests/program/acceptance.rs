//! What the whole is for: real history gives the same, right answers on both engines; hooks, a reader and a
//! writer share one store for long and lose nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tooltally::{
    AgentName, Event, EventId, LogExt, MaintenanceExt, OpenOptions, Outcome, QueriesExt, StoreUrl, Timestamp, ToolName,
    ToolUse,
};

use crate::support::{ENGINES, Place, answer, payload};

/// The sample of real history beside the project, where there is one.
fn real_data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: there is no real history at {}", folder.display());
    None
}

/// A plain count: every finished call of every transcript once, by tool, its uses and successes.
fn brute_force(transcripts: &Path) -> BTreeMap<String, (u64, u64)> {
    let mut tools: BTreeMap<String, String> = BTreeMap::new();
    let mut results: BTreeMap<String, bool> = BTreeMap::new();
    let mut files: Vec<PathBuf> = std::fs::read_dir(transcripts).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for line in files.iter().flat_map(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect::<Vec<_>>()
    }) {
        for block in line["message"]["content"].as_array().into_iter().flatten() {
            let text = |name: &str| block[name].as_str().unwrap_or_default().to_owned();
            match block["type"].as_str() {
                Some("tool_use") => drop(tools.entry(text("id")).or_insert_with(|| text("name"))),
                Some("tool_result") => {
                    results.entry(text("tool_use_id")).or_insert(block["is_error"].as_bool() != Some(true));
                }
                _ => {}
            }
        }
    }
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (call, tool) in tools {
        if let Some(success) = results.get(&call) {
            let count = counts.entry(tool).or_default();
            *count = (count.0 + 1, count.1 + u64::from(*success));
        }
    }
    counts
}

#[test]
fn real_history_gives_the_brute_force_count_on_both_engines() {
    let Some(data) = real_data() else { return };
    let transcripts = data.join("transcripts");
    let expected = brute_force(&transcripts);
    assert_eq!(expected.values().map(|(uses, _)| uses).sum::<u64>(), 456);
    let place = Place::new();
    let [sqlite, redb] = ENGINES.map(|engine| {
        let db = format!("usage.{engine}");
        let import = ["--db", &db, "--json", "import", transcripts.to_str().unwrap()];
        let first = place.run(&import).json();
        assert_eq!((&first["new"], &first["pending"]), (&Value::from(456), &Value::from(1)), "{first}");
        let again = place.run(&import).json();
        assert_eq!((&again["new"], &again["duplicates"]), (&Value::from(0), &Value::from(456)), "{again}");
        place.stats(&db, &[])
    });
    assert_eq!(sqlite, redb);
    let found: BTreeMap<String, (u64, u64)> = sqlite["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let number = |name: &str| row[name].as_u64().unwrap();
            (row["tool"].as_str().unwrap().to_owned(), (number("uses"), number("success")))
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn all_real_files_give_the_same_answers_on_both_engines() {
    let Some(data) = real_data() else { return };
    let place = Place::new();
    let questions: [&[&str]; 5] =
        [&[], &["--by", "session"], &["--by", "project"], &["--by", "day"], &["--since", "2025-07-01", "--by", "hour"]];
    let [sqlite, redb] = ENGINES.map(|engine| {
        let db = format!("usage.{engine}");
        place.run(&["--db", &db, "import", data.to_str().unwrap()]).done();
        place.run(&["--db", &db, "verify"]).done();
        // Live hooks without a call id and hook logs take the file's time; their ids are the same on both.
        questions.map(|question| place.stats(&db, question))
    });
    for (a, b) in sqlite.iter().zip(&redb) {
        assert_eq!(a["events"], b["events"]);
    }
    assert!(sqlite[0]["events"].as_u64().unwrap() > 456);
}

#[test]
fn hooks_a_reader_and_a_writer_share_one_store_and_lose_nothing() {
    const PROCESSES: usize = 8;
    const ROUNDS: usize = 12;
    for engine in ENGINES {
        let place = Place::new();
        let db = place.path(&format!("home/work/usage.{engine}"));
        let db = db.to_str().unwrap();
        let url: StoreUrl = db.parse().unwrap();
        let store = tooltally::open_with(&url, &OpenOptions::new()).unwrap();
        let hooks_done = AtomicBool::new(false);
        let written = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut written = 0;
                while !hooks_done.load(Ordering::Relaxed) {
                    store.record_all(&[own_event(2 * written), own_event(2 * written + 1)]).unwrap();
                    written += 1;
                }
                2 * written
            });
            let reader = scope.spawn(|| {
                let (mut seen, own) = (0, ToolName::new("Own").unwrap());
                while !hooks_done.load(Ordering::Relaxed) {
                    let uses = store.usage_for_tool(&own, None, None).unwrap().uses();
                    assert!(uses >= seen && uses.is_multiple_of(2), "{uses} after {seen}: not a prefix of batches");
                    seen = uses;
                }
            });
            let hooks = scope.spawn(|| {
                for round in 0..ROUNDS {
                    let start = |n| place.start_with(&["--db", db, "hook"], payload(&format!("{round}_{n}")));
                    let hooks: Vec<_> = (0..PROCESSES).map(start).collect();
                    for hook in hooks {
                        assert_eq!(answer(hook).done().stdout, "");
                    }
                }
            });
            // The others end with them, also where one has failed.
            let hooks = hooks.join();
            hooks_done.store(true, Ordering::Relaxed);
            hooks.unwrap();
            reader.join().unwrap();
            writer.join().unwrap()
        });
        // A hook that found the store busy for too long left its event in the spool: the next run takes it in.
        place.run_with(&["--db", db, "import", "-"], "").done();
        let events = store.read(tooltally::Position::START, usize::MAX).unwrap();
        let ids: BTreeSet<EventId> = events.iter().map(tooltally::Recorded::id).collect();
        assert_eq!(events.len(), ids.len(), "{engine}: an event is there twice");
        assert_eq!(events.len() as u64, written + (PROCESSES * ROUNDS) as u64, "{engine}: an event is lost");
        store.verify_quietly().unwrap();
    }
}

fn own_event(n: u64) -> Event {
    let agent = AgentName::new("own").unwrap();
    let time = Timestamp::from_micros(1_767_225_600_000_000 + i64::try_from(n).unwrap()).unwrap();
    let id = EventId::global(&agent, &n.to_string());
    ToolUse::new(id, ToolName::new("Own").unwrap(), Outcome::Success, time).agent(agent).into()
}
