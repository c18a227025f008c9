//! A lane on a server, where other lanes and other instances write to the same books.
//!
//! A batch is one transaction at READ COMMITTED. It begins with the locks of its players and ends with the lane's own row, which carries the batch's
//! name. What a conflict or a lost connection undid is run again, a bounded number of times. When a COMMIT gets no answer, the
//! lane's row says afterwards whether it happened (threats R5).

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DbError};
use tokio::sync::watch;

use super::job::{Job, Ran};
use super::next_batch;
use crate::db::connection::{DbConn, connect};
use crate::db::homes::refusal;
use crate::db::place::Place;
use crate::db::schema::lanes;
use crate::db::scope::Scope;
use crate::db::sealer::Sealer;
use crate::db::tx::{Memories, Warm, WriteTx, begin, commit, rollback};
use crate::error::Error;
use crate::ids::time_ordered;

/// How often a batch is run as a whole before each piece of it is run alone.
const TOGETHER: u32 = 2;

/// How often a piece is run alone before its caller is told to come back. Each time somebody else has committed, so a piece that
/// loses as often has many rivals.
const ALONE: u32 = 8;

/// What ran into nothing but its conflict for this long has waited for a lock that somebody does not give back: an instance that stands
/// still. A little less than the session's `lock_timeout`.
const BLOCKED: Duration = Duration::from_millis(900);

/// How long a lane tries to get a connection before those who wait are told to come back: long enough for a server that restarts or a
/// standby that takes over, shorter than callers wait.
const RECONNECT: Duration = Duration::from_secs(3);

/// How long it tries to find out whether a COMMIT happened. What is not known by then is told as unknown; the lane's next batch waits for
/// the same row, so nothing overtakes it.
const SETTLE: Duration = Duration::from_secs(20);

const TRY_AGAIN: Duration = Duration::from_millis(50);

/// When the row of a lane whose process is long gone is taken away, in microseconds: a day.
const FORGOTTEN: i64 = 24 * 3600 * 1_000_000;

/// Runs what waits, a batch in one transaction.
pub(super) struct Writer {
    id: String,
    place: Place,
    conn: Option<DbConn>,
    warm: Warm,
    committed: Committed,
    batches: u64,
    /// Since when the server cannot be reached.
    gone_since: Option<Instant>,
}

/// Whom a commit concerns.
pub(super) struct Committed {
    /// Counts commits that somebody waits for.
    pub announce: watch::Sender<u64>,
    /// Puts what was committed into its order.
    pub sealer: Arc<Sealer>,
}

/// How a batch went.
enum Attempt {
    Committed,
    /// Nothing of it was kept: a piece of it failed for reasons of its own, which it knows.
    Failed,
    /// Nothing of it was kept: somebody else was first. It may go through when it is run again.
    Conflict(DbError),
    /// Nothing of it was kept: a lock was not to be had.
    Blocked(DbError),
    /// Nothing of it was kept: the connection was lost.
    Lost(DbError),
    /// There is no connection.
    NotBegun,
    /// Nobody knows whether it was kept.
    Unknown,
}

impl Writer {
    pub(super) fn new(id: String, place: Place, warm: Warm, committed: Committed) -> Self {
        Self { id, place, conn: None, warm, committed, batches: 0, gone_since: None }
    }

    pub(super) fn run(&mut self, waiting: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = waiting.recv() {
            let batch = next_batch(first, waiting);
            let ran = catch_unwind(AssertUnwindSafe(|| self.batch(batch)));
            if ran.is_err() {
                log::error!("database: a batch panicked outside its writes");
                self.conn = None;
            }
            if self.gone_since.is_some() {
                // What came meanwhile has waited too; another whole wait would be too long for its callers.
                while let Ok(job) = waiting.try_recv() {
                    job.answer(Some(Error::Busy));
                }
            }
        }
    }

