//! Moves the write-ahead log into the database file from a thread of its own, beside the commits. Only the end of a long log is moved by the
//! writer, between two commits, and with it the file is synced, for that cannot be done while commits go on: somebody else would have to keep
//! the writer out meanwhile, and SQLite's way to wait for a lock is to sleep, longer each time.
//!
//! A checkpoint that the disk fails is not tried again: SQLite moves pages without a sync while some are left, counts them as moved, and syncs
//! with the last ones; when that sync fails, a system may have forgotten all of them (Linux does). The log is all there is then. Nothing more
//! is written to it, nobody begins it anew, its index is forgotten, which says what counts as moved, and the process ends: whoever opens the
//! file next moves everything once more.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use tokio::sync::{oneshot, watch};

use super::OpenError;
use super::connection::DbConn;
use super::lane::ends_soon;
use super::sqlite::{connect, with_end};

/// Too long and the log grows past what one checkpoint moves quickly; too short and pages are written more often than needed.
const PERIOD: Duration = Duration::from_millis(200);

/// How long the log may get, in pages of 4 KiB.
struct Bounds {
    /// From here on it is begun anew. A log that only grows costs more: a sync of new blocks takes twice as long as one of blocks that are
    /// there, and the system has to find memory for each. A shorter log gives the writer pages to move more often.
    anew: i32,
    /// From here on it is begun anew whatever it costs the writer: readers that come one upon the other kept it from being begun before.
    forced: i32,
    /// From here on nothing is written while a reader keeps pages in it: one that never ends cannot fill the disk (threats DUR-14).
    full: i32,
}

const BOUNDS: Bounds = Bounds { anew: 16_000, forced: 32_000, full: 48_000 };

/// The log is not begun anew while a reader keeps more pages than these in it: they cannot be moved now, and the writer would try for nothing.
const KEPT_BY_READERS: i32 = 600;

/// The checkpoint thread. Dropping it ends the thread.
pub(super) struct Checkpoints {
    wake: Option<Sender<oneshot::Sender<()>>>,
    thread: Option<JoinHandle<()>>,
    log: Arc<Log>,
}

/// What the checkpoint thread says of the log, to whoever writes.
#[derive(Default)]
pub(super) struct Log {
    is_full: AtomicBool,
    has_rest: AtomicBool,
    has_failed: watch::Sender<bool>,
}

impl Log {
    /// Whether the log has grown so far that writes must wait for readers to end.
    pub(super) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Whether the writer is to move the rest.
    pub(super) fn has_rest(&self) -> bool {
        self.has_rest.load(Ordering::Relaxed)
    }

    pub(super) fn set_rest(&self, has_rest: bool) {
        self.has_rest.store(has_rest, Ordering::Relaxed);
    }

    /// Whether the disk failed under a checkpoint: nothing more is written.
    pub(super) fn has_failed(&self) -> bool {
        *self.has_failed.borrow()
    }

    /// Ends when the disk fails under a checkpoint.
    pub(super) async fn failed(&self) {
        let heard = self.has_failed.subscribe().wait_for(|failed| *failed).await.is_ok();
        debug_assert!(heard, "the sender is here");
    }

    pub(super) fn not_moved(&self, error: &diesel::result::Error) {
        if !is_of_the_disk(error) {
            log::warn!("database: checkpoint failed, trying again: {error}");
        } else if !self.has_failed.send_replace(true) {
            log::error!("database: the disk failed under a checkpoint; nothing more is written: {error}");
        }
    }

    /// Moves what is left of a log that is to begin anew with the next commit. For the writer, between two commits.
    pub(super) fn move_rest(&self, conn: &mut DbConn) {
        let DbConn::Sqlite(conn) = conn else { return };
        if !self.has_rest() || self.has_failed() {
            return;
        }
        match checkpoint(conn, PASSIVE) {
            // The checkpoint thread is at it.
            Ok(progress) if progress.busy != 0 => {}
            Ok(_) => self.set_rest(false),
            Err(error) => {
                self.set_rest(false);
                self.not_moved(&error);
            }
        }
    }
}

