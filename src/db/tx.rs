//! What a write sees of its transaction.

use std::any::{Any, TypeId};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;

use super::connection::DbConn;
use super::numbers::{Numbered, next_number, next_numbers};
use super::scope::Scope;
use crate::error::Error;

/// A row that is inserted together with others of its kind at the end of a batch.
pub trait Row: Sized + Send + 'static {
    /// Rows with a lower number are inserted first: what others refer to comes before them.
    const ORDER: u8;

    /// Inserts all of them in one statement.
    ///
    /// # Errors
    ///
    /// What the database says.
    fn insert_many(rows: &[Self], conn: &mut DbConn) -> QueryResult<usize>;
}

/// Inserts rows with statements of a few fixed sizes, so that each is prepared once and then reused; one statement for any number of
/// rows would be parsed again at every batch, which costs more than the inserts. A macro, because the bounds that Diesel needs of a
/// generic row would hide the four lines they are for.
///
/// A file costs nothing to ask, a server a round trip each time: it gets larger pieces of more sizes.
macro_rules! insert_in_chunks {
    ($table:expr, $rows:expr, $conn:expr) => {{
        let rows = $rows;
        match $conn {
            $crate::db::DbConn::Sqlite(conn) => $crate::db::insert_in_chunks!(@sizes $table, rows, conn, 16 4 1),
            $crate::db::DbConn::Postgres(conn) => {
                $crate::db::insert_in_chunks!(@sizes $table, rows, conn, 128 64 32 16 8 4 2 1)
            }
        }
    }};
    (@sizes $table:expr, $rows:expr, $conn:expr, $($size:literal)+) => {{
        let (mut rest, mut inserted) = ($rows, 0);
        $(
            while let Some((chunk, after)) = rest.split_first_chunk::<$size>() {
                inserted += diesel::insert_into($table).values(chunk).execute($conn)?;
                rest = after;
            }
        )+
        assert!(rest.is_empty(), "one row at a time takes them all");
        Ok(inserted)
    }};
}
pub(crate) use insert_in_chunks;

/// Something the lane remembers between writes, so that it need not ask the database again. It owns what it remembers: on SQLite
/// one service has the file; on a server it remembers for one batch, what the batch's locks protect. Its changes become true with the
/// commit and are forgotten with a rollback.
pub trait Memory: Any + Send {
    /// When [`Memory::flush`] runs, among the rows' [`Row::ORDER`].
    fn order(&self) -> u8;
    /// Writes what has changed and is not in the database yet.
    ///
    /// # Errors
    ///
    /// What the database says.
    fn flush(&mut self, conn: &mut DbConn) -> QueryResult<()>;
    /// The changes since the last commit are durable.
    fn committed(&mut self);
    /// The changes since the last commit never happened.
    fn rolled_back(&mut self);
}

struct Staged<R> {
    rows: Vec<R>,
}

impl<R: Row> Memory for Staged<R> {
    fn order(&self) -> u8 {
        R::ORDER
    }

    fn flush(&mut self, conn: &mut DbConn) -> QueryResult<()> {
        if !self.rows.is_empty() {
            let inserted = R::insert_many(&self.rows, conn)?;
            assert_eq!(inserted, self.rows.len(), "every staged row is inserted");
            self.rows.clear();
        }
        Ok(())
    }

    fn committed(&mut self) {}

    fn rolled_back(&mut self) {
        self.rows.clear();
    }
}

/// Everything a lane remembers, in the order in which it is written.
#[derive(Default)]
pub(super) struct Memories {
    all: Vec<(TypeId, Box<dyn Memory>)>,
}

impl Memories {
    fn get<M: Memory>(&mut self, make: fn() -> M) -> &mut M {
        let wanted = TypeId::of::<M>();
        let found = self.all.iter().position(|(id, _)| *id == wanted);
        let at = found.unwrap_or_else(|| {
            let memory = make();
            let at = self.all.partition_point(|(_, other)| other.order() <= memory.order());
            self.all.insert(at, (wanted, Box::new(memory)));
            at
        });
        let any: &mut dyn Any = self.all[at].1.as_mut();
        any.downcast_mut().expect("the type was looked up by its id")
    }

    pub(super) fn flush(&mut self, conn: &mut DbConn) -> QueryResult<()> {
        self.all.iter_mut().try_for_each(|(_, memory)| memory.flush(conn))
    }

    pub(super) fn committed(&mut self) {
        self.all.iter_mut().for_each(|(_, memory)| memory.committed());
    }

