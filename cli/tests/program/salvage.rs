//! `events --salvage`: damaged stores, as a disk leaves them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::support::{Answer, ENGINES, Place};

const PAGE: usize = 4096;
const EVENTS: usize = 3_000;

/// Event lines with sessions, projects, agents and attributes.
fn lines() -> String {
    (0..EVENTS).map(line).collect()
}

fn line(number: usize) -> String {
    let (tool, session) = (["Bash", "Read", "Edit"][number % 3], number / 200);
    let path = format!("/home/dev/{}", "very-long-".repeat(if session == 3 { 130 } else { 1 }));
    let attributes = if number.is_multiple_of(5) { r#","attributes":{"model":"sonnet"}"# } else { "" };
    format!(
        r#"{{"v":1,"tool":"{tool}","outcome":"success","time":"2026-03-{:02}T12:00:{:02}.{:03}Z","session":"session-{session}","path":"{path}-{}","agent":"claude-code","duration_ms":{}{attributes}}}"#,
        number / 200 + 1,
        number % 60,
        number % 1000,
        session % 4,
        number % 700,
    ) + "\n"
}

/// The lines by position.
fn by_position(text: &str) -> BTreeMap<u64, String> {
    let lines = text.lines().map(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        (event["position"].as_u64().unwrap(), line.to_owned())
    });
    lines.collect()
}