impl Checkpoints {
    pub(super) fn start(path: &Path) -> Result<Self, OpenError> {
        let mut conn = connect(path)?;
        conn.batch_execute(PATIENCE).map_err(|error| OpenError(format!("{}: {error}", path.display())))?;
        let (wake, woken) = channel::<oneshot::Sender<()>>();
        let log = Arc::<Log>::default();
        let shared = log.clone();
        let run = move || {
            loop {
                let told = match woken.recv_timeout(PERIOD) {
                    Ok(told) => Some(told),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                if shared.has_failed() {
                    break;
                }
                step(&mut conn, &shared, &BOUNDS);
                told.map(|told| told.send(()));
            }
            if shared.has_failed() {
                // Whoever closes the file last moves the rest of the log and removes it: nobody may.
                std::mem::forget(conn);
            }
        };
        let spawned = std::thread::Builder::new().name("checkpoint".into()).spawn(run);
        let thread = spawned.map_err(|error| OpenError(format!("cannot start the checkpoint thread: {error}")))?;
        Ok(Self { wake: Some(wake), thread: Some(thread), log })
    }

    /// What there is to say of the log, now and later.
    pub(super) fn log(&self) -> Arc<Log> {
        self.log.clone()
    }

    /// Moves what can be moved now, without waiting for the next time.
    pub(super) async fn step(&self) {
        let (tell, told) = oneshot::channel();
        if self.wake.as_ref().is_some_and(|wake| wake.send(tell).is_ok()) {
            // No word: it has ended, for the disk has failed.
            let _moved = told.await;
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.wake.take());
        // A disk that fails may also let somebody wait for ever.
        if let Some(thread) = self.thread.take().filter(ends_soon) {
            let _ended = thread.join();
        }
    }
}

/// Makes everybody who opens the file from now on, and whoever has it open, find out from the log itself what is in it, and take nothing of it
/// for moved. The two copies of the index' header at its beginning are worth nothing after this (SQLite, WAL-mode File Format, 2.1).
///
/// For a process in which nobody writes any more, and that ends: with the handle the system drops its locks of the index.
///
/// # Errors
///
/// What the system says.
pub(super) fn forget_index(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().write(true).open(with_end(path, "-shm"))?.write_all(&[0; 2 * 48])
}

/// While the log is begun anew by force the writer waits, so nobody else is waited for long.
const PATIENCE: &str = "PRAGMA busy_timeout = 20";

/// Moves what nobody reads, and waits for nobody.
const PASSIVE: &str = "PASSIVE";
/// Waits for the writer and for readers of an older state, moves all and lets the next commit begin at the start.
const RESTART: &str = "RESTART";
/// Moves nothing: only says how it stands.
const NOOP: &str = "NOOP";

#[derive(QueryableByName)]
struct Progress {
    /// Not 0: somebody else is at it, or was waited for in vain.
    #[diesel(sql_type = Integer)]
    busy: i32,
    /// Pages in the log, moved ones too.
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
    match moved(conn, log, bounds) {
        Ok(progress) => {
            // With nothing left the next write may begin at the start, and only a write can.
            let full = progress.log > bounds.full && progress.left() > 0;
            if log.is_full.swap(full, Ordering::Relaxed) != full {
                if full {
                    log::error!("database: a long reader blocks checkpoints; writes are refused until it ends");
                } else {
                    log::info!("database: checkpoints move again; writes are accepted");
                }
            }
        }
        Err(error) => log.not_moved(&error),
    }
}

/// Whether the disk is to blame, and not its want of room, or somebody who has the file. SQLite has these words for all such errors.
fn is_of_the_disk(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, about) if about.message() == "disk I/O error")
}