    pub(super) fn rolled_back(&mut self) {
        self.all.iter_mut().for_each(|(_, memory)| memory.rolled_back());
    }
}

/// Reads in what a batch will ask for, and locks whose it is; see [`Scope`]. Runs first in each batch on a server.
pub type Warm = fn(&mut WriteTx<'_>, &[Scope]) -> Result<(), Error>;

/// Proof of an open write transaction. Ledger operations take one, and only the lane and [`immediately`] make them, so
/// "outside a transaction" does not compile.
pub struct WriteTx<'a> {
    conn: &'a mut DbConn,
    memories: &'a mut Memories,
    wrote: bool,
    announced: bool,
}

impl<'a> WriteTx<'a> {
    pub(super) fn new(conn: &'a mut DbConn, memories: &'a mut Memories) -> Self {
        Self { conn, memories, wrote: false, announced: false }
    }

    /// Whether anything was written through this proof.
    pub(super) fn wrote(&self) -> bool {
        self.wrote
    }

    /// Lets those who wait with [`super::Db::news`] look again after the commit.
    pub fn announce(&mut self) {
        self.announced = true;
    }

    /// Whether somebody outside waits for what was written.
    pub(super) fn announced(&self) -> bool {
        self.announced
    }

    /// Adds a row to those inserted before the commit.
    pub fn stage<R: Row>(&mut self, row: R) {
        self.wrote = true;
        self.memories.get(|| Staged::<R> { rows: Vec::new() }).rows.push(row);
    }

    /// A memory, and the connection for what it does not remember. Rows that wait to be inserted are not visible on this
    /// connection: the memory must know them.
    pub fn memory<M: Memory + Default>(&mut self) -> (&mut M, &mut DbConn) {
        (self.memories.get(M::default), self.conn)
    }

    /// The connection as it stands, without the rows that wait to be inserted: for tables whose rows never wait.
    pub fn written(&mut self) -> &mut DbConn {
        self.conn
    }

    /// The connection, to read: everything written so far is visible on it.
    ///
    /// # Errors
    ///
    /// When what waited could not be written.
    pub fn read(&mut self) -> QueryResult<&mut DbConn> {
        self.memories.flush(self.conn)?;
        Ok(self.conn)
    }

    /// The connection, to read tables whose rows never wait, or wait as rows of kind `R`. What else waits goes on waiting, so that it is
    /// written with more of its kind.
    ///
    /// # Errors
    ///
    /// When what waited could not be written.
    pub fn read_of<R: Row>(&mut self) -> QueryResult<&mut DbConn> {
        let waits = !self.memories.get(|| Staged::<R> { rows: Vec::new() }).rows.is_empty();
        if waits { self.read() } else { Ok(self.conn) }
    }

    /// The connection, to write to tables whose rows never wait, or wait as rows of kind `R`.
    ///
    /// # Errors
    ///
    /// When what waited could not be written.
    pub fn write_of<R: Row>(&mut self) -> QueryResult<&mut DbConn> {
        self.wrote = true;
        self.read_of::<R>()
    }

    /// The connection as it stands, to write to tables whose rows never wait.
    pub fn writing(&mut self) -> &mut DbConn {
        self.wrote = true;
        self.conn
    }

    /// The next number for a row of a table.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub fn next_number(&mut self, of: Numbered) -> QueryResult<i64> {
        next_number(self.read()?, of)
    }

    /// The next numbers for rows of a table, ascending.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub fn next_numbers(&mut self, of: Numbered, count: usize) -> QueryResult<Vec<i64>> {
        next_numbers(self.read()?, of, count)
    }

    /// The connection, to write: everything written so far is visible on it.
    ///
    /// # Errors
    ///
    /// When what waited could not be written.
    pub fn conn(&mut self) -> QueryResult<&mut DbConn> {
        self.wrote = true;
        self.read()
    }
}

impl WriteTx<'_> {
    /// Runs `work` as a write of its own inside this one, and takes back whatever it wrote. It remembers nothing of what came before, as
    /// after a start. For checks that walk through everything that can happen from one state of the books.
    ///
    /// # Errors
    ///
    /// What the database says; then nothing more can be done in this transaction.
    pub fn supposing<T>(&mut self, work: impl FnOnce(&mut WriteTx<'_>) -> T) -> QueryResult<T> {
        self.read()?.batch_execute("SAVEPOINT supposed")?;
        let mut memories = Memories::default();
        let found = work(&mut WriteTx::new(self.conn, &mut memories));
        self.conn.batch_execute("ROLLBACK TO SAVEPOINT supposed; RELEASE SAVEPOINT supposed")?;
        Ok(found)
    }
}

