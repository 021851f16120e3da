//! A disk as a trace leaves it: what is on it for certain, and what is still on the way.

use std::collections::BTreeMap;

use tooltally_fault_disk::{FileNumber, Step};

use crate::Random;

/// What a disk writes in one piece.
const SECTOR: u64 = 512;

/// Names and bytes of the files in a folder.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

/// A disk at one point of a trace.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    files: BTreeMap<FileNumber, Contents>,
    names: BTreeMap<String, FileNumber>,
    /// Changes of names on the way: the name, and the file that it now has, if any.
    renames: Vec<(String, Option<FileNumber>)>,
}

#[derive(Debug, Default)]
struct Contents {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: u64, data: Vec<u8> },
    Length(u64),
}

/// How much of a change has reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Nothing.
    None,
    /// All of it.
    All,
    /// Some of its sectors, if it is a write; else nothing.
    Torn,
}

/// What a power cut leaves of the changes on the way.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    /// Of each change, in order: names first, then file by file.
    pub(crate) parts: Vec<Part>,
    /// Whether a file has got the length of a write, though not its bytes, but garbage.
    pub(crate) garbage: bool,
    /// For torn writes and garbage.
    pub(crate) seed: u64,
}

impl Replay {
    /// Goes on by one step.
    pub(crate) fn apply(&mut self, step: &Step) {
        match step {
            Step::Create { name, file, durable } => {
                self.files.insert(*file, Contents::default());
                if *durable {
                    self.names.insert(name.clone(), *file);
                } else {
                    self.renames.push((name.clone(), Some(*file)));
                }
            }
            Step::Write { file, offset, data } => {
                self.change(*file, Change::Write { offset: *offset, data: data.clone() });
            }
            Step::SetLength { file, length } => self.change(*file, Change::Length(*length)),
            Step::Sync { file, names_too } => {
                if let Some(contents) = self.files.get_mut(file) {
                    contents.settle();
                }
                if *names_too {
                    self.settle_names();
                }
            }
            Step::Delete { name, durable } => {
                self.renames.push((name.clone(), None));
                if *durable {
                    self.settle_names();
                }
            }
            Step::Sent(_) | Step::Acked(_) => {}
        }
    }

    fn change(&mut self, file: FileNumber, change: Change) {
        self.files.entry(file).or_default().pending.push(change);
    }

    fn settle_names(&mut self) {
        for (name, file) in self.renames.drain(..) {
            rename(&mut self.names, name, file);
        }
    }

    /// How many changes are on the way.
    pub(crate) fn pending(&self) -> usize {
        self.renames.len() + self.files.values().map(|contents| contents.pending.len()).sum::<usize>()
    }

    /// The files that a cut leaves.
    pub(crate) fn image(&self, cut: &Cut) -> Image {
        let mut random = Random::new(cut.seed);
        let mut parts = cut.parts.iter().copied().chain(std::iter::repeat(Part::None));
        let mut names = self.names.clone();
        for ((name, file), part) in self.renames.iter().zip(parts.by_ref()) {
            if part == Part::All {
                rename(&mut names, name.clone(), *file);
            }
        }
        let mut contents = BTreeMap::new();
        for (number, file) in &self.files {
            let mut bytes = file.durable.clone();
            for (change, part) in file.pending.iter().zip(parts.by_ref()) {
                change.apply(&mut bytes, part, cut.garbage, &mut random);
            }
            contents.insert(*number, bytes);
        }
        names.into_iter().map(|(name, file)| (name, contents.get(&file).cloned().unwrap_or_default())).collect()
    }
}

fn rename(names: &mut BTreeMap<String, FileNumber>, name: String, file: Option<FileNumber>) {
    match file {
        Some(file) => names.insert(name, file),
        None => names.remove(&name),
    };
}