/// Moves what is in the log. Once it is long, also what came meanwhile, so that little is left to the writer.
fn moved(conn: &mut SqliteConnection, log: &Log, bounds: &Bounds) -> QueryResult<Progress> {
    let mut progress = checkpoint(conn, PASSIVE)?;
    // With somebody who reads an older state the log cannot begin anew now; then it is as if it had not been tried.
    if progress.log > bounds.forced && progress.left() <= KEPT_BY_READERS {
        progress = checkpoint(conn, RESTART)?;
    } else if progress.log > bounds.anew {
        progress = checkpoint(conn, PASSIVE)?;
        log.set_rest(progress.busy == 0 && progress.left() <= KEPT_BY_READERS);
    }
    // Whoever else is at it, how it stands can be asked.
    if progress.busy == 0 { Ok(progress) } else { checkpoint(conn, NOOP) }
}

fn checkpoint(conn: &mut SqliteConnection, mode: &str) -> QueryResult<Progress> {
    diesel::sql_query(format!("PRAGMA wal_checkpoint({mode})")).get_result(conn)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Far from everything that a test writes.
    const FAR: Bounds = Bounds { anew: 100_000, forced: 100_000, full: 100_000 };
    const A_HUNDRED_PAGES: &str = "INSERT INTO filler VALUES (zeroblob(409600))";

    fn said(words: &str) -> diesel::result::Error {
        let kind = diesel::result::DatabaseErrorKind::Unknown;
        diesel::result::Error::DatabaseError(kind, Box::new(words.to_owned()))
    }

    /// What SQLite says when a call to the system failed.
    pub(in crate::db) fn of_the_disk() -> diesel::result::Error {
        said("disk I/O error")
    }

    /// A file with an empty table in it, and connections to it.
    fn connections<const N: usize>() -> (tempfile::TempDir, [SqliteConnection; N]) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("books.db");
        let mut connections = std::array::from_fn(|_| connect(&path).expect("opens"));
        connections[0].batch_execute("CREATE TABLE filler (bytes BLOB)").expect("a table");
        (directory, connections)
    }

    #[test]
    fn a_long_reader_stops_writes_before_the_log_fills_the_disk_and_its_end_lets_them_go_on() {
        let (_directory, [mut writer, mut reader, mut own]) = connections();
        let (log, bounds) = (Log::default(), Bounds { full: 150, ..FAR });
        writer.batch_execute(A_HUNDRED_PAGES).expect("written");
        reader.batch_execute("BEGIN; SELECT count(*) FROM filler").expect("a long read");
        step(&mut own, &log, &bounds);
        assert!(!log.is_full());

        // The reader keeps only these; what counts is how long the log gets.
        writer.batch_execute(A_HUNDRED_PAGES).expect("written");
        step(&mut own, &log, &bounds);
        assert!(log.is_full(), "the reader keeps pages in the log");

        reader.batch_execute("COMMIT").expect("its end");
        step(&mut own, &log, &bounds);
        assert!(!log.is_full());
    }

    #[test]
    fn a_long_log_of_which_nothing_is_left_refuses_no_write_for_only_a_write_can_begin_it_anew() {
        let (_directory, [mut writer, mut own]) = connections();
        let log = Log::default();
        writer.batch_execute(A_HUNDRED_PAGES).expect("written");

        step(&mut own, &log, &Bounds { full: 50, ..FAR });

        assert!(!log.is_full());
        writer.batch_execute("DELETE FROM filler").expect("the next commit");
        assert!(checkpoint(&mut own, NOOP).expect("a look").log < 50);
    }

    #[test]
    fn what_is_left_of_a_long_log_is_moved_by_the_writer_and_its_next_commit_begins_at_the_start() {
        let (_directory, [writer, mut own]) = connections();
        let (mut writer, log, bounds) = (DbConn::Sqlite(writer), Log::default(), Bounds { anew: 50, ..FAR });
        step(&mut own, &log, &bounds);
        assert!(!log.has_rest(), "a short log goes on");

        writer.batch_execute(A_HUNDRED_PAGES).expect("written");
        step(&mut own, &log, &bounds);
        assert!(log.has_rest());
        writer.batch_execute(A_HUNDRED_PAGES).expect("written before the writer looks");
        log.move_rest(&mut writer);
        assert!(!log.has_rest());
        writer.batch_execute("DELETE FROM filler").expect("the next commit");

        let progress = checkpoint(&mut own, NOOP).expect("a look");
        assert!(progress.log < 100, "{} pages", progress.log);
    }

    #[test]
    fn while_a_reader_keeps_much_of_the_log_the_writer_is_not_asked_to_move_it() {
        let (_directory, [mut writer, mut reader, mut own]) = connections();
        let (log, bounds) = (Log::default(), Bounds { anew: 50, forced: 100, ..FAR });
        reader.batch_execute("BEGIN; SELECT count(*) FROM filler").expect("a long read");
        writer.batch_execute("INSERT INTO filler VALUES (zeroblob(4096000))").expect("a thousand pages");

        step(&mut own, &log, &bounds);

        assert!(!log.has_rest());
        reader.batch_execute("COMMIT").expect("its end");
        step(&mut own, &log, &Bounds { forced: 100_000, ..bounds });
        assert!(log.has_rest());
    }

    #[test]
    fn a_log_that_readers_of_the_newest_state_keep_from_beginning_anew_does_so_by_force() {
        let (_directory, [mut writer, mut reader, mut own]) = connections();
        own.batch_execute(PATIENCE).expect("little patience");
        let (log, bounds) = (Log::default(), Bounds { anew: 50, forced: 80, ..FAR });
        writer.batch_execute(A_HUNDRED_PAGES).expect("written");
        reader.batch_execute("BEGIN; SELECT count(*) FROM filler").expect("a read of the newest state");
        step(&mut own, &log, &bounds);
        writer.batch_execute("DELETE FROM filler").expect("a commit beside the reader");
        assert!(checkpoint(&mut own, NOOP).expect("a look").log > 100, "it went on behind what was there");

        reader.batch_execute("COMMIT").expect("its end");
        step(&mut own, &log, &bounds);
        reader.batch_execute("BEGIN; SELECT count(*) FROM filler").expect("the next reader, before any write");
        writer.batch_execute("INSERT INTO filler VALUES (1)").expect("the next commit");

        assert!(checkpoint(&mut own, NOOP).expect("a look").log < 50);
    }

    #[test]
    fn after_its_index_was_forgotten_nothing_of_a_log_counts_as_moved() {
        let (directory, [mut writer, mut own]) = connections();
        writer.batch_execute(A_HUNDRED_PAGES).expect("written");
        let before = checkpoint(&mut own, PASSIVE).expect("moved");
        assert_eq!(before.left(), 0);

        forget_index(&directory.path().join("books.db")).expect("forgotten");

        let after = checkpoint(&mut own, NOOP).expect("a look");
        assert_eq!((after.log, after.checkpointed), (before.log, 0));
        let filled: i64 = diesel::sql_query("SELECT count(*) AS count FROM filler")
            .get_result::<Count>(&mut writer)
            .expect("reads")
            .count;
        assert_eq!(filled, 1);
    }

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }

    #[test]
    fn after_a_failed_checkpoint_the_writer_moves_nothing() {
        let (_directory, [writer, mut own]) = connections();
        let (mut writer, log) = (DbConn::Sqlite(writer), Log::default());
        log.set_rest(true);
        log.not_moved(&of_the_disk());

        log.move_rest(&mut writer);

        assert!(log.has_failed() && log.has_rest());
        assert_eq!(checkpoint(&mut own, NOOP).expect("a look").checkpointed, 0);
    }

    #[test]
    fn only_the_words_for_errors_of_the_disk_end_the_service() {
        for words in ["database or disk is full", "database is locked", "unable to open database file", ""] {
            let log = Log::default();
            log.not_moved(&said(words));
            assert!(!log.has_failed(), "{words}");
        }
    }

    #[test]
    fn the_log_stays_below_256_mb() {
        // Between two looks as many pages come as were ever seen in that time, twice.
        let (page, between_two_looks) = (4096 + 24, 2 * 8_000);
        assert!(i64::from(BOUNDS.full + between_two_looks) * page < 256 << 20);
    }
}
