//! The instances of croupier as processes: each with its ports and files, started again whenever it ends, as a supervisor would.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use croupier::simulate::server::CashierServer;

use crate::house;
use crate::options::Failure;
use crate::process::{last_lines, signal};
use crate::program::Program;

/// How long a supervisor waits before it starts a process again.
const PAUSE: Duration = Duration::from_millis(200);

/// One instance.
#[derive(Debug)]
pub struct Instance {
    pub number: usize,
    pub public: SocketAddr,
    pub private: SocketAddr,
    pub program: Program,
    child: Mutex<Option<Child>>,
    /// Whether the next end is our own doing.
    killed: AtomicBool,
    ending: AtomicBool,
    /// How often it gave up while it started, as when there is no database.
    pub gave_up: AtomicU64,
    /// Ends nobody asked for.
    pub ended_alone: Mutex<Vec<String>>,
}

impl Instance {
    /// Writes the files of an instance.
    pub fn new(
        number: usize,
        home: &Path,
        ports: [u16; 2],
        database: &str,
        cashiers: &[CashierServer],
    ) -> Result<Arc<Self>, Failure> {
        let home = home.join(format!("instance-{number}"));
        let binds = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let program = Program::new(home.clone(), &house::settings(binds, &home, database, cashiers))?;
        let [public, private] = binds;
        Ok(Arc::new(Self {
            number,
            public,
            private,
            program,
            child: Mutex::default(),
            killed: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            gave_up: AtomicU64::new(0),
            ended_alone: Mutex::default(),
        }))
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().expect("nobody panics while holding a process")
    }

    fn spawn(&self) -> Result<(), Failure> {
        *self.child() = Some(self.program.serve()?);
        Ok(())
    }

    /// Keeps it running until [`Instance::end`].
    pub fn supervise(self: &Arc<Self>) -> Result<(), Failure> {
        self.spawn()?;
        let instance = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                if instance.ending.load(Ordering::Relaxed) {
                    return;
                }
                if instance.has_ended() {
                    tokio::time::sleep(PAUSE).await;
                    if let Err(failure) = instance.spawn() {
                        instance.note_end(failure);
                        return;
                    }
                }
            }
        });
        Ok(())
    }

    /// Whether the process is gone. One that ended by itself after it was up is noted: an instance waits for its database.
    fn has_ended(&self) -> bool {
        let mut child = self.child();
        let Some(Ok(Some(status))) = child.as_mut().map(Child::try_wait) else { return false };
        *child = None;
        drop(child);
        if self.killed.swap(false, Ordering::Relaxed) {
            return true;
        }
        let end = last_lines(&self.program.log(), 6);
        if end.contains("public on http://") || status.code() != Some(2) {
            self.note_end(format!("instance {} ended by itself with {status}:\n{end}", self.number));
        } else {
            self.gave_up.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    fn note_end(&self, text: String) {
        self.ended_alone.lock().expect("nobody panics while noting").push(text);
    }

    /// SIGKILL; the supervisor starts it again.
    pub fn kill(&self) {
        let child = self.child();
        if let Some(child) = child.as_ref() {
            self.killed.store(true, Ordering::Relaxed);
            signal("CONT", &[child.id()]);
            signal("KILL", &[child.id()]);
        }
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, name: &str) {
        if let Some(child) = self.child().as_ref() {
            signal(name, &[child.id()]);
        }
    }

    /// An orderly stop, for good; its exit code.
    pub async fn end(&self) -> Option<i32> {
        self.ending.store(true, Ordering::Relaxed);
        self.signal("TERM");
        for _ in 0..800 {
            let ended = self.child().as_mut().map(Child::try_wait);
            match ended {
                Some(Ok(None)) => tokio::time::sleep(Duration::from_millis(50)).await,
                Some(Ok(Some(status))) => return status.code(),
                Some(Err(_)) | None => return None,
            }
        }
        self.kill();
        None
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(child) = self.child().as_mut() {
            let _it_may_be_gone = child.kill();
            let _collected = child.wait();
        }
    }
}
