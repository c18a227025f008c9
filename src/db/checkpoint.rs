//! Moves the write-ahead log into the database file from a thread of its own, so that no commit waits for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::OpenError;
use super::connection::{DbConn, connect};

/// Too long and the log grows past what one checkpoint moves quickly; too short and pages are written more often than needed.
const PERIOD: Duration = Duration::from_millis(200);

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
        let (stop, stopped) = channel();
        let pressure = Arc::new(AtomicBool::new(false));
        let shared = pressure.clone();
        let run = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PERIOD) {
                step(&mut conn, &shared);
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

#[derive(QueryableByName)]
struct Progress {
    #[diesel(sql_type = Integer)]
    log: i32,
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

fn step(conn: &mut DbConn, pressure: &AtomicBool) {
    match diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result::<Progress>(conn) {
        Ok(progress) => {
            let full = progress.log - progress.checkpointed > MOST_PAGES;
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
