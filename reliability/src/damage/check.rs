//! What is done to one damaged store, and what is held against it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tooltally::{Appended, Condition, Error, Event, MaintenanceExt, OpenOptions, Position, Store};
use tooltally_conformance::events::{mixed, mixed_all};

use super::harm::Harm;
use super::questions::{Answers, Questions, State, VIEW};
use super::sound::{Sound, Taken};
use crate::{Backend, Random, Result};

/// What came of one image.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// What was counted.
    pub(super) counts: BTreeMap<String, u64>,
    /// What must not be.
    pub(super) findings: Vec<String>,
}

impl Outcome {
    fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    /// Takes in another one.
    pub(super) fn add(&mut self, other: Self) {
        for (what, count) in other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        self.findings.extend(other.findings);
    }
}

/// As many events are folded at once; what is not folded yet, nothing but the log knows of.
const FOLDED_AT_ONCE: u64 = 1_024;

/// Everything that images are made of and held against.
pub(super) struct Checker {
    backend: Backend,
    seed: u64,
    sounds: Vec<Sound>,
    questions: Questions,
    states: BTreeMap<u64, State>,
    folder: PathBuf,
}

/// One damaged store.
struct Image<'a> {
    sound: &'a Sound,
    file: &'a str,
    harm: Harm,
    bytes: Vec<u8>,
}

impl Checker {
    /// For the undamaged stores in a folder; images are made below another one.
    ///
    /// # Errors
    /// What kept it from reading them.
    pub(super) fn new(backend: Backend, seed: u64, sounds: &Path, folder: &Path) -> Result<Self> {
        let sounds = Sound::read_all(sounds)?;
        let heads: Vec<u64> = sounds.iter().flat_map(|sound| sound.heads.iter().copied()).collect();
        let questions = Questions::new(heads.iter().copied().max().unwrap_or(0))?;
        let mut states = BTreeMap::new();
        for head in heads {
            if let std::collections::btree_map::Entry::Vacant(entry) = states.entry(head) {
                entry.insert(State::of(head, &questions, backend == Backend::Sqlite)?);
            }
        }
        Ok(Self { backend, seed, sounds, questions, states, folder: folder.to_owned() })
    }

