//! The lane of an SQLite file: one thread that owns the writing connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::watch;

use super::job::{Job, Ran};
use super::next_batch;
use crate::db::checkpoint::Log;
use crate::db::connection::DbConn;
use crate::db::sqlite::connect_writer;
use crate::db::tx::{Memories, WriteTx, begin, commit, rollback};
use crate::error::Error;

/// Runs what waits, a batch in one transaction.
pub(super) struct Writer {
    conn: DbConn,
    path: PathBuf,
    memories: Memories,
    log: Arc<Log>,
    announce: watch::Sender<u64>,
}

impl Writer {
    pub(super) fn new(conn: DbConn, path: PathBuf, log: Arc<Log>, announce: watch::Sender<u64>) -> Self {
        Self { conn, path, memories: Memories::default(), log, announce }
    }

    pub(super) fn run(&mut self, waiting: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = waiting.recv() {
            let batch = next_batch(first, waiting);
            if self.log.has_failed() {
                batch.into_iter().for_each(|job| job.answer(Some(Error::Busy)));
                continue;
            }
            if catch_unwind(AssertUnwindSafe(|| self.batch(batch, waiting))).is_err() {
                // The callers have lost their answers and may ask again; what is remembered may be half of the truth.
                log::error!("database: a batch panicked outside its writes");
                self.reopen();
            }
            self.log.move_rest(&mut self.conn);
        }
    }

    fn batch(&mut self, mut jobs: Vec<Box<dyn Job>>, waiting: &Receiver<Box<dyn Job>>) -> Lock {
        match self.attempt(&mut jobs) {
            Attempt::Committed => jobs.into_iter().for_each(|job| job.answer(None)),
            Attempt::RolledBack if jobs.len() > 1 => {
                let mut rest = jobs.into_iter();
                while let Some(job) = rest.next() {
                    if self.batch(vec![job], waiting) == Lock::Refused {
                        rest.for_each(|job| job.answer(Some(Error::Busy)));
                        return Lock::Refused;
                    }
                }
            }
            Attempt::RolledBack => jobs.into_iter().for_each(|job| job.answer(None)),
            Attempt::NotBegun(error) => {
                log::error!("database: {} writes were not begun: {error}", jobs.len());
                // Before anybody hears of it: whoever comes after an answer has not waited, and is tried.
                self.reopen();
                // What came meanwhile has waited too; another whole wait would be too long for its callers (threats DUR-5).
                let came: Vec<_> = waiting.try_iter().collect();
                jobs.into_iter().chain(came).for_each(|job| job.answer(Some(Error::Busy)));
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
        match connect_writer(&self.path) {
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{SyncSender, sync_channel};

    use diesel::connection::SimpleConnection;

    use crate::db::checkpoint::tests::of_the_disk;
    use crate::db::scope::Scope;
    use crate::db::sqlite::connect;

    use super::*;

    /// Told whether it ran, and then what the lane said.
    struct Probe<F> {
        ran: bool,
        told: F,
    }

    impl<F: FnOnce(bool, Option<Error>) + Send> Job for Probe<F> {
        fn scope(&self) -> &Scope {
            &Scope::Nobody
        }

        fn is_abandoned(&self) -> bool {
            false
        }

        fn failure(&self) -> Option<&Error> {
            None
        }

        fn run(&mut self, _tx: &mut WriteTx<'_>) -> Ran {
            self.ran = true;
            Ran::Good
        }

        fn answer(self: Box<Self>, failure: Option<Error>) {
            (self.told)(self.ran, failure);
        }
    }

    #[test]
    fn whoever_comes_after_a_refused_wait_is_tried_and_whoever_waited_with_it_is_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("books.db");
        let mut impatient = connect(&path).expect("opens");
        impatient.batch_execute("PRAGMA busy_timeout = 0").expect("no patience");
        let mut holder = connect(&path).expect("opens");
        holder.batch_execute("BEGIN IMMEDIATE").expect("the lock");
        let (jobs, waiting): (SyncSender<Box<dyn Job>>, _) = sync_channel(4);
        let told = Arc::new(Mutex::new(Vec::new()));
        let note = |name: &'static str| {
            let told = told.clone();
            move |ran: bool, failure: Option<Error>| {
                told.lock().expect("nobody panics with it").push((name, ran, failure.is_some()));
            }
        };
        let (later, own, noted, after) = (jobs.clone(), note("first"), note("meanwhile"), note("after"));
        let first = Probe {
            ran: false,
            told: move |ran, failure| {
                own(ran, failure);
                holder.batch_execute("COMMIT").expect("the lock is given back");
                later.send(Box::new(Probe { ran: false, told: after })).expect("room in the queue");
            },
        };
        let meanwhile: Box<dyn Job> = Box::new(Probe { ran: false, told: noted });
        let mut writer = Writer::new(DbConn::Sqlite(impatient), path, Arc::default(), watch::Sender::new(0));

        jobs.send(meanwhile).expect("room in the queue");
        drop(jobs);
        writer.batch(vec![Box::new(first)], &waiting);
        writer.run(&waiting);

        let told = told.lock().expect("nobody panics with it");
        assert_eq!(*told, [("first", false, true), ("meanwhile", false, true), ("after", true, false)]);
    }

    /// A lane runs one piece of work, and ends.
    fn run_one(log: &Arc<Log>, told: impl FnOnce(bool, Option<Error>) + Send + 'static) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("books.db");
        let conn = DbConn::Sqlite(connect_writer(&path).expect("opens"));
        let mut writer = Writer::new(conn, path, log.clone(), watch::Sender::new(0));
        let (jobs, waiting): (SyncSender<Box<dyn Job>>, _) = sync_channel(1);
        jobs.send(Box::new(Probe { ran: false, told })).expect("room in the queue");
        drop(jobs);
        writer.run(&waiting);
    }

    /// threats R8
    #[test]
    fn after_the_disk_failed_under_a_checkpoint_what_waits_is_refused_and_not_run() {
        let (tell, told) = std::sync::mpsc::channel();
        let log = Arc::<Log>::default();
        log.not_moved(&of_the_disk());

        run_one(&log, move |ran, failure| tell.send((ran, failure)).expect("somebody listens"));

        assert!(matches!(told.recv().expect("an answer"), (false, Some(Error::Busy))));
    }

    #[test]
    fn the_rest_of_a_long_log_is_moved_after_the_batch_that_it_was_asked_of() {
        let log = Arc::<Log>::default();
        let asked = log.clone();
        log.set_rest(true);

        run_one(&log, move |ran, _| assert!(ran && asked.has_rest(), "the answer comes first"));

        assert!(!log.has_rest());
    }
}
