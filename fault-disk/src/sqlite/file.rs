//! An open file: SQLite's side of it, and behind it in the same memory that of the file system below.

use std::ffi::{c_int, c_void};
use std::mem::size_of;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::ffi;

use super::vfs::Opaque;
use crate::disk::{Disk, Verdict};
use crate::fault::{Kind, Way};
use crate::step::FileNumber;

/// What is known of a file that is on a disk.
pub(super) struct Watched {
    pub(super) disk: Disk,
    pub(super) file: FileNumber,
    pub(super) name: String,
    /// Whether its next sync syncs the folder too: so does the first one of a log or a journal.
    pub(super) syncs_folder: AtomicBool,
    pub(super) deletes: bool,
}

/// What SQLite sees of a file. The file of the file system below follows it.
#[repr(C)]
pub(super) struct Shim {
    base: ffi::sqlite3_file,
    /// Null for a file on no disk; else from a box.
    watched: *mut Watched,
}

impl Shim {
    /// No open file: SQLite does not close it.
    pub(super) fn clear(&mut self) {
        self.base.pMethods = ptr::null();
        self.watched = ptr::null_mut();
    }

    /// An open file.
    pub(super) fn open(&mut self, watched: Option<Watched>) {
        self.watched = watched.map_or(ptr::null_mut(), |watched| Box::into_raw(Box::new(watched)));
        self.base.pMethods = &raw const METHODS;
    }
}

/// Version 2: with shared memory, without mapped files.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(map_shared),
    xShmLock: Some(lock_shared),
    xShmBarrier: Some(shared_barrier),
    xShmUnmap: Some(unmap_shared),
    xFetch: None,
    xUnfetch: None,
};

/// The file of the file system below.
///
/// # Safety
/// The pointer is to a [`Shim`] in memory of the size that was registered.
pub(super) unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: the caller's promise; a shim's size is a multiple of its alignment, which is a pointer's.
    unsafe { file.byte_add(size_of::<Shim>()) }
}

/// Closes a file below, if it is open.
///
/// # Safety
/// The pointer is to a file of the file system below, tried to open.
pub(super) unsafe fn close_below(real: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the caller's promise; methods that are not null are whole.
    unsafe {
        match (*real).pMethods.as_ref().and_then(|methods| methods.xClose) {
            Some(close) => close(real),
            None => ffi::SQLITE_OK,
        }
    }
}

/// What is known of a file, if it is on a disk.
///
/// # Safety
/// The pointer is to an open [`Shim`].
unsafe fn watched<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a Watched> {
    // SAFETY: the caller's promise; the box lives until the file is closed.
    unsafe { (*file.cast::<Shim>()).watched.as_ref() }
}

/// Calls a function of the file below; an answer of ours where it has none.
macro_rules! below {
    ($file:ident, $method:ident, $missing:expr $(, $argument:expr)*) => {{
        // SAFETY: SQLite calls this with a file that it has opened, and arguments as that function takes them.
        unsafe {
            let real = real($file);
            match (*real).pMethods.as_ref().and_then(|methods| methods.$method) {
                Some(method) => method(real $(, $argument)*),
                None => $missing,
            }
        }
    }};
}

/// Whether the disk lets an operation be done; a file on no disk does.
///
/// # Safety
/// As [`watched`].
unsafe fn allows(file: *mut ffi::sqlite3_file, kind: Kind) -> bool {
    // SAFETY: the caller's promise.
    unsafe { watched(file) }.is_none_or(|watched| watched.disk.decide(kind) == Verdict::Do)
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let code = below!(file, xClose, ffi::SQLITE_OK);
    // SAFETY: SQLite closes an open file once; the pointer is null or from a box.
    let shim = unsafe { &mut *file.cast::<Shim>() };
    if !shim.watched.is_null() {
        // SAFETY: as above.
        let watched = unsafe { Box::from_raw(shim.watched) };
        if watched.deletes {
            watched.disk.deleted(&watched.name, false);
        }
    }
    shim.clear();
    code
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, out: *mut c_void, length: c_int, offset: i64) -> c_int {
    // SAFETY: SQLite gives an open file.
    if !unsafe { allows(file, Kind::Read) } {
        return ffi::SQLITE_IOERR_READ;
    }
    below!(file, xRead, ffi::SQLITE_IOERR_READ, out, length, offset)
}

