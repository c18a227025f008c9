//! A directory whose files are watched: everything that SQLite does to them is noted in order, with what the service promised meanwhile, and
//! a chosen call may fail.

use std::ffi::c_int;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use libsqlite3_sys as sqlite;

use crate::promise::Promise;

/// A file's name within its directory.
pub type Name = Arc<str>;

/// Kinds of calls that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Open,
    Read,
    Write,
    Truncate,
    Sync,
    Size,
    Delete,
    Access,
}

impl Kind {
    /// What SQLite's own file system says when the system says EIO.
    fn failed(self) -> c_int {
        match self {
            Kind::Open => sqlite::SQLITE_CANTOPEN,
            Kind::Read => sqlite::SQLITE_IOERR_READ,
            Kind::Write => sqlite::SQLITE_IOERR_WRITE,
            Kind::Truncate => sqlite::SQLITE_IOERR_TRUNCATE,
            Kind::Sync => sqlite::SQLITE_IOERR_FSYNC,
            Kind::Size => sqlite::SQLITE_IOERR_FSTAT,
            Kind::Delete => sqlite::SQLITE_IOERR_DELETE,
            Kind::Access => sqlite::SQLITE_IOERR_ACCESS,
        }
    }
}

/// What happens to a file's content.
#[derive(Debug, Clone)]
pub enum Change {
    Write { at: u64, bytes: Arc<[u8]> },
    Truncate { size: u64 },
}

/// What was done, in order. Files are numbered, those that were there before first.
#[derive(Debug, Clone)]
pub enum Event {
    Changed(usize, Change),
    /// What was done to the file before is on the disk.
    Synced(usize),
    /// The system could not say so: what was not on the disk by then may never get there, and no later sync says otherwise.
    SyncFailed(usize),
    /// The name now means this file.
    Linked(Name, usize),
    Unlinked(Name),
    /// The names are on the disk.
    DirectorySynced,
    /// Something outside the files.
    Promised(Promise),
}

impl Event {
    /// Whether the system was called, as opposed to a caller answered.
    pub fn is_call(&self) -> bool {
        !matches!(self, Event::Promised(_))
    }
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum How {
    /// EIO.
    Io,
    /// ENOSPC: nothing more is taken.
    NoSpace,
    /// Half of it is written, then there is no space.
    Short,
}

/// Which call fails: the `nth` from when it is set, from 0, and `times` in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub nth: u64,
    pub how: How,
    pub times: u64,
    /// Sabotage: what fails is reported as done.
    pub denied: bool,
}

/// Everything that was noted.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// The files before, by name: what a sync had put there.
    pub before: Vec<(Name, Arc<[u8]>)>,
    pub events: Vec<Event>,
}

#[derive(Default)]
struct State {
    trace: Trace,
    names: Vec<(Name, usize)>,
    files: usize,
    fault: Option<Fault>,
    calls: u64,
    failed: Option<Kind>,
}

/// A watched directory.
pub struct Disk {
    directory: PathBuf,
    weak: bool,
    state: Mutex<State>,
}

static DISKS: RwLock<Vec<Arc<Disk>>> = RwLock::new(Vec::new());

/// The disk that watches a file, and the file's name there.
pub fn of(path: &Path) -> Option<(Arc<Disk>, Name)> {
    let disks = DISKS.read().unwrap_or_else(PoisonError::into_inner);
    let disk = disks.iter().find(|disk| path.parent() == Some(&*disk.directory))?;
    Some((disk.clone(), path.file_name()?.to_str()?.into()))
}

impl Disk {
    /// Watches `directory`, in which these files are. With `weak`, connections get `synchronous = NORMAL` whatever they ask for.
    pub fn watch(directory: &Path, before: Vec<(Name, Arc<[u8]>)>, weak: bool) -> Arc<Self> {
        let names: Vec<_> = before.iter().enumerate().map(|(file, (name, _))| (name.clone(), file)).collect();
        let files = names.len();
        let state = State { names, files, trace: Trace { before, events: Vec::new() }, ..State::default() };
        let directory = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let disk = Arc::new(Self { directory, weak, state: Mutex::new(state) });
        DISKS.write().unwrap_or_else(PoisonError::into_inner).push(disk.clone());
        disk
    }