/// How often a command's write is run before it gives way to others.
const TRIES: u32 = 8;

/// Runs `work` in a write transaction of its own on `conn`: for commands that run beside or without a service. Where others write to
/// the same books, it may run several times, until nobody else was first.
///
/// # Errors
///
/// What `work` returned, or what the database says; nothing is written then.
pub fn immediately<T, E: FromDatabase>(
    conn: &mut DbConn,
    mut work: impl FnMut(&mut WriteTx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    for _ in 1..TRIES {
        match in_transaction(conn, &mut work) {
            Err(Ended::Beaten) => {}
            Err(Ended::With(error)) => return Err(error),
            Ok(value) => return Ok(value),
        }
    }
    in_transaction(conn, &mut work).map_err(|ended| match ended {
        Ended::With(error) => error,
        Ended::Beaten => E::from(diesel::result::Error::RollbackTransaction),
    })
}

/// An error that may carry what the database said.
pub trait FromDatabase: From<diesel::result::Error> {
    /// What the database said, if it was the database.
    fn database(&self) -> Option<&diesel::result::Error>;
}

impl FromDatabase for diesel::result::Error {
    fn database(&self) -> Option<&diesel::result::Error> {
        Some(self)
    }
}

impl FromDatabase for Error {
    fn database(&self) -> Option<&diesel::result::Error> {
        match self {
            Error::Database(error) => Some(error),
            _ => None,
        }
    }
}

enum Ended<E> {
    /// Somebody else wrote the same row first.
    Beaten,
    With(E),
}

fn in_transaction<T, E: FromDatabase>(
    conn: &mut DbConn,
    work: &mut impl FnMut(&mut WriteTx<'_>) -> Result<T, E>,
) -> Result<T, Ended<E>> {
    begin(conn).map_err(|error| Ended::With(error.into()))?;
    let mut memories = Memories::default();
    let worked = work(&mut WriteTx::new(conn, &mut memories));
    let result = worked.and_then(|value| memories.flush(conn).map(|()| value).map_err(E::from));
    let result = match result {
        Ok(value) => commit(conn).map(|()| value).map_err(E::from),
        Err(error) => {
            rollback(conn);
            Err(error)
        }
    };
    result.map_err(|error| if conn.is_shared() && is_beaten(&error) { Ended::Beaten } else { Ended::With(error) })
}

fn is_beaten(error: &impl FromDatabase) -> bool {
    use diesel::result::DatabaseErrorKind::{SerializationFailure, UniqueViolation};
    let said = error.database();
    matches!(said, Some(diesel::result::Error::DatabaseError(UniqueViolation | SerializationFailure, _)))
}

/// Opens a transaction that has the write lock from its start (threats DUR-10); a server has locks of rows.
pub(super) fn begin(conn: &mut DbConn) -> QueryResult<()> {
    match conn {
        DbConn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"),
        DbConn::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN"),
    }
}

pub(super) fn commit(conn: &mut DbConn) -> QueryResult<()> {
    DbConn::commit_transaction(conn)
}

/// Runs `work` in a transaction that only reads, and sees the books as they are at one moment, whoever writes meanwhile. In a transaction
/// that is open already it sees the books as that one does.
///
/// # Errors
///
/// What `work` returned, or what the database says.
pub fn snapshot<T, E: From<diesel::result::Error>>(
    conn: &mut DbConn,
    work: impl FnOnce(&mut DbConn) -> Result<T, E>,
) -> Result<T, E> {
    if is_open(conn) {
        return work(conn);
    }
    match conn {
        DbConn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN")?,
        DbConn::Postgres(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        }
    }
    match work(conn) {
        Ok(value) => commit(conn).map(|()| value).map_err(E::from),
        Err(error) => {
            rollback(conn);
            Err(error)
        }
    }
}

/// Whether a transaction is open. A broken one is none: beginning another says what is wrong.
fn is_open(conn: &mut DbConn) -> bool {
    let status = match conn {
        DbConn::Sqlite(conn) => AnsiTransactionManager::transaction_manager_status_mut(conn),
        DbConn::Postgres(conn) => AnsiTransactionManager::transaction_manager_status_mut(conn),
    };
    status.transaction_depth().is_ok_and(|depth| depth.is_some())
}

/// Gives up the open transaction. A failure here must not hide the one that led to it, so it is only logged.
pub(super) fn rollback(conn: &mut DbConn) {
    if let Err(error) = DbConn::rollback_transaction(conn) {
        log::warn!("database: rollback after a failure failed too: {error}");
    }
}
