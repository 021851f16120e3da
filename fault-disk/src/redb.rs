//! Beneath redb: a storage backend over the engine's own.

use std::io;
use std::ops::Bound;

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use crate::disk::{Disk, Verdict};
use crate::fault::{Kind, Way};
use crate::step::FileNumber;

/// The name of a redb store's one file in traces.
const NAME: &str = "usage.redb";

/// Puts a disk between redb and each opening of its file. The file's name counts as durable from the start: the
/// backend makes it, and syncs its folder, before redb sees it.
pub fn layer(disk: &Disk) -> impl Fn(FileBackend) -> io::Result<Box<dyn StorageBackend>> + Send + Sync + 'static {
    let disk = disk.clone();
    move |backend| {
        obey(disk.decide(Kind::Open))?;
        let file = disk.opened(NAME, true);
        Ok(Box::new(Watched { backend, disk: disk.clone(), file }))
    }
}

/// A file on a disk.
#[derive(Debug)]
struct Watched {
    backend: FileBackend,
    disk: Disk,
    file: FileNumber,
}

fn failure(way: Way) -> io::Error {
    match way {
        Way::Error => io::Error::other("the disk failed, as the test wants it"),
        Way::Full | Way::Short => io::ErrorKind::StorageFull.into(),
    }
}

fn obey(verdict: Verdict) -> io::Result<()> {
    match verdict {
        Verdict::Do => Ok(()),
        Verdict::Fail(way) => Err(failure(way)),
        Verdict::Part(_) => Err(failure(Way::Full)),
    }
}

impl StorageBackend for Watched {
    fn len(&self) -> io::Result<u64> {
        obey(self.disk.decide(Kind::Look))?;
        self.backend.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        obey(self.disk.decide(Kind::Read))?;
        self.backend.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        obey(self.disk.decide_length(self.backend.len()?, length))?;
        self.backend.set_len(length)?;
        self.disk.set_length(self.file, length);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        obey(self.disk.decide(Kind::Sync))?;
        if !self.disk.is_careless() {
            self.backend.sync_data()?;
        }
        self.disk.synced(self.file, false);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let verdict = self.disk.decide_write(offset, data.len(), || self.backend.len().unwrap_or(0));
        let part = match verdict {
            Verdict::Do => data,
            Verdict::Fail(way) => return Err(failure(way)),
            Verdict::Part(bytes) => data.get(..bytes).unwrap_or(data),
        };
        self.backend.write(offset, part)?;
        self.disk.wrote(self.file, offset, part);
        obey(verdict)
    }

    fn close(&self) -> io::Result<()> {
        self.backend.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        obey(self.disk.decide(Kind::Lock))?;
        self.backend.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        obey(self.disk.decide(Kind::Lock))?;
        self.backend.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        obey(self.disk.decide(Kind::Lock))?;
        self.backend.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        obey(self.disk.decide(Kind::Lock))?;
        self.backend.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        obey(self.disk.decide(Kind::Lock))?;
        self.backend.query_lock_range(start, end)
    }
}
