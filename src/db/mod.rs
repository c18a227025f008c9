//! The database: writer lanes with group commit, a pool of readers, migrations; in a file or on a server.
//!
//! Nothing here knows what is stored. Callers see [`Db::write`], [`Db::read`] and, inside a write, [`WriteTx`].

mod checkpoint;
mod connection;
mod lane;
mod lock;
pub mod migrate;
mod numbers;
mod place;
mod postgres;
mod readers;
pub mod schema;
mod scope;
mod sqlite;
mod turn;
mod tx;

use std::sync::Arc;
use std::time::Duration;

use diesel::expression::SqlLiteral;
use diesel::r2d2::Pool;
use diesel::sql_types::Bool;
use tokio::sync::watch;

use crate::error::Error;

pub use connection::{DbConn, connect, connect_read_only};
pub use lock::FileLock;
pub use numbers::Numbered;
pub use place::Place;
pub use scope::Scope;
pub use turn::{Wait, lock_players, take_turn};
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

/// The open database of a running service.
#[derive(Clone)]
pub struct Db {
    place: Place,
    lanes: lane::Lanes,
    readers: Pool<readers::Readers>,
    commits: watch::Receiver<u64>,
    news: Arc<watch::Sender<u64>>,
    _checkpoints: Option<Arc<checkpoint::Checkpoints>>,
    _lock: Option<Arc<FileLock>>,
}

impl Db {
    /// Opens a migrated database for writing; `lock` keeps every other service out of a file until this is dropped. `lanes` and `warm`
    /// are for a server.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn open(place: &Place, lock: Option<FileLock>, lanes: usize, warm: Warm) -> Result<Self, OpenError> {
        let size = if place.file().is_some() { READERS_OF_A_FILE } else { READERS_OF_A_SERVER };
        let readers = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(Duration::from_secs(5))
            .build(readers::Readers(place.clone()))
            .map_err(|error| OpenError(format!("cannot open readers of {}: {error}", place.shown())))?;
        let (announce, commits) = watch::channel(0);
        let (lanes, checkpoints) = match place {
            Place::Sqlite(path) => {
                let writer = connect(place)?;
                let checkpoints = checkpoint::Checkpoints::start(path)?;
                (lane::Lanes::of_file(writer, path.clone(), checkpoints.pressure(), announce), Some(Arc::new(checkpoints)))
            }
            Place::Postgres(_) => (lane::Lanes::of_server(place, lanes, warm, &announce), None),
        };
        let (place, news) = (place.clone(), Arc::new(watch::Sender::new(0)));
        Ok(Self { place, lanes, readers, commits, news, _checkpoints: checkpoints, _lock: lock.map(Arc::new) })
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
    /// committed is read once it is sealed, whoever committed it ([`Db::publish`]).
    pub fn news(&self) -> watch::Receiver<u64> {
        if self.is_file() { self.commits() } else { self.news.subscribe() }
    }

    /// Lets those who wait with [`Db::news`] look again.
    pub fn publish(&self) {
        self.news.send_modify(|times| *times += 1);
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

    /// Ends the writer lanes after what waits in them; later writes get `Internal`. For an orderly stop.
    pub fn close(&self) {
        self.lanes.close();
    }
}

/// A condition in the very words of a partial index, which a bound value would not match.
pub fn literally(condition: &'static str) -> SqlLiteral<Bool> {
    diesel::dsl::sql::<Bool>(condition)
}
