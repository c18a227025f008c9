//! What stands between SQLite and the file system: every call about a watched database passes through [`super::disk`], which notes it and may
//! let it fail; all others go on as they came.
//!
//! It wraps the library's own file system, so locks and the shared memory of the write-ahead log are the real ones. Nothing is ever synced for
//! real: what a sync promises is computed from the notes.
#![expect(unsafe_code, reason = "SQLite's file system is a table of C functions; it is used nowhere else")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Once};

use libsqlite3_sys as sqlite;

use crate::disk::{self, Disk, Kind, Name};

/// The library's own file system, once [`install`] has run.
static REAL: AtomicPtr<sqlite::sqlite3_vfs> = AtomicPtr::new(std::ptr::null_mut());

/// An open file of ours: SQLite sees the first member, the real file lies behind it in the same memory.
#[repr(C)]
struct Handle {
    base: sqlite::sqlite3_file,
    watched: *mut Watched,
}

/// What is known of an open file that is watched.
struct Watched {
    disk: Arc<Disk>,
    file: usize,
    name: Name,
    /// The first sync of a log or journal also syncs the directory, as the library's own file system does it.
    syncs_directory: bool,
}

/// Where the real file begins.
const BEHIND: usize = size_of::<Handle>();

static METHODS: sqlite::sqlite3_io_methods = sqlite::sqlite3_io_methods {
    // The second version has shared memory; without the third nothing is mapped, so that every write is seen.
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
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes this the file system of every connection that this process opens from now on.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the library is initialised before its table is looked up; the table it gives stays for ever, and so does our copy of it,
        // which is leaked. Only members that this module provides differ.
        unsafe {
            assert_eq!(sqlite::sqlite3_initialize(), sqlite::SQLITE_OK, "SQLite starts");
            let real = sqlite::sqlite3_vfs_find(std::ptr::null());
            assert!(!real.is_null(), "SQLite has a file system of its own");
            REAL.store(real, Ordering::Release);
            let mut ours = *real;
            ours.szOsFile += c_int::try_from(BEHIND).expect("a small size");
            ours.pNext = std::ptr::null_mut();
            ours.zName = c"watched".as_ptr();
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            ours.xAccess = Some(access);
            let ours = Box::leak(Box::new(ours));
            assert_eq!(sqlite::sqlite3_vfs_register(ours, 1), sqlite::SQLITE_OK, "ours is registered");
        }
    });
}

fn real() -> *mut sqlite::sqlite3_vfs {
    REAL.load(Ordering::Acquire)
}

/// Calls a function of a table that every file system has.
macro_rules! call {
    ($table:expr, $name:ident, $($argument:expr),*) => {
        ((*$table).$name.expect("every file system has it"))($($argument),*)
    };
}

/// The real file behind ours, with its functions.
unsafe fn behind(file: *mut sqlite::sqlite3_file) -> (*mut sqlite::sqlite3_file, *const sqlite::sqlite3_io_methods) {
    // SAFETY: SQLite gives every file `szOsFile` bytes, of which ours are the first.
    unsafe {
        let real: *mut sqlite::sqlite3_file = file.cast::<u8>().add(BEHIND).cast();
        (real, (*real).pMethods)
    }
}

unsafe fn watched<'a>(file: *mut sqlite::sqlite3_file) -> Option<&'a mut Watched> {
    // SAFETY: the pointer is null or from `Box::into_raw` in `open`, and is freed in `close` only; SQLite uses a file from one thread at a time.
    unsafe { (*file.cast::<Handle>()).watched.as_mut() }
}

unsafe fn path<'a>(name: *const c_char) -> Option<&'a Path> {
    if name.is_null() {
        return None;
    }
    // SAFETY: SQLite's names end with a zero.
    unsafe { CStr::from_ptr(name) }.to_str().ok().map(Path::new)
}

unsafe extern "C" fn open(
    _: *mut sqlite::sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: all pointers are SQLite's own, as its documentation of `xOpen` has them; `file` has room for ours and the real one.
    unsafe {
        let handle = file.cast::<Handle>();
        (*handle).base.pMethods = std::ptr::null();
        (*handle).watched = std::ptr::null_mut();
        let behind: *mut sqlite::sqlite3_file = file.cast::<u8>().add(BEHIND).cast();
        (*behind).pMethods = std::ptr::null();
        let go = || call!(real(), xOpen, real(), name, behind, flags, out);
        let about = path(name).and_then(disk::of);
        let done = match &about {
            Some((disk, name)) => disk.open(name, flags & sqlite::SQLITE_OPEN_CREATE != 0, go),
            None => Err(go()),
        };
        let (code, file) = match done {
            Ok(file) => (sqlite::SQLITE_OK, file),
            Err(code) => (code, 0),
        };
        if code == sqlite::SQLITE_OK {
            (*handle).base.pMethods = &METHODS;
            if let Some((disk, name)) = about {
                let journals = sqlite::SQLITE_OPEN_MAIN_JOURNAL | sqlite::SQLITE_OPEN_WAL;
                let syncs_directory = flags & journals != 0 && flags & sqlite::SQLITE_OPEN_CREATE != 0;
                (*handle).watched = Box::into_raw(Box::new(Watched { disk, file, name, syncs_directory }));
            }
        }
        code
    }
}

unsafe extern "C" fn delete(_: *mut sqlite::sqlite3_vfs, name: *const c_char, sync_directory: c_int) -> c_int {
    // SAFETY: the real function gets what SQLite gave us.
    unsafe {
        let go = || call!(real(), xDelete, real(), name, 0);
        match path(name).and_then(disk::of) {
            Some((disk, name)) => disk.delete(&name, sync_directory != 0, go),
            None => go(),
        }
    }
}

