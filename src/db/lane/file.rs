//! The lane of an SQLite file: one thread that owns the writing connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use tokio::sync::watch;

use super::job::{Job, Ran};
use super::next_batch;
use crate::db::connection::DbConn;
use crate::db::sqlite::connect;
use crate::db::tx::{Memories, WriteTx, begin, commit, rollback};
use crate::error::Error;

/// Runs what waits, a batch in one transaction.
pub(super) struct Writer {
    conn: DbConn,
    path: PathBuf,
    memories: Memories,
    announce: watch::Sender<u64>,
}

impl Writer {
    pub(super) fn new(conn: DbConn, path: PathBuf, announce: watch::Sender<u64>) -> Self {
        Self { conn, path, memories: Memories::default(), announce }
    }

    pub(super) fn run(&mut self, waiting: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = waiting.recv() {
            let batch = next_batch(first, waiting);
            let ran = catch_unwind(AssertUnwindSafe(|| self.batch(batch))).unwrap_or_else(|_| {
                // The callers have lost their answers and may ask again; what is remembered may be half of the truth.
                log::error!("database: a batch panicked outside its writes");
                self.reopen();
                Lock::Had
            });
            if ran == Lock::Refused {
                // What came meanwhile has waited too; another whole wait would be too long for its callers (threats DUR-5).
                while let Ok(job) = waiting.try_recv() {
                    job.answer(Some(Error::Busy));
                }
            }
        }
    }

    fn batch(&mut self, mut jobs: Vec<Box<dyn Job>>) -> Lock {
        match self.attempt(&mut jobs) {
            Attempt::Committed => jobs.into_iter().for_each(|job| job.answer(None)),
            Attempt::RolledBack if jobs.len() > 1 => {
                let mut waiting = jobs.into_iter();
                while let Some(job) = waiting.next() {
                    if self.batch(vec![job]) == Lock::Refused {
                        waiting.for_each(|job| job.answer(Some(Error::Busy)));
                        return Lock::Refused;
                    }
                }
            }
            Attempt::RolledBack => jobs.into_iter().for_each(|job| job.answer(None)),
            Attempt::NotBegun(error) => {
                log::error!("database: {} writes were not begun: {error}", jobs.len());
                // Opened again before anybody hears of it: what comes after an answer has not waited.
                self.reopen();
                jobs.into_iter().for_each(|job| job.answer(Some(Error::Busy)));
                return Lock::Refused;
            }
            Attempt::Failed(error) => {
                log::error!("database: {} writes are not known to be durable: {error}", jobs.len());
                let failure = || Error::Internal("the commit is not known to be durable".into());
                jobs.into_iter().for_each(|job| job.answer(Some(failure())));
                self.reopen();
            }
        }
        Lock::Had
    }

    fn attempt(&mut self, jobs: &mut [Box<dyn Job>]) -> Attempt {
        if let Err(error) = begin(&mut self.conn) {
            return Attempt::NotBegun(error);
        }
        let mut announced = false;
        for job in jobs.iter_mut() {
            let mut tx = WriteTx::new(&mut self.conn, &mut self.memories);
            if job.run(&mut tx) == Ran::Failed {
                self.forget();
                return Attempt::RolledBack;
            }
            announced |= tx.announced();
        }
        if let Err(error) = self.memories.flush(&mut self.conn) {
            self.forget();
            if jobs.len() > 1 {
                log::warn!("database: a batch of {} is run again one by one: {error}", jobs.len());
                return Attempt::RolledBack;
            }
            return Attempt::Failed(error);
        }
        match commit(&mut self.conn) {
            Ok(()) => {
                self.memories.committed();
                if announced {
                    self.announce.send_modify(|commits| *commits += 1);
                }
                Attempt::Committed
            }
            Err(error) => {
                self.forget();
                Attempt::Failed(error)
            }
        }
    }

    fn forget(&mut self) {
        rollback(&mut self.conn);
        self.memories.rolled_back();
    }

    /// After a failure whose extent is not known, nothing remembered is trusted: the truth is read again from the file.
    fn reopen(&mut self) {
        self.memories = Memories::default();
        match connect(&self.path) {
            Ok(conn) => self.conn = DbConn::Sqlite(conn),
            Err(error) => log::error!("database: cannot be opened again, trying with the next write: {error}"),
        }
    }
}

/// Whether a batch had the database to itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lock {
    Had,
    Refused,
}

enum Attempt {
    Committed,
    /// Nothing of it was kept; each piece of work knows why.
    RolledBack,
    /// The write lock was not to be had, or the database is unusable: nothing was run.
    NotBegun(diesel::result::Error),
    /// The database did not do it, or nobody knows whether it did.
    Failed(diesel::result::Error),
}
