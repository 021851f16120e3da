//! The keys of the trees: big-endian numbers in a row, so that their order is the order of what they name.

use super::Tree;
use super::view::Want;
use crate::bucket::Width;

/// Whose usage a rollup is. Names are numbers; 0 is "absent".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Scope {
    /// All projects.
    All,
    /// One project.
    Project(u32),
}

/// A row of [`Tree::Rollups`](super::Tree::Rollups). A bucket's rows stand together, that of all projects
/// first: what a fold writes lies close, and a bucket without that row has no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum RollupKey {
    /// Usage on a day that is not in the rows of the day and of wider buckets yet.
    Pending { day: u32, scope: Scope },
    /// Usage in a bucket.
    Bucket { width: Width, bucket: u32, scope: Scope },
}

/// A row of [`Tree::Sessions`](super::Tree::Sessions): usage in a session, by day and project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SessionKey {
    pub(super) session: u32,
    pub(super) day: u32,
    pub(super) project: u32,
}

/// A row of [`Tree::Calls`](super::Tree::Calls): the calls of a quarter of an hour and a block of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CallsKey {
    pub(super) quarter: u32,
    pub(super) block: u32,
}

/// A row of [`Tree::Postings`](super::Tree::Postings): the positions of a session, by day and project, in
/// one block of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PostingKey {
    pub(super) of: SessionKey,
    pub(super) block: u32,
}

/// A row of [`Tree::Trails`](super::Tree::Trails): the calls of a project, of those that have a session, in one block
/// of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TrailKey {
    pub(super) project: u32,
    pub(super) block: u32,
}

const ALL: u8 = 0;
const PROJECT: u8 = 1;
const PENDING: u8 = 0;

/// The narrowest buckets come last: most rows are theirs, and a tree's end is the cheapest place to add to.
const fn width_byte(width: Width) -> u8 {
    Width::Forever.code() - width.code() + PENDING + 1
}

/// Writes a key, field by field.
pub(super) struct KeyWriter(Vec<u8>);

impl KeyWriter {
    /// Every key of a projection begins with its generation: a rebuild writes the next one beside.
    pub(super) fn new(generation: u32) -> Self {
        let mut bytes = Vec::with_capacity(20);
        bytes.extend(generation.to_be_bytes());
        Self(bytes)
    }

    fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    fn number(mut self, number: u32) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    fn scope(self, scope: Scope) -> Self {
        match scope {
            Scope::All => self.byte(ALL),
            Scope::Project(project) => self.byte(PROJECT).number(project),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

impl RollupKey {
    pub(super) fn to_bytes(self, generation: u32) -> Vec<u8> {
        let key = KeyWriter::new(generation);
        match self {
            Self::Pending { day, scope } => key.byte(PENDING).number(day).scope(scope),
            Self::Bucket { width, bucket, scope } => key.byte(width_byte(width)).number(bucket).scope(scope),
        }
        .finish()
    }

    /// Reads a key back; `None` for what is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.get(4..)?.split_first()?;
        let (bucket, rest) = read_number(rest)?;
        let scope = match rest {
            [ALL] => Scope::All,
            [PROJECT, project @ ..] => Scope::Project(read_number(project).filter(|(_, rest)| rest.is_empty())?.0),
            _ => return None,
        };
        if *kind == PENDING {
            return Some(Self::Pending { day: bucket, scope });
        }
        let width = Width::ALL.into_iter().find(|width| width_byte(*width) == *kind)?;
        Some(Self::Bucket { width, bucket, scope })
    }

    pub(super) const fn scope(self) -> Scope {
        match self {
            Self::Pending { scope, .. } | Self::Bucket { scope, .. } => scope,
        }
    }

    /// The instant that the row's times are counted from, which keeps them short.
    pub(super) fn base(self) -> crate::Timestamp {
        match self {
            Self::Pending { day, .. } => Width::Day.start_of(day),
            Self::Bucket { width, bucket, .. } => width.start_of(bucket),
        }
    }
}

/// The first and last key of the rows of some buckets of a width, `first` and `last` included, of every scope.
pub(super) fn buckets_range(generation: u32, width: Width, (first, last): (u32, u32)) -> (Vec<u8>, Vec<u8>) {
    let bucket = |bucket| KeyWriter::new(generation).byte(width_byte(width)).number(bucket).finish();
    (bucket(first), prefix_end(bucket(last)))
}

/// The first and last key of the rows of a pending day.
pub(super) fn pending_range(generation: u32, day: u32) -> (Vec<u8>, Vec<u8>) {
    let prefix = KeyWriter::new(generation).byte(PENDING).number(day).finish();
    (prefix.clone(), prefix_end(prefix))
}

impl SessionKey {
    fn write(self, key: KeyWriter) -> KeyWriter {
        key.number(self.session).number(self.day).number(self.project)
    }

    pub(super) fn to_bytes(self, generation: u32) -> Vec<u8> {
        self.write(KeyWriter::new(generation)).finish()
    }

    /// Reads a key back; `None` for what is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (session, rest) = read_number(bytes.get(4..)?)?;
        let (day, rest) = read_number(rest)?;
        let (project, rest) = read_number(rest)?;
        rest.is_empty().then_some(Self { session, day, project })
    }

    /// The instant that the row's times are counted from.
    pub(super) fn base(self) -> crate::Timestamp {
        Width::Day.start_of(self.day)
    }
}

impl CallsKey {
    pub(super) fn to_bytes(self, generation: u32) -> Vec<u8> {
        KeyWriter::new(generation).number(self.quarter).number(self.block).finish()
    }

    /// Reads a key back; `None` for what is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (quarter, rest) = read_number(bytes.get(4..)?)?;
        let (block, rest) = read_number(rest)?;
        rest.is_empty().then_some(Self { quarter, block })
    }
}

/// The first and last key of the calls of some quarters, both included.
pub(super) fn calls_range(generation: u32, (first, last): (u32, u32)) -> (Vec<u8>, Vec<u8>) {
    let quarter = |quarter| KeyWriter::new(generation).number(quarter).finish();
    (quarter(first), prefix_end(quarter(last)))
}

impl PostingKey {
    pub(super) fn to_bytes(self, generation: u32) -> Vec<u8> {
        self.of.write(KeyWriter::new(generation)).number(self.block).finish()
    }
}

/// The key of the latest outcomes of a group of tools in a scope.
pub(super) fn recents_key(generation: u32, scope: Scope, tools: u32) -> Vec<u8> {
    KeyWriter::new(generation).scope(scope).number(tools).finish()
}

/// The first and last key of the latest outcomes of a scope.
pub(super) fn recents_range(generation: u32, scope: Scope) -> (Vec<u8>, Vec<u8>) {
    let prefix = KeyWriter::new(generation).scope(scope).finish();
    (prefix.clone(), prefix_end(prefix))
}

/// A row of [`Tree::Registry`](super::Tree::Registry): a group of tools in the settings of a project; 0: of every one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RegistryKey {
    pub(super) project: u32,
    pub(super) tools: u32,
}

impl RegistryKey {
    pub(super) fn to_bytes(self, generation: u32) -> Vec<u8> {
        KeyWriter::new(generation).number(self.project).number(self.tools).finish()
    }

    /// Reads a key back; `None` for what is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (project, rest) = read_number(bytes.get(4..)?)?;
        let (tools, rest) = read_number(rest)?;
        rest.is_empty().then_some(Self { project, tools })
    }
}

/// The first and last key of the settings of one project, or of all.
pub(super) fn registry_range(generation: u32, project: Want) -> (Vec<u8>, Vec<u8>) {
    match project {
        Want::Any => generation_range(generation),
        Want::Is(project) => {
            let prefix = KeyWriter::new(generation).number(project).finish();
            (prefix.clone(), prefix_end(prefix))
        }
    }
}