/// The bytes of a line's id.
fn id(line: &str) -> Vec<u8> {
    let event: Value = serde_json::from_str(line).unwrap();
    let text = event["id"].as_str().unwrap().to_owned();
    (0..16).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn holds(page: &[u8], id: &[u8]) -> bool {
    memchr::memmem::find(page, id).is_some()
}

/// A store filled by several processes, and what it holds.
fn filled(place: &Place, db: &str) -> BTreeMap<u64, String> {
    let lines = lines();
    let all: Vec<&str> = lines.split_inclusive('\n').collect();
    all.chunks(700).for_each(|part| place.import(db, &part.concat()));
    let events = by_position(&place.run(&["--db", db, "events"]).done().stdout);
    assert_eq!(events.len(), EVENTS);
    events
}

/// A filled store, closed: its file, the bytes of that, and the events.
struct Stored {
    place: Place,
    db: String,
    file: PathBuf,
    sound: Vec<u8>,
    events: BTreeMap<u64, String>,
}

impl Stored {
    fn of(engine: &str) -> Self {
        let (place, db) = (Place::new(), format!("usage.{engine}"));
        let events = filled(&place, &db);
        let file = place.path("home/work").join(&db);
        Self { sound: fs::read(&file).unwrap(), place, db, file, events }
    }
}

fn salvage(place: &Place, db: &str) -> Answer {
    place.run(&["--db", db, "events", "--salvage"])
}

#[test]
fn a_sound_store_is_read_out_whole() {
    for engine in ENGINES {
        let place = Place::new();
        let db = format!("usage.{engine}");
        let events = filled(&place, &db);
        let answer = salvage(&place, &db).done();
        assert_eq!(by_position(&answer.stdout), events, "{engine}");
        assert!(answer.stdout.lines().eq(events.values()), "{engine}: in order of position");
        assert!(answer.stderr.contains("3,000 events"), "{}", answer.stderr);
    }
}

#[test]
fn of_a_damaged_store_everything_outside_the_damage_is_read_out() {
    for engine in ENGINES {
        let Stored { place, db, file, sound, events } = Stored::of(engine);
        let pages = sound.len() / PAGE;
        let (mut partly, mut unsure) = (0, 0);
        for page in [0, 1, 2].into_iter().chain((3..pages).step_by((pages / 15).max(1))) {
            let mut damaged = sound.clone();
            damaged[page * PAGE..(page + 1) * PAGE].fill(0);
            fs::write(&file, &damaged).unwrap();
            let answer = salvage(&place, &db);
            let read = by_position(&answer.stdout);
            assert_eq!(read.len(), answer.stdout.lines().count(), "{engine} {page}: each position once");
            let mut lost = 0;
            for (position, line) in &events {
                if let Some(found) = read.get(position) {
                    assert_eq!(found, line, "{engine} {page}");
                    continue;
                }
                assert!(
                    holds(&sound[page * PAGE..(page + 1) * PAGE], &id(line)),
                    "{engine}: page {page} does not hold the event at position {position}: {}",
                    answer.stderr
                );
                lost += 1;
            }
            assert_eq!(read.len() + lost, EVENTS, "{engine} {page}: nothing is made up");
            let told = Told::of(&answer);
            told.fits(&read, lost, EVENTS);
            unsure += u32::from(told.is_end_open && lost == 0);
            if lost > 0 {
                partly += 1;
                let other = format!("new-{page}.{engine}");
                place.import(&other, &answer.stdout);
                assert_eq!(place.uses(&other), read.len() as u64);
                place.run(&["--db", &other, "verify"]).done();
            }
        }
        assert!(partly > 0, "{engine}: no page of the log was met");
        assert!(unsure <= 4, "{engine}: {unsure} pages are no way to the log's end");
    }
}

/// What a salvage says of what is lost.
struct Told {
    lost: usize,
    /// More may have stood behind what is known.
    is_end_open: bool,
}

impl Told {
    /// What an answer says; its exit code must be 0 where all is there, and 1 else.
    #[track_caller]
    fn of(answer: &Answer) -> Self {
        let number = answer.stderr.split_once("lost in all: ").and_then(|(_, rest)| rest.split_once(" event"));
        let lost = number.map_or(0, |(number, _)| number.replace(',', "").parse().unwrap());
        let told = Self { lost, is_end_open: answer.stderr.contains("left no trace") };
        assert_eq!(answer.code, Some(i32::from(number.is_some())), "{}", answer.stderr);
        assert!(number.is_none() || lost > 0 || told.is_end_open, "{}", answer.stderr);
        told
    }

    /// Whether that is so, of a store that had so many events and lacks some of them now.
    #[track_caller]
    fn fits(&self, read: &BTreeMap<u64, String>, lost: usize, events: usize) {
        let behind = events - usize::try_from(read.keys().last().copied().unwrap_or(0)).unwrap();
        let least = if self.is_end_open { lost - behind } else { lost };
        assert!(
            (least..=lost).contains(&self.lost),
            "{lost} are lost, {behind} of them at the end: {} told",
            self.lost
        );
    }
}

#[test]
fn a_store_that_was_cut_lacks_its_end() {
    for engine in ENGINES {
        let Stored { place, db, file, sound, events } = Stored::of(engine);
        for tenth in [3, 6, 9] {
            fs::write(&file, &sound[..sound.len() / 10 * tenth]).unwrap();
            let answer = salvage(&place, &db);
            let read = by_position(&answer.stdout);
            let lost = events.len() - read.len();
            // redb's file may end with pages of no use.
            assert_eq!(answer.code, Some(i32::from(lost > 0 || engine == "db")), "{engine}: {}", answer.stderr);
            Told::of(&answer).fits(&read, lost, EVENTS);
        }
    }
}

/// The newest events are in no projection yet, and of the page that held them nothing is left.
#[test]
fn a_loss_at_the_logs_very_end_is_told() {
    for engine in ENGINES {
        let Stored { place, db, file, sound, events } = Stored::of(engine);
        let newest = id(events.values().next_back().unwrap());
        let mut damaged = sound.clone();
        for page in damaged.chunks_mut(PAGE).filter(|page| holds(page, &newest)) {
            page.fill(0);
        }
        fs::write(&file, &damaged).unwrap();
        let answer = salvage(&place, &db);
        assert_eq!(answer.code, Some(1), "{engine}: {}", answer.stderr);
        let read = by_position(&answer.stdout);
        assert!(read.len() < EVENTS);
        Told::of(&answer).fits(&read, EVENTS - read.len(), EVENTS);
    }
}

#[test]
fn commits_behind_damage_in_the_write_ahead_log_are_read_out() {
    let place = Place::new();
    let (db, copy) = ("usage.db", "copy.db");
    filled(&place, db);
    let work = place.path("home/work");
    // A reader that stays keeps the last one to close from moving the log into the database.
    let reader = rusqlite::Connection::open(work.join(db)).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM log;").unwrap();
    for number in 0..5 {
        place.import(db, &line(EVENTS + number));
    }
    let events = by_position(&place.run(&["--db", db, "events"]).done().stdout);
    assert_eq!(events.len(), EVENTS + 5);
    fs::copy(work.join(db), work.join(copy)).unwrap();
    let mut wal = fs::read(work.join("usage.db-wal")).unwrap();
    assert!(wal.len() > 5 * PAGE, "{}", wal.len());
    // A byte of the first frame: SQLite takes it for the end.
    wal[32 + 24 + 1000] ^= 1;
    fs::write(work.join("copy.db-wal"), &wal).unwrap();
    let read = by_position(&salvage(&place, copy).stdout);
    let lost: Vec<_> = events.iter().filter(|(position, line)| read.get(position) != Some(*line)).collect();
    assert!(lost.len() < 2, "{lost:?}");
    assert_eq!(fs::read(work.join("copy.db-wal")).unwrap(), wal, "nothing is changed");
    let seen = by_position(&place.run(&["--db", copy, "events"]).done().stdout);
    assert_eq!(seen.len(), EVENTS, "SQLite itself sees none of them");
}

#[test]
fn what_is_no_store_has_nothing_to_read_out() {
    let place = Place::new();
    fs::write(place.path("home/work/other.db"), vec![7; 3 * PAGE]).unwrap();
    assert!(salvage(&place, "other.db").failed(1).contains("nothing was found"));
    salvage(&place, "none.db").failed(1);
    place.run(&["events", "--salvage", "--tool", "Bash"]).failed(2);
}
