//! Moves the write-ahead log into the database file from a thread of its own, so that no commit waits for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::OpenError;
use super::sqlite::connect;

/// Too long and the log grows past what one checkpoint moves quickly; too short and pages are written more often than needed.
const PERIOD: Duration = Duration::from_millis(200);

/// From this many pages of 4 KiB on the log is begun anew. A log that only grows costs more: a sync of new blocks takes twice as long as one
/// of blocks that are there, and the system has to find memory for each. A shorter log stops the writer more often.
const BEGIN_ANEW: i32 = 8_000;

/// The log is not begun anew while a reader keeps more pages than these in it: they cannot be moved now, and the writer would stand still for
/// nothing.
const KEPT_BY_READERS: i32 = 600;

/// Writes are refused from this many pages of 4 KiB on, so that a reader that never ends cannot fill the disk (threats DUR-14).
const MOST_PAGES: i32 = 60_000;

/// The checkpoint thread. Dropping it ends the thread.
pub(super) struct Checkpoints {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    pressure: Arc<AtomicBool>,
}

impl Checkpoints {
    pub(super) fn start(path: &Path) -> Result<Self, OpenError> {
        let mut conn = connect(path)?;
        conn.batch_execute(PATIENCE).map_err(|error| OpenError(format!("{}: {error}", path.display())))?;
        let (stop, stopped) = channel();
        let pressure = Arc::new(AtomicBool::new(false));
        let shared = pressure.clone();
        let run = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PERIOD) {
                step(&mut conn, &shared, MOST_PAGES);
            }
        };
        let spawned = std::thread::Builder::new().name("checkpoint".into()).spawn(run);
        let thread = spawned.map_err(|error| OpenError(format!("cannot start the checkpoint thread: {error}")))?;
        Ok(Self { stop: Some(stop), thread: Some(thread), pressure })
    }

    /// Whether the log has grown so far that writes must wait for readers to end.
    pub(super) fn pressure(&self) -> Arc<AtomicBool> {
        self.pressure.clone()
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

/// While the log is begun anew the writer waits, so nobody else is waited for long.
const PATIENCE: &str = "PRAGMA busy_timeout = 20";

#[derive(QueryableByName)]
struct Progress {
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

fn step(conn: &mut SqliteConnection, pressure: &AtomicBool, most_pages: i32) {
    match moved(conn) {
        Ok(progress) => {
            let full = progress.left() > most_pages;
            if pressure.swap(full, Ordering::Relaxed) != full {
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

/// Moves what is in the log. Once it is long, also what comes meanwhile, so that the next commit begins at its start.
fn moved(conn: &mut SqliteConnection) -> QueryResult<Progress> {
    let progress = checkpoint(conn, "PASSIVE")?;
    if progress.log < BEGIN_ANEW {
        return Ok(progress);
    }
    // Once more for what came meanwhile, so that the writer stands still for little: some milliseconds.
    let progress = checkpoint(conn, "PASSIVE")?;
    // With somebody who reads an older state it cannot be done now; then it is as if it had not been tried.
    if progress.left() <= KEPT_BY_READERS { checkpoint(conn, "FULL") } else { Ok(progress) }
}

fn checkpoint(conn: &mut SqliteConnection, mode: &str) -> QueryResult<Progress> {
    diesel::sql_query(format!("PRAGMA wal_checkpoint({mode})")).get_result(conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reader_stops_writes_before_the_log_fills_the_disk_and_its_end_lets_them_go_on() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("books.db");
        let (mut writer, mut reader) = (connect(&path).expect("opens"), connect(&path).expect("opens"));
        writer.batch_execute("CREATE TABLE filler (bytes BLOB)").expect("a table");
        let mut own = connect(&path).expect("opens");
        let pressure = AtomicBool::new(false);
        step(&mut own, &pressure, 50);
        assert!(!pressure.load(Ordering::Relaxed));

        reader.batch_execute("BEGIN; SELECT count(*) FROM filler").expect("a long read");
        writer.batch_execute("INSERT INTO filler VALUES (zeroblob(409600))").expect("a hundred pages");
        step(&mut own, &pressure, 50);
        assert!(pressure.load(Ordering::Relaxed), "the reader keeps the pages in the log");

        reader.batch_execute("COMMIT").expect("its end");
        step(&mut own, &pressure, 50);
        assert!(!pressure.load(Ordering::Relaxed));
    }

    #[test]
    fn the_log_stays_below_256_mb() {
        // What is refused comes one batch after the limit; a batch is far smaller than the rest.
        assert!(i64::from(MOST_PAGES) * (4096 + 24) < 256 * 1024 * 1024 - 8 * 1024 * 1024);
    }
}
