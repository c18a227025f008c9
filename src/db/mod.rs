//! The database: one writer lane with group commit, a pool of readers, migrations.
//!
//! Nothing here knows what is stored. Callers see [`Db::write`], [`Db::read`] and, inside a write, [`WriteTx`].

mod checkpoint;
mod connection;
mod lane;
mod lock;
pub mod migrate;
pub mod schema;
mod tx;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::expression::SqlLiteral;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::sql_types::Bool;
use tokio::sync::watch;

use crate::error::Error;

pub use connection::{DbConn, connect, connect_read_only, sqlite_path};
pub use lock::FileLock;
pub(crate) use tx::insert_in_chunks;
pub use tx::{Memory, Row, WriteTx, immediately};

/// Why a database could not be opened. The text is for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);

/// The open database of a running service.
#[derive(Clone)]
pub struct Db {
    lane: lane::Lane,
    readers: Pool<ConnectionManager<DbConn>>,
    _checkpoints: Arc<checkpoint::Checkpoints>,
    _lock: Arc<FileLock>,
}

impl Db {
    /// Opens a migrated database for writing; `lock` keeps every other service out of it until this is dropped.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the file.
    pub fn open(path: &Path, lock: FileLock) -> Result<Self, OpenError> {
        let writer = connect(path)?;
        let readers = Pool::builder()
            .max_size(4)
            .min_idle(Some(1))
            .connection_timeout(Duration::from_secs(5))
            .connection_customizer(Box::new(connection::Reader))
            .build(ConnectionManager::new(path.to_string_lossy()))
            .map_err(|error| OpenError(format!("cannot open readers of {}: {error}", path.display())))?;
        let checkpoints = checkpoint::Checkpoints::start(path)?;
        let lane = lane::Lane::start(writer, path.to_owned(), checkpoints.pressure());
        Ok(Self { lane, readers, _checkpoints: Arc::new(checkpoints), _lock: Arc::new(lock) })
    }

    /// Runs `work` in a write transaction and returns after the commit is on the disk.
    ///
    /// `work` may run twice (when another write of the same batch fails), so it does database work only. It decides before it
    /// writes: a refusal before the first write costs nothing, one after it makes the batch run again one by one.
    ///
    /// # Errors
    ///
    /// What `work` returned, or `Busy` when too many writes wait, or `Database` when the commit is not known to be durable.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTx<'_>) -> Result<T, Error> + Send + 'static,
    {
        let answer = self.lane.submit(work)?;
        answer.await.map_err(|_| Error::Internal("the writer lane has stopped".into()))?
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

    /// Changes after every commit in which something was announced ([`WriteTx::announce`]).
    pub fn news(&self) -> watch::Receiver<u64> {
        self.lane.news()
    }

    /// Whether the database answers and is migrated.
    ///
    /// # Errors
    ///
    /// Why not.
    pub async fn check(&self) -> Result<(), Error> {
        self.read(|conn| Ok(migrate::database_id(conn).map(|_| ())?)).await
    }

    /// Ends the writer lane after what waits in it; later writes get `Internal`. For an orderly stop.
    pub fn close(&self) {
        self.lane.close();
    }
}

/// A condition in the very words of a partial index, which a bound value would not match.
pub fn literally(condition: &'static str) -> SqlLiteral<Bool> {
    diesel::dsl::sql::<Bool>(condition)
}