impl TrailKey {
    pub(super) fn to_bytes(self, generation: u32) -> Vec<u8> {
        KeyWriter::new(generation).number(self.project).number(self.block).finish()
    }

    /// Reads a key back; `None` for what is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (project, rest) = read_number(bytes.get(4..)?)?;
        let (block, rest) = read_number(rest)?;
        rest.is_empty().then_some(Self { project, block })
    }
}

/// The first and last key of a project's calls up to a block, that one included.
pub(super) fn trails_range(generation: u32, project: u32, last: u32) -> (Vec<u8>, Vec<u8>) {
    let key = |block| TrailKey { project, block }.to_bytes(generation);
    (key(0), key(last))
}

/// The first and last key of a generation in any tree but that of the id runs: every key of it lies between.
pub(super) fn generation_range(generation: u32) -> (Vec<u8>, Vec<u8>) {
    (KeyWriter::new(generation).finish(), prefix_end(KeyWriter::new(generation).finish()))
}

/// How many generations the keys of the id runs tell apart. Two that are there at a time follow each other.
const RUN_GENERATIONS: u32 = 1 << 5;
/// How many runs a generation may have in all its life: each is of a fold of 1,024 events or more, or of eight such.
pub(super) const RUNS: u32 = 1 << 26;

/// The key of a chunk of a run, eight bytes of a number below 2^63.
pub(super) fn chunk_key(generation: u32, run: u32, last: u32) -> Vec<u8> {
    let run = (generation % RUN_GENERATIONS) * RUNS + run % RUNS;
    [run, last].map(u32::to_be_bytes).concat()
}

/// The number of the run in a chunk's key.
pub(super) fn run_of(key: &[u8]) -> Option<u32> {
    read_number(key).map(|(run, _)| run % RUNS)
}

/// The first and last key of a generation in the tree of the id runs.
pub(super) fn chunks_range(generation: u32) -> (Vec<u8>, Vec<u8>) {
    (chunk_key(generation, 0, 0), chunk_key(generation, RUNS - 1, u32::MAX))
}

/// The ranges of keys around the generations that are kept, in a tree.
pub(super) fn ranges_without(tree: Tree, kept: &[u32]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let most = if tree == Tree::IdRuns { RUN_GENERATIONS - 1 } else { u32::MAX };
    let range = if tree == Tree::IdRuns { chunks_range } else { generation_range };
    let mut kept: Vec<u32> = kept.iter().map(|generation| generation & most).collect();
    kept.sort_unstable();
    let (mut ranges, mut next) = (Vec::new(), Some(0));
    for generation in kept {
        if let (Some(first), Some(last)) = (next, generation.checked_sub(1))
            && first <= last
        {
            ranges.push((range(first).0, range(last).1));
        }
        next = generation.checked_add(1);
    }
    ranges.extend(next.filter(|first| *first <= most).map(|first| (range(first).0, range(most).1)));
    ranges
}

/// The first and last key of one session's rows between two days, both included.
pub(super) fn session_range(generation: u32, session: u32, (first, last): (u32, u32)) -> (Vec<u8>, Vec<u8>) {
    let day = |day| KeyWriter::new(generation).number(session).number(day).finish();
    (day(first), prefix_end(day(last)))
}

/// Longer than any key and larger than each that begins with the prefix.
fn prefix_end(mut prefix: Vec<u8>) -> Vec<u8> {
    prefix.extend([0xFF; 20]);
    prefix
}

/// The number that a key ends with: its bucket or block.
pub(super) fn last_number(key: &[u8]) -> Option<u32> {
    key.last_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

fn read_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

/// A key as a message shows it.
pub(super) fn show(tree: Tree, key: &[u8]) -> String {
    let start = format!("{} row ", tree.as_str());
    key.iter().fold(start, |text, byte| text + &format!("{byte:02x}"))
}
