//! The process that is killed: started, looked at until it answers, killed, stopped.

use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::door::{Call, Door};
use crate::options::Failure;
use crate::process::{last_lines, signal};
use crate::program::Program;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service whose process comes and goes.
#[derive(Debug)]
pub struct Service {
    pub program: Program,
    private: SocketAddr,
    child: Option<Child>,
    spawned: Instant,
}

impl Service {
    /// Prepares it; starts nothing.
    pub fn new(program: Program, private: SocketAddr) -> Self {
        Self { program, private, child: None, spawned: Instant::now() }
    }

    /// Starts the process and does not wait for it.
    pub fn spawn(&mut self) -> Result<(), Failure> {
        self.child = Some(self.program.serve()?);
        self.spawned = Instant::now();
        Ok(())
    }

    /// Waits until it serves, its books verified; how long that took from its start.
    pub async fn wait_until_ready(&mut self, door: &Door) -> Result<Duration, Failure> {
        let ready = Call::readiness();
        let mut told = String::new();
        while self.spawned.elapsed() < PATIENCE {
            // Cheaper than a request, and the listener comes when all else is there.
            if TcpStream::connect_timeout(&self.private, Duration::from_millis(100)).is_ok() {
                match door.once(&ready, 0, Duration::from_secs(5)).await {
                    Ok(answer) if answer.status == 200 => return Ok(self.spawned.elapsed()),
                    Ok(answer) => told = answer.shown(),
                    Err(undecided) => told = format!("{undecided:?}"),
                }
            }
            if self.has_ended()? {
                return Err(format!("it ended while it started:\n{}", self.end_of_log()));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Err(format!("it does not come up, {told}:\n{}", self.end_of_log()))
    }

    /// SIGKILL. Whether it hit a living process.
    pub fn kill(&mut self) -> Result<bool, Failure> {
        let Some(mut child) = self.child.take() else { return Ok(false) };
        let killed = |error: std::io::Error| format!("the process cannot be killed: {error}");
        let alive = child.try_wait().map_err(killed)?.is_none();
        child.kill().map_err(killed)?;
        child.wait().map_err(killed)?;
        Ok(alive)
    }

    /// SIGTERM.
    pub fn ask_to_stop(&self) {
        if let Some(child) = &self.child {
            signal("TERM", &[child.id()]);
        }
    }

    /// An orderly stop; its exit code, when it ends within 40 s.
    pub async fn stop(&mut self) -> Result<Option<i32>, Failure> {
        self.ask_to_stop();
        for _ in 0..4_000 {
            if self.has_ended()? {
                let status = self.child.take().map(|mut child| child.wait());
                return Ok(status.transpose().map_err(|error| error.to_string())?.and_then(|status| status.code()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(None)
    }

    /// Whether there is no process.
    pub fn has_ended(&mut self) -> Result<bool, Failure> {
        let Some(child) = &mut self.child else { return Ok(true) };
        child.try_wait().map(|ended| ended.is_some()).map_err(|error| format!("the process is out of sight: {error}"))
    }

    /// The last lines of the log, without those about requests that had to wait.
    pub fn end_of_log(&self) -> String {
        let log = self.program.log();
        let lines: Vec<&str> = log.lines().filter(|line| !line.contains(": answered 503")).collect();
        last_lines(&lines.join("\n"), 12)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _it_may_be_gone = self.kill();
    }
}