unsafe extern "C" fn access(_: *mut sqlite::sqlite3_vfs, name: *const c_char, flags: c_int, out: *mut c_int) -> c_int {
    // SAFETY: the real function gets what SQLite gave us.
    unsafe {
        let go = || call!(real(), xAccess, real(), name, flags, out);
        match path(name).and_then(disk::of) {
            Some((disk, name)) => disk.look(Kind::Access, &name, go),
            None => go(),
        }
    }
}

unsafe extern "C" fn close(file: *mut sqlite::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; what `open` boxed is freed here.
    unsafe {
        let (real, methods) = behind(file);
        let code = call!(methods, xClose, real);
        let handle = file.cast::<Handle>();
        if !(*handle).watched.is_null() {
            drop(Box::from_raw((*handle).watched));
            (*handle).watched = std::ptr::null_mut();
        }
        (*handle).base.pMethods = std::ptr::null();
        code
    }
}

unsafe extern "C" fn read(file: *mut sqlite::sqlite3_file, to: *mut c_void, amount: c_int, at: i64) -> c_int {
    // SAFETY: the real function gets what SQLite gave us.
    unsafe {
        let (real, methods) = behind(file);
        let go = || call!(methods, xRead, real, to, amount, at);
        match watched(file) {
            Some(about) => about.disk.look(Kind::Read, &about.name, go),
            None => go(),
        }
    }
}

unsafe extern "C" fn write(file: *mut sqlite::sqlite3_file, from: *const c_void, amount: c_int, at: i64) -> c_int {
    // SAFETY: `from` holds `amount` bytes; a part of them is written when the disk says so.
    unsafe {
        let (real, methods) = behind(file);
        let go = |bytes: &[u8]| {
            let length = c_int::try_from(bytes.len()).expect("a part of what SQLite counts so");
            call!(methods, xWrite, real, bytes.as_ptr().cast(), length, at)
        };
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(amount).unwrap_or(0));
        match watched(file) {
            Some(about) => about.disk.write((about.file, &about.name), u64::try_from(at).unwrap_or(0), bytes, go),
            None => go(bytes),
        }
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite::sqlite3_file, size: i64) -> c_int {
    // SAFETY: the real function gets what SQLite gave us.
    unsafe {
        let (real, methods) = behind(file);
        let go = || call!(methods, xTruncate, real, size);
        match watched(file) {
            Some(about) => about.disk.truncate((about.file, &about.name), u64::try_from(size).unwrap_or(0), go),
            None => go(),
        }
    }
}

unsafe extern "C" fn sync(file: *mut sqlite::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: nothing is done for real.
    match unsafe { watched(file) } {
        Some(about) => {
            let directory = std::mem::take(&mut about.syncs_directory);
            let code = about.disk.sync((about.file, &about.name), directory);
            about.syncs_directory = directory && code != sqlite::SQLITE_OK;
            code
        }
        None => sqlite::SQLITE_OK,
    }
}

unsafe extern "C" fn file_size(file: *mut sqlite::sqlite3_file, size: *mut i64) -> c_int {
    // SAFETY: the real function gets what SQLite gave us.
    unsafe {
        let (real, methods) = behind(file);
        let go = || call!(methods, xFileSize, real, size);
        match watched(file) {
            Some(about) => about.disk.look(Kind::Size, &about.name, go),
            None => go(),
        }
    }
}

unsafe extern "C" fn file_control(file: *mut sqlite::sqlite3_file, op: c_int, argument: *mut c_void) -> c_int {
    // SAFETY: for this one `op` the argument is an array of at least three texts or nulls; the third is the pragma's value, in memory that
    // SQLite has made for it and reads after this call. What is written is not longer than what was there.
    unsafe {
        if op == sqlite::SQLITE_FCNTL_PRAGMA && watched(file).is_some_and(|about| about.disk.is_weak()) {
            let texts = argument.cast::<*mut c_char>();
            let (name, value) = (*texts.add(1), *texts.add(2));
            if !name.is_null() && !value.is_null() && CStr::from_ptr(name) == c"synchronous" {
                // 1 is NORMAL.
                *value = b'1' as c_char;
                *value.add(1) = 0;
            }
        }
        let (real, methods) = behind(file);
        call!(methods, xFileControl, real, op, argument)
    }
}

/// Functions that only hand on to the real file.
macro_rules! hand_on {
    ($($name:ident => $method:ident($($argument:ident: $type:ty),*) -> $result:ty;)+) => {
        $(unsafe extern "C" fn $name(file: *mut sqlite::sqlite3_file $(, $argument: $type)*) -> $result {
            // SAFETY: the real function gets what SQLite gave us.
            unsafe {
                let (real, methods) = behind(file);
                call!(methods, $method, real $(, $argument)*)
            }
        })+
    };
}

hand_on! {
    lock => xLock(level: c_int) -> c_int;
    unlock => xUnlock(level: c_int) -> c_int;
    check_reserved_lock => xCheckReservedLock(out: *mut c_int) -> c_int;
    sector_size => xSectorSize() -> c_int;
    device_characteristics => xDeviceCharacteristics() -> c_int;
    shm_map => xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void) -> c_int;
    shm_lock => xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    shm_barrier => xShmBarrier() -> ();
    shm_unmap => xShmUnmap(delete: c_int) -> c_int;
}
