//! The database: writer lanes with group commit, a pool of readers, migrations; in a file or on a server.
//!
//! Nothing here knows what is stored. Callers see [`Db::write`], [`Db::read`] and, inside a write, [`WriteTx`].

mod bulk;
mod cached;
mod checkpoint;
mod connection;
pub mod copy;
pub mod homes;
mod lane;
mod lock;
pub mod migrate;
mod numbers;
mod place;
mod postgres;
mod readers;
pub mod schema;
mod scope;
mod sealer;
mod sqlite;
mod turn;
mod tx;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use diesel::expression::SqlLiteral;
use diesel::r2d2::Pool;
use diesel::sql_types::Bool;
use tokio::sync::watch;

use crate::error::Error;

pub use bulk::set_balances;
pub(crate) use cached::{Fixed, Gives, Value};
pub(crate) use connection::at_home;
pub use connection::{DbConn, connect, connect_read_only, connect_to_read_once};
pub use lock::FileLock;
pub use numbers::{Numbered, next_number};
pub use place::Place;
pub use scope::Scope;
pub use sealer::{Look, Seal, Sealed};
pub use turn::lock_players;
pub(crate) use tx::insert_in_chunks;
pub use tx::{FromDatabase, Memory, Row, Warm, WriteTx, immediately, snapshot};

/// Why a database could not be opened. The text is for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);

/// Readers of a file: half of them are for lists of players.
const READERS_OF_A_FILE: u32 = 4;

/// Readers on a server, where each read is a round trip.
const READERS_OF_A_SERVER: u32 = 8;

/// How long a caller waits for a write on a server. What has no answer by then is not known to have happened or not; the sender
/// repeats it, and is recognised.
const PATIENCE: Duration = Duration::from_secs(25);

/// What a server's lanes do besides the work they are given.
#[derive(Debug, Clone, Copy)]
pub struct Hooks {
    /// Runs first in each batch.
    pub warm: Warm,
    /// Whether there is something to seal.
    pub look: Look,
    /// Follows the commits.
    pub seal: Seal,
}

/// The open database of a running service.
#[derive(Clone)]
pub struct Db {
    place: Place,
    lanes: lane::Lanes,
    readers: Pool<readers::Readers>,
    commits: watch::Receiver<u64>,
    news: Arc<watch::Sender<u64>>,
    sealer: Option<Arc<sealer::Sealer>>,
    distrusted: Arc<OnceLock<String>>,
    checkpoints: Option<Arc<checkpoint::Checkpoints>>,
    _lock: Option<Arc<FileLock>>,
}