impl Contents {
    fn settle(&mut self) {
        let mut random = Random::new(0);
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable, Part::All, false, &mut random);
        }
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>, part: Part, garbage: bool, random: &mut Random) {
        match (self, part) {
            (Self::Length(length), Part::All) => bytes.resize(usize::try_from(*length).unwrap_or(0), 0),
            (Self::Write { offset, data }, Part::All) => put(bytes, *offset, data),
            (Self::Length(_), _) => {}
            (Self::Write { offset, data }, part) => {
                let end = usize::try_from(*offset).unwrap_or(0) + data.len();
                if garbage && bytes.len() < end {
                    bytes.resize_with(end, || u8::try_from(random.below(256)).unwrap_or(0));
                }
                if part == Part::Torn {
                    for (at, sector) in sectors(*offset, data) {
                        if random.below(2) == 0 {
                            put(bytes, at, sector);
                        }
                    }
                }
            }
        }
    }
}

/// The parts of a write that lie in a sector each.
fn sectors(offset: u64, data: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut at = offset;
    let mut rest = data;
    std::iter::from_fn(move || {
        let room = usize::try_from(SECTOR - at % SECTOR).unwrap_or(rest.len()).min(rest.len());
        let (sector, after) = rest.split_at(room);
        let found = (!sector.is_empty()).then_some((at, sector));
        at += room as u64;
        rest = after;
        found
    })
}

/// Puts bytes in their place; a gap before them is zeros.
fn put(bytes: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let start = usize::try_from(offset).unwrap_or(0);
    let end = start + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let Some(place) = bytes.get_mut(start..end) {
        place.copy_from_slice(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(parts: &[Part]) -> Cut {
        Cut { parts: parts.to_vec(), garbage: false, seed: 1 }
    }

    fn replay(steps: &[Step]) -> Replay {
        let mut replay = Replay::default();
        for step in steps {
            replay.apply(step);
        }
        replay
    }

    fn write(offset: u64, data: &[u8]) -> Step {
        Step::Write { file: 0, offset, data: data.to_vec() }
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_may_be_missing() {
        let made = Step::Create { name: "a".to_owned(), file: 0, durable: true };
        let synced = Step::Sync { file: 0, names_too: false };
        let replay = replay(&[made, write(0, b"1234"), synced, write(1, b"xy"), write(4, b"z")]);
        let image = |parts: &[Part]| String::from_utf8(replay.image(&cut(parts)).remove("a").unwrap()).unwrap();
        assert_eq!(replay.pending(), 2);
        assert_eq!(image(&[]), "1234");
        assert_eq!(image(&[Part::All]), "1xy4");
        assert_eq!(image(&[Part::None, Part::All]), "1234z");
        assert_eq!(image(&[Part::All, Part::All]), "1xy4z");
    }

    #[test]
    fn a_name_that_was_not_synced_may_be_missing_or_come_back() {
        let made = |file, durable| Step::Create { name: "log".to_owned(), file, durable };
        let deleted = Step::Delete { name: "log".to_owned(), durable: false };
        let replay = replay(&[made(0, false), write(0, b"1"), Step::Sync { file: 0, names_too: true }, deleted]);
        assert_eq!(replay.image(&cut(&[])).len(), 1);
        assert_eq!(replay.image(&cut(&[Part::All])).len(), 0);
    }

    #[test]
    fn a_torn_write_is_there_in_whole_sectors_of_the_file() {
        let made = Step::Create { name: "a".to_owned(), file: 0, durable: true };
        let replay = replay(&[made, write(500, &[7; 2000])]);
        let (mut there, mut gone) = (0, 0);
        for seed in 0..20 {
            let torn = Cut { seed, ..cut(&[Part::Torn]) };
            let file = replay.image(&torn).remove("a").unwrap();
            for sector in file.chunks(512) {
                let is_written = sector.contains(&7);
                assert!(!is_written || sector.iter().skip_while(|byte| **byte == 0).all(|byte| *byte == 7));
                *(if is_written { &mut there } else { &mut gone }) += 1;
            }
        }
        assert!(there > 10 && gone > 5, "{there} {gone}");
    }
}