    fn batch(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        // Whoever has stopped waiting has been told that nobody knows: what has not begun by then had better not begin.
        jobs.retain(|job| !job.is_abandoned());
        if jobs.len() > 1 {
            for _ in 0..TOGETHER {
                match self.attempt(&mut jobs) {
                    Attempt::Committed => return answer(jobs, || None),
                    Attempt::NotBegun => return answer(jobs, || Some(Error::Busy)),
                    Attempt::Unknown => return answer(jobs, || Some(unknown())),
                    Attempt::Failed | Attempt::Blocked(_) => break,
                    Attempt::Conflict(error) | Attempt::Lost(error) => {
                        log::info!("database: a batch of {} is run again: {error}", jobs.len());
                    }
                }
            }
        }
        let mut blocked: HashSet<Scope> = HashSet::new();
        for job in jobs {
            if blocked.contains(&job.scope().whose()) {
                job.answer(Some(Error::Busy));
            } else if let Some(scope) = self.alone(job) {
                blocked.insert(scope);
            }
        }
    }

    /// Runs one piece in a transaction of its own. Says whose it is when somebody else does not give them back.
    fn alone(&mut self, job: Box<dyn Job>) -> Option<Scope> {
        let scope = job.scope().whose();
        let mut jobs = vec![job];
        for round in 0..ALONE {
            match self.attempt(&mut jobs) {
                Attempt::Committed | Attempt::Failed => {
                    answer(jobs, || None);
                    return None;
                }
                Attempt::NotBegun => {
                    answer(jobs, || Some(Error::Busy));
                    return None;
                }
                Attempt::Unknown => {
                    answer(jobs, || Some(unknown()));
                    return None;
                }
                Attempt::Blocked(error) => {
                    log::warn!("database: a lock was not to be had, the caller is told to come back: {error}");
                    answer(jobs, || Some(Error::Busy));
                    return Some(scope);
                }
                Attempt::Conflict(error) | Attempt::Lost(error) => {
                    log::info!("database: a write is run again: {error}");
                }
            }
            // Rivals that meet do not meet again at once.
            let random = u64::from(getrandom::u32().unwrap_or(0) % 8);
            std::thread::sleep(Duration::from_millis(u64::from(round) * (1 + random)));
        }
        log::warn!("database: a write lost {ALONE} times to others and was given up");
        answer(jobs, || Some(Error::Busy));
        None
    }