    /// Forgets the directory and gives what was noted.
    pub fn end(&self) -> Trace {
        DISKS.write().unwrap_or_else(PoisonError::into_inner).retain(|disk| disk.directory != self.directory);
        std::mem::take(&mut self.state().trace)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what happens outside the files.
    pub fn note(&self, promise: Promise) {
        self.state().trace.events.push(Event::Promised(promise));
    }

    /// Counts calls from now on, and lets one of them fail.
    pub fn arm(&self, fault: Option<Fault>) {
        let mut state = self.state();
        (state.calls, state.fault, state.failed) = (0, fault, None);
    }

    /// Lets nothing fail any more. Gives the calls since [`Disk::arm`], and the first that failed.
    pub fn disarm(&self) -> (u64, Option<Kind>) {
        let mut state = self.state();
        state.fault = None;
        (state.calls, state.failed)
    }

    /// Lets nothing fail any more; calls are counted on.
    pub fn mend(&self) {
        self.state().fault = None;
    }

    pub fn is_weak(&self) -> bool {
        self.weak
    }

    pub fn open(&self, name: &Name, creates: bool, real: impl FnOnce() -> c_int) -> Result<usize, c_int> {
        let mut state = self.state();
        if state.verdict(Kind::Open).is_some() {
            return Err(Kind::Open.failed());
        }
        let was_there = self.directory.join(&**name).exists();
        match real() {
            sqlite::SQLITE_OK => {}
            code => return Err(code),
        }
        let known = state.names.iter().find(|(known, _)| known == name).map(|(_, file)| *file);
        match known {
            Some(file) if was_there || !creates => Ok(file),
            // It was made just now, or by the service itself before it opened it.
            _ => {
                let file = state.files;
                state.files += 1;
                state.names.retain(|(known, _)| known != name);
                state.names.push((name.clone(), file));
                state.trace.events.push(Event::Linked(name.clone(), file));
                Ok(file)
            }
        }
    }

    pub fn delete(&self, name: &Name, syncs: bool, real: impl FnOnce() -> c_int) -> c_int {
        let mut state = self.state();
        if state.verdict(Kind::Delete).is_some() {
            return Kind::Delete.failed();
        }
        let code = real();
        if code == sqlite::SQLITE_OK {
            state.names.retain(|(known, _)| known != name);
            state.trace.events.push(Event::Unlinked(name.clone()));
            if syncs {
                state.trace.events.push(Event::DirectorySynced);
            }
        }
        code
    }

    /// A call that changes nothing.
    pub fn look(&self, kind: Kind, _name: &Name, real: impl FnOnce() -> c_int) -> c_int {
        let mut state = self.state();
        match state.verdict(kind) {
            Some(fault) if !fault.denied => kind.failed(),
            _ => real(),
        }
    }

    pub fn write(&self, (file, _): (usize, &Name), at: u64, bytes: &[u8], real: impl FnOnce(&[u8]) -> c_int) -> c_int {
        let mut state = self.state();
        let (part, answer) = match state.verdict(Kind::Write) {
            None => (bytes, None),
            Some(fault) => {
                let part = if fault.how == How::Short { &bytes[..bytes.len() / 2] } else { &bytes[..0] };
                let answer = match fault.how {
                    _ if fault.denied => sqlite::SQLITE_OK,
                    How::Io => Kind::Write.failed(),
                    How::NoSpace | How::Short => sqlite::SQLITE_FULL,
                };
                (part, Some(answer))
            }
        };
        if part.is_empty() {
            return answer.unwrap_or(sqlite::SQLITE_OK);
        }
        match real(part) {
            sqlite::SQLITE_OK => {}
            code => return code,
        }
        state.trace.events.push(Event::Changed(file, Change::Write { at, bytes: part.into() }));
        answer.unwrap_or(sqlite::SQLITE_OK)
    }

    pub fn truncate(&self, (file, _): (usize, &Name), size: u64, real: impl FnOnce() -> c_int) -> c_int {
        let mut state = self.state();
        if let Some(fault) = state.verdict(Kind::Truncate) {
            return if fault.denied { sqlite::SQLITE_OK } else { Kind::Truncate.failed() };
        }
        let code = real();
        if code == sqlite::SQLITE_OK {
            state.trace.events.push(Event::Changed(file, Change::Truncate { size }));
        }
        code
    }

    pub fn sync(&self, (file, _): (usize, &Name), directory: bool) -> c_int {
        let mut state = self.state();
        if let Some(fault) = state.verdict(Kind::Sync) {
            state.trace.events.push(Event::SyncFailed(file));
            return if fault.denied { sqlite::SQLITE_OK } else { Kind::Sync.failed() };
        }
        state.trace.events.push(Event::Synced(file));
        if directory {
            state.trace.events.push(Event::DirectorySynced);
        }
        sqlite::SQLITE_OK
    }
}

impl State {
    /// Counts a call, and says whether it fails. What cannot go wrong in that way does not, and is not what was meant.
    fn verdict(&mut self, kind: Kind) -> Option<Fault> {
        let number = self.calls;
        self.calls += 1;
        let fault = self.fault?;
        let fits = fault.how == How::Io || kind == Kind::Write;
        // With a full disk the one call that is meant must be a write; those that follow may be anything, and only writes fail.
        let is_meant = number >= fault.nth && number < fault.nth.saturating_add(fault.times);
        if !is_meant || !fits || (self.failed.is_none() && number != fault.nth) {
            return None;
        }
        self.failed.get_or_insert(kind);
        Some(fault)
    }
}
