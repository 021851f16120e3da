//! The keys of the trees: big-endian numbers in a row, so that their order is the order of what they name.

use crate::bucket::Width;

/// Whose usage a rollup or posting is. Names are numbers; 0 is "absent".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Scope {
    /// All projects.
    All,
    /// One project.
    Project(u32),
}

/// A row of [`Tree::Rollups`](super::Tree::Rollups).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum RollupKey {
    /// Usage in a bucket.
    Bucket { scope: Scope, width: Width, bucket: u32 },
    /// Usage in a session, by day and project.
    Session { session: u32, day: u32, project: u32 },
}

/// A row of [`Tree::Postings`](super::Tree::Postings): the positions of one block of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum PostingKey {
    /// Positions in a narrowest bucket.
    Quarter { scope: Scope, quarter: u32, block: u32 },
    /// Positions in a session, by day and project.
    Session { session: u32, day: u32, project: u32, block: u32 },
}

const ALL: u8 = 0;
const PROJECT: u8 = 1;
const SESSION: u8 = 2;

/// Writes a key, field by field.
pub(super) struct KeyWriter(Vec<u8>);

impl KeyWriter {
    /// Every key of a projection begins with its generation: a rebuild writes the next one beside.
    pub(super) fn new(generation: u32) -> Self {
        Self(generation.to_be_bytes().to_vec())
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
            Self::Bucket { scope, width, bucket } => key.scope(scope).byte(width.code()).number(bucket),
            Self::Session { session, day, project } => key.byte(SESSION).number(session).number(day).number(project),
        }
        .finish()
    }

    /// The instant that the row's times are counted from, which keeps them short.
    pub(super) fn base(self) -> crate::Timestamp {
        match self {
            Self::Bucket { width, bucket, .. } => width.start_of(bucket),
            Self::Session { day, .. } => Width::Day.start_of(day),
        }
    }
}

impl PostingKey {
    pub(super) const fn block(self) -> u32 {
        match self {
            Self::Quarter { block, .. } | Self::Session { block, .. } => block,
        }
    }

    pub(super) fn to_bytes(self, generation: u32) -> Vec<u8> {
        let key = KeyWriter::new(generation);
        match self {
            Self::Quarter { scope, quarter, block } => key.scope(scope).number(quarter).number(block),
            Self::Session { session, day, project, block } => {
                key.byte(SESSION).number(session).number(day).number(project).number(block)
            }
        }
        .finish()
    }
}

/// The key of the latest outcomes of a tool in a scope.
pub(super) fn recent_key(generation: u32, scope: Scope, tool: u32) -> Vec<u8> {
    KeyWriter::new(generation).scope(scope).number(tool).finish()
}

/// The first and last key of a generation: every key of it lies between.
pub(super) fn generation_range(generation: u32) -> (Vec<u8>, Vec<u8>) {
    (KeyWriter::new(generation).finish(), prefix_end(KeyWriter::new(generation).finish()))
}

/// The first and last key of a generation's session rows, of all sessions.
pub(super) fn sessions_range(generation: u32) -> (Vec<u8>, Vec<u8>) {
    let prefix = KeyWriter::new(generation).byte(SESSION).finish();
    (prefix.clone(), prefix_end(prefix))
}

/// The first and last key of one session's rows between two days, both included.
pub(super) fn session_range(generation: u32, session: u32, (first, last): (u32, u32)) -> (Vec<u8>, Vec<u8>) {
    let day = |day| KeyWriter::new(generation).byte(SESSION).number(session).number(day).finish();
    (day(first), prefix_end(day(last)))
}

/// Longer than any key and larger than each that begins with the prefix.
fn prefix_end(mut prefix: Vec<u8>) -> Vec<u8> {
    prefix.extend([0xFF; 20]);
    prefix
}

/// Reads a key of session rows back: (session, day, project, what follows).
pub(super) fn read_session_key(key: &[u8]) -> Option<(u32, u32, u32, &[u8])> {
    let rest = key.get(4..)?.strip_prefix(&[SESSION])?;
    let (session, rest) = read_number(rest)?;
    let (day, rest) = read_number(rest)?;
    let (project, rest) = read_number(rest)?;
    Some((session, day, project, rest))
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
pub(super) fn show(tree: super::Tree, key: &[u8]) -> String {
    let start = format!("{} row ", tree.as_str());
    key.iter().fold(start, |text, byte| text + &format!("{byte:02x}"))
}