    fn attempt(&mut self, jobs: &mut [Box<dyn Job>]) -> Attempt {
        if !self.connected() {
            return Attempt::NotBegun;
        }
        self.batches += 1;
        let batch = format!("{}:{}", self.batches, time_ordered());
        let conn = self.conn.as_mut().expect("connected above");
        let began = Instant::now();
        let ran = Self::transact(conn, &self.id, &batch, self.warm, jobs);
        let announced = match ran {
            Ok(announced) => announced,
            Err(Undone::Failed) => {
                rollback(conn);
                return Attempt::Failed;
            }
            Err(Undone::Because(error)) => {
                rollback(conn);
                return self.undone(error, began.elapsed());
            }
        };
        match commit(conn) {
            Ok(()) => {}
            Err(error @ DbError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => {
                rollback(conn);
                return Attempt::Conflict(error);
            }
            Err(error) => {
                log::warn!("database: a COMMIT has no answer, looking whether it happened: {error}");
                self.conn = None;
                match self.settle(&batch) {
                    Some(true) => {}
                    Some(false) => return Attempt::Lost(error),
                    None => {
                        log::error!("database: {} writes are not known to be durable: {error}", jobs.len());
                        return Attempt::Unknown;
                    }
                }
            }
        }
        if announced {
            self.committed.announce.send_modify(|commits| *commits += 1);
            self.committed.sealer.wake();
        }
        Attempt::Committed
    }

    fn transact(
        conn: &mut DbConn,
        lane: &str,
        batch: &str,
        warm: Warm,
        jobs: &mut [Box<dyn Job>],
    ) -> Result<bool, Undone> {
        let mut memories = Memories::default();
        begin(conn)?;
        let scopes: Vec<_> = jobs.iter().map(|job| job.scope().clone()).collect();
        warm(&mut WriteTx::new(conn, &mut memories), &scopes).map_err(because)?;
        let mut announced = false;
        for job in jobs.iter_mut() {
            let mut tx = WriteTx::new(conn, &mut memories);
            let ran = job.run(&mut tx);
            announced |= tx.announced();
            if ran == Ran::Failed {
                return Err(match job.failure() {
                    Some(Error::Database(error)) if fate(error) != Fate::Final => Undone::Because(copy(error)),
                    Some(_) | None => Undone::Failed,
                });
            }
        }
        memories.flush(conn)?;
        // Last, so that a transaction that the server has given up meanwhile cannot pass for a good one.
        mark(conn, lane, batch)?;
        Ok(announced)
    }

    fn undone(&mut self, error: DbError, after: Duration) -> Attempt {
        let healthy = |conn: &mut DbConn| conn.batch_execute("SELECT 1").is_ok();
        if fate(&error) == Fate::Again && self.conn.as_mut().is_some_and(healthy) {
            let unnamed = matches!(error, DbError::DatabaseError(DatabaseErrorKind::Unknown, _));
            return if unnamed && after >= BLOCKED { Attempt::Blocked(error) } else { Attempt::Conflict(error) };
        }
        if fate(&error) == Fate::Final {
            log::error!("database: a batch could not be written: {error}");
        }
        self.conn = None;
        Attempt::Lost(error)
    }

    /// Whether there is a connection; makes one where there is none.
    fn connected(&mut self) -> bool {
        if self.conn.is_some() {
            return true;
        }
        let patience = if self.gone_since.is_some() { Duration::ZERO } else { RECONNECT };
        let began = Instant::now();
        loop {
            match self.connect() {
                Ok(conn) => {
                    if let Some(since) = self.gone_since.take() {
                        log::info!("database: the server is back after {} s", since.elapsed().as_secs());
                    }
                    self.conn = Some(conn);
                    return true;
                }
                Err(error) if began.elapsed() >= patience => {
                    if self.gone_since.replace(self.gone_since.unwrap_or(began)).is_none() {
                        log::error!(
                            "database: the server cannot be reached, writes are refused until it is back: {error}"
                        );
                    }
                    return false;
                }
                Err(_) => std::thread::sleep(TRY_AGAIN),
            }
        }
    }

    /// A connection with the lane's row in place.
    fn connect(&self) -> Result<DbConn, String> {
        let mut conn = self.connect_again()?;
        let row = (lanes::id.eq(&self.id), lanes::batch.eq(""), lanes::at.eq(now()));
        let known: QueryResult<i64> = lanes::table.find(&self.id).count().get_result(&mut conn);
        if known.map_err(|error| error.to_string())? == 0 {
            diesel::insert_into(lanes::table).values(row).execute(&mut conn).map_err(|error| error.to_string())?;
            let old = lanes::table.filter(lanes::at.lt(now() - FORGOTTEN));
            diesel::delete(old).execute(&mut conn).map_err(|error| error.to_string())?;
        }
        Ok(conn)
    }

    /// A connection as it is found. A row that is gone says nothing about a commit.
    fn connect_again(&self) -> Result<DbConn, String> {
        let mut conn = connect(&self.place).map_err(|error| error.to_string())?;
        // The books may have been taken back, or a restore may be filling them, since this process started.
        if let Some(reason) = refusal(&mut conn).map_err(|error| error.to_string())? {
            return Err(reason);
        }
        Ok(conn)
    }

    /// Whether the batch was committed; `None` when nobody can say. The update waits for a transaction that still holds the row, and its
    /// own commit waits for the standby, so what is found committed is as durable as if its COMMIT had been answered.
    fn settle(&mut self, batch: &str) -> Option<bool> {
        let began = Instant::now();
        while began.elapsed() < SETTLE {
            if let Ok(mut conn) = self.connect_again() {
                match look(&mut conn, &self.id) {
                    Ok(last) => {
                        self.conn = Some(conn);
                        return Some(last == batch);
                    }
                    Err(error) => log::info!("database: not known yet whether a COMMIT happened: {error}"),
                }
            }
            std::thread::sleep(TRY_AGAIN);
        }
        None
    }
}

/// Why a transaction did not get as far as its COMMIT.
enum Undone {
    /// A piece of work failed, and knows why.
    Failed,
    /// The database did not do it.
    Because(DbError),
}

impl From<DbError> for Undone {
    fn from(error: DbError) -> Self {
        Undone::Because(error)
    }
}

fn because(error: Error) -> Undone {
    match error {
        Error::Database(error) => Undone::Because(error),
        other => Undone::Because(DbError::QueryBuilderError(other.to_string().into())),
    }
}

fn answer(jobs: Vec<Box<dyn Job>>, failure: impl Fn() -> Option<Error>) {
    jobs.into_iter().for_each(|job| job.answer(failure()));
}

fn unknown() -> Error {
    Error::Internal("the commit is not known to be durable".into())
}

/// Writes the batch's name into the lane's row. Every batch does, also one that writes nothing else: so its COMMIT waits for the
/// standby, and nothing it answers can be lost by a failover.
fn mark(conn: &mut DbConn, lane: &str, batch: &str) -> QueryResult<()> {
    let set = (lanes::batch.eq(batch), lanes::at.eq(now()));
    match diesel::update(lanes::table.find(lane)).set(set).execute(conn)? {
        1 => Ok(()),
        // Tidied away, or a copy of the books was put in their place.
        _ => {
            let row = (lanes::id.eq(lane), lanes::batch.eq(batch), lanes::at.eq(now()));
            diesel::insert_into(lanes::table).values(row).execute(conn).map(|_| ())
        }
    }
}

fn look(conn: &mut DbConn, lane: &str) -> QueryResult<String> {
    begin(conn)?;
    let last = diesel::update(lanes::table.find(lane))
        .set(lanes::at.eq(now()))
        .execute(conn)
        .and_then(|_| lanes::table.find(lane).select(lanes::batch).first(conn));
    match last {
        Ok(last) => commit(conn).map(|()| last),
        Err(error) => {
            rollback(conn);
            Err(error)
        }
    }
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// What an error says about running the same once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Somebody else was first, or may have been: run again, it sees what they did.
    Again,
    /// The connection or the server is gone, or is one that may not write: another one may.
    Lost,
    /// It would end the same way.
    Final,
}

/// Diesel knows the kinds that are named here; a deadlock, a lock that was not to be had and a server that shuts down come without one
/// and with a text in the server's language, so whatever has no kind is tried again, a bounded number of times.
fn fate(error: &DbError) -> Fate {
    match error {
        DbError::DatabaseError(kind, _) => match kind {
            DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::Unknown => Fate::Again,
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction => Fate::Lost,
            _ => Fate::Final,
        },
        DbError::BrokenTransactionManager | DbError::RollbackErrorOnCommit { .. } => Fate::Lost,
        _ => Fate::Final,
    }
}

/// The same error once more, in so far as its fate: a piece of work keeps its own.
fn copy(error: &DbError) -> DbError {
    let kind = match (fate(error), error) {
        (Fate::Again, DbError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            DatabaseErrorKind::UniqueViolation
        }
        (Fate::Again, _) => DatabaseErrorKind::Unknown,
        (Fate::Lost, _) => DatabaseErrorKind::ClosedConnection,
        (Fate::Final, _) => DatabaseErrorKind::CheckViolation,
    };
    DbError::DatabaseError(kind, Box::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: DatabaseErrorKind) -> DbError {
        DbError::DatabaseError(kind, Box::new("what the server says".to_owned()))
    }

    #[test]
    fn what_others_caused_is_run_again_and_what_is_wrong_is_not() {
        let of = |kind| fate(&error(kind));
        assert_eq!(of(DatabaseErrorKind::UniqueViolation), Fate::Again);
        assert_eq!(of(DatabaseErrorKind::SerializationFailure), Fate::Again);
        assert_eq!(of(DatabaseErrorKind::Unknown), Fate::Again);
        assert_eq!(of(DatabaseErrorKind::ClosedConnection), Fate::Lost);
        assert_eq!(of(DatabaseErrorKind::ReadOnlyTransaction), Fate::Lost);
        for wrong in [
            DatabaseErrorKind::CheckViolation,
            DatabaseErrorKind::NotNullViolation,
            DatabaseErrorKind::ForeignKeyViolation,
        ] {
            assert_eq!(of(wrong), Fate::Final);
        }
        assert_eq!(fate(&DbError::NotFound), Fate::Final);
        assert_eq!(fate(&DbError::BrokenTransactionManager), Fate::Lost);
    }

    #[test]
    fn a_copy_has_the_fate_of_its_original() {
        for original in [
            error(DatabaseErrorKind::UniqueViolation),
            error(DatabaseErrorKind::Unknown),
            error(DatabaseErrorKind::UnableToSendCommand),
            error(DatabaseErrorKind::CheckViolation),
            DbError::BrokenTransactionManager,
            DbError::NotFound,
        ] {
            assert_eq!(fate(&copy(&original)), fate(&original), "{original}");
        }
    }
}