    /// Makes the image of a number and does everything to it.
    ///
    /// # Errors
    /// What kept it from making the image: of the harness, not of the store.
    pub(super) fn check(&self, number: u64) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let Some(image) = self.image(number)? else {
            outcome.count("images that the harm left as they were");
            return Ok(outcome);
        };
        outcome.count("images");
        let salvaged = self.salvage(&image, &mut outcome)?;
        let Some(answered) = self.ask(&image, &mut outcome)? else {
            outcome.count("refused on opening");
            return Ok(named(outcome, number, &image));
        };
        let verified = self.verify(&image, &mut outcome)?;
        self.judge(&image, &answered, verified, &mut outcome);
        let least = self.state(&image, &answered).filter(|_| verified).map_or(0, |state| state.head);
        let least = least.max(self.rebuild(&image, &mut outcome)?);
        if salvaged < least {
            let text = format!("{salvaged} events are salvaged, where the log of {least} can be read");
            outcome.findings.push(text);
        }
        self.append(&image, verified, &mut outcome)?;
        Ok(named(outcome, number, &image))
    }

    /// `None` where the harm changes nothing.
    fn image(&self, number: u64) -> Result<Option<Image<'_>>> {
        let mut random = Random::for_round(self.seed, number);
        let count = self.sounds.len() as u64;
        let sound = self.sounds.get(usize::try_from(number.checked_rem(count).unwrap_or(0))?);
        let sound = sound.ok_or("there is no undamaged store")?;
        // Of a killed SQLite writer the write-ahead log is hit as often as the database, its index now and then.
        let wanted = match random.below(8) {
            _ if sound.files.len() == 1 => "",
            0..=3 => "-wal",
            4 => "-shm",
            _ => "",
        };
        let ends = |name: &str| if wanted.is_empty() { !name.contains('-') } else { name.ends_with(wanted) };
        let (file, bytes) =
            sound.files.iter().find(|(name, _)| ends(name)).ok_or("a store lacks the file to be damaged")?;
        let harm = Harm::of(&mut random, bytes.len());
        let mut bytes = bytes.clone();
        Ok(harm.inflict(&mut bytes).then_some(Image { sound, file, harm, bytes }))
    }

    /// Puts the image's files into an empty folder.
    fn place(&self, image: &Image<'_>) -> Result<PathBuf> {
        let place = self.folder.join("image");
        match fs::remove_dir_all(&place) {
            Err(failure) if failure.kind() != std::io::ErrorKind::NotFound => return Err(failure.into()),
            _ => fs::create_dir_all(&place)?,
        }
        for (name, bytes) in &image.sound.files {
            fs::write(place.join(name), if name == image.file { &image.bytes } else { bytes })?;
        }
        Ok(place)
    }

    /// Opens a fresh copy of the image; `None` where it is refused, which must be said clearly.
    fn open(&self, image: &Image<'_>, outcome: &mut Outcome) -> Result<Option<Box<dyn Store>>> {
        let options = OpenOptions::new().create(false).wait(Duration::from_secs(20));
        match self.backend.open(&self.place(image)?, &options) {
            Ok(store) => Ok(Some(store)),
            Err(error) => {
                let is_clear = error.is_corrupt()
                    || (image.harm.reaches_header()
                        && matches!(
                            error,
                            Error::NotAStore { .. } | Error::UnsupportedFormat { .. } | Error::Missing { .. }
                        ));
                if !is_clear {
                    outcome.findings.push(format!("opening it fails unclearly: {}", chain(&error)));
                }
                Ok(None)
            }
        }
    }

    /// What is salvaged is true, and in order; how many events it is.
    fn salvage(&self, image: &Image<'_>, outcome: &mut Outcome) -> Result<u64> {
        let path = self.backend.file(&self.place(image)?);
        let before = std::fs::read(&path)?;
        let most = image.sound.heads.last().copied().unwrap_or(0);
        let (mut last, mut untrue) = (0, 0_u64);
        let salvaged = tooltally::salvage(&self.backend.url(&self.folder.join("image")), &mut |recorded| {
            let position = recorded.position.get();
            untrue += u64::from(position <= last || position > most || recorded.event != mixed(position - 1));
            last = position;
            Ok(())
        });
        if untrue > 0 {
            outcome.findings.push(format!("{untrue} of the salvaged events were never recorded there"));
        }
        if std::fs::read(&path)? != before {
            outcome.findings.push("salvaging changes the file".to_owned());
        }
        match salvaged {
            Ok(salvaged) => {
                let missing = most.saturating_sub(salvaged.events);
                // What a killed writer left in its write-ahead log may look as if the power had cut it.
                if missing > 0 && salvaged.is_whole() && image.sound.taken == Taken::Closed {
                    outcome.findings.push(format!("salvaging takes a log for whole that lacks {missing} events"));
                }
                *outcome.counts.entry("events that salvaging loses, of all images".to_owned()).or_default() += missing;
                outcome.count(match missing {
                    0 => "salvaging reads out every event",
                    1..=200 => "salvaging loses up to 200 events",
                    _ if missing == most => "salvaging reads out nothing",
                    _ => "salvaging loses more than 200 events",
                });
                Ok(salvaged.events)
            }
            Err(error) => {
                outcome.findings.push(format!("salvaging fails: {}", chain(&error)));
                Ok(0)
            }
        }
    }

    fn ask(&self, image: &Image<'_>, outcome: &mut Outcome) -> Result<Option<Answers>> {
        let Some(store) = self.open(image, outcome)? else { return Ok(None) };
        let mut answers = self.questions.ask(&*store, &*store);
        for answer in &answers.all {
            if let Err(error) = &answer.digest
                && !error.is_corrupt()
            {
                outcome.findings.push(format!("{} fails unclearly: {}", answer.question, chain(error)));
            }
        }
        if self.backend == Backend::Sqlite {
            answers.ask_view(&self.backend.file(&self.folder.join("image")));
        }
        Ok(Some(answers))
    }

    /// Whether `verify` finds nothing.
    fn verify(&self, image: &Image<'_>, outcome: &mut Outcome) -> Result<bool> {
        let Some(store) = self.open(image, outcome)? else { return Ok(false) };
        Ok(passes("verify", store.verify_quietly(), outcome))
    }

    /// The state that all answers that were given are of.
    fn state(&self, image: &Image<'_>, answers: &Answers) -> Option<&State> {
        let states = image.sound.heads.iter().rev().filter_map(|head| self.states.get(head));
        states.into_iter().find(|state| state.differing(answers).is_empty())
    }

    /// Holds the answers against those of the undamaged store, and against what `verify` says.
    fn judge(&self, image: &Image<'_>, answers: &Answers, verified: bool, outcome: &mut Outcome) {
        match (self.state(image, answers), answers.first_error(), verified) {
            (None, _, true) => {
                let newest = image.sound.heads.last().and_then(|head| self.states.get(head));
                let wrong = newest.map(|state| state.differing(answers)).unwrap_or_default();
                outcome.findings.push(format!("verify finds nothing, and other answers: {wrong:?}"));
            }
            (Some(_), Some((question, error)), true) => {
                outcome.findings.push(format!("verify finds nothing, and {question} fails: {}", chain(error)));
            }
            (None, _, false) => self.judge_others(image, answers, outcome),
            (Some(_), Some(_), false) => outcome.count("some question fails, and so does verify"),
            (Some(_), None, false) => outcome.count("every question is answered, and verify fails"),
            (Some(state), None, true) => {
                let newest = image.sound.heads.last() == Some(&state.head);
                outcome.count(if newest {
                    "as the undamaged store: what is damaged is of no use"
                } else {
                    "as an earlier commit: the newest ones are taken for unwritten"
                });
                if !newest && image.sound.taken == Taken::Closed {
                    outcome.findings.push(format!("a closed store has gone back to {} events", state.head));
                }
            }
        }
    }

    /// Other answers, of which `verify` says that something is wrong: without an excuse, a question should have said so.
    fn judge_others(&self, image: &Image<'_>, answers: &Answers, outcome: &mut Outcome) {
        if let Some(excuse) = self.excuse(image, answers) {
            outcome.count(excuse);
            return;
        }
        let newest = image.sound.heads.last().and_then(|head| self.states.get(head));
        let wrong = newest.map(|state| state.differing(answers)).unwrap_or_default();
        outcome.findings.push(format!("other answers and no error, though verify fails: {wrong:?}"));
    }

    /// Why answers may be others than those of any commit, where `verify` fails: SQLite reads its view alone and compares
    /// nothing, and of its log the newest events may be missing, fewer than are folded at once. Then every answer but
    /// the view's is that of the events before them.
    fn excuse(&self, image: &Image<'_>, answers: &Answers) -> Option<&'static str> {
        if self.backend != Backend::Sqlite {
            return None;
        }
        let is_true = |state: &State| state.differing(answers).iter().all(|question| *question == VIEW);
        let mut states = image.sound.heads.iter().filter_map(|head| self.states.get(head));
        if states.any(is_true) {
            return Some("the SQL view alone says something else, and verify fails");
        }
        let (head, newest) = (answers.head?, *image.sound.heads.last()?);
        let is_tail = head < newest && newest - head < FOLDED_AT_ONCE;
        let shorter = is_tail.then(|| State::of(head, &self.questions, true))?.ok()?;
        is_true(&shorter).then_some("the newest events of the log's last page are missing, and verify fails")
    }

    /// A rebuild refuses, or makes a store that answers as the undamaged one does.
    /// Answers with how many events the log has then; 0 where it refuses.
    fn rebuild(&self, image: &Image<'_>, outcome: &mut Outcome) -> Result<u64> {
        let Some(store) = self.open(image, outcome)? else { return Ok(0) };
        if !passes("rebuild", store.rebuild_quietly(), outcome) {
            outcome.count("rebuild refuses");
            return Ok(0);
        }
        if passes("verify after rebuild", store.verify_quietly(), outcome) {
            outcome.count("rebuild is done");
        } else if passes("compact after rebuild", store.compact(), outcome)
            && passes("verify after rebuild and compact", store.verify_quietly(), outcome)
        {
            // What no table holds, as the file's free space: a rebuild does not touch it.
            outcome.count("rebuild is done, and verify passes once compact has written the file anew");
        } else {
            outcome.findings.push("rebuild is done, and verify still fails, also after compact".to_owned());
            return Ok(0);
        }
        let answers = self.questions.ask(&*store, &*store);
        let state = self.state(image, &answers).filter(|_| answers.first_error().is_none());
        if state.is_none() {
            outcome.findings.push("rebuild takes a damaged log, and verify finds nothing after it".to_owned());
        }
        Ok(state.map_or(0, |state| state.head))
    }

    /// Known ids are found again, or the append fails; the store can be compacted, or says why not.
    fn append(&self, image: &Image<'_>, verified: bool, outcome: &mut Outcome) -> Result<()> {
        let Some(store) = self.open(image, outcome)? else { return Ok(()) };
        let least = image.sound.heads.first().copied().unwrap_or(0);
        let known: Vec<u64> = (0..least).step_by(67).collect();
        let mut events: Vec<Event> = known.iter().map(|number| mixed(*number)).collect();
        events.extend(mixed_all(1_000_000..1_000_003));
        match store.append(&events, Condition::None) {
            Ok(answers) => {
                let twice = known
                    .iter()
                    .zip(&answers)
                    .find(|(number, answer)| **answer != Appended::Duplicate(Position::new(*number + 1)));
                match twice {
                    Some((number, answer)) if verified => {
                        let text = format!("verify finds nothing, and event {number} is answered with {answer:?}");
                        outcome.findings.push(text);
                    }
                    Some(_) => outcome.count("an id is not found again, and verify fails"),
                    None => outcome.count("events are recorded"),
                }
            }
            Err(error) if error.is_corrupt() => outcome.count("recording is refused"),
            Err(error) => outcome.findings.push(format!("recording fails unclearly: {}", chain(&error))),
        }
        if passes("compact", store.compact(), outcome) && verified {
            passes("verify after compact", store.verify_quietly(), outcome);
        }
        Ok(())
    }
}

/// Whether something succeeded; a failure that is not plainly damage is a finding.
fn passes<T>(what: &str, result: tooltally::Result<T>, outcome: &mut Outcome) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => {
            if !error.is_corrupt() {
                outcome.findings.push(format!("{what} fails unclearly: {}", chain(&error)));
            }
            false
        }
    }
}

fn named(mut outcome: Outcome, number: u64, image: &Image<'_>) -> Outcome {
    for finding in &mut outcome.findings {
        *finding = format!("image {number} ({:?}, {} with {}): {finding}", image.sound.taken, image.file, image.harm);
    }
    outcome
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
