//! Moves the write-ahead log into the database file from a thread of its own, so that no commit waits for it. The last few pages of a long
//! log are moved by the writer, between two commits: somebody else would have to keep it out meanwhile, and SQLite's way to wait for a lock
//! is to sleep, longer each time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::OpenError;
use super::connection::DbConn;
use super::sqlite::connect;

/// Too long and the log grows past what one checkpoint moves quickly; too short and pages are written more often than needed.
const PERIOD: Duration = Duration::from_millis(200);

/// How long the log may get, in pages of 4 KiB.
struct Bounds {
    /// From here on it is begun anew. A log that only grows costs more: a sync of new blocks takes twice as long as one of blocks that are
    /// there, and the system has to find memory for each. A shorter log gives the writer pages to move more often.
    anew: i32,
    /// From here on writes are refused, so that a reader that never ends cannot fill the disk (threats DUR-14).
    full: i32,
}

const BOUNDS: Bounds = Bounds { anew: 24_000, full: 60_000 };

/// The log is not begun anew while a reader keeps more pages than these in it: they cannot be moved now, and the writer would try for nothing.
const KEPT_BY_READERS: i32 = 600;

/// The checkpoint thread. Dropping it ends the thread.
pub(super) struct Checkpoints {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    log: Arc<Log>,
}

/// What the checkpoint thread says of the log, to whoever writes.
#[derive(Default)]
pub(super) struct Log {
    is_full: AtomicBool,
    has_rest: AtomicBool,
}

impl Log {
    /// Whether the log has grown so far that writes must wait for readers to end.
    pub(super) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Moves what is left of a log that is to begin anew with the next commit. For the writer, between two commits.
    pub(super) fn move_rest(&self, conn: &mut DbConn) {
        let DbConn::Sqlite(conn) = conn else { return };
        if !self.has_rest.load(Ordering::Relaxed) {
            return;
        }
        match checkpoint(conn) {
            // The checkpoint thread is at it.
            Ok(progress) if progress.busy != 0 => {}
            Ok(_) => self.has_rest.store(false, Ordering::Relaxed),
            Err(error) => {
                self.has_rest.store(false, Ordering::Relaxed);
                log::warn!("database: the rest of the log was not moved, trying again: {error}");
            }
        }
    }
}