impl Db {
    /// Opens a migrated database for writing; `lock` keeps every other service out of a file until this is dropped. `lanes` and `hooks`
    /// are for a server.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn open(place: &Place, lock: Option<FileLock>, lanes: usize, hooks: Hooks) -> Result<Self, OpenError> {
        let size = if place.file().is_some() { READERS_OF_A_FILE } else { READERS_OF_A_SERVER };
        let readers = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(Duration::from_secs(5))
            // Whoever asked for a connection is told why there is none; the pool's own lines, several a second, would tell nobody more.
            .error_handler(Box::new(diesel::r2d2::NopErrorHandler))
            .build(readers::Readers(place.clone()))
            .map_err(|error| OpenError(format!("cannot open readers of {}: {error}", place.shown())))?;
        let (announce, commits) = watch::channel(0);
        let news = Arc::new(watch::Sender::new(0));
        let distrusted: Arc<OnceLock<String>> = Arc::default();
        let (lanes, checkpoints, sealer) = match place {
            Place::Sqlite(path) => {
                let writer = DbConn::Sqlite(sqlite::connect_writer(path)?);
                let checkpoints = checkpoint::Checkpoints::start(path)?;
                let lanes = lane::Lanes::of_file(writer, path.clone(), checkpoints.log(), announce);
                (lanes, Some(Arc::new(checkpoints)), None)
            }
            Place::Postgres(_) => {
                let sealer = Arc::new(sealer::Sealer::start(place.clone(), hooks, news.clone(), distrusted.clone()));
                (lane::Lanes::of_server(place, lanes, hooks.warm, &announce, &sealer), None, Some(sealer))
            }
        };
        let (place, lock) = (place.clone(), lock.map(Arc::new));
        Ok(Self { place, lanes, readers, commits, news, sealer, distrusted, checkpoints, _lock: lock })
    }

    /// Runs `work` in a write transaction and returns after the commit is on the disk, and on the standby where there is one.
    ///
    /// `work` may run again (when another write of the same batch fails, or somebody else was first), so it does database work only. It
    /// decides before it writes: a refusal before the first write costs nothing, one after it makes the batch run again one by one.
    ///
    /// # Errors
    ///
    /// What `work` returned, or `Busy` when too many writes wait, or `Internal` when the commit is not known to be durable.
    pub async fn write<T, F>(&self, scope: impl Into<Scope>, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTx<'_>) -> Result<T, Error> + Send + 'static,
    {
        if let Some(reason) = self.distrusted.get() {
            return Err(Error::Closed(reason.clone()));
        }
        let answer = self.lanes.submit(scope.into(), work)?;
        let stopped = |_| Error::Internal("the writer lane has stopped".into());
        if self.is_file() {
            return answer.await.map_err(stopped)?;
        }
        let late = |_| Error::Internal("the server has not answered; the write may have happened".into());
        tokio::time::timeout(PATIENCE, answer).await.map_err(late)?.map_err(stopped)?
    }

    /// Runs `work` on a reader's connection, which sees every commit that was answered before.
    ///
    /// # Errors
    ///
    /// What `work` returned, or `NoConnection`.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut DbConn) -> Result<T, Error> + Send + 'static,
    {
        let readers = self.readers.clone();
        let ran = tokio::task::spawn_blocking(move || {
            let mut conn = readers.get().map_err(|error| Error::NoConnection(error.to_string()))?;
            work(&mut conn)
        });
        ran.await.map_err(|error| Error::Internal(format!("a read panicked: {error}")))?
    }

    /// Changes after every commit of this process in which something was announced ([`WriteTx::announce`]).
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// Changes when there is something new to read for those who wait. On a file every announced commit is; on a server what was
    /// committed is read once it is sealed, whoever committed it.
    pub fn news(&self) -> watch::Receiver<u64> {
        if self.is_file() { self.commits() } else { self.news.subscribe() }
    }

    /// Waits until everything that was committed before can be read in its final order: in the log of events, in the chain. In a file it
    /// can be at once. When it takes too long, readers see a little less, never a gap; then it says `false`.
    pub async fn settle(&self) -> bool {
        match &self.sealer {
            Some(sealer) => sealer.settle().await,
            None => true,
        }
    }

    /// The newest thing in the final order that a failover cannot take back: what may be told to others. On a server a commit can be seen
    /// that the standby does not have, when its session was ended while it waited; the sealer's own commit, which did wait, covers
    /// everything it saw. A file has no standby.
    pub fn horizon(&self) -> i64 {
        self.sealer.as_ref().map_or(i64::MAX, |sealer| sealer.horizon())
    }

    /// Lets nothing be written any more by this process: the books are not the ones it knew (threats R8).
    pub fn distrust(&self, reason: &str) {
        distrust(&self.distrusted, reason);
    }

    /// Whether the database is a file of our own.
    pub fn is_file(&self) -> bool {
        self.place.file().is_some()
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether the database answers and is migrated.
    ///
    /// # Errors
    ///
    /// Why not.
    pub async fn check(&self) -> Result<(), Error> {
        self.read(|conn| Ok(migrate::database_id(conn).map(|_| ())?)).await
    }

    /// Whether the disk has failed in a way that only a new process may go on from: nothing more is written here (threats R8).
    pub fn has_failed(&self) -> bool {
        self.lanes.log().has_failed()
    }

    /// Ends when [`Db::has_failed`] becomes true.
    pub async fn failed(&self) {
        self.lanes.log().failed().await;
    }

    /// Moves the write-ahead log of a file into it, as far as can be. It is done all the time; this is for tests that go step by step.
    pub async fn move_log(&self) {
        if let Some(checkpoints) = &self.checkpoints {
            checkpoints.step().await;
        }
    }

    /// Ends the writer lanes after what waits in them; later writes get `Internal`. For an orderly stop, and for one because the disk has failed.
    pub fn close(&self) {
        self.lanes.close();
        if let (true, Some(path)) = (self.has_failed(), self.place.file())
            && let Err(error) = checkpoint::forget_index(path)
        {
            log::error!("database: end every program that has the file open before the next start: {error}");
        }
    }
}

/// Closes the books to this process, and says why once.
fn distrust(distrusted: &OnceLock<String>, reason: &str) {
    if distrusted.set(reason.to_owned()).is_ok() {
        log::error!("database: nothing is written any more, for the books have lost something: {reason}");
    }
}

/// A condition in the very words of a partial index, which a bound value would not match.
pub fn literally(condition: &'static str) -> SqlLiteral<Bool> {
    diesel::dsl::sql::<Bool>(condition)
}
