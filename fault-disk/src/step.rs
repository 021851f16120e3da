//! What a disk records.

/// A file of a disk, whatever its name: a name that is deleted and made again is another file.
pub type FileNumber = usize;

/// Something that was done to a disk, or a mark of the test between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A file came to be, empty.
    Create {
        /// Its name in the folder.
        name: String,
        /// The file.
        file: FileNumber,
        /// Whether the name survives power loss already.
        durable: bool,
    },
    /// Bytes were written.
    Write {
        /// Where.
        file: FileNumber,
        /// From this byte on.
        offset: u64,
        /// These.
        data: Vec<u8>,
    },
    /// A file got this length: cut, or longer by zeros.
    SetLength {
        /// Which.
        file: FileNumber,
        /// In bytes.
        length: u64,
    },
    /// What was done to a file before has reached the disk.
    Sync {
        /// Which.
        file: FileNumber,
        /// And so have the names in the folder.
        names_too: bool,
    },
    /// A name was deleted, and its file with it.
    Delete {
        /// Which.
        name: String,
        /// Whether that, and all that was done to names before, has reached the disk.
        durable: bool,
    },
    /// The test is about to record events up to this number.
    Sent(u64),
    /// The store has answered that it recorded events up to this number.
    Acked(u64),
}