fn code_of_write(way: Way) -> c_int {
    match way {
        Way::Error => ffi::SQLITE_IOERR_WRITE,
        Way::Full | Way::Short => ffi::SQLITE_FULL,
    }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, data: *const c_void, length: c_int, offset: i64) -> c_int {
    // SAFETY: SQLite gives an open file.
    let Some(watched) = (unsafe { watched(file) }) else {
        return below!(file, xWrite, ffi::SQLITE_IOERR_WRITE, data, length, offset);
    };
    let (Ok(bytes), Ok(from)) = (usize::try_from(length), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    let verdict = watched.disk.decide_write(from, bytes, || length_of(file));
    let part = match verdict {
        Verdict::Do => bytes,
        Verdict::Fail(way) => return code_of_write(way),
        Verdict::Part(part) => part,
    };
    let written = c_int::try_from(part).unwrap_or(length);
    let code = below!(file, xWrite, ffi::SQLITE_IOERR_WRITE, data, written, offset);
    if code == ffi::SQLITE_OK {
        // SAFETY: SQLite gives as many bytes as it says, and no more than those are taken.
        let data = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), part) };
        watched.disk.wrote(watched.file, from, data);
    }
    match (code, verdict) {
        (ffi::SQLITE_OK, Verdict::Part(_)) => ffi::SQLITE_FULL,
        (code, _) => code,
    }
}

fn length_of(file: *mut ffi::sqlite3_file) -> u64 {
    let mut length = 0;
    match below!(file, xFileSize, ffi::SQLITE_IOERR_FSTAT, &raw mut length) {
        ffi::SQLITE_OK => u64::try_from(length).unwrap_or(0),
        _ => 0,
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    // SAFETY: SQLite gives an open file.
    let watched = unsafe { watched(file) };
    let bytes = u64::try_from(length).unwrap_or(0);
    if let Some(watched) = watched {
        match watched.disk.decide_length(length_of(file), bytes) {
            Verdict::Do => {}
            Verdict::Fail(Way::Full) => return ffi::SQLITE_FULL,
            _ => return ffi::SQLITE_IOERR_TRUNCATE,
        }
    }
    let code = below!(file, xTruncate, ffi::SQLITE_IOERR_TRUNCATE, length);
    if let (ffi::SQLITE_OK, Some(watched)) = (code, watched) {
        watched.disk.set_length(watched.file, bytes);
    }
    code
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    let Some(watched) = (unsafe { watched(file) }) else {
        return below!(file, xSync, ffi::SQLITE_IOERR_FSYNC, flags);
    };
    if watched.disk.decide(Kind::Sync) != Verdict::Do {
        return ffi::SQLITE_IOERR_FSYNC;
    }
    if !watched.disk.is_careless() {
        let code = below!(file, xSync, ffi::SQLITE_IOERR_FSYNC, flags);
        if code != ffi::SQLITE_OK {
            return code;
        }
    }
    watched.disk.synced(watched.file, watched.syncs_folder.swap(false, Ordering::Relaxed));
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    // SAFETY: SQLite gives an open file.
    if !unsafe { allows(file, Kind::Look) } {
        return ffi::SQLITE_IOERR_FSTAT;
    }
    below!(file, xFileSize, ffi::SQLITE_IOERR_FSTAT, out)
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    if !unsafe { allows(file, Kind::Lock) } {
        return ffi::SQLITE_IOERR_LOCK;
    }
    below!(file, xLock, ffi::SQLITE_IOERR_LOCK, level)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    below!(file, xUnlock, ffi::SQLITE_IOERR_UNLOCK, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    below!(file, xCheckReservedLock, ffi::SQLITE_IOERR_CHECKRESERVEDLOCK, out)
}

unsafe extern "C" fn file_control(file: *mut ffi::sqlite3_file, operation: c_int, argument: Opaque) -> c_int {
    below!(file, xFileControl, ffi::SQLITE_NOTFOUND, operation, argument)
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    below!(file, xSectorSize, 4096)
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    // Not what only some file systems can do: groups of writes that are atomic go round `xWrite`'s order.
    below!(file, xDeviceCharacteristics, 0) & !ffi::SQLITE_IOCAP_BATCH_ATOMIC
}

unsafe extern "C" fn map_shared(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: SQLite gives an open file.
    if !unsafe { allows(file, Kind::SharedMemory) } {
        return ffi::SQLITE_IOERR_SHMMAP;
    }
    below!(file, xShmMap, ffi::SQLITE_IOERR_SHMMAP, page, size, extend, out)
}

unsafe extern "C" fn lock_shared(file: *mut ffi::sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    let takes = flags & ffi::SQLITE_SHM_LOCK != 0;
    // SAFETY: SQLite gives an open file.
    if takes && !unsafe { allows(file, Kind::Lock) } {
        return ffi::SQLITE_IOERR_SHMLOCK;
    }
    below!(file, xShmLock, ffi::SQLITE_IOERR_SHMLOCK, offset, count, flags)
}

unsafe extern "C" fn shared_barrier(file: *mut ffi::sqlite3_file) {
    below!(file, xShmBarrier, ());
}

unsafe extern "C" fn unmap_shared(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    below!(file, xShmUnmap, ffi::SQLITE_OK, delete)
}
