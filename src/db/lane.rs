//! Group commit: one thread owns the writing connection, takes what waits, runs it in one transaction, and answers after the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

use super::connection::{DbConn, connect};
use super::tx::{Memories, WriteTx, begin, commit, rollback};
use crate::error::Error;

/// A longer queue would make callers wait longer than they are willing to; a full one answers at once.
const QUEUE: usize = 4096;

/// A larger batch holds the lock longer; a smaller one shares its sync with fewer.
const BATCH: usize = 256;

type Jobs = SyncSender<Box<dyn Job>>;

#[derive(Clone)]
pub(super) struct Lane {
    jobs: Arc<Mutex<Option<Jobs>>>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    pressure: Arc<AtomicBool>,
    news: watch::Receiver<u64>,
}

impl Lane {
    pub(super) fn start(conn: DbConn, path: PathBuf, pressure: Arc<AtomicBool>) -> Self {
        let (jobs, waiting) = sync_channel(QUEUE);
        let (announce, news) = watch::channel(0);
        let mut writer = Writer { conn, path, memories: Memories::default(), announce };
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || writer.run(&waiting))
            .expect("the system can start a thread");
        let (jobs, thread) = (Arc::new(Mutex::new(Some(jobs))), Arc::new(Mutex::new(Some(thread))));
        Self { jobs, thread, pressure, news }
    }

    pub(super) fn submit<T, F>(&self, work: F) -> Result<oneshot::Receiver<Result<T, Error>>, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTx<'_>) -> Result<T, Error> + Send + 'static,
    {
        if self.pressure.load(Ordering::Relaxed) {
            return Err(Error::Busy);
        }
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Work { work, result: None, reply });
        let jobs = self.jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match jobs.as_ref().map(|jobs| jobs.try_send(job)) {
            Some(Ok(())) => Ok(answer),
            Some(Err(TrySendError::Full(_))) => Err(Error::Busy),
            Some(Err(TrySendError::Disconnected(_))) | None => {
                Err(Error::Internal("the writer lane has stopped".into()))
            }
        }
    }

    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.clone()
    }

    /// Takes no more work and waits for the last commit.
    pub(super) fn close(&self) {
        self.jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        let thread = self.thread.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            log::error!("database: the writer lane ended with a panic");
        }
    }
}

/// How a piece of work went inside a transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ran {
    /// It may be committed with the others: it worked, or it was refused before it wrote anything.
    Good,
    /// What it wrote must go.
    Failed,
}

trait Job: Send {
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Ran;
    fn answer(self: Box<Self>, failure: Option<Error>);
}

struct Work<T, F> {
    work: F,
    result: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Job for Work<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut WriteTx<'_>) -> Result<T, Error> + Send + 'static,
{
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Ran {
        let caught = catch_unwind(AssertUnwindSafe(|| (self.work)(tx)));
        let result = caught.unwrap_or_else(|_| Err(Error::Internal("a write panicked".into())));
        let ran = match &result {
            Ok(_) => Ran::Good,
            Err(error) if error.is_refusal() && !tx.wrote() => Ran::Good,
            Err(_) => Ran::Failed,
        };
        self.result = Some(result);
        ran
    }

    fn answer(self: Box<Self>, failure: Option<Error>) {
        // Even a refusal is worth nothing when the commit failed: it may rest on what others of the batch had written.
        let result = match (self.result, failure) {
            (_, Some(failure)) => Err(failure),
            (Some(ran), None) => ran,
            (None, None) => Err(Error::Internal("a write was never run".into())),
        };
        let _caller_may_have_left = self.reply.send(result);
    }
}

struct Writer {
    conn: DbConn,
    path: PathBuf,
    memories: Memories,
    announce: watch::Sender<u64>,
}

impl Writer {
    fn run(&mut self, waiting: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = waiting.recv() {
            let mut batch = Vec::with_capacity(16);
            batch.push(first);
            while batch.len() < BATCH {
                match waiting.try_recv() {
                    Ok(job) => batch.push(job),
                    Err(_) => break,
                }
            }
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
                jobs.into_iter().for_each(|job| job.answer(Some(Error::Busy)));
                self.reopen();
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
            Ok(conn) => self.conn = conn,
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