impl Checkpoints {
    pub(super) fn start(path: &Path) -> Result<Self, OpenError> {
        let mut conn = connect(path)?;
        let (stop, stopped) = channel();
        let log = Arc::<Log>::default();
        let shared = log.clone();
        let run = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PERIOD) {
                step(&mut conn, &shared, &BOUNDS);
            }
        };
        let spawned = std::thread::Builder::new().name("checkpoint".into()).spawn(run);
        let thread = spawned.map_err(|error| OpenError(format!("cannot start the checkpoint thread: {error}")))?;
        Ok(Self { stop: Some(stop), thread: Some(thread), log })
    }

    /// What there is to say of the log, now and later.
    pub(super) fn log(&self) -> Arc<Log> {
        self.log.clone()
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

#[derive(QueryableByName)]
struct Progress {
    #[diesel(sql_type = Integer)]
    busy: i32,
    #[diesel(sql_type = Integer)]
    log: i32,
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

impl Progress {
    /// Pages that are only in the log.
    fn left(&self) -> i32 {
        self.log - self.checkpointed
    }
}

fn step(conn: &mut SqliteConnection, log: &Log, bounds: &Bounds) {
    match moved(conn, log, bounds.anew) {
        Ok(progress) => {
            let full = progress.left() > bounds.full;
            if log.is_full.swap(full, Ordering::Relaxed) != full {
                if full {
                    log::error!("database: a long reader blocks checkpoints; writes are refused until it ends");
                } else {
                    log::info!("database: checkpoints move again; writes are accepted");
                }
            }
        }
        Err(error) => log::warn!("database: checkpoint failed, trying again: {error}"),
    }
}

/// Moves what is in the log. Once it is long, also what came meanwhile, so that little is left to the writer.
fn moved(conn: &mut SqliteConnection, log: &Log, anew: i32) -> QueryResult<Progress> {
    let progress = checkpoint(conn)?;
    if progress.log < anew {
        return Ok(progress);
    }
    let progress = checkpoint(conn)?;
    // With somebody who reads an older state it cannot be done now; then it is as if it had not been tried.
    if progress.left() <= KEPT_BY_READERS {
        log.has_rest.store(true, Ordering::Relaxed);
    }
    Ok(progress)
}

/// Moves what nobody reads, without waiting for anybody.
fn checkpoint(conn: &mut SqliteConnection) -> QueryResult<Progress> {
    diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result(conn)
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;

    use super::*;

    #[test]
    fn a_long_reader_stops_writes_before_the_log_fills_the_disk_and_its_end_lets_them_go_on() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("books.db");
        let (mut writer, mut reader) = (connect(&path).expect("opens"), connect(&path).expect("opens"));
        writer.batch_execute("CREATE TABLE filler (bytes BLOB)").expect("a table");
        let mut own = connect(&path).expect("opens");
        let (log, bounds) = (Log::default(), Bounds { anew: 1000, full: 50 });
        step(&mut own, &log, &bounds);
        assert!(!log.is_full());

        reader.batch_execute("BEGIN; SELECT count(*) FROM filler").expect("a long read");
        writer.batch_execute("INSERT INTO filler VALUES (zeroblob(409600))").expect("a hundred pages");
        step(&mut own, &log, &bounds);
        assert!(log.is_full(), "the reader keeps the pages in the log");

        reader.batch_execute("COMMIT").expect("its end");
        step(&mut own, &log, &bounds);
        assert!(!log.is_full());
    }

    #[test]
    fn what_is_left_of_a_long_log_is_moved_by_the_writer_and_its_next_commit_begins_at_the_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("books.db");
        let (mut writer, mut own) = (DbConn::Sqlite(connect(&path).expect("opens")), connect(&path).expect("opens"));
        let (log, bounds) = (Log::default(), Bounds { anew: 50, full: 1000 });
        let fill = "INSERT INTO filler VALUES (zeroblob(409600))";
        writer.batch_execute("CREATE TABLE filler (bytes BLOB)").expect("a table");
        step(&mut own, &log, &bounds);
        assert!(!log.has_rest.load(Ordering::Relaxed), "a short log goes on");

        writer.batch_execute(fill).expect("a hundred pages");
        step(&mut own, &log, &bounds);
        assert!(log.has_rest.load(Ordering::Relaxed));
        writer.batch_execute(fill).expect("a hundred more, before the writer looks");
        log.move_rest(&mut writer);
        assert!(!log.has_rest.load(Ordering::Relaxed));
        writer.batch_execute("DELETE FROM filler").expect("the next commit");

        let progress = checkpoint(&mut own).expect("a look");
        assert!(progress.log < 100, "{} pages", progress.log);
    }

    #[test]
    fn while_a_reader_keeps_much_of_the_log_the_writer_is_not_asked_to_move_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("books.db");
        let (mut writer, mut reader) = (connect(&path).expect("opens"), connect(&path).expect("opens"));
        let mut own = connect(&path).expect("opens");
        writer.batch_execute("CREATE TABLE filler (bytes BLOB)").expect("a table");
        reader.batch_execute("BEGIN; SELECT count(*) FROM filler").expect("a long read");
        writer.batch_execute("INSERT INTO filler VALUES (zeroblob(4096000))").expect("a thousand pages");
        let (log, bounds) = (Log::default(), Bounds { anew: 50, full: 5000 });

        step(&mut own, &log, &bounds);

        assert!(!log.has_rest.load(Ordering::Relaxed));
        reader.batch_execute("COMMIT").expect("its end");
        step(&mut own, &log, &bounds);
        assert!(log.has_rest.load(Ordering::Relaxed));
    }

    #[test]
    fn the_log_stays_below_256_mb() {
        // What is refused comes one batch after the limit; a batch is far smaller than the rest.
        assert!(i64::from(BOUNDS.full) * (4096 + 24) < 256 * 1024 * 1024 - 8 * 1024 * 1024);
    }
}
