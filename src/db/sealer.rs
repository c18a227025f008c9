//! What follows every commit on a server: a thread that puts what was committed into its final order. Every instance has one; whoever
//! has the turn does it for all, so there is no leader to lose.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use super::connection::{DbConn, connect};
use super::lane::ends_soon;
use super::place::Place;
use super::turn::{Wait, take_turn};
use super::tx::{WriteTx, immediately};
use super::{Hooks, distrust};
use crate::error::Error;

/// The row that is locked while one instance seals.
const TURN: &str = "sealing";

/// How long at most what others committed, or what nobody announced, waits.
const TICK: Duration = Duration::from_millis(25);

/// How long to wait after the database failed.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// How long somebody waits to see what was committed before. An instance that stands still in the middle of its turn loses it in the
/// end; until then a reader sees a little less, never a gap.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a pass or a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// There is something to seal now.
    pub more: bool,
    /// The newest thing that can be read now: whoever waits for news compares it with what they knew.
    pub newest: i64,
}

/// Seals what is committed, once; runs in a transaction of its own, alone among all instances.
pub type Seal = fn(&mut WriteTx<'_>) -> Result<Sealed, Error>;

/// Whether something waits to be sealed, and what is the newest that can be read. Only looks.
pub type Look = fn(&mut DbConn) -> Result<Sealed, Error>;

/// The sealer of a process.
pub(super) struct Sealer {
    wake: Option<SyncSender<()>>,
    asked: Arc<AtomicU64>,
    done: watch::Receiver<u64>,
    horizon: Arc<AtomicI64>,
    thread: Option<JoinHandle<()>>,
}

impl Sealer {
    /// Starts sealing on a connection of its own. `news` is changed whenever there is something new to read.
    pub(super) fn start(
        place: Place,
        hooks: Hooks,
        news: Arc<watch::Sender<u64>>,
        distrusted: Arc<OnceLock<String>>,
    ) -> Self {
        let Hooks { look, seal, .. } = hooks;
        let (wake, woken) = sync_channel(1);
        let (tell, done) = watch::channel(0);
        let (asked, horizon) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicI64::new(0)));
        let (told, covered) = (asked.clone(), horizon.clone());
        let mut run =
            Run { place, conn: None, look, seal, news, asked: told, done: tell, horizon: covered, distrusted };
        let spawned = std::thread::Builder::new().name("sealer".into()).spawn(move || run.run(&woken));
        Self { wake: Some(wake), asked, done, horizon, thread: Some(spawned.expect("the system can start a thread")) }
    }

    /// There is something to seal.
    pub(super) fn wake(&self) {
        if let Some(wake) = &self.wake {
            let _it_is_awake_already = wake.try_send(());
        }
    }

    /// The newest thing that a commit of ours has covered.
    pub(super) fn horizon(&self) -> i64 {
        self.horizon.load(Ordering::SeqCst)
    }

    /// Waits until everything that was committed before can be read. Says whether it was in time.
    pub(super) async fn settle(&self) -> bool {
        let mine = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.wake();
        let mut done = self.done.clone();
        matches!(tokio::time::timeout(PATIENCE, done.wait_for(|done| *done >= mine)).await, Ok(Ok(_)))
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take().filter(ends_soon) {
            let _ended = thread.join();
        }
    }
}

struct Run {
    place: Place,
    conn: Option<DbConn>,
    look: Look,
    seal: Seal,
    news: Arc<watch::Sender<u64>>,
    asked: Arc<AtomicU64>,
    done: watch::Sender<u64>,
    horizon: Arc<AtomicI64>,
    distrusted: Arc<OnceLock<String>>,
}

impl Run {
    fn run(&mut self, woken: &Receiver<()>) {
        let mut failing = false;
        let mut pause = Duration::ZERO;
        loop {
            match woken.recv_timeout(pause) {
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            }
            pause = match self.pass() {
                Ok(true) => Duration::ZERO,
                Ok(false) => TICK,
                Err(error) => {
                    if !failing {
                        log::error!("database: commits cannot be sealed, trying again: {error}");
                    }
                    failing = true;
                    self.conn = None;
                    TRY_AGAIN
                }
            };
            if failing && self.conn.is_some() {
                log::info!("database: commits are sealed again");
                failing = false;
            }
        }
    }

    /// One pass. Says whether there is more to do at once.
    fn pass(&mut self) -> Result<bool, Error> {
        let asked = self.asked.load(Ordering::SeqCst);
        let wait = if asked > *self.done.borrow() { Wait::Yes } else { Wait::No };
        let conn = match &mut self.conn {
            Some(conn) => conn,
            None => self.conn.insert(connect(&self.place).map_err(|error| Error::NoConnection(error.to_string()))?),
        };
        let told = self.horizon.load(Ordering::SeqCst);
        if wait == Wait::No {
            // Most looks find nothing, and a transaction that locks the turn is a commit that the standby waits for too.
            let found = (self.look)(conn)?;
            if !found.more && found.newest == told {
                return Ok(false);
            }
        }
        let seal = self.seal;
        let sealed = immediately(conn, |tx| {
            if !take_turn(tx.conn()?, TURN, wait)? {
                return Ok(None);
            }
            seal(tx).map(Some)
        })?;
        // Somebody else has the turn: what they seal is looked for at the next tick.
        let Some(sealed) = sealed else { return Ok(false) };
        if sealed.newest < told {
            // What a commit of ours covered is gone: another server, or an older copy, answers under the address.
            let reason = format!("the log of events ends with {}, and {told} was told", sealed.newest);
            distrust(&self.distrusted, &reason);
            return Ok(false);
        }
        if sealed.newest != told {
            // The lock of the turn made this transaction one that writes, so its commit has waited for the standby.
            self.horizon.store(sealed.newest, Ordering::SeqCst);
            self.news.send_modify(|times| *times += 1);
        }
        if !sealed.more {
            self.done.send_replace(asked);
        }
        Ok(sealed.more)
    }
}
