//! One service per database file (threats DUR-6).

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use super::OpenError;
use super::place::Place;

/// How long a service that ends may take to let go: after a kill the system closes its files one by one, and a restart may come sooner.
/// So often it is looked again.
const LOOKS: u32 = 100;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Held while a service owns a database file. The lock sits on the file itself, so another path to it meets the same lock,
/// and the system drops it when the process ends, however it ends. It does not hinder commands that run beside the service.
///
/// It must outlive every connection of the process: closing any handle of the file drops SQLite's own locks.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// The lock of a place that only one service may use; a server has its own rules for many.
    ///
    /// # Errors
    ///
    /// As [`FileLock::take`].
    pub fn of(place: &Place) -> Result<Option<Self>, OpenError> {
        place.file().map(Self::take).transpose()
    }

    /// Takes the lock, creating the file when it is missing. Waits a moment for whoever is letting go of it.
    ///
    /// # Errors
    ///
    /// The file cannot be opened for writing, or another instance has it.
    pub fn take(path: &Path) -> Result<Self, OpenError> {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(|error| OpenError(format!("{}: {error}", path.display())))?;
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_AGAIN),
                Err(TryLockError::Error(error)) => {
                    return Err(OpenError(format!("{}: cannot lock: {error}", path.display())));
                }
            }
        }
        Err(OpenError(format!("{}: another croupier service is using this database", path.display())))
    }
}
