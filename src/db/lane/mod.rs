//! Group commit: a lane is a thread that owns a writing connection, takes what waits, runs it in one transaction, and answers after the
//! commit. A file has one lane; a server has several, and a player's work always takes the same one.

mod file;
mod job;
mod server;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::checkpoint::Log;
use super::connection::DbConn;
use super::place::Place;
use super::scope::Scope;
use super::sealer::Sealer;
use super::tx::{Warm, WriteTx};
use crate::error::Error;
use job::{Job, Work};

/// A longer queue would make callers wait longer than they are willing to; a full one answers at once.
const QUEUE: usize = 4096;

/// A larger batch holds the lock longer; a smaller one shares its sync with fewer.
const BATCH: usize = 256;

type Jobs = SyncSender<Box<dyn Job>>;

/// The lanes of a database.
#[derive(Clone)]
pub(super) struct Lanes {
    lanes: Arc<[Lane]>,
    log: Arc<Log>,
}

struct Lane {
    jobs: Mutex<Option<Jobs>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Lanes {
    /// The one lane of a file. `announce` counts commits that somebody waits for; `log` says when nothing may be written.
    pub(super) fn of_file(conn: DbConn, path: PathBuf, log: Arc<Log>, announce: watch::Sender<u64>) -> Self {
        let mut writer = file::Writer::new(conn, path, log.clone(), announce);
        let lane = Lane::start(move |waiting| writer.run(waiting));
        Self { lanes: Arc::new([lane]), log }
    }

    /// The lanes of a server.
    pub(super) fn of_server(
        place: &Place,
        count: usize,
        warm: Warm,
        announce: &watch::Sender<u64>,
        sealer: &Arc<Sealer>,
    ) -> Self {
        let process = crate::ids::time_ordered();
        let lane = |number: usize| {
            let committed = server::Committed { announce: announce.clone(), sealer: sealer.clone() };
            let mut writer = server::Writer::new(format!("{process}:{number}"), place.clone(), warm, committed);
            Lane::start(move |waiting| writer.run(waiting))
        };
        Self { lanes: (0..count.max(1)).map(lane).collect(), log: Arc::default() }
    }

    /// What there is to say of the log of a file; of a server's nothing.
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    pub(super) fn submit<T, F>(&self, scope: Scope, work: F) -> Result<oneshot::Receiver<Result<T, Error>>, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTx<'_>) -> Result<T, Error> + Send + 'static,
    {
        if self.log.is_full() || self.log.has_failed() {
            return Err(Error::Busy);
        }
        let lane = &self.lanes[self.lane_of(&scope)];
        let (reply, answer) = oneshot::channel();
        lane.submit(Box::new(Work::new(scope, work, reply)))?;
        Ok(answer)
    }

    fn lane_of(&self, scope: &Scope) -> usize {
        if self.lanes.len() == 1 {
            return 0;
        }
        let mut hasher = DefaultHasher::new();
        scope.whose().hash(&mut hasher);
        usize::try_from(hasher.finish() % self.lanes.len() as u64).expect("less than the number of lanes")
    }

    /// Takes no more work and waits for the last commit.
    pub(super) fn close(&self) {
        self.lanes.iter().for_each(Lane::take_no_more);
        self.lanes.iter().for_each(Lane::wait);
    }
}

/// Whether a thread ends within ten seconds. While a standby is away a COMMIT waits for it without end; what it has not answered nobody
/// was told, so a stop need not wait for it (threats NET-8).
pub(super) fn ends_soon(thread: &JoinHandle<()>) -> bool {
    for _ in 0..1000 {
        if thread.is_finished() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

impl Lane {
    fn start(run: impl FnOnce(&Receiver<Box<dyn Job>>) + Send + 'static) -> Self {
        let (jobs, waiting) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || run(&waiting))
            .expect("the system can start a thread");
        Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) }
    }

    fn submit(&self, job: Box<dyn Job>) -> Result<(), Error> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match jobs.as_ref().map(|jobs| jobs.try_send(job)) {
            Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(_))) => Err(Error::Busy),
            Some(Err(TrySendError::Disconnected(_))) | None => {
                Err(Error::Internal("the writer lane has stopped".into()))
            }
        }
    }

    fn take_no_more(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Waits for the last commit, and until the connection is closed.
    fn wait(&self) {
        let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        if thread.thread().id() == std::thread::current().id() {
            // A piece of work had the last handle of the database: its thread ends by itself.
        } else if !ends_soon(&thread) {
            log::error!("database: a commit has no answer; the stop does not wait for it");
        } else if thread.join().is_err() {
            log::error!("database: the writer lane ended with a panic");
        }
    }
}

/// The lock of a file must outlive the writing connection.
impl Drop for Lane {
    fn drop(&mut self) {
        self.take_no_more();
        self.wait();
    }
}

/// What waits now, `first` included, as far as it goes into one transaction.
fn next_batch(first: Box<dyn Job>, waiting: &Receiver<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let mut batch = Vec::with_capacity(16);
    batch.push(first);
    while batch.len() < BATCH {
        match waiting.try_recv() {
            Ok(job) => batch.push(job),
            Err(_) => break,
        }
    }
    batch
}
