//! The file system: opening, deleting, and the rest handed on.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::size_of;
use std::path::PathBuf;
use std::ptr;
use std::sync::atomic::AtomicBool;

use rusqlite::ffi;

use super::disk_of;
use super::file::{self, Shim, Watched};
use crate::disk::{Disk, Verdict};
use crate::fault::Kind;

/// The name under which SQLite knows it.
const NAME: &CStr = c"tooltally-fault-disk";

/// Makes it the default file system of this process; whether SQLite took it.
pub(super) fn install() -> bool {
    // SAFETY: SQLite is initialized by the first call; the name is no pointer, which means the default; what is
    // found is SQLite's own, for the life of the process.
    let base = unsafe {
        if ffi::sqlite3_initialize() != ffi::SQLITE_OK {
            return false;
        }
        ffi::sqlite3_vfs_find(ptr::null())
    };
    // SAFETY: as above; a pointer that is not null points to a whole structure that nobody changes.
    let Some(found) = (unsafe { base.as_ref() }) else { return false };
    let shim = i32::try_from(size_of::<Shim>()).unwrap_or(i32::MAX);
    let mut vfs = *found;
    vfs.szOsFile = found.szOsFile.saturating_add(shim);
    vfs.pNext = ptr::null_mut();
    vfs.zName = NAME.as_ptr();
    vfs.pAppData = base.cast();
    vfs.xOpen = Some(open);
    vfs.xDelete = Some(delete);
    vfs.xAccess = Some(access);
    vfs.xFullPathname = Some(full_path);
    vfs.xRandomness = Some(randomness);
    vfs.xSleep = Some(sleep);
    vfs.xCurrentTime = Some(current_time);
    vfs.xCurrentTimeInt64 = Some(current_time_millis);
    vfs.xGetLastError = Some(last_error);
    // SAFETY: the structure is leaked, so it lives as long as the process.
    unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 1) == ffi::SQLITE_OK }
}

/// The file system below.
///
/// # Safety
/// The pointer is the one that [`install`] registered.
unsafe fn base<'a>(vfs: *mut ffi::sqlite3_vfs) -> &'a ffi::sqlite3_vfs {
    // SAFETY: ours is whole, and its `pAppData` points to the one below, which lives as long.
    unsafe { &*(*vfs).pAppData.cast() }
}

/// Calls a function of the file system below, with it as the first argument; an error where it has none.
macro_rules! below {
    ($vfs:ident, $method:ident, $missing:expr $(, $argument:expr)*) => {{
        // SAFETY: SQLite calls this with the file system that was registered, and arguments as that function
        // takes them.
        unsafe {
            let base = base($vfs);
            match base.$method {
                Some(method) => method(ptr::from_ref(base).cast_mut() $(, $argument)*),
                None => $missing,
            }
        }
    }};
}

/// A name that SQLite gave, as a path.
///
/// # Safety
/// It is null, or a whole C string.
unsafe fn path(name: *const c_char) -> Option<PathBuf> {
    if name.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    name.to_str().ok().map(PathBuf::from)
}

/// The disk of a file, and the file's name on it.
///
/// # Safety
/// As [`path`].
unsafe fn on_disk(name: *const c_char) -> Option<(Disk, String)> {
    // SAFETY: the caller's promise.
    let path = unsafe { path(name) }?;
    let name = path.file_name()?.to_str()?.to_owned();
    Some((disk_of(&path)?, name))
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a null pointer or a C string, and room for a file of `szOsFile` bytes.
    let (found, shim) = unsafe { (on_disk(name), &mut *file.cast::<Shim>()) };
    shim.clear();
    if let Some((disk, _)) = &found
        && disk.decide(Kind::Open) != Verdict::Do
    {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: the room behind the shim is as large as the file system below wants it.
    let real = unsafe { file::real(file) };
    let code = below!(vfs, xOpen, ffi::SQLITE_CANTOPEN, name, real, flags, out_flags);
    if code != ffi::SQLITE_OK {
        // SAFETY: the file below was just tried; it is closed as SQLite would close it.
        unsafe { file::close_below(real) };
        return code;
    }
    let watched = found.map(|(disk, name)| {
        // The main file was made, and its folder synced, before SQLite saw it. SQLite syncs the folder with the
        // first sync of a log or a journal that it has made.
        let is_log = flags & (ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL) != 0;
        let number = disk.opened(&name, !is_log);
        let deletes = flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0;
        Watched { disk, file: number, name, syncs_folder: AtomicBool::new(is_log), deletes }
    });
    shim.open(watched);
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite gives a C string.
    let found = unsafe { on_disk(name) };
    if let Some((disk, _)) = &found
        && disk.decide(Kind::Delete) != Verdict::Do
    {
        return ffi::SQLITE_IOERR_DELETE;
    }
    let code = below!(vfs, xDelete, ffi::SQLITE_IOERR_DELETE, name, sync);
    if let (ffi::SQLITE_OK, Some((disk, name))) = (code, found) {
        disk.deleted(&name, sync != 0);
    }
    code
}

unsafe extern "C" fn access(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, flags: c_int, out: *mut c_int) -> c_int {
    // SAFETY: SQLite gives a C string.
    let found = unsafe { on_disk(name) };
    match found {
        Some((disk, _)) if disk.decide(Kind::Look) != Verdict::Do => ffi::SQLITE_IOERR_ACCESS,
        _ => below!(vfs, xAccess, ffi::SQLITE_IOERR_ACCESS, name, flags, out),
    }
}

unsafe extern "C" fn full_path(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    length: c_int,
    out: *mut c_char,
) -> c_int {
    below!(vfs, xFullPathname, ffi::SQLITE_CANTOPEN, name, length, out)
}

unsafe extern "C" fn randomness(vfs: *mut ffi::sqlite3_vfs, length: c_int, out: *mut c_char) -> c_int {
    below!(vfs, xRandomness, 0, length, out)
}

unsafe extern "C" fn sleep(vfs: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    below!(vfs, xSleep, 0, micros)
}

unsafe extern "C" fn current_time(vfs: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    below!(vfs, xCurrentTime, ffi::SQLITE_ERROR, out)
}

unsafe extern "C" fn current_time_millis(vfs: *mut ffi::sqlite3_vfs, out: *mut ffi::sqlite3_int64) -> c_int {
    below!(vfs, xCurrentTimeInt64, ffi::SQLITE_ERROR, out)
}

unsafe extern "C" fn last_error(vfs: *mut ffi::sqlite3_vfs, length: c_int, out: *mut c_char) -> c_int {
    below!(vfs, xGetLastError, 0, length, out)
}

/// What SQLite hands through without a look.
pub(super) type Opaque = *mut c_void;
